public import BoxDatabase
public import Core
import Crypto
public import Foundation
import GRDB
public import Logging
import Synchronization

/// What was done, before it is a line of the log.
public struct Operation: Sendable {
    public var personId: PersonID?
    public var person: String
    public var role: String?
    /// The operation's name in the API's document.
    public var action: String
    public var subject: String?
    /// Where it was done; nil for what is of the box or of an account.
    public var site: SiteID?
    public var subjectName: String?
    /// JSON objects without secrets.
    public var before: String?
    public var after: String?
    public var address: String
    /// `done`, or the problem's short name.
    public var result: String

    public init(
        personId: PersonID?, person: String, role: String?, action: String, subject: String? = nil, site: SiteID? = nil,
        subjectName: String? = nil, before: String? = nil, after: String? = nil, address: String, result: String = "done"
    ) {
        self.personId = personId
        self.person = person
        self.role = role
        self.action = action
        self.subject = subject
        self.site = site
        self.subjectName = subjectName
        self.before = before
        self.after = after
        self.address = address
        self.result = result
    }
}

/// Which lines of the log are wanted.
public struct OperationFilter: Sendable {
    public var person: String?
    public var action: String?
    public var subject: String?
    public var site: SiteID?
    public var from: Date?
    public var to: Date?
    /// Only what was refused or failed.
    public var failed = false
    /// Lines before this number.
    public var before: Int?
    /// Lines from this number on.
    public var first: Int?

    public init() {}

    fileprivate var rows: QueryInterfaceRequest<OperationRecord> {
        var rows = OperationRecord.all()
        if let person { rows = rows.filter(Column("person").collating(.nocase) == person) }
        if let action { rows = rows.filter(Column("action") == action) }
        if let subject { rows = rows.filter(Column("subject") == subject) }
        if let site { rows = rows.filter(Column("siteId") == site) }
        if let from { rows = rows.filter(Column("at") >= from) }
        if let to { rows = rows.filter(Column("at") < to) }
        if failed { rows = rows.filter(Column("result") != "done") }
        if let first { rows = rows.filter(Column("number") >= first) }
        if let before { rows = rows.filter(Column("number") < before) }
        return rows
    }
}

/// The operation log: lines are added and, once they are old, taken away from the beginning; nothing else ever happens to them.
public final class OperationLog: Sendable {
    /// What is the digest before the first line.
    public static let origin = String(repeating: "0", count: 64)
    /// The line before the first that is kept: its digest is where the chain begins.
    private struct Anchor: Codable {
        let number: Int
        let digest: String
    }
    private static let anchorKey = "operation-log.anchor"
    /// The newest digest is told to the box's own log so often, which lies outside the database.
    private static let told = 1_000
    /// Never more lines than these.
    private static let most = 1_000_000

    private let database: BoxDatabase
    private let time: TimeSource
    private let clock: @Sendable () -> String
    private let tell: @Sendable (_ number: Int, _ digest: String) -> Void

    /// `clock` says how far the time is to be believed; `tell` takes a digest down somewhere else now and then.
    public init(
        database: BoxDatabase, time: TimeSource, clock: @escaping @Sendable () -> String,
        tell: @escaping @Sendable (_ number: Int, _ digest: String) -> Void
    ) {
        self.database = database
        self.time = time
        self.clock = clock
        self.tell = tell
    }

