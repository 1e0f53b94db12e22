import Media

/// The worker's side of a live conversion: decode, drop, scale, encode, picture by picture.
struct LiveConversionMaker: ~Copyable {
    private let conversion: LiveConversion
    private let pipes: WorkerPipes
    private var decoder: VideoDecoder
    private var dropper: FrameRateDropper
    private var encoder: VideoEncoder?
    private var scaler: Scaler?
    private var size = (width: 0, height: 0)
    private var origin: MediaTime?

    /// Nothing has a value yet when something throws: Swift 6.2 would give one that a property begins with back twice.
    init(_ conversion: LiveConversion, pipes: WorkerPipes) throws {
        self.init(conversion, pipes: pipes, decoder: try VideoDecoder(format: conversion.source))
    }

    private init(_ conversion: LiveConversion, pipes: WorkerPipes, decoder: consuming VideoDecoder) {
        self.conversion = conversion
        self.pipes = pipes
        self.decoder = decoder
        dropper = FrameRateDropper(frameRate: conversion.frameRate)
    }

    /// Converts until the box closes the pipe.
    mutating func run() throws {
        while let message = try pipes.receive() {
            guard message.kind == .samplesToConvert else { throw WorkerFailure(.garbage, "unexpected message") }
            let head: ConvertedSample = try message.decodeHead()
            let packet = try Packet(copying: message.body, isKeyFrame: head.isKeyFrame)
            // A damaged picture costs those that need it.
            guard (try? decoder.send(packet, time: head.time)) != nil else { continue }
            var frame = try Frame()
            while (try? decoder.receive(into: &frame)) ?? false { try convert(frame) }
        }
    }

    private mutating func convert(_ frame: borrowing Frame) throws {
        guard let time = frame.time else { return }
        let start = origin ?? time
        origin = start
        guard let place = dropper.place(MediaTime.zero + (time - start)) else { return }
        if encoder == nil || size != (frame.width, frame.height) { try open(for: frame) }
        let shown = start + (place - .zero)
        if scaler?.isNeedless(for: frame) ?? true {
            frame.setTime(shown)
            try encoder?.send(frame)
        } else if let scaled = try scaler?.scale(frame) {
            scaled.setTime(shown)
            try encoder?.send(scaled)
        }
        while let encoded = try encoder?.receive() {
            let bytes = encoded.packet.withBytes { Array($0) }
            pipes.send(.converted, head: ConvertedSample(time: encoded.time, isKeyFrame: encoded.packet.isKeyFrame), body: bytes)
        }
    }

    /// At the first picture, and where the camera's pictures change their size.
    private mutating func open(for frame: borrowing Frame) throws {
        size = (frame.width, frame.height)
        let fitted = fittedSize(width: frame.width, height: frame.height, into: (conversion.width, conversion.height))
        let settings = VideoEncoderSettings(
            encoder: "libx264", width: fitted.width, height: fitted.height, frameRate: conversion.frameRate, bitRate: conversion.bitRate)
        let made = try VideoEncoder(settings, fullRange: frame.isFullRange, pixelAspect: frame.pixelAspect)
        pipes.send(.convertedFormat, head: made.format)
        encoder = consume made
        scaler = Scaler(width: fitted.width, height: fitted.height, layout: .yuv420)
    }
}
