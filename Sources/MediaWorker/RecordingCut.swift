public import Core
public import Media

/// What is wanted of a device's recording.
public struct RecordingCut: Codable, Sendable {
    /// Counted from the recording's first picture.
    public var from: MediaTime
    public var to: MediaTime

    public init(from: MediaTime, to: MediaTime) {
        self.from = from
        self.to = to
    }

    /// Where a piece may begin that was asked for: a worker may say anything, and clips would lie at times of its choice.
    func bounded(_ startsAfter: Double) -> Double {
        let asked = Double(from.microseconds) / 1_000_000
        return min(max(startsAfter, asked - 1), asked + 10)
    }
}

/// What was cut out of it.
public struct RecordingCutResult: Codable, Sendable, Equatable {
    public var footage: ClipManifest.Footage
    public var video: StreamFormat
    public var audio: StreamFormat?
    public var frames: Int
    public var bytes: Int
    /// Seconds between key frames; 0 where there is but one.
    public var keyFrameSeconds: Double
    /// Seconds from the recording's first picture to the first one that is wanted.
    public var startsAfter: Double
    /// Where in the file the wanted footage begins, microseconds.
    public var sourceStart: Int64

    public init(video: StreamFormat, audio: StreamFormat?) {
        self.video = video
        self.audio = audio
        footage = .init(
            width: video.width, height: video.height, frameRate: 0, videoCodec: video.codec.rawValue, audioCodec: audio?.codec.rawValue,
            duration: 0)
        (frames, bytes, keyFrameSeconds, startsAfter, sourceStart) = (0, 0, 0, 0, 0)
    }

    /// How the recording is, in the form in which streams are judged.
    public var status: StreamStatus {
        StreamStatus(
            role: .main, video: video, audio: audio, frameRate: footage.frameRate,
            bitRate: footage.duration > 0 ? Int(Double(bytes) * 8 / footage.duration) : 0, keyFrameSeconds: keyFrameSeconds)
    }

    /// A worker may be in an attacker's hands: its numbers are looked at before they are reckoned with.
    var isPlausible: Bool {
        frames > 0 && bytes > 0 && (1...16_384).contains(footage.width) && (1...16_384).contains(footage.height)
            && (0...7200).contains(footage.duration) && (0...1000).contains(footage.frameRate) && (0...86_400).contains(startsAfter)
            && (0...600_000_000).contains(sourceStart) && (0...7200).contains(keyFrameSeconds) && footage.videoCodec.utf8.count < 32
            && (footage.audioCodec?.utf8.count ?? 0) < 32 && video.codec.rawValue.utf8.count < 32
            && video.width == footage.width && video.height == footage.height
    }
}

extension TranscodeWorker {
    /// Cuts a piece out of a device's recording, packets as they are; `append` gets the file.
    /// - Throws: `WorkerFailure` when the worker crashed, hung, answered garbage or refused; whatever `source` and `append` throw.
    public func cut(
        _ cut: RecordingCut, source: any TranscodeSource, append: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws -> RecordingCutResult {
        try await work(WorkerMessage(.cut, head: cut), source: source) { connection in
            for try await message in connection.messages {
                switch message.kind {
                case .fragment: try await append(message.body)
                case .done:
                    var result = try message.decodeHead(RecordingCutResult.self)
                    guard result.isPlausible else { throw WorkerFailure(.garbage, "numbers that cannot be") }
                    result.startsAfter = cut.bounded(result.startsAfter)
                    return result
                case .failed: throw WorkerFailure(.refused, (try? message.decodeHead(String.self)) ?? "it failed")
                default: throw WorkerFailure(.garbage, "unexpected message")
                }
            }
            throw connection.failure(.crashed, "it ended before its work did")
        }
    }
}
