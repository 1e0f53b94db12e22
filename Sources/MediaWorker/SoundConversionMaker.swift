import Media

/// The worker's side of a live conversion of sound: decode, and encode as Opus.
struct SoundConversionMaker: ~Copyable {
    private let pipes: WorkerPipes
    private var transcoder: AudioTranscoder

    init(_ conversion: LiveConversion, pipes: WorkerPipes) throws {
        // Before a property is set: Swift 6.2 would give that back twice.
        let transcoder = try AudioTranscoder(source: conversion.source, target: .opus)
        self.pipes = pipes
        self.transcoder = transcoder
        pipes.send(.convertedFormat, head: StreamFormat.liveOpus)
    }

    /// Converts until the box closes the pipe.
    mutating func run() throws {
        let pipes = pipes
        while let message = try pipes.receive() {
            guard message.kind == .samplesToConvert else { throw WorkerFailure(.garbage, "unexpected message") }
            let head: ConvertedSample = try message.decodeHead()
            try transcoder.transcode(try Packet(copying: message.body, isKeyFrame: true), time: head.time) { encoded in
                let bytes = encoded.packet.withBytes { Array($0) }
                pipes.send(.converted, head: ConvertedSample(time: encoded.time, isKeyFrame: true), body: bytes)
            }
        }
    }
}
