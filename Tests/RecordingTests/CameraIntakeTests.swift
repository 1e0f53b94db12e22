import Core
import Media
import TestSupport
import Testing

@testable import Recording

@Suite struct CameraIntakeTests {
    /// A camera of which nothing but its documents comes has no picture, however often it tells of it.
    @Test func documentsAreNoPicture() throws {
        let format = try #require(try encodedSamples(1).first).format
        let clock = ManualTime()
        let intake = CameraIntake(
            role: .main, packets: RecentPackets(), silence: .seconds(5), time: clock.source, told: { _ in }, published: { _ in })
        try intake.open([format, nil])
        clock.advance(.seconds(5))
        try intake.takeData([0x3C])
        clock.advance(.seconds(1))
        #expect(throws: StreamTrouble.noVideo) { try intake.takeData([0x3C]) }
    }
}
