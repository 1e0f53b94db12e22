public import XML

/// How a stream is encoded, of either media service; to be changed and set again.
public struct ONVIFEncoderConfiguration: Sendable, Equatable {
    public var token: String
    public var name: String?
    /// `H264`, `H265`, `JPEG`, `MPEG4`.
    public var codec: String
    public var width: Int
    public var height: Int
    public var quality: Double?
    /// Frames a second.
    public var frameRate: Double?
    /// Kilobits a second.
    public var bitRate: Int?
    /// Frames from one key frame to the next.
    public var keyFrameInterval: Int?
    /// `Main`, `High`.
    public var profile: String?
    /// As it came, for what is not read here.
    private var element: XMLTree

    public init?(_ element: XMLTree) {
        guard let token = element.attribute("token"), let encoding = element["Encoding"]?.word else { return nil }
        self.token = token
        self.element = element
        name = element["Name"]?.word
        codec = Self.codec(encoding)
        width = element["Resolution", "Width"]?.integer ?? 0
        height = element["Resolution", "Height"]?.integer ?? 0
        quality = element["Quality"]?.number
        frameRate = element["RateControl", "FrameRateLimit"]?.number
        bitRate = element["RateControl", "BitrateLimit"]?.integer
        let specific = element["H264"] ?? element["MPEG4"]
        keyFrameInterval = (specific?["GovLength"]?.word ?? element.attribute("GovLength")).flatMap { Int($0) }
        profile = (specific?["H264Profile"] ?? specific?["Mpeg4Profile"])?.word ?? element.attribute("Profile")
    }

    /// Names as media type registrations have them in version 2, and as ONVIF's own in version 1.
    static func codec(_ name: String) -> String {
        switch name.uppercased() {
        case "HEVC": "H265"
        case "MPV4-ES": "MPEG4"
        default: name.uppercased()
        }
    }

    /// The element with what was changed put in.
    func changedElement(_ version: ONVIFRequest.MediaVersion) -> XMLTree {
        var changed = element
        let encoding = version == .two && codec == "MPEG4" ? "MPV4-ES" : codec
        changed.change("Encoding") { $0.text = encoding }
        changed.change("Resolution") { resolution in
            resolution.change("Width") { $0.text = String(width) }
            resolution.change("Height") { $0.text = String(height) }
        }
        if let quality { changed.change("Quality") { $0.text = Self.text(quality) } }
        changed.change("RateControl") { control in
            if let frameRate { control.change("FrameRateLimit") { $0.text = Self.text(frameRate) } }
            if let bitRate { control.change("BitrateLimit") { $0.text = String(bitRate) } }
        }
        switch version {
        case .one:
            // Only the codec's own element may be there.
            changed.children.removeAll { ["H264", "MPEG4"].contains($0.name) && $0.name != codec }
            changed.change(codec) { specific in
                if let keyFrameInterval { specific.change("GovLength") { $0.text = String(keyFrameInterval) } }
                if let profile { specific.change(codec == "H264" ? "H264Profile" : "Mpeg4Profile") { $0.text = profile } }
            }
        case .two:
            if let keyFrameInterval { changed.attributes["GovLength"] = String(keyFrameInterval) }
            if let profile { changed.attributes["Profile"] = profile }
        }
        return changed
    }

    private static func text(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e9 ? String(Int(number)) : String(number)
    }
}

/// A profile of GetProfilesResponse, of either media service: a source with an encoder, and what else belongs to it.
public struct ONVIFProfile: Sendable, Equatable {
    public var token: String
    public var name: String?
    /// Of the video source: what tells cameras of one device apart.
    public var sourceToken: String?
    public var sourceConfigurationToken: String?
    public var encoder: ONVIFEncoderConfiguration?
    /// `G711`, `AAC`, nil without sound.
    public var audioCodec: String?
    public var ptzConfigurationToken: String?

    public static func all(_ response: XMLTree) -> [ONVIFProfile] {
        response.all("Profiles").prefix(256).compactMap { profile in
            guard let token = profile.attribute("token") else { return nil }
            let new = profile["Configurations"]
            let source = profile["VideoSourceConfiguration"] ?? new?["VideoSource"]
            return ONVIFProfile(
                token: token, name: profile["Name"]?.word, sourceToken: source?["SourceToken"]?.word,
                sourceConfigurationToken: source?.attribute("token"),
                encoder: (profile["VideoEncoderConfiguration"] ?? new?["VideoEncoder"]).flatMap(ONVIFEncoderConfiguration.init),
                audioCodec: (profile["AudioEncoderConfiguration"] ?? new?["AudioEncoder"])?["Encoding"]?.word,
                ptzConfigurationToken: (profile["PTZConfiguration"] ?? new?["PTZ"])?.attribute("token"))
        }
    }
}

