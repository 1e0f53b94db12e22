import Core
import Media

/// Cuts a piece out of a device's recording, in the worker: from the key frame before its beginning, packets as they are.
struct RecordingCutter: ~Copyable {
    /// What is kept while the beginning is looked for: a group of pictures.
    private static let mostKept = 64 << 20
    private static let fragment = Duration.seconds(2)

    private let cut: RecordingCut
    private let pipes: WorkerPipes
    private var muxer: FragmentedMP4Muxer?
    private var result: RecordingCutResult?
    /// Samples since the last key frame before the beginning.
    private var kept: [Sample] = []
    private var keptBytes = 0
    /// The first picture's time, from which the recording is counted.
    private var zero: MediaTime?
    /// The decode time that is zero in the file.
    private var origin: MediaTime?
    private var fragmentStart: MediaTime?
    private var lastDecode: [StreamFormat.Kind: MediaTime] = [:]
    private var firstWanted: MediaTime?
    private var lastVideo: MediaTime?
    private var wantedFrames = 0
    private var keys: (first: MediaTime, last: MediaTime, count: Int)?

    init(_ cut: RecordingCut, pipes: WorkerPipes) {
        self.cut = cut
        self.pipes = pipes
    }

    mutating func run() throws {
        var source = try Demuxer(recording: pipes.sourceReader())
        let formats = source.formats
        guard let videoTrack = formats.firstIndex(where: { $0?.kind == .video }), let video = formats[videoTrack] else {
            throw WorkerFailure(.refused, "the recording has no picture")
        }
        guard video.codec == .h264 || video.codec == .hevc, video.width > 0, video.height > 0 else {
            throw WorkerFailure(.refused, "the recording's picture (\(video.codec.rawValue)) cannot be kept")
        }
        let audioTrack = formats.firstIndex { format in
            format.map { $0.kind == .audio && ($0.codec.isG711 || $0.codec == .aac && !$0.configuration.isEmpty) } ?? false
        }
        let audio = audioTrack.flatMap { formats[$0] }
        result = RecordingCutResult(video: video, audio: audio)
        muxer = try FragmentedMP4Muxer(
            formats: [video] + (audio.map { [$0] } ?? []), container: audio?.codec.isG711 ?? false ? .mov : .mp4)
        while let item = try source.read() {
            guard item.track == videoTrack || item.track == audioTrack else { continue }
            guard let sample = try sample(item, format: item.track == videoTrack ? video : audio ?? video) else { continue }
            guard try take(sample) else { break }
        }
        try finish()
    }

    /// A packet with times that a file can have, counted from the first picture; nil where it comes before.
    private mutating func sample(_ item: borrowing Demuxer.Item, format: StreamFormat) throws -> Sample? {
        let last = lastDecode[format.kind]
        guard let said = item.time ?? item.decodeTime ?? last.map({ $0 + max(item.duration, .milliseconds(1)) }) else { return nil }
        if zero == nil {
            guard format.kind == .video, item.packet.isKeyFrame else { return nil }
            zero = said
            lastDecode = [:]
        }
        let offset = (zero ?? MediaTime.zero) - MediaTime.zero
        let wanted = min((item.decodeTime ?? said) - offset, said - offset)
        let decodeTime = lastDecode[format.kind].map { max(wanted, $0 + .microseconds(100)) } ?? wanted
        lastDecode[format.kind] = decodeTime
        return Sample(
            format: format, time: max(said - offset, decodeTime), decodeTime: decodeTime, duration: item.duration,
            isKeyFrame: format.kind == .audio || item.packet.isKeyFrame, arrival: .zero, packet: try item.packet.reference())
    }

    /// Takes a sample; false when all that is wanted is there.
    private mutating func take(_ sample: Sample) throws -> Bool {
        let isVideo = sample.format.kind == .video
        if origin == nil {
            if isVideo, sample.isKeyFrame { (kept, keptBytes) = ([], 0) }
            kept.append(sample)
            keptBytes += sample.count
            guard keptBytes <= Self.mostKept else { throw WorkerFailure(.refused, "the recording has too few key frames") }
            guard isVideo, sample.time >= cut.from, let key = kept.first else { return true }
            origin = key.decodeTime
            fragmentStart = key.decodeTime
            let waiting = kept
            kept = []
            for sample in waiting { try write(sample) }
            return true
        }
        if isVideo, sample.decodeTime >= cut.to { return false }
        try write(sample)
        return true
    }

    private mutating func write(_ sample: Sample) throws {
        guard let origin, sample.decodeTime >= origin else { return }
        let isVideo = sample.format.kind == .video
        if isVideo, let start = fragmentStart, sample.decodeTime - start >= Self.fragment {
            try flush()
            fragmentStart = sample.decodeTime
        }
        try muxer?.write(sample, track: isVideo ? 0 : 1, origin: origin)
        guard isVideo else { return }
        if sample.isKeyFrame { keys = (keys?.first ?? sample.time, sample.time, (keys?.count ?? 0) + 1) }
        guard sample.time >= cut.from else { return }
        firstWanted = min(firstWanted ?? sample.time, sample.time)
        lastVideo = max(lastVideo ?? sample.time, sample.time)
        wantedFrames += 1
    }

    private mutating func flush() throws {
        try muxer?.cut()
        guard let bytes = muxer?.takeBytes(), !bytes.isEmpty else { return }
        result?.bytes += bytes.count
        pipes.send(WorkerMessage(.fragment, body: bytes))
    }

    private mutating func finish() throws {
        guard let origin, let firstWanted, let lastVideo, var done = result, wantedFrames > 0 else {
            throw WorkerFailure(.refused, "the recording has no picture of this time")
        }
        try flush()
        let span = (lastVideo - firstWanted).seconds
        let interval = wantedFrames > 1 ? span / Double(wantedFrames - 1) : 0
        done.bytes = result?.bytes ?? 0
        done.frames = wantedFrames
        done.footage.duration = span + interval
        done.footage.frameRate = interval > 0 ? min(1000, (100 / interval).rounded() / 100) : 0
        done.keyFrameSeconds = keys.map { $0.count > 1 ? ($0.last - $0.first).seconds / Double($0.count - 1) : 0 } ?? 0
        done.startsAfter = (firstWanted - MediaTime.zero).seconds
        done.sourceStart = (firstWanted - origin).microseconds
        pipes.send(.done, head: done)
    }
}
