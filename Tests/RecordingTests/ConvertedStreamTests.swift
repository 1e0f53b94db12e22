import Core
import Foundation
import Logging
import Media
import MediaWorker
import Synchronization
import TestSupport
import Testing

@testable import Recording

/// Who converts takes one of few places, and no longer than it converts.
@Suite struct ConvertedStreamTests {
    private final class Camera: ReceivedStream {
        let packets = RecentPackets()
        let status: StreamStatus?
        let condition: Condition

        init(status: StreamStatus?, time: TimeSource) {
            self.status = status
            condition = Condition(code: status == nil ? "unreachable" : "ok", severity: .ok, sentence: "", since: time.now())
        }
    }

    /// As a worker that ends at once.
    private struct Crashing: StreamConverter {
        struct Crashed: Error {}

        func run(
            _ conversion: LiveConversion, next: @escaping @Sendable () async -> [Sample]?, take: @escaping @Sendable (Sample) -> Void
        ) async throws {
            throw Crashed()
        }
    }

    /// The code of how a conversion is doing when a condition holds, and whether a place is free then.
    private func run(_ status: StreamStatus?, until code: String) async -> (isSo: Bool, isFree: Bool) {
        let clock = ManualTime()
        let time = clock.source
        let places = ConversionPlaces(count: 1)
        let camera = Camera(status: status, time: time)
        let stream = ConvertedStream(
            source: { StreamLease(camera, demand: nil) }, converter: Crashing(), places: places, time: time, logger: Logger(label: "test"))
        let task = Task { await stream.run() }
        defer { task.cancel() }
        let isSo = await eventually { stream.condition.code == code && clock.sleepers > 0 }
        return (isSo, places.take())
    }

    @Test func aCameraThatIsAwayTakesNoPlace() async {
        let found = await run(nil, until: "unreachable")
        #expect(found.isSo && found.isFree)
    }

    @Test func thePlaceIsFreeBetweenTwoAttempts() async throws {
        let format = try #require(try encodedSamples(1).first).format
        let status = StreamStatus(role: .main, video: format, audio: nil, frameRate: 10, bitRate: 0, keyFrameSeconds: 1)
        let found = await run(status, until: "not-converted")
        #expect(found.isSo && found.isFree)
    }
}
