public import Core
public import Foundation

/// A press of the button on the box, or what stands for it: a file in the state folder that only who stands before the box, or has its shell, can make.
///
/// It lets one account's password be set anew with the set-up code, once, for ten minutes: the installer admin's, or that of whoever is named in it.
public struct ResetPermit: Sendable {
    public static let lasts: TimeInterval = 600

    private let path: String
    private let time: TimeSource

    /// The file at `path`; it need not be there.
    public init(path: String, time: TimeSource) {
        self.path = path
        self.time = time
    }

    /// Presses the button, for the installer admin or for the account `userName`.
    public func give(for userName: String? = nil) throws {
        try Data((userName ?? "").utf8).write(to: URL(filePath: path), options: .atomic)
        try FileManager.default.setAttributes([.modificationDate: time.now()], ofItemAtPath: path)
    }

    /// Whether it was pressed less than ten minutes ago for this account; nil for the installer admin.
    public func isGiven(for userName: String?) -> Bool {
        guard FileManager.default.contents(atPath: path) == Data((userName ?? "").utf8),
            let date = (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
        else { return false }
        return abs(time.now().timeIntervalSince(date)) < Self.lasts
    }

    /// Uses it up.
    public func take() { try? FileManager.default.removeItem(atPath: path) }
}
