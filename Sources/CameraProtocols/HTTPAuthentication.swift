import Core
import Crypto
import Foundation

/// One way in which a server lets a client in: a challenge of `WWW-Authenticate` (RFC 9110, section 11.6.1).
public struct HTTPChallenge: Sendable, Equatable {
    /// In lower case: `digest`, `basic`.
    public var scheme: String
    /// By names in lower case; values without their quotes.
    public var parameters: [String: String]

    public init(scheme: String, parameters: [String: String] = [:]) {
        self.scheme = scheme
        self.parameters = parameters
    }

    /// Reads the values of all `WWW-Authenticate` headers: several challenges in a line or one in each, with whatever spacing.
    public static func parse(headers: [String]) -> [HTTPChallenge] {
        var challenges: [HTTPChallenge] = []
        for header in headers.prefix(16) { parse(Array(header.utf8.prefix(8192)), into: &challenges) }
        return challenges
    }

    private static func parse(_ bytes: [UInt8], into challenges: inout [HTTPChallenge]) {
        let first = challenges.count
        var index = 0
        func skip(_ characters: String) { while index < bytes.count, characters.utf8.contains(bytes[index]) { index += 1 } }
        func token() -> String {
            let start = index
            while index < bytes.count, !" \t,=\"".utf8.contains(bytes[index]) { index += 1 }
            return String(decoding: bytes[start..<index], as: UTF8.self)
        }
        while index < bytes.count, challenges.count < 32 {
            skip(" \t,")
            let name = token()
            skip(" \t")
            guard index < bytes.count, bytes[index] == UInt8(ascii: "=") else {
                // A name that no value follows begins a challenge, whether a comma came before or not.
                if !name.isEmpty {
                    challenges.append(HTTPChallenge(scheme: name.lowercased()))
                } else if index < bytes.count {
                    index += 1
                }
                continue
            }
            index += 1
            skip(" \t")
            let value = index < bytes.count && bytes[index] == UInt8(ascii: "\"") ? quoted(bytes, &index) : unquoted(bytes, &index)
            if challenges.count > first, !name.isEmpty, challenges[challenges.count - 1].parameters.count < 32 {
                // The first of two is meant.
                challenges[challenges.count - 1].parameters[name.lowercased(), default: value] = value
            }
        }
    }

    private static func quoted(_ bytes: [UInt8], _ index: inout Int) -> String {
        var value: [UInt8] = []
        index += 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count { index += 1 }
            value.append(bytes[index])
            index += 1
        }
        index += 1
        return String(decoding: value, as: UTF8.self)
    }

    /// Up to the comma: some devices leave the quotes of `realm=IP Camera` out.
    private static func unquoted(_ bytes: [UInt8], _ index: inout Int) -> String {
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: ",") { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }
}

/// Why a server's challenge cannot be answered.
public enum HTTPAuthenticationRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// It asks for no authentication that is known here.
    case unknownScheme([String])
    /// It only takes the password in the clear, which was not allowed.
    case basicNotAllowed

    public var description: String {
        switch self {
        case .unknownScheme(let names):
            names.isEmpty
                ? "The device refuses the sign-in without saying how to sign in."
                : "The device asks for a kind of sign-in that is not supported: \(names.joined(separator: ", "))."
        case .basicNotAllowed: "The device wants the password in the clear (Basic), and the connection is not encrypted."
        }
    }
}

/// A user of a device.
public struct DigestCredentials: Sendable, Equatable {
    public var username: String
    public var password: String

    public init(username: String, password: String) {
        self.username = username
        self.password = password
    }
}

/// Answers a server's challenges, of HTTP and RTSP alike: Digest with SHA-256 or MD5 (RFC 7616, RFC 2617), or Basic (RFC 7617).
public struct HTTPAuthenticator: Sendable {
    private enum Algorithm {
        case md5
        case sha256
    }

    private enum Answer {
        case basic
        case digest(Digest)
    }

    private struct Digest {
        var algorithm: Algorithm
        var isSession: Bool
        /// `auth`, `auth-int`, or nil before RFC 2617.
        var quality: String?
        var parameters: [String: String]
        var count = 0
        /// The device answered a request with this nonce.
        var wasAccepted = false
        var sessionClientNonce: String?
        var nonce: String { parameters["nonce"] ?? "" }
    }

    private let credentials: DigestCredentials
    private let allowsBasic: Bool
    private let makeClientNonce: @Sendable () -> String
    private var answer: Answer

    /// Chooses among the challenges the strongest that can be answered: SHA-256, then MD5, then Basic where it is allowed.
    ///
    /// - Parameter makeClientNonce: Makes a `cnonce`: random, of 16 bytes or more, as letters and digits.
    public init(
        challenges: [HTTPChallenge], credentials: DigestCredentials, allowsBasic: Bool, makeClientNonce: @escaping @Sendable () -> String
    ) throws(HTTPAuthenticationRefusal) {
        self.credentials = credentials
        self.allowsBasic = allowsBasic
        self.makeClientNonce = makeClientNonce
        answer = try Self.choose(challenges, allowsBasic: allowsBasic)
    }

    /// Whether the password goes along as good as in the open.
    public var isBasic: Bool { if case .basic = answer { true } else { false } }

