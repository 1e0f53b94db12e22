import CameraProtocols
import FuzzDriver

/// Answers of RTSP servers with their descriptions, what comes over their connections, packets of replay, and challenges of HTTP and RTSP.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let message = try? RTSPMessage(parsing: bytes) {
        _ = (message.session, message.transport)
        answer(message.all("WWW-Authenticate"))
        describe(message.body)
    }
    describe(bytes)
    takeApart(bytes)
    if let packet = RTPPacket(bytes) { _ = packet.senderReport }
    _ = RTPPacket.isGoodbye(bytes)
    if let range = ReplayRange(String(decoding: bytes, as: UTF8.self)) { _ = range.text }
    answer([String(decoding: bytes, as: UTF8.self)])
    return 0
}

/// What comes in pieces is the same as what comes whole, and what is read can be written and read again.
func takeApart(_ bytes: [UInt8]) {
    func elements(of size: Int) -> [RTSPFraming.Element] {
        var framing = RTSPFraming()
        var found: [RTSPFraming.Element] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            framing.append(bytes[start..<min(start + size, bytes.count)])
            do { while let element = try framing.next() { found.append(element) } } catch { return found }
        }
        return found
    }
    let whole = elements(of: max(1, bytes.count))
    precondition(whole == elements(of: 7), "pieces matter")
    for case .request(let request) in whole {
        precondition((try? RTSPRequest(parsing: request.bytes))?.method == request.method, "a request that cannot be read again")
    }
}

func describe(_ bytes: [UInt8]) {
    _ = SessionDescription.relayed(bytes, keeping: [0, 2])
    guard let description = try? SessionDescription(parsing: bytes) else { return }
    if let track = try? description.backchannel() {
        precondition(description.media.indices.contains(track.place) && track.payloadType < 128, "a track that is none")
    }
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
