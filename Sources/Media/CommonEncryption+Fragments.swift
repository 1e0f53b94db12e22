import Crypto
import CryptoExtras

extension CommonEncryption {
    /// A fragment (`moof` and `mdat`) with its samples encrypted and described in `senc`, `saiz` and `saio` (ISO/IEC 23001-7, 7).
    public mutating func fragment(_ bytes: [UInt8]) throws(MediaError) -> [UInt8] {
        var out: [UInt8] = []
        var moof: MP4Box?
        for box in try MP4.boxes(bytes, in: 0..<bytes.count) {
            switch box.type {
            case "moof":
                guard moof == nil else { throw MediaError("common encryption: moof", kind: .invalidData) }
                moof = box
            case "mdat":
                guard let fragment = moof else { throw MediaError("common encryption: mdat", kind: .invalidData) }
                out += try encrypt(Array(bytes[fragment.start..<box.end]), moofLength: fragment.end - fragment.start)
                moof = nil
            default: out += bytes[box.range]
            }
        }
        // Samples that were not seen would go out in the open.
        guard moof == nil else { throw MediaError("common encryption: mdat", kind: .invalidData) }
        return out
    }

    /// Encrypts the samples of one fragment; `bytes` begin with the `moof`, from whose start offsets count.
    private mutating func encrypt(_ bytes: [UInt8], moofLength: Int) throws(MediaError) -> [UInt8] {
        var media = bytes
        var parts: [FragmentPart] = []
        for box in try MP4.boxes(bytes, in: 8..<moofLength) {
            guard box.type == "traf" else {
                parts.append(.asItIs(Array(bytes[box.range])))
                continue
            }
            let track = try TrackFragment(bytes, box, after: moofLength)
            guard let layout = layouts[track.id] else { throw MediaError("common encryption: unknown track", kind: .invalidData) }
            var descriptions: [SampleDescription] = []
            for sample in track.samples {
                let spans = Self.spans(of: sample, in: bytes, layout: layout)
                try encrypt(&media, sample, spans)
                descriptions.append(SampleDescription(vector: vector, spans: layout == .whole ? nil : spans))
                vector += 1
            }
            parts.append(.track(track, descriptions))
        }
        let growth = parts.reduce(0) { $0 + $1.growth }
        var out: [UInt8] = []
        for part in parts { out += try part.bytes(from: bytes, growth: growth, at: 8 + out.count) }
        return MP4.box("moof", out) + media[moofLength...]
    }

    /// Encrypts what `spans` say of a sample, as one stream of the counter (ISO/IEC 23001-7, 9.6).
    private func encrypt(_ media: inout [UInt8], _ sample: Range<Int>, _ spans: [Span]) throws(MediaError) {
        var plain: [UInt8] = []
        var offset = sample.lowerBound
        for span in spans {
            plain += media[offset + span.clear..<offset + span.clear + span.protected]
            offset += span.clear + span.protected
        }
        guard !plain.isEmpty else { return }
        let counter = MP4.big(vector) + [UInt8](repeating: 0, count: 8)
        guard let nonce = try? AES._CTR.Nonce(nonceBytes: counter), let made = try? AES._CTR.encrypt(plain, using: key, nonce: nonce) else {
            throw MediaError("common encryption", kind: .other)
        }
        let sealed = Array(made)
        guard sealed.count == plain.count else { throw MediaError("common encryption", kind: .other) }
        var taken = 0
        offset = sample.lowerBound
        for span in spans {
            let place = offset + span.clear..<offset + span.clear + span.protected
            media.replaceSubrange(place, with: sealed[taken..<taken + span.protected])
            taken += span.protected
            offset = place.upperBound
        }
    }

    /// Bytes that stay, and bytes after them that are encrypted.
    struct Span: Equatable {
        var clear: Int
        var protected: Int
    }

    /// The subsamples of a sample: of each unit all but its length, its header and what whole blocks of 16 bytes leave over is
    /// protected; parameter sets and the like (ISO/IEC 14496-10, table 7-1; 23008-2, table 7-1) stay, as decoders must find them.
    static func spans(of sample: Range<Int>, in bytes: [UInt8], layout: Layout) -> [Span] {
        guard case .units(let lengthBytes, let hevc) = layout else { return [Span(clear: 0, protected: sample.count)] }
        var spans: [Span] = []
        var clear = 0
        var offset = sample.lowerBound
        while sample.upperBound - offset > lengthBytes {
            let length = (0..<lengthBytes).reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
            let unit = offset + lengthBytes
            guard length <= sample.upperBound - unit else { break }
            let header = hevc ? 2 : 1
            let type = length > 0 ? (hevc ? Int(bytes[unit] >> 1) & 63 : Int(bytes[unit]) & 31) : 0
            let isReadable = hevc ? (32...40).contains(type) : (6...13).contains(type) || type == 15
            let protected = !isReadable ? max(0, length - header) / 16 * 16 : 0
            clear += lengthBytes + length - protected
            if protected > 0 {
                spans.append(Span(clear: clear, protected: protected))
                clear = 0
            }
            offset = unit + length
        }
        // What cannot be understood must not go out in the open.
        let rest = sample.upperBound - offset
        if rest > 0 || clear > 0 { spans.append(Span(clear: clear, protected: rest)) }
        return fitted(spans)
    }

