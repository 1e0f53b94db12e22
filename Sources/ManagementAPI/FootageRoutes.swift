import Access
import BoxDatabase
import CloudStorage
import Core
import Devices
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import NIOCore

/// Events, clips and their footage.
struct FootageRoutes {
    let services: BoxServices
    let maker: AnswerMaker

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("events") { request, context in try await events(request, context) }
        routes.get("events/:id") { _, context in
            let id: EventID = try context.identifier("event")
            guard let record = try await services.database.read({ try EventRecord.fetchOne($0, key: id) }) else {
                throw Problem.notFound("event")
            }
            return try answer(maker.event(record, clip: try await clip(of: record)))
        }
        routes.get("events/:id/picture") { _, context in
            let id: EventID = try context.identifier("event")
            guard let jpeg = await services.eventPictures.picture(of: id) else { throw Problem.notFound("picture") }
            return Response(
                status: .ok, headers: [.contentType: "image/jpeg", .cacheControl: "private, max-age=3600"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: jpeg)))
        }
        routes.get("clips") { request, context in try await clips(request, context) }
        routes.get("clips/:id") { _, context in try answer(maker.clip(try await clip(context))) }
        routes.get("clips/:id/video") { request, context in try await video(request, context) }
        routes.get("clips/:id/link") { _, context in try await link(context) }
        routes.get("clips/:id/thumbnail") { _, context in try await thumbnail(context) }
    }

    private func clip(_ context: APIContext) async throws -> ClipRecord {
        let id: ClipID = try context.identifier("clip")
        guard let record = try await services.spool.index.clip(id) else { throw Problem.notFound("clip") }
        return record
    }

    private func clip(of event: EventRecord) async throws -> ClipRecord? {
        guard let id = event.clipId else { return nil }
        return try await services.spool.index.clip(id)
    }

    // MARK: Lists

    private func events(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try ListQuery(request)
        let channels = try await context.channels(.playBack, services.access.control)
        let rows = try await services.database.read { database in
            var rows = EventRecord.order(Column("id").desc)
            if let channels { rows = rows.filter(channels.contains(Column("channelId"))) }
            if let channel = query.channel { rows = rows.filter(Column("channelId") == channel) }
            if !query.types.isEmpty { rows = rows.filter(query.types.map(\.rawValue).contains(Column("category"))) }
            if let before = query.before { rows = rows.filter(Column("id") < before) }
            if let from = query.from { rows = rows.filter(Column("startedAt") >= from) }
            if let to = query.to { rows = rows.filter(Column("startedAt") < to) }
            if let state = query.state {
                let clips = ClipRecord.select(Column("id")).filter(state.rows.contains(Column("state")))
                let matches = clips.contains(Column("clipId"))
                let without = Column("clipId") == nil
                switch state {
                case .dropped: rows = rows.filter(matches || without && Column("dropReason") != nil && Column("noted") == false)
                case .recording: rows = rows.filter(matches || without && Column("dropReason") == nil && Column("noted") == false)
                default: rows = rows.filter(matches)
                }
            }
            return try rows.limit(query.limit + 1).fetchAll(database).map { event in
                (event, try event.clipId.flatMap { try ClipRecord.fetchOne(database, key: $0) })
            }
        }
        let page = rows.prefix(query.limit)
        let next = rows.count > query.limit ? page.last?.0.id.text : nil
        return try answer(ListAnswer(items: page.map { maker.event($0.0, clip: $0.1) }, next: Nullable(next)))
    }

    private func clips(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try ListQuery(request)
        let channels = try await context.channels(.playBack, services.access.control)
        let rows = try await services.database.read { database in
            var rows = ClipRecord.order(Column("id").desc)
            if let channels { rows = rows.filter(channels.contains(Column("channelId"))) }
            if let channel = query.channel { rows = rows.filter(Column("channelId") == channel) }
            if let before = query.before { rows = rows.filter(Column("id") < before) }
            if let state = query.state { rows = rows.filter(state.rows.contains(Column("state"))) }
            if let from = query.from { rows = rows.filter(Column("startsAt") >= from) }
            if let to = query.to { rows = rows.filter(Column("startsAt") < to) }
            return try rows.limit(query.limit + 1).fetchAll(database)
        }
        let page = rows.prefix(query.limit)
        let next = rows.count > query.limit ? page.last?.id.text : nil
        return try answer(ListAnswer(items: page.map(maker.clip), next: Nullable(next)))
    }

    // MARK: Footage

    private static let linkSpan = Duration.seconds(3600)

    /// An address in the storage itself, so that playing does not pass through the box and its line.
    private func link(_ context: APIContext) async throws -> Response {
        let record = try await clip(context)
        guard record.state == .stored else { throw Problem.conflict("The clip is not in the cloud yet; the box has it.") }
        let now = services.time.now()
        let span = min(Self.linkSpan, .seconds(record.expiresAt.map { $0.timeIntervalSince(now) } ?? Self.linkSpan.seconds))
        // Its time is over: it may go at any moment.
        guard span >= .seconds(1) else { throw Problem.notFound("clip") }
        guard let url = try services.targets.stores(of: record).first?.link(to: record.manifest.objectKey, validFor: span) else {
            throw Problem.conflict("This storage gives no addresses; the box passes the clip on.")
        }
        return try answer(ClipLinkAnswer(url: url, expiresAt: now.addingTimeInterval(span.seconds)))
    }

    private func video(_ request: Request, _ context: APIContext) async throws -> Response {
        let record = try await clip(context)
        guard let file = record.manifest.clip else {
            throw Problem.conflict(
                record.state == .dropped ? "There is no footage of this clip." : "The clip is not ready yet; it can be played in a moment.")
        }
        let disposition = request.uri.queryParameters["download"] == "1" ? "attachment; filename=\"\(record.id).mp4\"" : nil
        let ranged = try RangedAnswer(
            request, bytes: file.bytes, sha256: file.sha256, contentType: "video/mp4", what: "clip", disposition: disposition)
        return try await footage(record, file, range: ranged.range, status: ranged.status, headers: ranged.headers)
    }

    private func thumbnail(_ context: APIContext) async throws -> Response {
        let record = try await clip(context)
        guard let file = record.manifest.thumbnail else {
            throw Problem(.notFound, "no-picture", "No picture yet", "The clip has no picture yet.")
        }
        let type = record.manifest.encryption == nil ? "image/jpeg" : "application/octet-stream"
        let headers: HTTPFields = [.contentType: type, .cacheControl: "private, max-age=86400"]
        return try await footage(record, file, range: 0..<file.bytes, status: .ok, headers: headers, key: record.manifest.thumbnailKey)
    }

    /// Bytes out of the spool while it has them, else out of the store.
    private func footage(
        _ record: ClipRecord, _ file: ClipManifest.File, range: Range<Int>, status: HTTPResponse.Status, headers: HTTPFields,
        key: String? = nil
    ) async throws -> Response {
        let local = services.spool.localFile(record.manifest, file)
        guard local != nil || record.state == .stored else {
            throw Problem.conflict("The footage is not here any more: \(record.lastError ?? "")")
        }
        // Its time is over: it may go at any moment.
        if local == nil, let end = record.expiresAt, end <= services.time.now() { throw Problem.notFound("clip") }
        let stores = services.targets.stores(of: record)
        if local == nil, stores.isEmpty {
            throw Problem.conflict("The clip lies in a cloud storage that is not set any more. Set the storage again.")
        }
        if let local { return Response(status: status, headers: headers, body: FileBody.body(local, range)) }
        let object = StoredObject(key ?? record.manifest.objectKey, range: range, stores: stores, time: services.time)
        return Response(status: status, headers: headers, body: try await stored(object, count: range.count))
    }

    /// Bytes out of a store, the first of which are here before the answer begins: one that has begun can say no more that it fails.
    private func stored(_ object: StoredObject, count: Int) async throws -> ResponseBody {
        let opened: StoredObject.Opened
        do {
            // Whoever plays a clip through the box has the line before what waits.
            let watch = services.uploader.governor.watch()
            defer { watch.end() }
            opened = try await object.open()
        } catch let error as StoreError {
            throw Problem(reading: error)
        }
        return ResponseBody(contentLength: count) { [services] writer in
            let watch = services.uploader.governor.watch()
            defer { watch.end() }
            let pieces = PieceQueue()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await pieces.fill { sink in try await opened.read { await sink($0) } } }
                while let piece = await pieces.next() { try await writer.write(piece) }
                try await group.waitForAll()
            }
            try await writer.finish(nil)
        }
    }
}

