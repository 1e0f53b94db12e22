public import Core
import Foundation

/// Pictures that devices sent with their events; the oldest go when there are too many.
public struct EventPictures: Sendable {
    private static let limit = 2000
    private let folder: String
    private let queue = BlockingQueue(name: "event-pictures", background: true)

    public init(folder: String) throws {
        self.folder = folder
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    /// Keeps a picture; a lost one is no lost footage, so nothing is thrown.
    func keep(_ jpeg: [UInt8], of event: EventID) async {
        guard jpeg.count <= 4 << 20, jpeg.starts(with: [0xFF, 0xD8]) else { return }
        await queue.run { [folder] in
            try? Data(jpeg).write(to: URL(fileURLWithPath: "\(folder)/\(event).jpg"), options: .atomic)
            // Names begin with the time, so the first ones are the oldest.
            let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
            for name in names.dropLast(Self.limit) { try? FileManager.default.removeItem(atPath: folder + "/" + name) }
        }
    }

    /// The picture of an event.
    public func picture(of event: EventID) async -> [UInt8]? {
        await queue.run { [folder] in FileManager.default.contents(atPath: "\(folder)/\(event).jpg").map { Array($0) } }
    }

    public func exists(_ event: EventID) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder)/\(event).jpg")
    }
}
