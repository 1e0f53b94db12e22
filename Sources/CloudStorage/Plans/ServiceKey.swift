import Core
import Crypto
import Foundation

/// What is wrong with the characters of a service key that was entered.
public enum ServiceKeyMistake: Error, Sendable, Equatable {
    case length(Int)
    case character(Character)
    /// One is wrong, or two have changed places.
    case check

    /// Says what to look for.
    public var sentence: String {
        switch self {
        case .length(let count):
            "A service key has 16 characters; \(count == 1 ? "this one has 1" : "this one has \(count)"). Compare it with the paper."
        case .character(let character):
            "The key is mistyped: \"\(character)\" does not occur in service keys. Compare it with the paper."
        case .check:
            "The key is mistyped: a character is wrong, or two have changed places. Compare it with the paper, group by group."
        }
    }
}

/// A service key: fifteen random characters and one that checks them, in Crockford's base 32.
///
/// The sixteen are a Reed-Solomon code over 32 elements: any one wrong character, any two that changed places and any pair that was
/// typed as another pair of equals leave the check wrong, so that typing errors are told from wrong keys.
public struct ServiceKey: Sendable, Equatable {
    public static let length = 16

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    private static let values = Dictionary(uniqueKeysWithValues: alphabet.enumerated().map { ($1, UInt8($0)) })

    /// 0 to 31 each.
    private let symbols: [UInt8]

    /// A new key, 75 bits of it random.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init((0..<Self.length - 1).map { _ in UInt8.random(in: 0..<32, using: &generator) })
    }

    private init(_ data: [UInt8]) {
        symbols = data + [Self.remainder(data + [0])]
    }

    /// Reads what a person typed: in any case, with or without hyphens and spaces, I and L for 1, O for 0.
    public init(entered text: String) throws(ServiceKeyMistake) {
        let characters = text.uppercased().filter { !$0.isWhitespace && !"-‐‑–—_.".contains($0) }
        guard characters.count == Self.length else { throw .length(characters.count) }
        var symbols: [UInt8] = []
        for character in characters {
            let meant: Character = character == "O" ? "0" : character == "I" || character == "L" ? "1" : character
            guard let value = Self.values[meant] else { throw .character(character) }
            symbols.append(value)
        }
        guard Self.remainder(symbols) == 0 else { throw .check }
        self.symbols = symbols
    }

    /// `7K3M-9QXA-...`, as it is printed.
    public var text: String {
        stride(from: 0, to: Self.length, by: 4).map { String(symbols[$0..<$0 + 4].map { Self.alphabet[Int($0)] }) }.joined(separator: "-")
    }

    /// SHA-256 of the sixteen characters without hyphens, lower-case hexadecimal: how vouchers and boxes know the key.
    public var sha256: String {
        Hexadecimal.text(SHA256.hash(data: Data(symbols.map { Self.alphabet[Int($0)].asciiValue ?? 0 })))
    }

    /// The code's polynomial at the generator of the field: each place has a weight of its own, so no two can be confused.
    private static func remainder(_ symbols: [UInt8]) -> UInt8 {
        symbols.reduce(0) { doubled($0) ^ $1 }
    }

    /// Times x in the field of 32 elements made by x^5 + x^2 + 1.
    private static func doubled(_ value: UInt8) -> UInt8 {
        let shifted = value << 1
        return shifted & 32 == 0 ? shifted : shifted ^ 0b100101
    }
}
