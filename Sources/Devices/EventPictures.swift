public import Core
import Foundation
import Synchronization

/// Pictures that devices sent with their events; the oldest go when there are too many, or too large.
public final class EventPictures: Sendable {
    private struct Kept {
        var sizes: [EventID: Int] = [:]
        var bytes = 0
    }

    private static let picture = 4 << 20
    private let limit: Int
    private let folder: String
    private let queue = BlockingQueue(name: "event-pictures", background: true)
    private let kept = Mutex(Kept())

    /// - Parameter limit: Bytes that all pictures together may have.
    public init(folder: String, limit: Int = 256 << 20) throws {
        self.folder = folder
        self.limit = limit
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".jpg") {
            guard let id = EventID(String(name.dropLast(4))) else { continue }
            let size = try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.size] as? Int
            note(id, size: size ?? 0)
        }
    }

    private func path(_ event: EventID) -> String { "\(folder)/\(event).jpg" }

    private func note(_ event: EventID, size: Int) {
        kept.withLock { kept in
            kept.bytes += size - (kept.sizes.updateValue(size, forKey: event) ?? 0)
        }
    }

    /// The oldest that have no room any more: identifiers begin with the time.
    private func takeExcess() -> [EventID] {
        kept.withLock { kept in
            guard kept.bytes > limit else { return [] }
            var gone: [EventID] = []
            // Somewhat more than must, so that not each picture sorts them all.
            for (id, size) in kept.sizes.sorted(by: { $0.key.text < $1.key.text }) where kept.bytes > limit - limit / 8 {
                kept.sizes[id] = nil
                kept.bytes -= size
                gone.append(id)
            }
            return gone
        }
    }

    /// Keeps a picture; a lost one is no lost footage, so nothing is thrown.
    public func keep(_ jpeg: [UInt8], of event: EventID) async {
        guard jpeg.count <= Self.picture, jpeg.starts(with: [0xFF, 0xD8]) else { return }
        await queue.run { [self] in
            guard (try? Data(jpeg).write(to: URL(fileURLWithPath: path(event)), options: .atomic)) != nil else { return }
            note(event, size: jpeg.count)
            for old in takeExcess() { try? FileManager.default.removeItem(atPath: path(old)) }
        }
    }

    /// The picture of an event.
    public func picture(of event: EventID) async -> [UInt8]? {
        await queue.run { [self] in FileManager.default.contents(atPath: path(event)).map { Array($0) } }
    }

    public func exists(_ event: EventID) -> Bool {
        kept.withLock { $0.sizes[event] != nil }
    }
}
