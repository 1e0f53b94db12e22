public import Core
public import Foundation
public import GRDB

/// Marks the identifiers of requests to unbind a device.
public enum UnbindingKind {}

public typealias UnbindingID = Identifier<UnbindingKind>

/// A request to take a device off the site that it is bound to, of a company that has it in its hands.
public struct UnbindingRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "unbinding"

    public enum State: String, Codable, Sendable, CaseIterable {
        /// Nobody has decided.
        case inProgress = "in-progress"
        /// The device is unbound; whoever asked has not said yet that it can be added.
        case toBeConfirmed = "to-be-confirmed"
        /// Unbound, and at its new site.
        case closed
        case refused, withdrawn
    }

    public var id: UnbindingID
    public var deviceId: DeviceID
    /// Where the device is bound.
    public var siteId: SiteID
    /// Where it is to be added.
    public var targetSiteId: SiteID
    /// Whose people ask.
    public var companyId: CompanyID
    public var requestedBy: PersonID?
    public var requestedByName: String
    /// What the device said of itself when it could not be added.
    public var model: String?
    public var serialNumber: String?
    public var macAddress: String?
    public var host: String
    /// It was asked from the box's own network.
    public var isOnSite: Bool
    public var remarks: String?
    public var createdAt: Date
    /// When all that proves it had come; nobody is asked before.
    public var provenAt: Date?
    public var state: State
    /// Why it was refused.
    public var reason: String?
    public var decidedAt: Date?
    public var decidedByName: String?
    public var closedAt: Date?

    public init(
        id: UnbindingID, device: DeviceRecord, targetSiteId: SiteID, companyId: CompanyID, requestedBy: PersonID, requestedByName: String,
        host: String, isOnSite: Bool, remarks: String?, createdAt: Date
    ) {
        self.id = id
        deviceId = device.id
        siteId = device.siteId
        self.targetSiteId = targetSiteId
        self.companyId = companyId
        self.requestedBy = requestedBy
        self.requestedByName = requestedByName
        self.host = host
        self.isOnSite = isOnSite
        self.remarks = remarks
        self.createdAt = createdAt
        state = .inProgress
    }
}

/// What proves that whoever asks has the device in their hands.
public struct UnbindingProofRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "unbindingProof"

    public enum Kind: String, Codable, Sendable {
        /// A photograph of the device's label.
        case label
        /// What the device exported: its code as a picture, or a document.
        case deviceFile = "device-file"
    }

    public var unbindingId: UnbindingID
    public var kind: Kind
    public var mediaType: String
    public var bytes: Data

    public init(unbindingId: UnbindingID, kind: Kind, mediaType: String, bytes: Data) {
        self.unbindingId = unbindingId
        self.kind = kind
        self.mediaType = mediaType
        self.bytes = bytes
    }
}
