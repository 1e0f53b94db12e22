import Cameras
import Core
import Foundation
import Messaging
import Outbound

// Fields with a meaning of their own.
extension RequestBody {
    /// An identifier.
    func identifier<ID>(_ name: String, _ make: (String) -> ID?, required: Bool = false) -> ID? {
        guard let text = string(name, 1...64, required: required) else { return nil }
        guard let id = make(text) else {
            reject(name, "\(name) must be an identifier.")
            return nil
        }
        return id
    }

    /// A moment (RFC 3339).
    func moment(_ name: String) -> Date? {
        guard let text = string(name, 10...40) else { return nil }
        guard let date = GatehouseJSON.date(text) else {
            reject(name, "\(name) must be a moment such as 2026-11-28T09:00:00Z.")
            return nil
        }
        return date
    }

    /// The name of a time zone, which is required.
    func timeZone(_ name: String) -> String? {
        guard let zone = string(name, 1...64, required: true) else { return nil }
        guard TimeZone(identifier: zone) != nil, zone.contains("/") || zone == "UTC" else {
            reject(name, "\(zone) is not a time zone such as Europe/Rome.")
            return nil
        }
        return zone
    }

    /// A list of some of the words that there are, each once.
    func words<Word: RawRepresentable & CaseIterable & Hashable>(_ name: String, _ type: Word.Type, required: Bool = false) -> Set<Word>?
    where Word.RawValue == String {
        let texts = strings(name, count: 1...Word.allCases.count)
        if required, !has(name) { reject(name, "\(name) is missing.") }
        guard let texts else { return nil }
        let words = Set(texts.compactMap { Word(rawValue: $0) })
        if words.count != texts.count {
            reject(name, "\(name) must be some of \(Word.allCases.map(\.rawValue).joined(separator: ", ")), each once.")
        }
        return words
    }

    /// A language in which the box can say something.
    func language(_ texts: MessageTexts) -> Language? {
        guard let value = value("language", required: false, nullable: false) else { return nil }
        guard case .string(let code) = value, let language = texts.languages.first(where: { $0.rawValue == code }) else {
            reject("language", "language must be one of \(texts.languages.map(\.rawValue).joined(separator: ", ")).")
            return nil
        }
        return language
    }

    /// Refuses the host of a server that the box must not connect to on somebody's word; a name that is not known now may be later.
    func admit(_ host: String, as name: String, _ policy: AddressPolicy) async {
        do throws(AddressRefusal) { try await policy.check(host: host) } catch {
            if error.code == "address-refused" { reject(name, error.sentence) }
        }
    }
}
