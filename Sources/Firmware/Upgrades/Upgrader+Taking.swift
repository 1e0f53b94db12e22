import Core
import Foundation
import Logging
import Slots
import Synchronization

extension Upgrader {
    // MARK: Taking a release

    /// Fetches a release, and lets the box begin with it.
    func take(_ wish: Wish, _ place: UpgradePlace) async {
        progress.withLock { $0 = (0, 0) }
        set(.fetching(done: 0, of: 0))
        let source: any ReleaseSource
        if let folder = wish.folder {
            source = FolderSource(folder)
        } else if let make = environment.source {
            source = make()
        } else {
            return set(.idle)
        }
        do {
            try await place.locked { try await begin(try await release(wish, source, place), wish, source, place) }
        } catch is CancellationError {
            // The box ends. What became of it is judged by its next life.
        } catch {
            await fail(error, isOfAPerson: !wish.by.isEmpty, place)
        }
        await source.close()
        if let folder = wish.folder { await Self.disk.run { try? FileManager.default.removeItem(at: folder) } }
    }

    /// As it is offered now: since it was found it may have been withdrawn.
    private func release(_ wish: Wish, _ source: any ReleaseSource, _ place: UpgradePlace) async throws -> ListedRelease {
        let releases = try await releases(of: source, place)
        let isOffered: Bool
        if wish.by.isEmpty {
            // By itself it takes what it would choose now.
            guard case .take(let chosen) = ReleaseChoice.next(for: try await box(place), of: releases) else { throw Self.notOffered }
            isOffered = chosen.slot == wish.slot
        } else {
            isOffered = true
        }
        guard let release = releases.first(where: { $0.slot == wish.slot }), isOffered, release.offer.rollout > 0 || wish.folder != nil
        else {
            throw Self.notOffered
        }
        return release
    }

    private static var notOffered: UpgradeRefusal { UpgradeRefusal(description: "The release is not offered any more.") }

    private func installing(from source: any ReleaseSource, _ place: UpgradePlace) -> ReleaseInstalling {
        ReleaseInstalling(from: source, into: place.folder, reserve: environment.reservedBytes())
    }

