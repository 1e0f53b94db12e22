import Foundation

/// Takes secrets out of what is written down.
enum Redaction {
    private static let longest = 2_000
    private static let secret = ["password", "passphrase", "secret", "code", "credential", "token", "recoveryfile", "signature", "key"]
    private static let blot = "•••"

    /// Fields as a JSON object in the order of their names, of a bounded length; a field whose name is that of a secret has none of it.
    static func text(_ fields: [String: JSONValue]) -> String {
        let text = object(fields)
        return text.count <= longest ? text : String(text.prefix(longest)) + "…"
    }

    private static func object(_ fields: [String: JSONValue]) -> String {
        let parts = fields.sorted { $0.key < $1.key }.map { name, value in
            quoted(name) + ":" + (isSecret(name) ? quoted(blot) : Self.value(value))
        }
        return "{" + parts.joined(separator: ",") + "}"
    }

    private static func isSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return secret.contains { name.hasSuffix($0) || name.hasSuffix($0 + "s") }
    }

    private static func value(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .string(let text): quoted(withoutCredentials(text))
        case .array(let items): "[" + items.map(Self.value).joined(separator: ",") + "]"
        case .object(let fields): object(fields)
        }
    }

    /// Addresses may have a user and a password in them.
    private static func withoutCredentials(_ text: String) -> String {
        // A certificate's key may stand in one text with it.
        if text.contains("PRIVATE KEY") { return blot }
        guard let scheme = text.range(of: "://"), let at = text[scheme.upperBound...].lastIndex(of: "@") else { return text }
        return "\(text[..<scheme.upperBound])\(blot)\(text[at...])"
    }

    private static func quoted(_ text: String) -> String {
        // Texts are always encodable.
        (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