/// One of GetVideoSourcesResponse.
public struct ONVIFVideoSource: Sendable, Equatable {
    public var token: String
    public var width: Int?
    public var height: Int?
    public var frameRate: Double?

    public static func all(_ response: XMLTree) -> [ONVIFVideoSource] {
        response.all("VideoSources").prefix(256).compactMap { source in
            source.attribute("token").map {
                ONVIFVideoSource(
                    token: $0, width: source["Resolution", "Width"]?.integer, height: source["Resolution", "Height"]?.integer,
                    frameRate: source["Framerate"]?.number)
            }
        }
    }
}

/// What an encoder can do with a codec, of GetVideoEncoderConfigurationOptionsResponse of either media service.
public struct ONVIFEncoderOptions: Sendable, Equatable {
    public struct Resolution: Sendable, Hashable {
        public var width: Int
        public var height: Int

        public init(width: Int, height: Int) {
            self.width = width
            self.height = height
        }
    }

    public var codec: String
    public var resolutions: [Resolution]
    /// Frames a second: all that can be set, or the lowest and the highest.
    public var frameRates: [Double]
    /// Kilobits a second.
    public var bitRates: ClosedRange<Int>?
    /// Frames from one key frame to the next.
    public var keyFrameIntervals: ClosedRange<Int>?
    public var qualities: ClosedRange<Double>?
    public var profiles: [String]

    public static func all(_ response: XMLTree) -> [ONVIFEncoderOptions] {
        response.all("Options").prefix(16).flatMap { options in
            (options["Encoding"]?.word).map { [second(options, codec: $0)] } ?? first(options)
        }
    }

    /// Of version 1: one element for each codec, and what came later in its `Extension`.
    private static func first(_ options: XMLTree) -> [ONVIFEncoderOptions] {
        ["H264", "MPEG4", "JPEG"].compactMap { codec in
            guard let own = options[codec] ?? options["Extension", codec] else { return nil }
            let bitRates = options["Extension", codec, "BitrateRange"] ?? own["BitrateRange"]
            let profiles = own.all("H264ProfilesSupported") + own.all("Mpeg4ProfilesSupported")
            return ONVIFEncoderOptions(
                codec: codec, resolutions: resolutions(own),
                frameRates: range(own["FrameRateRange"], \.number).map { [$0.lowerBound, $0.upperBound] } ?? [],
                bitRates: range(bitRates, \.integer), keyFrameIntervals: range(own["GovLengthRange"], \.integer),
                qualities: range(options["QualityRange"], \.number), profiles: profiles.compactMap(\.word))
        }
    }

    private static func second(_ options: XMLTree, codec: String) -> ONVIFEncoderOptions {
        func list(_ name: String) -> [Substring] {
            ((options.attribute(name) ?? options[name]?.word) ?? "").split(maxSplits: 256, whereSeparator: \.isWhitespace)
        }
        let intervals = list("GovLengthRange").compactMap { Int($0) }
        return ONVIFEncoderOptions(
            codec: ONVIFEncoderConfiguration.codec(codec), resolutions: resolutions(options),
            frameRates: list("FrameRatesSupported").compactMap { Double($0) }.filter(\.isFinite).sorted(),
            bitRates: range(options["BitrateRange"], \.integer), keyFrameIntervals: intervals.min().map { $0...(intervals.max() ?? $0) },
            qualities: range(options["QualityRange"], \.number), profiles: list("ProfilesSupported").map(String.init))
    }

    private static func resolutions(_ tree: XMLTree) -> [Resolution] {
        tree.all("ResolutionsAvailable").prefix(256).compactMap { one in
            guard let width = one["Width"]?.integer, let height = one["Height"]?.integer else { return nil }
            return Resolution(width: width, height: height)
        }
    }

    private static func range<Number: Comparable>(_ tree: XMLTree?, _ value: KeyPath<XMLTree, Number?>) -> ClosedRange<Number>? {
        guard let low = tree?["Min"]?[keyPath: value], let high = tree?["Max"]?[keyPath: value], low <= high else { return nil }
        return low...high
    }
}

/// The address in GetStreamUriResponse, GetSnapshotUriResponse and GetReplayUriResponse of either media service.
public enum ONVIFAddress {
    /// Nil where the device gives none: some answer without. The host may be wrong, as in all its addresses.
    public static func read(_ response: XMLTree) -> String? {
        (response["MediaUri", "Uri"] ?? response["Uri"])?.word
    }
}
