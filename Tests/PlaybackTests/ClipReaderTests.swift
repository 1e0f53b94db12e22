import Core
import Foundation
import Media
import MediaWorker
import Recording
import Synchronization
import TestSupport
import Testing

@testable import Playback

/// A file in memory that counts what is read of it.
private final class Memory: ClipBytes, FootageFile {
    private let state = Mutex<(bytes: [UInt8], read: [Range<Int>])>(([], []))

    init(_ bytes: [UInt8] = []) { state.withLock { $0.bytes = bytes } }

    var count: Int { state.withLock { $0.bytes.count } }
    var reads: [Range<Int>] { state.withLock { $0.read } }

    func read(_ range: Range<Int>) async throws -> [UInt8] {
        state.withLock { state in
            state.read.append(range)
            return Array(state.bytes[range])
        }
    }

    func append(_ bytes: [UInt8]) async throws { state.withLock { $0.bytes += bytes } }
    func overwrite(_ bytes: [UInt8], at offset: Int) async throws {
        state.withLock { $0.bytes.replaceSubrange(offset..<offset + bytes.count, with: bytes) }
    }
    func synchronize() async throws {}
}

/// What a reader handed over.
private actor Taken {
    private(set) var samples: [Sample] = []
    func take(_ more: [Sample]) { samples += more }
}

private func read(
    _ bytes: any ClipBytes, from: Double, to: Double = 1000, keyFramesOnly: Bool = false, secret: [UInt8]? = nil
) async throws -> [Sample] {
    let reader = ClipReader(bytes, head: try await ClipReader.head(of: bytes), secret: secret)
    let taken = Taken()
    try await reader.read(
        from: MediaTime(microseconds: Int64(from * 1_000_000)), to: MediaTime(microseconds: Int64(to * 1_000_000)),
        keyFramesOnly: keyFramesOnly
    ) { await taken.take($0) }
    return await taken.samples
}

/// A clip as the box writes it, with its index, and under common encryption where there is a key.
private func clip(_ samples: [Sample], key: ClipKey? = nil) async throws -> Memory {
    let file = Memory()
    let writer = ClipFileWriter(file: file)
    let format = try #require(samples.first?.format)
    var muxer = try FragmentedMP4Muxer(formats: [format], container: .mp4)
    var encryption = try key.map { try CommonEncryption(identifier: $0.identifier, secret: $0.secret) }
    let header = muxer.takeBytes()
    try await writer.header(try encryption?.header(header) ?? header)
    var start = MediaTime.zero
    for (index, sample) in samples.enumerated() {
        let isLast = index == samples.count - 1
        if index > 0, sample.isKeyFrame {
            try muxer.cut()
            let bytes = muxer.takeBytes()
            let info = FragmentInfo(
                start: start, duration: MediaTime(microseconds: (sample.decodeTime - start).microseconds), startsWithKeyFrame: true)
            try await writer.fragment(info, try encryption?.fragment(bytes) ?? bytes)
            start = sample.decodeTime
        }
        try muxer.write(sample, track: 0, origin: .zero)
        if isLast {
            try muxer.cut()
            let bytes = muxer.takeBytes()
            let info = FragmentInfo(
                start: start, duration: MediaTime(microseconds: (sample.decodeTime - start).microseconds + 100_000),
                startsWithKeyFrame: true)
            try await writer.fragment(info, try encryption?.fragment(bytes) ?? bytes)
        }
    }
    try await writer.finish()
    return file
}

/// Whether `read` has the units of `samples`, which come behind start codes and lie in files behind their lengths.
private func areEqual(_ read: [Sample], _ samples: [Sample]) -> Bool {
    func bytes(_ sample: Sample) -> [UInt8] { sample.withBytes { [UInt8]($0) } }
    return read.map(bytes)
        == samples.map { sample in
            AnnexB.units(bytes(sample)).flatMap { unit in withUnsafeBytes(of: UInt32(unit.count).bigEndian) { Array($0) } + unit }
        }
}

@Suite struct ClipReaderTests {
    @Test func givesWhatWasWritten() async throws {
        let samples = try encodedSamples(60)
        let read = try await read(clip(samples), from: 0)
        #expect(read.map(\.decodeTime) == samples.map(\.decodeTime))
        #expect(read.map(\.time) == samples.map(\.time))
        #expect(read.map(\.isKeyFrame) == samples.map(\.isKeyFrame))
        let hasAll = areEqual(read, samples)
        #expect(hasAll)
        let format = try #require(read.first?.format)
        #expect((format.codec, format.width, format.height) == (.h264, 320, 180))
    }

