import CameraProtocols
import FuzzDriver
import XML

/// Answers of ONVIF devices: events, and every document that a driver reads.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    _ = try? ONVIFEvents(parsing: bytes)
    guard let body = (try? SOAPEnvelope.body(of: bytes)) ?? (try? XMLTree(parsing: bytes)) else { return 0 }
    _ = ONVIFClock(body).saysLocalForUTC
    _ = (ONVIFServices(body), ONVIFDeviceInformation(body), ONVIFTimeServers(body), ONVIFRecordingSummary(body), ONVIFSearchResults(body))
    _ = (
        ONVIFNetworkInterface.all(body), ONVIFScopes.all(body), ONVIFUser.all(body), ONVIFVideoSource.all(body),
        ONVIFEncoderOptions.all(body)
    )
    _ = (ONVIFNode.all(body), ONVIFPreset.all(body), ONVIFAddress.read(body))
    for encoder in ONVIFProfile.all(body).prefix(4).compactMap(\.encoder) {
        for version in ONVIFRequest.MediaVersion.allCases { _ = SOAPEnvelope.write(.setVideoEncoderConfiguration(encoder, version)) }
    }
    if let subscription = try? ONVIFSubscription(body) {
        let request = SOAPEnvelope.write(.pullMessages(timeout: .seconds(1), limit: 1), endpoint: subscription.endpoint)
        precondition((try? XMLTree(parsing: request)) != nil, "a request that is no XML")
    }
    return 0
}

// SwiftPM links an executable's `main` to this name.
@c(FuzzONVIF_main)
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    runFuzzer(count, arguments)
}
