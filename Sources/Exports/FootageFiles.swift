import BoxDatabase
import Core
import Crypto
import Foundation
import Media
import Playback

/// What of a channel's footage follows in one go, in which form.
struct ExportedPiece: Sendable {
    let footage: FootagePiece
    var video: StreamFormat
    let audio: StreamFormat?
}

/// Writes one channel's footage into MP4 files: pictures and sound as they are, pieces one right after the other, another file where the pictures'
/// form changes or a file is long enough. All calls block.
struct FootageFiles: ~Copyable {
    private struct Open: ~Copyable {
        var muxer: MP4FileMuxer
        var sound: AudioTranscoder?
        let path: String
        let video: StreamFormat
        let audio: StreamFormat?
        var file: ExportedFile
        /// Where the file's next picture must not lie before.
        var lastVideo: MediaTime?
        var lastAudio: MediaTime?
        /// The piece's time that is zero in the file.
        var origin = MediaTime.zero

        /// Where in the file the next picture comes; nil while it has none.
        func end(_ interval: Duration) -> MediaTime? { lastVideo.map { $0 + interval } }
    }

    private let folder: String
    private let name: String
    private let title: String
    private let channel: ChannelID
    /// The moment at which samples' times are zero.
    private let zero: Date
    private let pieceSeconds: Int?
    private let most: Int
    private var piece: ExportedPiece?
    private var open: Open?
    private var interval = Duration.milliseconds(40)
    private var written = 0
    private(set) var files: [ExportedFile] = []

    /// Files are called `name`-1.mp4 and so on, and may have `most` bytes together.
    init(folder: String, name: String, title: String, channel: ChannelID, zero: Date, pieceSeconds: Int?, most: Int) {
        self.folder = folder
        self.name = name
        self.title = title
        self.channel = channel
        self.zero = zero
        self.pieceSeconds = pieceSeconds
        self.most = most
    }

    private func moment(of time: MediaTime) -> Date { zero.addingTimeInterval((time - .zero).seconds) }

    /// What follows is of another piece; it goes on in the open file where it fits.
    mutating func begin(_ piece: ExportedPiece) throws {
        self.piece = piece
        guard let end = open?.end(interval) else { return }
        guard open?.video == piece.video, open?.audio == piece.audio else { return try close() }
        open?.file.pieces.append(
            .init(
                startsAt: (end - .zero).seconds, from: .distantPast, to: .distantPast, source: piece.footage.place.rawValue,
                clip: piece.footage.clip))
    }

    /// Adds a sample of the present piece; a piece begins with a key frame.
    mutating func take(_ sample: Sample) throws {
        guard let piece else { return }
        let isVideo = sample.format.kind == .video
        if isVideo, sample.isKeyFrame, let pieceSeconds, let began = open?.file.pieces.first?.from, began != .distantPast,
            moment(of: sample.time).timeIntervalSince(began) >= Double(pieceSeconds)
        {
            try close()
        }
        if open == nil {
            guard isVideo, sample.isKeyFrame else { return }
            try openFile(piece, first: sample)
        }
        try isVideo ? takeVideo(sample) : takeSound(sample)
        guard written <= most else { throw ExportFailure("The export would be larger than \(most / 1_000_000) MB. Choose a shorter time.") }
    }

    private mutating func openFile(_ piece: ExportedPiece, first: Sample) throws {
        let number = files.count + 1
        let name = "\(name)-\(number).mp4"
        let path = "\(folder)/\(name)"
        var audio = piece.audio.flatMap { $0.codec == .aac && !$0.configuration.isEmpty ? $0 : nil }
        var sound: AudioTranscoder?
        if let source = piece.audio, source.codec.isG711 {
            let made = try AudioTranscoder(source: source)
            audio = made.format
            sound = consume made
        }
        let muxer = try MP4FileMuxer(
            path: path, formats: [piece.video] + (audio.map { [$0] } ?? []), title: title,
            created: GatehouseJSON.text(moment(of: first.time)))
        open = Open(
            muxer: muxer, sound: sound, path: path, video: piece.video, audio: piece.audio,
            file: ExportedFile(
                name: name, bytes: 0, sha256: "", contentType: "video/mp4", channel: channel,
                pieces: [
                    .init(startsAt: 0, from: .distantPast, to: .distantPast, source: piece.footage.place.rawValue, clip: piece.footage.clip)
                ]))
    }

    private mutating func takeVideo(_ sample: Sample) throws {
        guard open != nil, let last = open?.file.pieces.indices.last else { return }
        let moment = moment(of: sample.time)
        if open?.file.pieces[last].from == .distantPast {
            guard sample.isKeyFrame else { return }
            let end = open?.end(interval) ?? .zero
            let before: Duration = end - .zero
            open?.origin = sample.decodeTime - before
            open?.file.pieces[last].from = moment
        }
        let origin = open?.origin ?? .zero
        let decodeTime = MediaTime.zero + (sample.decodeTime - origin)
        if let before = open?.lastVideo {
            guard decodeTime > before else { return }
            // Pictures from before a seam follow each other at once.
            if (.milliseconds(5)..<Duration.seconds(2)).contains(decodeTime - before) { interval = decodeTime - before }
        }
        try sample.withPacket { packet throws(MediaError) in
            try open?.muxer.write(
                packet, track: 0, time: max(decodeTime, MediaTime.zero + (sample.time - origin)), decodeTime: decodeTime,
                duration: interval)
        }
        written += sample.count
        open?.lastVideo = decodeTime
        open?.file.pieces[last].to = moment.addingTimeInterval(interval.seconds)
    }

    private mutating func takeSound(_ sample: Sample) throws {
        guard let piece = open?.file.pieces.last, piece.from != .distantPast, sample.format == open?.audio else { return }
        var made: [Sample] = []
        if let format = open?.sound?.format {
            try sample.withPacket { packet throws(MediaError) in
                try open?.sound?.transcode(packet, time: sample.time) { encoded throws(MediaError) in
                    made.append(encoded.sample(of: format))
                }
            }
        } else {
            made = [sample]
        }
        for sample in made { try writeSound(sample, notBefore: piece.startsAt) }
    }

    private mutating func writeSound(_ sample: Sample, notBefore start: Double) throws {
        let time = MediaTime.zero + (sample.time - (open?.origin ?? .zero))
        guard time > (open?.lastAudio ?? MediaTime(microseconds: -1)), (time - .zero).seconds >= start else { return }
        open?.lastAudio = time
        try sample.withPacket { packet throws(MediaError) in
            try open?.muxer.write(packet, track: 1, time: time, decodeTime: time, duration: sample.duration)
        }
        written += sample.count
    }

    /// Finishes the open file.
    mutating func close() throws {
        guard open != nil else { return }
        try open?.muxer.finish()
        if var done = open?.file, let path = open?.path {
            // A break so short that nobody would see it is none.
            done.pieces.removeAll { $0.from == .distantPast }
            (done.bytes, done.sha256) = try Self.digest(path)
            files.append(done)
        }
        open = nil
    }

    /// The size and SHA-256 of the file at `path`.
    static func digest(_ path: String) throws -> (bytes: Int, sha256: String) {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw ExportFailure("A file of the export cannot be read.") }
        defer { try? handle.close() }
        var (hasher, total) = (SHA256(), 0)
        while let data = try handle.read(upToCount: 1 << 18), !data.isEmpty {
            hasher.update(data: data)
            total += data.count
        }
        return (total, hasher.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }
}

/// Why nothing came of an export.
struct ExportFailure: Error {
    let sentence: String

    init(_ sentence: String) { self.sentence = sentence }
}