    private static func choose(_ challenges: [HTTPChallenge], allowsBasic: Bool) throws(HTTPAuthenticationRefusal) -> Answer {
        let digests = challenges.compactMap(digest)
        if let best = digests.first(where: { $0.algorithm == .sha256 }) ?? digests.first { return .digest(best) }
        guard challenges.contains(where: { $0.scheme == "basic" }) else {
            throw .unknownScheme(challenges.map { [$0.scheme, $0.parameters["algorithm"]].compactMap(\.self).joined(separator: " ") })
        }
        guard allowsBasic else { throw .basicNotAllowed }
        return .basic
    }

    private static func digest(_ challenge: HTTPChallenge) -> Digest? {
        guard challenge.scheme == "digest", challenge.parameters["nonce"] != nil else { return nil }
        var name = (challenge.parameters["algorithm"] ?? "MD5").uppercased()
        let isSession = name.hasSuffix("-SESS")
        if isSession { name.removeLast(5) }
        let algorithm: Algorithm
        switch name {
        case "MD5", "": algorithm = .md5
        case "SHA-256", "SHA256": algorithm = .sha256
        default: return nil
        }
        let offered = (challenge.parameters["qop"] ?? "").lowercased().split { ", ".contains($0) }
        return Digest(
            algorithm: algorithm, isSession: isSession,
            quality: offered.contains("auth") ? "auth" : offered.contains("auth-int") ? "auth-int" : nil, parameters: challenge.parameters)
    }

    /// The value of `Authorization` for a request.
    ///
    /// - Parameter uri: As in the request line: a path with its query for HTTP, the whole address for RTSP.
    public mutating func authorization(method: String, uri: String, body: [UInt8]? = nil) -> String {
        guard case .digest(var digest) = answer else {
            return "Basic " + Data("\(credentials.username):\(credentials.password)".utf8).base64EncodedString()
        }
        digest.count += 1
        // The session's key is made with the first client nonce (RFC 7616, section 3.4.2), so it is kept.
        let clientNonce = digest.isSession ? digest.sessionClientNonce ?? makeClientNonce() : makeClientNonce()
        if digest.isSession { digest.sessionClientNonce = clientNonce }
        answer = .digest(digest)

        let hash = digest.algorithm == .md5 ? Self.md5 : Self.sha256
        let realm = digest.parameters["realm"] ?? ""
        var key = hash(Array("\(credentials.username):\(realm):\(credentials.password)".utf8))
        if digest.isSession { key = hash(Array("\(key):\(digest.nonce):\(clientNonce)".utf8)) }
        let request = "\(method):\(uri)" + (digest.quality == "auth-int" ? ":" + hash(body ?? []) : "")
        let count = String(format: "%08x", digest.count)
        let middle = digest.quality.map { ":\(count):\(clientNonce):\($0)" } ?? ""
        let response = hash(Array("\(key):\(digest.nonce)\(middle):\(hash(Array(request.utf8)))".utf8))

        let hidesUser = digest.parameters["userhash"]?.lowercased() == "true"
        let username = hidesUser ? hash(Array("\(credentials.username):\(realm)".utf8)) : credentials.username
        var fields = [("username", username), ("realm", realm), ("nonce", digest.nonce), ("uri", uri), ("response", response)]
            .map { "\($0)=\(Self.quoted($1))" }
        if let algorithm = digest.parameters["algorithm"], !algorithm.isEmpty { fields.append("algorithm=\(Self.printable(algorithm))") }
        if let opaque = digest.parameters["opaque"] { fields.append("opaque=\(Self.quoted(opaque))") }
        if let quality = digest.quality { fields.append("qop=\(quality), nc=\(count)") }
        if digest.quality != nil || digest.isSession { fields.append("cnonce=\(Self.quoted(clientNonce))") }
        if hidesUser { fields.append("userhash=true") }
        return "Digest " + fields.joined(separator: ", ")
    }

    /// The device let a request through.
    public mutating func accepted() {
        guard case .digest(var digest) = answer else { return }
        digest.wasAccepted = true
        answer = .digest(digest)
    }

    /// Takes the challenges of a further 401, and says whether the request is worth sending again: only if its nonce had become old.
    /// Otherwise the user name or the password is wrong, and asking again would make the device lock the account.
    public mutating func isWorthRepeating(after challenges: [HTTPChallenge]) throws(HTTPAuthenticationRefusal) -> Bool {
        let old = answer
        answer = try Self.choose(challenges, allowsBasic: allowsBasic)
        guard case .digest(let before) = old, case .digest(let now) = answer, before.nonce != now.nonce else { return false }
        // A device that took the old nonce once knows the password, whether or not it says `stale`.
        return now.parameters["stale"]?.lowercased() == "true" || before.wasAccepted
    }

    private static func quoted(_ text: String) -> String {
        "\"" + printable(text).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// Without control characters, which would end the header.
    private static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
    }

    static func md5(_ bytes: [UInt8]) -> String { Hexadecimal.text(Insecure.MD5.hash(data: bytes)) }
    static func sha256(_ bytes: [UInt8]) -> String { Hexadecimal.text(SHA256.hash(data: bytes)) }
}
