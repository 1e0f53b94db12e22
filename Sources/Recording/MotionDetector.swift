public import Core

/// What one picture showed.
public struct MotionReading: Sendable, Equatable {
    /// Share of the watched cells that moved, 0 to 1.
    public let level: Double
    /// Row by row, which of the 22 by 18 cells moved, watched or not.
    public let cells: [Bool]
    /// It counts as motion by the settings.
    public let isMotion: Bool
}

/// Finds motion in a sequence of small luminance pictures.
///
/// A pixel moves when it differs both from the slowly learnt background and from the picture before, after the brightness of the whole is
/// evened out. Pictures are 4 by 4 pixels a cell.
public struct MotionDetector: Sendable {
    private static let side = 4
    private static let width = MotionSettings.columns * side
    private static let height = MotionSettings.rows * side

    private var background: [Float] = []
    private var previous: [UInt8] = []
    private var seen = 0

    public init() {}

    /// Forgets what it has learnt, after the picture changed its size or nature.
    public mutating func restart() {
        self = MotionDetector()
    }

    /// Looks at the next picture, 88 by 72 bytes of luminance.
    public mutating func look(at gray: [UInt8], settings: MotionSettings) -> MotionReading {
        let still = MotionReading(
            level: 0, cells: Array(repeating: false, count: MotionSettings.columns * MotionSettings.rows), isMotion: false)
        guard gray.count == Self.width * Self.height else { return still }
        guard !background.isEmpty else {
            background = gray.map(Float.init)
            previous = gray
            return still
        }
        seen += 1
        let threshold = Self.threshold(settings.sensitivity)
        let (fromBackground, fromPrevious) = shifts(gray)
        var counts = [Int](repeating: 0, count: still.cells.count)
        for index in gray.indices {
            let value = Float(gray[index])
            let change = abs(value - background[index] - fromBackground)
            let step = abs(value - Float(previous[index]) - fromPrevious)
            let moved = change > threshold && step > threshold * 0.6
            if moved { counts[Self.cell(of: index)] += 1 }
            background[index] += (value - background[index]) * (moved ? 0.04 : 0.12)
        }
        previous = gray
        let cells = counts.map { $0 >= 3 }
        // Light switched on or off, a camera's day and night change: everything differs, nothing moves.
        if cells.count(where: { $0 }) * 10 > cells.count * 7 {
            background = gray.map(Float.init)
            return still
        }
        let mask = settings.mask
        let watched = max(1, mask.count { $0 })
        let moving = zip(cells, mask).count { $0 && $1 }
        // The first pictures only teach.
        let isMotion = seen >= 2 && moving >= Self.leastCells(settings.sensitivity)
        return MotionReading(level: Double(moving) / Double(watched), cells: cells, isMotion: isMotion)
    }

    /// How much brighter the whole is than the background and than the picture before.
    private func shifts(_ gray: [UInt8]) -> (Float, Float) {
        var fromBackground: Float = 0
        var fromPrevious: Float = 0
        for index in gray.indices {
            fromBackground += Float(gray[index]) - background[index]
            fromPrevious += Float(gray[index]) - Float(previous[index])
        }
        return (fromBackground / Float(gray.count), fromPrevious / Float(gray.count))
    }

    private static func cell(of index: Int) -> Int {
        index / width / side * MotionSettings.columns + index % width / side
    }

    /// Steps of luminance that a pixel must change: 45 at sensitivity 0, 8 at 100.
    private static func threshold(_ sensitivity: Int) -> Float {
        45 - Float(sensitivity) * 0.37
    }

    /// Cells that must move together: 12 at sensitivity 0, 1 from 80 on.
    private static func leastCells(_ sensitivity: Int) -> Int {
        max(1, 12 - sensitivity * 11 / 80)
    }
}
