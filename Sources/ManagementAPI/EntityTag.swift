import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The tag of a JSON answer (RFC 9110, section 8.8.3): `"what can be set-all of it"`.
///
/// The part behind the hyphen is for caches: it changes with every byte. The part before it is of what a request may set there. A camera's
/// bit rate changes each second, and nobody's change of its name may fail for that, so `If-Match` looks at the first part alone.
struct EntityTag: Equatable {
    let settings: String
    let all: String

    var text: String { "\"\(settings)-\(all)\"" }

    /// The tag of what a path answers; `settable` are the fields that its `PATCH` or `PUT` takes, empty where everything counts.
    init(_ bytes: ByteBuffer, settable: Set<String>) {
        let data = Data(bytes.readableBytesView)
        all = Self.digest(data)
        let object = settable.isEmpty ? nil : try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        let kept = object?.filter { settable.contains($0.key) } ?? [:]
        guard !kept.isEmpty, let part = try? JSONSerialization.data(withJSONObject: kept, options: [.sortedKeys]) else {
            settings = all
            return
        }
        settings = Self.digest(part)
    }

    /// Sixteen characters that may be in a tag.
    private static func digest(_ data: Data) -> String {
        Data(SHA256.hash(data: data).prefix(12)).base64EncodedString().replacingOccurrences(of: "+", with: ".").replacingOccurrences(
            of: "/", with: "_")
    }

    /// Whether `If-None-Match` names exactly this, by weak comparison (RFC 9110, section 13.1.2).
    func isNamed(inNoneMatch header: String) -> Bool {
        Self.tags(header).contains { $0 == "*" || $0 == text || $0 == "W/\(text)" }
    }

    /// Whether `If-Match` names this or an earlier answer with the same settings; weak tags never match (RFC 9110, section 13.1.1).
    func isNamed(inMatch header: String) -> Bool {
        Self.tags(header).contains { $0 == "*" || $0.hasPrefix("\"\(settings)-") && $0.hasSuffix("\"") }
    }

    private static func tags(_ header: String) -> [String] {
        header.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
}

/// Which fields can be set at which path, by the API's document.
struct SettableFields: Sendable {
    private let fields: [String: Set<String>]

    /// - Parameter document: the OpenAPI document.
    init(document: [UInt8]) throws {
        let root = try JSONSerialization.jsonObject(with: Data(document)) as? [String: Any] ?? [:]
        let schemas = (root["components"] as? [String: Any])?["schemas"] as? [String: Any] ?? [:]
        var fields: [String: Set<String>] = [:]
        for (path, methods) in root["paths"] as? [String: [String: Any]] ?? [:] {
            for method in ["patch", "put"] {
                let body = (methods[method] as? [String: Any])?["requestBody"] as? [String: Any]
                let media = (body?["content"] as? [String: Any])?["application/json"] as? [String: Any]
                guard let schema = media?["schema"] as? [String: Any] else { continue }
                fields[path, default: []].formUnion(Self.names(schema, schemas))
            }
        }
        self.fields = fields
    }

    /// The fields of a path as the router has it, `/api/v1/sites/:id` or `/api/v1/sites/{id}`.
    subscript(path: String) -> Set<String> { fields[path] ?? [] }

    private static func names(_ schema: [String: Any], _ schemas: [String: Any], depth: Int = 0) -> Set<String> {
        guard depth < 4 else { return [] }
        if let reference = (schema["$ref"] as? String)?.split(separator: "/").last,
            let target = schemas[String(reference)] as? [String: Any]
        {
            return names(target, schemas, depth: depth + 1)
        }
        var found = Set((schema["properties"] as? [String: Any] ?? [:]).keys)
        for combined in ["allOf", "oneOf", "anyOf"].compactMap({ schema[$0] as? [[String: Any]] }).joined() {
            found.formUnion(names(combined, schemas, depth: depth + 1))
        }
        return found
    }
}
