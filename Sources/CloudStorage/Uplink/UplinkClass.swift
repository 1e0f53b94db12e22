/// What goes before what on the line; the lowest goes first.
public enum UplinkClass: Int, Sendable, CaseIterable, Comparable {
    /// Pictures and descriptions: small, and what a person looks at first.
    case metadata
    /// Clips of what has just happened.
    case live
    /// Clips that waited.
    case backlog
    /// What nobody waits for: footage as the camera sent it, gaps that were refilled.
    case bulk

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// Whether the class gives way to live clips and to people who watch.
    var givesWay: Bool { self >= .backlog }
}
