import BoxDatabase
import CloudStorage
import Core
import Exports
import Foundation
import Logging
import ManagementAPI
import MediaWorker
import Playback

extension Box {
    /// No export is larger; of what the disk has free, recording keeps what it may need.
    private static let largestExport = 16_000_000_000
    private static let keptFree = 1_000_000_000

    /// What cuts footage out for people to take away.
    static func exporting(
        _ state: BoxState, key: FootageKey, archive: FootageArchive, spool: Spool, targets: StorageTargets, database: BoxDatabase,
        executable: WorkerExecutable, changed: @escaping @Sendable (ExportRecord) -> Void, time: TimeSource, logger: Logger
    ) throws -> ExportQueue {
        let box = state.identity.serialNumber
        return try ExportQueue(
            ExportEnvironment(
                box: box, version: state.identity.version, publicKey: key.publicText, sign: { try key.sign($0) }, folder: state.exportsPath,
                read: { try await archive.read($0, to: $1) },
                evidence: FootageEvidence(box: box, publicKey: key.publicText, stores: { targets.stores(of: $0) }, time: time),
                database: database, worker: TranscodeWorker(executable: executable),
                room: { min(largestExport, max(0, spool.freeBytes - spool.limits.freeBytes - keptFree)) }, changed: changed, time: time,
                logger: logger))
    }
}
