import Core
import Crypto
import Foundation

/// A document that the box signed: `{"body":{…},"signature":"…"}`, Ed25519 over the body's text, base64.
struct SignedDocument<Body: Codable & Sendable & Equatable>: Codable, Sendable {
    let body: Body
    let signature: String

    init(_ body: Body, key: FootageKey) throws {
        self.body = body
        signature = try key.sign(GatehouseJSON.encoder.encode(body))
    }

    var data: Data { get throws { try GatehouseJSON.encoder.encode(self) } }

    /// Reads a document and believes it only as it was signed: each byte counts, those that mean nothing too.
    /// - Throws: `ChainFault`.
    static func read(_ data: Data, signedBy publicKey: Curve25519.Signing.PublicKey) throws -> Body {
        guard let document = try? GatehouseJSON.decoder.decode(Self.self, from: data), try document.data == data,
            let signature = Data(base64Encoded: document.signature)
        else { throw ChainFault.unreadable }
        guard publicKey.isValidSignature(signature, for: try GatehouseJSON.encoder.encode(document.body)) else {
            throw ChainFault.notSigned
        }
        return document.body
    }
}

/// Why a document of the chain is not believed.
enum ChainFault: Error {
    case unreadable
    case notSigned
}

/// `<box>/box.json`: who signs.
struct BoxDocument: Codable, Sendable, Equatable {
    var schema = 1
    let box: String
    /// Ed25519, base64.
    let publicKey: String
}

/// `<box>/chain/<channel>/<yyyy>/<MM>/<dd>/<chain>-<first number>.json`, and `index-<chain>-<first number>.json` once the day is over: links in
/// their order.
struct ChainDocument: Codable, Sendable, Equatable {
    var schema = 1
    let box: String
    let channel: ChannelID
    let chain: String
    /// UTC, yyyy/MM/dd: when its links were made.
    let day: String
    /// Nothing more comes on this day.
    let complete: Bool
    let entries: [ChainEntry]
}

/// `<box>/checkpoint.json`: how long each chain is, said anew every five minutes, so that links cut off its end are missed.
struct CheckpointDocument: Codable, Sendable, Equatable {
    struct Head: Codable, Sendable, Equatable {
        let channel: ChannelID
        let chain: String
        let number: Int
        let hash: String
    }

    var schema = 1
    let box: String
    let time: Date
    /// Seconds until the next is due.
    let every: Int
    let heads: [Head]
}

/// The keys that the chain's objects lie under.
enum ChainKeys {
    static func box(_ box: String) -> String { "\(box)/box.json" }
    static func checkpoint(_ box: String) -> String { "\(box)/checkpoint.json" }
    static func folder(_ box: String) -> String { "\(box)/chain/" }

    static func segment(_ box: String, _ channel: ChannelID, day: String, chain: String, first: Int) -> String {
        "\(box)/chain/\(channel)/\(day)/\(chain)-\(padded(first)).json"
    }

    static func index(_ box: String, _ channel: ChannelID, day: String, chain: String, first: Int) -> String {
        "\(box)/chain/\(channel)/\(day)/index-\(chain)-\(padded(first)).json"
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    /// UTC, yyyy/MM/dd.
    static func day(_ time: Date) -> String {
        String(GatehouseJSON.text(time).prefix(10)).replacing("-", with: "/")
    }
}
