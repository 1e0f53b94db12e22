import Core
import Foundation

/// What a seed has in store for a box: what is recorded, and what goes wrong meanwhile.
struct SimulatedPlan: Sendable {
    /// A clip that is to be recorded.
    struct Clip: Sendable {
        let at: Duration
        let channel: Int
        /// Bytes of each fragment of the source.
        let fragments: [Int]
        let hasPicture: Bool
        /// No worker could make a copy of it.
        let asItCame: Bool
    }

    /// Where a life of the box ends.
    enum Crash: Sendable {
        /// At a named crash point, when it is passed for the n-th time.
        case point(String, passing: Int)
        /// Between any two steps.
        case step(Int)
    }

    /// A disk that does not write for a while.
    struct DiskTrouble: Sendable {
        let span: Range<Duration>
        /// The share of writes that fail.
        let rate: Double
        /// `ENOSPC` or `EIO`.
        let code: Int32
    }

    var clips: [Clip] = []
    /// The share of requests to the store that fail.
    var faultRate = 0.0
    /// When the store cannot be reached.
    var outages: [Range<Duration>] = []
    /// When another store takes the place of the first.
    var replacedAt: Duration?
    var disk: DiskTrouble?
    /// One for each life, in order.
    var crashes: [Crash] = []
    /// The database is lost with the first crash.
    var losesDatabase = false
    var publishes = false
    /// How often the box looks where nothing tells it to.
    var looksEvery = Duration.seconds(3600)
    /// The bound of the rate, bits a second.
    var cap: Int?
    /// When the day ends.
    var midnight = Duration.seconds(36_000)
    /// From then on nothing goes wrong any more.
    var calmFrom = Duration.zero

    /// The steps of the product's own that a simulation passes.
    static let crashPoints = [
        "durable-file.written", "durable-file.renamed", "capture.source-durable", "capture.manifest-durable", "ready.files-durable",
        "ready.manifest-durable", "upload.put", "upload.verified", "upload.row-stored", "chain.segment", "chain.index",
    ]

    /// The plan of a seed.
    init(_ generator: inout SeededGenerator) {
        let isSlow = generator.happens(0.1)
        for _ in 0..<[1, 1, 1, 2, 2, 3, 5][generator.number(0...6)] {
            clips.append(Self.clip(&generator, within: isSlow ? 7200 : 90))
        }
        faultRate = [0, 0.1, 0.3, 0.3, 0.5][generator.number(0...4)]
        if generator.happens(0.15) {
            let from = Duration.seconds(generator.number(0...60))
            outages = [from..<from + .seconds(generator.number(0...9) == 0 ? generator.number(3600...10_000) : generator.number(10...600))]
        }
        if generator.happens(0.08) { replacedAt = .seconds(generator.number(5...100)) }
        if generator.happens(0.15) {
            let from = Duration.seconds(generator.number(0...60))
            disk = DiskTrouble(
                span: from..<from + .seconds(generator.number(5...90)), rate: generator.happens(0.5) ? 1 : 0.3,
                code: generator.happens(0.5) ? ENOSPC : EIO)
        }
        for _ in 0..<[0, 0, 1, 1, 2][generator.number(0...4)] { crashes.append(Self.crash(&generator)) }
        losesDatabase = generator.happens(0.04)
        publishes = generator.happens(0.15)
        if publishes, generator.happens(0.3) { midnight = .seconds(generator.number(0...120)) }
        if generator.happens(0.05) { looksEvery = .seconds(generator.number(1...60)) }
        if generator.happens(0.2) { cap = generator.number(1...20) * 50_000 }
        settle()
    }

    /// A few clips, with a crash at one named point in each of some lives.
    init(_ generator: inout SeededGenerator, crashingAt point: String) {
        for _ in 0..<generator.number(1...2) { clips.append(Self.clip(&generator, within: 20)) }
        faultRate = [0, 0.1, 0.3][generator.number(0...2)]
        let most = point.hasPrefix("durable-file") ? 4 : 2
        for _ in 0..<generator.number(1...2) { crashes.append(.point(point, passing: generator.number(1...most))) }
        publishes = point.hasPrefix("chain")
        settle()
        guard publishes else { return }
        crashes = crashes.map { _ in .point(point, passing: 1) }
        midnight = .seconds(generator.number(20...120))
        calmFrom += .seconds(300)
    }

    private mutating func settle() {
        let ends = clips.map(\.at) + outages.map(\.upperBound) + [replacedAt ?? .zero, disk?.span.upperBound ?? .zero]
        calmFrom = (ends.max() ?? .zero) + .seconds(60)
    }

    private static func clip(_ generator: inout SeededGenerator, within seconds: Int) -> Clip {
        Clip(
            at: .seconds(generator.number(0...seconds)), channel: generator.number(0...1),
            fragments: (0..<generator.number(1...3)).map { _ in generator.number(100...1500) }, hasPicture: generator.happens(0.8),
            asItCame: generator.happens(0.1))
    }

    private static func crash(_ generator: inout SeededGenerator) -> Crash {
        if generator.happens(0.5) { return .step(generator.number(1...800)) }
        return .point(crashPoints[generator.number(0...crashPoints.count - 1)], passing: generator.number(1...4))
    }
}
