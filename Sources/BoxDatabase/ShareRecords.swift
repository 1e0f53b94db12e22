public import Core
public import Foundation
public import GRDB

/// Marks the identifiers of shares.
public enum SiteShareKind {}
public typealias SiteShareID = Identifier<SiteShareKind>

/// A site that its provider shares with a partner, or that its owner invites a provider to; the token of the link is not stored.
public struct SiteShareRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "siteShare"

    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// With an installation service partner (ISP): before the handover, and until it.
        case installation
        /// With a maintenance service partner (MSP): what the owner lets the provider do, or a part of it.
        case maintenance
        /// With a service provider whom the owner invites to look after devices ("device management invitation").
        case management
    }

    public enum State: String, Codable, Sendable, CaseIterable {
        case pending, accepted, refused
        /// By the provider, the partner, the handover, or because the owner discarded the authorization.
        case ended
    }

    public var id: SiteShareID
    /// SHA-256 of the token, hexadecimal.
    public var tokenHash: String
    public var siteId: SiteID
    /// The partner; nil until somebody has accepted.
    public var companyId: CompanyID?
    public var kind: Kind
    /// Of maintenance; none otherwise.
    public var permissions: [SitePermission]
    /// Of management: what the provider is given when it accepts.
    public var wishes: [PermissionWish]?
    /// An e-mail address.
    public var recipient: String
    public var remarks: String?
    public var language: String
    public var sentBy: PersonID?
    public var createdAt: Date
    public var state = State.pending
    public var decidedAt: Date?

    public init(
        id: SiteShareID, tokenHash: String, siteId: SiteID, kind: Kind, permissions: [SitePermission], wishes: [PermissionWish]? = nil,
        recipient: String, remarks: String?, language: String, sentBy: PersonID?, createdAt: Date
    ) {
        self.id = id
        self.tokenHash = tokenHash
        self.siteId = siteId
        self.kind = kind
        self.permissions = permissions
        self.wishes = wishes
        self.recipient = recipient
        self.remarks = remarks
        self.language = language
        self.sentBy = sentBy
        self.createdAt = createdAt
    }
}

/// Marks the identifiers of moves.
public enum DeviceMoveKind {}
public typealias DeviceMoveID = Identifier<DeviceMoveKind>

/// Devices on their way from one site of an owner to another.
public struct DeviceMoveRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "deviceMove"

    public enum State: String, Codable, Sendable, CaseIterable {
        /// The owner has not decided.
        case pending
        case moved, refused, withdrawn
        /// Nobody decided in time.
        case expired
    }

    public var id: DeviceMoveID
    public var fromSiteId: SiteID
    public var toSiteId: SiteID
    public var deviceIds: [DeviceID]
    /// As they were called when it was asked for.
    public var deviceNames: [String]
    public var appliedBy: PersonID?
    public var appliedByName: String
    public var remarks: String?
    public var createdAt: Date
    public var state: State
    public var decidedAt: Date?

    public init(
        id: DeviceMoveID, fromSiteId: SiteID, toSiteId: SiteID, devices: [DeviceRecord], appliedBy: PersonID, appliedByName: String,
        remarks: String?, createdAt: Date
    ) {
        self.id = id
        self.fromSiteId = fromSiteId
        self.toSiteId = toSiteId
        deviceIds = devices.map(\.id)
        deviceNames = devices.map(\.name)
        self.appliedBy = appliedBy
        self.appliedByName = appliedByName
        self.remarks = remarks
        self.createdAt = createdAt
        state = .pending
    }
}
