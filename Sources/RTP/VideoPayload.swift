import Media
import NIOCore

/// H.264 and H.265 as payloads of RTP (RFC 6184, mode 1; RFC 7798 without decoding order numbers).
///
/// What stands before a picture (parameter sets, messages) goes together in one packet; a unit that is too large goes in pieces.
struct VideoPayload {
    let isH265: Bool
    /// Bytes of payload in a packet.
    let room: Int

    private var unitHeader: Int { isH265 ? 2 : 1 }

    /// Hands over the payloads of an access unit; a key frame without parameter sets gets those of `sets`.
    func packetize(_ bytes: UnsafeRawBufferPointer, sets: UnsafeRawBufferPointer?, _ take: RTPTrack.Take) {
        var units: [UnsafeRawBufferPointer] = []
        AnnexB.forEachUnit(in: bytes) { if $0.count > unitHeader { units.append($0) } }
        if let sets, !units.contains(where: isSequenceParameterSet) {
            var own: [UnsafeRawBufferPointer] = []
            AnnexB.forEachUnit(in: sets) { if $0.count > unitHeader { own.append($0) } }
            // Something else than parameter sets behind start codes is none.
            if own.contains(where: isSequenceParameterSet) { units = own + units }
        }
        var together: [UnsafeRawBufferPointer] = []
        for (index, unit) in units.enumerated() {
            let isLast = index == units.count - 1
            let fits = together.reduce(unitHeader + 2 + unit.count) { $0 + 2 + $1.count } <= room
            if isPicture(unit) || !fits {
                flush(&together, isLast: false, take)
            }
            if isPicture(unit) || unit.count + unitHeader + 2 > room {
                single(unit, isLast: isLast, take)
            } else {
                together.append(unit)
            }
        }
        flush(&together, isLast: true, take)
    }

    private func type(_ unit: UnsafeRawBufferPointer) -> UInt8 { isH265 ? unit[0] >> 1 & 0x3F : unit[0] & 0x1F }
    private func isPicture(_ unit: UnsafeRawBufferPointer) -> Bool { isH265 ? type(unit) < 32 : (1...5).contains(type(unit)) }
    private func isSequenceParameterSet(_ unit: UnsafeRawBufferPointer) -> Bool { type(unit) == (isH265 ? 33 : 7) }

    /// An aggregation packet (STAP-A; RFC 7798: AP).
    private func flush(_ units: inout [UnsafeRawBufferPointer], isLast: Bool, _ take: RTPTrack.Take) {
        defer { units = [] }
        guard units.count > 1 else {
            if let unit = units.first { single(unit, isLast: isLast, take) }
            return
        }
        take(0, isLast, units.reduce(unitHeader) { $0 + 2 + $1.count }) { packet in
            if isH265 {
                packet.writeBytes([units[0][0] & 0x81 | 48 << 1, units[0][1]])
            } else {
                packet.writeInteger(units.reduce(0) { max($0, $1[0] & 0x60) } | 24)
            }
            for unit in units {
                packet.writeInteger(UInt16(truncatingIfNeeded: unit.count))
                packet.writeBytes(unit)
            }
        }
    }

    /// A unit as it is, or in pieces (FU-A; RFC 7798: FU).
    private func single(_ unit: UnsafeRawBufferPointer, isLast: Bool, _ take: RTPTrack.Take) {
        guard unit.count > room else { return take(0, isLast, unit.count) { $0.writeBytes(unit) } }
        let type = type(unit)
        var rest = UnsafeRawBufferPointer(rebasing: unit.dropFirst(unitHeader))
        var isFirst = true
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(room - unitHeader - 1))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
            let isEnd = rest.isEmpty
            take(0, isLast && isEnd, unitHeader + 1 + piece.count) { packet in
                packet.writeBytes(isH265 ? [unit[0] & 0x81 | 49 << 1, unit[1]] : [unit[0] & 0xE0 | 28])
                packet.writeInteger((isFirst ? 0x80 : 0) | (isEnd ? 0x40 : 0) | type)
                packet.writeBytes(piece)
            }
            isFirst = false
        }
    }
}
