public import Core
public import Foundation
public import GRDB

/// Tells identifiers of exports from others.
public enum ExportKind {}
public typealias ExportID = Identifier<ExportKind>

/// A range of footage that a person has cut out, as files to take away.
public struct ExportRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "export"

    public enum State: String, Codable, Sendable, CaseIterable {
        /// Others are made first.
        case waiting
        case working
        /// Its files can be fetched.
        case ready
        /// Nothing came of it; the sentence says why.
        case failed
    }

    /// A channel as it was called then.
    public struct Channel: Codable, Sendable, Equatable {
        public let id: ChannelID
        public let name: String

        public init(id: ChannelID, name: String) {
            self.id = id
            self.name = name
        }
    }

    public var id: ExportID
    /// Who asked for it.
    public var person: String
    public var createdAt: Date
    public var from: Date
    public var to: Date
    public var channels: [Channel]
    /// Begins and ends at the moments that were asked for, not at key frames.
    public var exact: Bool
    /// Seconds after which another file begins; nil for as few files as can be.
    public var pieceSeconds: Int?
    public var state: State
    /// 0 to 1.
    public var progress: Double
    /// What is to be known of it.
    public var sentence: String?
    public var files: [ExportedFile]
    /// From then on its files are gone.
    public var expiresAt: Date

    public init(
        id: ExportID, person: String, createdAt: Date, from: Date, to: Date, channels: [Channel], exact: Bool, pieceSeconds: Int?,
        expiresAt: Date
    ) {
        self.id = id
        self.person = person
        self.createdAt = createdAt
        self.from = from
        self.to = to
        self.channels = channels
        self.exact = exact
        self.pieceSeconds = pieceSeconds
        state = .waiting
        progress = 0
        files = []
        self.expiresAt = expiresAt
    }
}

/// One file of an export.
public struct ExportedFile: Codable, Sendable, Equatable {
    /// Footage without a break, in a file.
    public struct Piece: Codable, Sendable, Equatable {
        /// Seconds from the file's beginning.
        public var startsAt: Double
        public var from: Date
        public var to: Date
        /// `cloud`, `box` or `device`.
        public var source: String
        /// The clip that it was taken from; nil where the device's own recording was.
        public var clip: ClipID?
        /// What speaks for the clip; nil for a device's own recording.
        public var evidence: ClipEvidence?

        public init(startsAt: Double, from: Date, to: Date, source: String, clip: ClipID?) {
            self.startsAt = startsAt
            self.from = from
            self.to = to
            self.source = source
            self.clip = clip
        }
    }

    public var name: String
    public var bytes: Int
    /// Lower-case hexadecimal.
    public var sha256: String
    public var contentType: String
    /// Nil for the archive of all.
    public var channel: ChannelID?
    public var pieces: [Piece]

    public init(name: String, bytes: Int, sha256: String, contentType: String, channel: ChannelID? = nil, pieces: [Piece] = []) {
        self.name = name
        self.bytes = bytes
        self.sha256 = sha256
        self.contentType = contentType
        self.channel = channel
        self.pieces = pieces
    }
}

/// What the box's signed record says of a clip.
public struct ClipEvidence: Codable, Sendable, Equatable {
    public let objectKey: String
    /// Of the clip as it was stored, lower-case hexadecimal.
    public let sha256: String
    /// The chain, the number of the clip's link in it, and the link's own hash; nil where the clip has no link yet.
    public var chain: String?
    public var link: Int?
    public var linkSha256: String?
    /// The link was read, its signature and its neighbours hold, and it names this clip with this hash.
    public var isVerified: Bool
    /// The same in words.
    public var sentence: String

    public init(objectKey: String, sha256: String, isVerified: Bool, sentence: String) {
        self.objectKey = objectKey
        self.sha256 = sha256
        self.isVerified = isVerified
        self.sentence = sentence
    }
}

/// The ranges that people have cut out.
enum ExportMigration {
    static func run(_ database: Database) throws {
        try database.create(table: "export") { table in
            table.primaryKey("id", .text)
            table.column("person", .text).notNull()
            table.column("createdAt", .datetime).notNull()
            table.column("from", .datetime).notNull()
            table.column("to", .datetime).notNull()
            table.column("channels", .text).notNull()
            table.column("exact", .boolean).notNull()
            table.column("pieceSeconds", .integer)
            table.column("state", .text).notNull()
            table.column("progress", .double).notNull()
            table.column("sentence", .text)
            table.column("files", .text).notNull()
            table.column("expiresAt", .datetime).notNull()
        }
    }
}
