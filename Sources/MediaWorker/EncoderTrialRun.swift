import Media

/// Tries an encoder on this machine: it must open, encode thirty pictures, and they must decode to what went in.
enum EncoderTrialRun {
    private static let width = 640
    private static let height = 360

    static func prove(_ name: String) -> EncoderProof {
        let isHardware = name != "libx264"
        do {
            let difference = try meanDifference(name)
            guard difference < 12 else {
                return EncoderProof(
                    encoder: name, isHardware: isHardware, proven: false,
                    reason: "It encodes, but the pictures come out wrong (mean difference \(Int(difference)) of 255).")
            }
            return EncoderProof(
                encoder: name, isHardware: isHardware, proven: true, reason: "It encoded and gave back 30 test pictures.")
        } catch {
            return EncoderProof(encoder: name, isHardware: isHardware, proven: false, reason: "It could not be used here: \(error).")
        }
    }

    private static func meanDifference(_ name: String) throws -> Double {
        var encoder = try VideoEncoder(
            VideoEncoderSettings(encoder: name, width: width, height: height, frameRate: 10, bitRate: 1_000_000))
        // Behind the same walls as in its work: an encoder that needs more than them fails here and not with footage.
        try Sandbox.enter(memoryBytes: 2 << 30, cpuSeconds: 60, devices: name != "libx264")
        var decoder = try VideoDecoder(format: encoder.format)
        var pictures = 0
        var last: (time: MediaTime, luma: [UInt8])?
        func take(_ decoder: inout VideoDecoder) throws(MediaError) {
            var frame = try Frame()
            while try decoder.receive(into: &frame) {
                pictures += 1
                if let time = frame.time { last = (time, frame.firstPlane()) }
            }
        }
        for index in 0...30 {
            if index < 30 {
                let frame = try Frame.testPicture(width: width, height: height, index: index)
                frame.setTime(MediaTime(microseconds: Int64(index) * 100_000))
                try encoder.send(frame)
            } else {
                encoder.drain()
            }
            while let encoded = try encoder.receive() {
                try decoder.send(encoded.packet, time: encoded.time)
                try take(&decoder)
            }
        }
        decoder.drain()
        try take(&decoder)
        guard pictures >= 29, let last else { throw MediaError("only \(pictures) of 30 pictures came back", kind: .invalidData) }
        let sent = try Frame.testPicture(width: width, height: height, index: Int(last.time.microseconds / 100_000)).firstPlane()
        guard last.luma.count == sent.count else { throw MediaError("wrong picture size", kind: .invalidData) }
        let difference = zip(sent, last.luma).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        return Double(difference) / Double(sent.count)
    }
}
