// RTSP speaks RTSP: with devices it receives live streams, plays recordings by time and speaks into back channels; to programs outside it is
// the server. It decodes nothing and knows neither drivers nor clips.

import CameraProtocols
import NIOCore
import NIOPosix

/// Why a device does not play, as a person must hear it.
public struct RTSPFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case unreachable
        case refused
        case silent
        case wrongPassword = "wrong-password"
        /// It takes the password only in the open, which was not allowed.
        case insecure
        case forbidden
        case busy
        /// It will never do this.
        case unsupported
        /// It has nothing of this time.
        case nothingThere = "nothing-there"
        case deviceError = "device-error"
        /// It names another address, which could be anyone's.
        case redirected
        case nonsense
    }

    public let code: Code
    /// The cause and the next step.
    public let sentence: String
    /// What support wants to know; no secrets.
    public var detail: String?

    public init(_ code: Code, _ sentence: String, detail: String? = nil) {
        self.code = code
        self.sentence = sentence
        self.detail = detail
    }

    public var description: String { detail.map { "\(code.rawValue): \($0)" } ?? code.rawValue }

    static let silent = RTSPFailure(.silent, "The device does not answer in time. Check its power and cable, and try again.")
    /// It ended the connection.
    public static let closed = RTSPFailure(
        .silent, "The device ended the connection while it was asked for its recording.", detail: "closed")

    /// What an answer other than success means (RFC 2326, section 11.3).
    static func refusal(_ answer: RTSPMessage, of method: String) -> RTSPFailure {
        let detail = "\(method): \(answer.status) \(answer.reason.prefix(80))"
        return switch answer.status {
        case 300..<400:
            RTSPFailure(.redirected, "The device sends the box on to another address, which the box does not follow.", detail: detail)
        case 401:
            RTSPFailure(.wrongPassword, "The device refuses the user name or password. Enter the right ones.", detail: detail)
        case 403:
            RTSPFailure(.forbidden, "This user of the device may not play recordings. Use its administrator's account.", detail: detail)
        case 404, 457:
            RTSPFailure(.nothingThere, "The device has no recording of this time any more.", detail: detail)
        case 453, 503:
            RTSPFailure(
                .busy, "The device plays no further recording now. Close other programs that use it, or wait two minutes.", detail: detail)
        case 405, 455, 456, 459, 461, 501, 551:
            RTSPFailure(
                .unsupported, "The device has recordings of this time, but does not play them by time as ONVIF (profile G) says.",
                detail: detail)
        default:
            RTSPFailure(.deviceError, "The device could not play its recording. Restart the device if it stays so.", detail: detail)
        }
    }

    /// Sorts what connecting, reading or writing threw.
    static func sorted(_ error: any Error) -> RTSPFailure {
        switch error {
        case let failure as RTSPFailure: failure
        case let refusal as RTSPRefusal: RTSPFailure(.nonsense, refusal.description)
        case let refusal as HTTPAuthenticationRefusal: RTSPFailure(.insecure, refusal.description)
        case let error as NIOConnectionError: sorted((error.connectionErrors.first?.error as? IOError)?.errnoCode)
        case let error as IOError: sorted(error.errnoCode)
        case is ChannelError: sorted(nil as CInt?)
        default: RTSPFailure(.deviceError, "The device could not play its recording.", detail: "\(type(of: error))")
        }
    }

    private static func sorted(_ number: CInt?) -> RTSPFailure {
        switch number {
        case ECONNREFUSED:
            RTSPFailure(.refused, "The device's address refuses the connection on its port for recordings. Check that RTSP is switched on.")
        case ECONNRESET, EPIPE: closed
        default: RTSPFailure(.unreachable, "There is no way to the device's address. Check its cable, power and address.")
        }
    }
}
