/// Why something cannot be done with a plan; a sentence that says what to do instead.
public struct PlanRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable, CaseIterable {
        case mistypedKey = "mistyped-key"
        /// Well typed, but no voucher vouches for it.
        case unknownKey = "unknown-key"
        case usedKey = "used-key"
        case expiredKey = "expired-key"
        case otherBoxKey = "other-box-key"
        /// The key may be used by any box, and the store that knows whether one has cannot be asked.
        case storeNeeded = "store-needed"
        case notEnforced = "plans-not-used"
        case nothingInStock = "nothing-in-stock"
        case notLinked = "not-linked"
        case noPlan = "no-plan"
        case hasPlan = "has-plan"
        case sameChannel = "same-channel"
        case noSuchChannel = "no-such-channel"

        /// Whether it is the service key that is refused.
        public var isOfKey: Bool {
            switch self {
            case .mistypedKey, .unknownKey, .usedKey, .expiredKey, .otherBoxKey, .storeNeeded: true
            default: false
            }
        }
    }

    public let code: Code
    public let sentence: String
    public var description: String { sentence }

    init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }
}
