import Core
import Foundation
import Media

/// The worker that turns key frames into small luminance pictures (for motion detection) and JPEGs (for people).
struct PictureMaker: ~Copyable {
    private let pipes: WorkerPipes

    init(pipes: WorkerPipes) {
        self.pipes = pipes
    }

    /// Answers picture after picture until the box closes the pipe.
    consuming func run(first: WorkerMessage) throws {
        var message: WorkerMessage? = first
        while let request = message {
            guard request.kind == .picture else { throw WorkerFailure(.garbage, "unexpected message") }
            answer(try request.decodeHead(), keyFrame: request.body)
            message = try pipes.receive()
        }
    }

    private func answer(_ request: PictureRequest, keyFrame: [UInt8]) {
        do {
            let (gray, jpeg) = try make(request, keyFrame: keyFrame)
            pipes.send(.pictureDone, head: PictureAnswer(grayBytes: gray.count, error: nil), body: gray + jpeg)
        } catch {
            pipes.send(.pictureDone, head: PictureAnswer(grayBytes: 0, error: "\(error)"))
        }
    }

    /// A decoder for each picture: opening one costs far less than the memory of one kept per channel.
    private func make(_ request: PictureRequest, keyFrame: [UInt8]) throws -> (gray: [UInt8], jpeg: [UInt8]) {
        var decoder = try VideoDecoder(format: request.format, keyFramesOnly: true)
        let packet = try Packet(copying: keyFrame, isKeyFrame: true)
        try decoder.send(packet, time: .zero)
        decoder.drain()
        var frame = try Frame()
        guard try decoder.receive(into: &frame) else { throw MediaError("no picture in the key frame", kind: .invalidData) }
        var scaler = Scaler(width: request.grayWidth, height: request.grayHeight, layout: .gray)
        let gray = try scaler.scale(frame)
        let jpeg = try request.jpegWidth.map { width throws(MediaError) in try JPEG.encode(frame, width: width) } ?? []
        return (gray.firstPlane(), jpeg)
    }
}
