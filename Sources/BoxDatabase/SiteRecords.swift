public import Core
public import Foundation
public import GRDB

/// Marks the identifiers of handovers.
public enum HandoverKind {}
/// Marks the identifiers of permissions at sites.
public enum SitePermissionKind {}
/// Marks the identifiers of applications for permissions.
public enum ApplicationKind {}

public typealias HandoverID = Identifier<HandoverKind>
public typealias SitePermissionID = Identifier<SitePermissionKind>
/// Marks the identifiers of notices.
public enum NoticeKindOfID {}

public typealias NoticeID = Identifier<NoticeKindOfID>
public typealias ApplicationID = Identifier<ApplicationKind>

/// A customer's place.
public struct SiteRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "site"
    public var id: SiteID
    public var name: String
    /// IANA name; fixed after creation.
    public var timeZone: String
    public var createdAt: Date
    /// The service provider that looks after it.
    public var companyId: CompanyID?
    /// The end customer, once they have accepted the handover.
    public var ownerId: PersonID?
    public var handedOverAt: Date?
    /// Since when the owner lets the provider look after it; nil before the handover, and when they have taken it back.
    public var authorizedAt: Date?
    /// The owner has let the provider switch their remote use off; devices cannot be unbound then.
    public var controlsRemoteUse = false
    /// Devices get the site's time and zone.
    public var syncsTime = false
    /// How long viewers from afar may watch, minutes; 0 for no limit, nil as the box says.
    public var liveLimitMinutes: Int?
    public var scene: String?
    public var address: String?
    public var city: String?
    public var state: String?
    /// Degrees (WGS 84).
    public var latitude: Double?
    public var longitude: Double?
    /// The owner sees them.
    public var remarks: String?

    public init(id: SiteID, name: String, timeZone: String, companyId: CompanyID?, createdAt: Date) {
        self.id = id
        self.name = name
        self.timeZone = timeZone
        self.companyId = companyId
        self.createdAt = createdAt
    }
}

/// What an owner lets a provider do at a site or with a device.
public enum SitePermission: String, Codable, Sendable, CaseIterable {
    /// Change the site's own fields.
    case siteInformation = "site-information"
    case configuration
    case liveView = "live-view"
    case playback
}

/// For how long a permission is asked for.
public struct Validity: Codable, Sendable, Equatable {
    /// 1, 2, 4 or 8; nil with `until` nil as well for a permanent one.
    public var hours: Int?
    public var until: Date?

    public static let permanent = Validity(hours: nil, until: nil)
    public static let hoursToChoose = [1, 2, 4, 8]

    public init(hours: Int?, until: Date?) {
        self.hours = hours
        self.until = until
    }

    /// When what begins at `now` ends.
    public func end(from now: Date) -> Date? { hours.map { now.addingTimeInterval(Double($0) * 3600) } ?? until }
}

/// One permission that is asked for.
public struct PermissionWish: Codable, Sendable, Equatable {
    public var permission: SitePermission
    /// Of one device, or of one channel; nil for the whole site.
    public var deviceId: DeviceID?
    public var channelId: ChannelID?
    public var validity: Validity

    public init(permission: SitePermission, deviceId: DeviceID? = nil, channelId: ChannelID? = nil, validity: Validity) {
        self.permission = permission
        self.deviceId = deviceId
        self.channelId = channelId
        self.validity = validity
    }
}

