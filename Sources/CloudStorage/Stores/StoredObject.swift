public import Core
public import NIOCore
import Synchronization

/// An object that may lie in several stores: where one does not give it, the next one goes on from the byte that was reached.
public struct StoredObject: Sendable {
    /// What is read before anybody is told that there is something: small enough for a line that is nearly dead.
    static let firstBytes = 32 << 10
    /// A store that gives nothing for so long gives nothing to somebody who waits in front of a page.
    private static let patience = Duration.seconds(20)

    private let key: String
    private let range: Range<Int>
    private let stores: [any ObjectStore]
    private let time: TimeSource

    /// The bytes `range` of the object under `key`, which lies in each of `stores`; the likeliest to work comes first.
    public init(_ key: String, range: Range<Int>, stores: [any ObjectStore], time: TimeSource) {
        self.key = key
        self.range = range
        self.stores = stores
        self.time = time
    }

    /// An object of which the first bytes are here.
    public struct Opened: Sendable {
        fileprivate let object: StoredObject
        fileprivate let first: ByteBuffer
        /// The stores to read on from, the one that gave the first bytes before all others.
        fileprivate let stores: [any ObjectStore]

        /// Hands over all bytes, piece by piece.
        /// - Throws: `StoreError` of the store that was asked first, where none goes on; whatever `body` throws.
        public func read(to body: @escaping @Sendable (ByteBuffer) async throws -> Void) async throws {
            try await body(first)
            var rest = object.range.lowerBound + first.readableBytes..<object.range.upperBound
            var failure: (any Error)?
            for store in stores where !rest.isEmpty {
                let reached = Counter()
                do {
                    return try await store.read(object.key, range: rest) { piece in
                        reached.add(piece.readableBytes)
                        try await body(piece)
                    }
                } catch let error as StoreError {
                    failure = failure ?? error
                    // What was handed over is as it should be: a store that sends more is stopped before.
                    rest = rest.lowerBound + reached.value..<rest.upperBound
                }
            }
            if !rest.isEmpty, let failure { throw failure }
        }
    }

    /// Waits for the first bytes, so that whoever asks can still be told that there are none.
    /// - Throws: `StoreError` of the store that was asked first, where none gives them.
    public func open() async throws -> Opened {
        guard !range.isEmpty else { return Opened(object: self, first: ByteBuffer(), stores: []) }
        var failure: StoreError?
        for (number, store) in stores.enumerated() {
            do {
                let first = try await first(from: store)
                return Opened(object: self, first: first, stores: Array(stores[number...]) + stores[..<number])
            } catch let error as StoreError {
                failure = failure ?? error
            }
        }
        throw failure ?? StoreError(.gone, "No storage has it any more.")
    }

    private func first(from store: any ObjectStore) async throws -> ByteBuffer {
        let span = range.lowerBound..<min(range.upperBound, range.lowerBound + Self.firstBytes)
        return try await withThrowingTaskGroup(of: ByteBuffer.self) { group in
            group.addTask { [key] in
                let collected = Mutex(ByteBuffer())
                try await store.read(key, range: span) { piece in collected.withLock { _ = $0.writeImmutableBuffer(piece) } }
                return collected.withLock { $0 }
            }
            group.addTask { [time] in
                try await time.sleep(Self.patience)
                throw StoreError(.unreachable, "The storage gave nothing for \(Int(Self.patience.seconds)) s.")
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }
}
