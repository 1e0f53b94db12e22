import AsyncAlgorithms
import Core
public import Foundation
import Media
public import NIOCore
import Refill

/// Footage as one stream of fragments of MP4, made as it is taken.
///
/// Media time is real time less the stream's origin: where there is a gap the times jump, and a player goes over it. What follows in
/// another codec, or with other sound, is another stream: this one ends, and the player asks for the next.
public final class PlaybackStream: Sendable {
    /// What a player gets next.
    public enum Part: Sendable {
        /// What follows needs this beginning; all of a stream are of the same media type.
        case head(ByteBuffer, contentType: String)
        case fragments(ByteBuffer)
    }

    private let parts = AsyncThrowingChannel<Part, any Error>()
    private let task: Task<Void, Never>

    /// The footage that `request` names, in the time of `origin`. It is read while somebody takes it, and let go of with this object.
    public init(_ archive: FootageArchive, _ request: FootageRequest, origin: Date) {
        task = Task { [parts] in
            let writer = Writer(request, zero: origin) { await parts.send($0) }
            do {
                try await archive.read(request) { try await writer.take($0) }
                try await writer.finish()
                parts.finish()
            } catch is AnotherStream {
                parts.finish()
            } catch {
                parts.fail(error)
            }
        }
    }

    deinit { task.cancel() }

    /// Waits for what comes next; nil at the end.
    /// - Throws: `PlaybackFailure`, `EncryptionRefusal`, `StoreError`.
    public func next() async throws -> Part? {
        var iterator = parts.makeAsyncIterator()
        return try await iterator.next()
    }
}

/// What comes does not fit into this stream.
private struct AnotherStream: Error {}

/// Makes the stream's parts out of the steps of the footage.
private actor Writer {
    /// When the samples' time is zero, by the players' time.
    private let origin: MediaTime
    private let send: @Sendable (PlaybackStream.Part) async -> Void
    private var fragments: PlaybackFragments?
    private let request: FootageRequest
    private var audio: StreamFormat?
    /// Where the piece ends.
    private var end = MediaTime.zero
    private var first: (video: StreamFormat, sound: StreamFormat?)?
    private var lastHead: [UInt8] = []
    /// Parameter sets have been others than those of the first beginning, which is all that some readers look at.
    private var isMixed = false

    init(_ request: FootageRequest, zero: Date, send: @escaping @Sendable (PlaybackStream.Part) async -> Void) {
        self.request = request
        origin = Self.media(zero, request)
        self.send = send
    }

    private static func media(_ date: Date, _ request: FootageRequest) -> MediaTime {
        MediaTime(microseconds: Int64((date.timeIntervalSince(request.from) * 1_000_000).rounded()))
    }

    func take(_ step: FootageStep) async throws {
        switch step {
        case .missing: break  // it asks for none
        case .begins(let piece, let audio):
            try await finish()
            self.audio = audio
            end = Self.media(piece.span.to, request)
        case .samples(let samples):
            for sample in samples {
                if sample.format.kind == .video, try !fits(sample) {
                    // What another beginning needs first is another piece.
                    try await finish()
                    guard sample.isKeyFrame else { continue }
                    try await begin(sample.format)
                }
                try fragments?.add(sample.isKeyFrame && isMixed && sample.format.kind == .video ? ParameterSets.before(sample) : sample)
            }
            if let bytes = try fragments?.cut() { await put(bytes) }
        }
        try Task.checkCancellation()
    }

    private func fits(_ sample: Sample) throws -> Bool { fragments?.takes(sample.format) ?? false }

    private func begin(_ video: StreamFormat) async throws {
        let made = try PlaybackFragments(video: video, audio: audio, like: first?.sound, origin: origin)
        if let first {
            guard first.video.codec == video.codec, first.sound == made.carried else { throw AnotherStream() }
            isMixed = isMixed || first.video.configuration != video.configuration
        } else {
            first = (video, made.carried)
        }
        let (head, contentType) = (made.head, made.contentType)
        fragments = consume made
        guard head != lastHead else { return }
        lastHead = head
        await send(.head(ByteBuffer(bytes: head), contentType: contentType))
    }

    /// Sends what is left of a piece.
    func finish() async throws {
        // Of key frames the last one lasts as long as all others: up to what follows.
        let bytes = try fragments?.finish(until: request.keyFramesOnly ? end : nil)
        fragments = nil
        if let bytes { await put(bytes) }
    }

    private func put(_ bytes: [UInt8]) async {
        if !bytes.isEmpty { await send(.fragments(ByteBuffer(bytes: bytes))) }
    }
}
