import Crypto
public import Core
public import Foundation

/// One link of a channel's chain: a clip that was stored, or given up.
///
/// Its hash covers the hash of the link before, so that none can be changed, taken out, put in or moved without the rest telling.
public struct ChainEntry: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable {
        /// In the store, compared.
        case stored
        /// Given up, with a reason.
        case dropped
    }

    /// An object of the clip.
    public struct Object: Codable, Sendable, Equatable {
        public let key: String
        public let bytes: Int
        /// Lower-case hexadecimal.
        public let sha256: String

        public init(key: String, bytes: Int, sha256: String) {
            self.key = key
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    /// From 1.
    public let number: Int
    /// The hash of the link before; empty for the first.
    public let previous: String
    /// When the link was made.
    public let time: Date
    public let kind: Kind
    public let clip: ClipID
    public let startsAt: Date
    /// Seconds of footage.
    public let duration: Double
    /// Footage, description and picture, in this order; of a clip that was given up at most the picture.
    public let objects: [Object]
    /// Of what the camera sent, where it was kept whole.
    public let sourceSha256: String?
    /// From then on the objects may be gone.
    public let expiresAt: Date?
    /// Why it was given up; a sentence.
    public let reason: String?

    /// A link for a clip of which `objects` lie in the store.
    init(stored manifest: ClipManifest, objects: [Object], number: Int, previous: String, at time: Date) {
        self.init(
            manifest, kind: .stored, objects: objects, expiresAt: manifest.expiresAt, reason: nil, number: number, previous: previous,
            at: time)
    }

    /// A link for a clip that was given up. Its picture may be in the store already.
    init(dropped manifest: ClipManifest, reason: String, previewed: Bool, number: Int, previous: String, at time: Date) {
        let picture = previewed ? manifest.thumbnail.map { Object(key: manifest.thumbnailKey, bytes: $0.bytes, sha256: $0.sha256) } : nil
        self.init(
            manifest, kind: .dropped, objects: picture.map { [$0] } ?? [], expiresAt: nil, reason: reason, number: number,
            previous: previous,
            at: time)
    }

    private init(
        _ manifest: ClipManifest, kind: Kind, objects: [Object], expiresAt: Date?, reason: String?, number: Int, previous: String,
        at time: Date
    ) {
        self.number = number
        self.previous = previous
        self.time = time
        self.kind = kind
        clip = manifest.id
        startsAt = manifest.startsAt
        duration = manifest.footage?.duration ?? 0
        self.objects = objects
        sourceSha256 = manifest.source?.sha256
        self.expiresAt = expiresAt
        self.reason = reason
    }

    /// The link as it is hashed and kept: JSON with sorted keys.
    func text() throws -> String { String(decoding: try GatehouseJSON.encoder.encode(self), as: UTF8.self) }

    /// SHA-256 of a link's text, lower-case hexadecimal.
    static func hash(_ text: String) -> String { Hexadecimal.text(SHA256.hash(data: Data(text.utf8))) }
}

extension ClipManifest {
    /// When its retention ends.
    public var expiresAt: Date { startsAt.addingTimeInterval(Double(retentionDays) * 86_400) }
}
