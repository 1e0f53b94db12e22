public import Core
import Crypto
import Foundation
import NIOCore

/// A trial of a store with a small object: what an installer sees before trusting it.
public struct StorageTrial: Sendable {
    public struct Step: Sendable, Codable, Equatable {
        public let name: String
        public let ok: Bool
        public let sentence: String

        public init(name: String, ok: Bool, sentence: String) {
            self.name = name
            self.ok = ok
            self.sentence = sentence
        }
    }

    public var steps: [Step] = []
    public var uploadBytesPerSecond: Double?
    /// What a bucket can do, and a sentence for each ability; nothing of a folder.
    public var abilities: StoreAbilities?
    public var notes: [Step] = []
    public var ok: Bool { steps.allSatisfy(\.ok) }

    /// Writes, reads, overwrites (which must be refused) and deletes an object of 256 KiB.
    public static func run(_ store: any ObjectStore, box: String, time: TimeSource) async -> StorageTrial {
        var trial = StorageTrial()
        let data = Data((0..<262_144).map { _ in UInt8.random(in: .min ... .max) })
        let key = "\(box)/trial/\(ClipID.timeOrdered(at: time.now())).bin"
        let upload = ObjectUpload(
            key: key, content: .data(data), bytes: data.count, sha256: Sidecar.sha256(data), contentType: "application/octet-stream")
        let started = time.uptime()
        guard
            await trial.step(
                "write", "A test object was written.", { try await store.put(upload) { _ in } })
        else { return trial }
        let seconds = (time.uptime() - started).seconds
        trial.uploadBytesPerSecond = seconds > 0.0001 ? Double(data.count) / seconds : nil
        _ = await trial.step("read", "The test object was read back, unchanged.") {
            guard let info = try await store.head(key), info.bytes == data.count else {
                throw StoreError(.nonsense, "The storage took the object but does not have it.")
            }
            let received = BytesCollector()
            try await store.read(key, range: 0..<1024) { piece in await received.append(Data(piece.readableBytesView)) }
            guard await received.data == data.prefix(1024) else { throw StoreError(.corrupted, "The object came back changed.") }
        }
        _ = await trial.step("conditional", "The storage does not let an object be overwritten.") {
            do {
                try await store.put(upload) { _ in }
            } catch let error as StoreError where error.kind == .exists {
                return
            }
            throw StoreError(
                .nonsense, "The storage lets objects be overwritten; clips are safe all the same, for their names are never used twice.")
        }
        _ = await trial.step("delete", "The test object was removed.") { try await store.delete(key) }
        return trial
    }

    private mutating func step(_ name: String, _ sentence: String, _ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            steps.append(Step(name: name, ok: true, sentence: sentence))
            return true
        } catch {
            steps.append(Step(name: name, ok: false, sentence: (error as? StoreError)?.sentence ?? "\(error)"))
            return false
        }
    }
}

private actor BytesCollector {
    var data = Data()
    func append(_ more: Data) { data.append(more) }
}
