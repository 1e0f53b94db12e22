import Access
import BoxDatabase
import CloudStorage
import Core
import Foundation
import GRDB
import Hummingbird

/// The cloud storage: target, trial, what waits, gaps.
struct StorageRoutes {
    let services: BoxServices
    let maker: AnswerMaker

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("storage") { _, _ in try answer(try await maker.storage()) }
        routes.put("storage/target") { request, _ in
            let body = try await RequestBody.read(request)
            let (target, credentials) = try await read(body, .first)
            try body.finish()
            guard let target else { return Response(status: .badRequest) }
            try await translating { try await services.targets.set(target, credentials: credentials) }
            return try answer(try await maker.storage())
        }
        routes.delete("storage/target") { _, _ in
            try await services.targets.set(nil, credentials: nil)
            return Response(status: .noContent)
        }
        routes.post("storage/test") { request, _ in try answer(try await test(request, of: .first)) }
        addSecond(to: routes)
        addGaps(to: routes)
    }

    private func addSecond(to routes: RouterGroup<APIContext>) {
        routes.put("storage/second") { request, _ in
            let body = try await RequestBody.read(request)
            let role = role(body)
            let (target, credentials) =
                if let entered = body.object("target", required: true) { try await read(entered, .second) } else {
                    (StorageTarget?.none, S3Credentials?.none)
                }
            try body.finish()
            guard let target, let role else { return Response(status: .badRequest) }
            try await translating { try await services.targets.setSecond(target, role: role, credentials: credentials) }
            return try answer(try await maker.storage())
        }
        routes.delete("storage/second") { _, _ in
            try await services.targets.setSecond(nil, role: .mirror, credentials: nil)
            return Response(status: .noContent)
        }
        routes.post("storage/second/test") { request, _ in try answer(try await test(request, of: .second)) }
        routes.delete("storage/former") { _, _ in
            try await services.targets.forgetFormer()
            return Response(status: .noContent)
        }
    }

    private enum RoleWord: String, CaseIterable {
        case mirror, fallback
    }

    private func role(_ body: RequestBody) -> SecondRole? {
        let minutes = body.integer("afterMinutes", 0...1440)
        switch body.word("role", RoleWord.self, required: true) {
        case nil: return nil
        case .mirror?:
            if minutes != nil { body.reject("afterMinutes", "afterMinutes goes with a role of fallback.") }
            return .mirror
        case .fallback?: return .fallback(after: .seconds((minutes ?? 10) * 60))
        }
    }

    private enum Which {
        case first, second
    }

    /// What is set for the first or second storage, to read another beside it.
    private func entry(_ which: Which) async throws -> TargetEntry {
        let targets = services.targets
        switch which {
        case .first:
            return TargetEntry(
                known: try await targets.current(), credentials: try await targets.credentials(), allowsHTTP: targets.allowsHTTP)
        case .second:
            return TargetEntry(
                known: try await targets.second()?.target, credentials: try await targets.secondCredentials(),
                allowsHTTP: targets.allowsHTTP)
        }
    }

    private func read(_ body: RequestBody, _ which: Which) async throws -> (StorageTarget?, S3Credentials?) {
        let (target, credentials) = try await entry(which).read(body)
        await admit(target, body)
        return (target, credentials)
    }

    /// A store on the box itself would be asked whatever somebody enters.
    private func admit(_ target: StorageTarget?, _ body: RequestBody) async {
        guard case .s3(let s3)? = target, let host = URLComponents(string: s3.endpoint)?.host else { return }
        await body.admit(host, as: "endpoint", services.servers)
    }

    private func addGaps(to routes: RouterGroup<APIContext>) {
        routes.get("storage/gaps") { _, context in
            let channels = try await context.channels(.playBack, services.access.control)
            let items = try await services.database.read { database in
                var rows = GapRecord.order(Column("id").desc)
                if let channels { rows = rows.filter(channels.contains(Column("channelId"))) }
                let gaps = try rows.limit(200).fetchAll(database)
                let refilled = try ClipRecord.refilled(since: gaps.map(\.from).min() ?? .distantFuture, database)
                return gaps.map { gap in
                    GapAnswer(
                        id: gap.id ?? 0, channelId: gap.channelId, from: gap.from, to: gap.to, bytes: Nullable(gap.bytes),
                        reason: gap.reason,
                        refilled: refilled[gap.channelId]?.contains { $0.from < gap.to && $0.to > gap.from } ?? false)
                }
            }
            return try answer(ListAnswer(items: items))
        }
    }

    private func test(_ request: Request, of which: Which) async throws -> TrialAnswer {
        let known = try await entry(which)
        var (target, credentials) = (known.known, known.credentials)
        if request.headers[.contentType] != nil {
            let body = try await RequestBody.read(request)
            if let entered = body.object("target") { (target, credentials) = try await read(entered, which) }
            try body.finish()
        }
        guard let target else { throw Problem.conflict("No \(which == .first ? "cloud" : "second") storage is set. Enter one first.") }
        var profile: StorageProfile?
        var advice: [String] = []
        if case .s3(let s3) = target, let known = services.targets.profile(of: s3) {
            profile = known
            advice = known.advice(for: s3)
        }
        do {
            let trial = try await services.targets.test(target, credentials: credentials, box: services.identity.serialNumber)
            let failed = trial.steps.first { !$0.ok }
            return TrialAnswer(
                ok: trial.ok, sentence: failed?.sentence ?? "The storage works.", steps: trial.steps,
                uploadBytesPerSecond: Nullable(trial.uploadBytesPerSecond.map { Int($0) }), abilities: trial.notes,
                provider: Nullable(profile?.name), remarks: advice)
        } catch let error as StoreError {
            return TrialAnswer(
                ok: false, sentence: error.sentence, steps: [.init(name: "reach", ok: false, sentence: error.sentence)],
                uploadBytesPerSecond: Nullable(nil), abilities: [], provider: Nullable(profile?.name), remarks: advice)
        }
    }

    private func translating(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as StoreError {
            throw Problem(.unprocessableContent, "storage-not-usable", "The storage cannot be used", error.sentence)
        }
    }
}
