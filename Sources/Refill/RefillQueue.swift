import BoxDatabase
import Cameras
public import Core
public import Devices
import Foundation
public import Logging
public import MediaWorker
public import Recording

/// What the refilling of absences needs of the box.
public struct RefillEnvironment: Sendable {
    let box: String
    let spool: any FootageSpool
    let worker: TranscodeWorker
    let transcodes: TranscodeQueue
    let channels: ChannelRegistry
    let devices: DeviceRegistry
    let catalogue: DeviceCatalogue
    /// For what is downloaded, on the spool's disk; emptied at the start.
    let folder: String
    /// Whether the spool has room for footage that nobody waits for.
    let hasRoom: @Sendable () -> Bool
    /// Throws where a source's address must not be connected to.
    let admits: @Sendable (StreamSource) async throws -> StreamSource
    /// Called when an absence or what became of it changed.
    let changed: @Sendable () -> Void
    let time: TimeSource
    let logger: Logger

    public init(
        box: String, spool: any FootageSpool, worker: TranscodeWorker, transcodes: TranscodeQueue, channels: ChannelRegistry,
        devices: DeviceRegistry, catalogue: DeviceCatalogue, folder: String, hasRoom: @escaping @Sendable () -> Bool,
        admits: @escaping @Sendable (StreamSource) async throws -> StreamSource, changed: @escaping @Sendable () -> Void, time: TimeSource,
        logger: Logger
    ) {
        self.box = box
        self.spool = spool
        self.worker = worker
        self.transcodes = transcodes
        self.channels = channels
        self.devices = devices
        self.catalogue = catalogue
        self.folder = folder
        self.hasRoom = hasRoom
        self.admits = admits
        self.changed = changed
        self.time = time
        self.logger = logger
    }
}

/// Why an absence cannot be refilled now, or ever.
enum RefillRefusal: Error {
    /// Another time perhaps.
    case later(String)
    /// The box has no room; no failure of the device.
    case noRoom(String)
    case never(String)
}

/// Refills absences, one at a time over the whole box, when the devices are there again.
public final class RefillQueue: Sendable {
    /// A device that has just come back is left alone for so long.
    static let settling: TimeInterval = 5
    private static let mostAttempts = 12
    /// How soon it is looked again whether the box has room.
    private static let roomWait: TimeInterval = 60
    /// So long nothing is tried after a failure, also where that cannot be written down.
    private static let pause = Duration.seconds(2)

    let list: AbsenceList
    let environment: RefillEnvironment
    var time: TimeSource { environment.time }

    public init(list: AbsenceList, environment: RefillEnvironment) {
        self.list = list
        self.environment = environment
    }