    private func begin(_ release: ListedRelease, _ wish: Wish, _ source: any ReleaseSource, _ place: UpgradePlace) async throws {
        let upgrade = Upgrade(
            from: environment.version, to: release.offer.version, slot: release.slot, epoch: release.offer.epoch,
            by: wish.by.isEmpty ? nil : wish.by, startedAt: time.now(), outcome: .running)
        try await remember { $0.add(upgrade) }
        environment.logger.notice("an upgrade began", metadata: ["to": "\(release.offer.version)", "by": "\(wish.by)"])
        let slot = try await installing(from: source, place).install(release) { [self] done, total in
            progress.withLock { $0 = (done, total) }
            noteStep()
            environment.changed()
        }
        set(.switching)
        try Task.checkCancellation()
        let before = await environment.health()
        try await Self.disk.run {
            place.forgetSnapshots()
            try FileManager.default.createDirectory(
                at: place.before(slot).deletingLastPathComponent(), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        }
        try await environment.snapshot(place.before(slot))
        try await remember { memory in
            guard let last = memory.upgrades.indices.last else { return }
            memory.upgrades[last].before = before
        }
        // A box that was told to end measures nothing well, and begins with nothing.
        try Task.checkCancellation()
        try await Self.disk.run { try place.slots.beginTrial(of: slot) }
        environment.logger.notice("the box begins with the new release", metadata: ["to": "\(release.offer.version)"])
        environment.restart()
    }

    private func fail(_ error: any Error, isOfAPerson: Bool, _ place: UpgradePlace) async {
        let reason = (error as? UpgradeRefusal)?.description ?? Self.sentence(error)
        environment.logger.warning("an upgrade failed", metadata: ["reason": "\(error)"])
        // What is there of the release is used by the next attempt.
        let now = time.now()
        do {
            try await remember { $0.end(.failed, because: reason, at: now) }
        } catch {
            // A disk that takes nothing is no reason to say that it goes on.
            memory.end(.failed, because: reason, at: now)
        }
        await Self.disk.run { place.forgetSnapshots() }
        rest(because: reason)
        set(.idle)
    }

    // MARK: What became of it

    /// What an earlier life of the box began, and the launcher ended.
    func judgeLast(_ place: UpgradePlace) async {
        let slots = place.slots
        do {
            if let current = slots.current, current != place.slot, let trial = slots.trial, trial.startsLeft < SlotFolder.trials {
                // The system could not start it, and the launcher started this one in its place. One that was never started the updater
                // brought in this moment.
                _ = try await Self.disk.run { try slots.rollBack(from: current, because: "The system could not start its program.") }
            }
            // With the release before the database opened by now: what was kept of it is not needed.
            if slots.trial == nil { await Self.disk.run { place.forgetSnapshots() } }
            var settled = memory
            guard let upgrade = settled.settle(place, at: time.now()) else { return }
            if upgrade.outcome == .rolledBack {
                environment.logger.warning("the box went back to the release before", metadata: ["reason": "\(upgrade.reason ?? "")"])
            }
            try await remember { [time] in _ = $0.settle(place, at: time.now()) }
        } catch {
            environment.logger.warning("the last upgrade could not be judged", metadata: ["reason": "\(error)"])
        }
    }

    /// Looks once a minute whether the release that is on trial does what the one before did, and keeps it or goes back.
    func watchTrial(_ place: UpgradePlace) async {
        guard place.slots.trial?.slot == place.slot else { return }
        var known = memory.upgrades.last { $0.slot == place.slot && $0.outcome == .running }
        if known == nil {
            // A package brought it, or somebody before the box: how the release before did nobody knows.
            let upgrade = Upgrade(
                from: UpgradePlace.version(ofSlot: place.slots.previous) ?? .unknown, to: environment.version, slot: place.slot,
                epoch: memory.epoch, by: Upgrade.fromOutside, startedAt: time.now(), outcome: .running)
            try? await remember { $0.add(upgrade) }
            known = upgrade
        }
        var gate = HealthGate(before: known?.before ?? .unknown)
        var looks = 0
        set(.onTrial(looks: 0, of: HealthGate.looks))
        while (try? await time.sleep(environment.looksEvery)) != nil {
            looks += 1
            noteStep()
            if place.slots.trial?.slot != place.slot {
                // Somebody before the box decided it.
                try? await remember { [time] in _ = $0.settle(place, at: time.now()) }
                break
            }
            let verdict = gate.take(await environment.health())
            set(.onTrial(looks: min(looks, HealthGate.looks), of: HealthGate.looks))
            do {
                switch verdict {
                case .goesOn: continue
                case .confirmed: try await confirm(place)
                case .failed(let reason): try await goBack(place, because: reason)
                }
            } catch {
                environment.logger.warning("the trial goes on", metadata: ["reason": "\(error)"])
                continue
            }
            break
        }
    }

    private func confirm(_ place: UpgradePlace) async throws {
        try await Self.disk.run { try place.slots.confirm(place.slot) }
        try await remember { [time] in $0.end(.confirmed, at: time.now()) }
        await Self.disk.run { place.forgetSnapshots() }
        provedItself.raise()
        environment.logger.notice("the release proved itself", metadata: ["version": "\(environment.version)"])
        set(.idle)
    }

    private func goBack(_ place: UpgradePlace, because reason: String) async throws {
        environment.logger.warning("the release goes back", metadata: ["reason": "\(reason)"])
        do {
            _ = try await Self.disk.run { try place.slots.rollBack(from: place.slot, because: reason) }
        } catch SlotError.nothingBefore {
            // All that there is goes on, whatever is wrong with it.
            try await Self.disk.run { try place.slots.confirm(place.slot) }
            try await remember { [time] in $0.end(.confirmed, because: "\(reason) There is no release before it.", at: time.now()) }
            return set(.idle)
        }
        // On a disk that is full as well: the next life knows it from the launcher.
        try? await remember { [time] in $0.end(.rolledBack, because: reason, at: time.now()) }
        set(.switching)
        environment.restart()
    }
}
