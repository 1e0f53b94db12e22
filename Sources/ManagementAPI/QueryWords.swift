import Core
import Foundation
import Hummingbird

/// What stands behind the question mark of a list's address; collects all that is wrong with it.
struct QueryWords {
    static let longest = 64
    private let texts: [String: String]
    private var errors: [Problem.FieldError] = []

    /// Whatever is not in `known` is wrong.
    init(_ request: Request, known: Set<String>) {
        var texts: [String: String] = [:]
        for (key, value) in request.uri.queryParameters {
            let name = String(key)
            if known.contains(name) {
                texts[name] = String(value)
            } else {
                errors.append(.init(field: "/\(name.prefix(64))", detail: "\(name.prefix(64)) is not known here."))
            }
        }
        self.texts = texts
    }

    /// nil where it is missing.
    func text(_ name: String) -> String? { texts[name] }

    /// Words to look for, of which the first `longest` characters count; nil where there are none.
    func search(_ name: String) -> String? {
        texts[name].map { String($0.prefix(Self.longest)) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    mutating func number(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        let bounds = range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        return value(name, bounds) { Int($0).flatMap { range.contains($0) ? $0 : nil } }
    }

    mutating func identifier<Kind>(_ name: String) -> Identifier<Kind>? { value(name, "an identifier", Identifier<Kind>.init) }

    mutating func date(_ name: String) -> Date? { value(name, "a time such as 2026-11-27T08:15:00Z", GatehouseJSON.date) }

    mutating func word<Word: RawRepresentable<String> & CaseIterable>(_ name: String, _: Word.Type) -> Word? {
        value(name, "one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))", Word.init)
    }

    /// What `parse` makes of it; wrong where that is nil.
    mutating func value<Value>(_ name: String, _ what: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = texts[name] else { return nil }
        let value = parse(text)
        if value == nil { errors.append(.init(field: "/\(name)", detail: "\(name) must be \(what).")) }
        return value
    }

    /// - Throws: a problem that names all that is wrong.
    func finish() throws {
        guard errors.isEmpty else { throw Problem.invalid(errors) }
    }
}
