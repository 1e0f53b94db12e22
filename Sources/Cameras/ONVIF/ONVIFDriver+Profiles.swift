import CameraProtocols
import Foundation
import XML

/// Profiles of a device, put in order: which belong to one video source, and which is its main stream.
extension ONVIFDriver {
    /// All profiles, as one of the media services has them.
    struct ProfileSet: Sendable {
        var version: ONVIFRequest.MediaVersion
        var profiles: [ONVIFProfile]
        /// Tokens of profiles that carry what the device sees as a stream of its own.
        var withMetadata: Set<String>
        /// Tokens of profiles by which the device takes sound for a loudspeaker.
        var withLoudspeaker: Set<String>
        /// The tokens of the nodes by which profiles are moved.
        var nodes: [String: String]
    }

    /// A video source with its profiles.
    struct Source: Sendable {
        /// From 1, in the order of the device.
        var number: Int
        var token: String?
        var profiles: [ONVIFProfile]
    }

    /// The profiles by the newer media service, which alone knows H.265, else by the older.
    func profiles() async throws(DeviceFailure) -> ProfileSet {
        let services = try await services()
        var failure = DeviceFailure.unsupported("video by ONVIF")
        for version in [ONVIFRequest.MediaVersion.two, .one] where services[version == .two ? .media2 : .media] != nil {
            do throws(DeviceFailure) {
                let response = try await call(.profiles(version))
                let set = Self.set(response, version)
                guard set.profiles.contains(where: { $0.encoder != nil }) else { continue }
                memory.with { $0.mediaVersion = version }
                return set
            } catch {
                guard Self.isOptional(error) else { throw error }
                failure = error
            }
        }
        // Devices tell anybody their make; who may not even see the profiles has no valid user.
        if failure.code == .forbidden { throw .wrongPassword() }
        throw DeviceFailure(
            .noVideo, "The device has no video profile for ONVIF. Make one in the device, or add the stream's RTSP URL.",
            detail: failure.detail)
    }

    private static func set(_ response: XMLTree, _ version: ONVIFRequest.MediaVersion) -> ProfileSet {
        var set = ProfileSet(version: version, profiles: ONVIFProfile.all(response), withMetadata: [], withLoudspeaker: [], nodes: [:])
        for profile in response.all("Profiles").prefix(256) {
            guard let token = profile.attribute("token") else { continue }
            let new = profile["Configurations"]
            if profile["MetadataConfiguration"] ?? new?["Metadata"] != nil { set.withMetadata.insert(token) }
            let old = profile["Extension"]
            if [old?["AudioOutputConfiguration"], old?["AudioDecoderConfiguration"], new?["AudioOutput"], new?["AudioDecoder"]].contains(
                where: { $0 != nil })
            {
                set.withLoudspeaker.insert(token)
            }
            set.nodes[token] = (profile["PTZConfiguration"] ?? new?["PTZ"])?["NodeToken"]?.word
        }
        return set
    }

    /// The video sources that have profiles; their numbers are places in the device's list, so that they stay when one has none.
    func sources(_ set: ProfileSet, _ services: [ONVIFService: String]) async throws(DeviceFailure) -> [Source] {
        let listed = services[.media] == nil ? [] : (try await find(.videoSources)).map(ONVIFVideoSource.all) ?? []
        var order = listed.map(\.token)
        var groups: [String: [ONVIFProfile]] = [:]
        for profile in set.profiles where profile.encoder != nil {
            let token = profile.sourceToken ?? profile.sourceConfigurationToken ?? ""
            if !order.contains(token) { order.append(token) }
            groups[token, default: []].append(profile)
        }
        return order.enumerated().compactMap { place, token in
            groups[token].map { Source(number: place + 1, token: token.isEmpty ? nil : token, profiles: $0) }
        }
    }

    // MARK: Streams

    /// The streams of a source that have an address; `leftOut` gets a sentence for each that has none.
    func streams(of source: Source, _ set: ProfileSet, leftOut: inout [String]) async throws(DeviceFailure) -> [DeviceStream] {
        var found: [DeviceStream] = []
        for (profile, role) in Self.roles(source.profiles) {
            var url: String?
            do throws(DeviceFailure) { url = try await address(of: profile.token, set.version) } catch {
                guard Self.isOptional(error) else { throw error }
            }
            if url == nil { url = knownAddress(role, channel: source.number) }
            guard let url else {
                leftOut.append("Its profile \((profile.name ?? profile.token).prefix(40)) is left out, for it gives no stream address.")
                continue
            }
            var stream = DeviceStream(role: role, id: profile.token, url: url)
            if let encoder = profile.encoder { Self.apply(encoder, to: &stream) }
            stream.audio = profile.audioCodec
            stream.sources = Self.tokens(role == .main ? [profile] + source.profiles : [profile])
            found.append(stream)
        }
        // Without its main stream, the best of the others is that.
        if let first = found.first, first.role != .main { found[0].role = .main }
        return found
    }

