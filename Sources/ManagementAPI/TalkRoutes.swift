import Access
import BoxDatabase
import Cameras
import Core
import Devices
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Talking through a device's loudspeaker: opened, sound sent piece by piece, closed.
struct TalkRoutes {
    /// Four seconds of sound.
    private static let largestPiece = 4 * TalkCodec.bytesPerSecond

    let services: BoxServices

    private struct Talk: Encodable {
        let id: TalkID
        let codec: String
        let sampleRate: Int
    }

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("channels/:id/talk") { _, context in
            let target = try await services.channelOnDevice(context)
            let (id, codec) = try await target.device.talk.begin(target.channel, driver: target.driver)
            services.logger.notice(
                "somebody talks through a device",
                metadata: ["person": "\(context.caller?.name ?? "")", "channel": "\(target.record.name)"])
            return try answer(Talk(id: id, codec: codec.rawValue, sampleRate: TalkCodec.bytesPerSecond), status: .created)
        }
        routes.post("channels/:id/talk/:talk/sound") { request, context in
            let (target, id) = (try await services.channelOnDevice(context), try talk(context))
            let sound: ByteBuffer
            do {
                sound = try await request.body.collect(upTo: Self.largestPiece)
            } catch {
                throw Problem(.contentTooLarge, "too-large", "Too large", "A piece of sound has at most \(Self.largestPiece) bytes.")
            }
            guard try await target.device.talk.say(Array(sound.readableBytesView), in: id) else { throw Problem.notFound("talk") }
            return Response(status: .noContent)
        }
        routes.delete("channels/:id/talk/:talk") { _, context in
            let (target, id) = (try await services.channelOnDevice(context), try talk(context))
            await target.device.talk.end(id)
            return Response(status: .noContent)
        }
    }

    private func talk(_ context: APIContext) throws -> TalkID {
        guard let id = TalkID(context.parameters.get("talk") ?? "") else { throw Problem.notFound("talk") }
        return id
    }
}
