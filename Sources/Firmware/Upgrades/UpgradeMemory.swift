import Core
public import Foundation
import Slots

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
    /// Who asked for it, as it is written down; nil where the box took it by itself.
    var by: String?
    public let startedAt: Date
    public internal(set) var endedAt: Date?
    public internal(set) var outcome: Outcome
    /// A package brought the release, or somebody who stood before the box.
    static let fromOutside = "from outside"
    /// The box could not do it itself any more.
    static let byUpdater = "the updater"

    /// Where an upgrade comes from.
    public enum Origin: String, Sendable, CaseIterable {
        case person
        /// The box's policy.
        case itself
        /// A package, or somebody who stood before the box.
        case outside
        /// The updater: the box could not do it itself.
        case updater
        /// A person of whom nothing is known any more.
        case formerOwner = "former-owner"
    }

    public var origin: Origin {
        switch by {
        case nil: .itself
        case Self.fromOutside: .outside
        case Self.byUpdater: .updater
        case UpgradeMemory.somebody: .formerOwner
        default: .person
        }
    }

    /// Who asked for it; nil where it was no person, or one of whom nothing is known any more.
    public var person: String? { origin == .person ? by : nil }
    /// Nobody asked for it.
    var isByItself: Bool { by == nil || by == Self.byUpdater }
    /// Why it did not stay; a sentence.
    public internal(set) var reason: String?
    /// How the release before did.
    var before: BoxHealth?
    /// The vendor was told of it.
    var isReported: Bool?
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

    /// Changes what is there, one after the other: the box and the updater both do.
    /// - Returns: What is there now.
    static func change(_ place: URL, _ change: (inout UpgradeMemory) -> Void) throws -> UpgradeMemory {
        let lock = try FileLock(place.path + ".lock")
        var memory = read(place)
        change(&memory)
        do {
            try memory.write(to: place)
        } catch {
            lock.release()
            throw error
        }
        lock.release()
        return memory
    }

    private func write(to place: URL) throws {
        try DurableFile.write(GatehouseJSON.encoder.encode(self), to: place.path, permissions: 0o644)
    }

    mutating func add(_ upgrade: Upgrade) {
        // What the box tries again by itself is one attempt; it does not drive out what else is remembered.
        if let last = upgrades.last, last.outcome == .failed, last.isByItself, upgrade.by == last.by, last.slot == upgrade.slot {
            upgrades.removeLast()
        }
        upgrades.append(upgrade)
        upgrades.removeFirst(max(0, upgrades.count - Self.most))
    }

    /// What is known of an upgrade now, in place of what was known of it before.
    mutating func replaceOrAdd(_ upgrade: Upgrade) {
        upgrades.removeAll { $0.slot == upgrade.slot && $0.startedAt == upgrade.startedAt }
        add(upgrade)
    }

    mutating func end(_ outcome: Upgrade.Outcome, because reason: String? = nil, at date: Date) {
        guard let last = upgrades.indices.last, upgrades[last].outcome == .running else { return }
        upgrades[last].outcome = outcome
        upgrades[last].reason = reason
        upgrades[last].endedAt = date
        if outcome == .confirmed { epoch = max(epoch, upgrades[last].epoch) }
    }

    /// What became of an upgrade that an earlier life began, and the launcher ended; nil where none is settled by it.
    @discardableResult
    mutating func settle(_ place: UpgradePlace, at date: Date) -> Upgrade? {
        guard let last = upgrades.last, last.outcome == .running else { return nil }
        // It is started next.
        if place.slots.trial?.slot == last.slot, last.slot != place.slot { return nil }
        if last.slot == place.slot {
            guard place.slots.trial == nil else { return nil }
            end(.confirmed, at: date)
        } else if let reason = place.slots.reasonAgainst(last.slot) {
            end(.rolledBack, because: reason, at: date)
        } else {
            end(.failed, because: "The box ended before it began with the release.", at: date)
        }
        return upgrades.last
    }

    mutating func reported(_ upgrade: Upgrade) {
        for index in upgrades.indices where upgrades[index].slot == upgrade.slot && upgrades[index].startedAt == upgrade.startedAt {
            upgrades[index].isReported = true
        }
    }

    /// What the time is taken to be: a clock that nobody set is at least not before what it was when somebody did.
    func moment(_ now: Date, isKnown: Bool) -> Date { isKnown ? now : max(now, knownTime ?? now) }
}
