public import Core
public import Foundation
import Outbound
import Slots

/// Upgrades a box that cannot upgrade itself any more: its release was confirmed, and later proved to crash, to hang or to have forgotten its upgrades.
///
/// It runs in a program of its own, which no release replaces. The launcher gives the release that it brings its trial, as any other.
public struct Rescue: Sendable {
    /// What a look at the box came to.
    public enum Outcome: Sendable, Equatable, CustomStringConvertible {
        /// It can upgrade itself.
        case lives
        /// What becomes of a release on trial the launcher sees to.
        case onTrial
        /// There is no release that it has not tried.
        case nothingNewer(than: ReleaseVersion)
        /// It is started with this one next.
        case begun(ReleaseVersion)

        public var description: String {
            switch self {
            case .lives: "The box lives, and upgrades itself."
            case .onTrial: "A release is on trial already."
            case .nothingNewer(let version): "The box does not upgrade itself, and there is nothing newer for it than \(version)."
            case .begun(let version): "The box does not upgrade itself: it is started with \(version) next, on trial."
            }
        }
    }

    /// How long the box has to end in order.
    private static let patience = Duration.seconds(30)
    /// Bytes of the disk that it leaves free.
    private static let reserve = 64 << 20

    private let folder: URL
    private let architecture: String
    private let isTimeKnown: @Sendable () -> Bool
    private let moment: @Sendable () -> MachineMoment
    private let source: @Sendable (UpdaterBrief.Server) -> any ReleaseSource
    private let time: TimeSource

    /// - Parameters:
    ///   - folder: That of the launcher.
    ///   - isTimeKnown: Whether the machine's time is to be believed.
    ///   - source: The server's releases; over HTTP where none is given.
    public init(
        _ folder: URL, architecture: String = UpgradePlace.ownArchitecture, isTimeKnown: @escaping @Sendable () -> Bool,
        moment: @escaping @Sendable () -> MachineMoment = { .now },
        source: (@Sendable (UpdaterBrief.Server) -> any ReleaseSource)? = nil, time: TimeSource = .system
    ) {
        self.folder = folder
        self.architecture = architecture
        self.isTimeKnown = isTimeKnown
        self.moment = moment
        self.source =
            source ?? { server in
                HTTPSource(
                    server.place, servers: AddressPolicy(allowsLocal: server.allowsLocal, target: .server), time: time, pace: { _ in })
            }
        self.time = time
    }

    /// Looks whether the box lives, and upgrades it where it does not.
    ///
    /// - Parameter evenIfItLives: A person stands before the box, and knows better.
    /// - Throws: `UpgradeRefusal` where the box never said where its releases come from, or takes one at this moment; `ReleaseRefusal`,
    ///   `SlotError`, and what the server or the file system throws.
    public func run(evenIfItLives: Bool = false) async throws -> Outcome {
        let slots = SlotFolder(folder.path)
        guard let brief = UpdaterBrief.read(folder), let slot = slots.current else {
            throw UpgradeRefusal(description: "The box has never run with a server of releases (firmware.source) in its configuration.")
        }
        if slots.trial != nil { return .onTrial }
        guard evenIfItLives || brief.silence(at: moment()) >= UpdaterBrief.longestSilence else { return .lives }
        let place = UpgradePlace(folder: folder, slot: slot, architecture: architecture)
        let outcome = try await place.locked { () throws -> Outcome in
            let source = source(brief.server)
            do {
                let outcome = try await upgrade(place, brief, source)
                await source.close()
                return outcome
            } catch {
                await source.close()
                throw error
            }
        }
        // Whoever looks after the box starts the launcher again.
        if case .begun = outcome { try await brief.process.end(patience: Self.patience, time: time) }
        return outcome
    }

    private func upgrade(_ place: UpgradePlace, _ brief: UpdaterBrief, _ source: any ReleaseSource) async throws -> Outcome {
        var memory = UpgradeMemory.read(place.memory)
        memory.settle(place, at: time.now())
        let isKnown = isTimeKnown()
        let now = memory.moment(time.now(), isKnown: isKnown)
        let releases = try await MetadataUpdate(from: source, into: MetadataFolder(place.trusted)).refresh(at: now)
        if isKnown { memory.knownTime = now }
        let version = place.version ?? .unknown
        let box = ReleaseChoice.Box(
            serialNumber: brief.serialNumber, version: version, architecture: architecture, model: brief.model, epoch: memory.epoch,
            channel: brief.channel, bad: place.bad)
        let release: ListedRelease
        switch ReleaseChoice.next(for: box, of: releases) {
        case .take(let due): release = due
        // A box that does not run has nothing to lose by going before the others.
        case .wait(let waiting, .rollout(let share)) where share > 0: release = waiting
        default:
            try memory.write(to: place.memory)
            return .nothingNewer(than: version)
        }
        try await begin(release, from: version, place, &memory, source)
        return .begun(release.offer.version)
    }

    private func begin(
        _ release: ListedRelease, from version: ReleaseVersion, _ place: UpgradePlace, _ memory: inout UpgradeMemory,
        _ source: any ReleaseSource
    ) async throws {
        memory.add(
            Upgrade(
                from: version, to: release.offer.version, slot: release.slot, epoch: release.offer.epoch, by: Upgrade.byUpdater,
                startedAt: time.now(), outcome: .running))
        try memory.write(to: place.memory)
        do {
            let slot = try await ReleaseInstalling(from: source, into: folder, reserve: Self.reserve).install(release)
            place.forgetSnapshots()
            try place.slots.beginTrial(of: slot)
        } catch {
            memory.end(.failed, because: Upgrader.sentence(error), at: time.now())
            try? memory.write(to: place.memory)
            throw error
        }
    }
}