    /// As many subsamples as `saiz` can describe (40), and no clear run over 65,535 bytes.
    private static func fitted(_ spans: [Span]) -> [Span] {
        var fitting: [Span] = []
        for var span in spans {
            while span.clear > 0xFFFF {
                fitting.append(Span(clear: 0xFFFF, protected: 0))
                span.clear -= 0xFFFF
            }
            fitting.append(span)
        }
        let most = 40
        guard fitting.count > most else { return fitting }
        let rest = fitting[(most - 1)...].dropFirst().reduce(0) { $0 + $1.clear + $1.protected }
        fitting.removeLast(fitting.count - most)
        fitting[most - 1].protected += rest
        return fitting
    }
}

/// What `senc` says of one sample.
private struct SampleDescription {
    let vector: UInt64
    let spans: [CommonEncryption.Span]?

    var bytes: [UInt8] {
        guard let spans else { return MP4.big(vector) }
        return spans.reduce(MP4.big(vector) + MP4.big(UInt16(spans.count))) {
            $0 + MP4.big(UInt16($1.clear)) + MP4.big(UInt32($1.protected))
        }
    }
}

/// A child of the `moof` as it will be written.
private enum FragmentPart {
    case asItIs([UInt8])
    case track(TrackFragment, [SampleDescription])

    var growth: Int {
        guard case .track(_, let samples) = self else { return 0 }
        return Self.auxiliary(samples, firstAt: 0).bytes.count
    }

    /// `senc`, `saiz` and `saio`, and how far into them the first sample's vector lies.
    private static func auxiliary(_ samples: [SampleDescription], firstAt offset: Int) -> (bytes: [UInt8], first: Int) {
        let count = MP4.big(UInt32(samples.count))
        let described = samples.map(\.bytes)
        let hasSpans = samples.contains { $0.spans != nil }
        let information = MP4.fullBox("senc", flags: hasSpans ? 2 : 0, count + described.flatMap { $0 })
        let sizes = hasSpans ? [0] + count + described.map { UInt8(clamping: $0.count) } : [8] + count
        let place = MP4.big(UInt32(1)) + MP4.big(UInt32(clamping: offset))
        return (information + MP4.fullBox("saiz", sizes) + MP4.fullBox("saio", place), 16)
    }

    /// `offset` is where the part will lie in the `moof`.
    func bytes(from source: [UInt8], growth: Int, at offset: Int) throws(MediaError) -> [UInt8] {
        switch self {
        case .asItIs(let bytes): return bytes
        case .track(let track, let samples):
            var contents: [UInt8] = []
            for box in try MP4.boxes(source, in: track.box.contents) {
                var bytes = Array(source[box.range])
                // The samples lie further behind the moof's start than they did.
                if box.type == "trun", try MP4.read32(bytes, at: 8) & 1 != 0 {
                    bytes.replaceSubrange(16..<20, with: MP4.big(try MP4.read32(bytes, at: 16) &+ UInt32(growth)))
                }
                contents += bytes
            }
            let first = offset + 8 + contents.count + Self.auxiliary(samples, firstAt: 0).first
            return MP4.box("traf", contents + Self.auxiliary(samples, firstAt: first).bytes)
        }
    }
}

/// Where the samples of a track lie in a fragment (ISO/IEC 14496-12, 8.8.7 and 8.8.8).
private struct TrackFragment {
    let box: MP4Box
    let id: UInt32
    private(set) var samples: [Range<Int>] = []

    init(_ bytes: [UInt8], _ traf: MP4Box, after moofLength: Int) throws(MediaError) {
        box = traf
        guard let head = try MP4.box("tfhd", bytes, in: traf.contents) else {
            throw MediaError("common encryption: tfhd", kind: .invalidData)
        }
        let flags = try MP4.read32(bytes, at: head.payload)
        id = try MP4.read32(bytes, at: head.payload + 4)
        // Only offsets from the moof's start are understood: our own muxer writes no others.
        guard flags & 0x02_0000 != 0, flags & 1 == 0 else { throw MediaError("common encryption: tfhd", kind: .unsupported) }
        var field = head.payload + 8
        for flag: UInt32 in [0x2, 0x8] where flags & flag != 0 { field += 4 }
        let defaultSize = flags & 0x10 != 0 ? Int(try MP4.read32(bytes, at: field)) : nil
        var next = moofLength + 8
        for run in try MP4.boxes(bytes, in: traf.contents) where run.type == "trun" {
            next = try addRun(bytes, run, from: next, defaultSize: defaultSize)
        }
    }

    private mutating func addRun(_ bytes: [UInt8], _ run: MP4Box, from start: Int, defaultSize: Int?) throws(MediaError) -> Int {
        let flags = try MP4.read32(bytes, at: run.payload)
        let count = Int(try MP4.read32(bytes, at: run.payload + 4))
        // Samples without fields and without bytes would end nowhere.
        guard count <= bytes.count - samples.count else { throw MediaError("common encryption: trun", kind: .invalidData) }
        var field = run.payload + 8
        var position = start
        if flags & 0x1 != 0 {
            position = Int(Int32(bitPattern: try MP4.read32(bytes, at: field)))
            field += 4
        }
        if flags & 0x4 != 0 { field += 4 }
        let words = [UInt32(0x100), 0x200, 0x400, 0x800].filter { flags & $0 != 0 }
        for _ in 0..<count {
            guard field + 4 * words.count <= run.end else { throw MediaError("common encryption: trun", kind: .invalidData) }
            let place = words.firstIndex(of: 0x200)
            guard
                let size = try place.map({ index throws(MediaError) in Int(try MP4.read32(bytes, at: field + 4 * index)) }) ?? defaultSize,
                position >= 0, size >= 0, size <= bytes.count, position <= bytes.count - size
            else { throw MediaError("common encryption: trun", kind: .invalidData) }
            samples.append(position..<position + size)
            position += size
            field += 4 * words.count
        }
        return position
    }
}
