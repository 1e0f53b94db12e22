import Media
import NIOCore

/// Puts units together again out of packets, as a reader does.
struct Depacketizer {
    struct Head: Equatable {
        let isMarked: Bool
        let payloadType: UInt8
        let sequence: UInt16
        let timestamp: UInt32
        let source: UInt32
    }

    let isH265: Bool
    private(set) var heads: [Head] = []
    private(set) var payloads: [[UInt8]] = []
    private(set) var units: [[UInt8]] = []

    init(isH265: Bool = false) {
        self.isH265 = isH265
    }

    mutating func take(_ packet: ByteBuffer) {
        let bytes = Array(packet.readableBytesView)
        func number(_ range: Range<Int>) -> UInt32 { bytes[range].reduce(0) { $0 << 8 | UInt32($1) } }
        heads.append(
            Head(
                isMarked: bytes[1] & 0x80 != 0, payloadType: bytes[1] & 0x7F, sequence: UInt16(number(2..<4)), timestamp: number(4..<8),
                source: number(8..<12)))
        payloads.append(Array(bytes[12...]))
    }

    mutating func takeVideo(_ packet: ByteBuffer) {
        take(packet)
        guard let payload = payloads.last else { return }
        let type = isH265 ? payload[0] >> 1 & 0x3F : payload[0] & 0x1F
        switch (isH265, type) {
        case (false, 24), (true, 48): takeAggregate(payload)
        case (false, 28):
            if payload[1] & 0x80 != 0 { units.append([payload[0] & 0xE0 | payload[1] & 0x1F]) }
            units[units.count - 1] += payload[2...]
        case (true, 49):
            if payload[2] & 0x80 != 0 { units.append([payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]]) }
            units[units.count - 1] += payload[3...]
        default: units.append(payload)
        }
    }

    private mutating func takeAggregate(_ payload: [UInt8]) {
        var rest = payload[(isH265 ? 2 : 1)...]
        while rest.count > 2 {
            let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            units.append(Array(rest.dropFirst(2).prefix(length)))
            rest = rest.dropFirst(2 + length)
        }
    }
}
