import Foundation
import Testing

@testable import Firmware

/// Which release a box takes.
@Suite struct ReleaseChoiceTests {
    private func made(
        _ version: String, architecture: String = "arm64", model: String = "gatehouse", epoch: Int = 0,
        channel: ReleaseOffer.Channel = .stable,
        rollout: Int = 100, through: Bool = false
    ) throws -> ListedRelease {
        let offer = ReleaseOffer(
            version: try #require(ReleaseVersion(version)), architecture: architecture, model: model, epoch: epoch, channel: channel,
            rollout: rollout, mustPassThrough: through)
        let target = try TargetsMetadata.Target(Array(version.utf8), custom: offer)
        return try ListedRelease("\(model)/\(architecture)/\(version).json", target)
    }

    private func box(
        _ version: String = "1.0.0", epoch: Int = 0, channel: ReleaseOffer.Channel = .stable, bad: Set<String> = [], serial: String = "GH1"
    ) throws -> ReleaseChoice.Box {
        ReleaseChoice.Box(
            serialNumber: serial, version: try #require(ReleaseVersion(version)), architecture: "arm64", model: "gatehouse", epoch: epoch,
            channel: channel, bad: bad)
    }

    @Test func theNewestThatIsMeantForItIsTaken() throws {
        let meant = try [made("0.9.0"), made("1.1.0"), made("1.2.0")]
        let others = try [
            made("2.0.0", architecture: "amd64"), made("2.0.0", model: "other"), made("2.0.0-rc.1", channel: .candidate),
            made("2.1.0", rollout: 0),
        ]
        #expect(ReleaseChoice.next(for: try box(), of: others + meant) == .take(meant[2]))
        #expect(ReleaseChoice.next(for: try box("1.2.0"), of: others + meant) == .upToDate)
        #expect(ReleaseChoice.next(for: try box(channel: .candidate), of: others + meant) == .take(others[2]))
        #expect(ReleaseChoice.next(for: try box(), of: []) == .upToDate)
    }

    @Test func whatIsNotSafeAnyMoreIsNotTaken() throws {
        let releases = try [made("1.1.0", epoch: 1), made("1.2.0", epoch: 0)]
        #expect(ReleaseChoice.next(for: try box(epoch: 1), of: releases) == .take(releases[0]))
        #expect(ReleaseChoice.next(for: try box(epoch: 2), of: releases) == .upToDate)
    }

    @Test func whatMustBePassedThroughComesFirst() throws {
        let releases = try [made("1.1.0"), made("1.2.0", through: true), made("1.3.0", through: true), made("2.0.0")]
        #expect(ReleaseChoice.next(for: try box(), of: releases) == .take(releases[1]))
        #expect(ReleaseChoice.next(for: try box("1.2.0"), of: releases) == .take(releases[2]))
        #expect(ReleaseChoice.next(for: try box("1.3.0"), of: releases) == .take(releases[3]))
        // Nothing newer instead of it; what leads to it may be taken.
        let bad = try box(bad: [releases[1].slot])
        #expect(ReleaseChoice.next(for: bad, of: releases) == .take(releases[0]))
        #expect(ReleaseChoice.next(for: try box("1.1.0", bad: [releases[1].slot]), of: releases) == .wait(releases[1], .bad))
    }

    /// It was taken back: nothing newer instead of it.
    @Test func whatWasTakenBackIsNotPassedBy() throws {
        let releases = try [made("1.1.0"), made("1.2.0", rollout: 0, through: true), made("2.0.0")]
        #expect(ReleaseChoice.next(for: try box(), of: releases) == .take(releases[0]))
        #expect(ReleaseChoice.next(for: try box("1.1.0"), of: releases) == .wait(releases[1], .rollout(0)))
        #expect(ReleaseChoice.next(for: try box("1.2.0"), of: releases) == .take(releases[2]))
    }

    @Test func whatWasBadIsNotTakenAgain() throws {
        let releases = try [made("1.1.0"), made("1.2.0")]
        #expect(ReleaseChoice.next(for: try box(bad: [releases[1].slot]), of: releases) == .take(releases[0]))
        #expect(ReleaseChoice.next(for: try box("1.1.0", bad: [releases[1].slot]), of: releases) == .wait(releases[1], .bad))
    }

    /// Of ten thousand boxes as many take it as may, those that may stay the same ones and become more, and with each release they are others.
    @Test func asManyTakeItAsMay() throws {
        let serials = (0..<10_000).map { "GH\($0)" }
        func takers(_ version: String, rollout: Int) throws -> Set<String> {
            let release = try made(version, rollout: rollout)
            return Set(try serials.filter { ReleaseChoice.next(for: try box(serial: $0), of: [release]) == .take(release) })
        }
        let (five, half, all, others) = try (
            takers("1.1.0", rollout: 5), takers("1.1.0", rollout: 50), takers("1.1.0", rollout: 100), takers("1.2.0", rollout: 5)
        )
        #expect((400...600).contains(five.count) && (4_700...5_300).contains(half.count) && all.count == 10_000)
        #expect(five.isSubset(of: half))
        #expect(five.intersection(others).count < 100)
        let release = try made("1.1.0", rollout: 5)
        let waiting = try #require(serials.first { !five.contains($0) })
        #expect(ReleaseChoice.next(for: try box(serial: waiting), of: [release]) == .wait(release, .rollout(5)))
    }
}
