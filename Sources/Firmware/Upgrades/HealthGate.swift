/// How well a box does what it is for, at one moment.
public struct BoxHealth: Codable, Sendable, Equatable {
    /// Its own API answered.
    public var answers: Bool
    /// A row could be written.
    public var writes: Bool
    /// Channels whose picture comes.
    public var camerasStreaming: Int
    /// The store answered, or nothing had to go to it.
    public var uploads: Bool
    /// Resident.
    public var memoryBytes: Int
    /// Open files and sockets.
    public var descriptors: Int

    public init(answers: Bool, writes: Bool, camerasStreaming: Int, uploads: Bool, memoryBytes: Int, descriptors: Int) {
        self.answers = answers
        self.writes = writes
        self.camerasStreaming = camerasStreaming
        self.uploads = uploads
        self.memoryBytes = memoryBytes
        self.descriptors = descriptors
    }
}

extension BoxHealth {
    /// How a release did of which nothing is known: whoever follows it must answer and write.
    static let unknown = BoxHealth(
        answers: true, writes: true, camerasStreaming: 0, uploads: false, memoryBytes: .max / 2, descriptors: 1 << 30)
}

/// Decides whether a release that is on trial stays: it must do what the one before did, at the end of a quarter of an hour or a little later.
///
/// It is measured by what was before: a camera that had no picture then need not have one now, and where the uplink was away it may be away.
public struct HealthGate: Sendable {
    public enum Verdict: Sendable, Equatable {
        case goesOn
        case confirmed
        /// Why it goes back, for people.
        case failed(String)
    }

    /// So many looks, one a minute.
    public static let looks = 15
    /// What is missing may be missing for a while: cameras are connected anew, a store has a bad minute.
    private static let patience = 5
    /// Without these nothing works, and nothing is waited for.
    private static let shortPatience = 2

    private let before: BoxHealth
    private var seen: [BoxHealth] = []

    /// - Parameter before: How the release before did, when it was left.
    public init(before: BoxHealth) {
        self.before = before
    }

    /// Takes the next look.
    public mutating func take(_ health: BoxHealth) -> Verdict {
        seen.append(health)
        if let reason = failure() { return .failed(reason) }
        // What is not well now may become worse: it is waited for.
        return seen.count >= Self.looks && isWell(health) ? .confirmed : .goesOn
    }

    private func failure() -> String? {
        if never(Self.shortPatience, \.answers) { return "Its API did not answer." }
        if never(Self.shortPatience, \.writes) { return "It could not write its database." }
        if never(Self.patience, { $0.camerasStreaming >= before.camerasStreaming }) {
            let most = seen.suffix(Self.patience).map(\.camerasStreaming).max() ?? 0
            return "\(most) of \(before.camerasStreaming) cameras had a picture."
        }
        if before.uploads, never(Self.patience, \.uploads) { return "Nothing reached the cloud." }
        if never(Self.shortPatience, { $0.memoryBytes <= mostMemory }) { return "It took more memory than it should." }
        if never(Self.shortPatience, { $0.descriptors <= mostDescriptors }) { return "It had more files open than it should." }
        return nil
    }

    private func isWell(_ health: BoxHealth) -> Bool {
        health.answers && health.writes && health.camerasStreaming >= before.camerasStreaming && (health.uploads || !before.uploads)
            && health.memoryBytes <= mostMemory && health.descriptors <= mostDescriptors
    }

    /// Whether it was so in none of the last looks, and there were as many.
    private func never(_ count: Int, _ isSo: (BoxHealth) -> Bool) -> Bool {
        seen.count >= count && !seen.suffix(count).contains(where: isSo)
    }

    /// A release may need more than the one before, within bounds.
    private var mostMemory: Int { before.memoryBytes + max(before.memoryBytes / 2, 64 << 20) }
    private var mostDescriptors: Int { before.descriptors * 2 + 100 }
}
