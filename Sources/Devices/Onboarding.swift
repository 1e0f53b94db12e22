import BoxDatabase
public import Cameras
public import Core
public import Foundation
import Logging
import Media
import Recording
import Synchronization

/// A device that somebody wants to add.
public struct OnboardingRequest: Sendable {
    public var entry: DeviceEntryPoint
    public var name: String?
    public var driver: DriverKind?
    public var setsClock: Bool

    public init(entry: DeviceEntryPoint, name: String? = nil, driver: DriverKind? = nil, setsClock: Bool = false) {
        self.entry = entry
        self.name = name
        self.driver = driver
        self.setsClock = setsClock
    }
}

/// Adding devices, many at once: a job that goes on without the page that began it.
public final class Onboarding: Sendable {
    /// How far one device is.
    public struct Item: Sendable {
        public enum State: String, Codable, Sendable {
            case waiting, working, added, failed
        }

        public let index: Int
        public var request: OnboardingRequest
        public var state = State.waiting
        public var report: OnboardingReport
        public var failure: DeviceFailure?
        public var failedAt: Date?
        public var device: DeviceID?
        /// The same device at another site, because of which it cannot be added.
        public var bound: Bound?
    }

    /// A device that is bound to another site, as it told of itself to whoever knows its password.
    public struct Bound: Sendable {
        public let device: DeviceID
        public let identity: DeviceIdentity
    }

    /// One job.
    public struct Job: Sendable, Identifiable {
        public let id: String
        /// Where the devices belong.
        public let site: SiteID
        public let startedAt: Date
        public var items: [Item]
        public var isDone: Bool { items.allSatisfy { $0.state == .added || $0.state == .failed } }
    }

    private struct State {
        var jobs: [Job] = []
        var tasks: [String: Task<Void, Never>] = [:]
    }

    private static let kept = 20
    private static let takesPasswordOver = Duration.seconds(5)
    private let catalogue: DeviceCatalogue
    private let registry: DeviceRegistry
    private let time: TimeSource
    private let captureSpan: Duration
    private let logger: Logger
    private let changed: @Sendable (Job, Item) -> Void
    private let state = Mutex(State())
    /// Trials that run at once, over all jobs.
    private let turns = Turns(16)

    public init(
        catalogue: DeviceCatalogue, registry: DeviceRegistry, captureSpan: Duration, time: TimeSource,
        changed: @escaping @Sendable (Job, Item) -> Void
    ) {
        self.catalogue = catalogue
        self.registry = registry
        self.captureSpan = captureSpan
        self.time = time
        self.changed = changed
        logger = registry.environment.logger
    }

    public var jobs: [Job] { state.withLock { $0.jobs } }

    public subscript(id: String) -> Job? { state.withLock { state in state.jobs.first { $0.id == id } } }

    /// Begins to add devices; returns at once.
    public func begin(_ requests: [OnboardingRequest], at site: SiteID) -> Job {
        let now = time.now()
        let job = Job(
            id: EventID.timeOrdered(at: now).text, site: site, startedAt: now,
            items: requests.enumerated().map { Item(index: $0, request: $1, report: OnboardingReport(startedAt: now)) })
        state.withLock { state in
            state.jobs.append(job)
            while state.jobs.count > Self.kept, let index = state.jobs.firstIndex(where: \.isDone) { state.jobs.remove(at: index) }
        }
        for item in job.items { start(job.id, item.index) }
        return job
    }

    /// Tries one device again, with what was changed in its request.
    /// - Returns: nil where there is no such device, or it is not done yet.
    public func retry(_ id: String, _ index: Int, change: (inout OnboardingRequest) -> Void) -> Item? {
        let item = update(id, index) { item in
            guard item.state == .failed else { return }
            change(&item.request)
            item.state = .waiting
            item.failure = nil
            item.bound = nil
            item.report = OnboardingReport(startedAt: self.time.now())
        }
        guard let item, item.state == .waiting else { return nil }
        start(id, index)
        return item
    }

    // MARK: Devices that were added

    /// Tries a device of the box whole again, in the background; its report and description are replaced.
    ///
    /// - Parameter choosesDriver: The best driver is looked for again; else the one that it has stays.
    public func check(_ id: DeviceID, choosesDriver: Bool = false) {
        let key = "check/\(id)"
        let task = Task {
            try? await turns.run {
                do {
                    try await self.checkNow(id, choosesDriver: choosesDriver)
                } catch {
                    self.logger.warning("device not checked", metadata: ["device": "\(id)", "error": "\(error)"])
                }
            }
            state.withLock { _ = $0.tasks.removeValue(forKey: key) }
        }
        let former = state.withLock { $0.tasks.updateValue(task, forKey: key) }
        former?.cancel()
    }

