import Access
import BoxDatabase
import Cameras
import CloudStorage
import Core
import Devices
import MediaWorker
import Foundation
import GRDB
import Recording
import ServerCertificate

/// Makes the answers of the API out of rows and of what the channels do now.
struct AnswerMaker: Sendable {
    let services: BoxServices
    var catalogue: DeviceCatalogue { services.catalogue }

    init(services: BoxServices) {
        self.services = services
    }

    func channel(_ record: ChannelRecord) -> ChannelAnswer {
        let view = services.channels[record.id]?.view
        let starting =
            record.proxied
            ? Condition(code: "starting", severity: .attention, sentence: "The channel is starting.", since: services.time.now())
            : Condition(
                code: "proxy-off", severity: .off, sentence: "The channel's proxy is switched off: it is neither shown nor recorded.",
                since: record.createdAt)
        let description = services.devices[record.deviceId]?.description
        let source = description?.channels.first { $0.number == record.number }
        return ChannelAnswer(
            id: record.id, deviceId: record.deviceId, siteId: record.siteId, name: record.name,
            state: ConditionAnswer(view?.condition ?? starting),
            linked: record.definition != nil, definition: Nullable(record.definition.map(DefinitionAnswer.init)),
            retentionDays: services.plans.retentionDays(of: record), armed: record.armed, armedNow: view?.armedNow ?? false,
            motion: MotionAnswer(record.motion),
            schedule: ScheduleAnswer(record.schedule), streams: view?.streams.map(StreamAnswer.init) ?? [],
            plan: Nullable(view?.plan.map(PlanAnswer.init)), recording: view?.recording ?? false, lastEventAt: Nullable(view?.lastEventAt),
            snapshotAt: Nullable(view?.snapshotAt), snapshotUrl: "/api/v1/channels/\(record.id)/snapshot", number: record.number,
            proxied: record.proxied, input: Nullable(source?.input.rawValue), online: Nullable(source?.online),
            sourceAddress: Nullable(source?.address), sourceModel: Nullable(source?.model),
            capabilities: Self.capabilities(source, of: description))
    }

    /// What the channel can do, with what its device can do for it.
    private static func capabilities(_ channel: DeviceChannel?, of device: DeviceDescription?) -> [String] {
        let shared: Set<Capability> = [.recordings, .recordingDownload]
        return (channel?.capabilities ?? []).union((device?.capabilities ?? []).intersection(shared)).map(\.rawValue).sorted()
    }

    func event(_ record: EventRecord, clip: ClipRecord?) -> EventAnswer {
        let state: ClipState = clip?.state ?? (record.dropReason == nil ? .recording : .dropped)
        let isNoted = record.noted && clip == nil
        let sentence = record.dropReason ?? clip.map(sentence) ?? (isNoted ? notedSentence(record) : "Being recorded.")
        return EventAnswer(
            id: record.id, channelId: record.channelId, channelName: record.channelName, type: record.category.rawValue,
            source: record.source.rawValue, startedAt: record.startedAt, endedAt: Nullable(record.endedAt), clipId: Nullable(record.clipId),
            state: isNoted ? "noted" : shown(state, clip: clip).rawValue, stateSentence: sentence,
            progress: Nullable(clip.flatMap { services.spool.index.progress(of: $0.id) }), deviceId: Nullable(record.deviceId),
            region: Nullable(record.region), target: Nullable(record.target?.rawValue), deviceTime: Nullable(record.deviceTime),
            deviceType: Nullable(record.deviceType), details: Self.details(record),
            pictureUrl: Nullable(
                record.deviceId != nil && services.eventPictures.exists(record.id) ? "/api/v1/events/\(record.id)/picture" : nil),
            refilled: clip?.manifest.refilled ?? false)
    }

    private static func details(_ record: EventRecord) -> [String: String] {
        record.details.flatMap { try? GatehouseJSON.decoder.decode([String: String].self, from: Data($0.utf8)) } ?? [:]
    }

    private func notedSentence(_ record: EventRecord) -> String {
        record.category.isFootage ? "Noted; nothing was recorded." : "Noted; no footage is kept of events of this kind."
    }

    func clip(_ record: ClipRecord) -> ClipAnswer {
        let manifest = record.manifest
        return ClipAnswer(
            id: record.id, channelId: record.channelId, channelName: record.channelName, startsAt: record.startsAt,
            durationSeconds: Nullable(manifest.footage?.duration), state: shown(record.state, clip: record),
            stateSentence: sentence(record),
            progress: Nullable(services.spool.index.progress(of: record.id)),
            sizeBytes: Nullable(manifest.clip?.bytes ?? manifest.source?.bytes),
            width: Nullable(manifest.footage?.width), height: Nullable(manifest.footage?.height),
            frameRate: Nullable(manifest.footage?.frameRate),
            videoCodec: Nullable(manifest.footage?.videoCodec), audioCodec: Nullable(manifest.footage?.audioCodec),
            way: manifest.plan.way.rawValue,
            wayReason: manifest.plan.reason, asItCame: manifest.asItCame, refilled: manifest.refilled ?? false,
            interrupted: manifest.interrupted,
            encryption: Nullable(manifest.encryption.map { .init(scheme: $0.scheme, kid: $0.kid, siteKey: $0.siteKey) }),
            objectKey: manifest.objectKey,
            sha256: Nullable(manifest.clip?.sha256), attempts: record.attempts, lastError: Nullable(record.lastError),
            nextAttemptAt: Nullable(services.uploader.nextAttempt(of: record.id)), storedAt: Nullable(record.storedAt),
            expiresAt: Nullable(record.expiresAt), storedIn: places(record), eventIds: manifest.events.map(\.id),
            thumbnailUrl: "/api/v1/clips/\(record.id)/thumbnail",
            videoUrl: "/api/v1/clips/\(record.id)/video")
    }

