/// Why a camera's stream does not come, as a person must hear it.
public enum StreamTrouble: Error, Sendable, Equatable {
    case wrongPassword
    case noSuchPath
    case unreachable
    case refused
    case silent
    case busy
    case noVideo
    case notRTSP
    case unsupportedCodec(String)
    case ended
    /// The camera names another address to go to.
    case redirected
    /// The address is one that must not be connected to; the sentence says why.
    case addressRefused(String)
    case other(String)

    /// Sorts what opening or reading threw.
    public init(_ error: any Error) {
        if let trouble = error as? StreamTrouble {
            self = trouble
            return
        }
        switch (error as? MediaError)?.kind {
        case .unauthorized: self = .wrongPassword
        case .notFound: self = .noSuchPath
        case .connectionRefused: self = .refused
        case .unreachable: self = .unreachable
        case .timedOut, .interrupted: self = .silent
        case .busy: self = .busy
        case .unsupported: self = .unsupportedCodec("an unknown codec")
        case .ended: self = .ended
        case .invalidData where (error as? MediaError)?.operation == "open": self = .notRTSP
        default: self = .other("\(error)")
        }
    }

    /// Trying again by itself would do harm or no good.
    public var needsPerson: Bool { self == .wrongPassword }

    /// Stable, for programs.
    public var code: String {
        switch self {
        case .wrongPassword: "wrong-password"
        case .noSuchPath: "no-such-path"
        case .unreachable: "unreachable"
        case .refused: "refused"
        case .silent: "silent"
        case .busy: "camera-busy"
        case .noVideo: "no-video"
        case .notRTSP: "not-rtsp"
        case .unsupportedCodec: "unsupported-codec"
        case .ended: "lost"
        case .redirected: "redirected"
        case .addressRefused: "address-refused"
        case .other: "camera-error"
        }
    }

    /// The cause and the next step.
    public var sentence: String {
        switch self {
        case .wrongPassword:
            "The camera answers but refuses the user name or password. Enter the right ones."
        case .noSuchPath: "The camera answers but has no stream at this address. Check the path of the RTSP URL."
        case .unreachable: "There is no way to the camera's address. Check its cable, power and address."
        case .refused:
            "The camera's address refuses the connection: no RTSP service runs on this port. Check the port, and that RTSP is switched on."
        case .silent: "The camera does not answer. Check its power and cable; the box keeps trying."
        case .busy: "The camera gives no more sessions; it may still hold the last one. The box tries again within about a minute."
        case .notRTSP: "Something answers at this address, but it does not speak RTSP. Check address and port; RTSP is usually on port 554."
        case .noVideo: "The camera is there but sends no picture. Restart the camera; the box keeps trying."
        case .unsupportedCodec(let name):
            "The camera sends \(name), which the box cannot keep. Set the stream to H.264 or H.265 in the camera."
        case .redirected:
            "The camera sends the box to another address, which the box does not follow. Enter that address, if it is the camera's own."
        case .addressRefused(let sentence): sentence
        case .ended: "The camera ended the connection. The box connects again by itself."
        case .other: "The connection to the camera failed. Check that it is an RTSP camera, and restart it."
        }
    }

    /// What support wants to know.
    public var detail: String? {
        if case .other(let text) = self { text } else { nil }
    }
}
