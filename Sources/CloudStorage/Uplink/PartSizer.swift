/// How large the parts of an object are on a line of some rate: small where a broken part costs long, large where requests cost more.
enum PartSizer {
    static let smallest = 256 << 10
    static let largest = 8 << 20
    /// A part takes about this long.
    private static let seconds = 8.0

    /// Bytes of a part at `rate` (bytes a second, nil where nothing was measured), not below what the store takes; a multiple of 256 KiB.
    static func size(rate: Double?, storeMinimum: Int) -> Int {
        let wanted = Int(min((rate ?? 64_000) * seconds, Double(largest)))
        let rounded = wanted / smallest * smallest
        return min(largest, max(smallest, storeMinimum, rounded))
    }
}
