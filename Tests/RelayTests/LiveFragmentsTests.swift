import Core
import Logging
import Media
import NIOCore
import Recording
import Synchronization
import Testing
import TestSupport

@testable import Relay

/// Viewers share one stream: each begins at the last key frame, and a slow one goes on at the newest.
@Suite struct LiveFragmentsTests {
    /// A stream whose packets the test hands out, and what viewers get of it.
    private final class Bench: Sendable {
        let packets = RecentPackets()
        let fragments = LiveFragments(logger: Logger(label: "test"))
        private let clock = Mutex(Duration.seconds(100))

        /// Pictures arrive, `every` apart.
        func arrive(_ samples: some Sequence<Sample>, every: Duration = .milliseconds(100)) throws {
            for sample in samples {
                let arrival = clock.withLock { clock in
                    clock += every
                    return clock
                }
                try sample.withPacket { packet throws(MediaError) in
                    packets.append(
                        Sample(
                            format: sample.format, time: sample.time, decodeTime: sample.decodeTime, duration: sample.duration,
                            isKeyFrame: sample.isKeyFrame, arrival: arrival, packet: try packet.reference()))
                }
            }
        }

        /// Pictures come, a viewer gets some, and the camera goes.
        func comeAndGo(_ samples: [Sample]) async throws {
            try arrive(samples)
            let early = fragments.reader()
            _ = await early.next()
            #expect(await eventually { LiveFragmentsTests.fragments(await early.next()).list.count > 0 })
            packets.restart()
        }

        /// Runs the making of fragments beside `body`.
        func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
            try await withThrowingTaskGroup { group in
                group.addTask { [self] in
                    var clock = ViewerClock()
                    while !Task.isCancelled { await fragments.take(packets, clock: &clock) { nil } }
                }
                group.addTask { try await body() }
                _ = try await group.next()
                group.cancelAll()
            }
        }
    }

    fileprivate static func fragments(_ step: LiveFragments.Step?) -> (list: [Fragment], missed: Int) {
        if case .fragments(let list, let missed)? = step { (list, missed) } else { ([], 0) }
    }

    @Test func aViewerBeginsAtTheLastKeyFrameAndCanDecode() async throws {
        let bench = Bench()
        let samples = try encodedSamples(15)
        #expect(samples.count { $0.isKeyFrame } == 1)
        try await bench.run {
            try bench.arrive(samples)
            let reader = bench.fragments.reader()
            guard case .head(let head)? = await reader.next() else {
                Issue.record("no head")
                return
            }
            #expect(head.contentType.hasPrefix("video/mp4; codecs=\"avc1."))
            var got: [Fragment] = []
            while got.count < samples.count { got += Self.fragments(await reader.next()).list }
            #expect(got.first?.isKey == true)
            let bytes = got.reduce(into: [UInt8](buffer: head.bytes)) { $0 += [UInt8](buffer: $1.bytes) }
            #expect(try decodedPictures(bytes).count == samples.count)
        }
    }

    @Test func whoComesWhileTheCameraIsAwayGetsNoPictureOfBefore() async throws {
        let bench = Bench()
        let one = try encodedSamples(10)
        try await bench.run {
            try await bench.comeAndGo(one)
            #expect(await eventually { bench.fragments.newestTime == .zero })
            let late = bench.fragments.reader()
            _ = await late.next()
            let waiting = Task { () -> [Fragment] in
                while let step = await late.next() {
                    if case .fragments(let list, _) = step { return list }
                }
                return []
            }
            // Whatever it gets is of what comes from now on.
            try bench.arrive(one)
            let first = await waiting.value
            #expect(first.first?.isKey == true)
            #expect(try #require(first.first).time >= MediaTime(microseconds: 1_000_000))
        }
    }

    @Test func whoWasBehindWhenTheCameraWentGoesOnWhenItIsBack() async throws {
        let bench = Bench()
        let one = try encodedSamples(10)
        try await bench.run {
            try bench.arrive(one)
            let behind = bench.fragments.reader()
            _ = await behind.next()
            #expect(await eventually { Self.fragments(await behind.next()).list.count > 0 })
            // It takes nothing of these before the camera goes.
            try bench.arrive(Self.later(one, by: .seconds(1)))
            #expect(await eventually { bench.fragments.newestTime >= MediaTime(microseconds: 1_900_000) })
            bench.packets.restart()
            #expect(await eventually { bench.fragments.newestTime == .zero })
            let waiting = Task { () -> [Fragment] in
                while let step = await behind.next() {
                    if case .fragments(let list, _) = step { return list }
                }
                return []
            }
            try bench.arrive(one)
            let first = await waiting.value
            #expect(first.first?.isKey == true)
            #expect(try #require(first.first).time >= MediaTime(microseconds: 2_000_000))
        }
    }

    @Test func aViewerWhoComesLateGetsNothingOlderThanTheLastKeyFrame() async throws {
        let bench = Bench()
        let one = try encodedSamples(10)
        try await bench.run {
            try await bench.comeAndGo(one)
            try bench.arrive(one)
            #expect(await eventually { bench.fragments.newestTime >= MediaTime(microseconds: 1_900_000) })
            let late = bench.fragments.reader()
            _ = await late.next()
            let first = Self.fragments(await late.next()).list
            #expect(first.first?.isKey == true)
            // The second time that the camera counts from zero is later for viewers.
            #expect(try #require(first.first).time >= MediaTime(microseconds: 1_000_000))
        }
    }

    @Test func aSlowViewerGoesOnAtTheNewestKeyFrameAndKnowsWhatItMissed() async throws {
        let bench = Bench()
        let group = try encodedSamples(10)
        try await bench.run {
            try bench.arrive(group)
            let reader = bench.fragments.reader()
            _ = await reader.next()
            var got = 0
            while got < 10 { got += Self.fragments(await reader.next()).list.count }
            // Five more groups, a second each, while the viewer stands still.
            for number in 1...5 { try bench.arrive(Self.later(group, by: .seconds(number))) }
            let witness = bench.fragments.reader()
            #expect(
                await eventually {
                    _ = await witness.next()
                    return bench.fragments.newestTime >= MediaTime(microseconds: 5_800_000)
                })
            let next = Self.fragments(await reader.next())
            #expect(next.list.first?.isKey == true)
            #expect(next.list.count == 10)
            #expect(next.missed == 40)
        }
    }

    private static func later(_ samples: [Sample], by shift: Duration) throws -> [Sample] {
        try samples.map { sample in
            let packet = try sample.withBytes { bytes throws(MediaError) in try Packet(copying: bytes, isKeyFrame: sample.isKeyFrame) }
            return Sample(
                format: sample.format, time: sample.time + shift, decodeTime: sample.decodeTime + shift, duration: sample.duration,
                isKeyFrame: sample.isKeyFrame, arrival: .zero, packet: packet)
        }
    }
}
