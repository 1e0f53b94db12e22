import CameraProtocols
import FuzzDriver

/// Answers of RTSP servers with their descriptions, and challenges of HTTP and RTSP.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let message = try? RTSPMessage(parsing: bytes) {
        _ = (message.session, message.transport)
        answer(message.all("WWW-Authenticate"))
        describe(message.body)
    }
    describe(bytes)
    answer([String(decoding: bytes, as: UTF8.self)])
    return 0
}

func describe(_ bytes: [UInt8]) {
    guard let description = try? SessionDescription(parsing: bytes) else { return }
    for media in description.media {
        _ = SessionDescription.address(control: media.control, base: description.control, requested: "rtsp://h/1")
    }
}

func answer(_ headers: [String]) {
    let challenges = HTTPChallenge.parse(headers: headers)
    let credentials = DigestCredentials(username: "user", password: "password")
    guard
        var authenticator = try? HTTPAuthenticator(
            challenges: challenges, credentials: credentials, allowsBasic: true, makeClientNonce: { "0" })
    else { return }
    let value = authenticator.authorization(method: "GET", uri: "/")
    precondition(!value.utf8.contains(10) && !value.utf8.contains(13), "a header that ends early")
}

// SwiftPM links an executable's `main` to this name.
@c(FuzzSession_main)
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    runFuzzer(count, arguments)
}
