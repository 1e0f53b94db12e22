public import Core
public import Foundation
public import Media

/// What is known of the time that a device plays.
public struct ReplayClock: Sendable {
    let from: Date
    let to: Date
    let startsAt: @Sendable () -> Date?

    /// Between `from` and `to` is wanted; `startsAt` says when the first picture that is played was recorded, once it has come. In the
    /// stream's own time that picture is zero.
    public init(from: Date, to: Date, startsAt: @escaping @Sendable () -> Date?) {
        self.from = from
        self.to = to
        self.startsAt = startsAt
    }
}

/// Records what a device plays of its own storage.
public struct ReplayRecorder: Sendable {
    /// What was recorded.
    public struct Result: Sendable {
        public let status: StreamStatus
        /// When what is wanted begins, by the clock that was given; nil without one.
        public let startsAt: Date?
        /// Where that is in the file, which begins with a key frame.
        public let sourceStart: Duration
        /// Of pictures, from there on.
        public let duration: Duration
        /// All that was asked for was played, or the device said that there is no more.
        public let endedWell: Bool
        /// Everything that was given on was taken, until its end.
        public let isWhole: Bool
    }

    /// Why there is nothing.
    public struct Failure: Error, Sendable {
        public let sentence: String
        /// It will not be otherwise another time.
        public var isFinal = false
    }

    /// Devices begin with the key frame before the time that was asked for; what is farther from it is another time.
    private static let mostEarly: TimeInterval = 60
    /// A key frame that comes so little later than what was asked for is where it begins, seconds.
    private static let frame: TimeInterval = 0.1
    /// Bytes that are kept for what is found to begin later.
    private static let mostHeld = 48 << 20
    /// Nothing for so long is the end.
    private static let silence = Duration.seconds(10)

    private let admits: @Sendable (StreamSource) async throws -> StreamSource
    private let time: TimeSource

    public init(admits: @escaping @Sendable (StreamSource) async throws -> StreamSource, time: TimeSource) {
        self.admits = admits
        self.time = time
    }

    /// Plays `source` and writes at most `length` of it into `file`, from a key frame on.
    ///
    /// - Parameter clock: Where the true times are known: then what is wanted is found by them, and the source may come at any pace.
    /// - Throws: `Failure`, and what `file` throws.
    public func record(
        _ source: StreamSource, length: Duration, clock: ReplayClock? = nil, into file: any FootageFile
    ) async throws -> Result {
        let admitted: StreamSource
        do { admitted = try await admits(source) } catch { throw Failure(sentence: StreamTrouble(error).sentence) }
        let stream = ReplayStream(admitted, keepsPace: clock == nil, time: time)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                await stream.run()
                return nil
            }
            group.addTask { try await write(stream, length: length, clock: clock, into: file) }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    private func write(
        _ stream: ReplayStream, length: Duration, clock: ReplayClock?, into file: any FootageFile
    ) async throws -> Result {
        let deadline = time.uptime() + length * 2 + .seconds(60)
        let (opening, start) = try await begin(stream, clock: clock)
        guard let first = opening.first else { throw Self.nothing }
        var recording = try SourceRecording(file: file, first: first, audio: stream.status?.audio)
        // The end is where it was asked for, however much earlier the device began.
        let end = first.time + (clock.flatMap { clock in start.map { .seconds(clock.to.timeIntervalSince($0)) } } ?? length)
        var samples = opening
        var lastHeard = time.uptime()
        var (endedWell, isWhole) = (false, false)
        reading: while time.uptime() < deadline {
            for sample in samples {
                if sample.format.kind == .video, sample.time >= end || !recording.fits(sample) {
                    // Another format is another recording.
                    endedWell = true
                    break reading
                }
                try await recording.add(sample)
            }
            // A device that has played everything ends the stream, or says nothing any more.
            guard let batch = await stream.next(atMost: .seconds(1)) else {
                // By its times it is known better than by the word of whoever gives it on.
                isWhole = stream.end == .ended
                endedWell = clock == nil && isWhole
                break
            }
            try Task.checkCancellation()
            if !batch.isEmpty { lastHeard = time.uptime() }
            guard time.uptime() - lastHeard < Self.silence else { break }
            samples = batch
        }
        try await recording.flush()
        guard recording.frames > 1, let status = stream.status else { throw Self.nothing }
        let skipped = clock.flatMap { clock in start.map { max(0, clock.from.timeIntervalSince($0)) } } ?? 0
        let length: Duration = recording.end - first.time
        return Result(
            status: status, startsAt: start.map { $0.addingTimeInterval(skipped) }, sourceStart: .seconds(skipped),
            duration: max(.zero, length - .seconds(skipped)), endedWell: endedWell, isWhole: isWhole)
    }

    private static let nothing = Failure(sentence: "The device plays no picture of this time.")

    /// What came up to the first picture that is wanted, from the key frame before it on, and when that key frame was recorded.
    private func begin(_ stream: ReplayStream, clock: ReplayClock?) async throws -> ([Sample], Date?) {
        let giveUp = time.uptime() + .seconds(45)
        var held: [Sample] = []
        var bytes = 0
        var start: Date?
        while time.uptime() < giveUp, bytes < Self.mostHeld {
            try Task.checkCancellation()
            guard let batch = await stream.next(atMost: .seconds(1)) else {
                guard held.isEmpty else { break }
                throw stream.status == nil ? stream.end.map { Failure(sentence: $0.sentence) } ?? Self.nothing : Self.nothing
            }
            for (index, sample) in batch.enumerated() {
                let isVideo = sample.format.kind == .video
                let moment = isVideo ? try moment(of: sample, clock) : nil
                /// How long after what was asked for.
                let late = moment.flatMap { moment in clock.map { moment.timeIntervalSince($0.from) } }
                if isVideo, sample.isKeyFrame, held.isEmpty || (late ?? 0) < Self.frame {
                    (held, bytes, start) = ([], 0, moment)
                } else if held.isEmpty {
                    continue
                }
                held.append(sample)
                bytes += sample.count
                if isVideo, (late ?? 0) >= 0 { return (held + batch[(index + 1)...], start) }
            }
        }
        guard !held.isEmpty else { throw Self.nothing }
        return (held, start)
    }

    /// When a picture was recorded.
    /// - Throws: `Failure` where that is not what was asked for.
    private func moment(of sample: Sample, _ clock: ReplayClock?) throws -> Date? {
        guard let clock, let first = clock.startsAt() else { return nil }
        let moment = first.addingTimeInterval((sample.time - .zero).seconds)
        guard moment > clock.from.addingTimeInterval(-Self.mostEarly), moment < clock.to else {
            throw Failure(sentence: "The device plays another time of its recordings than it was asked for.", isFinal: true)
        }
        return moment
    }
}
