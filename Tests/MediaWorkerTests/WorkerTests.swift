import Core
import Foundation
import Media
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import MediaWorker

@Suite struct WorkerMessageTests {
    @Test func arrivesWholeHoweverItIsCut() throws {
        let first = try WorkerMessage(.fragment, head: "head", body: [1, 2, 3])
        let second = WorkerMessage(.sourceEnd)
        let bytes = first.bytes + second.bytes
        for step in [1, 2, 3, 7, bytes.count] {
            var parser = WorkerMessageParser()
            var got: [WorkerMessage] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                rest.prefix(step).withUnsafeBytes { parser.append($0) }
                rest = rest.dropFirst(step)
                while let message = try parser.next() { got.append(message) }
            }
            #expect(got.map(\.kind) == [.fragment, .sourceEnd])
            #expect(got.first?.body == [1, 2, 3])
            #expect(try got.first?.decodeHead(String.self) == "head")
        }
    }

    @Test func garbageAndGiantsAreRefused() {
        for bytes: [UInt8] in [[99, 0, 0, 0, 0, 0, 0, 0, 0], [17, 0, 0, 0, 0, 255, 255, 255, 255], [17, 255, 255, 255, 127, 0, 0, 0, 0]] {
            var parser = WorkerMessageParser()
            bytes.withUnsafeBytes { parser.append($0) }
            #expect(throws: WorkerFailure.self) { try parser.next() }
        }
    }
}

/// Tests with real worker processes: the built executable, or a script in its place.
@Suite struct WorkerProcessTests {
    private static let binary = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(".build/debug/gatehouse").path

    private struct Bytes: TranscodeSource {
        let rest: Mutex<[[UInt8]]>.Holder

        init(_ bytes: [UInt8]) {
            let cut = stride(from: 0, to: bytes.count, by: 5000).map { Array(bytes[$0..<min($0 + 5000, bytes.count)]) }
            rest = .init(cut)
        }

        func next() async throws -> [UInt8]? { rest.mutex.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
    }

    private actor Collected: TranscodeOutput {
        var bytes: [UInt8] = []
        var fragments: [FragmentInfo] = []
        var picture: [UInt8] = []
        func header(_ more: [UInt8]) { bytes += more }
        func fragment(_ info: FragmentInfo, _ more: [UInt8]) {
            fragments.append(info)
            bytes += more
        }
        func thumbnail(_ jpeg: [UInt8]) { picture = jpeg }
    }

    private func run(
        _ source: [UInt8], video: TranscodeJob.Video, executable: String = binary, patience: Duration = .seconds(10)
    ) async throws -> (TranscodeResult, Collected) {
        let output = Collected()
        let worker = TranscodeWorker(executable: WorkerExecutable(path: FilePath(executable), patience: patience))
        let job = TranscodeJob(video: video, start: .zero, thumbnailAt: MediaTime(microseconds: 1_000_000), cpuSeconds: 20)
        return (try await worker.run(job, source: Bytes(source), output: output), output)
    }

    private static let encode = TranscodeJob.Video.encode(
        VideoEncoderSettings(encoder: "libx264", width: 160, height: 160, frameRate: 5, bitRate: 100_000))

    @Test func transcodesScalesDropsAndTakesAPicture() async throws {
        let source = try fragmentedMP4(try encodedSamples(60))
        let (result, output) = try await run(source, video: Self.encode)
        #expect(result.footage.width == 160 && result.footage.height == 90)
        #expect(result.frames == 30 && result.footage.frameRate == 5)
        #expect(abs(result.footage.duration - 6) < 0.21)
        #expect(await output.fragments.map(\.start.microseconds) == [0, 2_000_000, 4_000_000])
        #expect(await output.picture.prefix(2) == [0xFF, 0xD8])
    }

    /// Hardware encoders are opened before the first picture and before the sandbox; libx265 stands in for one here.
    @Test func anEncoderOpenedBeforehandMakesAWholeClip() async throws {
        let settings = VideoEncoderSettings(encoder: "libx265", width: 160, height: 90, frameRate: 5, bitRate: 100_000)
        let (result, output) = try await run(try fragmentedMP4(try encodedSamples(60)), video: .encode(settings))
        #expect(result.frames == 30 && result.footage.width == 160 && result.footage.height == 90)
        #expect(await output.bytes.count > 2000)
        #expect(await output.fragments.count >= 3)
    }

    @Test func copiesAsItIs() async throws {
        let (result, _) = try await run(try fragmentedMP4(try encodedSamples(60)), video: .copy)
        #expect(result.frames == 60 && result.footage.width == 320)
    }