    /// By which tokens events mean profiles.
    private static func tokens(_ profiles: [ONVIFProfile]) -> [String] {
        var found: [String] = []
        for token in profiles.flatMap({ [$0.sourceToken, $0.sourceConfigurationToken, $0.token, $0.encoder?.token] }) {
            if let token, !found.contains(token) { found.append(token) }
        }
        return found
    }

    /// Main is the largest picture, sub the smallest that is worth showing; profiles of the same encoder are the same stream.
    static func roles(_ profiles: [ONVIFProfile]) -> [(ONVIFProfile, DeviceStream.Role)] {
        func area(_ profile: ONVIFProfile) -> Int {
            let encoder = profile.encoder
            return min(max(encoder?.width ?? 0, 0), 32_768) * min(max(encoder?.height ?? 0, 0), 32_768)
        }
        func isVideo(_ profile: ONVIFProfile) -> Bool { ["H264", "H265"].contains(profile.encoder?.codec ?? "") }
        var encoders: Set<String> = []
        let distinct = profiles.filter { $0.encoder.map { encoders.insert($0.token).inserted } ?? false }
        // Single pictures one after the other (JPEG) are no main stream where there is another.
        let ordered = distinct.enumerated().sorted { left, right in
            let (a, b) = (left.element, right.element)
            if isVideo(a) != isVideo(b) { return isVideo(a) }
            return area(a) == area(b) ? left.offset < right.offset : area(a) > area(b)
        }.map(\.element)
        guard let main = ordered.first else { return [] }
        let others = ordered.dropFirst().filter { isVideo($0) && area($0) < area(main) }
        let sub = others.last { ($0.encoder?.width ?? 0) >= 320 } ?? others.last
        return ordered.map { ($0, $0.token == main.token ? .main : $0.token == sub?.token ? .sub : .third) }
    }

    /// An encoder's settings as a stream's.
    static func apply(_ encoder: ONVIFEncoderConfiguration, to stream: inout DeviceStream) {
        stream.encoder = encoder.token
        stream.codec = word(encoder.codec)
        stream.width = encoder.width > 0 ? encoder.width : nil
        stream.height = encoder.height > 0 ? encoder.height : nil
        stream.frameRate = encoder.frameRate.flatMap { $0 > 0 ? $0 : nil }
        stream.bitRate = encoder.bitRate.flatMap { (1...1_000_000).contains($0) ? $0 * 1000 : nil }
        stream.keyFrameInterval = encoder.keyFrameInterval
    }

    /// `H264`, `H265`, `JPEG` as the box says them.
    static func word(_ codec: String) -> String { codec == "JPEG" ? "mjpeg" : codec.lowercased() }

    // MARK: Addresses

    /// A profile's stream address; nil where the device gives none, in any of the ways to ask.
    private func address(of profile: String, _ version: ONVIFRequest.MediaVersion) async throws(DeviceFailure) -> String? {
        let services = try await services()
        var requests: [ONVIFRequest] = [.streamURI(profile: profile, version)]
        if version == .two, services[.media] != nil { requests.append(.streamURI(profile: profile, .one)) }
        // Some old devices only speak of datagrams, and take the same address over a connection.
        requests.append(.streamURI(profile: profile, transport: .udp, version))
        for request in requests {
            if let text = (try await find(request)).flatMap(ONVIFAddress.read), let url = ONVIFPlace.rtsp(text, at: client.address) {
                return url
            }
        }
        return nil
    }

    /// A stream's address as it is known of the make.
    private func knownAddress(_ role: DeviceStream.Role, channel: Int) -> String? {
        guard let streams = profile.streams?.first else { return nil }
        let path = role == .main ? streams.main : role == .sub ? streams.sub : nil
        return path.flatMap {
            RTSPAddress(
                host: client.address.host, port: client.address.rtspPort, path: $0.replacing("{channel}", with: "\(channel)"))?.url
        }
    }
}
