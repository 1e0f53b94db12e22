import Access
import BoxDatabase
import CloudStorage
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Recording

/// Channels: settings, linking to the cloud, triggering, snapshots.
struct ChannelRoutes {
    let services: BoxServices
    let maker: AnswerMaker
    private var catalogue: DeviceCatalogue { maker.catalogue }

    init(services: BoxServices, maker: AnswerMaker) {
        self.services = services
        self.maker = maker
    }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("channels") { request, context in
            var query = PageQuery(request, known: ["siteId", "deviceId", "search"])
            let filter = DeviceFilter(
                sites: query.sites(of: context.rights.seen), device: query.words.identifier("deviceId"),
                words: query.words.search("search"), page: query.page)
            try query.finish()
            let (found, next) = try await catalogue.channels(filter) { context.rights.allow(.viewSite, at: $0.place) }
            return try answer(ListAnswer(items: found.map { seen($0, context) }, next: Nullable(next?.text)))
        }
        routes.get("channels/:id") { _, context in
            try answer(seen(try await catalogue.channelRecord(try context.identifier("channel")), context))
        }
        routes.patch("channels/:id") { request, context in try await change(request, context) }
        routes.put("channels/:id/link") { request, context in try await link(request, context) }
        routes.delete("channels/:id/link") { _, context in
            var channel = try await catalogue.channelRecord(try context.identifier("channel"))
            try services.plans.admitUnlinking(channel)
            channel.definition = nil
            try await catalogue.update(channel)
            return try answer(seen(channel, context))
        }
        routes.post("channels/:id/trigger") { request, context in try await trigger(request, context) }
        routes.get("channels/:id/snapshot") { _, context in try await snapshot(context) }
        routes.get("definitions") { _, _ in try answer(ListAnswer(items: DefinitionChoice.all(services.definitions))) }
    }

    private func seen(_ channel: ChannelRecord, _ context: APIContext) -> ChannelAnswer {
        maker.channel(channel).seen(by: context.rights, at: channel.place)
    }

    private func change(_ request: Request, _ context: APIContext) async throws -> Response {
        var channel = try await catalogue.channelRecord(try context.identifier("channel"))
        let body = try await RequestBody.read(request)
        if let name = body.string("name", 1...64) { channel.name = name }
        if let armed = body.bool("armed") { channel.armed = armed }
        if let motion = body.object("motion") { read(motion, into: &channel.motion) }
        if let schedule = body.object("schedule") { channel.schedule = schedule.schedule(old: channel.schedule) }
        if let days = body.integer("retentionDays", 1...365) { channel.retentionDays = days }
        if let proxied = body.bool("proxied") { channel.proxied = proxied }
        let definition = body.object("definition").flatMap(readDefinition)
        try body.finish()
        if let definition {
            guard channel.definition != nil else {
                throw Problem.conflict("Link the channel to the cloud first; then choose its definition.")
            }
            channel.definition = definition
        }
        try await catalogue.update(channel)
        return try answer(seen(channel, context))
    }

    private func link(_ request: Request, _ context: APIContext) async throws -> Response {
        var channel = try await catalogue.channelRecord(try context.identifier("channel"))
        let body = try await RequestBody.read(request)
        let definition = body.object("definition", required: true).flatMap(readDefinition)
        let days = body.integer("retentionDays", 1...365)
        try body.finish()
        guard let definition else { return Response(status: .badRequest) }
        if channel.definition == nil { try admit(channel) }
        channel.definition = definition
        if let days { channel.retentionDays = days }
        try await catalogue.update(channel)
        return try answer(seen(channel, context))
    }

    /// The budget of 16 megapixels: a channel too many is refused with the numbers.
    private func admit(_ channel: ChannelRecord) throws {
        guard services.channels.linkedCount < ChannelRegistry.mostLinked else {
            throw Problem(
                .conflict, "over-budget", "Too many channels",
                "\(ChannelRegistry.mostLinked) channels are linked already, which is the most a box carries. Unlink another first.")
        }
        let megapixels = services.channels[channel.id]?.view.megapixels ?? 2.1
        let (admitted, sentence) = services.transcodes.planner.admission(
            megapixels: megapixels, used: services.channels.linkedMegapixels(except: channel.id))
        guard admitted else { throw Problem(.conflict, "over-budget", "Over the budget", sentence) }
    }

    private func readDefinition(_ body: RequestBody) -> Definition? {
        let kind = body.word("kind", Definition.Kind.self, required: true)
        let resolution = body.string("resolution", 1...16)
        let bitRate = body.integer("bitRate", 64_000...8_000_000)
        switch kind {
        case nil: return nil
        case .custom?:
            guard let resolution, let definition = services.definitions.custom(resolution, bitRate: bitRate) else {
                let names = services.definitions.resolutions.map(\.name).joined(separator: ", ")
                body.reject("resolution", "resolution must be one of \(names).")
                return nil
            }
            return definition
        case let kind?: return services.definitions.definition(kind)
        }
    }

    private func read(_ body: RequestBody, into motion: inout MotionSettings) {
        if let enabled = body.bool("enabled") { motion.enabled = enabled }
        if let sensitivity = body.integer("sensitivity", 0...100) { motion.sensitivity = sensitivity }
        // What a client got it may send back.
        _ = body.integer("columns", MotionSettings.columns...MotionSettings.columns)
        _ = body.integer("rows", MotionSettings.rows...MotionSettings.rows)
        guard let cells = body.strings("cells", count: MotionSettings.rows...MotionSettings.rows) else { return }
        let drawn = MotionSettings(enabled: motion.enabled, sensitivity: motion.sensitivity, cells: cells)
        guard drawn.isWellFormed else {
            body.reject("cells", "cells must be \(MotionSettings.rows) texts of \(MotionSettings.columns) characters 0 or 1.")
            return
        }
        motion = drawn
    }

    private func trigger(_ request: Request, _ context: APIContext) async throws -> Response {
        let record = try await catalogue.channelRecord(try context.identifier("channel"))
        var category = CameraEvent.Category.manual
        if request.headers[.contentType] != nil {
            let body = try await RequestBody.read(request)
            category = body.word("type", CameraEvent.Category.self) ?? .manual
            try body.finish()
        }
        guard let channel = services.channels[record.id] else { throw Problem.conflict("The channel is still starting. Try again.") }
        do {
            let event = try await channel.trigger(category, source: .api)
            let row = EventRecord(ClipManifest.Event(event), channelId: record.id, channelName: record.name, clipId: nil)
            return try answer(maker.event(row, clip: nil), status: .accepted)
        } catch TriggerRefusal.notLinked {
            throw Problem.conflict("The channel is not linked to the cloud, so events make no footage. Link it first.")
        } catch TriggerRefusal.noPlan(let sentence) {
            throw Problem(.conflict, "no-plan", "No plan", sentence)
        } catch TriggerRefusal.noPicture(let sentence) {
            throw Problem.conflict("There is no picture to record. \(sentence)")
        }
    }

    private func snapshot(_ context: APIContext) async throws -> Response {
        let record = try await catalogue.channelRecord(try context.identifier("channel"))
        guard let snapshot = services.channels[record.id]?.snapshot else {
            throw Problem(.notFound, "no-picture", "No picture yet", "The camera has not sent a picture yet.")
        }
        return Response(
            status: .ok, headers: [.contentType: "image/jpeg", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: snapshot.jpeg)))
    }
}

/// A definition to choose.
private struct DefinitionChoice: Encodable {
    struct Size: Encodable {
        let name: String
        let width: Int
        let height: Int
        let recommendedBitRate: Int
    }
    let kind: String
    let title: String
    var width: Int?
    var height: Int?
    var bitRate: Int?
    var resolutions: [Size]?

    static func all(_ definitions: Definitions) -> [DefinitionChoice] {
        let fixed = [Definition.Kind.high, .standard].compactMap { kind -> DefinitionChoice? in
            guard let definition = definitions.definition(kind) else { return nil }
            return DefinitionChoice(
                kind: kind.rawValue, title: definitions.definitions[kind.rawValue]?.title ?? kind.rawValue, width: definition.width,
                height: definition.height, bitRate: definition.bitRate)
        }
        let sizes = definitions.resolutions.map {
            Size(name: $0.name, width: $0.width, height: $0.height, recommendedBitRate: $0.recommendedBitRate)
        }
        return fixed + [DefinitionChoice(kind: "custom", title: "Custom", resolutions: sizes)]
    }
}