    private func checkNow(_ id: DeviceID, choosesDriver: Bool) async throws {
        let (record, _) = try await catalogue.device(id)
        let entry = try await catalogue.entryPoint(of: record)
        let working = Dictionary(
            uniqueKeysWithValues: try await catalogue.channelRecords(of: id).compactMap { channel in
                catalogue.channels[channel.id].map { (channel.number, $0.view.streams) }
            })
        let trial = DeviceTrial(
            prober: registry.environment.prober, time: time, captureSpan: captureSpan, receiving: { working[$0] },
            eventsCome: registry[id]?.view.events?.severity == .ok, addedAs: { _, _ in nil })
        let (result, report) = await trial.run(
            entry, driver: choosesDriver ? nil : record.driverKind, zone: nil, setsClock: false
        ) { [registry] report in registry[id]?.note(check: report) }
        registry[id]?.note(check: nil)
        let text = String(decoding: try GatehouseJSON.encoder.encode(report), as: UTF8.self)
        try await catalogue.change(id) { device in
            device.report = text
            guard case .success(let outcome) = result else { return }
            var description = outcome.description
            // The driver is kept because it was found, not because somebody chose it.
            if !choosesDriver, !device.driverChosen, let reason = device.description?.driverReason { description.driverReason = reason }
            try device.take(description)
            device.pinnedCertificate = device.pinnedCertificate ?? outcome.entry.pinnedCertificate
        }
        guard case .success(let outcome) = result else { return }
        if outcome.description.driver == record.driverKind {
            registry[id]?.take(outcome.description)
        } else {
            try await registry.apply(id)
        }
    }

    /// Asks a device again what it is, after something was changed on it.
    public func refresh(_ id: DeviceID) async throws {
        guard let atWork = registry[id] else { throw CatalogueError.noSuchDevice }
        let description = try await atWork.driver.describe()
        try await catalogue.change(id) { try $0.take(description) }
        atWork.take(description)
    }

