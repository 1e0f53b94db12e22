import CameraProtocols
import FuzzDriver

/// Datagrams that anyone in the network may send.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    _ = try? SADPDevice(parsing: bytes)
    for match in (try? WSDiscoveryMatch.parse(bytes)) ?? [] {
        _ = (match.name, match.hardware, match.location, match.macAddress, match.profiles)
    }
    return 0
}

// SwiftPM links an executable's `main` to this name.
@c(FuzzDiscovery_main)
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    runFuzzer(count, arguments)
}
