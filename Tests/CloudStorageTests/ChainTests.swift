import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import CloudStorage

/// A box's footage in a folder, as the uploader and the publisher put it there.
private struct Bucket {
    let bench: SpoolBench
    let folder: TemporaryFolder
    let store: FolderStore
    let key = FootageKey()
    let publisher: ChainPublisher
    let uploader: Uploader
    let box = "GH1"

    init() throws {
        bench = try SpoolBench()
        folder = try TemporaryFolder()
        store = FolderStore(root: folder.path)
        uploader = Uploader(spool: bench.spool, time: bench.time.source, logger: quiet)
        uploader.use(store)
        publisher = ChainPublisher(box: box, key: key, uploader: uploader, time: bench.time.source, logger: quiet)
    }

    /// Stores so many clips and publishes their links.
    func fill(_ clips: Int) async throws {
        for _ in 0..<clips { _ = try await bench.queueClip() }
        let running = Task { await uploader.run() }
        let done = await eventually {
            let waits = try? await bench.spool.index.database.read { try ClipRecord.filter(sql: "state <> 'stored'").fetchCount($0) }
            return waits == 0
        }
        running.cancel()
        _ = await running.value
        uploader.use(store)
        #expect(done)
        try await publisher.publish(to: store)
    }

    func verify(publicKey: String? = nil) async throws -> FootageFindings {
        try await FootageVerification(store: store, time: bench.time.source).run(box: box, publicKey: publicKey)
    }

    var objects: [String] {
        get async throws { try await store.list("").map(\.key).sorted() }
    }

    func path(_ key: String) -> String { folder.path + "/" + key }
    func read(_ key: String) -> Data { FileManager.default.contents(atPath: path(key)) ?? Data() }
    func write(_ data: Data, _ key: String) throws { try data.write(to: URL(fileURLWithPath: path(key))) }
}

@Suite struct ChainTests {
    @Test func footageThatIsWholeHasNoFindings() async throws {
        let bucket = try Bucket()
        try await bucket.fill(5)
        try await bucket.fill(3)
        let findings = try await bucket.verify(publicKey: bucket.key.publicText)
        #expect(findings.findings == [])
        #expect(findings.clips == 8)
        #expect(findings.links == 8)
        #expect(findings.channels == 1)
        #expect(findings.objects >= 16)
    }

    @Test func eachBitCounts() async throws {
        let bucket = try Bucket()
        try await bucket.fill(6)
        let objects = try await bucket.objects
        var random = SystemRandomNumberGenerator()
        let flips = Int(ProcessInfo.processInfo.environment["GATEHOUSE_BIT_FLIPS"] ?? "") ?? 60
        for _ in 0..<flips {
            let key = try #require(objects.randomElement(using: &random))
            let whole = bucket.read(key)
            let place = Int.random(in: 0..<whole.count, using: &random)
            let bit = Int.random(in: 0..<8, using: &random)
            var flipped = whole
            flipped[place] ^= 1 << bit
            try bucket.write(flipped, key)
            let findings = try await bucket.verify(publicKey: bucket.key.publicText)
            #expect(!findings.findings.isEmpty, "bit \(bit) of byte \(place) of \(key) was not missed")
            try bucket.write(whole, key)
        }
        #expect(try await bucket.verify().findings == [])
    }

    @Test func whatIsGoneIsMissed() async throws {
        let bucket = try Bucket()
        try await bucket.fill(4)
        for key in try await bucket.objects {
            let whole = bucket.read(key)
            try await bucket.store.delete(key)
            #expect(!(try await bucket.verify()).findings.isEmpty, "\(key) was not missed")
            try bucket.write(whole, key)
            // The date of an object that was put back is newer than the checkpoint; it is still one of the chain's.
            #expect(try await bucket.verify().findings == [])
        }
    }

    @Test func cutObjectsAreFound() async throws {
        let bucket = try Bucket()
        try await bucket.fill(3)
        for key in try await bucket.objects {
            let whole = bucket.read(key)
            for count in [0, 1, whole.count / 2, whole.count - 1] {
                try bucket.write(whole.prefix(count), key)
                #expect(!(try await bucket.verify()).findings.isEmpty, "\(key) with \(count) bytes was not missed")
            }
            try bucket.write(whole, key)
        }
    }

