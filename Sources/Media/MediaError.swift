// Media makes FFmpeg safe: packets, frames, demuxer, decoder, scaler, encoder, muxer.
// It knows no cameras, no sites and no network policy; nothing of ours but itself may be imported here.

import CFFmpeg

/// A failed call into FFmpeg: what was tried and what it answered.
public struct MediaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The causes that callers act on.
    public enum Kind: String, Sendable {
        /// The peer refuses the user name or password (RTSP 401).
        case unauthorized
        /// The peer has no such path (RTSP 404).
        case notFound
        /// The peer is there and gives no session now (RTSP 453, 5xx).
        case busy
        /// Nothing answered in time.
        case timedOut
        /// Nobody listens at the address.
        case connectionRefused
        /// No way to the address.
        case unreachable
        /// Stopped on our own wish.
        case interrupted
        /// The bytes are not what they claim to be.
        case invalidData
        /// A codec or format that is not handled.
        case unsupported
        /// The input ended.
        case ended
        /// Anything else; see `code`.
        case other
    }

    /// The call or step that failed.
    public let operation: String
    /// FFmpeg's negative code, 0 where the failure is our own finding.
    public let code: Int32
    /// The cause, sorted.
    public let kind: Kind

    /// An error of the call `operation`.
    public init(_ operation: String, code: Int32) {
        self.operation = operation
        self.code = code
        self.kind = Self.kind(of: code)
    }

    /// A finding of our own.
    public init(_ operation: String, kind: Kind) {
        self.operation = operation
        self.code = 0
        self.kind = kind
    }

    public var description: String {
        guard code != 0 else { return "\(operation): \(kind.rawValue)" }
        var text = [CChar](repeating: 0, count: 128)
        av_strerror(code, &text, text.count)
        let end = text.firstIndex(of: 0) ?? text.endIndex
        return "\(operation): \(String(decoding: text[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self)) (\(code))"
    }

    private static func kind(of code: Int32) -> Kind {
        switch code {
        case gatehouse_averror_http_unauthorized(): .unauthorized
        case gatehouse_averror_http_not_found(): .notFound
        case gatehouse_averror_http_other(), gatehouse_averror_http_server(): .busy
        case gatehouse_averror(ETIMEDOUT): .timedOut
        case gatehouse_averror(ECONNREFUSED): .connectionRefused
        case gatehouse_averror(EHOSTUNREACH), gatehouse_averror(ENETUNREACH): .unreachable
        case gatehouse_averror_exit(): .interrupted
        case gatehouse_averror_invalid_data(): .invalidData
        case gatehouse_averror_eof(): .ended
        default: .other
        }
    }

    /// Throws unless `code` is a success.
    @discardableResult
    static func check(_ code: Int32, _ operation: String) throws(MediaError) -> Int32 {
        guard code >= 0 else { throw MediaError(operation, code: code) }
        return code
    }

    static func outOfMemory(_ operation: String) -> MediaError {
        MediaError(operation, code: gatehouse_averror(ENOMEM))
    }
}

/// Settings of FFmpeg that hold for the whole process.
public enum MediaLibrary {
    /// Silences FFmpeg's own log, which would print what cameras send; call once at start.
    public static func prepare() {
        gatehouse_quiet_log()
        avformat_network_init()
    }

    /// The version of libavcodec that runs.
    public static var version: String { String(cString: av_version_info()) }
}
