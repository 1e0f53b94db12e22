extension SeededGenerator {
    /// Whether something of this likelihood happens now.
    mutating func happens(_ likelihood: Double) -> Bool {
        Double(next() >> 11) * 0x1p-53 < likelihood
    }

    /// A whole number within `range`; quicker than the library's, and fair enough.
    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    /// Milliseconds within `range`.
    mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
        .milliseconds(number(range))
    }
}
