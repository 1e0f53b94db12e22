import Core
import HTTPTypes
import Hummingbird
import NIOCore
import Relay

/// Live view by HTTP Live Streaming, with parts and blocking reload for players that know them.
struct LivePlaylistRoutes {
    let services: BoxServices

    /// What a player fetches: the token is its permission.
    func add(to routes: RouterGroup<APIContext>) {
        routes.get("live/hls/:file") { request, context in try await file(request, context) }
    }

    private func file(_ request: Request, _ context: APIContext) async throws -> Response {
        let name = context.parameters.get("file") ?? ""
        let query = request.uri.queryParameters
        let token = query["token"].map(String.init) ?? ""
        let attachment = try services.live.sessions.attach(
            token: token, way: .hls, isLocal: services.isAtSite(context.remoteAddress, request.headers))
        guard
            let playlist = services.live.playlists.playlist(
                of: attachment.session.channel, attachment.session.role, isLocal: attachment.session.isLocal)
        else {
            throw Problem.notFound("channel")
        }
        if name == "index.m3u8" {
            let segment = try Self.number(query["_HLS_msn"])
            let part = try Self.number(query["_HLS_part"])
            if let segment, playlist.isFarAhead(segment: segment) { throw Self.malformed }
            guard segment != nil || part == nil else { throw Self.malformed }
            let text = await attachment.whileItLasts { await playlist.text(segment: segment, part: part, suffix: "?token=\(token)") }
            guard let text else {
                throw Problem(.serviceUnavailable, "no-picture", "No picture", "The camera sends no picture just now.")
            }
            return respond(ByteBuffer(string: text), "application/vnd.apple.mpegurl", attachment)
        }
        guard let bytes = await attachment.whileItLasts({ await Self.bytes(name, of: playlist) }) else {
            throw Problem.notFound("piece of this live view")
        }
        return respond(bytes, "video/mp4", attachment)
    }

    /// `head-1.mp4`, `segment-7.m4s`, `part-7-2.m4s`.
    private static func bytes(_ name: String, of playlist: Playlist) async -> ByteBuffer? {
        let words = name.split(separator: ".", maxSplits: 1)
        guard words.count == 2 else { return nil }
        let numbers = words[0].split(separator: "-", omittingEmptySubsequences: false).dropFirst().map { Int($0) }
        switch (words[0].prefix { $0 != "-" }, words[1], numbers.count, numbers.first ?? nil, numbers.last ?? nil) {
        case ("head", "mp4", 1, let number?, _): return playlist.head(number)
        case ("segment", "m4s", 1, let number?, _): return await playlist.segment(number)
        case ("part", "m4s", 2, let number?, let part?) where part >= 0: return await playlist.part(part, of: number)
        default: return nil
        }
    }

    private static let malformed = Problem(.badRequest, "invalid-request", "Not valid", "The playlist is asked for too far ahead.")

    private static func number(_ text: Substring?) throws -> Int? {
        guard let text else { return nil }
        guard let number = Int(text), (0...1 << 40).contains(number) else { throw malformed }
        return number
    }

    private func respond(_ bytes: ByteBuffer, _ type: String, _ attachment: LiveAttachment) -> Response {
        attachment.count(bytes: bytes.readableBytes)
        return Response(status: .ok, headers: [.contentType: type, .cacheControl: "no-store"], body: ResponseBody(byteBuffer: bytes))
    }
}
