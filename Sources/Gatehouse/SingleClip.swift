import BoxDatabase
import CloudStorage
import Core
import Foundation
import Logging
import Media
import MediaWorker
import Recording

/// One channel with one event, in a temporary spool whose store is a folder: the box's own way, for a single clip.
struct SingleClip {
    struct Failure: Error {
        let sentence: String
    }

    let source: StreamSource
    let definition: Definition
    let seconds: Int
    let worker: WorkerExecutable
    let definitions: Definitions

    /// Records the clip into the file `output`.
    func record(to output: String) async throws -> ClipManifest.Footage {
        let folder = FileManager.default.temporaryDirectory.path + "/gatehouse-clip-\(ClipID.timeOrdered(at: Date()))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let logger = Logger(label: "clip") { _ in SwiftLogNoOpLogHandler() }
        let spool = try Spool(
            path: folder + "/spool", limits: SpoolLimits(bytes: .max / 2, freeBytes: 0),
            index: FootageIndex(database: try BoxDatabase(path: folder + "/box.sqlite")), time: .system, logger: logger)
        let transcodes = TranscodeQueue(
            spool: spool, worker: TranscodeWorker(executable: worker), definitions: definitions, processes: 1, wake: spool.captured,
            time: .system,
            logger: logger, linkedChannels: { 1 })
        let pictures = PictureWorker(executable: worker, time: .system, logger: logger)
        let environment = ChannelEnvironment(
            box: "clip", spool: spool, pictures: pictures, transcodes: transcodes,
            converter: LiveConverter(executable: worker, time: .system), conversions: ConversionPlaces(count: 1),
            lengths: ClipLengths(before: .zero, whole: .seconds(seconds), longest: .seconds(seconds)), timing: SessionTiming(),
            time: .system,
            logger: logger, changed: { _ in }, moved: { _, _ in })
        let now = Date()
        let channel = ChannelAtWork(
            ChannelConfiguration(
                id: .timeOrdered(at: now), site: .timeOrdered(at: now), name: "clip", timeZone: .gmt, definition: definition,
                retentionDays: 1,
                armed: false, motion: .standard, schedule: .always, main: source, sub: nil), environment: environment)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await channel.run() }
            group.addTask { await transcodes.run() }
            group.addTask { await pictures.run() }
            defer { group.cancelAll() }
            try await begin(channel)
            let manifest = try await finished(spool)
            guard let file = manifest.clip, let path = spool.localFile(manifest, file), let footage = manifest.footage else {
                throw Failure(sentence: "The clip could not be made.")
            }
            try? FileManager.default.removeItem(atPath: output)
            try FileManager.default.copyItem(atPath: path, toPath: output)
            return footage
        }
    }

    private func begin(_ channel: ChannelAtWork) async throws {
        let giveUp = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < giveUp {
            let view = channel.view
            if let rate = view.streams.first?.frameRate, rate > 0 {
                _ = try await channel.trigger(.manual, source: .api)
                return
            }
            if view.condition.severity == .trouble { throw Failure(sentence: view.condition.sentence) }
            try await TimeSource.system.sleep(.milliseconds(100))
        }
        throw Failure(sentence: "No picture came within 20 seconds.")
    }

    private func finished(_ spool: Spool) async throws -> ClipManifest {
        let giveUp = ContinuousClock.now + .seconds(seconds * 4 + 60)
        while ContinuousClock.now < giveUp {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: spool.path)) ?? [] {
                guard let id = ClipID(name), let manifest = try await spool.manifest(of: id), manifest.stage == .ready else { continue }
                return manifest
            }
            try await TimeSource.system.sleep(.milliseconds(100))
        }
        throw Failure(sentence: "The clip was not finished in time.")
    }
}