/// A site on its way to its owner; the token of the link is not stored.
public struct HandoverRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "handover"

    public enum Way: String, Codable, Sendable, CaseIterable {
        case email, phone
    }

    public enum State: String, Codable, Sendable, CaseIterable {
        case pending, accepted, refused
        /// Another one was sent, or it was taken back.
        case void
    }

    public var id: HandoverID
    /// SHA-256 of the token, hexadecimal.
    public var tokenHash: String
    public var siteId: SiteID
    public var way: Way
    /// An e-mail address or a phone number.
    public var recipient: String
    public var remarks: String?
    public var wishes: [PermissionWish]
    public var asksRemoteUseControl: Bool
    /// Of the message, and of what the owner is told later.
    public var language = "en"
    public var sentBy: PersonID?
    public var createdAt: Date
    public var state = State.pending
    public var decidedAt: Date?

    public init(
        id: HandoverID, tokenHash: String, siteId: SiteID, way: Way, recipient: String, remarks: String?, wishes: [PermissionWish],
        asksRemoteUseControl: Bool, sentBy: PersonID?, createdAt: Date
    ) {
        self.id = id
        self.tokenHash = tokenHash
        self.siteId = siteId
        self.way = way
        self.recipient = recipient
        self.remarks = remarks
        self.wishes = wishes
        self.asksRemoteUseControl = asksRemoteUseControl
        self.sentBy = sentBy
        self.createdAt = createdAt
    }
}

/// A permission that an owner has given.
public struct SitePermissionRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "sitePermission"
    public var id: SitePermissionID
    public var siteId: SiteID
    public var companyId: CompanyID
    /// One person of the company; nil for all who look after the site.
    public var personId: PersonID?
    public var deviceId: DeviceID?
    public var channelId: ChannelID?
    public var permission: SitePermission
    public var grantedAt: Date
    /// Nil for a permanent one.
    public var endsAt: Date?
    /// For how long it has been in force while the box ran: a clock that is set back lengthens nothing.
    public var spentSeconds: Double = 0
    /// Those who have it know that it ends soon.
    public var endTold = false

    public init(
        id: SitePermissionID, siteId: SiteID, companyId: CompanyID, personId: PersonID?, wish: PermissionWish, grantedAt: Date
    ) {
        self.id = id
        self.siteId = siteId
        self.companyId = companyId
        self.personId = personId
        deviceId = wish.deviceId
        channelId = wish.channelId
        permission = wish.permission
        self.grantedAt = grantedAt
        endsAt = wish.validity.end(from: grantedAt)
    }

    /// Seconds that are left of it at `now`, at most what has not been spent; nil for a permanent one.
    public func left(at now: Date) -> Double? {
        endsAt.map { min($0.timeIntervalSince(now), $0.timeIntervalSince(grantedAt) - spentSeconds) }
    }
}

/// What a provider asks an owner for.
public struct PermissionApplicationRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "permissionApplication"

    public enum Kind: String, Codable, Sendable {
        /// To look after the site (again).
        case authorization
        case permission
    }

    public enum State: String, Codable, Sendable, CaseIterable {
        case pending, approved, refused, withdrawn
    }

    public var id: ApplicationID
    public var siteId: SiteID
    public var companyId: CompanyID
    public var appliedBy: PersonID?
    public var appliedByName: String
    public var kind: Kind
    public var wishes: [PermissionWish]
    public var remarks: String?
    public var createdAt: Date
    public var state = State.pending
    public var decidedAt: Date?

    public init(
        id: ApplicationID, siteId: SiteID, companyId: CompanyID, appliedBy: PersonID, appliedByName: String, kind: Kind,
        wishes: [PermissionWish], remarks: String?, createdAt: Date
    ) {
        self.id = id
        self.siteId = siteId
        self.companyId = companyId
        self.appliedBy = appliedBy
        self.appliedByName = appliedByName
        self.kind = kind
        self.wishes = wishes
        self.remarks = remarks
        self.createdAt = createdAt
    }
}

/// Something that somebody was told.
public struct NoticeRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "notice"
    public var id: NoticeID
    public var personId: PersonID
    public var kind: String
    public var siteId: SiteID?
    /// Names that the sentence has in it.
    public var values: [String: String]
    public var createdAt: Date
    public var readAt: Date?

    public init(id: NoticeID, personId: PersonID, kind: String, siteId: SiteID?, values: [String: String], createdAt: Date) {
        self.id = id
        self.personId = personId
        self.kind = kind
        self.siteId = siteId
        self.values = values
        self.createdAt = createdAt
    }
}
