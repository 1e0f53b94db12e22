public import Core
import Foundation
import Yams

/// What is wrong with a file of texts; a sentence.
public struct MessageTextsError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

/// A longer message: what an e-mail says, and a text message where it may go by one.
public struct Letter: Sendable, Equatable, Decodable {
    public let subject: String
    public let text: String
    public let short: String?
}

/// What the box tells people, by language: a file each (`en.yaml`) of a folder, with places such as `{site}` that are filled in.
/// What a language has no words for is said in English.
public struct MessageTexts: Sendable {
    /// A longer message.
    public enum Kind: String, CaseIterable, Sendable {
        case handOver = "hand-over"
        case share
        case inviteProvider = "invite-provider"
        case invite
        case forgottenPassword = "forgotten-password"
    }

    private struct Texts: Decodable, Sendable {
        var notices: [String: String]?
        var words: [String: String]?
        var letters: [String: Letter]?

        /// What `other` says takes the place of what is here.
        mutating func lay(_ other: Texts) {
            notices = (notices ?? [:]).merging(other.notices ?? [:]) { $1 }
            words = (words ?? [:]).merging(other.words ?? [:]) { $1 }
            letters = (letters ?? [:]).merging(other.letters ?? [:]) {
                Letter(subject: $1.subject, text: $1.text, short: $1.short ?? $0.short)
            }
        }
    }

    private let texts: [Language: Texts]
    /// English first, then the others by code.
    public let languages: [Language]

    /// Reads the folders, of which the later ones win text by text. `notices` and `words` are what English must have.
    /// - Throws: `MessageTextsError`, also for a text of another language that has not the places of the English one.
    public init(folders: [String], notices: Set<String>, words: Set<String>) throws(MessageTextsError) {
        var texts: [Language: Texts] = [:]
        var first: Texts?  // whose places count, also for who words English anew
        for folder in folders {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            for name in names.sorted() where name.hasSuffix(".yaml") {
                texts[Language(rawValue: String(name.dropLast(5))), default: Texts()].lay(try Self.read("\(folder)/\(name)"))
            }
            first = first ?? texts[.english]
        }
        guard let english = texts[.english] else {
            throw MessageTextsError(description: "en.yaml is missing in \(folders.joined(separator: " and ")).")
        }
        let wanted = notices.union(words).union(Kind.allCases.map(\.rawValue))
        let there = Set((english.notices ?? [:]).keys).union((english.words ?? [:]).keys).union((english.letters ?? [:]).keys)
        guard wanted.isSubset(of: there) else {
            throw MessageTextsError(description: "en.yaml has no words for \(wanted.subtracting(there).sorted().joined(separator: ", ")).")
        }
        for (language, other) in texts { try Self.compare(other, with: first ?? english, "\(language.rawValue).yaml") }
        self.texts = texts
        languages = [.english] + texts.keys.filter { $0 != .english }.sorted { $0.rawValue < $1.rawValue }
    }

    private static func read(_ path: String) throws(MessageTextsError) -> Texts {
        do {
            return try YAMLDecoder().decode(Texts.self, from: String(contentsOfFile: path, encoding: .utf8))
        } catch {
            throw MessageTextsError(description: "\(path) cannot be read: \(error)")
        }
    }

    /// Another language says what English says, of the same things.
    private static func compare(_ other: Texts, with english: Texts, _ path: String) throws(MessageTextsError) {
        var pairs: [(String, String, String?)] = []
        for (key, text) in other.notices ?? [:] { pairs.append((key, text, english.notices?[key])) }
        for (key, text) in other.words ?? [:] { pairs.append((key, text, english.words?[key])) }
        for (key, letter) in other.letters ?? [:] {
            let known = english.letters?[key]
            pairs += [(key, letter.subject, known?.subject), (key, letter.text, known?.text)]
            if let short = letter.short { pairs.append((key, short, known?.short)) }
        }
        for (key, text, known) in pairs {
            guard let known else { throw MessageTextsError(description: "\(path) has words for \(key), which is not known.") }
            // Without it the message is worth nothing.
            for needed in ["link", "code"] where places(known).contains(needed) && !places(text).contains(needed) {
                throw MessageTextsError(description: "\(path): \(key) lacks {\(needed)}.")
            }
            let unknown = places(text).subtracting(places(known))
            guard unknown.isEmpty else {
                throw MessageTextsError(description: "\(path): \(key) has no {\(unknown.sorted().joined(separator: "}, {"))}.")
            }
        }
    }

    /// The names of a text's places.
    static func places(_ text: String) -> Set<String> { Set(text.matches(of: /\{([a-zA-Z]+)\}/).map { String($0.1) }) }

    // MARK: Saying

    /// The language of somebody who chose one, where there are words in it.
    public func language(_ code: String?) -> Language {
        code.map(Language.init).flatMap { texts[$0] == nil ? nil : $0 } ?? .english
    }

    /// A sentence that tells of something; nil where there is none of this name.
    public func notice(_ name: String, _ values: [String: String], in language: Language) -> String? {
        (texts[language]?.notices?[name] ?? texts[.english]?.notices?[name]).map { Self.fill($0, values) }
    }

    /// One or two words; the name itself where there are none.
    public func word(_ name: String, in language: Language) -> String {
        texts[language]?.words?[name] ?? texts[.english]?.words?[name] ?? name
    }

    /// A longer message, filled in.
    public func letter(_ kind: Kind, _ values: [String: String], in language: Language) -> Letter {
        let english = texts[.english]?.letters?[kind.rawValue]
        guard let letter = texts[language]?.letters?[kind.rawValue] ?? english else {
            return Letter(subject: "", text: "", short: nil)  // `init` has seen that there is one.
        }
        return Letter(
            subject: Self.fill(letter.subject, values), text: Self.fill(letter.text, values),
            short: (letter.short ?? english?.short).map { Self.fill($0, values) })
    }

    /// What is filled in is not looked at again: a name with braces stays a name.
    static func fill(_ text: String, _ values: [String: String]) -> String {
        text.replacing(/\{([a-zA-Z]+)\}/) { values[String($0.1)] ?? "" }
    }
}
