import BoxDatabase
import Cameras
import Core
import Devices
import Foundation
import Media

struct IdentityAnswer: Encodable, Sendable {
    let kind: String
    let make: Nullable<String>
    let model: Nullable<String>
    let name: Nullable<String>
    let serialNumber: Nullable<String>
    let firmware: Nullable<String>
    let macAddress: Nullable<String>

    init(_ identity: DeviceIdentity) {
        kind = identity.kind.rawValue
        make = Nullable(identity.make)
        model = Nullable(identity.model)
        name = Nullable(identity.name)
        serialNumber = Nullable(identity.serialNumber)
        firmware = Nullable(identity.firmware)
        macAddress = Nullable(identity.macAddress)
    }
}

struct ClockAnswer: Encodable {
    let time: Date
    let offset: Double
    let zone: Nullable<String>
    let usesNetworkTime: Nullable<Bool>
    let networkTimeServer: Nullable<String>
    let remark: Nullable<String>

    init(_ clock: DeviceClock) {
        time = clock.time
        offset = clock.offset
        zone = Nullable(clock.zone)
        usesNetworkTime = Nullable(clock.usesNetworkTime)
        networkTimeServer = Nullable(clock.networkTimeServer)
        remark = Nullable(clock.remark)
    }
}

struct DiskAnswer: Encodable {
    let id: String
    let name: String
    let kind: String
    let state: String
    let capacityBytes: Nullable<Int>
    let freeBytes: Nullable<Int>
    let health: Nullable<String>
    let celsius: Nullable<Int>

    init(_ disk: DeviceDisk) {
        id = disk.id
        name = disk.name
        kind = disk.kind
        state = disk.state.rawValue
        capacityBytes = Nullable(disk.capacityBytes)
        freeBytes = Nullable(disk.freeBytes)
        health = Nullable(disk.health)
        celsius = Nullable(disk.celsius)
    }
}

struct UpgradeAnswer: Encodable {
    let stage: String
    let share: Double

    init(_ progress: UpgradeProgress) {
        stage = progress.stage.rawValue
        share = progress.share
    }
}

struct ReportAnswer: Encodable, Sendable {
    struct Step: Encodable, Sendable {
        let name: String
        let state: String
        let sentence: String
    }
    struct Capture: Encodable, Sendable {
        let channel: Int
        let streams: [StreamAnswer]
        let seconds: Double
        let trouble: Nullable<String>
    }
    struct Silent: Encodable, Sendable {
        let channel: Int
        let types: [String]
    }
    let startedAt: Date
    let finishedAt: Nullable<Date>
    let steps: [Step]
    let captures: [Capture]
    let clockOffset: Nullable<Double>
    let remarks: [String]
    let silentEvents: [Silent]
    let recommendation: Nullable<String>

    init(_ report: OnboardingReport) {
        startedAt = report.startedAt
        finishedAt = Nullable(report.finishedAt)
        steps = report.steps.map { Step(name: $0.name.rawValue, state: $0.state.rawValue, sentence: $0.sentence) }
        captures = report.captures.map {
            Capture(channel: $0.channel, streams: $0.streams.map(StreamAnswer.init), seconds: $0.seconds, trouble: Nullable($0.trouble))
        }
        clockOffset = Nullable(report.clockOffset)
        remarks = report.remarks
        silentEvents = report.silentEvents.sorted { $0.key < $1.key }.map { Silent(channel: $0.key, types: $0.value.map(\.rawValue)) }
        recommendation = Nullable(report.recommendation)
    }
}

struct DeviceAnswer: Encodable {
    let id: DeviceID
    let name: String
    let address: String
    /// Of RTSP.
    let port: Int
    let httpPort: Int
    let https: Bool
    let url: Nullable<String>
    let subUrl: Nullable<String>
    let userName: Nullable<String>
    let hasPassword: Bool
    let transport: String
    let allowBasic: Bool
    let certificate: Nullable<String>
    let channelIds: [ChannelID]
    let createdAt: Date
    let driver: String
    let driverChosen: Bool
    let driverReason: Nullable<String>
    let identity: IdentityAnswer
    let capabilities: [String]
    let doors: [Int]
    let state: ConditionAnswer
    let eventsState: Nullable<ConditionAnswer>
    let clock: Nullable<ClockAnswer>
    let disks: [DiskAnswer]
    let notifications: Int
    let lastNotificationAt: Nullable<Date>
    let upgrade: Nullable<UpgradeAnswer>
    let upgradeFailure: Nullable<String>
    let report: Nullable<ReportAnswer>
}

