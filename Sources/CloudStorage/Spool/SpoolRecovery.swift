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

extension Spool {
    /// Brings rows and directories together after a start; works with an empty database too.
    ///
    /// The directories are the truth: a row without one is dropped with a gap, a directory without a row gets one.
    public func recover() async throws -> RecoveryReport {
        var report = RecoveryReport()
        let names = try FileManager.default.contentsOfDirectory(atPath: path)
        var present: Set<ClipID> = []
        for name in names.sorted() {
            guard let id = ClipID(name) else { continue }
            do {
                if try await recover(id, &report) { present.insert(id) }
            } catch {
                // One directory that cannot be taken up now, on a full disk for instance, must not keep the box from starting.
                report.damaged += 1
                present.insert(id)
                logger.error("clip could not be recovered yet", metadata: ["clip": "\(id)", "error": "\(error)"])
            }
        }
        for record in try await index.unfinished() where !present.contains(record.id) {
            report.damaged += 1
            try await index.noteDropped(record.id, reason: "The clip's directory was missing at the start of the box.")
        }
        captured.raise()
        queued.raise()
        return report
    }

    private func recover(_ id: ClipID, _ report: inout RecoveryReport) async throws -> Bool {
        let directory = directory(id)
        measure(id)
        guard var manifest = directory.readManifest(), manifest.id == id else {
            report.removed += 1
            discard(id)
            return false
        }
        if try await index.clip(id)?.state == .stored {
            report.removed += 1
            discard(id)
            return false
        }
        if manifest.stage == .recording {
            guard let salvaged = try Self.salvage(manifest, in: directory) else {
                report.removed += 1
                try await index.put(manifest, state: .captured, spoolBytes: 0)
                try await index.noteDropped(id, reason: "The box stopped before the recording had its first two seconds.")
                discard(id)
                return false
            }
            report.interrupted += 1
            manifest = salvaged
        }
        directory.removeUnnamed(manifest)
        measure(id)
        return try await readmit(manifest, in: directory, &report)
    }

    private func readmit(_ manifest: ClipManifest, in directory: ClipDirectory, _ report: inout RecoveryReport) async throws -> Bool {
        let named = manifest.stage == .ready ? manifest.clip : manifest.source
        guard let file = named, DurableFile.size(directory.file(file.name)) == file.bytes else {
            report.damaged += 1
            try await index.put(manifest, state: .captured, spoolBytes: named?.bytes ?? 0)
            try await index.noteDropped(manifest.id, reason: "The clip's file was missing or cut at the start of the box.")
            discard(manifest.id)
            return false
        }
        report.clips += 1
        try await index.put(manifest, state: manifest.stage == .ready ? .queued : .captured, spoolBytes: file.bytes)
        return true
    }

    private func discard(_ id: ClipID) {
        directory(id).remove()
        measure(id)
    }
}
