import Core
import Foundation
import Media

/// Makes the cloud copy of one clip: demux, then copy or decode, drop, scale and encode, then fragments.
struct Transcoder: ~Copyable {
    private let job: TranscodeJob
    private let pipes: WorkerPipes
    private var encoder: VideoEncoder?
    private var decoder: VideoDecoder?
    private var scaler: Scaler?
    private var dropper: FrameRateDropper
    private var audio: AudioTranscoder?
    private var audioFormat: StreamFormat?
    private var writer: ClipFragments
    private var origin: MediaTime?
    /// Sound that came before the first kept picture, whose time it must be counted from.
    private var earlySound: [Sample] = []
    private var thumbnail = ThumbnailChoice()
    private var lastKept: MediaTime?
    private var result = TranscodeResult(
        footage: .init(width: 0, height: 0, frameRate: 0, videoCodec: "", audioCodec: nil, duration: 0), frames: 0, damaged: 0,
        soundMissing: nil, cpuSeconds: 0, startsLate: 0)

    /// Nothing has a value yet when something throws: Swift 6.2 would give one that a property begins with back twice.
    init(job: TranscodeJob, pipes: WorkerPipes, openEncoderNow: Bool) throws {
        var writer = ClipFragments(pipes: pipes)
        if let key = job.key { try writer.encrypt(with: key) }
        var opened: VideoEncoder?
        if openEncoderNow, case .encode(let settings) = job.video { opened = try VideoEncoder(settings) }
        self.init(job, pipes: pipes, writer: writer, encoder: opened)
    }

    private init(_ job: TranscodeJob, pipes: WorkerPipes, writer: consuming ClipFragments, encoder: consuming VideoEncoder?) {
        self.job = job
        self.pipes = pipes
        self.writer = writer
        var frameRate = 25
        if case .encode(let settings) = job.video {
            frameRate = settings.frameRate
            if encoder != nil { scaler = Scaler(width: settings.width, height: settings.height, layout: .yuv420) }
        }
        self.encoder = encoder
        self.dropper = FrameRateDropper(frameRate: frameRate)
    }

    mutating func run() throws {
        var source = try Demuxer(container: "mov", read: pipes.sourceReader())
        let formats = source.formats
        guard let videoTrack = formats.firstIndex(where: { $0?.kind == .video }), let video = formats[videoTrack] else {
            throw WorkerFailure(.refused, "the source has no video")
        }
        let audioTrack = formats.firstIndex { $0?.kind == .audio }
        if let audioTrack, let format = formats[audioTrack] { try prepareAudio(format) }
        decoder = try? VideoDecoder(format: video)
        if case .encode = job.video, decoder == nil {
            throw WorkerFailure(.refused, "no decoder for \(video.codec.rawValue)")
        }
        while let item = try source.read() {
            guard let time = item.time ?? item.decodeTime else { continue }
            if item.track == videoTrack {
                try takeVideo(item, time: time, format: video)
            } else if item.track == audioTrack {
                try takeAudio(item.packet, time: time, duration: item.duration)
            }
        }
        try finish(video: video)
    }

    private mutating func prepareAudio(_ format: StreamFormat) throws {
        if format.codec == .aac {
            audioFormat = format
        } else if format.codec.isG711 {
            let made = try AudioTranscoder(source: format)
            audioFormat = made.format
            audio = consume made
        } else {
            result.soundMissing = "The camera's sound (\(format.codec.rawValue)) cannot be played by browsers."
        }
    }

    private mutating func takeVideo(_ item: borrowing Demuxer.Item, time: MediaTime, format: StreamFormat) throws {
        switch job.video {
        case .copy:
            if origin == nil {
                guard item.packet.isKeyFrame else { return }
                try writer.open(video: format, audio: audioFormat)
                try begin(at: time)
            }
            guard let origin else { return }
            let decodeTime = MediaTime.zero + ((item.decodeTime ?? time) - origin)
            try writer.addVideo(
                item.packet, time: MediaTime.zero + (time - origin), decodeTime: decodeTime, duration: item.duration,
                isKeyFrame: item.packet.isKeyFrame)
            count(time)
            result.footage.width = format.width
            result.footage.height = format.height
            if thumbnail.wants(keyFrameAt: time, target: job.thumbnailAt), item.packet.isKeyFrame {
                try pictureOfCopy(item.packet, time: time)
            }
        case .encode:
            do {
                try decoder?.send(item.packet, time: time)
            } catch {
                result.damaged += 1
                return
            }
            try receivePictures()
        }
    }

    private mutating func begin(at time: MediaTime) throws {
        origin = time
        result.startsLate = (time - job.start).seconds
        let waiting = earlySound
        earlySound = []
        for sample in waiting {
            try sample.withPacket { packet throws in try takeAudio(packet, time: sample.time, duration: sample.duration) }
        }
    }

    private mutating func receivePictures() throws {
        var frame = try Frame()
        while true {
            do {
                guard try decoder?.receive(into: &frame) ?? false else { return }
            } catch {
                result.damaged += 1
                return
            }
            // Half a frame of 25 early is nearer to the wanted start than the next one.
            guard let time = frame.time, time >= job.start - .milliseconds(5) else { continue }
            if origin == nil { try begin(at: time) }
            guard let origin, let place = dropper.place(MediaTime.zero + (time - origin)) else { continue }
            try encode(frame, at: time, shownAt: place)
        }
    }

