import BoxDatabase
import CameraProtocols
import Cameras
import Core
import Devices
import Foundation
import Media
import RTSP
import Recording
import Refill
import Synchronization

/// Plays what a device recorded, as fast as it is taken, where the device can.
final class DevicePlayer: Sendable {
    /// Devices begin with the key frame before the time that was asked for; what is farther from it is another time.
    private static let mostEarly: TimeInterval = 60
    /// Bytes that are kept until the picture comes that was asked for.
    private static let mostHeld = 32 << 20
    /// Nothing for so long is the end.
    private static let silence = Duration.seconds(10)
    /// So much less than was asked for is no sign of a break: searches round,
    private static let tolerance: TimeInterval = 2
    /// and of key frames alone there may be one in ten seconds.
    private static let toleranceOfKeyFrames: TimeInterval = 15
    /// Devices play few recordings at a time, and others want to see them too.
    private static let mostAtOnce = 4
    /// Whoever goes along the time bar leaves one playback for the next, and what is left takes a moment to end: a place is asked for so often.
    private static let attempts = 30
    private static let pause = Duration.milliseconds(100)

    private let catalogue: DeviceCatalogue
    private let admits: @Sendable (StreamSource) async throws -> StreamSource
    private let time: TimeSource
    private let playing = Mutex<[DeviceID: Int]>([:])

    init(catalogue: DeviceCatalogue, admits: @escaping @Sendable (StreamSource) async throws -> StreamSource, time: TimeSource) {
        self.catalogue = catalogue
        self.admits = admits
        self.time = time
    }

    /// What is played.
    struct Piece: Sendable {
        let target: DeviceFootage.Target
        let recording: DeviceRecording
        /// By the box's clock.
        let span: Span
        let clock: ClockCorrection
        let keyFramesOnly: Bool
        /// The device is asked to send no others.
        var asksForKeyFrames: Bool
    }

    /// Plays `piece`; `take` gets samples with the moment, by the box's clock, that is zero in their time. Answers the piece's end, or the last
    /// picture's moment where the device broke off.
    /// - Throws: `PlaybackFailure`, and what `take` throws.
    func play(
        _ piece: Piece, begins: @escaping @Sendable (StreamFormat?) async throws -> Void,
        take: @escaping @Sendable ([Sample], Date) async throws -> Void
    ) async throws -> Date {
        let id = piece.target.device.record.id
        try await takePlace(id)
        defer { playing.withLock { $0[id, default: 1] -= 1 } }
        do {
            return try await open(piece, begins: begins, take: take)
        } catch let failure as RTSPFailure where piece.keyFramesOnly && piece.asksForKeyFrames && failure.code == .unsupported {
            // It sends all pictures then, of which the others are left out here.
            var piece = piece
            piece.asksForKeyFrames = false
            return try await open(piece, begins: begins, take: take)
        }
    }

    private func takePlace(_ id: DeviceID) async throws {
        for attempt in 1...Self.attempts {
            let fits = playing.withLock { playing in
                guard playing[id, default: 0] < Self.mostAtOnce else { return false }
                playing[id, default: 0] += 1
                return true
            }
            if fits { return }
            if attempt < Self.attempts { try await time.sleep(Self.pause) }
        }
        throw PlaybackFailure(.away, "The device plays \(Self.mostAtOnce) recordings already. End one and try again.")
    }

    private func open(
        _ piece: Piece, begins: @escaping @Sendable (StreamFormat?) async throws -> Void,
        take: @escaping @Sendable ([Sample], Date) async throws -> Void
    ) async throws -> Date {
        do {
            return try await stream(piece, begins: begins, take: take)
        } catch let failure as DeviceFailure {
            throw PlaybackFailure(.away, failure.sentence)
        } catch let failure as RTSPFailure where !(piece.asksForKeyFrames && failure.code == .unsupported) {
            throw PlaybackFailure(.away, failure.sentence)
        } catch let trouble as StreamTrouble {
            throw PlaybackFailure(.away, trouble.sentence)
        }
    }