extension AnswerMaker {
    func device(_ record: DeviceRecord, channels: [ChannelRecord]) -> DeviceAnswer {
        let view = services.devices[record.id]?.view
        let description = record.description
        let starting = Condition(code: "starting", severity: .attention, sentence: "The device is starting.", since: services.time.now())
        return DeviceAnswer(
            id: record.id, name: record.name, address: record.host, port: record.rtspPort, httpPort: record.httpPort, https: record.https,
            url: Nullable(channels.first?.url), subUrl: Nullable(channels.first?.subUrl), userName: Nullable(record.userName),
            hasPassword: record.sealedPassword != nil, transport: record.transport, allowBasic: record.allowsBasic,
            certificate: Nullable(record.pinnedCertificate), channelIds: channels.map(\.id), createdAt: record.createdAt,
            driver: record.driver, driverChosen: record.driverChosen, driverReason: Nullable(description?.driverReason),
            identity: IdentityAnswer(description?.identity ?? DeviceIdentity()),
            capabilities: (description?.capabilities ?? []).map(\.rawValue).sorted(), doors: description?.doors ?? [],
            state: ConditionAnswer(view?.condition ?? starting), eventsState: Nullable(view?.events.map(ConditionAnswer.init)),
            clock: Nullable(view?.clock.map(ClockAnswer.init)), disks: view?.disks.map(DiskAnswer.init) ?? [],
            notifications: view?.notifications ?? 0, lastNotificationAt: Nullable(view?.lastNotificationAt),
            upgrade: Nullable(view?.upgrade.map(UpgradeAnswer.init)), upgradeFailure: Nullable(view?.upgradeFailure),
            report: Nullable(record.onboardingReport.map(ReportAnswer.init)))
    }

    /// The device as it is now.
    func device(_ id: DeviceID) async throws -> DeviceAnswer {
        let (record, _) = try await catalogue.device(id)
        return device(record, channels: try await catalogue.channelRecords(of: id))
    }

    func discovered(_ device: DiscoveredDevice) async throws -> DiscoveredAnswer {
        let added = try await catalogue.device(with: device.identity, host: device.address, port: device.httpPort)
        return DiscoveredAnswer(device, addedAs: added)
    }
}

struct DiscoveredAnswer: Encodable {
    struct Added: Encodable {
        let deviceId: DeviceID
        let name: String
    }
    let id: Int
    let address: String
    let otherAddresses: [String]
    let ways: [String]
    let identity: IdentityAnswer
    let activated: Nullable<Bool>
    let httpPort: Nullable<Int>
    let https: Nullable<Bool>
    let rtspPort: Nullable<Int>
    let onvifAddress: Nullable<String>
    let addedAs: Nullable<Added>
    let seenAt: Date

    init(_ device: DiscoveredDevice, addedAs: DeviceRecord?) {
        id = device.id
        address = device.address
        otherAddresses = device.otherAddresses
        ways = device.ways.map(\.rawValue).sorted()
        identity = IdentityAnswer(device.identity)
        activated = Nullable(device.activated)
        httpPort = Nullable(device.httpPort)
        https = Nullable(device.https)
        rtspPort = Nullable(device.rtspPort)
        onvifAddress = Nullable(device.onvifAddress)
        self.addedAs = Nullable(addedAs.map { Added(deviceId: $0.id, name: $0.name) })
        seenAt = device.seenAt
    }
}

struct DiscoveryStateAnswer: Encodable {
    let running: Bool
    let startedAt: Nullable<Date>
    let finishedAt: Nullable<Date>
    let sweep: Nullable<Double>
    var items: [DiscoveredAnswer]?

    init(_ snapshot: DiscoveryList.Snapshot, items: [DiscoveredAnswer]? = nil) {
        running = snapshot.running
        startedAt = Nullable(snapshot.startedAt)
        finishedAt = Nullable(snapshot.finishedAt)
        sweep = Nullable(snapshot.sweep.map { ($0 * 100).rounded() / 100 })
        self.items = items
    }
}

struct OnboardingAnswer: Encodable {
    let id: String
    let startedAt: Date
    let done: Bool
    let items: [OnboardingItemAnswer]

    init(_ job: Onboarding.Job) {
        id = job.id
        startedAt = job.startedAt
        done = job.isDone
        items = job.items.map { OnboardingItemAnswer($0, of: job) }
    }
}

struct OnboardingItemAnswer: Encodable, Sendable {
    struct Failure: Encodable, Sendable {
        let code: String
        let sentence: String
        let detail: Nullable<String>
        let triesLeft: Nullable<Int>
        let lockedUntil: Nullable<Date>
    }
    let onboardingId: String
    let index: Int
    let address: String
    let name: Nullable<String>
    let userName: Nullable<String>
    let state: String
    let report: ReportAnswer
    let deviceId: Nullable<DeviceID>
    let failure: Nullable<Failure>

