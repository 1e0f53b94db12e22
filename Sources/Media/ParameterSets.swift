import Foundation

/// Puts a format's parameter sets before its key frames, for readers that take only the first initialisation part of a file.
public enum ParameterSets {
    /// The key frame `sample` with its format's parameter sets before it, in the form in which its bytes are.
    public static func before(_ sample: Sample) throws(MediaError) -> Sample {
        let configuration = [UInt8](sample.format.configuration)
        guard sample.isKeyFrame, let prefix = prefix(configuration, codec: sample.format.codec) else { return sample }
        let payload = sample.withBytes { prefix + [UInt8]($0) }
        return Sample(
            format: sample.format, time: sample.time, decodeTime: sample.decodeTime, duration: sample.duration, isKeyFrame: true,
            arrival: sample.arrival, packet: try Packet(copying: payload, isKeyFrame: true))
    }

    /// Nil where the configuration is not understood.
    static func prefix(_ configuration: [UInt8], codec: Codec) -> [UInt8]? {
        guard let first = configuration.first else { return nil }
        // Behind start codes already, as the samples are.
        if first == 0 { return configuration }
        guard first == 1 else { return nil }
        return codec == .hevc ? hevc(configuration) : h264(configuration)
    }

    /// The sets of an `avcC` (ISO/IEC 14496-15, 5.3.3.1), behind lengths.
    private static func h264(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count > 6, bytes[4] & 3 == 3 else { return nil }
        var position = 5
        var sets: [UInt8] = []
        for mask: UInt8 in [0x1F, 0xFF] {
            guard position < bytes.count else { return nil }
            let count = Int(bytes[position] & mask)
            position += 1
            guard append(count, from: bytes, at: &position, to: &sets) else { return nil }
        }
        return sets
    }

    /// The sets of an `hvcC` (ISO/IEC 14496-15, 8.3.3.1), behind lengths.
    private static func hevc(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count > 22, bytes[21] & 3 == 3 else { return nil }
        var position = 23
        var sets: [UInt8] = []
        for _ in 0..<Int(bytes[22]) {
            guard position + 3 <= bytes.count else { return nil }
            let count = Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
            position += 3
            guard append(count, from: bytes, at: &position, to: &sets) else { return nil }
        }
        return sets
    }

    private static func append(_ count: Int, from bytes: [UInt8], at position: inout Int, to sets: inout [UInt8]) -> Bool {
        for _ in 0..<count {
            guard position + 2 <= bytes.count else { return false }
            let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
            position += 2
            guard length <= bytes.count - position else { return false }
            sets += MP4.big(UInt32(length)) + bytes[position..<position + length]
            position += length
        }
        return true
    }
}