    /// A captured clip that a worker has in hand is shown as such before its row says so.
    private func shown(_ state: ClipState, clip: ClipRecord?) -> ClipState {
        guard state == .captured, let clip, services.spool.index.progress(of: clip.id) != nil else { return state }
        return .transcoding
    }

    private func sentence(_ clip: ClipRecord) -> String {
        switch clip.state {
        case .recording: return "Being recorded."
        case .captured: return "Recorded; waits for its cloud copy to be made."
        case .transcoding: return "The cloud copy is being made."
        case .queued:
            guard services.uploader.store != nil else { return "Waits here: no cloud storage is set." }
            if let pause = services.uploader.governor.pause {
                return "Waits here: footage is paused\(pause.words.map { " \($0)" } ?? "") by what it may take of the line."
            }
            if let error = clip.lastError { return "Waits here: \(error)" }
            return services.uploader.failure.map { "Waits here: \($0.error.sentence)" } ?? "Waits for its turn to go up."
        case .sending: return "Going up to the cloud storage."
        case .stored: return storedSentence(clip)
        case .dropped: return clip.lastError ?? "Given up."
        }
    }

    // MARK: System

    /// The box; its site is the oldest one that the asker may know of.
    private static let reading = BlockingQueue(name: "hardware")

    func system(_ rights: Rights) async throws -> SystemAnswer {
        let known = Set(rights.sites.keys)
        let site = try await services.database.read {
            try SiteRecord.order(Column("createdAt")).fetchAll($0).first { known.contains($0.id) }
        }
        let name = try await services.database.read { try $0.setting("box.name", as: String.self) }
        var embedded = false
        if case .folder? = try await services.targets.current() { embedded = true }
        let hardware = await Self.reading.run { Hardware.read() }
        return SystemAnswer(
            serialNumber: services.identity.serialNumber, name: name ?? services.defaultName, version: services.identity.version,
            board: Nullable(hardware.board), macAddresses: hardware.macAddresses,
            startedAt: services.startedAt, now: services.time.now(), timeKnown: services.isTimeKnown(),
            site: Nullable(site.map { .init(id: $0.id, name: $0.name, timeZone: $0.timeZone) }),
            logLevel: services.logLevel.name, memoryBytes: ProcessMemory.residentBytes,
            budget: .init(
                megapixels: services.definitions.budget.megapixels,
                usedMegapixels: (services.channels.linkedMegapixels() * 10).rounded() / 10,
                linkedChannels: services.channels.linkedCount),
            encoders: services.transcodes.encoders.map {
                .init(name: $0.encoder, kind: $0.isHardware ? "hardware" : "software", proven: $0.proven, reason: $0.reason)
            }, embeddedStorage: embedded, plansEnforced: services.plans.isEnforced, tls: services.isEncrypted,
            liveLimitMinutes: Nullable(try await LiveLimit.minutes(services.database)))
    }

    /// What is wrong, with devices and channels at sites that the asker may see.
    func health(_ rights: Rights) async throws -> HealthAnswer {
        var problems: [HealthAnswer.Problem] = []
        for channel in try await catalogue.channelRecords() where rights.allow(.viewSite, at: channel.place) {
            guard let condition = services.channels[channel.id]?.view.condition,
                condition.severity == .attention || condition.severity == .trouble
            else { continue }
            problems.append(
                .init(
                    severity: condition.severity, subject: .init(kind: "channel", id: channel.id.text),
                    sentence: "\(channel.name): \(condition.sentence)", since: condition.since))
        }
        for device in services.devices.devices where rights.allow(.viewSite, at: device.record.place) {
            let condition = device.view.condition
            guard condition.severity == .attention || condition.severity == .trouble, condition.code != "connecting" else { continue }
            problems.append(
                .init(
                    severity: condition.severity, subject: .init(kind: "device", id: device.record.id.text),
                    sentence: "\(device.record.name): \(condition.sentence)", since: condition.since))
        }
        problems += try await missingPlans(rights)
        problems += try await storageProblems()
        if rights.allow(.viewBox), let trouble = services.certificates?.shown.trouble {
            problems.append(
                .init(severity: .attention, subject: .init(kind: "certificate"), sentence: trouble, since: services.time.now()))
        }
        if let software = services.transcodes.encoders.first(where: { !$0.isHardware }), !software.proven {
            problems.append(
                .init(
                    severity: .trouble, subject: .init(kind: "worker"), sentence: "Footage cannot be transcoded: \(software.reason)",
                    since: services.startedAt))
        }
        problems.sort { $0.severity == .trouble && $1.severity != .trouble }
        let status: Severity = problems.contains { $0.severity == .trouble } ? .trouble : problems.isEmpty ? .ok : .attention
        return HealthAnswer(status: status, problems: problems)
    }
}

/// What the kernel says of this process.
enum ProcessMemory {
    /// Resident memory.
    static var residentBytes: Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
    }
}
