import Core
import Logging
import Media
import MediaWorker
import Synchronization

/// A stream of a channel with its sound as Opus, for viewers by WebRTC, whom AAC does not reach: made in a sandboxed worker, once for all of them.
///
/// Pictures go through as they are, whatever becomes of the sound.
final class OpusStream: ReceivedStream {
    private static let look = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(30)

    let packets = RecentPackets(span: .seconds(4), limitBytes: 16 << 20)
    private let source: @Sendable () -> StreamLease?
    private let converter: any StreamConverter
    private let time: TimeSource
    private let logger: Logger
    private let current = Mutex<StreamLease?>(nil)

    /// `source` opens the stream; nil where the channel has none.
    init(source: @escaping @Sendable () -> StreamLease?, converter: any StreamConverter, time: TimeSource, logger: Logger) {
        self.source = source
        self.converter = converter
        self.time = time
        self.logger = logger
    }

    /// Whether sound of this format has to be converted for viewers by WebRTC, and can be.
    static func isFor(_ format: StreamFormat) -> Bool { format.codec == .aac && !format.configuration.isEmpty }

    var status: StreamStatus? {
        guard let status = current.withLock({ $0 })?.status else { return nil }
        return StreamStatus(
            role: status.role, video: status.video, audio: status.audio.map { Self.isFor($0) ? .liveOpus : $0 },
            frameRate: status.frameRate,
            bitRate: status.bitRate, keyFrameSeconds: status.keyFrameSeconds)
    }

    var condition: Condition {
        current.withLock { $0 }?.condition
            ?? Condition(code: "resting", severity: .ok, sentence: "Converted when somebody watches.", since: time.now())
    }

    /// Nobody watches any more.
    func rest() {
        current.withLock { $0 = nil }
        packets.restart()
    }

    /// Carries and converts until cancelled.
    func run() async {
        while !Task.isCancelled {
            guard let lease = source() else { return }
            current.withLock { $0 = lease }
            guard let status = await firstStatus(lease) else { return }
            await withTaskGroup { group in
                group.addTask { [self] in await carryPictures(lease) }
                if let sound = status.audio, Self.isFor(sound) {
                    group.addTask { [self] in await convertSound(lease, sound) }
                }
                // The pictures tell when the stream begins anew.
                await group.next()
                group.cancelAll()
            }
            packets.restart()
        }
    }

    private func firstStatus(_ lease: StreamLease) async -> StreamStatus? {
        while !Task.isCancelled {
            if let status = lease.status { return status }
            try? await time.sleep(Self.look)
        }
        return nil
    }

    private func carryPictures(_ lease: StreamLease) async {
        let cursor = lease.packets.newest()
        while let batch = await cursor.next() {
            for sample in batch.samples where sample.format.kind == .video || !Self.isFor(sample.format) { packets.append(sample) }
        }
    }

    /// Never ends before it is cancelled: without sound there is still a picture.
    private func convertSound(_ lease: StreamLease, _ format: StreamFormat) async {
        var backOff = BackOff(longest: Self.longestPause)
        while !Task.isCancelled {
            let cursor = lease.packets.newest()
            let began = time.uptime()
            do {
                try await converter.run(
                    LiveConversion(source: format), next: { await Self.next(cursor, like: format) },
                    take: { [packets] in packets.append($0) })
            } catch {
                guard !Task.isCancelled else { return }
                logger.warning("a stream's sound could not be converted", metadata: ["reason": "\(error)"])
            }
            if time.uptime() - began > Self.longestPause { backOff.succeeded() }
            try? await time.sleep(backOff.failed())
        }
    }

    /// The next pieces of sound; nil where the camera's stream began anew.
    private static func next(_ cursor: RecentPackets.Cursor, like format: StreamFormat) async -> [Sample]? {
        while let batch = await cursor.next() {
            let sound = batch.samples.filter { $0.format == format }
            if !sound.isEmpty { return sound }
        }
        return nil
    }
}