    /// Works until cancelled.
    public func run() async {
        try? FileManager.default.removeItem(atPath: environment.folder)
        try? FileManager.default.createDirectory(
            atPath: environment.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        while !Task.isCancelled {
            var worked = false
            for absence in (try? await list.due()) ?? [] where !worked && !Task.isCancelled {
                worked = await look(after: absence)
            }
            if worked { environment.changed() } else { try? await time.sleep(.seconds(2)) }
        }
    }

    /// Looks after an absence if its time has come; whether it had.
    private func look(after absence: AbsenceRecord) async -> Bool {
        do {
            guard let to = absence.to, time.now().timeIntervalSince(to) >= Self.settling || time.now() < to else { return false }
            if time.now().timeIntervalSince(to) > AbsenceList.longest {
                throw RefillRefusal.never("It is too long ago: the device is only searched for the last seven days.")
            }
            guard let target = try await target(of: absence) else { return false }
            try await refill(absence, at: target)
        } catch {
            guard !(error is CancellationError), !Task.isCancelled else { return false }
            await note(error, of: absence)
            try? await time.sleep(Self.pause)
        }
        return true
    }

    private func note(_ error: any Error, of absence: AbsenceRecord) async {
        environment.logger.warning("refill", metadata: ["channel": "\(absence.channelId)", "reason": "\(error)"])
        guard let id = absence.id else { return }
        let now = time.now()
        try? await list.noteFailure(of: id) { Self.note(error, of: &$0, now: now) }
    }

    static func note(_ error: any Error, of absence: inout AbsenceRecord, now: Date) {
        let (sentence, weight) = meaning(of: error)
        absence.sentence = sentence
        if absence.state == .searching { absence.state = .waiting }
        // That the box is full says nothing about the device, which may be asked again however long it lasts.
        guard weight != .none else {
            absence.nextAttemptAt = now.addingTimeInterval(roomWait)
            return
        }
        absence.attempts += 1
        if weight == .final || absence.attempts >= mostAttempts {
            absence.state = absence.clips > 0 ? .refilled : .impossible
            absence.nextAttemptAt = nil
        } else {
            absence.nextAttemptAt = now.addingTimeInterval(min(3600, 5 * pow(2, Double(absence.attempts))))
        }
    }

    /// How a failure counts.
    private enum Weight {
        case none, attempt, final
    }

    private static func meaning(of error: any Error) -> (String, Weight) {
        switch error {
        case RefillRefusal.never(let sentence): (sentence, .final)
        case RefillRefusal.later(let sentence): (sentence, .attempt)
        case RefillRefusal.noRoom(let sentence): (sentence, .none)
        case let failure as DeviceFailure: (failure.sentence, failure.code == .unsupported ? .final : .attempt)
        case SpoolRefusal.full(let sentence): (sentence, .none)
        case DownloadedRecording.Failure.disk(let reason): ("What the device recorded could not be kept: \(reason)", .none)
        default: ("What the device recorded could not be fetched: \(error)", .attempt)
        }
    }

    // MARK: The device

    struct Target {
        let channel: ChannelAtWork
        let device: DeviceAtWork
        let source: DeviceChannel
        let definition: Definition
        var configuration: ChannelConfiguration { channel.configuration }
    }

    /// Where an absence is refilled from; nil while the device is not there.
    private func target(of absence: AbsenceRecord) async throws -> Target? {
        guard let record = try? await environment.catalogue.channelRecord(absence.channelId) else {
            throw RefillRefusal.never("The channel was removed.")
        }
        guard let definition = record.definition, record.proxied else {
            throw RefillRefusal.never("The channel is not linked to the cloud any more.")
        }
        guard let channel = environment.channels[absence.channelId], let device = environment.devices[record.deviceId] else { return nil }
        guard channel.reception.hasPicture, device.view.condition.severity == .ok else { return nil }
        if case .missing(let sentence) = channel.cover { throw RefillRefusal.never(sentence) }
        guard device.driver.kind != .rtsp else {
            throw RefillRefusal.never("Only the streams of this device are known to the box, so its own recordings cannot be searched.")
        }
        guard let description = device.description, let source = description.channels.first(where: { $0.number == record.number }) else {
            throw RefillRefusal.never("The device does not name this channel any more.")
        }
        guard description.capabilities.union(source.capabilities).contains(.recordings) else {
            throw RefillRefusal.never("The device keeps no recordings: it has no card or disk that the box could search.")
        }
        return Target(channel: channel, device: device, source: source, definition: definition)
    }

    // MARK: One absence

    private func refill(_ absence: AbsenceRecord, at target: Target) async throws {
        var absence = absence
        if absence.state != .refilling {
            guard let claimed = try await list.claim(absence) else { return }
            absence = claimed
            environment.changed()
            guard try await search(&absence, at: target) else { return }
        }
        guard let id = absence.id else { return }
        let fetcher = RefillFetcher(queue: self, target: target, takesShort: absence.attempts + 1 >= Self.mostAttempts)
        for piece in try await list.pieces(of: id) where piece.state == .planned {
            try await waitForQuiet()
            try await fetcher.fetch(piece)
            environment.changed()
        }
        guard var done = try await list.absence(id) else { return }
        let failed = try await list.pieces(of: id).filter { $0.state == .failed }
        done.state = done.clips > 0 ? .refilled : .impossible
        done.sentence = failed.first?.sentence
        try await list.update(done)
        environment.logger.info("absence refilled", metadata: ["channel": "\(done.channelId)", "clips": "\(done.clips)"])
    }

    /// Searches the device and takes down which clips are to be made; false where there are none.
    private func search(_ absence: inout AbsenceRecord, at target: Target) async throws -> Bool {
        guard let id = absence.id, let to = absence.to else { return false }
        let span = Span(from: absence.from, to: to)
        let driver = target.device.driver
        // As it is now: a clock that was wrong is often corrected while the device is away.
        let clock = ClockCorrection(offset: (try? await driver.clock().offset) ?? target.device.view.clock?.offset ?? 0)
        let recordings = try await RecordingSearch.all(from: clock.device(span.from)) { from, limit in
            try await driver.recordings(of: target.source, from: from, to: clock.device(to), kinds: [], limit: limit)
        }
        let wide = span.widened(RefillPlan.beyond)
        let footage = try await list.footage(of: absence.channelId, in: wide)
        let known = try await list.events(of: absence.channelId, in: span).map(RefillPlan.KnownEvent.init)
        let configuration = target.configuration
        var plan = RefillPlan(absence: span, clock: clock, covered: footage.own, exact: footage.exact) {
            configuration.schedule.isArmed(at: $0, zone: configuration.timeZone)
        }
        let (pieces, sentence) = plan.pieces(recordings, known: known)
        guard !pieces.isEmpty else {
            absence.state = .nothing
            absence.sentence = recordings.isEmpty ? await storageTrouble(driver) ?? sentence : sentence
            try await list.update(absence)
            return false
        }
        absence.state = .refilling
        absence.sentence = nil
        try await list.plan(absence, pieces.map { try Self.row($0, absence: id, channel: configuration.id, clock: clock) })
        CrashPoint.reach("refill.planned")
        return true
    }

    /// Why a device without any recording may have none.
    private func storageTrouble(_ driver: any CameraDriver) async -> String? {
        guard let disks = try? await driver.disks(), !disks.contains(where: { [.ok, .full].contains($0.state) }) else { return nil }
        return "The device has no card or disk that works, so it recorded nothing. Look at its storage."
    }

    private static func row(
        _ piece: RefillPlan.Piece, absence: Int64, channel: ChannelID, clock: ClockCorrection
    ) throws -> RefillPieceRecord {
        func text(_ value: some Encodable) throws -> String { String(decoding: try GatehouseJSON.encoder.encode(value), as: UTF8.self) }
        return RefillPieceRecord(
            clipId: .timeOrdered(at: piece.span.from), absenceId: absence, channelId: channel, from: piece.span.from, to: piece.span.to,
            recording: try text(piece.recording), clockOffset: clock.offset, events: try text(piece.events))
    }

    /// What happens now goes first: waits until nothing is recorded or transcoded, but not for ever.
    private func waitForQuiet() async throws {
        let began = time.uptime()
        while await environment.spool.activeClips() > 0, time.uptime() - began < .seconds(300) { try await time.sleep(.seconds(1)) }
        guard environment.hasRoom() else {
            throw RefillRefusal.noRoom("The box's disk is too full to fetch footage of earlier; what is newer goes first.")
        }
    }
}
