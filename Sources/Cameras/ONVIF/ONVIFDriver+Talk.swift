import CameraProtocols
import Core
import Foundation
import Outbound
import RTSP
import XML

/// Talking through a device's loudspeaker by the back channel of one of its streams.
extension ONVIFDriver {
    /// What a device says of its loudspeakers.
    enum AudioOutputs: Sendable {
        case present, absent
        /// It does not know the question.
        case unsaid
    }

    /// A stream that takes sound back.
    struct TalkPlace: Sendable {
        let address: RTSPAddress
        let codec: TalkCodec
    }

    func audioOutputs(_ services: [ONVIFService: String]) async throws(DeviceFailure) -> AudioOutputs {
        for version in [ONVIFRequest.MediaVersion.one, .two] where services[version == .two ? .media2 : .media] != nil {
            guard let answer = try await find(.audioOutputs(version)) else { continue }
            return answer.all(version == .two ? "Configurations" : "AudioOutputs").isEmpty ? .absent : .present
        }
        return .unsaid
    }

    /// Whether a channel can be talked through: its profiles say so, or its main stream when it is asked.
    func hasLoudspeaker(
        _ channel: DeviceChannel, _ source: Source, _ set: ProfileSet, outputs: AudioOutputs, isRecorder: Bool
    ) async -> Bool {
        if source.profiles.contains(where: { set.withLoudspeaker.contains($0.token) }) { return true }
        // A recorder's own loudspeaker is not at the camera.
        guard outputs != .absent, !isRecorder, let stream = channel.stream(.main) ?? channel.streams.first else { return false }
        return (try? await place(at: stream.url)) != nil
    }

    public func talkCodec(of channel: DeviceChannel) async throws(DeviceFailure) -> TalkCodec {
        var failure = DeviceFailure.unsupported(Self.talking)
        let known = memory.with { $0.talks[channel.number]?.address.url }
        let urls = channel.streams.sorted { $0.url == known && $1.url != known }.map(\.url)
        for url in urls.prefix(3) {
            do throws(DeviceFailure) {
                let place = try await place(at: url)
                memory.with { $0.talks[channel.number] = place }
                return place.codec
            } catch {
                guard error.code == .unsupported else { throw error }
                // That it speaks something else says more than that another stream has nothing.
                if failure.detail == nil { failure = error }
            }
        }
        throw failure
    }

    public func talk(
        through channel: DeviceChannel, sound: AsyncStream<[UInt8]>, ready: @escaping @Sendable () -> Void
    ) async throws(DeviceFailure) {
        if memory.with({ $0.talks[channel.number] }) == nil { _ = try await talkCodec(of: channel) }
        guard let place = memory.with({ $0.talks[channel.number] }), let codec = Backchannel.Codec(rawValue: place.codec.rawValue) else {
            throw .unsupported(Self.talking)
        }
        try await talking(at: place.address) { endpoint in
            try await SpeakerClient.speak(
                to: place.address.url, at: endpoint, codec: codec, sound: sound, time: client.time, ready: ready)
        }
    }

    private func place(at url: String) async throws(DeviceFailure) -> TalkPlace {
        guard let address = RTSPAddress(url) else { throw .unsupported(Self.talking) }
        let codec = try await talking(at: address) { endpoint in
            try await SpeakerClient.codec(of: address.url, at: endpoint, time: client.time)
        }
        guard let codec = TalkCodec(rawValue: codec.rawValue) else { throw .unsupported(Self.talking) }
        return TalkPlace(address: address, codec: codec)
    }

    // MARK: Failures

    private static let talking = "being talked through"

    /// Speaks RTSP with the device as the user that the box signs in as.
    private func talking<Value: Sendable>(
        at address: RTSPAddress, _ body: @escaping @Sendable (RTSPEndpoint) async throws -> Value
    ) async throws(DeviceFailure) -> Value {
        let credentials = client.credentials.map { DigestCredentials(username: $0.userName, password: $0.password) }
        return try await client.guarded {
            let host = try await client.policy.check(host: address.host)
            let endpoint = RTSPEndpoint(
                host: host, port: address.port, credentials: credentials, allowsBasic: client.allowsBasicInTheOpen)
            do {
                return try await body(endpoint)
            } catch let refusal as BackchannelRefusal {
                throw Self.failure(refusal)
            } catch let failure as RTSPFailure {
                throw Self.failure(failure)
            }
        }
    }

    private static func failure(_ refusal: BackchannelRefusal) -> DeviceFailure {
        switch refusal {
        case .none: .unsupported(talking)
        case .foreign(let codecs):
            DeviceFailure(
                .unsupported,
                "The device takes sound for its loudspeaker only as \(codecs.joined(separator: ", ")). Set it to G.711 there, which the box speaks.",
                detail: "back channel: \(codecs.joined(separator: ", "))")
        }
    }

    private static func failure(_ failure: RTSPFailure) -> DeviceFailure {
        switch failure.code {
        case .unreachable: .unreachable
        case .refused: DeviceFailure(.refused, "The device refuses the connection on its port for streams. Check that RTSP is switched on.")
        case .silent where failure == .closed: DeviceFailure(.silent, "The device has ended the talk.")
        case .silent: .silent
        case .wrongPassword: .wrongPassword()
        case .insecure: DeviceFailure(.insecure, failure.sentence)
        case .forbidden: .forbidden
        case .busy: DeviceFailure(.busy, "Somebody else talks through the device. Try again in a moment.", detail: failure.detail)
        case .unsupported: .unsupported(talking)
        case .nothingThere, .deviceError: .deviceError(failure.detail ?? "talk")
        case .redirected: DeviceFailure(.addressRefused, failure.sentence, detail: failure.detail)
        case .nonsense: .nonsense(failure.sentence)
        }
    }
}
