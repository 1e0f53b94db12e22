public import Core
public import Foundation
public import GRDB

extension Identifier: DatabaseValueConvertible {
    public var databaseValue: DatabaseValue { text.databaseValue }

    public static func fromDatabaseValue(_ value: DatabaseValue) -> Self? {
        String.fromDatabaseValue(value).flatMap { Self($0) }
    }
}

/// A device on the LAN that the box proxies.
public struct DeviceRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "device"
    public var id: DeviceID
    public var siteId: SiteID
    public var name: String
    /// `isapi`, `onvif` or `rtsp`.
    public var driver: String
    /// The driver was chosen by hand, so that probing does not change it.
    public var driverChosen = false
    public var host: String
    public var httpPort: Int
    public var https: Bool
    public var rtspPort: Int
    public var userName: String?
    /// AES-256-GCM under the box's key.
    public var sealedPassword: Data?
    /// `tcp` or `udp`.
    public var transport: String
    /// The password may go over the line in the open.
    public var allowsBasic = false
    /// SHA-256 of the certificate first seen, hexadecimal.
    public var pinnedCertificate: String?
    public var serialNumber: String?
    /// Lower case with colons.
    public var macAddress: String?
    /// What the device said of itself, as JSON.
    public var details: String?
    /// How adding it went, as JSON.
    public var report: String?
    public var createdAt: Date
    /// Its owner may not use it; the provider has switched that off.
    public var ownerUseDisabled = false

    public init(
        id: DeviceID, siteId: SiteID, name: String, driver: String, host: String, httpPort: Int = 80, https: Bool = false,
        rtspPort: Int = 554, userName: String?, sealedPassword: Data?, transport: String, createdAt: Date
    ) {
        self.id = id
        self.siteId = siteId
        self.name = name
        self.driver = driver
        self.host = host
        self.httpPort = httpPort
        self.https = https
        self.rtspPort = rtspPort
        self.userName = userName
        self.sealedPassword = sealedPassword
        self.transport = transport
        self.createdAt = createdAt
    }
}

/// One video source of a device, with what is set for it.
public struct ChannelRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "channel"
    public var id: ChannelID
    public var deviceId: DeviceID
    public var siteId: SiteID
    public var name: String
    /// The channel's number on the device, from 1.
    public var number: Int
    /// RTSP, never with credentials.
    public var url: String
    public var subUrl: String?
    /// Live view, playback and recording work only while it is on.
    public var proxied = true
    /// Present while the channel is linked to cloud storage.
    public var definition: Definition?
    public var retentionDays: Int
    public var armed: Bool
    public var motion: MotionSettings
    public var schedule: ArmingSchedule
    public var createdAt: Date

    public init(
        id: ChannelID, deviceId: DeviceID, siteId: SiteID, name: String, number: Int = 1, url: String, subUrl: String? = nil,
        definition: Definition? = nil, retentionDays: Int, armed: Bool, motion: MotionSettings, schedule: ArmingSchedule, createdAt: Date
    ) {
        self.id = id
        self.deviceId = deviceId
        self.siteId = siteId
        self.name = name
        self.number = number
        self.url = url
        self.subUrl = subUrl
        self.definition = definition
        self.retentionDays = retentionDays
        self.armed = armed
        self.motion = motion
        self.schedule = schedule
        self.createdAt = createdAt
    }
}

/// A clip and where it is; the manifest is a copy of the clip directory's.
public struct ClipRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "clip"
    public var id: ClipID
    public var channelId: ChannelID
    public var channelName: String
    public var startsAt: Date
    public var state: ClipState
    public var manifest: ClipManifest
    /// What the clip occupies in the spool; 0 once it is freed.
    public var spoolBytes: Int
    public var attempts: Int
    /// A sentence.
    public var lastError: String?
    public var storedAt: Date?
    public var expiresAt: Date?
    /// What the cloud copy has; 0 before there is one.
    public var clipBytes = 0
    /// Nobody waits for it: it goes up when nothing else does.
    public var bulk = false
    /// Its picture is in the store already.
    public var previewed = false
    /// Which store has it; nil where it is not stored, or was stored before a box knew more than one.
    public var place: String?
    /// Another store that has, shall have or may have something of it, and what is to be done about that.
    public var otherPlace: String?
    public var otherCopy: OtherCopy?

    /// What is in, or on its way to, the store at `otherPlace`.
    public enum OtherCopy: String, Codable, Sendable {
        /// A second copy that is still to be made, from the spool.
        case waiting
        /// A second copy that is still to be made, from the store that has the clip: the spool has it no more.
        case wanted
        /// A second copy that cannot be made: the store that should have the clip lacks it or has it changed.
        case unobtainable
        /// A second copy, whole.
        case stored
        /// What may have come there before the clip went elsewhere; to be removed.
        case leftover
    }

    public init(manifest: ClipManifest, state: ClipState, spoolBytes: Int) {
        self.id = manifest.id
        self.channelId = manifest.channel
        self.channelName = manifest.channelName
        self.startsAt = manifest.startsAt
        self.state = state
        self.manifest = manifest
        self.spoolBytes = spoolBytes
        self.attempts = 0
        use(manifest)
    }

    /// Takes what follows from the manifest.
    public mutating func use(_ manifest: ClipManifest) {
        self.manifest = manifest
        startsAt = manifest.startsAt
        clipBytes = manifest.clip?.bytes ?? 0
        bulk = manifest.asItCame || manifest.refilled == true
    }
}