    private mutating func encode(_ frame: borrowing Frame, at time: MediaTime, shownAt place: MediaTime) throws {
        if encoder == nil { try openEncoder(for: frame) }
        try openWriter()
        if thumbnail.wants(pictureAt: time, target: job.thumbnailAt) {
            try thumbnail.send(frame, through: pipes)
        }
        if scaler?.isNeedless(for: frame) ?? true {
            frame.setTime(place)
            try encoder?.send(frame)
        } else if let scaled = try scaler?.scale(frame) {
            scaled.setTime(place)
            try encoder?.send(scaled)
        }
        count(origin.map { $0 + (place - .zero) } ?? time)
        try receivePackets()
    }

    private mutating func openEncoder(for frame: borrowing Frame) throws {
        guard case .encode(var settings) = job.video else { return }
        let size = fittedSize(width: frame.width, height: frame.height, into: (settings.width, settings.height))
        settings.width = size.width
        settings.height = size.height
        encoder = try VideoEncoder(settings, fullRange: frame.isFullRange, pixelAspect: frame.pixelAspect)
        scaler = Scaler(width: size.width, height: size.height, layout: .yuv420)
    }

    /// Begins the clip's file, once, whenever the encoder was opened.
    private mutating func openWriter() throws {
        guard let format = encoder?.format else { return }
        try writer.open(video: format, audio: audioFormat)
        result.footage.width = format.width
        result.footage.height = format.height
    }

    private mutating func receivePackets() throws {
        while let encoded = try encoder?.receive() {
            let isKey = encoded.packet.isKeyFrame
            try writer.addVideo(
                encoded.packet, time: encoded.time, decodeTime: encoded.decodeTime, duration: encoded.duration, isKeyFrame: isKey)
        }
    }

    private mutating func takeAudio(_ packet: borrowing Packet, time: MediaTime, duration: Duration) throws {
        guard let format = audioFormat else { return }
        guard let origin else {
            guard time >= job.start - .seconds(1) else { return }
            earlySound.append(
                Sample(
                    format: format, time: time, decodeTime: time, duration: duration, isKeyFrame: true, arrival: .zero,
                    packet: try packet.reference()))
            return
        }
        let relative = MediaTime.zero + (time - origin)
        guard audio != nil else {
            try writer.addAudio(packet, time: relative, duration: duration)
            return
        }
        var made: [Sample] = []
        try audio?.transcode(packet, time: relative) { encoded throws(MediaError) in made.append(encoded.sample(of: format)) }
        // The encoder's first packets lie before the clip; without them sound and picture stay together.
        for sample in made where sample.time >= .zero { try writer.addAudio(sample) }
    }

    private mutating func finishAudio() throws {
        guard let format = audioFormat, audio != nil else { return }
        var made: [Sample] = []
        try audio?.finish { encoded throws(MediaError) in made.append(encoded.sample(of: format)) }
        for sample in made where sample.time >= .zero { try writer.addAudio(sample) }
    }

    private mutating func count(_ time: MediaTime) {
        result.frames += 1
        lastKept = max(lastKept ?? time, time)
    }

    private mutating func pictureOfCopy(_ packet: borrowing Packet, time: MediaTime) throws {
        guard decoder != nil else { return }
        decoder?.restart()
        try? decoder?.send(packet, time: time)
        decoder?.drain()
        var frame = try Frame()
        if (try? decoder?.receive(into: &frame)) ?? false { try thumbnail.send(frame, through: pipes) }
        decoder?.restart()
    }

    private mutating func finish(video: StreamFormat) throws {
        try finishAudio()
        if case .encode = job.video {
            decoder?.drain()
            try receivePictures()
            encoder?.drain()
            try receivePackets()
        }
        guard let origin, let lastKept, result.frames > 0 else {
            throw WorkerFailure(.refused, "no picture could be decoded (\(result.damaged) damaged)")
        }
        try writer.finish()
        let span = (lastKept - origin).seconds
        let frameInterval = result.frames > 1 ? span / Double(result.frames - 1) : 0
        result.footage.duration = max(span + frameInterval, 0)
        result.footage.frameRate = frameInterval > 0 ? (100 / frameInterval).rounded() / 100 : 0
        result.footage.videoCodec = job.video == .copy ? video.codec.rawValue : Codec.h264.rawValue
        result.footage.audioCodec = writer.hasSound ? audioFormat?.codec.rawValue : nil
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        result.cpuSeconds =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        pipes.send(.done, head: result)
    }
}

/// Which picture becomes the thumbnail: the first at once, so that there is one, then the one at the event.
private struct ThumbnailChoice {
    private var sentFirst = false
    private var sentTarget = false

    mutating func wants(pictureAt time: MediaTime, target: MediaTime) -> Bool {
        if !sentFirst {
            sentFirst = true
            sentTarget = time >= target
            return true
        }
        guard !sentTarget, time >= target else { return false }
        sentTarget = true
        return true
    }

    /// For copies only key frames can be shown; the first at or after the event serves.
    mutating func wants(keyFrameAt time: MediaTime, target: MediaTime) -> Bool {
        wants(pictureAt: time, target: target)
    }

    func send(_ frame: borrowing Frame, through pipes: WorkerPipes) throws {
        pipes.send(WorkerMessage(.thumbnail, body: try JPEG.encode(frame, width: 640)))
    }
}
