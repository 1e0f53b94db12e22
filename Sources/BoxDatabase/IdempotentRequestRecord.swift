public import Core
public import Foundation
public import GRDB

/// A request with an `Idempotency-Key`.
public struct IdempotentRequestRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "idempotentRequest"

    /// A digest of who it was and of the key.
    public var key: String
    public var personId: PersonID
    /// A digest of what was asked.
    public var fingerprint: String
    public var createdAt: Date
    /// Missing while it is not done.
    public var status: Int?
    /// Headers and body, sealed: there may be a secret in it that is shown once.
    public var answer: Data?

    public init(key: String, personId: PersonID, fingerprint: String, createdAt: Date) {
        self.key = key
        self.personId = personId
        self.fingerprint = fingerprint
        self.createdAt = createdAt
    }
}