/// An event, with the clip that shows it.
public struct EventRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "event"
    public var id: EventID
    public var channelId: ChannelID
    public var channelName: String
    public var category: CameraEvent.Category
    public var source: CameraEvent.Source
    public var startedAt: Date
    public var endedAt: Date?
    public var clipId: ClipID?
    /// Why there is no footage; a sentence.
    public var dropReason: String?
    /// Of a device's event: which device, where on the picture, what moved, when by its clock.
    public var deviceId: DeviceID?
    public var region: String?
    public var target: CameraEvent.Target?
    public var deviceTime: Date?
    /// The device's own word.
    public var deviceType: String?
    /// What else it told, as JSON.
    public var details: String?
    /// Only taken down: no footage is kept of events of this kind, or of this channel.
    public var noted = false

    public init(_ event: ClipManifest.Event, channelId: ChannelID, channelName: String, clipId: ClipID?, dropReason: String? = nil) {
        self.id = event.id
        self.channelId = channelId
        self.channelName = channelName
        self.category = event.category
        self.source = event.source
        self.startedAt = event.startedAt
        self.clipId = clipId
        self.dropReason = dropReason
        region = event.region
        target = event.target
        deviceTime = event.deviceTime
    }

    /// The row of an event as it came, before there is a clip.
    public init(_ event: CameraEvent, channelName: String, clipId: ClipID?, dropReason: String?) {
        self.init(
            ClipManifest.Event(event), channelId: event.channel, channelName: channelName, clipId: clipId, dropReason: dropReason)
        deviceId = event.device
        deviceType = event.deviceType
        if !event.details.isEmpty, let data = try? GatehouseJSON.encoder.encode(event.details) {
            details = String(decoding: data, as: UTF8.self)
        }
        noted = event.onlyNoted
    }
}

extension EventRecord {
    /// Inserts the row unless there is one of its identity, by a statement that is prepared once; answers whether it did.
    public func insertIfNew(_ database: Database) throws -> Bool {
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO event (id, channelId, channelName, category, source, startedAt, endedAt, clipId, dropReason, deviceId, region, target,
                    deviceTime, deviceType, details, noted)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """)
        statement.setUncheckedArguments([
            id, channelId, channelName, category.rawValue, source.rawValue, startedAt.stored, endedAt?.stored, clipId, dropReason, deviceId,
            region,
            target?.rawValue, deviceTime?.stored, deviceType, details, noted,
        ])
        try statement.execute()
        return database.changesCount == 1
    }
}

/// Footage that should be there and is not.
public struct GapRecord: Codable, Sendable, FetchableRecord, MutablePersistableRecord {
    public static let databaseTableName = "gap"
    public var id: Int64?
    public var channelId: ChannelID
    public var from: Date
    public var to: Date
    public var bytes: Int?
    /// A sentence.
    public var reason: String

    public init(channelId: ChannelID, from: Date, to: Date, bytes: Int?, reason: String) {
        self.channelId = channelId
        self.from = from
        self.to = to
        self.bytes = bytes
        self.reason = reason
    }

    public mutating func didInsert(_ inserted: InsertionSuccess) {
        id = inserted.rowID
    }
}

/// Single values under a name, as JSON.
public struct SettingRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "setting"
    public var key: String
    public var value: String
}

extension Database {
    /// The setting `key`, or nil where it was never set.
    public func setting<Value: Decodable>(_ key: String, as type: Value.Type = Value.self) throws -> Value? {
        guard let value = try String.fetchOne(self, prepared: "SELECT value FROM setting WHERE key = ?", arguments: [key]) else {
            return nil
        }
        return try GatehouseJSON.decoder.decode(type, from: Data(value.utf8))
    }

    /// Sets `key`, or removes it with nil.
    public func set(_ key: String, to value: (some Encodable)?) throws {
        guard let value else {
            _ = try SettingRecord.deleteOne(self, key: key)
            return
        }
        let text = String(decoding: try GatehouseJSON.encoder.encode(value), as: UTF8.self)
        try SettingRecord(key: key, value: text).upsert(self)
    }
}
