import BoxDatabase
import CameraProtocols
import Cameras
import Core
import Devices
import Foundation
import Logging
import Media
import MediaWorker
import RTSP
import Recording
import Synchronization

/// Fetches the pieces of one absence, each into a clip of the spool.
final class RefillFetcher: Sendable {
    private let queue: RefillQueue
    private let target: RefillQueue.Target
    private let takesShort: Bool
    /// The last recording that was downloaded: several clips may come out of one.
    private let downloaded = Mutex<DownloadedRecording?>(nil)
    private var environment: RefillEnvironment { queue.environment }
    /// So much less than was asked for is no sign that playing broke off.
    private static let mostShort = Duration.seconds(10)

    /// `takesShort` says that there will be no other attempt: what a device plays is kept even where it broke off.
    init(queue: RefillQueue, target: RefillQueue.Target, takesShort: Bool) {
        self.queue = queue
        self.target = target
        self.takesShort = takesShort
    }

    /// Makes the clip of `piece`, unless it was made before.
    /// - Throws: what may be otherwise another time.
    func fetch(_ piece: RefillPieceRecord) async throws {
        var piece = piece
        let manifest = try await environment.spool.manifest(of: piece.clipId)
        let isInSpool = manifest.map { $0.stage != .recording } ?? false
        let isAccepted = try await queue.list.isAccepted(piece.clipId)
        if isInSpool || isAccepted {
            piece.state = .done
            return try await queue.list.note(piece)
        }
        let recording = try GatehouseJSON.decoder.decode(DeviceRecording.self, from: Data(piece.recording.utf8))
        do {
            try await make(piece, of: recording)
            CrashPoint.reach("refill.captured")
            piece.state = .done
        } catch RefillRefusal.never(let sentence) {
            piece.state = .failed
            piece.sentence = sentence
        }
        try await queue.list.note(piece)
        CrashPoint.reach("refill.noted")
    }

    private func make(_ piece: RefillPieceRecord, of recording: DeviceRecording) async throws {
        let clock = ClockCorrection(offset: piece.clockOffset)
        let download: DownloadedRecording
        do {
            download = try await self.download(recording, for: piece)
        } catch DownloadedRecording.Failure.tooLarge {
            return try await replay(piece, of: recording, clock: clock, because: "The recording is larger than the box may fetch")
        } catch let failure as DeviceFailure where [.unsupported, .deviceError, .nonsense].contains(failure.code) {
            return try await replay(piece, of: recording, clock: clock, because: failure.sentence)
        }
        CrashPoint.reach("refill.downloaded")
        let began = clock.box(recording.from)
        do {
            try await write(piece) { file, manifest in
                let cut = RecordingCut(from: Self.media(piece.from, since: began), to: Self.media(piece.to, since: began))
                let result = try await self.environment.worker.cut(cut, source: try download.source()) { bytes in
                    try await file.append(bytes)
                    try await file.synchronize()
                    CrashPoint.reach("refill.written")
                }
                manifest.startsAt = began.addingTimeInterval(result.startsAfter)
                manifest.sourceStart = result.sourceStart
                manifest.footage = result.footage
                return result.status
            }
        } catch let failure as WorkerFailure where failure.kind != .hung {
            try await replay(piece, of: recording, clock: clock, because: "The recording that the device sent cannot be read: \(failure)")
        }
    }

    private static func media(_ date: Date, since began: Date) -> MediaTime {
        MediaTime(microseconds: Int64(max(0, date.timeIntervalSince(began)) * 1_000_000))
    }

    private func download(_ recording: DeviceRecording, for piece: RefillPieceRecord) async throws -> DownloadedRecording {
        if let last = downloaded.withLock({ $0 }), last.recording == recording { return last }
        downloaded.withLock { $0 = nil }
        if let bytes = recording.bytes, bytes > DownloadedRecording.mostBytes { throw DownloadedRecording.Failure.tooLarge }
        let made = try await DownloadedRecording.fetch(
            recording, from: target.device.driver, to: "\(environment.folder)/\(piece.clipId)")
        downloaded.withLock { $0 = made }
        return made
    }

    // MARK: Playing

    /// Plays the piece where it cannot be fetched as a file.
    private func replay(
        _ piece: RefillPieceRecord, of recording: DeviceRecording, clock: ClockCorrection, because reason: String
    ) async throws {
        let playback: DevicePlayback
        do throws(DeviceFailure) {
            playback = try await target.device.driver.playback(
                of: recording, in: target.source, from: clock.device(piece.from), to: clock.device(piece.to))
        } catch {
            throw error.code == .unsupported ? RefillRefusal.never(reason) : error as any Error
        }
        let record = target.device.record
        let source = StreamSource(
            url: playback.url, userName: record.userName, password: try environment.catalogue.password(of: record), transport: .tcp)
        do {
            try await write(piece) { file, manifest in
                switch playback.way {
                case .address: try await self.play(source, piece, into: file, &manifest)
                case .range: try await self.play(byRange: playback.url, source, piece, clock: clock, into: file, &manifest)
                }
            }
        } catch let failure as ReplayRecorder.Failure {
            throw failure.isFinal ? RefillRefusal.never(failure.sentence) : RefillRefusal.later(failure.sentence)
        } catch let failure as RTSPFailure {
            environment.logger.info("a device does not play", metadata: ["channel": "\(piece.channelId)", "reason": "\(failure)"])
            throw [.unsupported, .nothingThere, .insecure].contains(failure.code)
                ? RefillRefusal.never(failure.sentence) : RefillRefusal.later(failure.sentence)
        }
    }

