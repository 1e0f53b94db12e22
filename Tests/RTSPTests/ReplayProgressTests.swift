import CameraProtocols
import Foundation
import Testing

@testable import RTSP

@Suite struct ReplayProgressTests {
    private let asked = ReplayRange(from: Date(timeIntervalSince1970: 1_727_777_700), to: Date(timeIntervalSince1970: 1_727_777_710))
    private let tracks: [UInt8: ReplayProgress.Track] = [
        4: .init(isVideo: true, clockRates: [96: 90_000]), 6: .init(isVideo: false, clockRates: [8: 8000]),
    ]
    private let goodbye: [UInt8] = [0x81, 203, 0, 1, 0, 0, 0, 1]

    private func packet(_ timestamp: UInt32, recorded: TimeInterval? = nil, flags: UInt8 = 0, marked: Bool = true) -> [UInt8] {
        func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
        let head: [UInt8] = [recorded == nil ? 0x80 : 0x90, marked ? 0xE0 : 0x60, 0, 1] + bytes(timestamp) + bytes(7 as UInt32)
        guard let recorded else { return head + [0x65] }
        let ntp = UInt64((asked.from.timeIntervalSince1970 + recorded + 2_208_988_800) * 4_294_967_296)
        return head + [0xAB, 0xAC, 0, 3] + bytes(ntp) + [flags, 0, 0, 0, 0x65]
    }

    @Test func knowsTheTimeByTheFramesThemselves() {
        var progress = ReplayProgress(asked: asked, tracks: tracks)
        #expect(progress.startsAt == nil)
        progress.answer(asked)
        progress.take(4, packet(1000, recorded: -1.5))
        #expect(progress.startsAt == asked.from.addingTimeInterval(-1.5))
        progress.take(4, packet(1000 + 90_000, recorded: 7))
        #expect(!progress.reachedEnd)
        progress.take(4, packet(1000 + 180_000, recorded: 9))
        #expect(progress.reachedEnd)
        #expect(!progress.isComplete)
    }

    @Test func knowsItByTheAnswerElse() {
        var progress = ReplayProgress(asked: asked, tracks: tracks)
        progress.answer(ReplayRange(from: asked.from.addingTimeInterval(2), to: nil))
        // The timestamp begins anew on the way.
        progress.take(4, packet(.max - 45_000))
        #expect(progress.startsAt == asked.from.addingTimeInterval(2))
        progress.take(4, packet(.max &+ UInt32(7 * 90_000) - 45_000))
        #expect(progress.reached == asked.from.addingTimeInterval(9))
        #expect(progress.reachedEnd)
    }

    @Test func takesWhatWasAskedForWhereNobodySays() {
        var progress = ReplayProgress(asked: asked, tracks: tracks)
        progress.take(6, packet(5))
        #expect(progress.startsAt == nil)
        progress.take(4, packet(1))
        #expect(progress.startsAt == asked.from)
        progress.take(4, packet(1 + 90_000))
        #expect(!progress.reachedEnd)
    }

    @Test func isCompleteWhenTheDeviceSaysSo() {
        var byGoodbye = ReplayProgress(asked: asked, tracks: tracks)
        byGoodbye.take(7, goodbye)
        #expect(!byGoodbye.isComplete)
        byGoodbye.take(4, goodbye)
        #expect(!byGoodbye.isComplete)
        byGoodbye.take(5, goodbye)
        #expect(byGoodbye.isComplete)
        var byMark = ReplayProgress(asked: asked, tracks: tracks)
        byMark.take(4, packet(1, recorded: 0))
        byMark.take(4, packet(2, recorded: 3, flags: 0x10, marked: false))
        #expect(!byMark.isComplete)
        byMark.take(4, packet(2, recorded: 3, flags: 0x10))
        #expect(byMark.isComplete)
    }
}
