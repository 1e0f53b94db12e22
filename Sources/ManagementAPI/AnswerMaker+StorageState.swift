import CloudStorage
import Core
import Foundation
import Logging

/// How the storages are, in words, and since when.
extension AnswerMaker {
    /// States as they are remembered: a storage that fails does so since it began to, whatever it fails with.
    private enum Remembered: String {
        case none, full, failing, paused, ok
    }

    /// The condition of the first storage.
    func storageCondition(_ target: StorageTarget?) -> Condition {
        let place = target?.identity ?? ""
        func since(_ state: Remembered, began: Date? = nil, isCertain: Bool = true) -> Date {
            services.states.since(
                state.rawValue, of: "first", place: place, began: began ?? services.time.now(), isCertain: isCertain)
        }
        if services.spool.isPaused {
            return Condition(
                code: "full", severity: .trouble,
                sentence:
                    "The box's disk has no room for more footage, so recording is paused. It goes on by itself when footage has gone up.",
                since: since(.full))
        }
        guard target != nil else {
            return Condition(
                code: "none", severity: .attention, sentence: "No cloud storage is set; footage stays on the box. Set the storage.",
                since: since(.none))
        }
        if let (error, failingSince) = services.uploader.failure {
            return Self.condition(
                of: error, since: since(.failing, began: failingSince),
                meanwhile: services.uploader.fallsBack ? " Footage goes to the second storage meanwhile." : nil)
        }
        guard services.uploader.store != nil else {
            return Condition(
                code: "refused", severity: .trouble, sentence: "The storage settings cannot be used. Enter them again.",
                since: since(.failing))
        }
        if let pause = services.uploader.governor.pause {
            return Condition(
                code: "paused", severity: .off, sentence: Self.sentence(pause) + " Clips wait on the box; pictures go up.",
                since: since(.paused))
        }
        return Condition(
            code: "ok", severity: .ok, sentence: "Footage goes up.",
            since: services.uploader.hasWorked ? since(.ok) : since(.ok, began: services.startedAt, isCertain: false))
    }

    private static func sentence(_ pause: UplinkPause) -> String {
        let end = pause.words.map { " \($0)" } ?? ""
        return "Footage is paused\(end), as is set under what it may take of the line."
    }

    /// The condition of the second storage.
    func secondCondition(_ second: SecondTarget) -> Condition {
        func since(_ state: Remembered, began: Date? = nil, isCertain: Bool = true) -> Date {
            services.states.since(
                state.rawValue, of: "second", place: second.target.identity, began: began ?? services.time.now(), isCertain: isCertain)
        }
        guard services.uploader.secondStore != nil else {
            return Condition(
                code: "refused", severity: .trouble, sentence: "The settings of the second storage cannot be used. Enter them again.",
                since: since(.failing))
        }
        if let (error, failingSince) = services.uploader.secondFailure {
            let found = Self.condition(of: error, since: since(.failing, began: failingSince), meanwhile: "")
            return Condition(
                code: found.code, severity: found.severity, sentence: "The second storage: " + found.sentence, since: found.since)
        }
        if let pause = services.uploader.governor.pause {
            return Condition(code: "paused", severity: .off, sentence: Self.sentence(pause), since: since(.paused))
        }
        return Condition(
            code: "ok", severity: .ok, sentence: sentence(second.role),
            since: services.uploader.secondHasWorked ? since(.ok) : since(.ok, began: services.startedAt, isCertain: false))
    }

    private func sentence(_ role: SecondRole) -> String {
        switch role {
        case .mirror: "Every clip goes there too."
        case .fallback(let after):
            services.uploader.fallsBack
                ? "Clips go there now, for the first storage does not work."
                : "Clips go there when the first storage has not worked for \(Int(after.seconds / 60)) minutes."
        }
    }

    private static func condition(of error: StoreError, since: Date, meanwhile: String?) -> Condition {
        let sentence = error.sentence + (meanwhile ?? " Footage waits on the box.")
        return switch error.kind {
        case .refused, .noBucket, .full: Condition(code: "refused", severity: .trouble, sentence: sentence, since: since)
        case .unreachable, .nonsense: Condition(code: "unreachable", severity: .attention, sentence: sentence, since: since)
        case .busy, .exists, .corrupted, .gone: Condition(code: "waiting", severity: .attention, sentence: sentence, since: since)
        }
    }

    private func storageConditions() async throws -> [(kind: String, condition: Condition)] {
        let first = storageCondition(try await services.targets.current())
        let second = try await services.targets.second().map(secondCondition)
        return [(first.code == "full" ? "spool" : "storage", first)] + (second.map { [("second-storage", $0)] } ?? [])
    }

    /// What the first storage has, and the second, is not fit to work with: for the box's health.
    func storageProblems() async throws -> [HealthAnswer.Problem] {
        let problems: [HealthAnswer.Problem] = try await storageConditions().filter {
            $0.condition.severity != .ok && $0.condition.severity != .off
        }
        .map { kind, condition in
            .init(severity: condition.severity, subject: .init(kind: kind), sentence: condition.sentence, since: condition.since)
        }
        return problems + recordProblems()
    }

    /// Footage is stored, and what proves it whole is not.
    private func recordProblems() -> [HealthAnswer.Problem] {
        [("storage", services.uploader.store), ("second-storage", services.uploader.secondStore)].compactMap { kind, store in
            store.flatMap { services.chain.trouble(in: $0.identity) }.map { trouble in
                .init(
                    severity: .attention, subject: .init(kind: kind),
                    sentence: "The record that proves footage whole is not stored. \(trouble.sentence)", since: trouble.since)
            }
        }
    }

    /// Looks how the storages are until cancelled, so that when a state began is known though no page was open.
    func followStorage(_ feed: LiveFeed) async {
        var known: [Condition] = []
        repeat {
            do {
                let conditions = try await storageConditions().map(\.condition)
                if conditions != known { feed.storageChanged() }
                known = conditions
                try await services.states.save()
            } catch {
                services.logger.warning("the state of the storage was not taken down", metadata: ["reason": "\(error)"])
            }
        } while (try? await services.time.sleep(.seconds(5))) != nil
        // In a task of its own, for this one is cancelled.
        await Task { try? await services.states.save() }.value
    }
}