    @Test func swappedObjectsAreFound() async throws {
        let bucket = try Bucket()
        try await bucket.fill(2)
        try await bucket.fill(2)
        let objects = try await bucket.objects
        for one in objects {
            // Each with some others; all pairs would take the machine from the other tests.
            for other in objects.shuffled().prefix(3) where bucket.read(one) != bucket.read(other) {
                let (first, second) = (bucket.read(one), bucket.read(other))
                try bucket.write(second, one)
                try bucket.write(first, other)
                #expect(!(try await bucket.verify()).findings.isEmpty, "\(one) and \(other) changed places unnoticed")
                try bucket.write(first, one)
                try bucket.write(second, other)
            }
        }
    }

    /// An older state of the bucket's documents, put back: links at the end are gone, the checkpoint tells.
    @Test func aChainThatIsCutShortIsFound() async throws {
        let bucket = try Bucket()
        try await bucket.fill(2)
        let before = Set(try await bucket.objects)
        try await bucket.fill(2)
        for key in try await bucket.objects where !before.contains(key) { try await bucket.store.delete(key) }
        let findings = try await bucket.verify()
        #expect(findings.findings.map(\.kind).contains(.cut))
    }

    /// A whole channel taken out, and the bucket set back to an earlier day.
    @Test func whatIsTakenOutWholeIsMissed() async throws {
        let bucket = try Bucket()
        try await bucket.fill(2)
        let objects = try await bucket.objects
        for key in objects where !key.hasSuffix("/box.json") && !key.hasSuffix("/checkpoint.json") { try await bucket.store.delete(key) }
        #expect(try await bucket.verify().findings.map(\.kind) == [.cut])
    }

    @Test func aStoreThatWasSetBackIsStale() async throws {
        let bucket = try Bucket()
        try await bucket.fill(2)
        bucket.bench.time.advance(.seconds(86_400))
        #expect(try await bucket.verify().findings.map(\.kind) == [.stale])
        let retired = try await FootageVerification(store: bucket.store, isRunning: false, time: bucket.bench.time.source).run(
            box: bucket.box, publicKey: nil)
        #expect(retired.findings == [])
    }

    /// Links made while the record is published, and after the clock stepped back over midnight, follow on.
    @Test func theRecordFollowsAClockThatSteps() async throws {
        let bucket = try Bucket()
        try await bucket.fill(2)
        bucket.bench.time.advance(.seconds(90_000))
        try await bucket.fill(1)
        bucket.bench.time.jumpWall(by: -90_000)
        try await bucket.fill(2)
        bucket.bench.time.jumpWall(by: 90_000)
        try await bucket.fill(1)
        let findings = try await bucket.verify()
        #expect(findings.findings == [])
        #expect(findings.links == 6)
    }

    /// Another store gets a chain of its own, and the first goes on where it was when it comes back.
    @Test func eachStoreHasItsOwnChain() async throws {
        let bucket = try Bucket()
        try await bucket.fill(2)
        let folder = try TemporaryFolder()
        let other = FolderStore(root: folder.path)
        bucket.uploader.use(other)
        let clip = try await bucket.bench.queueClip()
        let running = Task { await bucket.uploader.run() }
        #expect(await eventually { (try? await bucket.bench.state(of: clip.id)) == .stored })
        running.cancel()
        _ = await running.value
        try await bucket.publisher.publish(to: other)
        let there = try await FootageVerification(store: other, time: bucket.bench.time.source).run(box: bucket.box, publicKey: nil)
        #expect(there.findings == [])
        #expect(there.links == 1)
        bucket.uploader.use(bucket.store)
        try await bucket.fill(1)
        let here = try await bucket.verify()
        #expect(here.findings == [])
        #expect(here.links == 3)
    }

