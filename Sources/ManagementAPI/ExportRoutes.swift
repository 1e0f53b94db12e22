import Access
import BoxDatabase
import CloudStorage
import Core
import Devices
import Exports
import Foundation
import HTTPTypes
import Hummingbird
import Logging

/// Ranges of footage to take away.
struct ExportRoutes {
    private static let shortestPiece = 10
    private static let longestPiece = 3600

    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("exports") { request, context in
            let (state, page) = try NewestQuery.inState(request, ExportRecord.State.self)
            let channels = try await context.channels(.export, services.access.control)
            let found = try await services.exports.all(in: state, page) { record in
                channels.map { channels in record.channels.allSatisfy { channels.contains($0.id) } } ?? true
            }
            return try answer(ListAnswer(found, ExportAnswer.init))
        }
        routes.post("exports") { request, context in try await order(request, context) }
        routes.get("exports/:id") { _, context in try answer(ExportAnswer(try await export(context))) }
        routes.delete("exports/:id") { _, context in
            try await services.exports.remove(try await export(context).id)
            return Response(status: .noContent)
        }
        routes.get("exports/:id/files/:name") { request, context in try await file(request, context) }
    }

    private func export(_ context: APIContext) async throws -> ExportRecord {
        guard let record = try await services.exports.export(try context.identifier("export")) else { throw Problem.notFound("export") }
        return record
    }

    private func order(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let ids = body.strings("channelIds", count: 1...ExportQueue.mostChannels)
        if !body.has("channelIds") { body.reject("channelIds", "channelIds is missing.") }
        let (from, to) = (Self.moment("from", body), Self.moment("to", body))
        let exact = body.bool("exact") ?? false
        let pieceSeconds = body.integer("pieceSeconds", Self.shortestPiece...Self.longestPiece)
        let code = body.string("code", 1...VerificationCode.longest)
        if let from, let to {
            let span = to.timeIntervalSince(from)
            if span <= 0 || span > ExportQueue.longestSpan { body.reject("to", "to must be after from, by at most 24 hours.") }
            if from > services.time.now() { body.reject("from", "from lies in the future.") }
        }
        let known = (ids ?? []).compactMap { ChannelID($0) }
        if let ids, Set(known).count != ids.count { body.reject("channelIds", "channelIds must be identifiers of channels, each once.") }
        try body.finish()
        guard let from, let to, let caller = context.caller else { return Response(status: .badRequest) }
        var channels: [ExportRecord.Channel] = []
        for id in known {
            try await context.require(.export, id, services.access.control)
            let record = try await services.catalogue.channelRecord(id)
            channels.append(.init(id: id, name: record.name))
        }
        let record = services.exports.record(
            person: caller.name, from: from, to: to, channels: channels, exact: exact, pieceSeconds: pieceSeconds)
        guard let taken = try await services.exports.order(record, code: code.map { VerificationCode(typed: $0) }) else {
            throw Problem.conflict("There are 50 exports already. Remove some.")
        }
        services.logger.notice(
            "footage is taken out",
            metadata: ["export": "\(taken.id)", "person": "\(taken.person)", "channels": "\(known)", "from": "\(from)", "to": "\(to)"])
        return try answer(ExportAnswer(taken), status: .created)
    }

    private static func moment(_ name: String, _ body: RequestBody) -> Date? {
        guard let text = body.string(name, 20...32, required: true) else { return nil }
        guard let date = GatehouseJSON.date(text) else {
            body.reject(name, "\(name) must be a time such as 2026-11-27T08:15:00Z.")
            return nil
        }
        return date
    }

    private func file(_ request: Request, _ context: APIContext) async throws -> Response {
        let record = try await export(context)
        let name = context.parameters.get("name") ?? ""
        guard let file = record.files.first(where: { $0.name == name }) else { throw Problem.notFound("file") }
        let ranged = try RangedAnswer(
            request, bytes: file.bytes, sha256: file.sha256, contentType: file.contentType, what: "file",
            disposition: "attachment; filename=\"\(Self.downloadName(file, of: record))\"")
        return Response(
            status: ranged.status, headers: ranged.headers,
            body: FileBody.body(services.exports.path(of: file, in: record), ranged.range))
    }

    /// The time of the footage goes before the name, so that files of several exports can lie in one folder.
    private static func downloadName(_ file: ExportedFile, of record: ExportRecord) -> String {
        let time = GatehouseJSON.text(file.pieces.first?.from ?? record.from).prefix(19).replacing(":", with: "-")
        return "\(time)Z-\(file.name)"
    }
}

struct ExportAnswer: Encodable {
    struct File: Encodable {
        let name: String
        let url: String
        let sizeBytes: Int
        let sha256: String
        let contentType: String
        let channelId: Nullable<ChannelID>
        let pieces: [Piece]
    }

    struct Piece: Encodable {
        let startsAtSeconds: Double
        let from: Date
        let to: Date
        let source: String
        let clipId: Nullable<ClipID>
        let evidence: Nullable<ClipEvidence>
    }

    let id: ExportID
    let person: String
    let createdAt: Date
    let expiresAt: Date
    let from: Date
    let to: Date
    let channels: [ExportRecord.Channel]
    let exact: Bool
    let pieceSeconds: Nullable<Int>
    let state: String
    let progress: Double
    let sentence: Nullable<String>
    let files: [File]

    init(_ record: ExportRecord) {
        id = record.id
        person = record.person
        createdAt = record.createdAt
        expiresAt = record.expiresAt
        from = record.from
        to = record.to
        channels = record.channels
        exact = record.exact
        pieceSeconds = Nullable(record.pieceSeconds)
        state = record.state.rawValue
        progress = record.progress
        sentence = Nullable(record.sentence)
        files = record.files.map { file in
            File(
                name: file.name, url: "/api/v1/exports/\(record.id)/files/\(file.name)", sizeBytes: file.bytes, sha256: file.sha256,
                contentType: file.contentType, channelId: Nullable(file.channel),
                pieces: file.pieces.map {
                    Piece(
                        startsAtSeconds: $0.startsAt, from: $0.from, to: $0.to, source: $0.source, clipId: Nullable($0.clip),
                        evidence: Nullable($0.evidence))
                })
        }
    }
}
