// RTP makes packets of a stream's samples, reports about them, and the description that a reader needs (RFC 3550 and the payload formats).
// It knows no sockets: who sends the packets, by which protocol and in which session, is decided above.

public import Foundation
public import Media
public import NIOCore

/// One track as packets of RTP (RFC 3550, section 5.1).
public struct RTPTrack: Sendable {
    /// What fits into the datagrams of every usual network, tunnels included.
    public static let usualPacket = 1400
    static let headerSize = 12

    /// Takes one payload: its ticks after the sample's own time, whether its packet bears the marker, its size, and how to write it.
    typealias Take = (_ ticks: UInt32, _ isMarked: Bool, _ size: Int, _ write: (inout ByteBuffer) -> Void) -> Void

    public let format: StreamFormat
    public let payloadType: UInt8
    /// Who sends it (SSRC).
    public let source: UInt32
    /// Ticks a second of the timestamps.
    public let clockRate: Int
    /// Of the next packet.
    public internal(set) var sequence: UInt16
    /// Packets and bytes of payload sent so far, as reports tell them.
    public private(set) var packetCount: UInt32 = 0
    public private(set) var payloadBytes: UInt32 = 0

    private let timestampOffset: UInt32
    private let largestPacket: Int

    /// A track of packets of at most `largestPacket` bytes; nil where there is no payload format for its codec.
    ///
    /// `source`, `sequence` and `timestampOffset` should be random (RFC 3550, section 5.1).
    public init?(
        format: StreamFormat, payloadType: UInt8, source: UInt32, sequence: UInt16, timestampOffset: UInt32,
        largestPacket: Int = usualPacket
    ) {
        guard let clockRate = Self.clockRate(of: format), largestPacket >= 64, payloadType < 128 else { return nil }
        self.format = format
        self.payloadType = payloadType
        self.source = source
        self.sequence = sequence
        self.timestampOffset = timestampOffset
        self.largestPacket = largestPacket
        self.clockRate = clockRate
    }

    /// Ticks a second for a format; nil where there is no payload format for it.
    public static func clockRate(of format: StreamFormat) -> Int? {
        switch format.codec {
        case .h264, .hevc: 90_000
        case .aac: format.sampleRate > 0 && !format.configuration.isEmpty ? format.sampleRate : nil
        // RFC 7587, section 4.1: whatever the rate of the sound itself is.
        case .opus: 48_000
        case .pcmALaw, .pcmMuLaw: format.sampleRate > 0 && format.channels > 0 ? format.sampleRate : nil
        default: nil
        }
    }

    /// The timestamp of a moment.
    public func timestamp(of time: MediaTime) -> UInt32 {
        let (seconds, rest) = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let rate = Int64(clockRate)
        return UInt32(truncatingIfNeeded: seconds &* rate &+ rest * rate / 1_000_000) &+ timestampOffset
    }

    /// The packets of one sample, shown or heard at `time`.
    public mutating func packets(of sample: Sample, at time: MediaTime) -> [ByteBuffer] {
        let timestamp = timestamp(of: time)
        var made: [ByteBuffer] = []
        payloads(of: sample) { ticks, isMarked, size, write in
            made.append(packet(timestamp &+ ticks, isMarked: isMarked, size: size, write))
        }
        return made
    }

    /// Hands over the payloads of one sample, with their ticks after the sample's own time.
    func payloads(of sample: Sample, _ take: Take) {
        let room = largestPacket - Self.headerSize
        switch format.codec {
        case .h264, .hevc:
            sample.format.configuration.withUnsafeBytes { configuration in
                sample.withBytes { bytes in
                    let payload = VideoPayload(isH265: format.codec == .hevc, room: room)
                    payload.packetize(bytes, sets: sample.isKeyFrame ? configuration : nil, take)
                }
            }
        case .aac:
            sample.withBytes { bytes in AudioPayload.packetizeAAC(bytes, room: room, take) }
        case .opus:
            sample.withBytes { bytes in AudioPayload.packetizeOpus(bytes, room: room, take) }
        default:
            sample.withBytes { bytes in AudioPayload.packetizeG711(bytes, channels: format.channels, room: room, take) }
        }
    }

    private mutating func packet(_ timestamp: UInt32, isMarked: Bool, size: Int, _ write: (inout ByteBuffer) -> Void) -> ByteBuffer {
        var packet = ByteBuffer()
        packet.reserveCapacity(Self.headerSize + size)
        packet.writeInteger(0x80 as UInt8)
        packet.writeInteger(payloadType | (isMarked ? 0x80 : 0))
        packet.writeInteger(sequence)
        packet.writeInteger(timestamp)
        packet.writeInteger(source)
        write(&packet)
        sequence &+= 1
        count(packets: 1, payloadBytes: packet.readableBytes - Self.headerSize)
        return packet
    }

    mutating func count(packets: Int, payloadBytes bytes: Int) {
        packetCount &+= UInt32(truncatingIfNeeded: packets)
        payloadBytes &+= UInt32(truncatingIfNeeded: bytes)
    }

    // MARK: Reports

    /// A sender's report with its name (RFC 3550, sections 6.4.1 and 6.5): at `wallClock` it is `time` in the stream.
    public func senderReport(at time: MediaTime, wallClock: Date, name: String) -> ByteBuffer {
        var report = ByteBuffer()
        report.writeBytes([0x80, 200, 0, 6])
        report.writeInteger(source)
        report.writeInteger(Self.ntp(wallClock))
        report.writeInteger(timestamp(of: time))
        report.writeInteger(packetCount)
        report.writeInteger(payloadBytes)
        writeDescription(name, into: &report)
        return report
    }

    /// Tells readers that no more will come (BYE; RFC 3550, section 6.6), behind the report that a compound packet begins with.
    public func goodbye(at time: MediaTime, wallClock: Date, name: String) -> ByteBuffer {
        var packet = senderReport(at: time, wallClock: wallClock, name: name)
        packet.writeBytes([0x81, 203, 0, 1])
        packet.writeInteger(source)
        return packet
    }

    private func writeDescription(_ name: String, into report: inout ByteBuffer) {
        let name = Array(name.utf8.prefix(255))
        // The item, and at least one zero behind it, up to a whole word.
        let length = (2 + name.count + 4) / 4 * 4
        report.writeBytes([0x81, 202])
        report.writeInteger(UInt16(1 + length / 4))
        report.writeInteger(source)
        report.writeBytes([1, UInt8(name.count)] + name)
        report.writeRepeatingByte(0, count: length - 2 - name.count)
    }

    /// A moment as an NTP timestamp (RFC 5905, section 6); its era ends in 2036 and goes on from zero.
    private static func ntp(_ moment: Date) -> UInt64 {
        let since1900 = moment.timeIntervalSince1970 + 2_208_988_800
        let seconds = since1900.rounded(.down)
        let fraction = UInt64(min((since1900 - seconds) * 4_294_967_296, 4_294_967_295))
        return UInt64(UInt32(truncatingIfNeeded: Int64(seconds))) << 32 | fraction
    }
}