    private func play(
        _ source: StreamSource, _ piece: RefillPieceRecord, into file: any FootageFile, _ manifest: inout ClipManifest
    ) async throws -> StreamStatus {
        let recorder = ReplayRecorder(admits: environment.admits, time: environment.time)
        let played = try await recorder.record(source, length: Self.length(piece), into: file)
        return try take(played, of: piece, hasPlayedAll: false, &manifest)
    }

    /// Plays a device's recording by time, as fast as the box takes it.
    private func play(
        byRange url: String, _ source: StreamSource, _ piece: RefillPieceRecord, clock: ClockCorrection, into file: any FootageFile,
        _ manifest: inout ClipManifest
    ) async throws -> StreamStatus {
        guard let address = RTSPAddress(url) else { throw DeviceFailure.nonsense("replay address") }
        let pinned: StreamSource
        do { pinned = try await environment.admits(source) } catch { throw RefillRefusal.later(StreamTrouble(error).sentence) }
        let record = target.device.record
        let password = try environment.catalogue.password(of: record)
        let credentials = record.userName.map { DigestCredentials(username: $0, password: password ?? "") }
        let range = ReplayRange(from: clock.device(piece.from), to: clock.device(piece.to))
        let time = environment.time
        let (played, hasPlayedAll) = try await ReplayGateway.with(
            url, at: RTSPEndpoint(host: pinned.host, port: address.port, credentials: credentials, allowsBasic: record.allowsBasic),
            request: ReplayRequest(range: range), asked: range, time: time
        ) { gateway in
            // The device's address was looked at above; this one is the box's own.
            let recorder = ReplayRecorder(admits: { $0 }, time: time)
            let played = try await recorder.record(
                StreamSource(url: gateway.url, userName: nil, password: nil, transport: .tcp), length: Self.length(piece),
                clock: ReplayClock(from: range.from, to: range.to ?? range.from) { gateway.startsAt }, into: file)
            // What the device has sent and the box has not taken is not there.
            return (played, gateway.hasPlayedAll && played.isWhole)
        }
        if let startsAt = played.startsAt { manifest.startsAt = clock.box(startsAt) }
        manifest.sourceStart = Int64(played.sourceStart.seconds * 1_000_000)
        return try take(played, of: piece, hasPlayedAll: hasPlayedAll, &manifest)
    }

    private static func length(_ piece: RefillPieceRecord) -> Duration { .seconds(piece.to.timeIntervalSince(piece.from)) }

    private func take(
        _ played: ReplayRecorder.Result, of piece: RefillPieceRecord, hasPlayedAll: Bool, _ manifest: inout ClipManifest
    ) throws -> StreamStatus {
        guard played.endedWell || hasPlayedAll || takesShort || played.duration > Self.length(piece) - Self.mostShort else {
            throw RefillRefusal.later("The device broke off while it played its recording.")
        }
        manifest.footage = .init(
            width: played.status.video.width, height: played.status.video.height, frameRate: played.status.frameRate,
            videoCodec: played.status.video.codec.rawValue, audioCodec: played.status.audio?.codec.rawValue,
            duration: played.duration.seconds)
        return played.status
    }

    // MARK: The spool

    /// Writes a clip's source by `fill` and hands it over; what is not finished is taken back.
    private func write(
        _ piece: RefillPieceRecord, fill: (any FootageFile, inout ClipManifest) async throws -> StreamStatus
    ) async throws {
        var manifest = try makeManifest(piece)
        do {
            // What an attempt before this one left.
            await environment.spool.abandon(manifest.id)
            let file = try await environment.spool.begin(manifest)
            let status = try await fill(file, &manifest)
            let planner = environment.transcodes.planner
            manifest.plan = planner.plan(target.definition, main: status, sub: nil, load: environment.transcodes.load) ?? manifest.plan
            // Throws where the clip is not accepted: then the piece is not done either.
            try await environment.spool.capture(manifest)
        } catch {
            // Also where the box is being ended: the next start begins it anew.
            let (spool, id) = (environment.spool, manifest.id)
            await Task { await spool.abandon(id) }.value
            throw error
        }
    }

    private func makeManifest(_ piece: RefillPieceRecord) throws -> ClipManifest {
        let configuration = target.configuration
        let events = try GatehouseJSON.decoder.decode([ClipManifest.Event].self, from: Data(piece.events.utf8))
        let definition = target.definition
        let retentionDays = if case .active(let days) = target.channel.cover { days } else { configuration.retentionDays }
        let age = environment.time.now().timeIntervalSince(piece.from)
        var manifest = ClipManifest(
            id: piece.clipId, box: environment.box, site: configuration.site, channel: configuration.id, channelName: configuration.name,
            startsAt: piece.from, startsUptime: environment.time.uptime().seconds - age, events: events, definition: definition,
            retentionDays: retentionDays,
            plan: TranscodePlan(
                way: .software, reason: "Refilled from the device's own recordings.", width: definition.width, height: definition.height,
                frameRate: 10, bitRate: definition.bitRate, encoder: "libx264"), sourceStart: 0)
        manifest.refilled = true
        return manifest
    }
}
