import Crypto
import CryptoExtras

/// Encrypts fragmented MP4 as it is written: common encryption, scheme `cenc` (ISO/IEC 23001-7, AES-128 in counter mode).
///
/// FFmpeg's muxer has `encryption_scheme`, but in fragmented files it describes the samples in the wrong place (`senc` in `moov`, none in
/// `traf`), so that nothing can decrypt them, itself included. Initialisation vectors are of 8 bytes and count the samples of all tracks
/// from zero: no two samples of a clip share one, and each run of a worker has a key of its own.
public struct CommonEncryption: Sendable {
    /// The name of the scheme.
    public static let scheme = "cenc"

    /// What must stay readable of a track's samples.
    enum Layout: Sendable, Equatable {
        /// Everything is encrypted.
        case whole
        /// NAL units behind lengths of so many bytes; their lengths and headers stay.
        case units(length: Int, hevc: Bool)
    }

    let key: SymmetricKey
    private let identifier: [UInt8]
    var layouts: [UInt32: Layout] = [:]
    /// The next sample's initialisation vector.
    var vector: UInt64 = 0

    /// Both of 16 bytes.
    public init(identifier: [UInt8], secret: [UInt8]) throws(MediaError) {
        guard identifier.count == 16, secret.count == 16 else { throw MediaError("common encryption: key", kind: .invalidData) }
        self.identifier = identifier
        self.key = SymmetricKey(data: secret)
    }

    /// The initialisation part, its tracks declared protected (ISO/IEC 14496-12, 8.12), with a `pssh` box that names the key.
    public mutating func header(_ bytes: [UInt8]) throws(MediaError) -> [UInt8] {
        var out: [UInt8] = []
        for box in try MP4.boxes(bytes, in: 0..<bytes.count) {
            guard box.type == "moov" else {
                out += bytes[box.range]
                continue
            }
            var contents: [UInt8] = []
            for child in try MP4.boxes(bytes, in: box.contents) {
                contents += child.type == "trak" ? try track(bytes, child) : Array(bytes[child.range])
            }
            out += MP4.box("moov", contents + systemHeader)
        }
        guard !layouts.isEmpty else { throw MediaError("common encryption: no track", kind: .invalidData) }
        return out
    }

    /// The system of W3C's "cenc" initialisation data format, by which any player learns the key's identifier.
    private var systemHeader: [UInt8] {
        let system: [UInt8] = [0x10, 0x77, 0xEF, 0xEC, 0xC0, 0xB2, 0x4D, 0x02, 0xAC, 0xE3, 0x3C, 0x1E, 0x52, 0xE2, 0xFB, 0x4B]
        return MP4.fullBox("pssh", version: 1, system + MP4.big(UInt32(1)) + identifier + MP4.big(UInt32(0)))
    }

    private mutating func track(_ bytes: [UInt8], _ track: MP4Box) throws(MediaError) -> [UInt8] {
        guard let head = try MP4.box("tkhd", bytes, in: track.contents), let media = try MP4.box("mdia", bytes, in: track.contents),
            let handler = try MP4.box("hdlr", bytes, in: media.contents), handler.payload + 12 <= handler.end, head.payload < head.end
        else { throw MediaError("common encryption: track", kind: .invalidData) }
        let id = try MP4.read32(bytes, at: head.payload + (bytes[head.payload] == 1 ? 20 : 12))
        let isVideo = bytes[handler.payload + 8..<handler.payload + 12].elementsEqual("vide".utf8)
        var layout = Layout.whole
        let rewritten = try protect(bytes, track, isVideo: isVideo, layout: &layout)
        layouts[id] = layout
        return rewritten
    }

    /// The box with its sample entries protected, at whatever depth they lie.
    private func protect(_ bytes: [UInt8], _ box: MP4Box, isVideo: Bool, layout: inout Layout) throws(MediaError) -> [UInt8] {
        switch box.type {
        case "trak", "mdia", "minf", "stbl":
            var contents: [UInt8] = []
            for child in try MP4.boxes(bytes, in: box.contents) { contents += try protect(bytes, child, isVideo: isVideo, layout: &layout) }
            return MP4.box(box.type, contents)
        case "stsd":
            guard box.payload + 8 <= box.end else { throw MediaError("common encryption: stsd", kind: .invalidData) }
            var contents = Array(bytes[box.payload..<box.payload + 8])
            for entry in try MP4.boxes(bytes, in: box.payload + 8..<box.end) {
                if isVideo { layout = try Self.layout(bytes, entry) }
                let type = bytes[entry.start + 4..<entry.start + 8]
                contents += MP4.box(isVideo ? "encv" : "enca", bytes[entry.contents] + scheme(of: Array(type)))
            }
            return MP4.box("stsd", contents)
        default: return Array(bytes[box.range])
        }
    }

    /// The protection scheme information box (`sinf`) of a sample entry that was of `type`.
    private func scheme(of type: [UInt8]) -> [UInt8] {
        let defaults = MP4.fullBox("tenc", [0, 0, 1, 8] + identifier)
        return MP4.box(
            "sinf",
            MP4.box("frma", type) + MP4.fullBox("schm", Array(Self.scheme.utf8) + MP4.big(UInt32(0x0001_0000)))
                + MP4.box("schi", defaults))
    }

    /// How long the lengths before NAL units are, by `avcC` or `hvcC` (ISO/IEC 14496-15).
    private static func layout(_ bytes: [UInt8], _ entry: MP4Box) throws(MediaError) -> Layout {
        let fixed = 78
        guard entry.payload + fixed <= entry.end else { throw MediaError("common encryption: sample entry", kind: .invalidData) }
        let children = entry.payload + fixed..<entry.end
        if entry.type.hasPrefix("avc"), let box = try MP4.box("avcC", bytes, in: children), box.payload + 5 <= box.end {
            return .units(length: Int(bytes[box.payload + 4] & 3) + 1, hevc: false)
        }
        if entry.type.hasPrefix("h"), let box = try MP4.box("hvcC", bytes, in: children), box.payload + 22 <= box.end {
            return .units(length: Int(bytes[box.payload + 21] & 3) + 1, hevc: true)
        }
        return .whole
    }
}
