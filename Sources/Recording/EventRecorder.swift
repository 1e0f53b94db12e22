public import Core
import Foundation
public import Logging
import Media
import Synchronization

/// How long clips are.
public struct ClipLengths: Sendable, Equatable {
    /// Footage before the event.
    public var before = Duration.seconds(5)
    /// Length of a clip with one event.
    public var whole = Duration.seconds(30)
    /// Further events extend a clip up to this; then a new clip begins.
    public var longest = Duration.seconds(300)

    public init() {}

    public init(before: Duration, whole: Duration, longest: Duration) {
        self.before = before
        self.whole = whole
        self.longest = longest
    }

    /// Footage after an event.
    var after: Duration { whole - before }
}

/// What a recording needs to know of its channel when it begins.
public struct RecordingContext: Sendable {
    let box: String
    let channel: ChannelID
    let site: SiteID
    let channelName: String
    let definition: Definition
    let retentionDays: Int
    let plan: TranscodePlan
    let packets: RecentPackets
    let audio: StreamFormat?
}

/// Turns the events of one channel into clips: one at a time, extended by what happens meanwhile.
public actor EventRecorder {
    private struct Running {
        var events: [CameraEvent]
        /// No footage is wanted from here on; moved by further events.
        var until: Duration
        /// Footage is wanted from here on; moves when a clip has reached its longest and the next begins.
        var from: Duration
    }

    private let spool: any FootageSpool
    private let lengths: ClipLengths
    private let time: TimeSource
    private let logger: Logger
    private var running: Running?
    /// Events of which a clip has footage.
    private var recorded: Set<EventID> = []
    private var task: Task<Void, Never>?

    public init(spool: any FootageSpool, lengths: ClipLengths, time: TimeSource, logger: Logger) {
        self.spool = spool
        self.lengths = lengths
        self.time = time
        self.logger = logger
    }

    /// Records `event`: extends the running clip where it may, begins one otherwise.
    ///
    /// `ended` is called when the clip that it began, or those after it, are done.
    func record(_ event: CameraEvent, context: RecordingContext, ended: @escaping @Sendable () -> Void) async {
        logger.debug("event at the recorder", metadata: ["event": "\(event.id)", "type": "\(event.category.rawValue)"])
        if var current = running {
            current.events.append(event)
            current.until = max(current.until, event.startedUptime + lengths.after)
            running = current
            return
        }
        running = Running(
            events: [event], until: event.startedUptime + lengths.after, from: event.startedUptime - lengths.before)
        task = Task {
            await run(context)
            ended()
        }
    }

    /// Keeps the running clip going until `uptime` at least, because its event goes on; false when none runs.
    public func prolong(until uptime: Duration) -> Bool {
        guard var current = running else { return false }
        current.until = max(current.until, uptime)
        running = current
        return true
    }

    /// Keeps the running clip going if it is of one of these events.
    func prolong(_ events: [EventID], until uptime: Duration) {
        guard var current = running, current.events.contains(where: { events.contains($0.id) }) else { return }
        current.until = max(current.until, uptime)
        running = current
    }

    /// Ends the running clip now, keeping what there is.
    public func stop() async {
        running?.until = time.uptime()
        await task?.value
    }

    private func run(_ context: RecordingContext) async {
        let reason = await recordClips(context)
        // No event ends without footage or a reason for having none, those included that come while the reason is written.
        var told = 0
        while let events = running?.events, events.count > told {
            told = events.count
            await miss(context, reason: reason ?? "The camera's stream was lost before the event could be recorded.")
        }
        running = nil
        recorded = []
    }

    /// Clip after clip until the events have what they want; answers why it ended early, if it did.
    private func recordClips(_ context: RecordingContext) async -> String? {
        guard let begin = running?.from, var at = context.packets.mediaTime(at: begin), let first = running?.events.first else {
            return "There was no picture when the event happened."
        }
        var events = [first]
        while true {
            switch await recordClip(context, events: &events, start: at, startUptime: running?.from ?? begin) {
            case .failed(let reason): return reason
            case .done(let end):
                // Events that came while the clip was being closed want more.
                guard at + wantedLength > end + .milliseconds(200) else { return nil }
                moveOn(from: at, to: end, events: &events)
                at = end
            case .goesOn(let next):
                moveOn(from: at, to: next, events: &events)
                at = next
            case .lost:
                guard let next = startOver(after: events, context: context) else { return nil }
                events = running?.events ?? []
                at = next
            }
        }
    }

    /// Events that came after the stream was lost begin a clip of their own, if there is a picture again.
    private func startOver(after events: [CameraEvent], context: RecordingContext) -> MediaTime? {
        guard let later = running?.events.dropFirst(events.count), let first = later.first, let last = later.last else { return nil }
        let from = first.startedUptime - lengths.before
        guard context.packets.mediaTime(at: from) != nil else { return nil }
        running = Running(events: Array(later), until: last.startedUptime + lengths.after, from: from)
        return context.packets.mediaTime(at: from)
    }

    /// What comes next belongs to the next clip, with the events that still reach into it.
    private func moveOn(from start: MediaTime, to next: MediaTime, events: inout [CameraEvent]) {
        guard var current = running else { return }
        current.from += next - start
        let (from, after) = (current.from, lengths.after)
        let reaching = current.events.filter { $0.startedUptime + after > from }
        current.events = reaching.isEmpty ? Array(current.events.suffix(1)) : reaching
        running = current
        events = current.events
    }

    private enum Outcome {
        /// All that was wanted is there, up to this moment.
        case done(MediaTime)
        /// No more can be recorded now; a sentence says why.
        case failed(String)
        /// The stream ended during the event.
        case lost
        /// A new clip goes on from here: the stream's format changed, or the clip is as long as one may be.
        case goesOn(MediaTime)
    }

    private func recordClip(
        _ context: RecordingContext, events: inout [CameraEvent], start: MediaTime, startUptime: Duration
    ) async -> Outcome {
        let cursor = context.packets.cursor(from: start)
        guard let firstSamples = await firstKeyFrame(cursor) else { return .failed("There was no picture when the event happened.") }
        let key = firstSamples[0]
        let begin = max(start, key.time)
        var manifest = makeManifest(context, events: events, begin: begin, start: start, startUptime: startUptime, key: key)
        let outcome: Outcome
        do {
            let file = try await spool.begin(manifest)
            var recording = try SourceRecording(file: file, first: key, audio: context.audio)
            outcome = await fill(&recording, manifest: &manifest, first: firstSamples, cursor: cursor, start: start, events: &events)
            guard recording.frames > 0 else {
                await spool.abandon(manifest.id)
                return .failed("There was no picture when the event happened.")
            }
            manifest.footage = .init(
                width: key.format.width, height: key.format.height, frameRate: 0, videoCodec: key.format.codec.rawValue,
                audioCodec: context.audio?.codec.rawValue, duration: max(0, (recording.end - begin).seconds))
        } catch {
            await spool.abandon(manifest.id)
            return .failed(Self.reason(error))
        }
        recorded.formUnion(manifest.events.map(\.id))
        do {
            try await spool.capture(manifest)
        } catch {
            // What is on disk stays there: the next start accepts it.
            logger.error(
                "clip could not be completed; it is taken up at the next start", metadata: ["clip": "\(manifest.id)", "error": "\(error)"])
            return .failed(Self.reason(error))
        }
        return outcome
    }

    /// The samples from the first key frame on.
    private func firstKeyFrame(_ cursor: RecentPackets.Cursor) async -> [Sample]? {
        let giveUp = time.uptime() + .seconds(10)
        while time.uptime() < giveUp, !Task.isCancelled {
            guard let batch = await cursor.next(atMost: .seconds(1), time: time) else { return nil }
            if let index = batch.samples.firstIndex(where: { $0.isKeyFrame && $0.format.kind == .video }) {
                return Array(batch.samples[index...])
            }
        }
        return nil
    }

    private func makeManifest(
        _ context: RecordingContext, events: [CameraEvent], begin: MediaTime, start: MediaTime, startUptime: Duration, key: Sample
    ) -> ClipManifest {
        let lag = time.uptime() - startUptime - (begin - start)
        let startsAt = time.now().addingTimeInterval(-lag.seconds)
        return ClipManifest(
            id: .timeOrdered(at: startsAt), box: context.box, site: context.site, channel: context.channel,
            channelName: context.channelName,
            startsAt: startsAt, startsUptime: (startUptime + (begin - start)).seconds, events: events.map(ClipManifest.Event.init),
            definition: context.definition, retentionDays: context.retentionDays, plan: context.plan,
            sourceStart: (begin - key.decodeTime).microseconds)
    }

    /// Writes samples until the clip's end, the stream's end or a change of format.
    private func fill(
        _ recording: inout SourceRecording, manifest: inout ClipManifest, first: [Sample], cursor: RecentPackets.Cursor, start: MediaTime,
        events: inout [CameraEvent]
    ) async -> Outcome {
        var samples = first
        let clipBegan = time.uptime()
        do {
            while true {
                for sample in samples {
                    let end = start + wantedLength
                    if sample.format.kind == .video, sample.time >= min(end, start + lengths.longest) {
                        try await recording.flush()
                        return sample.time >= end ? .done(end) : .goesOn(start + lengths.longest)
                    }
                    guard recording.fits(sample) else {
                        try await recording.flush()
                        return .goesOn(sample.time)
                    }
                    if sample.decodeTime < end { try await recording.add(sample) }
                }
                try await takeDownNewEvents(&events, manifest: &manifest)
                // A stream that has stopped must not keep the clip open for ever; one that is only behind may.
                let overdue = time.uptime() > max(running?.until ?? .zero, clipBegan) + .seconds(15)
                guard !Task.isCancelled, let batch = await cursor.next(atMost: .seconds(1), time: time), !(batch.samples.isEmpty && overdue)
                else {
                    try await interrupted(
                        &recording, manifest: &manifest, start: start, reason: "The camera's stream was lost during the event.")
                    return .lost
                }
                if batch.missed > 0 { await missed(batch, manifest: &manifest) }
                samples = batch.samples
            }
        } catch {
            let reason = Self.reason(error)
            try? await interrupted(&recording, manifest: &manifest, start: start, reason: reason)
            return .failed(reason)
        }
    }

    /// How much footage the events want, counted from the clip's start.
    private var wantedLength: Duration { running.map { $0.until - $0.from } ?? .zero }

    private func takeDownNewEvents(_ events: inout [CameraEvent], manifest: inout ClipManifest) async throws {
        guard let all = running?.events, all.count > events.count else { return }
        events = all
        manifest.events = all.map(ClipManifest.Event.init)
        try await spool.update(manifest)
    }

    private func interrupted(
        _ recording: inout SourceRecording, manifest: inout ClipManifest, start: MediaTime, reason: String
    ) async throws {
        manifest.interrupted = true
        let wanted = wantedLength
        let kept = recording.frames > 0 ? max(.zero, recording.end - start) : .zero
        if wanted - kept > .seconds(1) {
            let from = manifest.startsAt.addingTimeInterval(kept.seconds)
            await spool.recordGap(
                channel: manifest.channel, from: from, to: manifest.startsAt.addingTimeInterval(wanted.seconds), bytes: nil, reason: reason)
        }
        logger.warning("recording cut short", metadata: ["clip": "\(manifest.id)", "reason": "\(reason)"])
        try? await recording.flush()
    }

    /// The disk was slower than the camera for longer than the buffer holds: the clip has a hole.
    private func missed(_ batch: RecentPackets.Batch, manifest: inout ClipManifest) async {
        manifest.interrupted = true
        let now = time.now()
        let back = batch.samples.first.map { (time.uptime() - $0.arrival).seconds } ?? 0
        await spool.recordGap(
            channel: manifest.channel, from: manifest.startsAt, to: now.addingTimeInterval(-back), bytes: nil,
            reason: "The box's disk was too slow: \(batch.missed) packets were lost.")
        logger.warning("disk too slow for the recording", metadata: ["clip": "\(manifest.id)", "packets": "\(batch.missed)"])
    }

    private static func reason(_ error: any Error) -> String {
        if case .full(let sentence)? = error as? SpoolRefusal { return "Recording is paused: \(sentence)" }
        return "The recording could not be written: \(error)"
    }

    /// Events that no clip shows are dropped with the reason, and the gap is taken down.
    private func miss(_ context: RecordingContext, reason: String) async {
        let left = running?.events.filter { !recorded.contains($0.id) } ?? []
        guard let first = left.first, let last = left.last else { return }
        for event in left { await spool.record(event, channelName: context.channelName, clip: nil, dropReason: reason) }
        await spool.recordGap(
            channel: context.channel, from: first.startedAt.addingTimeInterval(-lengths.before.seconds),
            to: last.startedAt.addingTimeInterval(lengths.after.seconds), bytes: nil, reason: reason)
        logger.warning("event without footage", metadata: ["channel": "\(context.channel)", "reason": "\(reason)"])
    }
}
