/// Why an offer gets no session; a sentence.
public struct OfferRefusal: Error, Sendable, Equatable {
    public enum Kind: Sendable {
        /// It is no offer that means anything.
        case malformed
        /// It offers nothing that the camera's stream could go by.
        case notPlayable
    }

    public let kind: Kind
    public let sentence: String

    public init(kind: Kind, sentence: String) {
        self.kind = kind
        self.sentence = sentence
    }

    static func malformed(_ sentence: String) -> OfferRefusal { OfferRefusal(kind: .malformed, sentence: sentence) }
}
