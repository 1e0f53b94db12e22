import Core
import Crypto
import Foundation

/// AWS Signature Version 4 for S3: the authorization of one request with its headers and the digest of its body.
struct SignatureV4: Sendable {
    let accessKeyID: String
    let secretAccessKey: String
    let sessionToken: String?
    let region: String

    /// The headers that sign the request; `headers` must hold `host` and everything else that is to be signed, names in lower case.
    func sign(
        method: String, path: String, query: [(String, String)] = [], headers: [String: String], bodySHA256: String, at time: Date
    ) -> [String: String] {
        let stamp = Self.stamp(time)
        let day = String(stamp.prefix(8))
        var signed = headers
        signed["x-amz-content-sha256"] = bodySHA256
        signed["x-amz-date"] = stamp
        if let sessionToken { signed["x-amz-security-token"] = sessionToken }
        let names = signed.keys.sorted()
        let canonical = [
            method, Self.encode(path, keepingSlashes: true),
            query.map { (Self.encode($0.0), Self.encode($0.1)) }.sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }.joined(separator: "&"),
            names.map { "\($0):\(Self.trim(signed[$0] ?? ""))\n" }.joined(), names.joined(separator: ";"), bodySHA256,
        ].joined(separator: "\n")
        let scope = "\(day)/\(region)/s3/aws4_request"
        let text = "AWS4-HMAC-SHA256\n\(stamp)\n\(scope)\n\(Hexadecimal.text(SHA256.hash(data: Data(canonical.utf8))))"
        let signature = Hexadecimal.text(Self.hmac(key(day: day), text))
        signed["authorization"] =
            "AWS4-HMAC-SHA256 Credential=\(accessKeyID)/\(scope), SignedHeaders=\(names.joined(separator: ";")), Signature=\(signature)"
        return signed
    }

    /// The query of an address that may be read by whoever has it (SigV4 with query parameters), for at most seven days.
    func presign(path: String, host: String, validFor span: Duration, at time: Date) -> String {
        let stamp = Self.stamp(time)
        let day = String(stamp.prefix(8))
        let scope = "\(day)/\(region)/s3/aws4_request"
        var query = [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", "\(accessKeyID)/\(scope)"), ("X-Amz-Date", stamp),
            ("X-Amz-Expires", String(min(604_800, max(1, Int(span.seconds))))), ("X-Amz-SignedHeaders", "host"),
        ]
        if let sessionToken { query.append(("X-Amz-Security-Token", sessionToken)) }
        let pairs = query.map { (Self.encode($0.0), Self.encode($0.1)) }.sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }
        let text = pairs.joined(separator: "&")
        let canonical = ["GET", Self.encode(path, keepingSlashes: true), text, "host:\(host)\n", "host", "UNSIGNED-PAYLOAD"]
            .joined(separator: "\n")
        let digest = Hexadecimal.text(SHA256.hash(data: Data(canonical.utf8)))
        let signature = Hexadecimal.text(Self.hmac(key(day: day), "AWS4-HMAC-SHA256\n\(stamp)\n\(scope)\n\(digest)"))
        return text + "&X-Amz-Signature=" + signature
    }

    private func key(day: String) -> [UInt8] {
        [region, "s3", "aws4_request"].reduce(Self.hmac(Array("AWS4\(secretAccessKey)".utf8), day)) { Self.hmac($0, $1) }
    }

    private static func hmac(_ key: [UInt8], _ text: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: key)))
    }

    /// RFC 3986's unreserved characters stay; all else is percent-encoded.
    static func encode(_ text: String, keepingSlashes: Bool = false) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "/") where keepingSlashes: result += "/"
            default: result += "%" + Hexadecimal.text([byte]).uppercased()
            }
        }
        return result
    }

    private static func trim(_ text: String) -> String {
        text.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }

    /// `yyyyMMddTHHmmssZ`.
    static func stamp(_ time: Date) -> String {
        time.formatted(
            Date.ISO8601FormatStyle(dateSeparator: .omitted, dateTimeSeparator: .standard, timeSeparator: .omitted, timeZone: .gmt)
                .year().month().day().time(includingFractionalSeconds: false).timeZone(separator: .omitted))
    }
}