    @Test func aThousandMutatedBitstreamsNeverHarmTheBox() async throws {
        let good = try fragmentedMP4(try encodedSamples(12, width: 160, height: 90))
        let count = Int(ProcessInfo.processInfo.environment["GATEHOUSE_MUTATIONS"] ?? "") ?? 1000
        let outcomes = try await withThrowingTaskGroup(of: Bool.self) { group in
            var done = (finished: 0, refused: 0)
            for index in 0..<count {
                if index >= 3, try await group.next() ?? false { done.finished += 1 } else if index >= 3 { done.refused += 1 }
                group.addTask {
                    do {
                        _ = try await run(Self.mutated(good, seed: UInt64(index)), video: index % 3 == 0 ? .copy : Self.encode)
                        return true
                    } catch is WorkerFailure {
                        return false
                    }
                }
            }
            for try await finished in group { if finished { done.finished += 1 } else { done.refused += 1 } }
            return done
        }
        #expect(outcomes.finished + outcomes.refused == count)
        // Both must occur, or the mutations tell nothing.
        #expect(outcomes.finished > 0 && outcomes.refused > 0)
        let (result, _) = try await run(good, video: Self.encode)
        #expect(result.frames == 6)
    }

    private static func mutated(_ bytes: [UInt8], seed: UInt64) -> [UInt8] {
        var state = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        func draw(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(1, bound)
        }
        var bytes = bytes
        for _ in 0..<(1 + draw(30)) { bytes[draw(bytes.count)] = UInt8(draw(256)) }
        if draw(4) == 0 { bytes.removeLast(draw(bytes.count)) }
        return bytes
    }

    // MARK: Workers that misbehave

    private func script(_ text: String) throws -> String {
        let path = FileManager.default.temporaryDirectory.path + "/gatehouse-worker-\(UUID().uuidString)"
        try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    private func failure(of text: String, patience: Duration = .seconds(10)) async throws -> WorkerFailure.Kind? {
        let path = try script(text)
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            _ = try await run([UInt8](repeating: 0, count: 1 << 20), video: .copy, executable: path, patience: patience)
            return nil
        } catch let failure as WorkerFailure {
            return failure.kind
        }
    }

    @Test func aCrashIsTold() async throws {
        #expect(try await failure(of: "kill -9 $$") == .crashed)
        #expect(try await failure(of: "exit 0") == .crashed)
    }

    @Test func aHangIsEndedAndTold() async throws {
        #expect(try await failure(of: "exec sleep 60", patience: .seconds(1)) == .hung)
        #expect(try await failure(of: "cat >/dev/null; exec sleep 60", patience: .seconds(1)) == .hung)
    }

    @Test func aWordWithoutFootageIsNotTaken() async throws {
        func answer(_ change: (inout TranscodeResult) -> Void, fragments: Int) throws -> [UInt8] {
            var result = TranscodeResult(
                footage: .init(width: 160, height: 90, frameRate: 5, videoCodec: "h264", audioCodec: nil, duration: 6), frames: 30,
                damaged: 0,
                soundMissing: nil, cpuSeconds: 1, startsLate: 0)
            change(&result)
            let info = FragmentInfo(start: .zero, duration: MediaTime(microseconds: 2_000_000), startsWithKeyFrame: true)
            let parts = try (0..<fragments).map { _ in try WorkerMessage(.fragment, head: info, body: [1, 2, 3]) }
            return (fragments > 0 ? WorkerMessage(.header, body: [1]).bytes : []) + parts.flatMap(\.bytes)
                + (try WorkerMessage(.done, head: result).bytes)
        }
        let wrong = [
            try answer({ _ in }, fragments: 0), try answer({ $0.frames = 0 }, fragments: 1),
            try answer({ $0.startsLate = 1e300 }, fragments: 1),
            try answer({ $0.footage.width = -1 }, fragments: 1), try answer({ $0.footage.duration = 1e18 }, fragments: 1),
        ]
        for bytes in wrong {
            let path = FileManager.default.temporaryDirectory.path + "/gatehouse-answer-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: path) }
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            #expect(try await failure(of: "cat \(path); cat >/dev/null") == .garbage)
        }
        let path = FileManager.default.temporaryDirectory.path + "/gatehouse-answer-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(try answer({ _ in }, fragments: 2)).write(to: URL(fileURLWithPath: path))
        #expect(try await failure(of: "cat \(path); cat >/dev/null") == nil)
    }

    @Test func garbageIsTold() async throws {
        #expect(try await failure(of: "head -c 100000 /dev/urandom; cat >/dev/null") == .garbage)
    }
}

extension Mutex where Value: Sendable {
    /// A mutex in a class, for structs that are copied.
    final class Holder: Sendable {
        let mutex: Mutex<Value>
        init(_ value: Value) { mutex = Mutex(value) }
    }
}
