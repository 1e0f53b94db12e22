import CameraProtocols
import Foundation

/// Pictures and stream settings.
extension ONVIFDriver {
    public func snapshot(of channel: DeviceChannel) async throws(DeviceFailure) -> [UInt8] {
        guard let path = try await picturePath(of: channel) else { throw .unsupported("snapshots") }
        let answer: DeviceClient.Answer
        do throws(DeviceFailure) {
            answer = try await client.request("GET", path, limit: 8 << 20)
        } catch {
            // Where messages are let in, the password is right; the picture alone is kept behind another door.
            let isLetIn = memory.with { !$0.allowed.isEmpty }
            throw error.code == .wrongPassword && isLetIn ? .forbidden : error
        }
        guard answer.status == 200, answer.body.starts(with: [0xFF, 0xD8]) else {
            // The address may be another one the next time: some devices make them for one use.
            for stream in channel.streams { memory.with { $0.pictures[stream.id] = nil } }
            switch answer.status {
            case 200: throw .nonsense("snapshot: no JPEG")
            case 404: throw .unsupported("snapshots")
            case 503: throw DeviceFailure(.busy, "The device is busy. Try again in a moment.")
            default: throw .deviceError("snapshot: status \(answer.status)")
            }
        }
        return answer.body
    }

    /// Where a channel's picture is; nil where the device has none.
    func picturePath(of channel: DeviceChannel) async throws(DeviceFailure) -> String? {
        guard let profile = (channel.stream(.main) ?? channel.streams.first)?.id else { return nil }
        if let known = memory.with({ $0.pictures[profile] }) { return known }
        for version in try await mediaVersions() {
            guard let text = (try await find(.snapshotURI(profile: profile, version))).flatMap(ONVIFAddress.read),
                let path = ONVIFPlace.path(of: text)
            else { continue }
            memory.with { $0.pictures[profile] = path }
            return path
        }
        return nil
    }

    /// The media services of the device, the one that is used first.
    private func mediaVersions() async throws(DeviceFailure) -> [ONVIFRequest.MediaVersion] {
        let services = try await services()
        let offered = [ONVIFRequest.MediaVersion.two, .one].filter { services[$0 == .two ? .media2 : .media] != nil }
        guard let used = memory.with({ $0.mediaVersion }), offered.contains(used) else { return offered }
        return [used] + offered.filter { $0 != used }
    }

    // MARK: Settings

    public func options(of stream: DeviceStream) async throws(DeviceFailure) -> StreamOptions {
        for version in try await mediaVersions() {
            let request = ONVIFRequest.videoEncoderConfigurationOptions(
                configuration: stream.encoder, profile: stream.id, version)
            let all = (try await find(request)).map(ONVIFEncoderOptions.all) ?? []
            if !all.isEmpty { return Self.options(all, of: stream, version) }
        }
        throw .unsupported("stream settings")
    }

    private static func options(
        _ all: [ONVIFEncoderOptions], of stream: DeviceStream, _ version: ONVIFRequest.MediaVersion
    ) -> StreamOptions {
        var options = StreamOptions()
        for one in all where !options.codecs.contains(word(one.codec)) { options.codecs.append(word(one.codec)) }
        // What goes with the codec that is set; other codecs may have other sizes.
        let current = all.filter { word($0.codec) == stream.codec }
        let meant = current.isEmpty ? all : current
        let sizes = Set(meant.flatMap { $0.resolutions.map { StreamOptions.Size(width: $0.width, height: $0.height) } })
        options.sizes = sizes.sorted { ($0.width, $0.height) > ($1.width, $1.height) }
        let rates = Set(meant.flatMap { version == .one ? spread($0.frameRates) : $0.frameRates })
        options.frameRates = rates.filter { $0 > 0 }.sorted()
        let bounded = meant.compactMap(\.bitRates).filter { $0.lowerBound >= 0 && $0.upperBound <= 10_000_000 }
        options.lowestBitRate = bounded.map(\.lowerBound).min().map { $0 * 1000 }
        options.highestBitRate = bounded.map(\.upperBound).max().map { $0 * 1000 }
        options.longestKeyFrameInterval = meant.compactMap(\.keyFrameIntervals?.upperBound).max()
        return options
    }

    /// The older service gives a lowest and a highest rate, and takes all between them.
    private static func spread(_ rates: [Double]) -> [Double] {
        guard let low = rates.first, let high = rates.last, low >= 0, high <= 240, low < high else { return rates }
        return Array(Int(low.rounded(.up))...Int(high)).map(Double.init)
    }

    public func change(_ stream: DeviceStream, by change: StreamChange) async throws(DeviceFailure) -> DeviceStream {
        var known = change
        // ONVIF has no word for it.
        known.smartCodec = nil
        guard !known.isEmpty || change.isEmpty else { throw .unsupported("smart codecs by ONVIF") }
        var (encoder, version) = try await encoder(of: stream)
        Self.apply(known, to: &encoder)
        do throws(DeviceFailure) {
            try await call(.setVideoEncoderConfiguration(encoder, version))
        } catch {
            guard error.code == .deviceError else { throw error }
            throw DeviceFailure(
                .deviceError, "The device does not take these stream settings together. Choose others, one change at a time.",
                detail: error.detail)
        }
        var changed = stream
        Self.apply(try await self.encoder(of: stream).0, to: &changed)
        return changed
    }

    /// The encoder of a stream as it is set now, and the service that it is set by.
    private func encoder(
        of stream: DeviceStream
    ) async throws(DeviceFailure) -> (ONVIFEncoderConfiguration, ONVIFRequest.MediaVersion) {
        let set = try await profiles()
        let own = set.profiles.first { $0.token == stream.id && $0.encoder != nil }
        let profile = own ?? set.profiles.first { $0.encoder?.token == stream.encoder }
        guard let encoder = profile?.encoder else {
            throw DeviceFailure(
                .deviceError, "The device no longer has this stream. Look at the device again, so that its streams are read anew.",
                detail: "no profile \(stream.id.prefix(40))")
        }
        return (encoder, set.version)
    }

    static func apply(_ change: StreamChange, to encoder: inout ONVIFEncoderConfiguration) {
        if let codec = change.codec {
            let wanted = codec == "mjpeg" ? "JPEG" : codec.uppercased()
            // Codecs have different names for their profiles; this one all of them have.
            if wanted != encoder.codec, encoder.profile != nil { encoder.profile = "Main" }
            encoder.codec = wanted
        }
        if let width = change.width { encoder.width = width }
        if let height = change.height { encoder.height = height }
        if let rate = change.frameRate { encoder.frameRate = rate }
        if let bits = change.bitRate { encoder.bitRate = bits / 1000 }
        if let interval = change.keyFrameInterval { encoder.keyFrameInterval = interval }
    }
}
