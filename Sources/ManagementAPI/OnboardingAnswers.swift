import Access
import BoxDatabase
import Cameras
import Core
import Devices
import Foundation

extension AnswerMaker {
    /// A device that was found; as what it was added only who may know that device is told (nil: everybody).
    func discovered(_ device: DiscoveredDevice, _ rights: Rights?) async throws -> DiscoveredAnswer {
        let known = try await catalogue.device(with: device.identity, host: device.address, port: device.httpPort)
        let added = known.flatMap { one in rights.map { $0.see(one.place) } ?? true ? one : nil }
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
    /// The device's identity, where it is bound to another site and can be asked for.
    let boundDevice: Nullable<IdentityAnswer>

    init(_ item: Onboarding.Item, of job: Onboarding.Job) {
        onboardingId = job.id
        index = item.index
        address = item.request.entry.address.host
        name = Nullable(item.request.name)
        userName = Nullable(item.request.entry.credentials?.userName)
        state = item.state.rawValue
        report = ReportAnswer(item.report)
        deviceId = Nullable(item.device)
        boundDevice = Nullable(item.bound.map { IdentityAnswer($0.identity) })
        failure = Nullable(
            item.failure.map { failure in
                Failure(
                    code: failure.code.rawValue, sentence: failure.sentence, detail: Nullable(failure.detail),
                    triesLeft: Nullable(failure.triesLeft),
                    lockedUntil: Nullable(failure.lockedSeconds.map { (item.failedAt ?? job.startedAt).addingTimeInterval(Double($0)) }))
            })
    }
}
