import BoxDatabase
import CloudStorage
import Core
import Foundation

/// Where footage goes, and how that is.
extension AnswerMaker {
    func storage() async throws -> StorageAnswer {
        let totals = try await services.spool.index.totals()
        let target = try await services.targets.current()
        let credentials = try await services.targets.credentials()
        let rate = services.uploader.governor.rate
        let age = totals.oldest.map { max(0, Int(services.time.now().timeIntervalSince($0))) }
        let (second, former) = try await otherStorages()
        return StorageAnswer(
            target: Nullable(target.map { TargetAnswer($0, credentials: credentials) }), second: Nullable(second), former: former,
            state: ConditionAnswer(storageCondition(target)),
            spool: .init(
                clips: totals.backlogClips, bytes: services.spool.bytes, limitBytes: services.spool.limits.bytes,
                freeBytes: services.spool.freeBytes, paused: services.spool.isPaused),
            backlog: .init(
                clips: totals.backlogClips, bytes: totals.backlogBytes, oldestSeconds: Nullable(age),
                etaSeconds: Nullable(rate.flatMap { $0 > 1 ? Int(Double(totals.backlogBytes) / $0) : nil })),
            line: .init(
                bytesPerSecond: Nullable(rate.map { Int($0) }), pausedUntil: Nullable(services.uploader.governor.pause?.until)),
            stored: .init(clips: totals.storedClips, bytes: totals.storedBytes),
            gaps: totals.gaps)
    }

    // MARK: Second storage

    private func otherStorages() async throws -> (StorageAnswer.Second?, [StorageAnswer.Former]) {
        let (second, places) = (try await services.targets.second(), try await services.targets.formerPlaces())
        guard second != nil || !places.isEmpty else { return (nil, []) }
        let totals = try await services.spool.index.placeTotals()
        let former = places.compactMap { place in
            totals[place].map { StorageAnswer.Former(place: place, clips: $0.clips, bytes: $0.bytes) }
        }
        guard let second else { return (nil, former) }
        let own = totals[second.target.identity]
        var minutes: Int?
        if case .fallback(let after) = second.role { minutes = Int(after.seconds / 60) }
        let answer = StorageAnswer.Second(
            role: minutes == nil ? "mirror" : "fallback", afterMinutes: Nullable(minutes),
            target: TargetAnswer(second.target, credentials: try await services.targets.secondCredentials()),
            state: ConditionAnswer(secondCondition(second)), inUse: services.uploader.fallsBack, clips: own?.clips ?? 0,
            bytes: own?.bytes ?? 0, waiting: own?.waiting ?? 0)
        return (answer, former)
    }

    // MARK: Where a clip is

    /// The places that have a clip.
    func places(_ clip: ClipRecord) -> [String] {
        guard clip.state == .stored else { return [] }
        return [clip.place ?? services.uploader.store?.identity, clip.otherCopy == .stored ? clip.otherPlace : nil].compactMap(\.self)
    }

    func storedSentence(_ clip: ClipRecord) -> String {
        let asItCame = clip.manifest.asItCame ? ", as the camera sent it" : ""
        let first = services.uploader.store?.identity
        if let place = clip.place, place != first, clip.otherCopy != .stored {
            guard let store = services.targets.store(at: place) else {
                return "In a cloud storage that is not set any more\(asItCame); set it again to watch the clip."
            }
            let which = store.identity == services.uploader.secondStore?.identity ? "second" : "former"
            return "In the \(which) cloud storage\(asItCame)."
        }
        switch clip.otherCopy {
        case .waiting:
            let why = clip.lastError.map { ": \($0)" } ?? "."
            return "In the cloud storage\(asItCame); its copy for the second waits\(why)"
        case .wanted: return "In the cloud storage\(asItCame); its copy for the second is made when the line has nothing else to do."
        case .unobtainable:
            return "Stored\(asItCame), and not in the cloud storage as it was when a copy for the second was to be made."
        case .stored: return "In both cloud storages\(asItCame)."
        case .leftover, nil: return "In the cloud storage\(asItCame)."
        }
    }
}
