import Access
import Core
import Firmware
import Foundation
import Hummingbird
import Logging

/// The box's own program: which release runs, which is newer, and how the box comes to it.
struct FirmwareRoutes {
    let services: BoxServices
    let maker: AnswerMaker

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("firmware") { _, _ in try answer(try await maker.firmware()) }
        routes.patch("firmware") { request, _ in try await set(request) }
        routes.get("firmware/history") { _, _ in
            try answer(ListAnswer(items: await services.upgrader.history.map(BoxUpgradeAnswer.init)))
        }
        routes.post("firmware/check") { _, _ in
            try await refusing { () async throws(UpgradeRefusal) in try await services.upgrader.check() }
            return try answer(try await maker.firmware())
        }
        routes.post("firmware/upgrade") { request, context in try await upgrade(request, context) }
        routes.put("firmware/file") { request, context in try await take(request, context) }
    }

    private func set(_ request: Request) async throws -> Response {
        let body = try await RequestBody.read(request)
        var (policy, _) = try await UpgradePolicy.read(services.database)
        if let channel = body.word("channel", ReleaseOffer.Channel.self) { policy.channel = channel }
        if let automatic = body.bool("automatic") { policy.isAutomatic = automatic }
        if let from = Self.minutes("windowFrom", body) { policy.window.from = from }
        if let to = Self.minutes("windowTo", body) { policy.window.to = to }
        try body.finish()
        try await policy.write(to: services.database)
        await services.upgrader.followNow()
        return try answer(try await maker.firmware())
    }

    private static func minutes(_ name: String, _ body: RequestBody) -> Int? {
        guard let value = body.value(name, required: false, nullable: false) else { return nil }
        guard case .string(let text) = value, let minutes = FirmwareAnswer.minutes(text) else {
            body.reject(name, "\(name) must be a time of the day such as 02:00.")
            return nil
        }
        return minutes
    }

    private func upgrade(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let version = body.string("version", 1...64, required: true)
        try body.finish()
        guard let version, let caller = context.caller else { return Response(status: .badRequest) }
        try await refusing { () async throws(UpgradeRefusal) in try await services.upgrader.upgrade(to: version, by: caller.name) }
        return try answer(try await maker.firmware(), status: .accepted)
    }

    /// A release in a file.
    private func take(_ request: Request, _ context: APIContext) async throws -> Response {
        guard let caller = context.caller else { return Response(status: .badRequest) }
        let path = "\(services.uploadFolder)/\(UUID().uuidString).release"
        defer { unlink(path) }
        try await refusing { () async throws(UpgradeRefusal) in try await services.upgrader.beginReceiving() }
        do {
            // Once as it comes, once taken apart, and once as the release.
            let room = (DurableFile.freeBytes(services.uploadFolder) - services.upgrader.reservedBytes) / 3
            _ = try await UploadedFile.save(
                request.body, to: path, limit: max(0, min(room, ReleaseFile.limit)), tooLarge: "The box has no room for the file.")
        } catch {
            await services.upgrader.endReceiving()
            throw error
        }
        do {
            let version = try await services.upgrader.upgrade(fromFile: URL(filePath: path), by: caller.name)
            services.logger.notice("a release was brought in a file", metadata: ["version": "\(version)", "by": "\(caller.name)"])
        } catch let refusal as UpgradeRefusal {
            services.logger.notice("a file was no release to take", metadata: ["reason": "\(refusal)", "by": "\(caller.name)"])
            throw Problem(.unprocessableContent, "release-refused", "Not a release to take", refusal.description)
        }
        return try answer(try await maker.firmware(), status: .accepted)
    }

    private func refusing(_ body: () async throws(UpgradeRefusal) -> Void) async throws {
        do throws(UpgradeRefusal) { try await body() } catch { throw Problem.conflict(error.description) }
    }
}
