import Crypto

/// Which release a box takes next, if any. The same on every look, and known to whoever has the metadata and the box's serial number.
public enum ReleaseChoice: Sendable, Equatable {
    /// What is asked of a box to choose.
    public struct Box: Sendable {
        public var serialNumber: String
        public var version: ReleaseVersion
        public var architecture: String
        public var model: String
        /// No release below it is taken any more.
        public var epoch: Int
        /// `candidate` also takes what is not certain yet.
        public var channel: ReleaseOffer.Channel
        /// Slots of releases that were tried and were bad.
        public var bad: Set<String>
        /// It takes what is offered to some boxes without waiting for its turn.
        public var goesFirst: Bool

        public init(
            serialNumber: String, version: ReleaseVersion, architecture: String, model: String, epoch: Int, channel: ReleaseOffer.Channel,
            bad: Set<String>, goesFirst: Bool = false
        ) {
            self.serialNumber = serialNumber
            self.version = version
            self.architecture = architecture
            self.model = model
            self.epoch = epoch
            self.channel = channel
            self.bad = bad
            self.goesFirst = goesFirst
        }
    }

    /// Why a newer release is not taken yet.
    public enum Obstacle: Sendable, Equatable {
        /// So many percent of the boxes may take it, and this one is not among them.
        case rollout(Int)
        /// It was tried, and was bad.
        case bad
    }

    /// There is nothing newer for this box.
    case upToDate
    case take(ListedRelease)
    case wait(ListedRelease, Obstacle)

    /// The choice of a box among what signed metadata tells of.
    ///
    /// A release that must be passed through is taken before any newer, and nothing newer instead of it.
    public static func next(for box: Box, of releases: [ListedRelease]) -> ReleaseChoice {
        let newer = releases.filter { $0.offer.isFor(box) && $0.offer.version > box.version }
            .sorted { $0.offer.version < $1.offer.version }
        // Where what must be passed through was taken back, nothing newer is taken until another is there in its place.
        let gate = newer.firstIndex { $0.offer.mustPassThrough }
        let reachable = newer.prefix(gate.map { $0 + 1 } ?? newer.count)
        if let found = reachable.last(where: { obstacle($0, for: box) == nil }) { return .take(found) }
        let due = gate.map { newer[$0] } ?? reachable.last { $0.offer.rollout > 0 }
        return due.flatMap { due in obstacle(due, for: box).map { .wait(due, $0) } } ?? .upToDate
    }

    private static func obstacle(_ release: ListedRelease, for box: Box) -> Obstacle? {
        if box.bad.contains(release.slot) { return .bad }
        if box.goesFirst, release.offer.rollout > 0 { return nil }
        return share(of: box.serialNumber, in: release.path) < release.offer.rollout ? nil : .rollout(release.offer.rollout)
    }

    /// 0 to 99, evenly over the boxes and anew with each release, so that it is not always the same ones that go first.
    static func share(of serialNumber: String, in path: String) -> Int {
        let digest = SHA256.hash(data: Array("\(serialNumber)\n\(path)".utf8))
        return Int(digest.prefix(7).reduce(0) { $0 << 8 | UInt64($1) } % 100)
    }
}

extension ReleaseOffer {
    /// Whether it is meant for such a box at all.
    fileprivate func isFor(_ box: ReleaseChoice.Box) -> Bool {
        architecture == box.architecture && model == box.model && epoch >= box.epoch && (channel == .stable || box.channel == .candidate)
    }
}
