/// What part of a file a `Range` header asks for (RFC 9110, section 14).
enum ByteRange: Equatable {
    /// No range, an invalid one, or several: the whole is answered, as the standard allows.
    case whole
    /// Bytes `first` up to, not including, `end`.
    case part(Range<Int>)
    /// Nothing of the file lies in the range: 416.
    case unsatisfiable

    init(header: String?, size: Int) {
        self = header.flatMap { Self.parse($0, size: size) } ?? .whole
    }

    private static func parse(_ header: String, size: Int) -> ByteRange? {
        let trimmed = header.filter { !$0.isWhitespace }
        guard trimmed.lowercased().hasPrefix("bytes=") else { return nil }
        let spec = trimmed.dropFirst("bytes=".count)
        let ends = spec.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2, !spec.contains(","), ends.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }) else { return nil }
        // More digits than an Int holds mean "to the end".
        let last = ends[1].isEmpty ? nil : Int(ends[1]) ?? Int.max
        guard !ends[0].isEmpty else {
            guard let suffix = last else { return nil }
            return suffix == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - suffix)..<size)
        }
        let first = Int(ends[0]) ?? Int.max
        if let last, last < first { return nil }
        guard first < size else { return .unsatisfiable }
        return .part(first..<min(last ?? size - 1, size - 1) + 1)
    }
}
