// Devices owns what devices the box has and how each is at work: rows and secrets, finding, adding with its trial, events, clock, lens.
// It speaks to devices through Cameras and to footage through Recording; no HTTP server and no vendor's document may enter it.

public import BoxDatabase
public import Cameras
public import Core
public import Foundation
public import GRDB
public import Logging
import Media
public import Recording

/// Why the catalogue cannot do it.
public enum CatalogueError: Error, Sendable, Equatable {
    case noSuchSite
    case noSuchDevice
    case noSuchChannel
    /// The sentence names the device that has the address or the identity already.
    case alreadyAdded(String)
}

/// Devices and channels as they are set: rows, secrets, and the channels at work that follow from them.
public struct DeviceCatalogue: Sendable {
    public let database: BoxDatabase
    public let channels: ChannelRegistry
    private let sealer: SecretSealer
    let time: TimeSource
    let list: CachedRead<DeviceList>

    public init(database: BoxDatabase, channels: ChannelRegistry, sealer: SecretSealer, time: TimeSource) {
        self.database = database
        self.channels = channels
        self.sealer = sealer
        self.time = time
        list = CachedRead(database, tables: DeviceList.tables) { try DeviceList($0) }
    }

    /// A site.
    public func site(_ id: SiteID) async throws -> SiteRecord {
        guard let site = try await database.read({ try SiteRecord.fetchOne($0, key: id) }) else { throw CatalogueError.noSuchSite }
        return site
    }

    /// The devices with their channels, in the order they were added.
    public func devices() async throws -> [(DeviceRecord, [ChannelID])] {
        try await database.read { database in
            let channels = Dictionary(grouping: try ChannelRecord.order(Column("number")).fetchAll(database), by: \.deviceId)
            return try DeviceRecord.order(Column("createdAt"), Column("id")).fetchAll(database).map { device in
                (device, (channels[device.id] ?? []).map(\.id))
            }
        }
    }

    public func device(_ id: DeviceID) async throws -> (DeviceRecord, [ChannelID]) {
        let found = try await database.read { database -> (DeviceRecord, [ChannelID])? in
            guard let device = try DeviceRecord.fetchOne(database, key: id) else { return nil }
            return (device, try Self.channels(of: id, database).map(\.id))
        }
        guard let found else { throw CatalogueError.noSuchDevice }
        return found
    }

    private static func channels(of id: DeviceID, _ database: Database) throws -> [ChannelRecord] {
        try ChannelRecord.filter(Column("deviceId") == id).order(Column("number")).fetchAll(database)
    }

    public func channelRecords() async throws -> [ChannelRecord] {
        try await database.read { try ChannelRecord.order(Column("createdAt"), Column("number")).fetchAll($0) }
    }

    public func channelRecords(of id: DeviceID) async throws -> [ChannelRecord] {
        try await database.read { try Self.channels(of: id, $0) }
    }

    public func channelRecord(_ id: ChannelID) async throws -> ChannelRecord {
        guard let record = try await database.read({ try ChannelRecord.fetchOne($0, key: id) }) else { throw CatalogueError.noSuchChannel }
        return record
    }

    public func password(of device: DeviceRecord) throws -> String? {
        try device.sealedPassword.map { try sealer.unseal($0, context: "device/\(device.id)") }
    }

    public func seal(_ password: String?, for id: DeviceID) throws -> Data? {
        try password.map { try sealer.seal($0, context: "device/\(id)") }
    }

    /// How to reach a device that was added.
    public func entryPoint(of device: DeviceRecord) async throws -> DeviceEntryPoint {
        let first = try await channelRecords(of: device.id).first
        let isStream = device.driver == DriverKind.rtsp.rawValue
        return DeviceEntryPoint(
            address: DeviceAddress(host: device.host, port: device.httpPort, https: device.https, rtspPort: device.rtspPort),
            mainURL: isStream ? first.flatMap { RTSPAddress($0.url) } : nil,
            subURL: isStream ? first?.subUrl.flatMap { RTSPAddress($0) } : nil,
            credentials: try password(of: device).flatMap { password in
                device.userName.map { DeviceCredentials(userName: $0, password: password) }
            } ?? device.userName.map { DeviceCredentials(userName: $0, password: "") },
            transport: RTSPOptions.Transport(rawValue: device.transport) ?? .tcp, pinnedCertificate: device.pinnedCertificate,
            allowsBasic: device.allowsBasic)
    }

    // MARK: Changing

