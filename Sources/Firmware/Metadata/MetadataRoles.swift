import Foundation

/// Who may sign what (The Update Framework 1.0.34, section 2.1).
public enum MetadataRole: String, Sendable, CaseIterable {
    /// Whose keys count, and for what.
    case root
    /// Which releases there are.
    case targets
    /// Which metadata belongs together.
    case snapshot
    /// Which snapshot is the newest; signed anew every day, so that nobody can hold back what is new.
    case timestamp

    /// The most bytes that its file has.
    var limit: Int {
        switch self {
        case .root: 512 << 10
        case .targets: 4 << 20
        case .snapshot: 256 << 10
        case .timestamp: 16 << 10
        }
    }
}

/// What one role signs.
protocol RoleMetadata: Codable, Sendable {
    static var role: MetadataRole { get }
    /// As the framework's specification counts.
    var specification: String { get }
    var type: String { get }
    var version: Int { get }
    var expires: Date { get }
}

extension RoleMetadata {
    static var specificationVersion: String { "1.0.34" }

    static var coders: (JSONEncoder, JSONDecoder) {
        let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
        encoder.dateEncodingStrategy = .iso8601
        decoder.dateDecodingStrategy = .iso8601
        return (encoder, decoder)
    }

    init(_ file: SignedFile) throws(ReleaseRefusal) {
        let name = "\(Self.role.rawValue).json"
        guard let read = try? Self.coders.1.decode(Self.self, from: Data(file.signed.canonical)), read.type == Self.role.rawValue,
            read.specification.hasPrefix("1."), read.version > 0
        else { throw .unreadable(name) }
        self = read
    }

    /// As a file that nobody has signed yet.
    func unsigned() throws -> SignedFile {
        SignedFile(signed: try JSONDecoder().decode(JSONValue.self, from: try Self.coders.0.encode(self)))
    }

    func checkExpiry(at now: Date) throws(ReleaseRefusal) {
        guard now < expires else { throw .expired("\(Self.role.rawValue).json", expires) }
    }
}

/// Whose keys count.
struct RootMetadata: RoleMetadata, Equatable {
    struct Keys: Codable, Equatable {
        /// Identifiers.
        var keyids: [String]
        /// So many of them must have signed.
        var threshold: Int
    }

    static let role = MetadataRole.root
    var type = role.rawValue
    var specification = Self.specificationVersion
    var version: Int
    var expires: Date
    var consistentSnapshot = true
    var keys: [String: MetadataKey]
    var roles: [String: Keys]

    enum CodingKeys: String, CodingKey {
        case type = "_type"
        case specification = "spec_version"
        case consistentSnapshot = "consistent_snapshot"
        case version, expires, keys, roles
    }

    func keys(of role: MetadataRole) -> Keys { roles[role.rawValue] ?? Keys(keyids: [], threshold: .max) }

    /// - Throws: `ReleaseRefusal.signatures` where fewer than the threshold have signed.
    func verify(_ file: SignedFile, as role: MetadataRole) throws(ReleaseRefusal) {
        guard missing(from: file, as: role) == 0 else { throw .signatures("\(role.rawValue).json") }
    }

    /// How many more must sign.
    func missing(from file: SignedFile, as role: MetadataRole) -> Int {
        let wanted = keys(of: role)
        // A threshold of none would let everything pass.
        guard wanted.threshold > 0 else { return .max }
        return max(0, wanted.threshold - file.signers(among: keys, allowed: wanted.keyids))
    }
}

/// The version of another file, and where it says so, its size and digest.
struct FileReference: Codable, Sendable, Equatable {
    var version: Int
    var length: Int?
    /// SHA-256 under `sha256`; others are not looked at.
    var hashes: [String: String]?

    init(version: Int, length: Int? = nil, hashes: [String: String]? = nil) {
        self.version = version
        self.length = length
        self.hashes = hashes
    }

    init(_ file: SignedFile, version: Int) {
        let bytes = file.bytes
        self.init(version: version, length: bytes.count, hashes: ["sha256": Digest.text(bytes)])
    }

    /// The most bytes that the file may have, by what is said here and by the role's own bound.
    func limit(_ role: MetadataRole) -> Int { min(max(0, length ?? .max), role.limit) }

    func verify(_ bytes: [UInt8], name: String) throws(ReleaseRefusal) {
        if let length, length != bytes.count { throw .altered(name) }
        // Digests that cannot be checked are no digests.
        if let hashes, hashes["sha256"] != Digest.text(bytes) { throw .altered(name) }
    }
}

/// Which snapshot is the newest.
struct TimestampMetadata: RoleMetadata, Equatable {
    static let role = MetadataRole.timestamp
    var type = role.rawValue
    var specification = Self.specificationVersion
    var version: Int
    var expires: Date
    var meta: [String: FileReference]

    enum CodingKeys: String, CodingKey {
        case type = "_type"
        case specification = "spec_version"
        case version, expires, meta
    }

    var snapshot: FileReference? { meta["snapshot.json"] }
}

/// Which metadata belongs together.
struct SnapshotMetadata: RoleMetadata, Equatable {
    static let role = MetadataRole.snapshot
    var type = role.rawValue
    var specification = Self.specificationVersion
    var version: Int
    var expires: Date
    var meta: [String: FileReference]

    enum CodingKeys: String, CodingKey {
        case type = "_type"
        case specification = "spec_version"
        case version, expires, meta
    }

    var targets: FileReference? { meta["targets.json"] }
}

/// Which releases there are.
struct TargetsMetadata: RoleMetadata, Equatable {
    struct Target: Codable, Equatable {
        /// Bytes.
        var length: Int
        var hashes: [String: String]
        /// A `ReleaseOffer`, a `DeviceFirmwareOffer`, or what a later vendor says in its place.
        var custom: JSONValue?

        var offer: ReleaseOffer? { decoded() }
        var deviceFirmware: DeviceFirmwareOffer? { decoded() }

        private func decoded<Offer: Decodable>() -> Offer? {
            custom.flatMap { try? JSONDecoder().decode(Offer.self, from: Data($0.canonical)) }
        }

        init(length: Int, hashes: [String: String], custom: JSONValue? = nil) {
            self.length = length
            self.hashes = hashes
            self.custom = custom
        }

        /// - Parameter custom: The offer.
        init(_ manifest: [UInt8], custom: some Encodable) throws {
            let custom = try JSONDecoder().decode(JSONValue.self, from: try JSONEncoder().encode(custom))
            self.init(length: manifest.count, hashes: ["sha256": Digest.text(manifest)], custom: custom)
        }
    }

    static let role = MetadataRole.targets
    var type = role.rawValue
    var specification = Self.specificationVersion
    var version: Int
    var expires: Date
    /// By the path of the manifest.
    var targets: [String: Target]

    enum CodingKeys: String, CodingKey {
        case type = "_type"
        case specification = "spec_version"
        case version, expires, targets
    }
}
