import Core
public import Foundation

/// One upgrade, from when it was asked for to what became of it.
public struct Upgrade: Codable, Sendable, Equatable {
    public enum Outcome: String, Codable, Sendable, CaseIterable {
        /// It goes on.
        case running
        /// The release proved itself, and stays.
        case confirmed
        /// It was started, and the one before is started again.
        case rolledBack = "rolled-back"
        /// It did not come to the start.
        case failed
    }

    public let from: ReleaseVersion
    public let to: ReleaseVersion
    /// What the release is called on the box's disk.
    public let slot: String
    let epoch: Int
    /// Who asked for it; nil where the box took it by itself.
    public internal(set) var by: String?
    public let startedAt: Date
    public internal(set) var endedAt: Date?
    public internal(set) var outcome: Outcome
    /// A package brought the release, or somebody who stood before the box.
    static let fromOutside = "from outside"
    /// Why it did not stay; a sentence.
    public internal(set) var reason: String?
    /// How the release before did.
    var before: BoxHealth?
}

/// What a box knows of its upgrades, beside the releases and apart from the database: neither comes back with an older one of the other.
struct UpgradeMemory: Codable, Sendable, Equatable {
    /// So many upgrades are remembered.
    static let most = 50
    /// Who asked, where it is nobody's business any more.
    static let somebody = "a former owner"

    /// The newest last.
    var upgrades: [Upgrade] = []
    /// No release below it is taken any more.
    var epoch = 0
    /// When the box last knew what time it is.
    var knownTime: Date?

    /// A file that cannot be read is no reason to start nothing: what it said is forgotten, but for what the launcher knows.
    static func read(_ place: URL) -> UpgradeMemory {
        guard let data = try? Data(contentsOf: place) else { return UpgradeMemory() }
        return (try? GatehouseJSON.decoder.decode(UpgradeMemory.self, from: data)) ?? UpgradeMemory()
    }

    func write(to place: URL) throws {
        try DurableFile.write(GatehouseJSON.encoder.encode(self), to: place.path, permissions: 0o644)
    }

    mutating func add(_ upgrade: Upgrade) {
        // What the box tries again by itself is one attempt; it does not drive out what else is remembered.
        if let last = upgrades.last, last.outcome == .failed, last.by == nil, upgrade.by == nil, last.slot == upgrade.slot {
            upgrades.removeLast()
        }
        upgrades.append(upgrade)
        upgrades.removeFirst(max(0, upgrades.count - Self.most))
    }

    mutating func end(_ outcome: Upgrade.Outcome, because reason: String? = nil, at date: Date) {
        guard let last = upgrades.indices.last, upgrades[last].outcome == .running else { return }
        upgrades[last].outcome = outcome
        upgrades[last].reason = reason
        upgrades[last].endedAt = date
        if outcome == .confirmed { epoch = max(epoch, upgrades[last].epoch) }
    }
}
