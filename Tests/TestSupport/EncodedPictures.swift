public import Media

/// Encodes test pictures and hands each packet over as a sample.
public func encodedSamples(
    _ count: Int, width: Int = 320, height: Int = 180, frameRate: Int = 10, encoder name: String = "libx264"
) throws -> [Sample] {
    MediaLibrary.prepare()
    var encoder = try VideoEncoder(
        VideoEncoderSettings(encoder: name, width: width, height: height, frameRate: frameRate, bitRate: 300_000))
    let format = encoder.format
    var samples: [Sample] = []
    for index in 0...count {
        if index < count {
            let frame = try Frame.testPicture(width: width, height: height, index: index)
            frame.setTime(MediaTime(microseconds: Int64(index) * 1_000_000 / Int64(frameRate)))
            try encoder.send(frame)
        } else {
            encoder.drain()
        }
        while let packet = try encoder.receive() { samples.append(packet.sample(of: format)) }
    }
    return samples
}

/// A whole fragmented MP4 of `samples`.
public func fragmentedMP4(_ samples: [Sample]) throws -> [UInt8] {
    guard let format = samples.first?.format else { return [] }
    var muxer = try FragmentedMP4Muxer(formats: [format], container: .mp4)
    var bytes = muxer.takeBytes()
    for (index, sample) in samples.enumerated() {
        if index > 0, sample.isKeyFrame {
            try muxer.cut()
            bytes += muxer.takeBytes()
        }
        try muxer.write(sample, track: 0, origin: .zero)
    }
    try muxer.cut()
    return bytes + muxer.takeBytes()
}

/// The times of the pictures that can be decoded of an MP4, in order.
public func decodedPictures(_ file: [UInt8]) throws -> [MediaTime] {
    var rest = file[...]
    var demuxer = try Demuxer(container: "mov") { target in
        let count = min(target.count, rest.count, 1000)
        rest.prefix(count).withUnsafeBytes { target.copyMemory(from: $0) }
        rest = rest.dropFirst(count)
        return count
    }
    guard let track = demuxer.formats.firstIndex(where: { $0?.kind == .video }), let format = demuxer.formats[track] else { return [] }
    var decoder = try VideoDecoder(format: format)
    var frame = try Frame()
    var pictures: [MediaTime] = []
    while let item = try demuxer.read() {
        guard item.track == track, let time = item.time else { continue }
        try decoder.send(item.packet, time: time)
        while try decoder.receive(into: &frame) { pictures.append(frame.time ?? .zero) }
    }
    decoder.drain()
    while try decoder.receive(into: &frame) { pictures.append(frame.time ?? .zero) }
    return pictures
}
