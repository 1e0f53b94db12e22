import Firmware
import Foundation

/// How the box is upgraded, and where it is with it.
struct FirmwareAnswer: Encodable, Equatable {
    struct Release: Encodable, Equatable {
        let version: String
        let channel: String
        let notes: String
        let bytes: Int
        let missingBytes: Int
        /// Why the box does not take it by itself.
        let obstacle: Nullable<String>
        /// Whether a person may take it.
        let canUpgrade: Bool

        init(_ release: UpgradeCondition.Available) {
            version = release.version.description
            channel = release.channel.rawValue
            notes = release.notes
            bytes = release.size
            missingBytes = release.missing
            switch release.obstacle {
            case nil:
                obstacle = Nullable(nil)
                canUpgrade = true
            case .rollout(0)?:
                obstacle = Nullable("Its vendor has stopped it.")
                canUpgrade = false
            case .rollout(let share)?:
                obstacle = Nullable("It goes to \(share) % of the boxes at first, and this one is not among them.")
                canUpgrade = true
            case .bad?:
                obstacle = Nullable("It was tried on this box, and was bad.")
                canUpgrade = false
            }
        }
    }

    struct Progress: Encodable, Equatable {
        let done: Int
        let total: Int
    }

    let version: String
    let model: String
    let architecture: String
    /// Whether the box can be upgraded by itself.
    let isManaged: Bool
    let hasSource: Bool
    let phase: String
    /// Bytes while it is fetched, looks while it is on trial.
    let progress: Nullable<Progress>
    let available: Nullable<Release>
    let checkedAt: Nullable<Date>
    let trouble: Nullable<String>
    let channel: String
    let automatic: Bool
    let windowFrom: String
    let windowTo: String
    let timeZone: String

    init(_ condition: UpgradeCondition, _ policy: UpgradePolicy, _ zone: TimeZone, version: String, model: String, hasSource: Bool) {
        self.version = version
        self.model = model
        self.hasSource = hasSource
        architecture = UpgradePlace.ownArchitecture
        isManaged = condition.phase != .unmanaged
        switch condition.phase {
        case .unmanaged, .idle: (phase, progress) = ("idle", Nullable(nil))
        case .starting: (phase, progress) = ("starting", Nullable(nil))
        case .checking, .receiving: (phase, progress) = ("checking", Nullable(nil))
        case .fetching(let done, let total):
            (phase, progress) = ("fetching", Nullable(total > 0 ? Progress(done: done, total: total) : nil))
        case .switching: (phase, progress) = ("switching", Nullable(nil))
        case .onTrial(let looks, let of): (phase, progress) = ("trial", Nullable(Progress(done: looks, total: of)))
        }
        // Of what goes on something else may be taken, out of a file.
        let isQuiet = [.idle, .checking].contains(condition.phase)
        available = Nullable(isQuiet ? condition.available.map(Release.init) : nil)
        checkedAt = Nullable(condition.checkedAt)
        trouble = Nullable(condition.trouble)
        channel = policy.channel.rawValue
        automatic = policy.isAutomatic
        windowFrom = Self.clock(policy.window.from)
        windowTo = Self.clock(policy.window.to)
        timeZone = zone.identifier
    }

    static func clock(_ minutes: Int) -> String {
        let (hour, minute) = (minutes / 60 % 24, minutes % 60)
        return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
    }

    /// Minutes of the day; nil where it is none.
    static func minutes(_ clock: String) -> Int? {
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
        else { return nil }
        return hour * 60 + minute
    }
}

struct BoxUpgradeAnswer: Encodable {
    let from: String
    let to: String
    let origin: String
    let by: Nullable<String>
    let startedAt: Date
    let endedAt: Nullable<Date>
    let state: String
    let reason: Nullable<String>

    init(_ upgrade: Upgrade) {
        origin = upgrade.origin.rawValue
        from = upgrade.from.description
        to = upgrade.to.description
        by = Nullable(upgrade.person)
        startedAt = upgrade.startedAt
        endedAt = Nullable(upgrade.endedAt)
        state = upgrade.outcome.rawValue
        reason = Nullable(upgrade.reason)
    }
}

extension AnswerMaker {
    func firmware() async throws -> FirmwareAnswer {
        let (policy, zone) = try await UpgradePolicy.read(services.database)
        let upgrader = services.upgrader
        return FirmwareAnswer(
            await upgrader.state, policy, zone, version: services.identity.version, model: upgrader.model, hasSource: upgrader.hasSource)
    }
}
