public import Core
public import Foundation
public import GRDB

/// The sites' keys of footage.
enum EncryptionMigration {
    static func run(_ database: Database) throws {
        try database.create(table: "siteEncryption") { table in
            // A site whose footage may still lie in the cloud must not lose its key.
            table.primaryKey("siteId", .text).references("site", onDelete: .restrict)
            table.column("enabled", .boolean).notNull()
            table.column("publicKey", .blob).notNull()
            table.column("sealedPrivateKey", .blob).notNull()
            table.column("lockedKey", .text).notNull()
            table.column("createdAt", .datetime).notNull()
            table.column("codeSetAt", .datetime).notNull()
        }
    }
}

/// A site's key of footage; made once, when encryption is first switched on.
public struct SiteEncryptionRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "siteEncryption"
    public var siteId: SiteID
    public var enabled: Bool
    /// X25519, 32 bytes.
    public var publicKey: Data
    /// The private key under the box's own key.
    public var sealedPrivateKey: Data
    /// The private key under the verification code, as JSON; the same as in the recovery file.
    public var lockedKey: String
    public var createdAt: Date
    public var codeSetAt: Date

    public init(
        siteId: SiteID, enabled: Bool, publicKey: Data, sealedPrivateKey: Data, lockedKey: String, createdAt: Date, codeSetAt: Date
    ) {
        self.siteId = siteId
        self.enabled = enabled
        self.publicKey = publicKey
        self.sealedPrivateKey = sealedPrivateKey
        self.lockedKey = lockedKey
        self.createdAt = createdAt
        self.codeSetAt = codeSetAt
    }
}