extension ClipState {
    /// The rows that may be shown in this state: a captured clip is shown as being transcoded once a worker has it in hand.
    fileprivate var rows: [String] {
        self == .transcoding || self == .captured ? [ClipState.captured.rawValue, ClipState.transcoding.rawValue] : [rawValue]
    }
}

/// Hands pieces from a reader that pushes to a writer that pulls, one at a time.
private actor PieceQueue {
    private var piece: ByteBuffer?
    private var ended = false
    private let filled = Signal()
    private let emptied = Signal()

    func fill(_ body: @Sendable (@escaping @Sendable (ByteBuffer) async -> Void) async throws -> Void) async throws {
        defer {
            ended = true
            filled.raise()
        }
        try await body { await self.put($0) }
    }

    private func put(_ next: ByteBuffer) async {
        while piece != nil, !Task.isCancelled { await emptied.wait() }
        piece = next
        filled.raise()
    }

    func next() async -> ByteBuffer? {
        while piece == nil, !ended, !Task.isCancelled { await filled.wait() }
        defer {
            piece = nil
            emptied.raise()
        }
        return piece
    }
}

/// The query of a list, checked.
private struct ListQuery {
    var channel: ChannelID?
    var state: ClipState?
    var types: [CameraEvent.Category] = []
    var before: String?
    var from: Date?
    var to: Date?
    var limit = 50

    init(_ request: Request) throws {
        var errors: [Problem.FieldError] = []
        for (key, value) in request.uri.queryParameters {
            let (name, text) = (String(key), String(value))
            let understood: Bool
            switch name {
            case "channel":
                channel = ChannelID(text)
                understood = channel != nil || text.isEmpty
            case "state":
                state = ClipState(rawValue: text)
                understood = state != nil || text.isEmpty
            case "type":
                let words = text.split(separator: ",").map { CameraEvent.Category(rawValue: String($0)) }
                types = words.compactMap(\.self)
                understood = types.count == words.count && words.count <= CameraEvent.Category.allCases.count
            case "before":
                before = Identifier<Never>(text)?.text
                understood = before != nil
            case "from":
                from = GatehouseJSON.date(text)
                understood = from != nil
            case "to":
                to = GatehouseJSON.date(text)
                understood = to != nil
            case "limit":
                limit = Int(text).flatMap { (1...200).contains($0) ? $0 : nil } ?? 0
                understood = limit > 0
            default: understood = false
            }
            if !understood { errors.append(.init(field: "/\(name)", detail: "The query's \(name) is not right.")) }
        }
        if !errors.isEmpty { throw Problem.invalid(errors) }
    }
}

struct ClipLinkAnswer: Encodable {
    let url: String
    let expiresAt: Date
}
