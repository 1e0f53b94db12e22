import Foundation

/// Brings pictures of two encoders into one track, all in one form. H.264: both parameter sets, of different numbers, in the configuration.
/// H.265: those of one encoder in the configuration, and each encoder's before each of its key frames (`hev1`; ISO/IEC 14496-15, section 8.4.1).
public enum MergedParameterSets {
    /// Configuration in the form of ISO/IEC 14496-15 (avcC), with four bytes of length before each unit.
    private static func units(avcC bytes: [UInt8]) -> [[UInt8]]? {
        guard bytes.count > 6, bytes[0] == 1, bytes[4] & 3 == 3 else { return nil }
        var units: [[UInt8]] = []
        var offset = 5
        for mask: UInt8 in [0x1F, 0xFF] {
            guard offset < bytes.count else { return nil }
            let count = bytes[offset] & mask
            offset += 1
            for _ in 0..<count {
                guard offset + 2 <= bytes.count else { return nil }
                let length = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
                offset += 2
                guard length > 0, offset + length <= bytes.count else { return nil }
                units.append(Array(bytes[offset..<offset + length]))
                offset += length
            }
        }
        return units
    }

    /// The same of H.265 (hvcC).
    private static func units(hvcC bytes: [UInt8]) -> [[UInt8]]? {
        guard bytes.count > 23, bytes[0] == 1, bytes[21] & 3 == 3 else { return nil }
        var units: [[UInt8]] = []
        var offset = 23
        for _ in 0..<bytes[22] {
            guard offset + 3 <= bytes.count else { return nil }
            let count = Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2])
            offset += 3
            for _ in 0..<count {
                guard offset + 2 <= bytes.count else { return nil }
                let length = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
                offset += 2
                guard length > 0, offset + length <= bytes.count else { return nil }
                units.append(Array(bytes[offset..<offset + length]))
                offset += length
            }
        }
        return units
    }

    private static func units(of format: StreamFormat) -> [[UInt8]]? {
        let bytes = Array(format.configuration)
        guard bytes.first == 1 else { return AnnexB.units(bytes) }
        return format.codec == .hevc ? units(hvcC: bytes) : units(avcC: bytes)
    }

    /// The configuration of a track that has pictures of both formats, with start codes; nil where they cannot stand in one.
    public static func merged(_ first: StreamFormat, _ second: StreamFormat) -> StreamFormat? {
        guard first.codec == second.codec, first.codec == .h264 || first.codec == .hevc, first.width == second.width,
            first.height == second.height, let ones = units(of: first), let others = units(of: second), !ones.isEmpty, !others.isEmpty
        else { return nil }
        let sets = first.codec == .h264 ? ones + others : ones
        let configuration = sets.reduce(into: Data()) { $0.append(contentsOf: startCode + $1) }
        return first.with(width: first.width, height: first.height, configuration: configuration)
    }

    private static let startCode: [UInt8] = [0, 0, 0, 1]
    /// A unit of type 36 (H.265, section 7.4.2.2).
    private static let endOfSequence: [UInt8] = startCode + [0x48, 0x01]

    /// The sample in the byte stream format (annex B of H.264), as a sample of `format`; nil where its units do not fit in it. `isLast` of an
    /// encoder's pictures says so in H.265: what follows begins anew.
    public static func byteStream(_ sample: Sample, as format: StreamFormat, isLast: Bool = false) throws(MediaError) -> Sample? {
        var bytes: [UInt8]?
        if sample.format.configuration.first == 1 {
            bytes = sample.withBytes { byteStream($0) }
        } else {
            bytes = sample.withBytes { Array($0) }
        }
        guard var bytes else { return nil }
        if format.codec == .hevc {
            if sample.isKeyFrame {
                guard let sets = units(of: sample.format) else { return nil }
                bytes = sets.reduce(into: []) { $0 += startCode + $1 } + bytes
            }
            if isLast { bytes += endOfSequence }
        }
        return Sample(
            format: format, time: sample.time, decodeTime: sample.decodeTime, duration: sample.duration, isKeyFrame: sample.isKeyFrame,
            arrival: sample.arrival, packet: try Packet(copying: bytes, isKeyFrame: sample.isKeyFrame))
    }

    private static func byteStream(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        var stream: [UInt8] = []
        stream.reserveCapacity(bytes.count)
        var offset = 0
        while offset + 4 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
            offset += 4
            guard length > 0, length <= bytes.count - offset else { return nil }
            stream += startCode
            stream.append(contentsOf: bytes[offset..<offset + length])
            offset += length
        }
        return offset == bytes.count ? stream : nil
    }
}
