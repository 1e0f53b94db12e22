public import Foundation

/// Where a box is with its releases; for people.
public struct UpgradeCondition: Sendable, Equatable {
    public enum Phase: Sendable, Equatable {
        /// Why this box is not upgraded by itself: it was not started by the launcher.
        case unmanaged
        /// What an earlier life began is judged.
        case starting
        case idle
        case checking
        /// A file comes.
        case receiving
        /// Bytes that are here of those that the release has.
        case fetching(done: Int, of: Int)
        /// The box ends and begins with the new release.
        case switching
        /// It runs, and has to prove itself: so many looks of so many.
        case onTrial(looks: Int, of: Int)
    }

    /// A release that is newer than the one of now.
    public struct Available: Sendable, Equatable {
        public let version: ReleaseVersion
        public let channel: ReleaseOffer.Channel
        /// What is new, as its vendor says.
        public let notes: String
        /// Bytes of all its files.
        public let size: Int
        /// Bytes of them that are to be fetched.
        public let missing: Int
        /// Why the box does not take it by itself.
        public let obstacle: ReleaseChoice.Obstacle?
    }

    public var phase: Phase
    public var available: Available?
    /// When it was last known what there is.
    public var checkedAt: Date?
    /// Why it could not be learnt, or the last upgrade did not begin; a sentence.
    public var trouble: String?
}

/// Why an upgrade is not begun; a sentence.
public struct UpgradeRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
}
