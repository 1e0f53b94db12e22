public import Core
public import Media
import Synchronization

/// How a track of a live stream is converted for those who cannot play it: pictures to H.264, no larger and no faster than this; sound to Opus.
public struct LiveConversion: Codable, Sendable {
    /// What the camera sends.
    public var source: StreamFormat
    /// Bounds of the picture, which keeps its shape and never grows.
    public var width: Int
    public var height: Int
    /// Pictures a second, at most.
    public var frameRate: Int
    /// Bits a second.
    public var bitRate: Int

    public init(source: StreamFormat, width: Int = 1280, height: Int = 720, frameRate: Int = 15, bitRate: Int = 1_500_000) {
        self.source = source
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.bitRate = bitRate
    }
}

/// A picture or a piece of sound on its way to the worker or back.
struct ConvertedSample: Codable, Sendable {
    let time: MediaTime
    let isKeyFrame: Bool
}

/// The time of what the worker was given last.
private final class LastFed: Sendable {
    let time = Mutex(MediaTime.zero)
}

/// Makes samples of one codec into samples of another.
public protocol StreamConverter: Sendable {
    /// Converts what `next` gives until it gives nil.
    ///
    /// - Parameters:
    ///   - next: Waits for the next samples of the track; the first picture is a key frame.
    ///   - take: Takes the converted samples, in order, as they are made.
    /// - Throws: `WorkerFailure` when the worker crashed, hung, answered garbage or refused.
    func run(
        _ conversion: LiveConversion, next: @escaping @Sendable () async -> [Sample]?, take: @escaping @Sendable (Sample) -> Void
    ) async throws
}

/// Converts live streams, each in a worker process of its own.
public struct LiveConverter: StreamConverter {
    /// A converted stream may need many times the bits of a still picture that the camera sends.
    private static let talk = 64
    /// A picture's time may differ so much from that of what was fed last.
    private static let mostApart = Duration.seconds(30)

    private let executable: WorkerExecutable
    private let time: TimeSource

    public init(executable: WorkerExecutable, time: TimeSource) {
        self.executable = executable
        self.time = time
    }

    public func run(
        _ conversion: LiveConversion, next: @escaping @Sendable () async -> [Sample]?, take: @escaping @Sendable (Sample) -> Void
    ) async throws {
        let fed = LastFed()
        try await executable.withWorker(talk: Self.talk) { connection in
            try await connection.send(WorkerMessage(.convert, head: conversion))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while let samples = await next() {
                        for sample in samples {
                            fed.time.withLock { $0 = sample.time }
                            let head = ConvertedSample(time: sample.time, isKeyFrame: sample.isKeyFrame)
                            try await connection.send(WorkerMessage(.samplesToConvert, head: head, body: sample.withBytes { Array($0) }))
                        }
                    }
                }
                group.addTask { try await collect(conversion.source.kind, connection, near: fed, take) }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    private func collect(
        _ kind: StreamFormat.Kind, _ connection: WorkerConnection, near fed: LastFed, _ take: @Sendable (Sample) -> Void
    ) async throws {
        var format: StreamFormat?
        var last: MediaTime?
        for try await message in connection.messages {
            switch message.kind {
            case .convertedFormat:
                let given: StreamFormat = try message.decodeHead()
                if kind == .audio, given == .liveOpus {
                    format = given
                    continue
                }
                guard kind == .video, given.kind == .video, given.codec == .h264, (16...8192).contains(given.width),
                    (16...8192).contains(given.height),
                    given.configuration.count < 4096
                else { throw WorkerFailure(.garbage, "a format that cannot be") }
                format = given
            case .converted:
                let head: ConvertedSample = try message.decodeHead()
                guard let format, !message.body.isEmpty,
                    (head.time - fed.time.withLock { $0 }).microseconds.magnitude < Self.mostApart.microseconds.magnitude,
                    last.map({ head.time > $0 }) ?? head.isKeyFrame
                else { throw WorkerFailure(.garbage, "a picture that cannot be") }
                last = head.time
                take(
                    Sample(
                        format: format, time: head.time, decodeTime: head.time, duration: .zero, isKeyFrame: head.isKeyFrame,
                        arrival: time.uptime(), packet: try Packet(copying: message.body, isKeyFrame: head.isKeyFrame)))
            case .failed: throw WorkerFailure(.refused, (try? message.decodeHead(String.self)) ?? "it failed")
            default: throw WorkerFailure(.garbage, "unexpected message")
            }
        }
        throw connection.failure(.crashed, "it ended before its work did")
    }
}
