import CFFmpeg

/// One decoded picture or block of sound, owned by exactly one holder at a time.
///
/// `@unchecked Sendable` because the one owner may move between threads.
public struct Frame: ~Copyable, @unchecked Sendable {
    let pointer: UnsafeMutablePointer<AVFrame>

    /// An empty frame, to be filled by a decoder or scaler.
    public init() throws(MediaError) {
        guard let pointer = av_frame_alloc() else { throw .outOfMemory("av_frame_alloc") }
        self.pointer = pointer
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVFrame>? = pointer
        av_frame_free(&pointer)
    }

    public var width: Int { Int(pointer.pointee.width) }
    public var height: Int { Int(pointer.pointee.height) }

    /// When it is shown; nil where the decoder does not know.
    public var time: MediaTime? { MediaTime(ticks: pointer.pointee.pts, timeBase: MediaTime.timeBase) }

    var pixelFormat: AVPixelFormat { AVPixelFormat(rawValue: pointer.pointee.format) }

    /// Lets go of the content, keeping the frame for the next.
    mutating func clear() {
        av_frame_unref(pointer)
    }

    /// Allocates picture memory of the given size.
    mutating func allocatePicture(width: Int, height: Int, format: AVPixelFormat) throws(MediaError) {
        pointer.pointee.width = Int32(width)
        pointer.pointee.height = Int32(height)
        pointer.pointee.format = format.rawValue
        try MediaError.check(av_frame_get_buffer(pointer, 0), "av_frame_get_buffer")
    }

    /// The first plane's rows, top first, without padding.
    public borrowing func firstPlane() -> [UInt8] {
        guard let data = pointer.pointee.data.0 else { return [] }
        let stride = Int(pointer.pointee.linesize.0)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(width * height)
        for row in 0..<height {
            bytes.append(contentsOf: UnsafeBufferPointer(start: data + row * stride, count: width))
        }
        return bytes
    }
}

extension Frame {
    /// Sets when the picture is shown.
    public borrowing func setTime(_ time: MediaTime) {
        pointer.pointee.pts = time.microseconds
    }

    /// The picture uses the full range of values, as JPEG does.
    public var isFullRange: Bool {
        pixelFormat == AV_PIX_FMT_YUVJ420P || pointer.pointee.color_range == AVCOL_RANGE_JPEG
    }

    /// Width to height of a pixel; 1:1 where the stream says nothing.
    public var pixelAspect: (Int32, Int32) {
        let aspect = pointer.pointee.sample_aspect_ratio
        return aspect.num > 0 && aspect.den > 0 ? (aspect.num, aspect.den) : (1, 1)
    }

    /// A gradient with a block that moves with `index`, in 4:2:0.
    public static func testPicture(width: Int, height: Int, index: Int) throws(MediaError) -> Frame {
        var frame = try Frame()
        try frame.allocatePicture(width: width, height: height, format: AV_PIX_FMT_YUV420P)
        let data = frame.pointer.pointee.data
        let stride = frame.pointer.pointee.linesize
        guard let luma = data.0, let blue = data.1, let red = data.2 else { throw .outOfMemory("picture") }
        let block = (index * 8) % max(1, width - 64)
        for row in 0..<height {
            for column in 0..<width {
                let inBlock = row >= 64 && row < 128 && column >= block && column < block + 64
                luma[row * Int(stride.0) + column] = inBlock ? 220 : UInt8(40 + (row + column) % 128)
            }
        }
        for row in 0..<height / 2 {
            for column in 0..<width / 2 {
                blue[row * Int(stride.1) + column] = 128
                red[row * Int(stride.2) + column] = 128
            }
        }
        return frame
    }
}
