import CFFmpeg

/// Scales and converts pictures; it follows the source when its size or pixel format changes.
///
/// `@unchecked Sendable` because the one owner may move between threads.
public struct Scaler: ~Copyable, @unchecked Sendable {
    /// What the encoders and the analysis here take.
    public enum Layout: Sendable {
        /// 4:2:0 with the source's range.
        case yuv420
        /// 4:2:0 with full range, as JPEG wants it.
        case jpeg
        /// Luminance alone.
        case gray

        var pixelFormat: AVPixelFormat {
            switch self {
            case .yuv420: AV_PIX_FMT_YUV420P
            case .jpeg: AV_PIX_FMT_YUVJ420P
            case .gray: AV_PIX_FMT_GRAY8
            }
        }
    }

    private var context: OpaquePointer?
    private let layout: Layout
    public let width: Int
    public let height: Int

    /// A scaler to `width` by `height` pixels.
    public init(width: Int, height: Int, layout: Layout) {
        self.width = width
        self.height = height
        self.layout = layout
    }

    deinit {
        sws_freeContext(context)
    }

    /// Whether `frame` is already as wanted.
    public func isNeedless(for frame: borrowing Frame) -> Bool {
        guard frame.width == width, frame.height == height else { return false }
        switch layout {
        case .yuv420: return frame.pixelFormat == AV_PIX_FMT_YUV420P || frame.pixelFormat == AV_PIX_FMT_YUVJ420P
        case .jpeg, .gray: return frame.pixelFormat == layout.pixelFormat
        }
    }

    /// A scaled copy of `frame`, with its time.
    public mutating func scale(_ frame: borrowing Frame) throws(MediaError) -> Frame {
        let full = frame.pixelFormat == AV_PIX_FMT_YUVJ420P || frame.pointer.pointee.color_range == AVCOL_RANGE_JPEG
        let target = layout == .yuv420 && full ? AV_PIX_FMT_YUVJ420P : layout.pixelFormat
        // Shrinking far must average; otherwise bilinear is enough.
        let algorithm = layout == .gray ? SWS_AREA : SWS_BILINEAR
        context = sws_getCachedContext(
            context, Int32(frame.width), Int32(frame.height), frame.pixelFormat, Int32(width), Int32(height), target, Int32(algorithm), nil,
            nil, nil)
        guard let context else { throw MediaError("scale", kind: .unsupported) }
        var scaled = try Frame()
        try scaled.allocatePicture(width: width, height: height, format: target)
        try MediaError.check(sws_scale_frame(context, scaled.pointer, frame.pointer), "scale")
        scaled.pointer.pointee.pts = frame.pointer.pointee.pts
        scaled.pointer.pointee.color_range = frame.pointer.pointee.color_range
        return scaled
    }
}

/// The largest size within `box` that keeps the picture's shape, never larger than the picture, with even sides.
public func fittedSize(width: Int, height: Int, into box: (width: Int, height: Int)) -> (width: Int, height: Int) {
    guard width > 0, height > 0 else { return box }
    let factor = min(1, Double(box.width) / Double(width), Double(box.height) / Double(height))
    func even(_ value: Double) -> Int { max(2, Int((value / 2).rounded()) * 2) }
    return (even(Double(width) * factor), even(Double(height) * factor))
}
