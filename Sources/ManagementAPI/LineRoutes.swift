import CloudStorage
import Core
import Foundation
import Hummingbird

/// The line: what footage may take of it, what it carries, its history and its tests.
struct LineRoutes {
    let services: BoxServices
    let maker: AnswerMaker

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("storage/line") { _, context in try answer(try await maker.line(context.rights)) }
        routes.put("storage/line") { request, context in
            let body = try await RequestBody.read(request)
            let settings = Self.settings(body, old: services.uploader.governor.settings)
            try body.finish()
            try await services.line.set(settings)
            return try answer(try await maker.line(context.rights))
        }
        routes.get("storage/line/history") { request, _ in
            let hours = request.uri.queryParameters.get("hours").map { Int($0) ?? 0 } ?? 24
            guard (1...168).contains(hours) else {
                throw Problem.invalid([.init(field: "/hours", detail: "hours must be a whole number from 1 to 168.")])
            }
            let minutes = try await services.line.minutes(since: services.time.now().addingTimeInterval(-Double(hours) * 3600))
            return try answer(ListAnswer(items: minutes.map(LineMinuteAnswer.init)))
        }
        routes.get("storage/line/test") { _, _ in try answer(try await maker.networkTests()) }
        routes.post("storage/line/test") { _, _ in
            do {
                guard try services.networkTests.start() else { throw Problem.conflict("A test of the line goes on already.") }
            } catch let error as StoreError {
                throw Problem.conflict(error.sentence)
            }
            return try answer(try await maker.networkTests(), status: .accepted)
        }
        routes.delete("storage/line/test") { _, _ in
            services.networkTests.cancel()
            return Response(status: .noContent)
        }
    }

    private enum CapKind: String, CaseIterable {
        case bits = "bits-per-second"
        case percent, paused
    }

    /// What is not given stays as it is; a cap of null lifts it.
    private static func settings(_ body: RequestBody, old: UplinkSettings) -> UplinkSettings {
        var settings = old
        if body.has("cap") { settings.cap = cap(body) }
        if let windows = body.objects("windows", count: 0...8) {
            settings.windows = windows.map { window in
                let schedule = window.object("schedule", required: true)?.schedule(old: ArmingSchedule(always: false, periods: []))
                return .init(schedule: schedule ?? .always, cap: cap(window))
            }
        }
        if body.has("testHour") { settings.testHour = body.integer("testHour", 0...23) }
        return settings
    }

    private static func cap(_ body: RequestBody) -> UplinkSettings.Cap? {
        guard let cap = body.object("cap") else { return nil }
        let kind = cap.word("kind", CapKind.self, required: true)
        switch kind {
        case nil: return nil
        case .bits?: return cap.integer("value", 32_000...10_000_000_000, required: true).map { .bitsPerSecond($0) }
        case .percent?: return cap.integer("value", 1...100, required: true).map { .percent($0) }
        case .paused?:
            _ = cap.isNull("value")
            return .paused
        }
    }
}
