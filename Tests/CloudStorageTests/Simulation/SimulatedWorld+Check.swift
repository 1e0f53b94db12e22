import BoxDatabase
import Core
import Crypto
import Foundation
import GRDB
import Synchronization

@testable import CloudStorage

extension Rehearsal {
    /// Nothing goes wrong; what blocks does so on the simulation's thread.
    static let quiet = Rehearsal(block: {}, write: { _ in 0 }, reach: { _ in })
}

// What must be so at the end of every run.
extension SimulatedWorld {
    /// What the rows say at the end.
    private struct Rows {
        var clips: [ClipID: ClipRecord] = [:]
        var gapReasons: [String] = []
        var places: [ClipID: [String]] = [:]
        /// Links of all chains.
        var links = 0
    }

    /// Runs the plan to its end; answers what is not as it must be.
    func run() -> [String] {
        defer { removeDisk() }
        do {
            try makeDisk()
            try machine.run { [self] in
                while true {
                    let life = try SimulatedLife(self, root: root, crash: state.withLock { plan.crashes.dropFirst($0.lives).first })
                    if try await life.live() { return try await Rehearsal.$current.withValue(.quiet) { try await check(life) } }
                }
            }
        } catch {
            complain("\(error)")
        }
        return state.withLock { $0.complaints }
    }

    private func check(_ life: SimulatedLife) async throws {
        state.withLock { $0.end = End(uptime: machine.uptime, steps: machine.steps) }
        let rows = try await life.index.database.read { database in
            var rows = Rows()
            for record in try ClipRecord.fetchAll(database, prepared: "SELECT * FROM clip") { rows.clips[record.id] = record }
            rows.gapReasons = try String.fetchAll(database, prepared: "SELECT reason FROM gap")
            for row in try Row.fetchAll(database, prepared: "SELECT place, json_extract(text, '$.clip') AS clip FROM chainEntry") {
                rows.places[row["clip"], default: []].append(row["place"])
            }
            rows.links = try Int.fetchOne(database, prepared: "SELECT COALESCE(sum(number), 0) FROM chain") ?? 0
            return rows
        }
        let stored = rows.clips.values.count { $0.state == .stored }
        if rows.links != stored { complain("\(stored) clips are stored, with \(rows.links) links") }
        if plan.publishes { try await checkRecord(life) }
        let recorded = state.withLock { $0.recorded.values.map { $0 } }
        for clip in recorded { check(clip, rows) }
        let stores = state.withLock { $0.stores }
        let known = Set(recorded.map(\.manifest.objectKey))
        for store in stores { check(store, known) }
        if !life.spool.isEmpty { complain("something is left in the spool") }
        if life.spool.bytes != 0 { complain("the empty spool counts \(life.spool.bytes) bytes") }
        if !state.withLock({ $0.hasLostDatabase }), rows.clips.values.contains(where: { !recorded.map(\.manifest.id).contains($0.id) }) {
            complain("there is a row of no clip")
        }
    }

    /// Whether the signed record in the store says what lies there.
    private func checkRecord(_ life: SimulatedLife) async throws {
        guard !state.withLock({ $0.hasLostDatabase }) else { return }
        // Later than any object that the record says nothing of yet.
        try await machine.sleep(.seconds(60))
        try await life.publish()
        let findings = try await FootageVerification(store: store, time: machine.time).run(box: Self.box, publicKey: nil).findings
        for finding in findings { complain("the record in \(store.identity): \(finding)") }
    }

    private func check(_ clip: Recorded, _ rows: Rows) {
        let (id, key) = (clip.manifest.id, clip.manifest.objectKey)
        let hasLost = state.withLock { $0.hasLostDatabase }
        switch rows.clips[id] {
        case let row? where row.state == .stored:
            let places = rows.places[id] ?? []
            // The links of a day that is over go from the database to the store.
            if places.count > 1 || places.isEmpty && !plan.publishes { complain("clip \(id) has \(places.count) links") }
            let stores = state.withLock { $0.stores }
            let has = { (store: SimulatedStore) in store.state.withLock { $0.objects[key] != nil } }
            guard let store = stores.first(where: { $0.identity == places.first }) ?? stores.first(where: has) else {
                return complain("clip \(id) is in no store")
            }
            check(row.manifest, in: store)
        case let row? where row.state == .dropped:
            if clip.isAccepted { complain("the accepted clip \(id) was dropped: \(row.lastError ?? "")") }
            if !rows.gapReasons.contains(row.lastError ?? "") { complain("the dropped clip \(id) has no gap") }
        case let row?: complain("clip \(id) is \(row.state)")
        case nil:
            let isStored = state.withLock { $0.stores.contains { store in store.state.withLock { $0.objects[key] != nil } } }
            if clip.isAccepted, !(hasLost && isStored) { complain("the accepted clip \(id) is lost") }
        }
    }

    /// Whether the store has all that belongs to the clip, as it was made.
    private func check(_ manifest: ClipManifest, in store: SimulatedStore) {
        let objects = store.state.withLock { $0.objects }
        var wanted = [(manifest.objectKey, manifest.clip?.sha256)]
        if let picture = manifest.thumbnail { wanted.append((manifest.thumbnailKey, picture.sha256)) }
        for (key, digest) in wanted where objects[key] == nil || objects[key]?.sha256 != digest {
            complain("\(store.identity) lacks \(key), which is said to be stored")
        }
        let description = objects[manifest.sidecarKey]?.data.flatMap { try? GatehouseJSON.decoder.decode(ClipManifest.self, from: $0) }
        if description?.clip != manifest.clip { complain("\(store.identity) has no description of clip \(manifest.id)") }
        guard !manifest.asItCame else { return }
        let made = Hexadecimal.text(SHA256.hash(data: Self.copy(of: manifest.id)))
        if manifest.clip?.sha256 != made { complain("clip \(manifest.id) was changed") }
    }

    /// Whether the store got each object of footage once, and none that it should not have.
    private func check(_ store: SimulatedStore, _ known: Set<String>) {
        let (objects, puts, overwritten) = store.state.withLock { ($0.objects, $0.puts, $0.overwritten) }
        if !overwritten.isEmpty { complain("overwritten in \(store.identity): \(overwritten)") }
        for (key, count) in puts where count > 1 && !key.contains("/checkpoint") { complain("\(key) was stored \(count) times") }
        for key in objects.keys where key.hasSuffix(".mp4") && !known.contains(key) { complain("\(key) is no clip") }
    }
}
