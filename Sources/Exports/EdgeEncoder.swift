import Core
import Media
import MediaWorker
import Synchronization

/// Encodes the pictures between a moment and the next key frame anew, so that a file can begin with that moment.
struct EdgeEncoder: Sendable {
    /// libx264 gives this number to its parameter sets; cameras count from 0.
    private static let parameterSetID = 31
    private static let bitRate = 8_000_000

    let worker: TranscodeWorker

    /// The pictures of `group` (a key frame and what follows it) from `start` on, in the form that goes before `next`, the camera's next key frame, in
    /// one file, with times as theirs; `format` is what the whole file then has. Nil where that cannot be: pictures of another codec than H.264 and H.265.
    func encode(_ group: [Sample], from start: MediaTime, before next: Sample?) async throws -> (format: StreamFormat, samples: [Sample])? {
        guard let first = group.first, [.h264, .hevc].contains(first.format.codec) else { return nil }
        let isH264 = first.format.codec == .h264
        let settings = VideoEncoderSettings(
            encoder: isH264 ? "libx264" : "libx265", width: first.format.width, height: first.format.height, frameRate: 60,
            bitRate: Self.bitRate,
            parameterSetID: isH264 ? Self.parameterSetID : nil)
        let job = TranscodeJob(
            video: .encode(settings), start: MediaTime.zero + (start - first.decodeTime), thumbnailAt: MediaTime.zero, cpuSeconds: 120)
        let made = Collected()
        let result = try await worker.run(job, source: try Group(group), output: made)
        return try assemble(
            made.bytes.withLock { $0 }, start: start + .microseconds(Int64(result.startsLate * 1_000_000)), beside: first.format,
            before: next)
    }

    /// Between decoding and showing there lies what lies there in the camera's stream: its next key frame is decoded so long before it is shown, and
    /// would come too late otherwise.
    private func assemble(_ bytes: [UInt8], start: MediaTime, beside format: StreamFormat, before next: Sample?) throws -> (
        StreamFormat, [Sample]
    )? {
        let delay = next.map { max(.zero, $0.time - $0.decodeTime) } ?? .zero
        var offset = 0
        var demuxer = try Demuxer(container: "mov") { buffer in
            let count = min(buffer.count, bytes.count - offset)
            buffer.copyBytes(from: bytes[offset..<offset + count])
            offset += count
            return count
        }
        let formats = demuxer.formats
        guard let track = formats.firstIndex(where: { $0?.kind == .video }), let theirs = formats[track],
            let merged = MergedParameterSets.merged(format, theirs)
        else { return nil }
        var own: [Sample] = []
        while let item = try demuxer.read() {
            guard item.track == track, let time = item.time ?? item.decodeTime else { continue }
            let moved = start + (time - .zero)
            own.append(
                Sample(
                    format: theirs, time: moved, decodeTime: moved - delay, duration: item.duration, isKeyFrame: item.packet.isKeyFrame,
                    arrival: .zero,
                    packet: try item.packet.reference()))
        }
        var samples: [Sample] = []
        for (index, sample) in own.enumerated() {
            let converted = try MergedParameterSets.byteStream(sample, as: merged, isLast: index == own.count - 1)
            guard let converted else { return nil }
            samples.append(converted)
        }
        return samples.isEmpty ? nil : (merged, samples)
    }
}

/// A group of pictures as a file that a worker reads; its time begins at zero.
private actor Group: TranscodeSource {
    private var bytes: [UInt8]?

    init(_ samples: [Sample]) throws {
        guard let first = samples.first else { return }
        var muxer = try FragmentedMP4Muxer(formats: [first.format], container: .mp4)
        for sample in samples { try muxer.write(sample, track: 0, origin: first.decodeTime) }
        try muxer.cut()
        bytes = muxer.takeBytes()
    }

    func next() -> [UInt8]? {
        defer { bytes = nil }
        return bytes
    }
}

private final class Collected: TranscodeOutput {
    let bytes = Mutex<[UInt8]>([])

    func header(_ bytes: [UInt8]) { self.bytes.withLock { $0 += bytes } }
    func fragment(_ info: FragmentInfo, _ bytes: [UInt8]) { self.bytes.withLock { $0 += bytes } }
    func thumbnail(_ bytes: [UInt8]) {}
}
