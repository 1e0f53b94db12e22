// Finds newer firmware for the devices behind the box in the vendor's signed catalogue, and brings it to them, one after the other.

public import Cameras
public import Core
public import Firmware
public import Foundation
public import Logging
import Synchronization

/// Upgrades the devices of a box. At no moment is more than one of its cameras without recording because of it.
public actor DeviceUpgrader {
    /// A device, as the upgrader needs it.
    public struct Device: Sendable {
        public var id: DeviceID
        public var name: String
        public var identity: DeviceIdentity
        /// Whether the box can give it firmware.
        public var takesFirmware: Bool
        /// Its cameras, and how many of them have a picture.
        public var channels: Int
        public var streaming: Int

        public init(
            id: DeviceID, name: String, identity: DeviceIdentity, takesFirmware: Bool, channels: Int, streaming: Int
        ) {
            self.id = id
            self.name = name
            self.identity = identity
            self.takesFirmware = takesFirmware
            self.channels = channels
            self.streaming = streaming
        }
    }

    /// The box, as the upgrader needs it.
    public struct Environment: Sendable {
        /// Where it keeps the catalogue's metadata, what it fetched, and what became of it.
        public var folder: URL
        /// The root that is trusted first; nil where there is none.
        public var root: @Sendable () -> [UInt8]?
        /// Where the catalogue comes from; nil where none was named.
        public var source: (@Sendable () -> any ReleaseSource)?
        /// Whether the machine's time is to be believed.
        public var isTimeKnown: @Sendable () -> Bool
        public var devices: @Sendable () async throws -> [Device]
        /// Asks a device anew who it is.
        public var refresh: @Sendable (DeviceID) async throws -> Void
        /// Gives a device the firmware in a file of so many bytes, and returns when it has started with it.
        public var upgrade: @Sendable (DeviceID, String, Int) async throws(DeviceFailure) -> Void
        /// Bytes of the disk that are not for this: recording goes on meanwhile.
        public var reservedBytes: @Sendable () -> Int
        public var changed: @Sendable () -> Void
        public var time: TimeSource
        public var logger: Logger

        public init(
            folder: URL, root: @escaping @Sendable () -> [UInt8]?, source: (@Sendable () -> any ReleaseSource)?,
            isTimeKnown: @escaping @Sendable () -> Bool, devices: @escaping @Sendable () async throws -> [Device],
            refresh: @escaping @Sendable (DeviceID) async throws -> Void,
            upgrade: @escaping @Sendable (DeviceID, String, Int) async throws(DeviceFailure) -> Void,
            reservedBytes: @escaping @Sendable () -> Int, changed: @escaping @Sendable () -> Void, time: TimeSource, logger: Logger
        ) {
            self.folder = folder
            self.root = root
            self.source = source
            self.isTimeKnown = isTimeKnown
            self.devices = devices
            self.refresh = refresh
            self.upgrade = upgrade
            self.reservedBytes = reservedBytes
            self.changed = changed
            self.time = time
            self.logger = logger
        }
    }

    /// Firmware of the catalogue that is for a device of the box.
    public struct Available: Sendable, Equatable {
        public let version: String
        public let notes: String
        /// Where its maker has it.
        public let page: String?
        public let bytes: Int
        let path: String
        let offer: DeviceFirmwareOffer
    }

    /// Where a running upgrade is, as long as the device has not been given anything; then the device says it.
    public enum Step: Sendable, Equatable {
        case fetching(done: Int, of: Int)
        /// Another device is upgraded by hand.
        case waiting
        case sending
        case verifying
    }

    static let disk = BlockingQueue(name: "device-firmware", background: true)
    private static let tick = Duration.seconds(60)
    private static let checksEvery: TimeInterval = 86_400
    private static let retriesAfter: TimeInterval = 3600

    let environment: Environment
    private(set) var memory: DeviceUpgradeMemory
    private(set) var catalogue: [Available] = []
    public private(set) var checkedAt: Date?
    /// Why the catalogue could not be had.
    public private(set) var trouble: String?
    public private(set) var isChecking = false
    private var stepped: Step?
    /// The device that is given firmware, by the line or by hand, until its pictures are back.
    private(set) var turn: DeviceID?
    private let turnEnded = Signal()
    /// One change of what is remembered after the other, and one reading of the catalogue.
    private var lastChange: Task<Void, any Error>?
    private var lastReading: Task<[ListedDeviceFirmware], any Error>?
    private var nextCheck: Date?
    private let wake = Signal()
    nonisolated let fetched = Mutex((done: 0, total: 0))

    public init(_ environment: Environment) {
        self.environment = environment
        memory = DeviceUpgradeMemory.read(environment.folder.appending(path: "upgrades.json"))
    }

    public nonisolated var hasSource: Bool { environment.source != nil }
    var time: TimeSource { environment.time }

    // MARK: What there is

    /// The devices that could have firmware.
    public nonisolated func devices() async throws -> [Device] { try await environment.devices() }

    /// The newest firmware that is for a device, if the device has not got it.
    public func available(for identity: DeviceIdentity) -> Available? {
        guard let installed = identity.firmware.map(DeviceFirmwareVersion.init), installed.isReadable else { return nil }
        return catalogue.filter {
            $0.offer.isFor(make: identity.make, model: identity.model) && DeviceFirmwareVersion($0.version).isNewer(than: installed)
        }.max { DeviceFirmwareVersion($1.version).isNewer(than: DeviceFirmwareVersion($0.version)) }
    }

    /// What was asked for last, or is under way.
    public func upgrade(of device: DeviceID) -> DeviceUpgrade? { memory[device] }

    /// How far the running one is.
    public var step: Step? {
        if case .fetching = stepped { return fetched.withLock { .fetching(done: $0.done, of: $0.total) } }
        return stepped
    }

    func set(_ step: Step?) {
        stepped = step
        environment.changed()
    }

    /// Nothing counts that is not on the disk.
    func remember(_ change: @escaping @Sendable (inout DeviceUpgradeMemory) -> Void) async throws {
        let before = lastChange
        let task = Task {
            _ = await before?.result
            try await self.write(change)
        }
        lastChange = task
        try await task.value
        environment.changed()
    }

    private func write(_ change: @Sendable (inout DeviceUpgradeMemory) -> Void) async throws {
        var next = memory
        change(&next)
        let place = environment.folder
        try await Self.disk.run { [next] in
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            try next.write(to: place.appending(path: "upgrades.json"))
        }
        memory = next
    }

    // MARK: One at a time

    /// Takes the turn for a device, if nobody has it.
    func takeTurn(_ id: DeviceID) -> Bool {
        guard turn == nil else { return false }
        turn = id
        return true
    }

    func endTurn() {
        turn = nil
        turnEnded.raise()
    }

    func awaitTurn(_ id: DeviceID) async throws {
        while !takeTurn(id) {
            set(.waiting)
            await turnEnded.wait(atMost: .seconds(5), time: time)
            try Task.checkCancellation()
        }
    }

    // MARK: Work

    /// Learns once a day what there is, and upgrades what was asked for, until cancelled.
    public func run() async {
        await resume()
        await sweep()
        // Boxes that were switched on together do not ask together.
        nextCheck = time.now().addingTimeInterval(.random(in: 60...600))
        while !Task.isCancelled {
            if let next = memory.upgrades.first(where: { $0.state == .waiting }) {
                if await take(next) { continue }
            }
            if environment.source != nil, nextCheck.map({ $0 <= time.now() }) ?? true { await look() }
            await wake.wait(atMost: Self.tick, time: time)
        }
    }

    /// Asks the server now.
    /// - Throws: `DeviceUpgradeRefusal` where that is not possible.
    public func check() async throws(DeviceUpgradeRefusal) {
        guard environment.source != nil else {
            throw DeviceUpgradeRefusal(
                description: "This box knows no server of releases. Name one in its configuration (firmware.source).")
        }
        await look()
    }

    private func look() async {
        guard !isChecking, let make = environment.source else { return }
        isChecking = true
        environment.changed()
        let source = make()
        do {
            let listed = try await listed(source)
            var found: [Available] = []
            let identities = try await environment.devices().map(\.identity)
            for firmware in listed where identities.contains(where: { firmware.offer.isFor(make: $0.make, model: $0.model) }) {
                // One that cannot be had is no reason to know nothing of the others.
                guard let manifest = try? await firmware.manifest(from: source) else { continue }
                found.append(
                    Available(
                        version: firmware.offer.version, notes: manifest.notes, page: firmware.offer.page, bytes: manifest.file.size,
                        path: firmware.path, offer: firmware.offer))
            }
            catalogue = found
            (checkedAt, trouble) = (time.now(), nil)
            nextCheck = time.now().addingTimeInterval(Self.checksEvery + .random(in: 0...3600))
        } catch {
            guard !Task.isCancelled else { return }
            trouble = Self.sentence(error)
            environment.logger.notice("the catalogue of firmware could not be had", metadata: ["reason": "\(error)"])
            nextCheck = time.now().addingTimeInterval(Self.retriesAfter + .random(in: 0...600))
        }
        await source.close()
        isChecking = false
        environment.changed()
    }

    /// An offer that is otherwise by now.
    func take(_ offer: DeviceFirmwareOffer, at path: String) {
        guard let index = catalogue.firstIndex(where: { $0.path == path }) else { return }
        let known = catalogue[index]
        catalogue[index] = Available(
            version: offer.version, notes: known.notes, page: offer.page, bytes: known.bytes, path: path, offer: offer)
    }

    /// What the catalogue has now, verified.
    func listed(_ source: any ReleaseSource) async throws -> [ListedDeviceFirmware] {
        let before = lastReading
        let task = Task {
            _ = await before?.result
            return try await self.read(source)
        }
        lastReading = task
        return try await task.value
    }

    private func read(_ source: any ReleaseSource) async throws -> [ListedDeviceFirmware] {
        let (folder, root) = (environment.folder.appending(path: "trusted"), environment.root)
        try await Self.disk.run {
            let place = folder.appending(path: "root.json")
            guard !FileManager.default.fileExists(atPath: place.path) else { return }
            guard let bytes = root() else {
                throw DeviceUpgradeRefusal(
                    description: "This box trusts no root of releases. Name one in its configuration (firmware.root).")
            }
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try DurableFile.write(Data(bytes), to: place.path, permissions: 0o644)
        }
        let (now, isKnown) = (time.now(), environment.isTimeKnown())
        // A clock that nobody set is at least where it was: what expired does not come back with it.
        let moment = isKnown ? now : max(now, memory.knownTime ?? now)
        let listed = try await MetadataUpdate(from: source, into: MetadataFolder(folder)).refreshDeviceFirmware(at: moment)
        if isKnown { try await remember { $0.knownTime = now } }
        return listed
    }

    // MARK: What people ask for

    /// Puts devices into the line, in this order.
    /// - Throws: `DeviceUpgradeRefusal` where one of them cannot be upgraded; none is, then.
    public func upgrade(_ ids: [DeviceID], by person: String) async throws {
        let known = Dictionary(try await environment.devices().map { ($0.id, $0) }) { first, _ in first }
        var added: [DeviceUpgrade] = []
        for id in ids {
            guard let device = known[id] else { throw DeviceUpgradeRefusal(description: "A device is not there any more.") }
            let available = try admit(device)
            guard !added.contains(where: { $0.device == id }) else { continue }
            added.append(
                DeviceUpgrade(
                    device: id, from: device.identity.firmware, to: available.version, path: available.path, by: person, askedAt: time.now()
                ))
        }
        try await remember { [added] memory in
            for upgrade in added {
                memory[upgrade.device] = nil
                memory.upgrades.append(upgrade)
            }
        }
        wake.raise()
    }

    private func admit(_ device: Device) throws(DeviceUpgradeRefusal) -> Available {
        if let last = memory[device.id], [.waiting, .running].contains(last.state) {
            throw DeviceUpgradeRefusal(description: "\(device.name) is being upgraded already.")
        }
        guard let available = available(for: device.identity) else {
            throw DeviceUpgradeRefusal(description: "There is no newer firmware for \(device.name).")
        }
        if let reason = Self.obstacle(device) { throw DeviceUpgradeRefusal(description: "\(device.name): \(reason)") }
        return available
    }

    /// Why a device is not upgraded from here; nil where it can be.
    public static func obstacle(_ device: Device) -> String? {
        if !device.takesFirmware { return "The box cannot give it firmware. Do it on the device's own page." }
        if device.channels > 1 { return "Several cameras would not be recorded meanwhile. Upgrade it by itself, on its own page." }
        return nil
    }

    /// Takes a device out of the line again.
    /// - Throws: `DeviceUpgradeRefusal` where it is its turn already.
    public func cancel(_ id: DeviceID) async throws {
        guard let last = memory[id], last.state == .waiting || last.state == .running && !last.isGiven else {
            throw DeviceUpgradeRefusal(description: "An upgrade that has begun cannot be stopped: half of a firmware ends a device.")
        }
        // What it is may have changed while the disk was busy.
        try await remember { if $0[id]?.isGiven == false { $0[id] = nil } }
        guard memory[id] == nil else {
            throw DeviceUpgradeRefusal(description: "An upgrade that has begun cannot be stopped: half of a firmware ends a device.")
        }
    }

    static func sentence(_ error: any Error) -> String {
        switch error {
        case let refusal as DeviceUpgradeRefusal: refusal.description
        case let failure as DeviceFailure: failure.sentence
        default: UpgradeTrouble.sentence(error)
        }
    }
}