    /// Adds a line; durable when it returns.
    public func append(_ operation: Operation) async throws {
        // As the database keeps it, to the millisecond.
        let at = Date(timeIntervalSince1970: (time.now().timeIntervalSince1970 * 1000).rounded() / 1000)
        let clock = clock()
        let line = try await database.write { database in
            let anchor = try Self.head(database) ?? Self.anchor(database)
            // SQLite remembers the highest number that there was: where the newest lines were taken out, a hole stays.
            let used = try Int.fetchOne(database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'operation'") ?? 0
            var line = OperationRecord(
                number: max(anchor.number, used) + 1, at: at, clock: clock, personId: operation.personId, person: operation.person,
                role: operation.role, action: operation.action, subject: operation.subject, siteId: operation.site,
                subjectName: operation.subjectName, before: operation.before, after: operation.after, address: operation.address,
                result: operation.result,
                previous: anchor.digest)
            line.digest = Self.digest(of: line)
            try line.insert(database)
            return line
        }
        if line.number % Self.told == 1 { tell(line.number, line.digest) }
    }

    private static func head(_ database: Database) throws -> Anchor? {
        try Row.fetchOne(database, sql: "SELECT number, digest FROM operation ORDER BY number DESC LIMIT 1")
            .map { Anchor(number: $0["number"], digest: $0["digest"]) }
    }

    private static func anchor(_ database: Database) throws -> Anchor {
        try database.setting(anchorKey, as: Anchor.self) ?? Anchor(number: 0, digest: origin)
    }

    /// SHA-256 of a line's fields in their order, as a JSON array, hexadecimal. The site, which older lines have not, comes last, where
    /// there is one.
    public static func digest(of line: OperationRecord) -> String {
        var fields: [String?] = [
            String(line.number), String(Int((line.at.timeIntervalSince1970 * 1000).rounded())), line.clock, line.personId?.text,
            line.person, line.role, line.action, line.subject, line.subjectName, line.before, line.after, line.address, line.result,
            line.previous,
        ]
        if let site = line.siteId { fields.append(site.text) }
        // Texts and nulls are always encodable.
        let bytes = (try? JSONEncoder().encode(fields)) ?? Data()
        return Hexadecimal.text(SHA256.hash(data: bytes))
    }

    /// The newest lines that `filter` wants, at most `limit`, the newest first.
    public func lines(_ filter: OperationFilter, limit: Int) async throws -> [OperationRecord] {
        try await database.read { try filter.rows.order(Column("number").desc).limit(limit).fetchAll($0) }
    }

    /// The line in which somebody has last taken a site over; nil where there is none any more.
    public func handover(of site: SiteID) async throws -> Int? {
        try await database.read { database in
            let accepted = OperationRecord.filter(
                Column("siteId") == site && Column("action") == "acceptHandover" && Column("result") == "done")
            return try accepted.select(max(Column("number"))).asRequest(of: Int?.self).fetchOne(database) ?? nil
        }
    }

    /// Lines that `filter` wants from `number` on, the oldest first.
    public func lines(_ filter: OperationFilter = OperationFilter(), from number: Int, limit: Int) async throws -> [OperationRecord] {
        try await database.read { database in
            try filter.rows.filter(Column("number") >= number).order(Column("number")).limit(limit).fetchAll(database)
        }
    }

    /// Takes old lines away now and then, until cancelled.
    public func run(keepingDays days: Int, logger: Logger) async {
        var last = 0
        while (try? await time.sleep(.seconds(3600))) != nil {
            do {
                if let head = try await database.read({ try Self.head($0) }), head.number > last {
                    last = head.number
                    tell(head.number, head.digest)
                }
                let count = try await prune(olderThan: TimeInterval(days) * 86_400, beyond: Self.most)
                if count > 0 { logger.info("old lines of the operation log are gone", metadata: ["count": "\(count)"]) }
            } catch {
                logger.error("the operation log could not be shortened", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Takes lines away that are older than `age`, where the clock is to be believed, and those beyond `count`; the newest one stays.
    public func prune(olderThan age: TimeInterval, beyond count: Int) async throws -> Int {
        let limit = clock() == "synchronized" ? time.now().addingTimeInterval(-age) : .distantPast
        return try await database.write { database in
            guard let newest = try Int.fetchOne(database, sql: "SELECT max(number) FROM operation") else { return 0 }
            // By number, so that a clock that jumped does not tear a hole into the middle.
            let young = try Int.fetchOne(database, sql: "SELECT min(number) FROM operation WHERE at >= ?", arguments: [limit]) ?? newest
            let last = min(max(young - 1, newest - count), newest - 1)
            guard let line = try OperationRecord.fetchOne(database, key: last) else { return 0 }
            try database.set(Self.anchorKey, to: Anchor(number: line.number, digest: line.digest))
            try database.execute(sql: "DELETE FROM operation WHERE number <= ?", arguments: [last])
            return database.changesCount
        }
    }
}

/// Looks whether lines of an operation log follow one another without a change or a hole.
public struct OperationChain: Sendable {
    /// What does not fit; a sentence.
    public struct Break: Error, Sendable, Equatable {
        public let number: Int
        public let sentence: String
    }

    /// The first and the last line that were looked at; 0 before there was one.
    public private(set) var first = 0
    public private(set) var last = 0
    public private(set) var digest = OperationLog.origin

    public init() {}

    /// Looks at the next line.
    /// - Throws: `Break`.
    public mutating func check(_ line: OperationRecord) throws(Break) {
        if first == 0 {
            first = line.number
            if line.number == 1, line.previous != OperationLog.origin {
                throw Break(number: 1, sentence: "The first line follows another one.")
            }
        } else {
            guard line.number == last + 1 else {
                throw Break(number: last + 1, sentence: "Line \(last + 1) is missing; line \(line.number) comes after line \(last).")
            }
            guard line.previous == digest else {
                throw Break(
                    number: line.number, sentence: "Line \(line.number) does not follow the line before it: one of the two was changed.")
            }
        }
        guard OperationLog.digest(of: line) == line.digest else {
            throw Break(number: line.number, sentence: "Line \(line.number) was changed: its digest is another one.")
        }
        (last, digest) = (line.number, line.digest)
    }
}
