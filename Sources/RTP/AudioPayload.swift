import NIOCore

/// Sound as payloads of RTP.
enum AudioPayload {
    /// The headers' length in bits, and one header.
    private static let headersSize = 4
    /// The size has 13 bits.
    private static let largestUnit = 0x1FFF

    /// One access unit of AAC in high bit rate mode (RFC 3640, section 3.3.6), in pieces where it is too large (section 3.2.3.2).
    static func packetizeAAC(_ unit: UnsafeRawBufferPointer, room: Int, _ take: RTPTrack.Take) {
        guard !unit.isEmpty, unit.count <= largestUnit else { return }
        var rest = unit
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(room - headersSize))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
            take(0, rest.isEmpty, headersSize + piece.count) { packet in
                packet.writeInteger(16 as UInt16)
                packet.writeInteger(UInt16(unit.count) << 3)
                packet.writeBytes(piece)
            }
        }
    }

    /// A packet of Opus is a payload as it is (RFC 7587, section 4.2).
    static func packetizeOpus(_ bytes: UnsafeRawBufferPointer, room: Int, _ take: RTPTrack.Take) {
        guard !bytes.isEmpty, bytes.count <= room else { return }
        take(0, false, bytes.count) { $0.writeBytes(bytes) }
    }

    /// G.711: octets as they are, each a tick (RFC 3551, section 4.5.14).
    static func packetizeG711(_ bytes: UnsafeRawBufferPointer, channels: Int, room: Int, _ take: RTPTrack.Take) {
        let channels = max(1, channels)
        let most = max(channels, room / channels * channels)
        var start = 0
        while start < bytes.count {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + most, bytes.count)])
            take(UInt32(truncatingIfNeeded: start / channels), false, piece.count) { $0.writeBytes(piece) }
            start += piece.count
        }
    }
}
