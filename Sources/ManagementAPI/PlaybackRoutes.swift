import Access
import BoxDatabase
import CloudStorage
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Media
import NIOCore
import Playback
import Refill
import Relay

/// Playback by a time bar: what there is of a channel, and its pictures from any moment on.
struct PlaybackRoutes {
    let services: BoxServices

    private static let firstPicture = Duration.seconds(25)
    private static let silence = Duration.seconds(60)
    /// Above this only key frames are sent.
    private static let fastest = 4.0
    private static let speeds = 0.25...16.0

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("channels/:id/timeline") { request, context in try await timeline(request, context) }
        routes.get("channels/:id/timeline/days") { request, context in try await days(request, context) }
        routes.post("channels/:id/playback") { request, context in try await begin(request, context) }
        // What a player fetches: the token is its permission.
        routes.get("playback/stream.mp4") { request, context in try await stream(request, context) }
    }

    // MARK: What there is

    private func timeline(_ request: Request, _ context: APIContext) async throws -> Response {
        let record = try await services.catalogue.channelRecord(try context.identifier("channel"))
        let query = try PlaybackQuery(request, known: ["from", "to"])
        guard let from = query.dates["from"], let to = query.dates["to"] else {
            throw Problem.invalid(
                ["from", "to"].filter { query.dates[$0] == nil }.map { .init(field: "/\($0)", detail: "\($0) is missing.") })
        }
        guard from < to else { throw Problem.invalid([.init(field: "/to", detail: "to must be later than from.")]) }
        guard to.timeIntervalSince(from) <= FootageArchive.longestSpan else {
            throw Problem.invalid([.init(field: "/to", detail: "At most 31 days can be looked at at once.")])
        }
        let timeline = try await services.playback.archive.timeline(of: record.id, in: Span(from: from, to: to))
        return try answer(TimelineAnswer(timeline, zone: try await services.catalogue.site(record.siteId).timeZone))
    }

    private func days(_ request: Request, _ context: APIContext) async throws -> Response {
        let record = try await services.catalogue.channelRecord(try context.identifier("channel"))
        let text = request.uri.queryParameters["month"].map(String.init) ?? ""
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard text.count == 7, parts.count == 2, (2000...2100).contains(parts[0]), (1...12).contains(parts[1]) else {
            throw Problem.invalid([.init(field: "/month", detail: "month must be a month such as 2026-11.")])
        }
        let name = try await services.catalogue.site(record.siteId).timeZone
        let (days, sentence) = try await services.playback.archive.days(
            of: record.id, year: parts[0], month: parts[1], zone: TimeZone(identifier: name) ?? .gmt)
        return try answer(TimelineDaysAnswer(month: text, timeZone: name, days: days.sorted(), sentence: Nullable(sentence)))
    }

    // MARK: Sessions

    private func begin(_ request: Request, _ context: APIContext) async throws -> Response {
        let record = try await services.catalogue.channelRecord(try context.identifier("channel"))
        let body = try await RequestBody.read(request)
        let from = body.string("from", 10...40, required: true).flatMap { text in
            let date = GatehouseJSON.date(text)
            if date == nil { body.reject("from", "from must be a time such as 2026-11-27T14:02:00Z.") }
            return date
        }
        let speed = body.number("speed", Self.speeds) ?? 1
        let selection = body.word("source", FootageRequest.Selection.self) ?? .any
        let code = body.string("code", 1...VerificationCode.longest)
        try body.finish()
        guard record.proxied, let caller = context.caller, let from else { throw Problem.notFound("channel") }
        let isLocal = services.isAtSite(context.remoteAddress, request.headers)
        let permission = services.access.permission(.playBack, record.id, AccessGate.token(of: request))
        let sessions = services.live.sessions
        let (session, secret) = try sessions.begin(
            record.id, .main, action: .playback, person: caller.name, address: context.remoteAddress, isLocal: isLocal,
            limit: try await LiveLimit.duration(of: record.id, isLocal: isLocal, services.database), permission: permission)
        let view = PlaybackView(from: from, speed: speed, selection: selection, code: code.map(VerificationCode.init(typed:)))
        services.playback.views.keep(view, of: session.id) { sessions.session($0) != nil }
        return try answer(
            PlaybackBegunAnswer(LiveSessionAnswer(session, channelName: record.name), view, token: secret), status: .created)
    }

    // MARK: Pictures

    /// Fragmented MP4 from a moment on, as fast as it is taken.
    private func stream(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try PlaybackQuery(request, known: ["token", "from", "speed"])
        let attachment = try services.live.sessions.attach(
            token: query.token, way: .playback, isLocal: services.isAtSite(context.remoteAddress, request.headers))
        guard let view = services.playback.views[attachment.session.id] else {
            throw Problem(.forbidden, "live-over", "Over", "This playback is over. Open it again.")
        }
        let from = query.dates["from"] ?? view.from
        guard abs(from.timeIntervalSince(view.from)) <= FootageArchive.longestSpan else {
            throw Problem.invalid([.init(field: "/from", detail: "from is too far from where this playback began; begin another.")])
        }
        let speed = query.speed ?? view.speed
        guard Self.speeds.contains(speed) else {
            throw Problem.invalid([.init(field: "/speed", detail: "speed must be 0.25 to 16.")])
        }
        let asked = FootageRequest(
            channel: attachment.session.channel, from: from, selection: view.selection, keyFramesOnly: speed > Self.fastest,
            code: view.code)
        let stream = PlaybackStream(services.playback.archive, asked, origin: view.origin)
        let (head, type) = try await self.head(of: stream)
        let body = ResponseBody { writer in
            // Whoever plays footage has the line before what waits.
            let watch = services.uploader.governor.watch()
            defer { watch.end() }
            // One task writes at a time, and all end before this closure does.
            nonisolated(unsafe) var pipe = writer
            try await attachment.whileTaken(services.time, silence: Self.silence, { try await pipe.write($0) }) { write in
                try await write(head)
                attachment.count(bytes: head.readableBytes)
                while let part = try await next(of: stream) {
                    let bytes =
                        switch part {
                        case .head(let bytes, _), .fragments(let bytes): bytes
                        }
                    try await write(bytes)
                    attachment.count(bytes: bytes.readableBytes)
                }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: type, .cacheControl: "no-store"], body: body)
    }

    /// The beginning is here before the answer begins: one that has begun can say no more that it fails.
    private func head(of stream: PlaybackStream) async throws -> (ByteBuffer, String) {
        let watch = services.uploader.governor.watch()
        defer { watch.end() }
        do {
            guard case .head(let head, let type)? = try await first(of: stream) else {
                throw PlaybackFailure(.nothing, "Nothing was recorded from this time on.")
            }
            return (head, type)
        } catch let error as StoreError {
            throw Problem(reading: error)
        }
    }

    /// What does not come after all ends the answer in order; whoever asks for what follows is told why.
    private func next(of stream: PlaybackStream) async throws -> PlaybackStream.Part? {
        do {
            return try await stream.next()
        } catch let error where error is PlaybackFailure || error is StoreError || error is EncryptionRefusal || error is MediaError {
            services.logger.info("playback broke off", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    private func first(of stream: PlaybackStream) async throws -> PlaybackStream.Part? {
        try await withThrowingTaskGroup(of: PlaybackStream.Part?.self) { group in
            group.addTask { try await stream.next() }
            group.addTask { [services] in
                try await services.time.sleep(Self.firstPicture)
                throw PlaybackFailure(.away, "No picture came in time. Try again, or another moment.")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}

/// The query of a time line or of a stream, checked.
private struct PlaybackQuery {
    var dates: [String: Date] = [:]
    var token = ""
    var speed: Double?

    init(_ request: Request, known: Set<String>) throws {
        var errors: [Problem.FieldError] = []
        for (key, value) in request.uri.queryParameters {
            let (name, text) = (String(key), String(value))
            var understood = false
            switch name {
            case _ where !known.contains(name): break
            case "token":
                token = text
                understood = true
            case "speed":
                speed = Double(text)
                understood = speed != nil
            default:
                dates[name] = GatehouseJSON.date(text)
                understood = dates[name] != nil
            }
            if !understood { errors.append(.init(field: "/\(name)", detail: "The query's \(name) is not right.")) }
        }
        if !errors.isEmpty { throw Problem.invalid(errors) }
    }
}
