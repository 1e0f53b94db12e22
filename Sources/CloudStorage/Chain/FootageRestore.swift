import BoxDatabase
public import Core
import Foundation
import GRDB

/// Rebuilds a box's rows of stored footage from the store alone.
public struct FootageRestore: Sendable {
    /// What was found.
    public struct Report: Sendable, Equatable {
        public var clips = 0
        public var events = 0
        public var gaps = 0
        /// Clips whose retention has ended.
        public var expired = 0
        /// Descriptions that cannot be read, or whose footage is not there.
        public var damaged: [String] = []
        /// Chains that this box goes on with.
        public var chains = 0
        /// Clips that no link names: younger than the last checkpoint, or not the box's.
        public var unattested = 0
        /// What is wrong with the chains; a box goes on with none of them then.
        public var faults: [String] = []
    }

    private static let atOnce = 16

    private let store: PatientStore
    private let index: FootageIndex
    private let time: TimeSource

    public init(store: any ObjectStore, index: FootageIndex, time: TimeSource) {
        self.store = PatientStore(store, time: time)
        self.index = index
        self.time = time
    }

    /// Reads the descriptions of all clips of `box`. With the key of that same box its chains go on; another begins its own.
    /// - Throws: `StoreError`, database errors.
    public func run(box: String, key: FootageKey?) async throws -> Report {
        var report = Report()
        let listed = try await store.list(box + "/").reduce(into: [String: ListedObject]()) { $0[$1.key] = $1 }
        let attested = try await takeUpChains(box, listed, key, &report)
        let descriptions = listed.values.filter { isDescription($0.key, box) }.sorted { $0.key < $1.key }
        for start in stride(from: 0, to: descriptions.count, by: Self.atOnce) {
            let some = Array(descriptions[start..<min(start + Self.atOnce, descriptions.count)])
            try await keep(try await rows(some, listed, attested, &report), &report)
        }
        return report
    }

    /// The rows of some clips; their descriptions are read at the same time.
    private func rows(_ objects: [ListedObject], _ listed: [String: ListedObject], _ attested: [String: String], _ report: inout Report)
        async throws -> [ClipRecord]
    {
        let texts = try await withThrowingTaskGroup(of: (ListedObject, Data).self) { group in
            for object in objects { group.addTask { (object, try await store.again { try await store.data(object) }) } }
            return try await group.reduce(into: [(ListedObject, Data)]()) { $0.append($1) }
        }
        var rows: [ClipRecord] = []
        for (object, data) in texts.sorted(by: { $0.0.key < $1.0.key }) {
            guard let manifest = try? GatehouseJSON.decoder.decode(ClipManifest.self, from: data), manifest.sidecarKey == object.key,
                let clip = manifest.clip, listed[manifest.objectKey]?.bytes == clip.bytes,
                attested[object.key].map({ $0 == Sidecar.sha256(data) }) ?? true
            else {
                report.damaged.append(object.key)
                continue
            }
            guard manifest.expiresAt > time.now() else {
                report.expired += 1
                continue
            }
            if attested[object.key] == nil { report.unattested += 1 }
            var row = ClipRecord(manifest: manifest, state: .stored, spoolBytes: 0)
            row.storedAt = object.modified
            row.expiresAt = manifest.expiresAt
            row.place = store.identity
            row.previewed = listed[manifest.thumbnailKey] != nil
            rows.append(row)
        }
        return rows
    }

    /// `<box>/<site>/<channel>/<yyyy>/<MM>/<dd>/<clip>.json`
    private func isDescription(_ key: String, _ box: String) -> Bool {
        key.hasSuffix(".json") && !key.hasPrefix(ChainKeys.folder(box)) && key.split(separator: "/").count == 7
    }

    private func keep(_ rows: [ClipRecord], _ report: inout Report) async throws {
        let (clips, events) = try await index.restore(rows)
        report.clips += clips
        report.events += events
    }

    /// Goes on with the chains where they are whole and this box's; answers the digests of objects that they name.
    private func takeUpChains(_ box: String, _ listed: [String: ListedObject], _ key: FootageKey?, _ report: inout Report) async throws
        -> [String: String]
    {
        var findings = FootageFindings(box: box)
        guard let object = listed[ChainKeys.box(box)],
            let document = try? GatehouseJSON.decoder.decode(
                BoxDocument.self, from: try await store.again { try await store.data(object) }),
            let publicKey = FootageKey.publicKey(document.publicKey)
        else {
            report.faults.append("The box's own document is missing or damaged.")
            return [:]
        }
        let chains = try await ChainReader(store: store, box: box, key: publicKey).read(
            listed.values.sorted { $0.key < $1.key }, &findings)
        var checkpoint: CheckpointDocument?
        if let object = listed[ChainKeys.checkpoint(box)] {
            let data = try await store.again { try await store.data(object) }
            checkpoint = try? SignedDocument<CheckpointDocument>.read(data, signedBy: publicKey)
        }
        if checkpoint == nil { findings.note(.cut, ChainKeys.checkpoint(box), "The checkpoint is missing or not as the box signed it.") }
        chains.compare(with: checkpoint, &findings)
        report.faults = findings.findings.map { "\($0.key): \($0.sentence)" }
        for (channel, entry) in chains.dropped { if try await index.restoreGap(channel, entry) { report.gaps += 1 } }
        if key?.publicText == document.publicKey, report.faults.isEmpty {
            for head in chains.heads {
                try await index.takeUp(head, place: store.identity)
                report.chains += 1
            }
        }
        return Dictionary(chains.entries.lazy.flatMap(\.objects).map { ($0.key, $0.sha256) }) { first, _ in first }
    }
}

extension FootageIndex {
    /// Inserts rows of stored clips that are not there yet, with their events; answers how many of each.
    func restore(_ rows: [ClipRecord]) async throws -> (clips: Int, events: Int) {
        try await database.write { database in
            var (clips, events) = (0, 0)
            for row in rows where try !row.exists(database) {
                try row.insert(database)
                clips += 1
                for event in row.manifest.events {
                    var record = EventRecord(event, channelId: row.channelId, channelName: row.channelName, clipId: row.id)
                    record.endedAt = row.startsAt.addingTimeInterval(row.manifest.footage?.duration ?? 0)
                    if try record.insertIfNew(database) { events += 1 }
                }
            }
            return (clips, events)
        }
    }

    /// Takes down the gap of a clip that was given up, unless it is there; answers whether it did.
    func restoreGap(_ channel: ChannelID, _ entry: ChainEntry) async throws -> Bool {
        let gap = GapRecord(
            channelId: channel, from: entry.startsAt, to: entry.startsAt.addingTimeInterval(entry.duration), bytes: nil,
            reason: entry.reason ?? "")
        return try await database.write { database in
            let known = GapRecord.filter(Column("channelId") == channel && Column("from") <= gap.from && Column("to") >= gap.to)
            guard try known.isEmpty(database) else { return false }
            var gap = gap
            try gap.insert(database)
            return true
        }
    }
}