    /// Adds a device with its channels and sets them to work.
    /// - Throws: `CatalogueError.alreadyAdded`.
    public func add(_ device: DeviceRecord, channels: [ChannelRecord]) async throws {
        try await database.write { database in
            if let other = try Self.same(as: device, channels: channels, database) { throw Self.alreadyAdded(other, device) }
            try device.insert(database)
            for channel in channels { try channel.insert(database) }
        }
        for channel in channels { try await setToWork(channel) }
    }

    /// Of another site's device not even the name is told.
    private static func alreadyAdded(_ other: DeviceRecord, _ device: DeviceRecord) -> CatalogueError {
        .alreadyAdded(
            other.siteId == device.siteId
                ? "This device is added already, as \(other.name)." : "This device is added already, at another site.")
    }

    /// Another device with the same identity, the same address, or the same stream.
    static func same(as device: DeviceRecord, channels: [ChannelRecord], _ database: Database) throws -> DeviceRecord? {
        let urls = Set(channels.map(\.url))
        let streams = try ChannelRecord.fetchAll(database)
        return try DeviceRecord.fetchAll(database).first { other in
            guard other.id != device.id else { return false }
            if let serial = device.serialNumber, serial == other.serialNumber { return true }
            if let mac = device.macAddress, mac == other.macAddress { return true }
            if device.driver != DriverKind.rtsp.rawValue, other.driver != DriverKind.rtsp.rawValue,
                device.host == other.host, device.httpPort == other.httpPort
            {
                return true
            }
            return streams.contains { $0.deviceId == other.id && urls.contains($0.url) }
        }
    }

    /// The device that has this identity or address, if there is one.
    public func device(with identity: DeviceIdentity, host: String, port: Int?) async throws -> DeviceRecord? {
        try await database.read { database in
            let devices = try DeviceRecord.fetchAll(database)
            func isSame(_ one: String?, _ other: String?) -> Bool? { one.flatMap { one in other.map { $0 == one } } }
            let same = devices.first {
                isSame(identity.serialNumber, $0.serialNumber) ?? isSame(identity.macAddress, $0.macAddress) ?? false
            }
            return same
                ?? devices.first { other in
                    isSame(identity.serialNumber, other.serialNumber) ?? isSame(identity.macAddress, other.macAddress)
                        ?? (other.host == host && (port == nil || other.httpPort == port))
                }
        }
    }

    /// Writes a changed device and lets its channels follow; `streams` are its channels with changed addresses.
    public func update(_ device: DeviceRecord, channels changed: [ChannelRecord] = []) async throws {
        try await database.write { database in
            guard try DeviceRecord.exists(database, key: device.id) else { throw CatalogueError.noSuchDevice }
            let channels = try Self.channels(of: device.id, database).map { channel in changed.first { $0.id == channel.id } ?? channel }
            if let other = try Self.same(as: device, channels: channels, database) { throw Self.alreadyAdded(other, device) }
            var device = device
            // What others decide about it meanwhile stays.
            if let now = try DeviceRecord.fetchOne(database, key: device.id) {
                (device.siteId, device.ownerUseDisabled) = (now.siteId, now.ownerUseDisabled)
            }
            try device.update(database)
            for var channel in changed {
                channel.siteId = device.siteId
                try channel.update(database)
            }
        }
        try await setToWork(device.id)
    }

    /// Changes a device's row as it is now, whatever others changed meanwhile; its channels stay as they are.
    public func change(_ id: DeviceID, _ change: @escaping @Sendable (inout DeviceRecord) throws -> Void) async throws {
        try await database.write { database in
            guard var device = try DeviceRecord.fetchOne(database, key: id) else { throw CatalogueError.noSuchDevice }
            try change(&device)
            try device.update(database)
        }
    }

    /// Lets a device's channels follow what was changed of it.
    func setToWork(_ id: DeviceID) async throws {
        for channel in try await channelRecords(of: id) {
            try await setToWork(channel)
            channels[channel.id]?.retryNow()
        }
    }

    /// Lets those of a device's streams try again that it refused.
    func retryRefused(_ id: DeviceID) async {
        for channel in (try? await channelRecords(of: id)) ?? [] { channels[channel.id]?.retryIfRefused() }
    }

    /// Moves a device to another host: its streams' addresses follow.
    public func move(_ id: DeviceID, to host: String) async throws {
        var (device, _) = try await device(id)
        let old = device.host
        device.host = host
        let streams = try await channelRecords(of: id).map { channel in
            var channel = channel
            channel.url = Self.moved(channel.url, from: old, to: host)
            channel.subUrl = channel.subUrl.map { Self.moved($0, from: old, to: host) }
            return channel
        }
        try await update(device, channels: streams)
    }

