public import Core
public import Logging
public import Media

/// Records what a device plays of its own storage, in the way of live footage.
public struct ReplayRecorder: Sendable {
    /// What was recorded.
    public struct Result: Sendable {
        public let status: StreamStatus
        /// Of pictures.
        public let duration: Duration
        /// All that was asked for was played, or the device said that there is no more.
        public let endedWell: Bool
    }

    /// Why there is nothing.
    public struct Failure: Error, Sendable {
        public let sentence: String
    }

    private let admits: @Sendable (StreamSource) async throws -> Void
    private let time: TimeSource
    private let logger: Logger

    public init(admits: @escaping @Sendable (StreamSource) async throws -> Void, time: TimeSource, logger: Logger) {
        self.admits = admits
        self.time = time
        self.logger = logger
    }

    /// Plays `source` and writes at most `length` of it into `file`, from the first key frame on.
    /// - Throws: `Failure`, and what `file` throws.
    public func record(_ source: StreamSource, length: Duration, into file: any FootageFile) async throws -> Result {
        let packets = RecentPackets(span: .seconds(10))
        let session = CameraSession(
            role: .main, source: source, admits: admits, packets: packets, timing: SessionTiming(), time: time, logger: logger, changed: {})
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                await session.run()
                return nil
            }
            group.addTask { try await write(session, packets, length: length, into: file) }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    private func write(_ session: CameraSession, _ packets: RecentPackets, length: Duration, into file: any FootageFile) async throws
        -> Result
    {
        let began = time.uptime()
        while session.status == nil {
            if session.condition.severity == .trouble { throw Failure(sentence: session.condition.sentence) }
            guard time.uptime() - began < .seconds(30) else { throw Failure(sentence: "The device plays nothing of this time.") }
            try await time.sleep(.milliseconds(50))
        }
        guard let start = packets.mediaTime(at: began) else { throw Failure(sentence: "The device plays nothing of this time.") }
        let cursor = packets.cursor(from: start)
        let status = session.status
        guard var samples = try await firstKeyFrame(cursor), let first = samples.first else {
            throw Failure(sentence: "The device plays no picture of this time.")
        }
        var recording = try SourceRecording(file: file, first: first, audio: status?.audio)
        let deadline = time.uptime() + length * 2 + .seconds(60)
        var lastHeard = time.uptime()
        var endedWell = false
        reading: while time.uptime() < deadline {
            for sample in samples {
                if sample.format.kind == .video, sample.time - first.time >= length || !recording.fits(sample) {
                    // Another format is another recording.
                    endedWell = true
                    break reading
                }
                try await recording.add(sample)
            }
            // A device that has played everything ends the stream, or says nothing any more.
            guard let batch = await cursor.next(atMost: .seconds(1), time: time) else {
                endedWell = await hasEnded(session)
                break
            }
            guard batch.missed == 0, !Task.isCancelled else { break }
            if !batch.samples.isEmpty { lastHeard = time.uptime() }
            guard time.uptime() - lastHeard < .seconds(10) else { break }
            samples = batch.samples
        }
        try await recording.flush()
        guard recording.frames > 1, let status = session.status ?? status else {
            throw Failure(sentence: "The device plays no picture of this time.")
        }
        return Result(status: status, duration: recording.end - first.time, endedWell: endedWell)
    }

    /// Whether the device ended the stream, which its session says a moment after its packets are gone; otherwise the line broke.
    private func hasEnded(_ session: CameraSession) async -> Bool {
        let giveUp = time.uptime() + .seconds(1)
        while session.condition.severity != .trouble, time.uptime() < giveUp {
            guard (try? await time.sleep(.milliseconds(20))) != nil else { return false }
        }
        return session.condition.code == StreamTrouble.ended.code
    }

    private func firstKeyFrame(_ cursor: RecentPackets.Cursor) async throws -> [Sample]? {
        let giveUp = time.uptime() + .seconds(15)
        while time.uptime() < giveUp {
            try Task.checkCancellation()
            guard let batch = await cursor.next(atMost: .seconds(1), time: time) else { return nil }
            if let index = batch.samples.firstIndex(where: { $0.isKeyFrame && $0.format.kind == .video }) {
                return Array(batch.samples[index...])
            }
        }
        return nil
    }
}
