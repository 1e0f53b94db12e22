/// A language that people are spoken to in, by its code (BCP 47), such as `en`.
public struct Language: RawRepresentable, Hashable, Sendable, Codable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The one that everything is said in that no other has words for.
    public static let english = Language(rawValue: "en")
}
