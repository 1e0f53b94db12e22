public import Core
import Crypto
public import Foundation
public import Logging
import Synchronization

/// Brings the chains into the store: their new links every few minutes, each day's index once the day is over, and the checkpoint.
public final class ChainPublisher: Sendable {
    private struct State {
        /// When each store was last told how long the chains are.
        var checkpoints: [String: Date] = [:]
        /// The stores that have the box's document.
        var introduced: Set<String> = []
        /// Why a store does not take the record though it answers, and since when.
        var troubles: [String: Trouble] = [:]
    }

    /// What waiting does not mend.
    public struct Trouble: Sendable, Equatable {
        public let sentence: String
        public let since: Date
    }

    private let box: String
    private let key: FootageKey
    private let uploader: Uploader
    private let index: FootageIndex
    private let every: Duration
    private let former: @Sendable () -> [any ObjectStore]
    private let time: TimeSource
    private let logger: Logger
    private let state = Mutex(State())

    /// `box` is the serial number; `every` is the time between checkpoints; `former` are stores of before that still have footage.
    public init(
        box: String, key: FootageKey, uploader: Uploader, every: Duration = .seconds(300),
        former: @escaping @Sendable () -> [any ObjectStore] = { [] }, time: TimeSource, logger: Logger
    ) {
        self.box = box
        self.key = key
        self.uploader = uploader
        self.index = uploader.index
        self.every = every
        self.former = former
        self.time = time
        self.logger = logger
    }

    /// Base64 of the key that signs.
    public var publicKey: String { key.publicText }
    /// When the store at `place` was last told how long the chains are.
    public func lastCheckpoint(in place: String) -> Date? { state.withLock { $0.checkpoints[place] } }
    /// Why the store at `place` does not take the record of footage, where waiting does not mend it.
    public func trouble(in place: String) -> Trouble? { state.withLock { $0.troubles[place] } }
    /// How often it is told.
    public var interval: Duration { every }

    /// Publishes until cancelled: every so often, and at once where another store was set, so that it can be verified from the beginning.
    public func run() async {
        while !Task.isCancelled {
            await uploader.storesChanged.wait(atMost: every, time: time)
            guard !Task.isCancelled else { return }
            if let store = uploader.store, uploader.failure == nil { uploader.note(await attempt(store), of: store) }
            // A second store may have nothing else to do for weeks; that it does not work must not be found out when it is needed.
            if let store = uploader.secondStore { uploader.note(await attempt(store), of: store) }
            for store in former() { _ = await attempt(store) }
        }
    }

    private func attempt(_ store: any ObjectStore) async -> (any Error)? {
        do {
            try await publish(to: store)
            state.withLock { _ = $0.troubles.removeValue(forKey: store.identity) }
            return nil
        } catch {
            note(error, at: store.identity)
            logger.warning("the record of footage waits", metadata: ["reason": "\(error)"])
            return error
        }
    }

    /// A store that cannot be reached is told of elsewhere.
    private func note(_ error: any Error, at place: String) {
        guard let error = error as? StoreError, error.kind == .exists else { return }
        let now = time.now()
        state.withLock { $0.troubles[place] = Trouble(sentence: error.sentence, since: $0.troubles[place]?.since ?? now) }
    }

    /// Brings everything up that the store lacks of the chains. What fails does not keep the rest.
    /// - Throws: The first error.
    public func publish(to store: any ObjectStore) async throws {
        let place = store.identity
        if !state.withLock({ $0.introduced.contains(place) }) {
            let document = BoxDocument(box: box, publicKey: key.publicText)
            try await put(ChainKeys.box(box), GatehouseJSON.encoder.encode(document), to: store)
            state.withLock { _ = $0.introduced.insert(place) }
        }
        var failure: (any Error)?
        for segment in try await index.segments(box: box, place: place) {
            do { try await publish(segment, of: place, to: store) } catch {
                note(error, at: place)
                failure = failure ?? error
            }
        }
        for day in try await index.finishedDays(before: ChainKeys.day(time.now()), place: place) {
            do { try await finish(day, in: store) } catch {
                note(error, at: place)
                failure = failure ?? error
            }
        }
        let now = time.now()
        let heads = try await index.chains(place: place).filter { $0.publishedNumber > 0 }.map {
            CheckpointDocument.Head(channel: $0.channel, chain: $0.chain, number: $0.publishedNumber, hash: $0.publishedHash)
        }
        let checkpoint = CheckpointDocument(box: box, time: now, every: Int(every.seconds), heads: heads)
        try await put(ChainKeys.checkpoint(box), SignedDocument(checkpoint, key: key).data, replaces: true, to: store)
        state.withLock { $0.checkpoints[place] = now }
        if let failure { throw failure }
    }

    private func publish(_ segment: String, of place: String, to store: any ObjectStore) async throws {
        guard let document = try await index.document(segment: segment, box: box), let last = document.entries.last else { return }
        try await put(segment, SignedDocument(document, key: key).data, to: store)
        CrashPoint.reach("chain.segment")
        try await index.notePublished(segment: segment, last: last, of: document, place: place)
    }

    /// The day's index takes the place of its segments.
    private func finish(_ day: FootageIndex.FinishedDay, in store: any ObjectStore) async throws {
        guard let (document, segments) = try await index.document(day, box: box), let first = document.entries.first else { return }
        let name = ChainKeys.index(box, day.channel, day: day.day, chain: day.chain, first: first.number)
        try await put(name, SignedDocument(document, key: key).data, to: store)
        CrashPoint.reach("chain.index")
        try await index.forget(document)
        // What stays of them says the same.
        for segment in segments { try? await store.delete(segment) }
    }

    /// Puts a document and looks whether it is there; what lies under the key already must be the same.
    private func put(_ name: String, _ data: Data, replaces: Bool = false, to store: any ObjectStore) async throws {
        let digest = Sidecar.sha256(data)
        var upload = ObjectUpload(key: name, content: .data(data), bytes: data.count, sha256: digest, contentType: "application/json")
        upload.replaces = replaces
        try await uploader.governor.admit(data.count, of: .metadata)
        var taken = false
        do {
            try await store.put(upload) { [governor = uploader.governor] sent in governor.sent(sent.piece, overLine: store.usesUplink) }
        } catch let error as StoreError where error.kind == .exists {
            taken = true
        }
        // The next checkpoint takes the place of one that the store did not keep; links are forgotten here once they are there.
        guard !replaces else { return }
        guard let info = try await store.head(name) else {
            throw StoreError(.nonsense, "The storage took \(name) and does not have it. Is it really S3-compatible?")
        }
        guard info.bytes == data.count, info.sha256 == digest || info.sha256 == nil else {
            throw StoreError(
                .exists,
                taken
                    ? "Another object lies under \(name) in the storage; was it written by another box of the same name, or by this one before it was reset? Give it a bucket or a folder of its own."
                    : "The storage has another object under \(name) than it took.")
        }
    }
}