    @Test func beginsWithTheKeyFrameBeforeAndReadsNothingElse() async throws {
        let samples = try encodedSamples(100)
        let keys = samples.filter(\.isKeyFrame).map(\.decodeTime)
        try #require(keys.count >= 4)
        let file = try await clip(samples)
        let from = keys[2] + .milliseconds(350)
        let read = try await read(file, from: Double(from.microseconds) / 1_000_000)
        #expect(read.first?.decodeTime == keys[2])
        #expect(read.last?.decodeTime == samples.last?.decodeTime)
        let index = try await ClipReader.head(of: file).index
        let entry = try #require(index?.entries[2])
        // The head, and the one fragment that has the picture, before all that follows.
        #expect(file.reads.dropFirst().first == entry.bytes)
    }

    @Test func findsTheKeyFrameOfAClipWithoutIndex() async throws {
        let samples = try encodedSamples(60)
        let keys = samples.filter(\.isKeyFrame).map(\.decodeTime)
        let file = Memory(try fragmentedMP4(samples))
        let read = try await read(file, from: Double((keys[1] + .milliseconds(250)).microseconds) / 1_000_000, to: 4.05)
        #expect(read.first?.decodeTime == keys[1])
        #expect(read.last.map { $0.decodeTime < MediaTime(microseconds: 4_050_000) } == true)
    }

    @Test func givesKeyFramesAlone() async throws {
        let samples = try encodedSamples(60)
        let read = try await read(clip(samples), from: 0, keyFramesOnly: true)
        #expect(read.map(\.time) == samples.filter(\.isKeyFrame).map(\.time))
    }

    @Test func opensEncryptedClips() async throws {
        var random = SystemRandomNumberGenerator()
        let key = ClipKey(using: &random)
        let samples = try encodedSamples(40)
        let file = try await clip(samples, key: key)
        let isOpen = areEqual(try await read(file, from: 0, secret: key.secret), samples)
        #expect(isOpen)
        await #expect(throws: MediaError.self) { try await read(file, from: 0) }
    }

    @Test func readsClipsThatWentUpAsTheyCame() async throws {
        let samples = try encodedSamples(30)
        let format = try #require(samples.first?.format)
        let spoken = StreamFormat(kind: .audio, codec: .pcmALaw, sampleRate: 8000, channels: 1)
        var muxer = try FragmentedMP4Muxer(formats: [format, spoken], container: .mov)
        var bytes = muxer.takeBytes()
        for (number, sample) in samples.enumerated() {
            try muxer.write(sample, track: 0, origin: .zero)
            let sound = try Packet(copying: [UInt8](repeating: 0xD5, count: 800), isKeyFrame: true)
            try muxer.write(sound, track: 1, time: sample.decodeTime, decodeTime: sample.decodeTime, duration: .milliseconds(100))
            // The recorder cuts by time, not by key frames.
            if number % 7 == 6 { try muxer.cut() }
        }
        try muxer.cut()
        bytes += muxer.takeBytes()
        let read = try await read(Memory(bytes), from: 1.5)
        let hasPictures = areEqual(
            read.filter { $0.format.kind == .video && $0.isKeyFrame }.prefix(1).map { $0 },
            samples.filter(\.isKeyFrame).prefix(1).map { $0 })
        #expect(hasPictures)
        let sounds = read.filter { $0.format.kind == .audio }
        #expect(sounds.first?.format == spoken)
        #expect(sounds.allSatisfy { $0.count == 800 })
        #expect(read.map(\.decodeTime) == read.map(\.decodeTime).sorted())
    }

    @Test func refusesWhatIsNoClip() async throws {
        var bytes = try fragmentedMP4(encodedSamples(30))
        await #expect(throws: (any Error).self) { try await read(Memory(Array(bytes.prefix(200))), from: 0) }
        // Whatever byte is wrong, the answer is an error or samples, never a trap.
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var broken = bytes
            for _ in 0..<3 {
                broken[Int.random(in: 0..<min(2000, broken.count), using: &random)] = .random(in: .min ... .max, using: &random)
            }
            _ = try? await read(Memory(broken), from: 1)
        }
        bytes.removeLast(bytes.count / 3)
        _ = try? await read(Memory(bytes), from: 0)
    }
}
