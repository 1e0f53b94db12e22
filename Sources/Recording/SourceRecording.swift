import Core
import Media

/// Writes one clip's source as it comes, two seconds a fragment, each durable before the next.
///
/// Invariant: everything but the last two seconds survives a power cut at any instant.
struct SourceRecording: ~Copyable {
    private static let fragment = Duration.seconds(2)

    private let file: any FootageFile
    private var muxer: FragmentedMP4Muxer
    private let video: StreamFormat
    private let audio: StreamFormat?
    /// The stream's time that is zero in the source.
    let origin: MediaTime
    private var fragmentStart: MediaTime
    private var lastVideo: MediaTime
    private var lastAudio = MediaTime(microseconds: -1)
    /// Frames written.
    private(set) var frames = 0

    /// The container for a source with this sound.
    static func container(for audio: StreamFormat?) -> FragmentedMP4Muxer.Container {
        audio?.codec.isG711 ?? false ? .mov : .mp4
    }

    /// Begins with `first`, a key frame.
    init(file: any FootageFile, first: Sample, audio: StreamFormat?) throws(MediaError) {
        // What neither MP4 nor QuickTime holds is left out; the plan says so.
        let audio = audio.flatMap { $0.codec == .aac && !$0.configuration.isEmpty || $0.codec.isG711 ? $0 : nil }
        // Before a property is set: Swift 6.2 would give that back twice.
        let muxer = try FragmentedMP4Muxer(formats: [first.format] + (audio.map { [$0] } ?? []), container: Self.container(for: audio))
        self.file = file
        self.video = first.format
        self.audio = audio
        self.origin = first.decodeTime
        self.fragmentStart = first.decodeTime
        self.lastVideo = first.decodeTime
        self.muxer = muxer
    }

    /// Adds a sample of the same formats; those before the first key frame are left out.
    mutating func add(_ sample: Sample) async throws {
        guard sample.decodeTime >= origin else { return }
        if sample.format.kind == .video {
            if sample.decodeTime - fragmentStart >= Self.fragment, frames > 0 {
                try await flush()
                fragmentStart = sample.decodeTime
            }
            try muxer.write(sample, track: 0, origin: origin)
            lastVideo = sample.time
            frames += 1
        } else if audio != nil, sample.decodeTime > lastAudio {
            lastAudio = sample.decodeTime
            try muxer.write(sample, track: 1, origin: origin)
        }
    }

    /// Makes everything so far durable.
    mutating func flush() async throws {
        try muxer.cut()
        let bytes = muxer.takeBytes()
        guard !bytes.isEmpty else { return }
        try await file.append(bytes)
        try await file.synchronize()
    }

    /// Whether `sample` still fits this file.
    func fits(_ sample: Sample) -> Bool {
        sample.format.kind == .audio || sample.format == video
    }

    /// The source holds footage up to here.
    var end: MediaTime { lastVideo }
}
