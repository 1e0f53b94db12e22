public import Core
public import Foundation
public import GRDB

/// A voucher file that was imported; its packages count once.
public struct VoucherRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "voucher"
    public var id: String
    public var issuer: String
    public var importedAt: Date

    public init(id: String, issuer: String, importedAt: Date) {
        self.id = id
        self.issuer = issuer
        self.importedAt = importedAt
    }
}

/// A service key that a voucher vouches for; the key itself is not stored.
public struct ServiceKeyRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "serviceKey"
    public var sha256: String
    public var voucherId: String
    public var package: PlanPackage
    /// The last day on which it may be used, as `2027-03-31`.
    public var redeemUntil: String?
    /// The serial number of the one box that may use it.
    public var box: String?
    public var usedAt: Date?
    /// The name of the channel it was used for.
    public var usedFor: String?

    public init(sha256: String, voucherId: String, package: PlanPackage, redeemUntil: String?, box: String?) {
        self.sha256 = sha256
        self.voucherId = voucherId
        self.package = package
        self.redeemUntil = redeemUntil
        self.box = box
    }
}

/// One purchased package, in stock until it is used.
public struct StockedPackageRecord: Codable, Sendable, FetchableRecord, MutablePersistableRecord {
    public static let databaseTableName = "stockedPackage"
    public var id: Int64?
    public var voucherId: String
    public var package: PlanPackage
    public var usedAt: Date?

    public init(voucherId: String, package: PlanPackage) {
        self.voucherId = voucherId
        self.package = package
    }

    public mutating func didInsert(_ inserted: InsertionSuccess) {
        id = inserted.rowID
    }
}

/// A stretch of time that one package pays for.
public struct PlanPeriodRecord: Codable, Sendable, Equatable, FetchableRecord, MutablePersistableRecord {
    public static let databaseTableName = "planPeriod"
    public var id: Int64?
    public var channelId: ChannelID
    public var package: PlanPackage
    public var from: Date
    /// The first moment that is not paid for: the end of a day at the site.
    public var until: Date
    /// The day of the month on which the plan was activated: a month after 31 January ends on 28 February, and two end on 31 March.
    public var anchorDay: Int

    public init(channelId: ChannelID, package: PlanPackage, from: Date, until: Date, anchorDay: Int) {
        self.channelId = channelId
        self.package = package
        self.from = from
        self.until = until
        self.anchorDay = anchorDay
    }

    public mutating func didInsert(_ inserted: InsertionSuccess) {
        id = inserted.rowID
    }
}

/// What is set for the plan of a channel.
public struct PlanSettingRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "planSetting"
    public var channelId: ChannelID
    public var automaticRenewal: Bool
    /// The plan's end was taken down and told.
    public var expiryTold: Bool

    public init(channelId: ChannelID, automaticRenewal: Bool = false, expiryTold: Bool = false) {
        self.channelId = channelId
        self.automaticRenewal = automaticRenewal
        self.expiryTold = expiryTold
    }
}

/// What happened to a plan, for the accountant.
public struct PlanHistoryRecord: Codable, Sendable, FetchableRecord, MutablePersistableRecord {
    public static let databaseTableName = "planHistory"

    public enum Kind: String, Codable, Sendable, CaseIterable {
        case activated, renewed, transferred, expired
        /// By a person, before its time.
        case ended
    }

    /// What paid for it.
    public enum Source: String, Codable, Sendable, CaseIterable {
        case serviceKey = "service-key"
        case stock
        /// From stock, by the box itself.
        case automatic
    }

    public var id: Int64?
    public var at: Date
    public var kind: Kind
    public var channelId: ChannelID
    public var channelName: String
    public var package: PlanPackage
    public var until: Date
    public var source: Source?
    public var voucherId: String?
    public var toChannelId: ChannelID?
    public var toChannelName: String?

    public init(at: Date, kind: Kind, channelId: ChannelID, channelName: String, package: PlanPackage, until: Date) {
        self.at = at
        self.kind = kind
        self.channelId = channelId
        self.channelName = channelName
        self.package = package
        self.until = until
    }

    public mutating func didInsert(_ inserted: InsertionSuccess) {
        id = inserted.rowID
    }
}