    /// Changes the password on the device, then in the box; the other way round it would be locked out.
    public func changePassword(of id: DeviceID, to password: String) async throws {
        let (record, _) = try await catalogue.device(id)
        let driver = registry.environment.prober.driver(record.driverKind, try await catalogue.entryPoint(of: record), profile: .unknown)
        state.withLock { $0.tasks.removeValue(forKey: "password/\(id)") }?.cancel()
        // Nobody may go on with the old password: a few tries of it lock the account.
        await registry.remove(id)
        let result: Result<Void, DeviceFailure>
        do throws(DeviceFailure) {
            try await driver.changePassword(to: password)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await driver.close()
        if case .success = result {
            let sealed = try catalogue.seal(password, for: id)
            try await catalogue.change(id) { $0.sealedPassword = sealed }
            try await catalogue.setToWork(id)
        }
        try await registry.apply(id)
        try result.get()
        letRefusedTryAgain(id)
    }

    /// Devices take a new password over part by part, their streams last. Whoever was refused meanwhile tries once more, and no oftener:
    /// a few refusals lock the account.
    private func letRefusedTryAgain(_ id: DeviceID) {
        let task = Task {
            guard (try? await time.sleep(Self.takesPasswordOver)) != nil else { return }
            await catalogue.retryRefused(id)
            guard !Task.isCancelled else { return }
            if let device = registry[id], device.view.condition.code == DeviceFailure.Code.wrongPassword.rawValue { device.retryNow() }
            state.withLock { _ = $0.tasks.removeValue(forKey: "password/\(id)") }
        }
        state.withLock { $0.tasks.updateValue(task, forKey: "password/\(id)") }?.cancel()
    }

    /// Upgrades a device's firmware, and returns when it has started with it.
    public func upgrade(_ device: DeviceAtWork, file: String, bytes: Int) async throws(DeviceFailure) {
        device.note(UpgradeProgress(stage: .sending, share: 0))
        do throws(DeviceFailure) {
            try await device.driver.upgrade(file: file, bytes: bytes) { device.note($0) }
            check(device.record.id)
        } catch {
            device.note(nil, failure: error.sentence)
            throw error
        }
    }

    /// Ends what is not done.
    public func cancel(_ id: String) {
        let tasks = state.withLock { state in state.tasks.filter { $0.key.hasPrefix(id + "/") }.map(\.value) }
        for task in tasks { task.cancel() }
    }

    private func start(_ id: String, _ index: Int) {
        let key = "\(id)/\(index)"
        let task = Task {
            do {
                try await turns.run { await self.work(id, index) }
            } catch {
                fail(
                    id, index, DeviceFailure(.silent, "Interrupted before its turn came. Try again."),
                    OnboardingReport(startedAt: time.now()))
            }
            state.withLock { _ = $0.tasks.removeValue(forKey: key) }
        }
        state.withLock { $0.tasks[key] = task }
    }

    private func work(_ id: String, _ index: Int) async {
        guard let request = update(id, index, { $0.state = .working })?.request else { return }
        guard let job = self[id] else { return }
        let site = try? await catalogue.site(job.site)
        let trial = DeviceTrial(
            prober: registry.environment.prober, time: time, captureSpan: captureSpan,
            addedAs: { [catalogue] identity, address in
                let known = try? await catalogue.device(with: identity, host: address.host, port: address.port)
                guard let known else { return nil }
                self.note(known, identity, id, index, at: job.site)
                return known.siteId == job.site ? known.name : "a device of another site"
            })
        let (result, report) = await trial.run(
            request.entry, driver: request.driver, zone: site.flatMap { TimeZone(identifier: $0.timeZone) }, setsClock: request.setsClock
        ) { [weak self] report in
            _ = self?.update(id, index) { $0.report = report }
        }
        switch result {
        case .failure(let failure): fail(id, index, failure, report)
        case .success(let outcome):
            do {
                let device = try await add(outcome, request, report, at: job.site)
                update(id, index) { item in
                    item.state = .added
                    item.device = device
                    item.report = report
                    // The device's row has it now, sealed.
                    item.request.entry.credentials?.password = ""
                }
            } catch CatalogueError.alreadyAdded(let sentence) {
                let (identity, address) = (outcome.description.identity, outcome.entry.address)
                if let known = try? await catalogue.device(with: identity, host: address.host, port: address.port) {
                    note(known, identity, id, index, at: job.site)
                }
                fail(id, index, DeviceFailure(.alreadyAdded, sentence), report)
            } catch {
                logger.error("device not added", metadata: ["error": "\(error)"])
                fail(id, index, DeviceFailure(.deviceError, "The box could not keep the device. Try again.", detail: "\(error)"), report)
            }
        }
    }

    /// Notes that a device cannot be added because it is another site's; not of one that only has the address of another.
    private func note(_ known: DeviceRecord, _ identity: DeviceIdentity, _ id: String, _ index: Int, at site: SiteID) {
        let isSame =
            identity.serialNumber.map { $0 == known.serialNumber } ?? false || identity.macAddress.map { $0 == known.macAddress } ?? false
        guard known.siteId != site, isSame else { return }
        update(id, index) { $0.bound = Bound(device: known.id, identity: identity) }
    }

    private func fail(_ id: String, _ index: Int, _ failure: DeviceFailure, _ report: OnboardingReport) {
        update(id, index) { item in
            item.state = .failed
            item.failure = failure
            item.failedAt = self.time.now()
            item.report = report
        }
    }

    /// Writes the device with its channels and sets them to work.
    private func add(_ outcome: DeviceTrial.Outcome, _ request: OnboardingRequest, _ report: OnboardingReport, at site: SiteID)
        async throws -> DeviceID
    {
        let now = time.now()
        let id = DeviceID.timeOrdered(at: now)
        let entry = outcome.entry
        let identity = outcome.description.identity
        let name = request.name ?? identity.name ?? identity.model ?? entry.address.host
        var device = DeviceRecord(
            id: id, siteId: site, name: name, driver: outcome.description.driver.rawValue, host: entry.address.host,
            httpPort: entry.address.port, https: entry.address.https, rtspPort: entry.address.rtspPort,
            userName: entry.credentials?.userName,
            sealedPassword: try catalogue.seal(entry.credentials?.password, for: id), transport: entry.transport.rawValue, createdAt: now)
        device.driverChosen = request.driver != nil
        device.allowsBasic = entry.allowsBasic
        device.pinnedCertificate = entry.pinnedCertificate
        device.report = String(decoding: try GatehouseJSON.encoder.encode(report), as: UTF8.self)
        try device.take(outcome.description)
        let channels = Self.channels(of: device, outcome, name: name, now: now)
        try await catalogue.add(device, channels: channels)
        try await registry.apply(id)
        logger.info("device added", metadata: ["name": "\(name)", "driver": "\(device.driver)", "channels": "\(channels.count)"])
        return id
    }

    /// The proxy is on for what has a picture: of a recorder the first eight, which is what a box carries.
    private static func channels(of device: DeviceRecord, _ outcome: DeviceTrial.Outcome, name: String, now: Date) -> [ChannelRecord] {
        var on = 0
        let all = outcome.description.channels
        return all.compactMap { channel in
            guard let main = channel.stream(.main) ?? channel.streams.first else { return nil }
            var record = ChannelRecord(
                id: .timeOrdered(at: now), deviceId: device.id, siteId: device.siteId,
                name: all.count == 1 ? name : channel.name, number: channel.number, url: main.url, subUrl: channel.stream(.sub)?.url,
                retentionDays: 7, armed: true, motion: .standard, schedule: .always, createdAt: now)
            record.proxied = channel.online != false && on < 8
            if record.proxied { on += 1 }
            return record
        }
    }

    @discardableResult
    private func update(_ id: String, _ index: Int, _ change: (inout Item) -> Void) -> Item? {
        let found = state.withLock { state -> (Job, Item)? in
            guard let at = state.jobs.firstIndex(where: { $0.id == id }), state.jobs[at].items.indices.contains(index) else { return nil }
            change(&state.jobs[at].items[index])
            return (state.jobs[at], state.jobs[at].items[index])
        }
        guard let (job, item) = found else { return nil }
        changed(job, item)
        return item
    }
}
