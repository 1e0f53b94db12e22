public import Core
public import Foundation
public import GRDB

/// One line of the operation log: who did what, on what, when, from where, and what came of it.
///
/// Each carries the digest of the one before, so that none is changed or taken out unseen.
public struct OperationRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "operation"

    /// From 1, without a gap.
    public var number: Int
    public var at: Date
    /// How far the time is to be believed: `synchronized`, `not-synchronized` or `unknown`.
    public var clock: String
    public var personId: PersonID?
    /// The user name, as it was then.
    public var person: String
    /// The role's name, as it was then.
    public var role: String?
    /// The operation's name in the API's document.
    public var action: String
    /// The identifier of what it was done to.
    public var subject: String?
    /// Where that belonged then; nil for what is of the box or of an account.
    public var siteId: SiteID?
    /// How that was called then.
    public var subjectName: String?
    /// Of what was asked for: how it was before, and what it shall be; JSON objects without secrets.
    public var before: String?
    public var after: String?
    /// From where.
    public var address: String
    /// `done`, or the problem's short name.
    public var result: String
    /// The digest of the line before.
    public var previous: String
    /// SHA-256 over all that is above, hexadecimal.
    public var digest: String

    public init(
        number: Int, at: Date, clock: String, personId: PersonID?, person: String, role: String?, action: String, subject: String?,
        siteId: SiteID?, subjectName: String?, before: String?, after: String?, address: String, result: String, previous: String,
        digest: String = ""
    ) {
        self.number = number
        self.at = at
        self.clock = clock
        self.personId = personId
        self.person = person
        self.role = role
        self.action = action
        self.subject = subject
        self.siteId = siteId
        self.subjectName = subjectName
        self.before = before
        self.after = after
        self.address = address
        self.result = result
        self.previous = previous
        self.digest = digest
    }
}
