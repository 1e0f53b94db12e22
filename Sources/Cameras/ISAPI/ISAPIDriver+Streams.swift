import CameraProtocols
import Foundation
import XML

/// Stream settings: the device's document is fetched, changed and sent back, so that what the box does not know stays.
extension ISAPIDriver {
    public func streams(of channel: DeviceChannel) async throws(DeviceFailure) -> [DeviceStream] {
        var streams: [DeviceStream] = []
        for stream in channel.streams {
            guard let document = try await find("Streaming/channels/\(stream.id)") else {
                streams.append(stream)
                continue
            }
            streams.append(Self.stream(document, role: stream.role, url: stream.url))
        }
        return streams
    }

    public func options(of stream: DeviceStream) async throws(DeviceFailure) -> StreamOptions {
        let document = try await get("Streaming/channels/\(stream.id)/capabilities")
        let video = document["Video"] ?? document
        var options = StreamOptions()
        options.codecs = Self.list(video["videoCodecType"]).map(Self.codec)
        let widths = Self.list(video["videoResolutionWidth"]).compactMap { XMLTree.integer($0) }
        let heights = Self.list(video["videoResolutionHeight"]).compactMap { XMLTree.integer($0) }
        options.sizes = zip(widths, heights).map { StreamOptions.Size(width: $0, height: $1) }
        options.frameRates = Self.list(video["maxFrameRate"]).compactMap { Double($0) }.filter { $0 > 0 && $0 < 100_000 }.map { $0 / 100 }
            .sorted()
        let rate = video["vbrUpperCap"] ?? video["constantBitRate"]
        options.lowestBitRate = XMLTree.integer(rate?.attribute("min")).map { $0 * 1000 }
        options.highestBitRate = XMLTree.integer(rate?.attribute("max")).map { $0 * 1000 }
        options.longestKeyFrameInterval = XMLTree.integer(video["GovLength"]?.attribute("max"))
        options.smartCodec = video["SmartCodec"] != nil
        return options
    }

    private static func list(_ element: XMLTree?) -> [String] {
        (element?.attribute("opt") ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    public func change(_ stream: DeviceStream, by change: StreamChange) async throws(DeviceFailure) -> DeviceStream {
        var document = try await get("Streaming/channels/\(stream.id)")
        guard document["Video"] != nil else { throw .unsupported("stream settings") }
        // The smart codec goes first: while it is on, devices refuse a key frame interval.
        if change.smartCodec == false, document["Video", "SmartCodec", "enabled"]?.flag == true {
            document.set("Video", "SmartCodec", "enabled", to: "false")
            try await put("Streaming/channels/\(stream.id)", document)
            document = try await get("Streaming/channels/\(stream.id)")
        }
        Self.apply(change, to: &document)
        try await put("Streaming/channels/\(stream.id)", document)
        return Self.stream(try await get("Streaming/channels/\(stream.id)"), role: stream.role, url: stream.url)
    }

    static func apply(_ change: StreamChange, to document: inout XMLTree) {
        document.change("Video") { video in
            if let codec = change.codec {
                video.set("videoCodecType", to: codec == "h264" ? "H.264" : codec == "h265" ? "H.265" : codec.uppercased())
            }
            if let width = change.width { video.set("videoResolutionWidth", to: "\(width)") }
            if let height = change.height { video.set("videoResolutionHeight", to: "\(height)") }
            if let rate = change.frameRate { video.set("maxFrameRate", to: "\(Int((rate * 100).rounded()))") }
            if let bits = change.bitRate {
                if video["vbrUpperCap"] != nil { video.set("vbrUpperCap", to: "\(bits / 1000)") }
                if video["constantBitRate"] != nil || video["vbrUpperCap"] == nil { video.set("constantBitRate", to: "\(bits / 1000)") }
            }
            if let interval = change.keyFrameInterval {
                video.set("GovLength", to: "\(interval)")
                // In milliseconds besides, where the device has it: it must not contradict.
                if video["keyFrameInterval"] != nil {
                    let rate = change.frameRate ?? video["maxFrameRate"]?.number.map { $0 / 100 } ?? 25
                    video.set("keyFrameInterval", to: "\(Int((Double(interval) / max(rate, 1) * 1000).rounded()))")
                }
            }
            if let smart = change.smartCodec, video["SmartCodec"] != nil { video.set("SmartCodec", "enabled", to: "\(smart)") }
        }
    }
}
