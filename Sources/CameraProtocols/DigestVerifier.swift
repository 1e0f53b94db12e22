import Core
import Foundation

/// The server's side of Digest with SHA-256 and MD5 (RFC 7616), for one connection.
///
/// A nonce is good for this connection alone, for a while, and each count of it once: what was overheard cannot be used again.
public struct DigestVerifier: Sendable {
    public enum Verdict: Sendable, Equatable {
        case right
        /// The password is right, but the nonce has become old or the request was there already: the client may ask again by itself.
        case stale
        case wrong
        /// Nothing was given, or nothing that is understood here.
        case missing
    }

    private static let lifetime = Duration.seconds(300)

    private let credentials: DigestCredentials
    private let realm: String
    private let makeNonce: @Sendable () -> String
    private var nonce = ""
    private var issuedAt = Duration.zero
    private var lastCount = 0

    /// - Parameter makeNonce: Makes a nonce: random, of 16 bytes or more, as letters and digits.
    public init(credentials: DigestCredentials, realm: String, makeNonce: @escaping @Sendable () -> String) {
        self.credentials = credentials
        self.realm = realm
        self.makeNonce = makeNonce
    }

    /// The values of `WWW-Authenticate`, the strongest first; many clients take the last that they know.
    public mutating func challenges(now: Duration, isStale: Bool) -> [String] {
        if nonce.isEmpty || isStale || now - issuedAt > Self.lifetime / 2 {
            nonce = makeNonce()
            issuedAt = now
            lastCount = 0
        }
        return ["SHA-256", "MD5"].map { algorithm in
            "Digest realm=\"\(realm)\", nonce=\"\(nonce)\", algorithm=\(algorithm), qop=\"auth\"" + (isStale ? ", stale=true" : "")
        }
    }

    /// What an `Authorization` of a request is worth.
    public mutating func judge(_ authorization: String?, method: String, now: Duration) -> Verdict {
        guard let authorization, let given = HTTPChallenge.parse(headers: [authorization]).first, given.scheme == "digest" else {
            return .missing
        }
        let fields = given.parameters
        let algorithm = fields["algorithm"]?.uppercased() ?? "MD5"
        let quality = fields["qop"]?.lowercased()
        guard let uri = fields["uri"], let used = fields["nonce"], let response = fields["response"]?.lowercased(),
            algorithm == "MD5" || algorithm == "SHA-256", quality == nil || quality == "auth"
        else { return .missing }
        guard fields["username"] == credentials.username, fields["realm"] == realm else { return .wrong }
        let hash = algorithm == "MD5" ? HTTPAuthenticator.md5 : HTTPAuthenticator.sha256
        let key = hash(Array("\(credentials.username):\(realm):\(credentials.password)".utf8))
        // Clients of RFC 2069's time know no quality.
        let middle = quality.map { ":\(fields["nc"] ?? ""):\(fields["cnonce"] ?? ""):\($0)" } ?? ""
        let expected = hash(Array("\(key):\(used)\(middle):\(hash(Array("\(method):\(uri)".utf8)))".utf8))
        guard isSameSecret(expected.utf8, response.utf8) else { return .wrong }
        guard !nonce.isEmpty, used == nonce, now - issuedAt <= Self.lifetime else { return .stale }
        guard quality != nil else { return .right }
        guard let count = Int(fields["nc"] ?? "", radix: 16), count > lastCount else { return .stale }
        lastCount = count
        return .right
    }
}
