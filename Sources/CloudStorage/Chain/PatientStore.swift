import Core
import NIOCore

/// A store that is asked again where it fails in passing: a look of hours must not end with one lost answer.
struct PatientStore: ObjectStore {
    private static let attempts = 4

    private let store: any ObjectStore
    private let time: TimeSource

    init(_ store: any ObjectStore, time: TimeSource) {
        self.store = store
        self.time = time
    }

    var identity: String { store.identity }

    private func patiently<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        for attempt in 1..<Self.attempts {
            do {
                return try await body()
            } catch let error as StoreError where [.unreachable, .busy].contains(error.kind) {
                try await time.sleep(error.retryAfter ?? .seconds(attempt))
            }
        }
        return try await body()
    }

    func put(_ upload: ObjectUpload, progress: @escaping @Sendable (UploadProgress) -> Void) async throws {
        try await store.put(upload, progress: progress)
    }

    func head(_ key: String) async throws -> ObjectInfo? { try await patiently { try await store.head(key) } }

    /// Not asked again: pieces that were handed over cannot be taken back.
    func read(_ key: String, range: Range<Int>, to body: @Sendable (ByteBuffer) async throws -> Void) async throws {
        try await store.read(key, range: range, to: body)
    }

    func list(_ prefix: String) async throws -> [ListedObject] { try await patiently { try await store.list(prefix) } }

    func delete(_ key: String) async throws { try await store.delete(key) }

    func shutdown() async {}

    /// Reads whole objects, from the beginning where a reading broke off.
    func again<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result { try await patiently(body) }
}