    init(_ item: Onboarding.Item, of job: Onboarding.Job) {
        onboardingId = job.id
        index = item.index
        address = item.request.entry.address.host
        name = Nullable(item.request.name)
        userName = Nullable(item.request.entry.credentials?.userName)
        state = item.state.rawValue
        report = ReportAnswer(item.report)
        deviceId = Nullable(item.device)
        failure = Nullable(
            item.failure.map { failure in
                Failure(
                    code: failure.code.rawValue, sentence: failure.sentence, detail: Nullable(failure.detail),
                    triesLeft: Nullable(failure.triesLeft),
                    lockedUntil: Nullable(failure.lockedSeconds.map { (item.failedAt ?? job.startedAt).addingTimeInterval(Double($0)) }))
            })
    }
}

struct DeviceStreamAnswer: Encodable {
    struct Options: Encodable {
        let codecs: [String]
        let sizes: [StreamOptions.Size]
        let frameRates: [Double]
        let lowestBitRate: Nullable<Int>
        let highestBitRate: Nullable<Int>
        let longestKeyFrameInterval: Nullable<Int>
        let smartCodec: Bool
    }
    let id: String
    let role: String
    let codec: Nullable<String>
    let width: Nullable<Int>
    let height: Nullable<Int>
    let frameRate: Nullable<Double>
    let bitRate: Nullable<Int>
    let keyFrameInterval: Nullable<Int>
    let smartCodec: Nullable<Bool>
    let audio: Nullable<String>
    let url: String
    let options: Options

    init(_ stream: DeviceStream, options: StreamOptions) {
        id = stream.id
        role = stream.role.rawValue
        codec = Nullable(stream.codec)
        width = Nullable(stream.width)
        height = Nullable(stream.height)
        frameRate = Nullable(stream.frameRate)
        bitRate = Nullable(stream.bitRate)
        keyFrameInterval = Nullable(stream.keyFrameInterval)
        smartCodec = Nullable(stream.smartCodec)
        audio = Nullable(stream.audio)
        url = stream.url
        self.options = Options(
            codecs: options.codecs, sizes: options.sizes, frameRates: options.frameRates, lowestBitRate: Nullable(options.lowestBitRate),
            highestBitRate: Nullable(options.highestBitRate), longestKeyFrameInterval: Nullable(options.longestKeyFrameInterval),
            smartCodec: options.smartCodec)
    }
}

struct ReadinessAnswer: Encodable {
    struct Change: Encodable {
        let stream: String
        let sentences: [String]
    }
    let ready: Bool
    let changes: [Change]

    init(_ readiness: CloudReadiness) {
        ready = readiness.isReady
        changes = readiness.proposals.map { Change(stream: $0.stream.role.rawValue, sentences: $0.sentences) }
    }
}

struct DeviceMotionAnswer: Encodable {
    let enabled: Bool
    let sensitivity: Int
    let columns: Int
    let rows: Int
    let cells: [String]
    let schedule: Nullable<ScheduleAnswer>
    let notifies: Nullable<Bool>

    init(_ motion: DeviceMotion) {
        enabled = motion.enabled
        sensitivity = motion.sensitivity
        columns = motion.columns
        rows = motion.rows
        cells = motion.cells
        schedule = Nullable(motion.schedule.map(ScheduleAnswer.init))
        notifies = Nullable(motion.notifies)
    }
}

struct DeviceRuleAnswer: Encodable {
    struct Region: Encodable {
        let id: String
        let enabled: Bool
        let sensitivity: Nullable<Int>
        let targets: [String]
        let points: [DeviceRule.Point]
    }
    let type: String
    let enabled: Bool
    let notifies: Nullable<Bool>
    let regions: [Region]

    init(_ rule: DeviceRule) {
        type = rule.category.rawValue
        enabled = rule.enabled
        notifies = Nullable(rule.notifies)
        regions = rule.regions.map {
            Region(id: $0.id, enabled: $0.enabled, sensitivity: Nullable($0.sensitivity), targets: $0.targets, points: $0.points)
        }
    }
}

struct PresetAnswer: Encodable {
    let id: String
    let name: String

    init(_ preset: Preset) {
        id = preset.id
        name = preset.name
    }
}

struct RecordingAnswer: Encodable {
    let kind: String
    let from: Date
    let to: Date
    let bytes: Nullable<Int>
    let playbackUrl: Nullable<String>
    let downloadUrl: Nullable<String>

    init(_ recording: DeviceRecording, channel: ChannelID) {
        kind = recording.kind.rawValue
        from = recording.from
        to = recording.to
        bytes = Nullable(recording.bytes)
        playbackUrl = Nullable(recording.playbackURL)
        let range = "from=\(GatehouseJSON.text(recording.from))&to=\(GatehouseJSON.text(recording.to))"
        downloadUrl = Nullable(recording.reference == nil ? nil : "/api/v1/channels/\(channel)/recordings/download?\(range)")
    }
}
