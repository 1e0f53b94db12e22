/// What the box tells of itself in an answer.
public struct LocalDescription: Sendable {
    public let credentials: ICECredentials
    public let fingerprint: CertificateFingerprint
    /// Attributes (`candidate:...`).
    public let candidates: [String]
    public let videoSource: UInt32
    public let audioSource: UInt32
    public let id: UInt64

    public init(
        credentials: ICECredentials, fingerprint: CertificateFingerprint, candidates: [String], videoSource: UInt32, audioSource: UInt32,
        id: UInt64
    ) {
        self.credentials = credentials
        self.fingerprint = fingerprint
        self.candidates = candidates
        self.videoSource = videoSource
        self.audioSource = audioSource
        self.id = id
    }
}

extension Agreement {
    private static let name = "gatehouse"

    /// The answer (RFC 3264, section 6; RFC 8829, section 5.3.1): all candidates are in it, and no more will come.
    public func answer(_ local: LocalDescription) -> String {
        let served = [video, audio].compactMap { $0 }
        let bundled = offer.media.indices.filter { index in served.contains { $0.section == index } }.map { offer.media[$0].mid }
        var lines = ["v=0", "o=- \(local.id) 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
        if let first = bundled.first, offer.bundle.contains(first) { lines.append("a=group:BUNDLE " + bundled.joined(separator: " ")) }
        lines.append("a=msid-semantic: WMS *")
        for (index, section) in offer.media.enumerated() {
            if let track = served.first(where: { $0.section == index }) {
                lines += self.lines(of: track, section, local)
            } else {
                lines += Self.rejection(of: section)
            }
        }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    private static func rejection(of section: OfferedMedia) -> [String] {
        var lines = [
            "m=\(section.kind) 0 \(section.transport) \(section.formats.joined(separator: " "))", "c=IN IP4 0.0.0.0", "a=inactive",
        ]
        if !section.mid.isEmpty { lines.append("a=mid:\(section.mid)") }
        return lines
    }

    private func lines(of track: Track, _ section: OfferedMedia, _ local: LocalDescription) -> [String] {
        let source = track.codec.isVideo ? local.videoSource : local.audioSource
        let type = track.payloadType
        var lines = [
            "m=\(section.kind) 9 \(section.transport) \(type)", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0",
            "a=ice-ufrag:\(local.credentials.fragment)", "a=ice-pwd:\(local.credentials.password)", "a=ice-options:trickle",
            "a=fingerprint:\(local.fingerprint.text)", "a=setup:passive",
        ]
        if !section.mid.isEmpty { lines.append("a=mid:\(section.mid)") }
        lines += ["a=sendonly", "a=msid:\(Self.name) \(section.kind)", "a=rtcp-mux", "a=rtpmap:\(type) \(track.encoding)"]
        if !track.parameters.isEmpty { lines.append("a=fmtp:\(type) \(track.parameters)") }
        if track.codec.isVideo { lines += ["nack", "nack pli", "ccm fir"].map { "a=rtcp-fb:\(type) \($0)" } }
        lines += ["a=ssrc:\(source) cname:\(Self.name)", "a=ssrc:\(source) msid:\(Self.name) \(section.kind)"]
        lines += local.candidates.map { "a=\($0)" }
        lines.append("a=end-of-candidates")
        return lines
    }
}
