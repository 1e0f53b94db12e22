public import Core
public import Foundation

/// A press of the button on the box, or what stands for it: a file in the state folder that only who stands before the box, or has its shell, can make.
///
/// It lets one account's password be set anew with the set-up code, once, for ten minutes: the installer admin's, or that of whoever is named in a second file beside it.
public struct ResetPermit: Sendable {
    public static let lasts: TimeInterval = 600

    private let path: String
    private let time: TimeSource

    /// The file at `path`; it need not be there.
    public init(path: String, time: TimeSource) {
        self.path = path
        self.time = time
    }

    /// Who is named lies in a file of its own: the button alone never opens their account.
    private func file(for userName: String?) -> String { userName == nil ? path : path + ".user" }

    /// Presses the button, for the installer admin or for the account `userName`.
    public func give(for userName: String? = nil) throws {
        let file = file(for: userName)
        try Data((userName ?? "").utf8).write(to: URL(filePath: file), options: .atomic)
        // The box may run as another user than whoever is at its shell.
        try FileManager.default.setAttributes([.modificationDate: time.now(), .posixPermissions: 0o644], ofItemAtPath: file)
    }

    /// Whether it was pressed less than ten minutes ago for this account; nil for the installer admin.
    public func isGiven(for userName: String?) -> Bool {
        let file = file(for: userName)
        guard let date = (try? FileManager.default.attributesOfItem(atPath: file))?[.modificationDate] as? Date,
            abs(time.now().timeIntervalSince(date)) < Self.lasts
        else { return false }
        return userName.map { FileManager.default.contents(atPath: file) == Data($0.utf8) } ?? true
    }

    /// Uses it up.
    public func take(for userName: String?) { try? FileManager.default.removeItem(atPath: file(for: userName)) }
}
