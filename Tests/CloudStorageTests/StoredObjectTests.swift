import Core
import Foundation
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import CloudStorage

/// A store that has one object and breaks off where it is told.
private struct BreakingStore: ObjectStore {
    let identity: String
    let bytes: [UInt8]
    /// Nothing of what lies behind is given.
    var breaksAt = Int.max
    var hangs = false
    let asked = Counter()

    func read(_ key: String, range: Range<Int>, to body: @Sendable (ByteBuffer) async throws -> Void) async throws {
        asked.next()
        if hangs {
            // Until the reader gives up.
            await Signal().wait()
            throw CancellationError()
        }
        for start in stride(from: range.lowerBound, to: min(range.upperBound, breaksAt), by: 10_000) {
            try await body(ByteBuffer(bytes: bytes[start..<min(start + 10_000, range.upperBound, breaksAt)]))
        }
        guard range.upperBound <= breaksAt else { throw StoreError(.unreachable, "\(identity) broke off") }
    }
    func put(_ upload: ObjectUpload, progress: @escaping @Sendable (UploadProgress) -> Void) async throws {}
    func head(_ key: String) async throws -> ObjectInfo? { nil }
    func list(_ prefix: String) async throws -> [ListedObject] { [] }
    func delete(_ key: String) async throws {}
    func shutdown() async {}
}

@Suite struct StoredObjectTests {
    private let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

    private func store(_ name: String, breaksAt: Int = .max) -> BreakingStore {
        BreakingStore(identity: name, bytes: bytes, breaksAt: breaksAt)
    }

    private func read(_ range: Range<Int>, from stores: [BreakingStore]) async throws -> [UInt8] {
        let found = Mutex<[UInt8]>([])
        try await StoredObject("clip.mp4", range: range, stores: stores, time: .system).open().read { piece in
            found.withLock { $0 += piece.readableBytesView }
        }
        return found.withLock { $0 }
    }

    @Test(arguments: [0, 1, 30_000, 32_768, 32_769, 60_001, 99_999])
    func whereTheFirstStoreBreaksOffTheSecondGoesOn(at place: Int) async throws {
        #expect(try await read(0..<bytes.count, from: [store("first", breaksAt: place), store("second")]) == bytes)
        #expect(try await read(5..<90_007, from: [store("first", breaksAt: place), store("second")]) == Array(bytes[5..<90_007]))
    }

    @Test func theStoreThatWasPassedOverIsAskedAgainForTheRest() async throws {
        let (first, second) = (store("first", breaksAt: 20_000), store("second", breaksAt: 50_000))
        await #expect(throws: StoreError.self) { try await read(0..<bytes.count, from: [first, second]) }
        #expect((first.asked.value, second.asked.value) == (2, 2))
        #expect(try await read(0..<40_000, from: [first, second]) == Array(bytes[..<40_000]))
    }

    @Test func whereNoneGivesTheFirstBytesTheErrorComesBeforeAnyOfThem() async throws {
        let object = StoredObject(
            "clip.mp4", range: 0..<10, stores: [store("first", breaksAt: 0), store("second", breaksAt: 0)], time: .system)
        await #expect {
            _ = try await object.open()
        } throws: { ($0 as? StoreError)?.sentence == "first broke off" }
    }

    @Test(.timeLimit(.minutes(1))) func aStoreThatHangsIsNotWaitedForAsLongAsItLikes() async throws {
        let time = ManualTime()
        // As long as the first store may take, once it is waited for.
        let stores: [any ObjectStore] = [BreakingStore(identity: "first", bytes: bytes, hangs: true), store("second")]
        let found = Counter()
        _ = try await concurrently {
            try await StoredObject("clip.mp4", range: 0..<10, stores: stores, time: time.source).open().read { found.add($0.readableBytes) }
        } _: {
            _ = await eventually { time.sleepers > 0 }
            time.advance(.seconds(20))
        }
        #expect(found.value == 10)
        // The store was asked, and given up by the clock that was passed in.
        #expect(stores.compactMap { ($0 as? BreakingStore)?.asked.value } == [1, 1])
    }
}
