/// A store that clips go to, and how it fares.
struct Destination: Sendable {
    /// Which of a box's two.
    enum Rank: Sendable, CaseIterable {
        case first, second
    }

    var store: (any ObjectStore)?
    /// Grows with each change of the store.
    var generation = 0
    var breaker: CircuitBreaker
}

/// What the second store is for.
public enum SecondRole: Codable, Sendable, Equatable {
    /// Every clip goes there too.
    case mirror
    /// Clips go there while the first store has not worked for so long.
    case fallback(after: Duration)
}
