import BoxDatabase
import Core
import Foundation
import Logging

/// What recovery found.
public struct RecoveryReport: Sendable, Equatable, Codable {
    /// Accepted clips that go on.
    public var clips = 0
    /// Recordings that were cut short and kept as far as they went.
    public var interrupted = 0
    /// Directories that were never accepted, or whose clip the store has.
    public var removed = 0
    /// Clips whose files are missing or cut.
    public var damaged = 0
}

/// What is found while directories are gone through.
private struct Recovery {
    var report = RecoveryReport()
    var present: Set<ClipID> = []
    /// Rows to write, many in one transaction.
    var rows: [FootageIndex.Found] = []
}

extension Spool {
    /// Rows that are made durable together.
    private static let batch = 500

    /// Brings rows and directories together after a start; works with an empty database too.
    ///
    /// The directories are the truth: a row without one is dropped with a gap, a directory without a row gets one. A clip that waits for its
    /// upload and whose files are as its row says is taken up without being read: a box may come back with a hundred thousand of them.
    public func recover() async throws -> RecoveryReport {
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        let waiting = try await index.waiting()
        var recovery = Recovery()
        var others: [ClipID] = []
        for id in names.lazy.compactMap({ ClipID($0) }) {
            if let bytes = waiting[id], takeUp(id, bytes: bytes) {
                recovery.report.clips += 1
                recovery.present.insert(id)
            } else {
                others.append(id)
            }
        }
        for id in others.sorted(by: { $0.text < $1.text }) {
            do {
                if try await recover(id, &recovery) { recovery.present.insert(id) }
                if recovery.rows.count >= Self.batch { await write(&recovery) }
            } catch {
                // One directory that cannot be taken up now, on a full disk for instance, must not keep the box from starting.
                recovery.report.damaged += 1
                recovery.present.insert(id)
                logger.error("clip could not be recovered yet", metadata: ["clip": "\(id)", "error": "\(error)"])
                // What another version wrote is for that version; what there was no room for is for later.
                if directory(id).readManifest() != nil { recoverLater(id) }
            }
        }
        await write(&recovery)
        let missing = waiting.keys.filter { !recovery.present.contains($0) }
        if !missing.isEmpty {
            let now = time.now()
            // Of these, clips that are stored lack only their second copies.
            await late.write("missing copies") { [index] in
                try await index.noteCopyGivenUp(missing, reason: "The clip's directory was missing at the start of the box.", at: now)
            }
        }
        for id in try await index.unfinished() where !recovery.present.contains(id) {
            recovery.report.damaged += 1
            await late.write("missing clip \(id)") { [self] in try await dropMissing(id) }
        }
        captured.raise()
        queued.raise()
        return recovery.report
    }

    private func recoverLater(_ id: ClipID) {
        late.append("recovery of clip \(id)") { [self] in
            var recovery = Recovery()
            let isPresent = try await recover(id, &recovery)
            await write(&recovery)
            if !isPresent, try await index.unfinished().contains(id) { try await dropMissing(id) }
            captured.raise()
            queued.raise()
        }
    }

    private func dropMissing(_ id: ClipID) async throws {
        try await index.noteDropped(id, reason: "The clip's directory was missing at the start of the box.", at: time.now())
    }

    /// Now, or when there is room for them.
    private func write(_ recovery: inout Recovery) async {
        let rows = recovery.rows
        recovery.rows = []
        await late.write("recovered clips") { [index] in try await index.put(rows) }
    }

    private func recover(_ id: ClipID, _ recovery: inout Recovery) async throws -> Bool {
        let directory = directory(id)
        measure(id)
        guard var manifest = directory.readManifest(), manifest.id == id else {
            // What cannot be read now may be read another time, or by the version that wrote it.
            guard directory.lacksManifest else { throw FileError("read", directory.file(ClipDirectory.manifestName)) }
            recovery.report.removed += 1
            discard(id)
            return false
        }
        let before = try await index.state(of: id)
        if before == .stored {
            if try await index.awaitsCopy(id) {
                if let file = manifest.clip, directory.has(file) {
                    directory.removeUnnamed(manifest)
                    measure(id)
                    recovery.report.clips += 1
                    return true
                }
                // There is nothing to copy from.
                try await index.noteCopyGivenUp([id], reason: "The clip's file was missing or cut at the start of the box.", at: time.now())
            }
            recovery.report.removed += 1
            discard(id)
            return false
        }
        if manifest.stage == .recording, manifest.refilled == true {
            // The device still has it: it is fetched whole, not kept in part.
            recovery.report.removed += 1
            try await index.remove(id)
            discard(id)
            return false
        }
        if manifest.stage == .recording {
            guard let salvaged = try Self.salvage(manifest, in: directory) else {
                recovery.report.removed += 1
                try await index.put(manifest, state: .captured, spoolBytes: 0)
                try await index.noteDropped(id, reason: "The box stopped before the recording had its first two seconds.", at: time.now())
                discard(id)
                return false
            }
            recovery.report.interrupted += 1
            manifest = salvaged
        }
        directory.removeUnnamed(manifest)
        measure(id)
        return try await readmit(manifest, before, in: directory, &recovery)
    }

    private func readmit(
        _ manifest: ClipManifest, _ before: ClipState?, in directory: ClipDirectory, _ recovery: inout Recovery
    ) async throws -> Bool {
        let named = manifest.stage == .ready ? manifest.clip : manifest.source
        guard let file = named, directory.has(file) else {
            recovery.report.damaged += 1
            try await index.put(manifest, state: .captured, spoolBytes: named?.bytes ?? 0)
            try await index.noteDropped(manifest.id, reason: "The clip's file was missing or cut at the start of the box.", at: time.now())
            discard(manifest.id)
            return false
        }
        recovery.report.clips += 1
        let isReady = manifest.stage == .ready
        let clip = FootageIndex.Placed(
            manifest: manifest, state: isReady ? .queued : .captured, spoolBytes: isReady ? manifest.readyBytes : file.bytes)
        recovery.rows.append(.init(clip: clip, before: before))
        return true
    }

    private func discard(_ id: ClipID) {
        directory(id).remove()
        measure(id)
    }
}
