import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat

/// A JSON value as it came.
enum JSONValue: Decodable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }
}

/// Reads a request's JSON object field by field, and collects everything that is wrong with it.
///
/// Every field is checked for type, size and range; fields that nobody asked for are errors too. `finish` throws what was found.
final class RequestBody {
    static let limit = 64 << 10

    private let object: [String: JSONValue]
    private let path: String
    private var known: Set<String> = []
    private var children: [RequestBody] = []
    private(set) var errors: [Problem.FieldError] = []

    private init(_ object: [String: JSONValue], path: String) {
        self.object = object
        self.path = path
    }

    /// Reads the body of `request`, which must be a JSON object of at most 64 KiB.
    static func read(_ request: Request) async throws -> RequestBody {
        guard request.headers[.contentType].map({ $0.lowercased().hasPrefix("application/json") }) ?? false else {
            throw Problem(.unsupportedMediaType, "invalid-request", "Not JSON", "Send the request as application/json.")
        }
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: limit)
        } catch {
            throw Problem(.contentTooLarge, "too-large", "Too large", "The request is larger than \(limit / 1024) KiB.")
        }
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(buffer.readableBytesView)), case .object(let object) = value
        else {
            throw Problem(.badRequest, "invalid-request", "Not JSON", "The request is not a JSON object.")
        }
        return RequestBody(object, path: "")
    }

    /// Throws what was wrong, fields that are not known included.
    func finish() throws {
        let all = allErrors
        if !all.isEmpty { throw Problem.invalid(all) }
    }

    private var allErrors: [Problem.FieldError] {
        let unknown = object.keys.filter { !known.contains($0) }.sorted().prefix(20)
        return errors
            + unknown.map { .init(field: pointer(String($0.prefix(64))), detail: "The field \($0.prefix(64)) is not known here.") }
            + children.flatMap(\.allErrors)
    }

    /// Notes that the field `name` is wrong.
    func reject(_ name: String, _ detail: String) {
        errors.append(.init(field: pointer(name), detail: detail))
    }

    /// Whether the field is there, be it null.
    func has(_ name: String) -> Bool {
        known.insert(name)
        return object[name] != nil
    }

    /// Whether the field is there and null.
    func isNull(_ name: String) -> Bool {
        known.insert(name)
        if case .null? = object[name] { return true }
        return false
    }

    private func pointer(_ name: String) -> String {
        path + "/" + name.replacing("~", with: "~0").replacing("/", with: "~1")
    }

    func value(_ name: String, required: Bool, nullable: Bool = true) -> JSONValue? {
        known.insert(name)
        switch object[name] {
        case nil:
            if required { reject(name, "\(name) is missing.") }
            return nil
        case .null?:
            if required || !nullable { reject(name, "\(name) must not be null.") }
            return nil
        case let value?: return value
        }
    }

    /// Text of a length in characters, without control characters.
    func string(_ name: String, _ length: ClosedRange<Int>, required: Bool = false, multiline: Bool = false) -> String? {
        guard let value = value(name, required: required) else { return nil }
        guard case .string(let text) = value else {
            reject(name, "\(name) must be text.")
            return nil
        }
        guard length.contains(text.count), text.utf8.count <= length.upperBound * 4 else {
            reject(name, "\(name) must have \(length.lowerBound) to \(length.upperBound) characters.")
            return nil
        }
        let control = text.unicodeScalars.contains {
            $0.value < 0x20 && !(multiline && [9, 10, 13].contains($0.value)) || $0.value == 0x7F
        }
        guard !control else {
            reject(name, "\(name) must not have control characters.")
            return nil
        }
        return text
    }

    /// A whole number.
    func integer(_ name: String, _ range: ClosedRange<Int>, required: Bool = false) -> Int? {
        guard let value = value(name, required: required) else { return nil }
        guard case .integer(let number) = value else {
            reject(name, "\(name) must be a whole number.")
            return nil
        }
        guard range.contains(number) else {
            reject(name, "\(name) must be \(range.lowerBound) to \(range.upperBound).")
            return nil
        }
        return number
    }

    /// A number, whole or not.
    func number(_ name: String, _ range: ClosedRange<Double>, required: Bool = false) -> Double? {
        guard let value = value(name, required: required) else { return nil }
        let number: Double
        switch value {
        case .integer(let whole): number = Double(whole)
        case .number(let given): number = given
        default:
            reject(name, "\(name) must be a number.")
            return nil
        }
        guard range.contains(number) else {
            reject(name, "\(name) must be \(range.lowerBound.formatted()) to \(range.upperBound.formatted()).")
            return nil
        }
        return number
    }

    func bool(_ name: String, required: Bool = false) -> Bool? {
        guard let value = value(name, required: required, nullable: false) else { return nil }
        guard case .bool(let flag) = value else {
            reject(name, "\(name) must be true or false.")
            return nil
        }
        return flag
    }

    /// One of the words of `type`.
    func word<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type, required: Bool = false) -> Word?
    where Word.RawValue == String {
        guard let value = value(name, required: required, nullable: false) else { return nil }
        guard case .string(let text) = value, let word = Word(rawValue: text) else {
            reject(name, "\(name) must be one of \(Word.allCases.map(\.rawValue).joined(separator: ", ")).")
            return nil
        }
        return word
    }

    /// A nested object.
    func object(_ name: String, required: Bool = false) -> RequestBody? {
        guard let value = value(name, required: required) else { return nil }
        guard case .object(let object) = value else {
            reject(name, "\(name) must be an object.")
            return nil
        }
        let child = RequestBody(object, path: pointer(name))
        children.append(child)
        return child
    }

    /// A list of texts.
    func strings(_ name: String, count: ClosedRange<Int>) -> [String]? {
        guard let value = value(name, required: false, nullable: false) else { return nil }
        guard case .array(let items) = value, count.contains(items.count) else {
            reject(name, "\(name) must be a list of \(count.lowerBound) to \(count.upperBound) texts.")
            return nil
        }
        let texts = items.compactMap { if case .string(let text) = $0 { text } else { nil } }
        guard texts.count == items.count else {
            reject(name, "\(name) must be a list of texts.")
            return nil
        }
        return texts
    }

    /// A list of objects.
    func objects(_ name: String, count: ClosedRange<Int>) -> [RequestBody]? {
        guard let value = value(name, required: false, nullable: false) else { return nil }
        guard case .array(let items) = value, count.contains(items.count) else {
            reject(name, "\(name) must be a list of at most \(count.upperBound) objects.")
            return nil
        }
        var bodies: [RequestBody] = []
        for (index, item) in items.enumerated() {
            guard case .object(let object) = item else {
                reject(name, "\(name) must be a list of objects.")
                return nil
            }
            bodies.append(RequestBody(object, path: pointer(name) + "/\(index)"))
        }
        children += bodies
        return bodies
    }
}
