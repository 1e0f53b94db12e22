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
    let siteId: SiteID
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
    /// Of a check that goes on.
    let check: Nullable<ReportAnswer>
}

extension AnswerMaker {
    func device(_ device: ListedDevice) -> DeviceAnswer {
        let (record, channels, atWork) = (device.record, device.channels, services.devices[device.record.id])
        let view = atWork?.view
        let description = atWork?.description ?? device.description
        let starting = Condition(code: "starting", severity: .attention, sentence: "The device is starting.", since: services.time.now())
        return DeviceAnswer(
            id: record.id, siteId: record.siteId, name: record.name, address: record.host, port: record.rtspPort, httpPort: record.httpPort,
            https: record.https,
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
            report: Nullable(device.report.map(ReportAnswer.init)), check: Nullable(view?.check.map(ReportAnswer.init)))
    }

    /// The device as it is now.
    func device(_ id: DeviceID) async throws -> DeviceAnswer {
        device(try await catalogue.listed(id))
    }
}
