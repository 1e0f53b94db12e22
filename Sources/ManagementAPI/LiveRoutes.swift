import Access
import BoxDatabase
import CloudStorage
import Core
import Devices
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Media
import MediaWorker
import NIOCore
import Recording
import Relay

/// Live view: who watches what, and the pictures themselves.
struct LiveRoutes {
    let services: BoxServices

    private static let firstPicture = Duration.seconds(10)

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("channels/:id/live") { request, context in try await begin(request, context) }
        routes.get("live") { _, context in
            let channels = try await context.channels(.viewLive, services.access.control)
            let sessions = services.live.sessions.sessions.filter {
                channels?.contains($0.channel) ?? true || $0.person == context.caller?.name
            }
            return try answer(ListAnswer(items: await sessions.asyncMap { try await view($0) }))
        }
        routes.get("live/:id") { _, context in try answer(try await view(try session(context))) }
        routes.post("live/:id/continue") { _, context in
            let session = try session(context)
            let limit = try await LiveLimit.duration(of: session.channel, isLocal: session.isLocal, services.database)
            guard let prolonged = services.live.sessions.prolong(session.id, by: limit) else { throw Problem.notFound("live view") }
            return try answer(try await view(prolonged))
        }
        routes.delete("live/:id") { _, context in
            services.live.sessions.end(try session(context).id)
            return Response(status: .noContent)
        }
        // What a player fetches: the token is its permission.
        routes.get("live/stream.mp4") { request, context in try await stream(request, context) }
        routes.get("live/stream.mjpeg") { request, context in try pictures(request, context) }
    }

    private func session(_ context: APIContext) throws -> LiveSession {
        guard let session = services.live.sessions.session(try context.identifier("live view")) else { throw Problem.notFound("live view") }
        return session
    }

    // MARK: Sessions

    private func begin(_ request: Request, _ context: APIContext) async throws -> Response {
        let record = try await services.catalogue.channelRecord(try context.identifier("channel"))
        let body = try await RequestBody.read(request)
        let wanted = body.word("stream", StreamRole.self) ?? .main
        try body.finish()
        guard let channel = services.channels[record.id], let caller = context.caller else { throw Problem.notFound("channel") }
        let role = channel.hasSub || wanted != .sub ? wanted : .main
        let isLocal = services.isAtSite(context.remoteAddress, request.headers)
        let permission = services.access.permission(.viewLive, record.id, AccessGate.token(of: request))
        let (session, secret) = try services.live.sessions.begin(
            record.id, role, person: caller.name, address: context.remoteAddress, isLocal: isLocal,
            limit: try await LiveLimit.duration(of: record.id, isLocal: isLocal, services.database), permission: permission)
        return try answer(
            LiveBegunAnswer(try await view(session), token: secret, streams: channel.watchable.map(\.rawValue)), status: .created)
    }

    private func view(_ session: LiveSession) async throws -> LiveSessionAnswer {
        let name = try await services.database.read { try ChannelRecord.fetchOne($0, key: session.channel)?.name } ?? ""
        return LiveSessionAnswer(session, channelName: name)
    }

    // MARK: Pictures

    private func attach(_ request: Request, _ context: APIContext, _ way: LiveWay) throws -> LiveAttachment {
        try services.live.sessions.attach(
            token: request.uri.queryParameters["token"].map(String.init) ?? "", way: way,
            isLocal: services.isAtSite(context.remoteAddress, request.headers))
    }

    /// Fragmented MP4 that goes on as long as the camera does; a viewer begins at the last key frame.
    private func stream(_ request: Request, _ context: APIContext) async throws -> Response {
        let attachment = try attach(request, context, .mp4)
        let viewer = try viewer(of: attachment)
        guard let head = await firstHead(viewer) else { throw Self.noPicture(viewer.lease.condition) }
        let body = ResponseBody { writer in
            // While somebody far away watches, what waits for the line gives way.
            let watch = attachment.session.isLocal ? nil : services.uploader.governor.watch()
            defer { watch?.end() }
            // One task writes at a time, and all end before this closure does.
            nonisolated(unsafe) var pipe = writer
            try await LivePump(viewer: viewer, attachment: attachment, time: services.time).run(head: head) { try await pipe.write($0) }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: head.contentType, .cacheControl: "no-store"], body: body)
    }

    private static let boundary = "gatehouse-picture"
    private static let pictureWidth = 960
    private static let silence = Duration.seconds(90)

    /// Each key frame as JPEG, for clients that know nothing else (RFC 2046, section 5.1).
    private func pictures(_ request: Request, _ context: APIContext) throws -> Response {
        let attachment = try attach(request, context, .mjpeg)
        let (channel, role) = (attachment.session.channel, attachment.session.role)
        guard services.channels[channel]?.stream(role) != nil else { throw Problem.notFound("channel") }
        let body = ResponseBody { writer in
            let watch = attachment.session.isLocal ? nil : services.uploader.governor.watch()
            defer { watch?.end() }
            // One task writes at a time, and all end before this closure does.
            nonisolated(unsafe) var pipe = writer
            try await attachment.whileTaken(services.time, silence: Self.silence, { try await pipe.write($0) }) { write in
                // A channel whose settings changed has another stream.
                while !Task.isCancelled, let lease = services.channels[channel]?.stream(role) {
                    let cursor = lease.packets.keyFrameCursor(fromNewest: true)
                    while let batch = await cursor.next() {
                        guard let keyFrame = batch.samples.last, let part = await self.part(keyFrame, of: channel) else { continue }
                        try await write(part)
                        attachment.count(bytes: part.readableBytes)
                    }
                }
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "multipart/x-mixed-replace; boundary=\(Self.boundary)", .cacheControl: "no-store"],
            body: body)
    }

    private func part(_ keyFrame: Sample, of channel: ChannelID) async -> ByteBuffer? {
        guard
            let picture = try? await services.pictures.picture(
                of: keyFrame, channel: channel, jpegWidth: Self.pictureWidth, isForViewer: true),
            let jpeg = picture.jpeg
        else { return nil }
        var bytes = ByteBuffer()
        bytes.writeString("--\(Self.boundary)\r\nContent-Type: image/jpeg\r\nContent-Length: \(jpeg.count)\r\n\r\n")
        bytes.writeBytes(jpeg)
        bytes.writeString("\r\n")
        return bytes
    }

    private func viewer(of attachment: LiveAttachment) throws -> LiveViewer {
        guard let viewer = services.live.streams.viewer(of: attachment.session.channel, attachment.session.role) else {
            throw Problem.notFound("channel")
        }
        return viewer
    }

    private func firstHead(_ viewer: LiveViewer) async -> FragmentHead? {
        await withTaskGroup(of: FragmentHead?.self) { group in
            group.addTask {
                guard case .head(let head)? = await viewer.reader.next() else { return nil }
                return head
            }
            group.addTask {
                try? await services.time.sleep(Self.firstPicture)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    static func noPicture(_ condition: Condition) -> Problem {
        let sentence = condition.severity == .ok ? "The camera sends no picture just now." : condition.sentence
        return Problem(.serviceUnavailable, "no-picture", "No picture", sentence)
    }
}

extension Sequence {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
