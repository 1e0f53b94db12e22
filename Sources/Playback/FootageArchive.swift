import BoxDatabase
public import CloudStorage
public import Core
public import Devices
public import Foundation
import Media
public import Recording
public import Refill

/// All that was recorded of the channels, as one time line each: what there is, and its samples from any moment on.
public final class FootageArchive: Sendable {
    /// Nobody looks at more at once.
    public static let longestSpan: TimeInterval = 31 * 86_400
    /// Devices are searched for what follows in steps: a short one first, for whoever waits.
    private static let searchSteps: [TimeInterval] = [3600, 6 * 3600, 86_400]
    /// Seconds; a device that breaks off sooner does not go on at another try, either.
    private static let leastProgress: TimeInterval = 2
    private static let mostToldTooMuch: TimeInterval = 5
    /// Clips that are looked at to find the next one.
    private static let clipsAhead = 50

    let shelf: ClipShelf
    let device: DeviceFootage
    private let player: DevicePlayer
    private let time: TimeSource

    /// `admits` throws where a source's address must not be connected to.
    public init(
        spool: Spool, targets: StorageTargets, encryption: SiteEncryption, devices: DeviceRegistry, catalogue: DeviceCatalogue,
        admits: @escaping @Sendable (StreamSource) async throws -> StreamSource, time: TimeSource
    ) {
        shelf = ClipShelf(spool: spool, targets: targets, encryption: encryption, time: time)
        device = DeviceFootage(devices: devices, catalogue: catalogue, time: time)
        player = DevicePlayer(catalogue: catalogue, admits: admits, time: time)
        self.time = time
    }

    // MARK: What there is

    /// What there is of a channel in `span`, of at most `longestSpan`; a device that does not answer in time is left out.
    public func timeline(of channel: ChannelID, in span: Span) async throws -> ChannelTimeline {
        let (found, (clips, gaps)) = try await concurrently {
            await self.device.search(channel, in: span)
        } _: {
            (
                try await self.shelf.clips(of: channel, in: span, limit: ChannelTimeline.most),
                try await self.shelf.gaps(of: channel, in: span)
            )
        }
        return ChannelTimeline(span: span, clips: clips, recordings: found.footage, gaps: gaps, sentence: found.sentence)
    }

    /// The days of a month, 1 to 31, of which there is footage by the clocks of `zone`; where the device could not be asked, a sentence.
    public func days(of channel: ChannelID, year: Int, month: Int, zone: TimeZone) async throws -> (days: Set<Int>, sentence: String?) {
        guard let whole = ChannelTimeline.month(year: year, month: month, zone: zone) else { return ([], nil) }
        let ((days, sentence), spans) = try await concurrently {
            await self.device.days(channel, year: year, month: month, zone: zone)
        } _: {
            try await self.shelf.spans(of: channel, in: whole)
        }
        let own = ChannelTimeline.days(of: spans, year: year, month: month, zone: zone)
        return (own.union(days.intersection(1...31)), sentence)
    }

    // MARK: Reading

    /// Hands over the footage that `request` names, piece after piece, gaps left out; while `take` lasts nothing more is read.
    /// - Throws: `PlaybackFailure`, `EncryptionRefusal`, `StoreError`, and what `take` throws.
    public func read(_ request: FootageRequest, to take: @escaping @Sendable (FootageStep) async throws -> Void) async throws {
        let joint = Joint(request: request, take: take)
        var request = request
        // What is recorded from now on is another request's: nobody runs after the present in steps of a moment.
        request.to = min(request.to ?? .distantFuture, time.now())
        var position = request.from
        var isFirst = true
        // The device broke off, and is asked for the rest.
        var isResumed = false
        while let next = try await next(after: position, request) {
            try Task.checkCancellation()
            isFirst = false
            var end = next.span.to
            switch next {
            case .clip(let footage, let id): try await read(footage.piece, id, request, joint)
            case .recording(let piece, let footage): end = try await play(piece, footage, isResumed: isResumed, request, joint)
            case .missing(let span, let sentence): try await take(.missing(span, sentence))
            }
            isResumed = end < next.span.to
            position = max(position.addingTimeInterval(FootageOrder.shortest), end)
        }
        if isFirst { throw PlaybackFailure(.nothing, "Nothing was recorded from this time on.") }
    }

    private func read(_ piece: FootagePiece, _ id: ClipID, _ request: FootageRequest, _ joint: Joint) async throws {
        let (reader, startsAt) = try await shelf.open(id, code: request.code)
        func time(_ date: Date) -> MediaTime { MediaTime(microseconds: Int64((date.timeIntervalSince(startsAt) * 1_000_000).rounded())) }
        try await joint.begin(piece, audio: reader.head.header.format(.audio))
        try await reader.read(from: time(piece.span.from), to: time(piece.span.to), keyFramesOnly: request.keyFramesOnly) { samples in
            try await joint.add(samples, zero: startsAt)
        }
    }

