import Foundation

/// The code that a person knows and that opens a site's footage.
public struct VerificationCode: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// Why a chosen code is not taken; a sentence.
    public struct Weakness: Error, Sendable, Equatable {
        public let sentence: String
    }

    public static let shortest = 12
    public static let longest = 128

    // As on labels: no letters and digits that are mistaken for one another.
    private static let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
    private static let drawnLength = 16

    /// What the key is derived from: groups of four where the box drew it, otherwise as it was typed.
    public let text: String

    /// Draws a code: four groups of four characters, 80 bits; again where it happens to look as if a person had chosen it badly.
    public init(using generator: inout some RandomNumberGenerator) {
        var drawn = Self.draw(using: &generator)
        while drawn.weakness != nil { drawn = Self.draw(using: &generator) }
        self = drawn
    }

    private static func draw(using generator: inout some RandomNumberGenerator) -> VerificationCode {
        var letters = ""
        for _ in 0..<drawnLength { letters.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]) }
        return VerificationCode(typed: letters)
    }

    /// Takes what a person typed. A code that the box drew may come in any case, with or without hyphens and spaces.
    public init(typed: String) {
        let letters = Array(typed.uppercased().filter { !$0.isWhitespace && $0 != "-" })
        if letters.count == Self.drawnLength, letters.allSatisfy(Self.alphabet.contains) {
            text = Self.grouped(letters)
        } else {
            text = typed.trimmingCharacters(in: .whitespacesAndNewlines).precomposedStringWithCanonicalMapping
        }
    }

    /// Checks a code that a person chose: whoever has a recovery file can try codes as fast as their machines can.
    public func check() throws(Weakness) {
        if let weakness { throw weakness }
    }

    private var weakness: Weakness? {
        let letters = Array(text)
        guard letters.count >= Self.shortest else {
            return Weakness(sentence: "The code must have at least \(Self.shortest) characters.")
        }
        guard letters.count <= Self.longest else {
            return Weakness(sentence: "The code must have at most \(Self.longest) characters.")
        }
        guard Set(letters.map { $0.lowercased() }).count >= 8 else {
            return Weakness(sentence: "The code repeats too few characters. Use at least eight different ones, or let the box make a code.")
        }
        let kinds = [
            letters.contains { $0.isLetter && $0.isLowercase }, letters.contains { $0.isLetter && $0.isUppercase },
            letters.contains { $0.isNumber }, letters.contains { !$0.isLetter && !$0.isNumber },
        ]
        let counted = kinds.count { $0 }
        // In a code of the form that the box draws, capitals and hyphens are not the person's doing.
        let isMixed = isDrawnForm ? kinds[2] : counted >= 3 || letters.count >= 20
        guard isMixed else {
            return Weakness(
                sentence: "The code is too easy to guess. Mix small and capital letters, digits and signs, or use 20 characters or more.")
        }
        guard Self.longestRun(letters) < 5 else {
            return Weakness(sentence: "The code has a run such as 12345 or abcde in it. Choose another, or let the box make a code.")
        }
        return nil
    }

    private var isDrawnForm: Bool {
        let letters = text.filter { $0 != "-" }
        return letters.count == Self.drawnLength && letters.allSatisfy(Self.alphabet.contains)
    }

    public var description: String { "verification code" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }

    private static func grouped(_ letters: [Character]) -> String {
        stride(from: 0, to: letters.count, by: 4).map { String(letters[$0..<min($0 + 4, letters.count)]) }.joined(separator: "-")
    }

    /// The most characters in a row of which each follows the one before, upwards, downwards or equal.
    private static func longestRun(_ letters: [Character]) -> Int {
        let values = letters.map { Int($0.lowercased().unicodeScalars.first?.value ?? 0) }
        var longest = 1
        for step in [-1, 0, 1] {
            var run = 1
            for (one, next) in zip(values, values.dropFirst()) {
                run = next - one == step ? run + 1 : 1
                longest = max(longest, run)
            }
        }
        return longest
    }
}
