import Core

/// The code on the box's label that proves, once, that who claims the box holds it.
public struct SetupCode: Sendable, Equatable {
    /// Two groups of four, without letters and digits that are mistaken for one another.
    public let text: String

    private static let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")

    /// Takes a stored code.
    public init(stored text: String) {
        self.text = text
    }

    /// Draws a new code: 40 bits.
    public init() {
        var generator = SystemRandomNumberGenerator()
        let letters = (0..<8).map { _ in Self.alphabet[Int.random(in: 0..<Self.alphabet.count, using: &generator)] }
        text = String(letters[0..<4]) + "-" + String(letters[4..<8])
    }

    /// Whether `entered` is this code; case, spaces and the hyphen do not count.
    public func matches(_ entered: String) -> Bool {
        isSameSecret(Self.plain(text).utf8, Self.plain(entered).utf8)
    }

    private static func plain(_ text: String) -> String {
        text.uppercased().filter { $0.isLetter || $0.isNumber }
    }
}