    /// A stream's address on another host; streams that were elsewhere stay there.
    public static func moved(_ url: String, from old: String, to host: String) -> String {
        guard var parts = URLComponents(string: url), parts.host == old || parts.host == "[\(old)]" else { return url }
        parts.host = host.contains(":") ? "[\(host)]" : host
        return parts.string ?? url
    }

    /// Removes a device, its channels and their settings; footage in the cloud stays until its retention ends.
    /// - Parameter also: what happens in the same transaction, before it.
    /// - Returns: the channels that were its.
    @discardableResult
    public func remove(
        _ id: DeviceID, also: @escaping @Sendable (Database, _ channels: [ChannelID]) throws -> Void = { _, _ in }
    ) async throws -> [ChannelID] {
        let (_, ids) = try await device(id)
        try await database.write { database in
            try also(database, ids)
            try DeviceRecord.deleteOne(database, key: id)
        }
        for channel in ids { await channels.remove(channel) }
        return ids
    }

    /// Writes a changed channel and lets it follow.
    public func update(_ channel: ChannelRecord) async throws {
        try await database.write { database in
            guard let now = try ChannelRecord.fetchOne(database, key: channel.id) else { throw CatalogueError.noSuchChannel }
            var channel = channel
            // Where it belongs is another's to change.
            channel.siteId = now.siteId
            try channel.update(database)
        }
        try await setToWork(channel)
    }

    /// Starts every channel that is set.
    public func start(_ logger: Logger) async throws {
        // Events that went on when the box ended: when they ended nobody knows.
        try await database.write {
            try $0.execute(sql: "UPDATE event SET endedAt = startedAt WHERE endedAt IS NULL AND clipId IS NULL AND deviceId IS NOT NULL")
        }
        for channel in try await channelRecords() {
            do { try await setToWork(channel) } catch {
                logger.error("channel not started", metadata: ["name": "\(channel.name)", "error": "\(error)"])
            }
        }
    }

    private func setToWork(_ channel: ChannelRecord) async throws {
        guard channel.proxied else { return await channels.remove(channel.id) }
        let (device, _) = try await device(channel.deviceId)
        let site = try await site(channel.siteId)
        let password = try password(of: device)
        let transport = RTSPOptions.Transport(rawValue: device.transport) ?? .tcp
        let metadata = device.description?.channels.first { $0.number == channel.number }?.capabilities.contains(.metadataStream) ?? false
        func source(_ url: String, metadata: Bool = false) -> StreamSource {
            StreamSource(url: url, userName: device.userName, password: password, transport: transport, metadata: metadata)
        }
        let lastEventAt = try await database.read {
            try EventRecord.filter(Column("channelId") == channel.id).order(Column("id").desc).fetchOne($0)?.startedAt
        }
        await channels.apply(
            ChannelConfiguration(
                id: channel.id, site: channel.siteId, name: channel.name, timeZone: TimeZone(identifier: site.timeZone) ?? .gmt,
                definition: channel.definition, retentionDays: channel.retentionDays, armed: channel.armed, motion: channel.motion,
                schedule: channel.schedule, main: source(channel.url, metadata: metadata),
                sub: channel.subUrl.map { source($0) }, lastEventAt: lastEventAt))
        // Removed meanwhile: what was just started must not go on.
        if try await database.read({ try !ChannelRecord.exists($0, key: channel.id) }) { await channels.remove(channel.id) }
    }
}

extension DeviceRecord {
    /// What the device said of itself.
    public var description: DeviceDescription? {
        details.flatMap { try? GatehouseJSON.decoder.decode(DeviceDescription.self, from: Data($0.utf8)) }
    }

    public var driverKind: DriverKind { DriverKind(rawValue: driver) ?? .rtsp }

    /// How adding it went.
    public var onboardingReport: OnboardingReport? {
        report.flatMap { try? GatehouseJSON.decoder.decode(OnboardingReport.self, from: Data($0.utf8)) }
    }

    /// Takes over what the device says of itself.
    public mutating func take(_ description: DeviceDescription) throws {
        driver = description.driver.rawValue
        serialNumber = description.identity.serialNumber ?? serialNumber
        macAddress = description.identity.macAddress ?? macAddress
        details = String(decoding: try GatehouseJSON.encoder.encode(description), as: UTF8.self)
    }
}