    /// Plays what a device has; answers where to go on, which is before its end where the device broke off and may have the rest at another try.
    private func play(
        _ piece: DevicePlayer.Piece, _ footage: ChannelTimeline.Footage, isResumed: Bool, _ request: FootageRequest, _ joint: Joint
    ) async throws -> Date {
        let span = footage.piece.span
        var reached = span.from
        do {
            reached = try await player.play(piece, begins: { try await joint.begin(footage.piece, audio: $0) }) { samples, zero in
                try await joint.add(samples, zero: zero)
            }
            guard reached.timeIntervalSince(span.from) < Self.leastProgress, reached < span.to else { return reached }
            throw PlaybackFailure(.away, "The device breaks off its recordings here.")
        } catch let failure as PlaybackFailure where failure.code == .away {
            let left = span.to.timeIntervalSince(reached)
            // Some devices say that they have a little more than they have, and do not say where they end.
            if isResumed, left < (request.goesOnWithout ? Self.mostToldTooMuch : Self.mostToldTooMuch * 3) { return span.to }
            guard request.goesOnWithout else { throw failure }
            try await joint.miss(Span(from: reached, to: span.to), failure.sentence)
            return span.to
        }
    }

    private enum Next {
        case clip(ChannelTimeline.Footage, ClipID)
        case missing(Span, String)
        case recording(DevicePlayer.Piece, ChannelTimeline.Footage)

        var span: Span {
            switch self {
            case .clip(let footage, _): footage.piece.span
            case .missing(let span, _): span
            case .recording(_, let footage): footage.piece.span
            }
        }
    }

    /// What is played from `moment` on: the clip that has it, what the device has before the next clip, or that clip.
    private func next(after moment: Date, _ request: FootageRequest) async throws -> Next? {
        let end = min(request.to ?? time.now(), moment.addingTimeInterval(Self.longestSpan))
        guard end.timeIntervalSince(moment) > FootageOrder.shortest else { return nil }
        var clip: ChannelTimeline.Footage?
        if request.selection != .device {
            let clips = try await shelf.clips(of: request.channel, in: Span(from: moment, to: end), limit: Self.clipsAhead)
            clip = FootageOrder.next(after: moment, in: clips)?.ending(by: end)
        }
        let limit = clip?.piece.span.from ?? end
        if request.selection != .box, limit.timeIntervalSince(moment) > FootageOrder.shortest,
            let found = try await recording(in: Span(from: moment, to: limit), request, isNeeded: clip == nil)
        {
            return found
        }
        return clip.flatMap { clip in clip.piece.clip.map { .clip(clip, $0) } }
    }

    /// The first recording of the device in `span`; `isNeeded` says that there is nothing else.
    private func recording(in span: Span, _ request: FootageRequest, isNeeded: Bool) async throws -> Next? {
        var from = span.from
        var steps = Self.searchSteps
        while from < span.to {
            let step = steps.count > 1 ? steps.removeFirst() : steps[0]
            // Whole minutes, so that searches of whoever seeks a little are the same.
            let begin = Date(timeIntervalSince1970: (from.timeIntervalSince1970 / 60).rounded(.down) * 60)
            let found = await device.search(request.channel, in: Span(from: begin, to: begin.addingTimeInterval(step)))
            if let sentence = found.sentence, found.recordings.isEmpty {
                if request.goesOnWithout { return .missing(Span(from: from, to: span.to), sentence) }
                guard !isNeeded else { throw PlaybackFailure(.away, sentence) }
                return nil
            }
            if let next = FootageOrder.next(after: from, in: ChannelTimeline.joined(found.footage)),
                next.piece.span.from.addingTimeInterval(FootageOrder.shortest) < span.to,
                let one = found.recordings.first(where: { $0.span.to > next.piece.span.from && $0.span.from <= next.piece.span.from }),
                let target = try await device.target(of: request.channel)
            {
                let footage = next.ending(by: span.to)
                return .recording(
                    DevicePlayer.Piece(
                        target: target, recording: one.recording, span: footage.piece.span, clock: found.clock,
                        keyFramesOnly: request.keyFramesOnly, asksForKeyFrames: request.keyFramesOnly), footage)
            }
            from = begin.addingTimeInterval(step)
        }
        return nil
    }
}

/// Puts what the readers of pieces bring on the request's time line. One piece is read at a time.
private actor Joint {
    private let request: FootageRequest
    private let take: @Sendable (FootageStep) async throws -> Void
    private var times: JoinedTimes
    private var start = MediaTime.zero

    init(request: FootageRequest, take: @escaping @Sendable (FootageStep) async throws -> Void) {
        self.request = request
        self.take = take
        times = JoinedTimes(keyFramesOnly: request.keyFramesOnly)
    }

    private func media(_ date: Date) -> MediaTime {
        MediaTime(microseconds: Int64((date.timeIntervalSince(request.from) * 1_000_000).rounded()))
    }

    func miss(_ span: Span, _ sentence: String) async throws { try await take(.missing(span, sentence)) }

    func begin(_ piece: FootagePiece, audio: StreamFormat?) async throws {
        start = media(piece.span.from)
        try await take(.begins(piece, audio: request.keyFramesOnly ? nil : audio))
    }

    /// `zero` is when the samples' time is zero.
    func add(_ samples: [Sample], zero: Date) async throws {
        let shift = media(zero) - MediaTime.zero
        let placed = try samples.compactMap { sample throws(MediaError) in try times.place(sample, shift: shift, start: start) }
        if !placed.isEmpty { try await take(.samples(placed)) }
    }
}
