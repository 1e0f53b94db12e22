import Core
import Recording
import Testing

@Suite struct MotionDetectorTests {
    private static let width = 88
    private static let height = 72

    /// A still scene with noise, brightness and perhaps a block of `size` pixels at `x`, `y`.
    private func picture(noise seed: Int, brightness: Int = 0, block: (x: Int, y: Int, size: Int)? = nil) -> [UInt8] {
        var state = UInt32(truncatingIfNeeded: seed &* 2_654_435_761 &+ 12345)
        return (0..<Self.width * Self.height).map { index in
            state = state &* 1_664_525 &+ 1_013_904_223
            let (x, y) = (index % Self.width, index / Self.width)
            var value = 60 + (x * 3 + y * 2) % 100 + Int(state >> 24) % 5 - 2 + brightness
            if let block, (block.x..<block.x + block.size).contains(x), (block.y..<block.y + block.size).contains(y) { value = 230 }
            return UInt8(clamping: value)
        }
    }

    private func readings(_ pictures: [[UInt8]], _ settings: MotionSettings = .standard) -> [MotionReading] {
        var detector = MotionDetector()
        return pictures.map { detector.look(at: $0, settings: settings) }
    }

    @Test func noiseIsNotMotion() {
        #expect(readings((0..<60).map { picture(noise: $0) }).allSatisfy { !$0.isMotion })
    }

    @Test func somethingThatWalksThroughIsMotion() {
        let still = (0..<10).map { picture(noise: $0) }
        let walking = (0..<8).map { picture(noise: 100 + $0, block: (x: 5 + $0 * 8, y: 30, size: 10)) }
        let seen = readings(still + walking)
        #expect(seen.prefix(10).allSatisfy { !$0.isMotion })
        #expect(seen.suffix(8).count { $0.isMotion } >= 7)
        #expect(seen.last.map { $0.cells.contains(true) } == true)
    }

    @Test func motionOutsideTheAreaDoesNotCount() {
        var settings = MotionSettings.standard
        // Only the left quarter of the picture is watched.
        settings.cells = Array(repeating: "11111" + String(repeating: "0", count: 17), count: 18)
        let still = (0..<10).map { picture(noise: $0) }
        let right = (0..<8).map { picture(noise: 100 + $0, block: (x: 40 + $0 * 4, y: 30, size: 10)) }
        #expect(readings(still + right, settings).allSatisfy { !$0.isMotion })
        let left = (0..<3).map { picture(noise: 200 + $0, block: (x: 1 + $0 * 5, y: 30, size: 9)) }
        #expect(readings(still + left, settings).suffix(3).contains { $0.isMotion })
    }

    @Test func lightSwitchedOnIsNotMotion() {
        let dark = (0..<10).map { picture(noise: $0) }
        let bright = (0..<10).map { picture(noise: 50 + $0, brightness: 60) }
        #expect(readings(dark + bright).allSatisfy { !$0.isMotion })
    }

    @Test func sensitivityDecidesAboutSmallThings() {
        func sees(_ sensitivity: Int) -> Bool {
            var settings = MotionSettings.standard
            settings.sensitivity = sensitivity
            let still = (0..<10).map { picture(noise: $0) }
            let small = (0..<6).map { picture(noise: 100 + $0, block: (x: 8 + $0 * 8, y: 32, size: 4)) }
            return readings(still + small, settings).contains { $0.isMotion }
        }
        #expect(sees(100))
        #expect(!sees(10))
    }

    @Test func somethingThatStaysIsLearnt() {
        let still = (0..<10).map { picture(noise: $0) }
        let parked = (0..<30).map { picture(noise: 100 + $0, block: (x: 40, y: 30, size: 12)) }
        #expect(readings(still + parked).suffix(20).allSatisfy { !$0.isMotion })
    }
}
