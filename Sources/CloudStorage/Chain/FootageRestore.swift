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
    }

    private static let atOnce = 200

    private let store: any ObjectStore
    private let index: FootageIndex
    private let time: TimeSource

    public init(store: any ObjectStore, index: FootageIndex, time: TimeSource) {
        self.store = store
        self.index = index
        self.time = time
    }

    /// Reads the descriptions of all clips of `box`. With the key of that same box its chains go on; another begins its own.
    /// - Throws: `StoreError`, database errors.
    public func run(box: String, key: FootageKey?) async throws -> Report {
        var report = Report()
        let listed = try await store.list(box + "/").reduce(into: [String: ListedObject]()) { $0[$1.key] = $1 }
        var rows: [ClipRecord] = []
        for object in listed.values.sorted(by: { $0.key < $1.key }) where isDescription(object.key, box) {
            guard let manifest = try? GatehouseJSON.decoder.decode(ClipManifest.self, from: try await store.data(object)),
                manifest.sidecarKey == object.key, let clip = manifest.clip, listed[manifest.objectKey]?.bytes == clip.bytes
            else {
                report.damaged.append(object.key)
                continue
            }
            guard manifest.expiresAt > time.now() else {
                report.expired += 1
                continue
            }
            var row = ClipRecord(manifest: manifest, state: .stored, spoolBytes: 0)
            row.storedAt = object.modified
            row.expiresAt = manifest.expiresAt
            row.previewed = listed[manifest.thumbnailKey] != nil
            rows.append(row)
            if rows.count == Self.atOnce { try await keep(&rows, &report) }
        }
        try await keep(&rows, &report)
        try await takeUpChains(box, listed, key, &report)
        return report
    }

    /// `<box>/<site>/<channel>/<yyyy>/<MM>/<dd>/<clip>.json`
    private func isDescription(_ key: String, _ box: String) -> Bool {
        key.hasSuffix(".json") && !key.hasPrefix(ChainKeys.folder(box)) && key.split(separator: "/").count == 7
    }

    private func keep(_ rows: inout [ClipRecord], _ report: inout Report) async throws {
        let (clips, events) = try await index.restore(rows)
        report.clips += clips
        report.events += events
        rows = []
    }

    private func takeUpChains(_ box: String, _ listed: [String: ListedObject], _ key: FootageKey?, _ report: inout Report) async throws {
        var findings = FootageFindings(box: box)
        guard let object = listed[ChainKeys.box(box)],
            let document = try? GatehouseJSON.decoder.decode(BoxDocument.self, from: try await store.data(object)),
            let publicKey = FootageKey.publicKey(document.publicKey)
        else { return }
        let chains = try await ChainReader(store: store, box: box, key: publicKey).read(Array(listed.values), &findings)
        for entry in chains.entries where entry.kind == .dropped {
            let channel = chains.channel(of: entry.clip)
            guard let channel else { continue }
            try await index.put(
                GapRecord(
                    channelId: channel, from: entry.startsAt, to: entry.startsAt.addingTimeInterval(entry.duration), bytes: nil,
                    reason: entry.reason ?? ""))
            report.gaps += 1
        }
        guard key?.publicText == document.publicKey else { return }
        for head in chains.heads {
            try await index.takeUp(head)
            report.chains += 1
        }
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
}