    private func stream(
        _ piece: Piece, begins: @escaping @Sendable (StreamFormat?) async throws -> Void,
        take: @escaping @Sendable ([Sample], Date) async throws -> Void
    ) async throws -> Date {
        let (device, clock) = (piece.target.device, piece.clock)
        let range = ReplayRange(from: clock.device(piece.span.from), to: clock.device(piece.span.to))
        let playback = try await device.driver.playback(
            of: piece.recording, in: piece.target.channel, from: range.from, to: clock.device(piece.span.to))
        let password = try catalogue.password(of: device.record)
        let source = try await admits(
            StreamSource(url: playback.url, userName: device.record.userName, password: password, transport: .tcp))
        let delivery = Delivery(piece: piece, begins: begins, take: take, time: time)
        guard playback.way == .range, let address = RTSPAddress(playback.url) else {
            let stream = ReplayStream(source, keepsPace: true, time: time)
            return try await delivery.run(stream, startsAt: { piece.span.from }, hasPlayedAll: { false })
        }
        let credentials = device.record.userName.map { DigestCredentials(username: $0, password: password ?? "") }
        let endpoint = RTSPEndpoint(
            host: source.host, port: address.port, credentials: credentials, allowsBasic: device.record.allowsBasic)
        let request = ReplayRequest(range: range, frames: piece.asksForKeyFrames ? .intra : nil)
        return try await ReplayGateway.with(playback.url, at: endpoint, request: request, asked: range, time: time) { [time] gateway in
            // The device's address was looked at above; this one is the box's own.
            let stream = ReplayStream(
                StreamSource(url: gateway.url, userName: nil, password: nil, transport: .tcp), keepsPace: false, time: time)
            return try await delivery.run(
                stream, startsAt: { gateway.startsAt.map { clock.box($0) } }, hasPlayedAll: { gateway.hasPlayedAll })
        }
    }

    /// Hands over what a stream brings, from the key frame before what is wanted to its end.
    private struct Delivery: Sendable {
        let piece: Piece
        let begins: @Sendable (StreamFormat?) async throws -> Void
        let take: @Sendable ([Sample], Date) async throws -> Void
        let time: TimeSource

        /// `startsAt` says when the first picture was recorded, once it has come; `hasPlayedAll`, whether the device said that it did.
        func run(
            _ stream: ReplayStream, startsAt: @escaping @Sendable () -> Date?, hasPlayedAll: @escaping @Sendable () -> Bool
        ) async throws -> Date {
            try await withThrowingTaskGroup(of: Date?.self) { group in
                group.addTask {
                    await stream.run()
                    return nil
                }
                group.addTask {
                    let reached = try await deliver(stream, startsAt)
                    let tolerance = piece.keyFramesOnly ? DevicePlayer.toleranceOfKeyFrames : DevicePlayer.tolerance
                    let isWhole = hasPlayedAll() || reached >= piece.span.to.addingTimeInterval(-tolerance)
                    return isWhole ? piece.span.to : reached
                }
                defer { group.cancelAll() }
                while let ended = try await group.next() {
                    if let ended { return ended }
                }
                throw CancellationError()
            }
        }

        /// Answers the moment of the last picture.
        private func deliver(_ stream: ReplayStream, _ startsAt: @Sendable () -> Date?) async throws -> Date {
            var held: [Sample] = []
            var bytes = 0
            var isThere = false
            var reached = piece.span.from
            var lastHeard = time.uptime()
            while let batch = await stream.next(atMost: .seconds(1)) {
                try Task.checkCancellation()
                if batch.isEmpty {
                    guard time.uptime() - lastHeard < DevicePlayer.silence else { break }
                    continue
                }
                guard let zero = startsAt() else { continue }
                func moment(_ sample: Sample) -> Date { zero.addingTimeInterval((sample.decodeTime - .zero).seconds) }
                let wanted = batch.filter {
                    moment($0) < piece.span.to && (!piece.keyFramesOnly || $0.format.kind == .video && $0.isKeyFrame)
                }
                if isThere {
                    try await take(wanted, zero)
                } else {
                    for sample in wanted {
                        if sample.format.kind == .video, sample.isKeyFrame, moment(sample) <= piece.span.from { (held, bytes) = ([], 0) }
                        held.append(sample)
                        bytes += sample.count
                    }
                    if let first = held.first, moment(first) < piece.span.from.addingTimeInterval(-DevicePlayer.mostEarly) {
                        throw PlaybackFailure(.away, "The device plays another time of its recordings than it was asked for.")
                    }
                    isThere = held.contains { $0.format.kind == .video && moment($0) >= piece.span.from } || bytes > DevicePlayer.mostHeld
                    if isThere {
                        try await begins(stream.status?.audio)
                        try await take(held, zero)
                        held = []
                    }
                }
                // Sound may be ahead of the pictures that go with it.
                reached = batch.filter { $0.format.kind == .video }.map(moment).max() ?? reached
                if reached >= piece.span.to { return reached }
                lastHeard = time.uptime()
            }
            if !isThere, !held.isEmpty, let zero = startsAt() {
                try await begins(stream.status?.audio)
                try await take(held, zero)
                return reached
            }
            guard isThere else { throw PlaybackFailure(.away, stream.end?.sentence ?? "The device plays nothing of this time.") }
            return reached
        }
    }
}
