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
            line: .init(bytesPerSecond: Nullable(rate.map { Int($0) })),
            stored: .init(clips: totals.storedClips, bytes: totals.storedBytes),
            gaps: totals.gaps)
    }

    func storageCondition(_ target: StorageTarget?) -> Condition {
        let since = services.startedAt
        if services.spool.isPaused {
            return Condition(
                code: "full", severity: .trouble,
                sentence:
                    "The box's disk has no room for more footage, so recording is paused. It goes on by itself when footage has gone up.",
                since: services.time.now())
        }
        guard target != nil else {
            return Condition(
                code: "none", severity: .attention, sentence: "No cloud storage is set; footage stays on the box. Set the storage.",
                since: since)
        }
        guard let (error, failingSince) = services.uploader.failure else {
            return services.uploader.store == nil
                ? Condition(
                    code: "refused", severity: .trouble, sentence: "The storage settings cannot be used. Enter them again.", since: since)
                : Condition(code: "ok", severity: .ok, sentence: "Footage goes up.", since: since)
        }
        return Self.condition(
            of: error, since: failingSince,
            meanwhile: services.uploader.fallsBack ? " Footage goes to the second storage meanwhile." : nil)
    }

    private static func condition(of error: StoreError, since: Date, meanwhile: String?) -> Condition {
        let sentence = error.sentence + (meanwhile ?? " Footage waits on the box.")
        return switch error.kind {
        case .refused, .noBucket, .full: Condition(code: "refused", severity: .trouble, sentence: sentence, since: since)
        case .unreachable, .nonsense: Condition(code: "unreachable", severity: .attention, sentence: sentence, since: since)
        case .busy, .exists, .corrupted, .gone: Condition(code: "waiting", severity: .attention, sentence: sentence, since: since)
        }
    }

    /// What the first storage has, and the second, is not fit to work with: for the box's health.
    func storageProblems() async throws -> [HealthAnswer.Problem] {
        let first = storageCondition(try await services.targets.current())
        let second = try await services.targets.second().map(secondCondition)
        return [(first, first.code == "full" ? "spool" : "storage"), second.map { ($0, "second-storage") }].compactMap(\.self)
            .filter { $0.0.severity != .ok }
            .map { condition, kind in
                .init(severity: condition.severity, subject: .init(kind: kind), sentence: condition.sentence, since: condition.since)
            }
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

    private func secondCondition(_ second: SecondTarget) -> Condition {
        guard services.uploader.secondStore != nil else {
            return Condition(
                code: "refused", severity: .trouble, sentence: "The settings of the second storage cannot be used. Enter them again.",
                since: services.startedAt)
        }
        if let (error, since) = services.uploader.secondFailure {
            let found = Self.condition(of: error, since: since, meanwhile: "")
            return Condition(
                code: found.code, severity: found.severity, sentence: "The second storage: " + found.sentence, since: found.since)
        }
        let sentence =
            switch second.role {
            case .mirror: "Every clip goes there too."
            case .fallback(let after):
                services.uploader.fallsBack
                    ? "Clips go there now, for the first storage does not work."
                    : "Clips go there when the first storage has not worked for \(Int(after.seconds / 60)) minutes."
            }
        return Condition(code: "ok", severity: .ok, sentence: sentence, since: services.startedAt)
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
        case .stored: return "In both cloud storages\(asItCame)."
        case .leftover, nil: return "In the cloud storage\(asItCame)."
        }
    }
}
