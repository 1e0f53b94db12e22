public import Core
public import Foundation
import Outbound
import Slots

/// Upgrades a box that cannot upgrade itself any more: its release was confirmed, and later proved to crash, to hang or to have forgotten its upgrades.
///
/// It runs in a program of its own, which no release replaces. What it brings is on trial, like what a package brings: it must answer and write.
public struct Rescue: Sendable {
    /// What a look at the box came to.
    public enum Outcome: Sendable, Equatable, CustomStringConvertible {
        /// It can upgrade itself.
        case lives
        /// What becomes of a release on trial the box sees to, or the launcher.
        case onTrial
        /// The release on trial stood still; its process is ended, and the launcher counts its next start.
        case ended
        /// There is no release that it has not tried.
        case nothingNewer(than: ReleaseVersion)
        /// It is started with this one next.
        case begun(ReleaseVersion)

        public var description: String {
            switch self {
            case .lives: "The box lived within the last hour, and is left alone. With --now it is not."
            case .onTrial: "A release is on trial already."
            case .ended: "The release on trial stood still, and is ended: it has one start less."
            case .nothingNewer(let version): "There is nothing newer for the box than \(version), but for what was tried on it and was bad."
            case .begun(let version): "The box is started with \(version) next, on trial."
            }
        }
    }

    /// How long the box has to end in order.
    private static let patience = Duration.seconds(30)
    /// Bytes of the disk that it leaves free.
    private static let reserve = 64 << 20
    /// Bytes a second that it takes of a line on which the box may take less.
    private static let slowest = 16_384.0

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
    /// - Throws: `UpgradeRefusal` where the box never said where its releases come from, or somebody else brings one at this moment;
    ///   `ReleaseRefusal`, `SlotError`, and what the server or the file system throws.
    public func run(evenIfItLives: Bool = false) async throws -> Outcome {
        let place = UpgradePlace(folder: folder, slot: "", architecture: architecture)
        guard let brief = UpdaterBrief.read(folder), place.slots.current != nil else {
            throw UpgradeRefusal(description: "The box has never run with a server of releases (firmware.source) in its configuration.")
        }
        guard evenIfItLives || isSilent(brief) else { return place.slots.trial == nil ? .lives : .onTrial }
        let outcome: Outcome
        do {
            outcome = try await place.locked { try await look(evenIfItLives) }
        } catch let refusal as UpgradeRefusal where refusal == UpgradePlace.isLocked && brief.process.runs {
            // A box that stands still in the middle of an upgrade holds what is needed to bring the next.
            try await brief.process.end(patience: Self.patience, time: time)
            outcome = try await place.locked { try await look(evenIfItLives) }
        }
        // Whoever looks after the box starts the launcher again.
        switch outcome {
        case .begun, .ended: try await UpdaterBrief.read(folder)?.process.end(patience: Self.patience, time: time)
        default: break
        }
        return outcome
    }

    /// The box records nothing meanwhile, so it comes at some pace whatever else its line is for; whoever stands before the box waits for nothing.
    private func paced(_ source: any ReleaseSource, _ server: UpdaterBrief.Server) -> any ReleaseSource {
        guard let bound = server.bytesPerSecond else { return source }
        return PacedSource(inner: source, bytesPerSecond: max(bound, Self.slowest), time: time)
    }

    private func isSilent(_ brief: UpdaterBrief) -> Bool { brief.silence(at: moment()) >= UpdaterBrief.longestSilence }

    /// While nobody else brings a release.
    private func look(_ evenIfItLives: Bool) async throws -> Outcome {
        guard let brief = UpdaterBrief.read(folder), let slot = SlotFolder(folder.path).current else { return .lives }
        let place = UpgradePlace(folder: folder, slot: slot, architecture: architecture)
        if let trial = place.slots.trial {
            guard isSilent(brief) else { return .onTrial }
            if brief.process.runs { return .ended }
            // It had its starts, and the launcher found nothing to go back to.
            if trial.startsLeft > 0 { return .onTrial }
        }
        let source = source(brief.server)
        do {
            let outcome = try await upgrade(place, brief, evenIfItLives ? source : paced(source, brief.server), evenIfItLives)
            await source.close()
            return outcome
        } catch {
            await source.close()
            throw error
        }
    }

    private func upgrade(
        _ place: UpgradePlace, _ brief: UpdaterBrief, _ source: any ReleaseSource, _ evenIfItLives: Bool
    ) async throws -> Outcome {
        let isKnown = isTimeKnown()
        let memory = try UpgradeMemory.change(place.memory) { memory in
            memory.settle(place, at: time.now())
            if isKnown { memory.knownTime = time.now() }
        }
        let releases = try await MetadataUpdate(from: source, into: MetadataFolder(place.trusted))
            .refresh(at: memory.moment(time.now(), isKnown: isKnown))
        let version = place.version ?? .unknown
        // A box that does not run has nothing to lose by going before the others.
        let box = ReleaseChoice.Box(
            serialNumber: brief.serialNumber, version: version, architecture: architecture, model: brief.model, epoch: memory.epoch,
            channel: brief.channel, bad: place.bad, goesFirst: true)
        guard case .take(let release) = ReleaseChoice.next(for: box, of: releases) else { return .nothingNewer(than: version) }
        var upgrade = Upgrade(
            from: version, to: release.offer.version, slot: release.slot, epoch: release.offer.epoch, by: Upgrade.byUpdater,
            startedAt: time.now(), outcome: .running)
        do {
            let slot = try await ReleaseInstalling(from: source, into: folder, reserve: Self.reserve).install(release)
            // That took its time, and the box may be well again by now.
            guard evenIfItLives || UpdaterBrief.read(folder).map(isSilent) ?? false else { return .lives }
            _ = try UpgradeMemory.change(place.memory) { $0.add(upgrade) }
            try place.slots.beginTrial(of: slot)
            return .begun(release.offer.version)
        } catch {
            upgrade.outcome = .failed
            upgrade.reason = Upgrader.sentence(error)
            upgrade.endedAt = time.now()
            _ = try? UpgradeMemory.change(place.memory) { $0.replaceOrAdd(upgrade) }
            throw error
        }
    }
}
