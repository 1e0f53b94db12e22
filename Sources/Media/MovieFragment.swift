import Crypto
import CryptoExtras

/// Reads the samples of fragments (`moof` and `mdat`; ISO/IEC 14496-12, 8.8), decrypting those under common encryption.
public struct MovieFragment: Sendable {
    private let header: MovieHeader
    private let key: SymmetricKey?
    /// Of one track of a fragment, and of all together: some seconds have fewer by far, and samples of no bytes would cost memory.
    fileprivate static let mostOfTrack = 10_000
    private static let mostSamples = 50_000

    /// Fragments of the file that `header` begins; `secret` is the key of 16 bytes where they are encrypted.
    public init(header: MovieHeader, secret: [UInt8]? = nil) {
        self.header = header
        key = secret.map { SymmetricKey(data: $0) }
    }

    /// The samples of all whole fragments in `bytes`, each track's in order. Their times are the file's.
    ///
    /// With `keyFramesOnly` no sound and no picture that needs another.
    public func samples(in bytes: [UInt8], keyFramesOnly: Bool = false) throws(MediaError) -> [Sample] {
        var samples: [Sample] = []
        var count = 0
        var fragment: MP4Box?
        // Samples that lie over one another would be more than there is.
        var left = bytes.count
        for box in try MP4.boxes(bytes, in: 0..<bytes.count) {
            if box.type == "moof" { fragment = box }
            guard box.type == "mdat", let moof = fragment else { continue }
            fragment = nil
            for traf in try MP4.boxes(bytes, in: moof.contents) where traf.type == "traf" {
                guard count <= Self.mostSamples else { throw MediaError("fragment: trun", kind: .invalidData) }
                samples += try self.samples(
                    of: traf, in: bytes, moof: moof, end: box.end, keyFramesOnly: keyFramesOnly, left: &left, count: &count)
            }
        }
        return samples
    }

    private func samples(
        of traf: MP4Box, in bytes: [UInt8], moof: MP4Box, end: Int, keyFramesOnly: Bool, left: inout Int, count: inout Int
    ) throws(MediaError) -> [Sample] {
        let run = try TrackRun(bytes, traf, moof: moof, end: end, header: header)
        guard let track = run.track, !keyFramesOnly || track.format.kind == .video else { return [] }
        let protections = track.isProtected ? try SampleProtection.read(bytes, traf) : []
        guard !track.isProtected || key != nil && protections.count >= run.samples.count else {
            throw MediaError("fragment: encrypted", kind: .unsupported)
        }
        left -= run.samples.reduce(0) { $0 + $1.range.count }
        count += run.samples.count
        guard left >= 0 else { throw MediaError("fragment: trun", kind: .invalidData) }
        var samples: [Sample] = []
        for (number, one) in run.samples.enumerated() where !keyFramesOnly || one.isKey {
            var payload = Array(bytes[one.range])
            if track.isProtected, let key { try protections[number].decrypt(&payload, with: key) }
            let decode = MediaTime.of(one.decode, scale: track.timescale)
            samples.append(
                Sample(
                    format: track.format, time: max(decode, MediaTime.of(one.decode + one.offset, scale: track.timescale)),
                    decodeTime: decode, duration: .microseconds(MediaTime.of(one.duration, scale: track.timescale).microseconds),
                    isKeyFrame: one.isKey, arrival: .zero, packet: try Packet(copying: payload, isKeyFrame: one.isKey)))
        }
        return samples
    }
}

extension MediaTime {
    /// Ticks of so many a second; what no recording can be is cut off, so that nothing overflows.
    fileprivate static func of(_ ticks: Int64, scale: Int64) -> MediaTime {
        let most = Int64.max / 2_000_000
        return MediaTime(microseconds: (min(max(ticks, -most), most) * 1_000_000 + scale / 2) / scale)
    }
}

/// The samples of one track in a fragment: where they lie and when they are.
private struct TrackRun {
    struct Entry {
        var range: Range<Int>
        var decode: Int64
        var offset: Int64
        var duration: Int64
        var isKey: Bool
    }

    private(set) var samples: [Entry] = []
    /// Nil for one that is neither video nor audio.
    let track: MovieHeader.Track?

    private static let isNoSyncSample: UInt32 = 0x1_0000

    init(_ bytes: [UInt8], _ traf: MP4Box, moof: MP4Box, end: Int, header: MovieHeader) throws(MediaError) {
        guard let head = try MP4.box("tfhd", bytes, in: traf.contents) else { throw MediaError("fragment: tfhd", kind: .invalidData) }
        let flags = try MP4.read32(bytes, at: head.payload)
        let id = try MP4.read32(bytes, at: head.payload + 4)
        track = header.tracks.first { $0.id == id }
        guard let track else { return }
        // Only offsets from the moof's start are understood: our own muxer writes no others.
        guard flags & 1 == 0 else { throw MediaError("fragment: tfhd", kind: .unsupported) }
        var defaults = track.defaults
        var field = head.payload + 8 + (flags & 0x2 != 0 ? 4 : 0)
        func next() throws(MediaError) -> UInt32 {
            defer { field += 4 }
            return try MP4.read32(bytes, at: field)
        }
        if flags & 0x8 != 0 { defaults.duration = try next() }
        if flags & 0x10 != 0 { defaults.size = try next() }
        if flags & 0x20 != 0 { defaults.flags = try next() }
        var decode: Int64 = 0
        if let time = try MP4.box("tfdt", bytes, in: traf.contents), time.payload < time.end {
            let value =
                try bytes[time.payload] == 1 ? MP4.read64(bytes, at: time.payload + 4) : UInt64(MP4.read32(bytes, at: time.payload + 4))
            decode = Int64(min(value, 1 << 50))
        }
        var position = moof.end + 8
        for box in try MP4.boxes(bytes, in: traf.contents) where box.type == "trun" {
            try add(bytes, box, moof: moof, end: end, defaults: defaults, decode: &decode, position: &position)
        }
    }

