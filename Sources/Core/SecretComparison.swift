/// Whether two secrets are the same; takes the same time wherever they differ, so that nobody learns by the clock how much of a guess is right.
public func isSameSecret(_ one: some Collection<UInt8>, _ other: some Collection<UInt8>) -> Bool {
    guard one.count == other.count else { return false }
    var difference: UInt8 = 0
    for (left, right) in zip(one, other) { difference |= left ^ right }
    return difference == 0
}
