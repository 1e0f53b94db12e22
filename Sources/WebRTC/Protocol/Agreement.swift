/// A codec as an answer depends on it.
public enum ViewerCodec: Sendable, Equatable {
    /// With `profile_idc`, constraints and `level_idc` of its parameter set, where they are known (RFC 6184, section 8.1).
    case h264(profile: [UInt8])
    case h265
    /// RFC 7587.
    case opus
    case pcmu
    case pcma

    var isVideo: Bool {
        switch self {
        case .h264, .h265: true
        case .opus, .pcmu, .pcma: false
        }
    }
}

/// What goes to a viewer of an offer, and how it is reached (RFC 3264).
public struct Agreement: Sendable {
    /// A section that is served.
    public struct Track: Sendable, Equatable {
        let section: Int
        public let payloadType: UInt8
        public let codec: ViewerCodec
        let encoding: String
        let parameters: String
    }

    let offer: SessionOffer
    public let video: Track
    public let audio: Track?
    public let credentials: ICECredentials
    public let fingerprints: [CertificateFingerprint]
    public let candidates: [ICECandidate]

    /// What of `offer` is served for a camera of `video` and `audio`.
    public init(_ offer: SessionOffer, video: ViewerCodec, audio: ViewerCodec?) throws(OfferRefusal) {
        guard let (picture, section) = Self.track(video, in: offer, together: nil) else {
            let name = video == .h265 ? "H.265" : "H.264"
            throw OfferRefusal(kind: .notPlayable, sentence: "The camera sends \(name), which the offer does not take.")
        }
        self.offer = offer
        self.video = picture
        let sound = audio.flatMap { Self.track($0, in: offer, together: section.mid)?.track }
        self.audio = sound
        // All goes by the transport of the first section that is served (RFC 9143, section 7.3.1).
        let first = sound.map { min($0.section, picture.section) } ?? picture.section
        let tagged = offer.bundle.contains(section.mid) ? offer.media[first] : section
        guard ["actpass", "active"].contains(tagged.setup) else {
            throw .malformed("The box waits for the viewer's DTLS: offer setup:actpass.")
        }
        guard !tagged.fingerprints.isEmpty else { throw .malformed("The offer has no fingerprint that proves anything (SHA-256).") }
        guard let fragment = tagged.fragment, let password = tagged.password,
            let credentials = ICECredentials(fragment: fragment, password: password)
        else { throw .malformed("The offer has no ICE credentials.") }
        self.credentials = credentials
        fingerprints = tagged.fingerprints
        candidates = tagged.candidates
    }

    /// The section and the payload type for a codec; sound only where it goes by the transport of the picture with mid `together`.
    private static func track(_ codec: ViewerCodec, in offer: SessionOffer, together: String?) -> (track: Track, section: OfferedMedia)? {
        for (index, section) in offer.media.enumerated() where section.kind == (codec.isVideo ? "video" : "audio") && section.isServable {
            if let together, !(offer.bundle.contains(together) && offer.bundle.contains(section.mid)) { continue }
            guard let type = payloadType(codec, in: section), let payload = section.payloads[type] else { continue }
            let encoding =
                switch codec {
                case .h264: "H264/90000"
                case .h265: "H265/90000"
                case .opus: "opus/48000/2"
                case .pcmu: "PCMU/8000"
                case .pcma: "PCMA/8000"
                }
            let parameters = codec.isVideo ? payload.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } : []
            return (
                Track(section: index, payloadType: type, codec: codec, encoding: encoding, parameters: parameters.joined(separator: ";")),
                section
            )
        }
        return nil
    }

    private static func payloadType(_ codec: ViewerCodec, in section: OfferedMedia) -> UInt8? {
        let types = section.formats.compactMap { UInt8($0) }
        switch codec {
        case .h265: return types.first { section.payloads[$0].map { $0.encoding == "h265" && $0.clockRate == 90_000 } ?? false }
        case .opus: return types.first { section.payloads[$0].map { $0.encoding == "opus" && $0.clockRate == 48_000 } ?? false }
        case .pcmu, .pcma:
            let name = codec == .pcmu ? "pcmu" : "pcma"
            return types.first { section.payloads[$0].map { $0.encoding == name && $0.clockRate == 8000 && $0.channels == 1 } ?? false }
        case .h264(let profile):
            let able = types.filter {
                section.payloads[$0].map { $0.encoding == "h264" && $0.clockRate == 90_000 && $0.parameters["packetization-mode"] == "1" }
                    ?? false
            }
            // Decoders say less than they can: any of them is better than none.
            return able.max { rank($0, profile, section) < rank($1, profile, section) }
        }
    }

    /// How well an offered profile fits; earlier ones win where they fit equally.
    private static func rank(_ type: UInt8, _ profile: [UInt8], _ section: OfferedMedia) -> Int {
        let text = section.payloads[type]?.parameters["profile-level-id"] ?? ""
        let order = -(section.formats.firstIndex(of: String(type)) ?? 0)
        guard profile.count == 3, text.utf8.count == 6, let offered = UInt32(text, radix: 16) else { return order }
        guard UInt8(offered >> 16) == profile[0] else { return order }
        return order + (UInt8(truncatingIfNeeded: offered >> 8) == profile[1] ? 2000 : 1000)
    }
}
