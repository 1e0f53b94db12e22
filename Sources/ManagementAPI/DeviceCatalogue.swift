import BoxDatabase
import Cameras
import CloudStorage
import Core
import HTTPTypes
import Foundation
import GRDB
import Media
import Recording

/// Devices and channels as they are set: rows, secrets, and the channels at work that follow from them.
public struct DeviceCatalogue: Sendable {
    let services: BoxServices

    public init(services: BoxServices) {
        self.services = services
    }

    /// The site; a claimed box has one.
    func site() async throws -> SiteRecord {
        guard let site = try await services.database.read({ try SiteRecord.fetchOne($0) }) else {
            throw Problem(.conflict, "not-claimed", "Not claimed", "Claim the box first.")
        }
        return site
    }

    func devices() async throws -> [(DeviceRecord, [ChannelID])] {
        try await services.database.read { database in
            let channels = try ChannelRecord.fetchAll(database)
            return try DeviceRecord.order(Column("createdAt")).fetchAll(database).map { device in
                (device, channels.filter { $0.deviceId == device.id }.map(\.id))
            }
        }
    }

    func device(_ id: DeviceID) async throws -> (DeviceRecord, [ChannelID]) {
        guard let found = try await devices().first(where: { $0.0.id == id }) else { throw Problem.notFound("camera") }
        return found
    }

    func channelRecords() async throws -> [ChannelRecord] {
        try await services.database.read { try ChannelRecord.order(Column("createdAt")).fetchAll($0) }
    }

    func channelRecord(_ id: ChannelID) async throws -> ChannelRecord {
        guard let record = try await services.database.read({ try ChannelRecord.fetchOne($0, key: id) }) else {
            throw Problem.notFound("channel")
        }
        return record
    }

    func password(of device: DeviceRecord) throws -> String? {
        try device.sealedPassword.map { try services.sealer.unseal($0, context: "device/\(device.id)") }
    }

    func seal(_ password: String?, for id: DeviceID) throws -> Data? {
        try password.map { try services.sealer.seal($0, context: "device/\(id)") }
    }

    /// Adds a device with its channel and sets it to work.
    func add(name: String, url: String, subURL: String?, userName: String?, password: String?, transport: RTSPOptions.Transport)
        async throws -> DeviceRecord
    {
        let site = try await site()
        let now = services.time.now()
        let id = DeviceID.timeOrdered(at: now)
        let device = DeviceRecord(
            id: id, siteId: site.id, name: name, url: url, subUrl: subURL, userName: userName, sealedPassword: try seal(password, for: id),
            transport: transport.rawValue, createdAt: now)
        let channel = ChannelRecord(
            id: .timeOrdered(at: now), deviceId: id, siteId: site.id, name: name, definition: nil, retentionDays: 7, armed: true,
            motion: .standard, schedule: .always, createdAt: now)
        do {
            try await services.database.write { database in
                try device.insert(database)
                try channel.insert(database)
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw Problem(.conflict, "already-added", "Already added", "A camera with this address is added already.")
        }
        try await setToWork(channel)
        return device
    }

    /// Writes a changed device and lets its channels follow.
    func update(_ device: DeviceRecord) async throws {
        do {
            try await services.database.write { database in
                guard try DeviceRecord.exists(database, key: device.id) else { throw Problem.notFound("camera") }
                try device.update(database)
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw Problem(.conflict, "already-added", "Already added", "Another camera has this address already.")
        }
        for channel in try await channelRecords() where channel.deviceId == device.id {
            try await setToWork(channel)
            services.channels[channel.id]?.retryNow()
        }
    }

    /// Removes a device, its channels and their settings; footage in the cloud stays until its retention ends.
    func remove(_ id: DeviceID) async throws {
        let (_, channels) = try await device(id)
        _ = try await services.database.write { try DeviceRecord.deleteOne($0, key: id) }
        for channel in channels { await services.channels.remove(channel) }
    }

    /// Writes a changed channel and lets it follow.
    func update(_ channel: ChannelRecord) async throws {
        try await services.database.write { database in
            guard try ChannelRecord.exists(database, key: channel.id) else { throw Problem.notFound("channel") }
            try channel.update(database)
        }
        try await setToWork(channel)
    }

    /// Starts every channel that is set.
    public func start() async throws {
        for channel in try await channelRecords() { try await setToWork(channel) }
    }

    private func setToWork(_ channel: ChannelRecord) async throws {
        let (device, _) = try await device(channel.deviceId)
        let site = try await site()
        let password = try password(of: device)
        let transport = RTSPOptions.Transport(rawValue: device.transport) ?? .tcp
        func source(_ url: String) -> StreamSource {
            StreamSource(url: url, userName: device.userName, password: password, transport: transport)
        }
        let lastEventAt = try await services.database.read {
            try EventRecord.filter(Column("channelId") == channel.id).order(Column("id").desc).fetchOne($0)?.startedAt
        }
        await services.channels.apply(
            ChannelConfiguration(
                id: channel.id, site: channel.siteId, name: channel.name, timeZone: TimeZone(identifier: site.timeZone) ?? .gmt,
                definition: channel.definition, retentionDays: channel.retentionDays, armed: channel.armed, motion: channel.motion,
                schedule: channel.schedule, main: source(device.url), sub: device.subUrl.map(source), lastEventAt: lastEventAt))
        // Removed meanwhile: what was just started must not go on.
        if try await services.database.read({ try !ChannelRecord.exists($0, key: channel.id) }) {
            await services.channels.remove(channel.id)
        }
    }
}
