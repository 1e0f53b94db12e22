import Core
import Media

/// Reads the samples of one clip from any time on, by its index where it has one.
struct ClipReader: Sendable {
    /// What was learnt from the beginning of a clip's file.
    struct Head: Sendable {
        let header: MovieHeader
        let index: SegmentIndex?
        /// Where the fragments begin.
        let start: Int
    }

    private static let headBytes = 32 << 10
    /// A clip of five minutes has a tenth of it before its first picture.
    private static let mostHeadBytes = 2 << 20
    /// So much is asked for at once where the next fragments are wanted too.
    private static let runBytes = 1 << 20
    /// No fragment and no head of the box's own is larger.
    private static let mostBytes = 64 << 20

    let head: Head
    private let bytes: any ClipBytes
    private let fragments: MovieFragment

    /// `secret` opens a clip that is encrypted.
    init(_ bytes: any ClipBytes, head: Head, secret: [UInt8]?) {
        self.bytes = bytes
        self.head = head
        fragments = MovieFragment(header: head.header, secret: secret)
    }

    /// Reads the beginning of a clip's file.
    static func head(of bytes: any ClipBytes) async throws -> Head {
        var size = headBytes
        while true {
            let read = try await bytes.read(0..<min(size, bytes.count))
            if let end = MP4Stream.end(of: "moov", in: read) {
                let header = try MovieHeader(Array(read[..<end]))
                // The index follows at once, or there is none.
                let behind = MP4Stream.end(of: "sidx", in: read)
                let index = try behind.flatMap { end throws(MediaError) in try SegmentIndex(in: Array(read[..<end])) }
                return Head(header: header, index: index, start: end)
            }
            guard read.count < bytes.count, size < mostHeadBytes else { throw MediaError("clip: moov", kind: .invalidData) }
            size = min(size * 8, mostHeadBytes)
        }
    }

    /// Hands over the samples from the key frame at or before `from` up to `to`, by the file's times.
    func read(
        from: MediaTime, to: MediaTime, keyFramesOnly: Bool, take: ([Sample]) async throws -> Void
    ) async throws {
        if let entries = head.index?.entries, !entries.isEmpty {
            try await read(entries, from: from, to: to, keyFramesOnly: keyFramesOnly, take: take)
        } else {
            try await readAll(from: from, to: to, keyFramesOnly: keyFramesOnly, take: take)
        }
    }

    private func read(
        _ entries: [SegmentIndex.Entry], from: MediaTime, to: MediaTime, keyFramesOnly: Bool, take: ([Sample]) async throws -> Void
    ) async throws {
        var next = entries.lastIndex { $0.startsWithKeyFrame && $0.start <= from } ?? 0
        var limit = 0
        while next < entries.count, entries[next].start < to {
            var last = next
            while last + 1 < entries.count, entries[last + 1].start < to,
                entries[last + 1].bytes.upperBound - entries[next].bytes.lowerBound <= limit
            {
                last += 1
            }
            let range = entries[next].bytes.lowerBound..<entries[last].bytes.upperBound
            guard range.count <= Self.mostBytes, range.upperBound <= bytes.count else {
                throw MediaError("clip: index", kind: .invalidData)
            }
            let samples = try fragments.samples(in: try await bytes.read(range), keyFramesOnly: keyFramesOnly)
            try await take(Self.ordered(samples, before: to))
            next = last + 1
            // The first picture comes with as little as can be read, key frames alone are far between.
            limit = Self.runBytes
        }
    }

    /// A clip that went up as it came has no index.
    private func readAll(
        from: MediaTime, to: MediaTime, keyFramesOnly: Bool, take: ([Sample]) async throws -> Void
    ) async throws {
        var position = head.start
        var waiting: [UInt8] = []
        var held: [Sample] = []
        var isThere = false
        while position < bytes.count || !waiting.isEmpty {
            guard let end = MP4Stream.end(of: "mdat", in: waiting) else {
                guard position < bytes.count else { break }
                guard waiting.count < Self.mostBytes else { throw MediaError("clip: fragment", kind: .invalidData) }
                let part = position..<min(bytes.count, position + Self.runBytes)
                waiting += try await bytes.read(part)
                position = part.upperBound
                continue
            }
            let samples = Self.ordered(try fragments.samples(in: Array(waiting[..<end]), keyFramesOnly: keyFramesOnly), before: to)
            waiting.removeFirst(end)
            if isThere {
                try await take(samples)
            } else {
                held += samples
                isThere = samples.contains { $0.decodeTime >= from }
                let begin = held.lastIndex { $0.format.kind == .video && $0.isKeyFrame && $0.time <= from }
                if let begin { held.removeFirst(begin) }
                if isThere {
                    try await take(held)
                    held = []
                }
            }
            if let last = samples.last, last.decodeTime >= to - .milliseconds(1) { break }
        }
        if !held.isEmpty { try await take(held) }
    }

    private static func ordered(_ samples: [Sample], before to: MediaTime) -> [Sample] {
        samples.filter { $0.decodeTime < to }.sorted { $0.decodeTime < $1.decodeTime }
    }
}