    @Test func aCutChainIsNotGoneOnWith() async throws {
        let bucket = try Bucket()
        try await bucket.fill(2)
        let before = Set(try await bucket.objects)
        try await bucket.fill(1)
        for key in try await bucket.objects where !before.contains(key) && key.contains("/chain/") { try await bucket.store.delete(key) }
        let folder = try TemporaryFolder()
        let index = FootageIndex(database: try BoxDatabase(path: folder.path + "/box.sqlite"))
        let report = try await FootageRestore(store: bucket.store, index: index, time: bucket.bench.time.source).run(
            box: bucket.box, key: bucket.key)
        #expect(report.chains == 0)
        #expect(!report.faults.isEmpty)
        #expect(report.clips == 3)
        #expect(report.unattested == 1)
    }

    @Test func anotherKeyIsNotBelieved() async throws {
        let bucket = try Bucket()
        try await bucket.fill(1)
        let findings = try await bucket.verify(publicKey: FootageKey().publicText)
        #expect(findings.findings.map(\.kind) == [.unsigned])
    }

    @Test func whatNobodyStoredIsForeign() async throws {
        let bucket = try Bucket()
        try await bucket.fill(1)
        let key = "GH1/site/channel/2026/11/20/forged.mp4"
        try FileManager.default.createDirectory(
            atPath: (bucket.path(key) as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try bucket.write(Data("forged".utf8), key)
        try FileManager.default.setAttributes(
            [.modificationDate: bucket.bench.time.source.now().addingTimeInterval(-86_400)], ofItemAtPath: bucket.path(key))
        #expect(try await bucket.verify().findings.map(\.kind) == [.foreign])
    }

    @Test func aDayThatIsOverHasAnIndexInPlaceOfItsPieces() async throws {
        let bucket = try Bucket()
        try await bucket.fill(2)
        try await bucket.fill(2)
        bucket.bench.time.advance(.seconds(90_000))
        try await bucket.fill(1)
        let chain = try await bucket.objects.filter { $0.contains("/chain/") }
        #expect(chain.count == 2)
        #expect(chain.contains { $0.contains("/index-") })
        let findings = try await bucket.verify()
        #expect(findings.findings == [])
        #expect(findings.links == 5)
    }

    @Test func expiredFootageIsRightlyGone() async throws {
        let bucket = try Bucket()
        try await bucket.fill(3)
        try await bucket.bench.retention(bucket.uploader).sweep()
        bucket.bench.time.advance(.seconds(40 * 86_400))
        try await bucket.publisher.publish(to: bucket.store)
        try await bucket.bench.retention(bucket.uploader).sweep()
        let findings = try await bucket.verify()
        #expect(findings.findings == [])
        #expect(findings.expired == 3)
        #expect(findings.clips == 0)
    }

    @Test func aReplacedBoxKnowsWhatTheStoreHas() async throws {
        let bucket = try Bucket()
        try await bucket.fill(4)
        let folder = try TemporaryFolder()
        let index = FootageIndex(database: try BoxDatabase(path: folder.path + "/box.sqlite"))
        let restore = FootageRestore(store: bucket.store, index: index, time: bucket.bench.time.source)
        let report = try await restore.run(box: bucket.box, key: bucket.key)
        #expect(report.clips == 4)
        #expect(report.events == 4)
        #expect(report.chains == 1)
        #expect(report.damaged == [])
        let before = try await bucket.bench.spool.index.database.read { try ClipRecord.order(sql: "id").fetchAll($0) }
        let after = try await index.database.read { try ClipRecord.order(sql: "id").fetchAll($0) }
        #expect(after.map(\.manifest) == before.map(\.manifest))
        #expect(after.allSatisfy { $0.state == .stored && $0.expiresAt != nil })
        let chains = try await index.chains(place: bucket.store.identity).map(\.hash)
        #expect(chains == (try await bucket.bench.spool.index.chains(place: bucket.store.identity).map(\.hash)))
        let again = try await restore.run(box: bucket.box, key: bucket.key)
        #expect(again.clips == 0)
    }

    /// What is too new for the record is not vouched for.
    @Test func theVerdictSaysNoMoreThanWasCompared() {
        var findings = FootageFindings(box: "GH1")
        #expect(findings.verdict == "Everything is as the box stored it.")
        findings.pending = 3
        #expect(findings.verdict.hasPrefix("What the record tells of") && findings.verdict.contains("3 newer objects"))
        findings.note(.missing, "key", "It is not there.")
        #expect(findings.verdict == "1 findings")
    }
}
