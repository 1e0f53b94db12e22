import CameraProtocols
import Core
import Logging
import Media
import Synchronization
import TestSupport
import Testing

@testable import RTSP

/// A reader that takes nothing, and what becomes of what waits for it.
@Suite struct RTSPSendingTests {
    private static let viewer = DigestCredentials(username: "viewer", password: "Harbour-Lamp-2026")

    /// A stream of large pictures, of which there are always more, or some and then none.
    private final class Pictures: RTSPSource, RTSPStream, RTSPWatching {
        static let size = 200_000

        private struct State {
            var left: Int
            var counted = 0
            var hasEnded = false
            var bell: (any Bell)?
        }

        let formats = [StreamFormat(kind: .video, codec: .h264)]
        private let sample: Sample
        private let state: Mutex<State>

        init(count: Int = .max) throws {
            state = Mutex(State(left: count))
            let bytes = [0, 0, 0, 1, 0x65] + [UInt8](repeating: 7, count: Self.size)
            sample = Sample(
                format: formats[0], time: .zero, decodeTime: .zero, duration: .zero, isKeyFrame: true, arrival: .zero,
                packet: try Packet(copying: bytes, isKeyFrame: true))
        }

        /// Bytes that were given away.
        var counted: Int { state.withLock { $0.counted } }
        var hasEnded: Bool { state.withLock { $0.hasEnded } }
        /// Says that there may be more.
        func ring() { state.withLock { $0.bell }?.ring() }

        private func take() -> RTSPBatch? {
            let count = state.withLock { state in
                defer { state.left -= min(state.left, 400) }
                return min(state.left, 400)
            }
            guard count > 0 else { return nil }
            return RTSPBatch(samples: (0..<count).map { (sample, MediaTime.zero + .milliseconds($0)) }, missed: 0)
        }

        func open(_ path: String, user: String, address: String) async throws -> any RTSPStream { self }
        func watch() async throws -> any RTSPWatching { self }
        nonisolated(nonsending) func next() async -> RTSPBatch? { Task.isCancelled ? nil : RTSPBatch(samples: [], missed: 0) }
        func poll() -> RTSPPoll { take().map { .batch($0) } ?? .nothing }
        func listen(to bell: (any Bell)?) { state.withLock { $0.bell = bell } }
        func rewind() {}
        func count(bytes: Int, missed: Int) { state.withLock { $0.counted += bytes } }
        func whileItLasts(_ work: @escaping @Sendable () async throws -> Void) async throws {
            defer { state.withLock { $0.hasEnded = true } }
            try await work()
        }
    }

    /// Runs a server of `pictures`, and a reader that has begun to play and takes nothing of it.
    private static func read(
        _ pictures: Pictures, _ body: @escaping @Sendable (inout FakeReader) async throws -> Void
    ) async throws {
        let (ports, bound) = AsyncStream<Int>.makeStream()
        let server = RTSPServer(
            address: "127.0.0.1", port: 0, credentials: viewer, source: pictures, time: .system, logger: Logger(label: "test"))
        try await withThrowingTaskGroup { group in
            group.addTask { try await server.run { bound.yield($0) } }
            defer { group.cancelAll() }
            let port = try #require(await ports.first { _ in true })
            try await FakeReader.with(port: port, path: "a/main") { reader in
                try await reader.play(viewer)
                let isFull = await eventually { pictures.counted > 0 }
                #expect(isFull)
                try await body(&reader)
            }
        }
    }

    /// What a reader has not got when it asks for a pause it does not get: nothing comes after the answer.
    @Test func aPauseEndsWhatWaits() async throws {
        let pictures = try Pictures(count: 400)
        try await Self.read(pictures) { reader in
            let paused = try await reader.ask("PAUSE")
            #expect(paused.message.status == 200)
            #expect(paused.packetBytes < 400 * Pictures.size / 2)
            let after = try await reader.ask("OPTIONS")
            #expect(after.packetBytes == 0)
        }
    }

    /// However often there is more, what is kept for a reader that takes nothing is bounded; and it is let go of when it has gone.
    @Test func aReaderThatTakesNothingKeepsLittleAndIsLetGoOf() async throws {
        let pictures = try Pictures()
        try await Self.read(pictures) { reader in
            for _ in 0..<10_000 { pictures.ring() }
            try await reader.vanish()
            let hasEnded = await eventually { pictures.hasEnded }
            #expect(hasEnded)
            #expect(pictures.counted < 400 * Pictures.size / 2)
        }
    }
}
