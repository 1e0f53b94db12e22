import Core
import Foundation
import Media
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import MediaWorker

/// Devices' recordings, cut by a real worker.
@Suite struct RecordingCutTests {
    private static let binary = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(".build/debug/gatehouse").path

    private final class Bytes: TranscodeSource {
        private let rest: Mutex<[UInt8]>

        init(_ bytes: [UInt8]) { rest = Mutex(bytes) }

        func next() async throws -> [UInt8]? {
            rest.withLock { rest in
                defer { rest = [] }
                return rest.isEmpty ? nil : rest
            }
        }
    }

    private func cut(_ source: [UInt8], _ from: Double, _ to: Double) async throws -> (RecordingCutResult, Int) {
        let bytes = Counter()
        let worker = TranscodeWorker(executable: WorkerExecutable(path: FilePath(Self.binary)))
        let wanted = RecordingCut(
            from: MediaTime(microseconds: Int64(from * 1e6)), to: MediaTime(microseconds: Int64(to * 1e6)))
        let result = try await worker.cut(wanted, source: Bytes(source)) { bytes.add($0.count) }
        return (result, bytes.value)
    }

    @Test func aPieceBeginsAtTheKeyFrameBeforeIt() async throws {
        let source = try fragmentedMP4(encodedSamples(100))
        let (result, bytes) = try await cut(source, 3.05, 7)
        #expect(result.bytes == bytes && bytes > 0)
        #expect(abs(result.startsAfter - 3.1) < 0.06)
        #expect(abs(result.footage.duration - 3.9) < 0.2)
        #expect(result.sourceStart >= 0 && result.footage.frameRate == 10)
    }

    @Test func aWorkerCannotSayThatAPieceBeganAtAnyTime() {
        let cut = RecordingCut(from: MediaTime(microseconds: 60_000_000), to: MediaTime(microseconds: 90_000_000))
        #expect(cut.bounded(0) == 59 && cut.bounded(60.4) == 60.4 && cut.bounded(80_000) == 70)
    }

    @Test func whatIsNotThereIsRefused() async throws {
        let source = try fragmentedMP4(encodedSamples(30))
        await #expect(throws: WorkerFailure.self) { _ = try await cut(source, 60, 70) }
    }

    @Test func whatIsNoRecordingIsRefused() async throws {
        for bytes in [[UInt8](repeating: 0, count: 100_000), Array("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n".utf8), [1]] {
            await #expect(throws: WorkerFailure.self) { _ = try await cut(bytes, 0, 10) }
        }
    }
}