    private mutating func add(
        _ bytes: [UInt8], _ run: MP4Box, moof: MP4Box, end: Int, defaults: MovieHeader.SampleDefaults, decode: inout Int64,
        position: inout Int
    ) throws(MediaError) {
        let flags = try MP4.read32(bytes, at: run.payload)
        let count = Int(try MP4.read32(bytes, at: run.payload + 4))
        // Samples without fields and without bytes would end nowhere.
        guard count <= MovieFragment.mostOfTrack - samples.count else { throw MediaError("fragment: trun", kind: .invalidData) }
        var field = run.payload + 8
        func next() throws(MediaError) -> UInt32 {
            guard field + 4 <= run.end else { throw MediaError("fragment: trun", kind: .invalidData) }
            defer { field += 4 }
            return try MP4.read32(bytes, at: field)
        }
        if flags & 0x1 != 0 { position = moof.start + Int(Int32(bitPattern: try next())) }
        var firstFlags = flags & 0x4 != 0 ? try next() : nil
        for _ in 0..<count {
            let duration = flags & 0x100 != 0 ? try next() : defaults.duration
            let size = Int(flags & 0x200 != 0 ? try next() : defaults.size)
            let own = flags & 0x400 != 0 ? try next() : defaults.flags
            let offset = flags & 0x800 != 0 ? try next() : 0
            guard position >= 0, size <= end, position <= end - size else { throw MediaError("fragment: trun", kind: .invalidData) }
            samples.append(
                Entry(
                    range: position..<position + size, decode: decode, offset: Int64(Int32(bitPattern: offset)),
                    duration: Int64(duration), isKey: (firstFlags ?? own) & Self.isNoSyncSample == 0))
            firstFlags = nil
            position += size
            decode += Int64(duration)
        }
    }
}

/// How one sample is encrypted (`senc`; ISO/IEC 23001-7, 7.2), by initialisation vectors of 8 bytes, as the box writes them.
private struct SampleProtection {
    let vector: [UInt8]
    /// Bytes that are clear, and bytes after them that are not; all where it is empty.
    let spans: [(clear: Int, protected: Int)]

    static func read(_ bytes: [UInt8], _ traf: MP4Box) throws(MediaError) -> [SampleProtection] {
        guard let box = try MP4.box("senc", bytes, in: traf.contents) else { throw MediaError("fragment: senc", kind: .invalidData) }
        let hasSpans = try MP4.read32(bytes, at: box.payload) & 2 != 0
        let count = Int(try MP4.read32(bytes, at: box.payload + 4))
        var field = box.payload + 8
        guard count <= (box.end - field) / 8 else { throw MediaError("fragment: senc", kind: .invalidData) }
        var found: [SampleProtection] = []
        for _ in 0..<count {
            guard field + 10 <= box.end || !hasSpans && field + 8 <= box.end else { throw MediaError("fragment: senc", kind: .invalidData) }
            let vector = Array(bytes[field..<field + 8])
            field += 8
            var spans: [(clear: Int, protected: Int)] = []
            if hasSpans {
                let number = Int(bytes[field]) << 8 | Int(bytes[field + 1])
                field += 2
                guard field + 6 * number <= box.end else { throw MediaError("fragment: senc", kind: .invalidData) }
                for _ in 0..<number {
                    spans.append((Int(bytes[field]) << 8 | Int(bytes[field + 1]), Int(try MP4.read32(bytes, at: field + 2))))
                    field += 6
                }
            }
            found.append(SampleProtection(vector: vector, spans: spans))
        }
        return found
    }

    /// The spans are one stream of the counter (9.6).
    func decrypt(_ payload: inout [UInt8], with key: SymmetricKey) throws(MediaError) {
        let spans = spans.isEmpty ? [(clear: 0, protected: payload.count)] : spans
        var sealed: [UInt8] = []
        var places: [Range<Int>] = []
        var offset = 0
        for span in spans {
            guard span.clear <= payload.count - offset, span.protected <= payload.count - offset - span.clear else {
                throw MediaError("fragment: senc", kind: .invalidData)
            }
            let place = offset + span.clear..<offset + span.clear + span.protected
            places.append(place)
            sealed += payload[place]
            offset = place.upperBound
        }
        guard !sealed.isEmpty else { return }
        let counter = vector + [UInt8](repeating: 0, count: 8)
        guard let nonce = try? AES._CTR.Nonce(nonceBytes: counter), let opened = try? AES._CTR.decrypt(sealed, using: key, nonce: nonce),
            opened.count == sealed.count
        else { throw MediaError("fragment: decrypt", kind: .other) }
        let plain = Array(opened)
        var taken = 0
        for place in places {
            payload.replaceSubrange(place, with: plain[taken..<taken + place.count])
            taken += place.count
        }
    }
}
