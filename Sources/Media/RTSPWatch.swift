import CFFmpeg

/// What FFmpeg asks again and again while it works at an RTSP session: whether it must end, and which connections it may still open.
///
/// libavformat follows a redirect (RFC 2326, 11.3) wherever it leads, and has no option against it. Its first question comes while it connects to the
/// camera; from then on TCP is none of the protocols that it may use, so that a second connection, to whom a camera names, is never begun.
/// Media over UDP open no TCP connection, those over TCP use the first.
final class RTSPWatch {
    private let interrupt: Interrupt
    private let context: UnsafeMutablePointer<AVFormatContext>
    /// FFmpeg asks on the one thread that works with the context.
    private var isConnecting = false

    init(_ interrupt: Interrupt, _ context: UnsafeMutablePointer<AVFormatContext>) {
        self.interrupt = interrupt
        self.context = context
    }

    /// What may be used before the first question.
    static let protocols = "rtsp,rtp,udp,tcp"
    private static let protocolsAfterwards = "rtp,udp"

    /// The callback for FFmpeg; whoever sets it keeps this object alive as long.
    var callback: AVIOInterruptCB {
        AVIOInterruptCB(
            callback: { opaque in
                guard let opaque else { return 0 }
                return Unmanaged<RTSPWatch>.fromOpaque(opaque).takeUnretainedValue().mustEnd() ? 1 : 0
            },
            opaque: Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func mustEnd() -> Bool {
        if !isConnecting {
            isConnecting = true
            // The connection under way has a copy of the former list.
            guard av_opt_set(context, "protocol_whitelist", Self.protocolsAfterwards, 0) >= 0 else { return true }
        }
        return interrupt.isDue
    }
}
