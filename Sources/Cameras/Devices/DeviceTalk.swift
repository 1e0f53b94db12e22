/// A form in which devices take sound: G.711 (ITU-T), 8000 samples a second, one channel, by its name in RFC 3551.
public enum TalkCodec: String, Codable, Sendable, CaseIterable {
    case pcmu, pcma

    /// Bytes of a second.
    public static let bytesPerSecond = 8000
}
