import Foundation

/// What the initialisation part of a fragmented file says of its tracks (ISO/IEC 14496-12, 8.3 to 8.8).
///
/// Read without FFmpeg, so that fragments out of the middle of a clip can be read by themselves; whatever does not fit is an error.
public struct MovieHeader: Sendable {
    /// One track.
    public struct Track: Sendable {
        let id: UInt32
        /// Ticks a second.
        let timescale: Int64
        public let format: StreamFormat
        /// Samples are under common encryption (ISO/IEC 23001-7).
        public let isProtected: Bool
        var defaults = SampleDefaults()
    }

    /// What holds for samples of which a fragment does not say it itself.
    struct SampleDefaults: Sendable {
        var duration: UInt32 = 0
        var size: UInt32 = 0
        var flags: UInt32 = 0
    }

    /// The tracks that are video or audio of a known codec.
    public private(set) var tracks: [Track] = []

    /// Reads the `moov` among the top-level boxes of `bytes`.
    public init(_ bytes: [UInt8]) throws(MediaError) {
        guard let end = MP4Stream.end(of: "moov", in: bytes), let movie = try MP4.box("moov", bytes, in: 0..<end) else {
            throw MediaError("moov", kind: .invalidData)
        }
        for box in try MP4.boxes(bytes, in: movie.contents) where box.type == "trak" {
            if let track = try Self.track(bytes, box) { tracks.append(track) }
        }
        guard let extends = try MP4.box("mvex", bytes, in: movie.contents) else { return }
        for box in try MP4.boxes(bytes, in: extends.contents) where box.type == "trex" {
            let id = try MP4.read32(bytes, at: box.payload + 4)
            guard let index = tracks.firstIndex(where: { $0.id == id }) else { continue }
            tracks[index].defaults = SampleDefaults(
                duration: try MP4.read32(bytes, at: box.payload + 12), size: try MP4.read32(bytes, at: box.payload + 16),
                flags: try MP4.read32(bytes, at: box.payload + 20))
        }
    }

    /// The format of the first track of this kind.
    public func format(_ kind: StreamFormat.Kind) -> StreamFormat? { tracks.first { $0.format.kind == kind }?.format }

    private static func track(_ bytes: [UInt8], _ track: MP4Box) throws(MediaError) -> Track? {
        guard let head = try MP4.box("tkhd", bytes, in: track.contents), let media = try MP4.box("mdia", bytes, in: track.contents),
            let times = try MP4.box("mdhd", bytes, in: media.contents), let information = try MP4.box("minf", bytes, in: media.contents),
            let table = try MP4.box("stbl", bytes, in: information.contents),
            let descriptions = try MP4.box("stsd", bytes, in: table.contents), head.payload < head.end, times.payload < times.end,
            descriptions.payload + 8 <= descriptions.end
        else { return nil }
        let id = try MP4.read32(bytes, at: head.payload + (bytes[head.payload] == 1 ? 20 : 12))
        let timescale = Int64(try MP4.read32(bytes, at: times.payload + (bytes[times.payload] == 1 ? 20 : 12)))
        guard timescale > 0, let entry = try MP4.boxes(bytes, in: descriptions.payload + 8..<descriptions.end).first else { return nil }
        let isProtected = entry.type == "encv" || entry.type == "enca"
        guard let format = try SampleEntry(bytes, entry).format else { return nil }
        return Track(id: id, timescale: timescale, format: format, isProtected: isProtected)
    }
}

/// One entry of a sample description box.
private struct SampleEntry {
    private let bytes: [UInt8]
    private let entry: MP4Box
    private let type: String
    private let children: Range<Int>

    init(_ bytes: [UInt8], _ entry: MP4Box) throws(MediaError) {
        self.bytes = bytes
        self.entry = entry
        let isVideo = ["avc1", "avc3", "hvc1", "hev1", "encv"].contains(entry.type)
        guard entry.payload + (isVideo ? 78 : 28) <= entry.end else { throw MediaError("sample entry", kind: .invalidData) }
        // QuickTime's second version has four numbers more.
        let more = !isVideo && bytes[entry.payload + 9] == 1 ? 16 : 0
        children = min(entry.end, entry.payload + (isVideo ? 78 : 28 + more))..<entry.end
        guard entry.type == "encv" || entry.type == "enca" else {
            type = entry.type
            return
        }
        guard let scheme = try MP4.box("sinf", bytes, in: children), let original = try MP4.box("frma", bytes, in: scheme.contents),
            original.payload + 4 <= original.end
        else { throw MediaError("sample entry: sinf", kind: .invalidData) }
        type = String(decoding: bytes[original.payload..<original.payload + 4], as: UTF8.self)
    }

    var format: StreamFormat? {
        get throws(MediaError) {
            switch type {
            case "avc1", "avc3": try video(.h264, "avcC")
            case "hvc1", "hev1": try video(.hevc, "hvcC")
            case "mp4a": try aac()
            case "alaw": try sound(.pcmALaw)
            case "ulaw": try sound(.pcmMuLaw)
            default: nil
            }
        }
    }

    private func video(_ codec: Codec, _ name: String) throws(MediaError) -> StreamFormat? {
        guard let box = try MP4.box(name, bytes, in: children) else { return nil }
        let size = try MP4.read32(bytes, at: entry.payload + 24)
        return StreamFormat(
            kind: .video, codec: codec, width: Int(size >> 16), height: Int(size & 0xFFFF), configuration: Data(bytes[box.contents]))
    }

    /// The entry's own number of channels is always two in MP4; the decoder's configuration has the true one (ISO/IEC 14496-3, 1.6.2.1).
    private func aac() throws(MediaError) -> StreamFormat? {
        let configuration = try decoderConfiguration
        guard configuration.count >= 2 else { return try sound(.aac, configuration: configuration) }
        let frequency = (configuration[0] & 7) << 1 | configuration[1] >> 7
        let channels = Int(configuration[1] >> 3 & 15)
        return try sound(.aac, configuration: configuration, channels: frequency < 15 && channels > 0 ? channels : nil)
    }

    private func sound(_ codec: Codec, configuration: [UInt8] = [], channels known: Int? = nil) throws(MediaError) -> StreamFormat? {
        let declared = Int(try MP4.read32(bytes, at: entry.payload + 16) >> 16)
        let rate = Int(try MP4.read32(bytes, at: entry.payload + 24) >> 16)
        return StreamFormat(
            kind: .audio, codec: codec, sampleRate: rate, channels: max(1, known ?? declared), configuration: Data(configuration))
    }

    /// What a decoder of AAC must know: the last descriptor of three, one within the other (ISO/IEC 14496-1, 7.2.6).
    private var decoderConfiguration: [UInt8] {
        get throws(MediaError) {
            guard let box = try MP4.box("esds", bytes, in: children) else { return [] }
            var position = box.payload + 4
            for (tag, fixed) in [(UInt8(3), 3), (4, 13), (5, 0)] {
                guard position < box.end, bytes[position] == tag else { return [] }
                position += 1
                var length = 0
                var isLast = false
                for _ in 0..<4 where !isLast {
                    guard position < box.end else { return [] }
                    length = length << 7 | Int(bytes[position] & 0x7F)
                    isLast = bytes[position] & 0x80 == 0
                    position += 1
                }
                if tag == 5 { return length <= box.end - position ? Array(bytes[position..<position + length]) : [] }
                position += fixed
            }
            return []
        }
    }
}
