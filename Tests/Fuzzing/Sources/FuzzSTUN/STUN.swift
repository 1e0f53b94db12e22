import FuzzDriver
import STUNReader

/// What comes to the box's ICE ports before anybody has proven anything. The first byte chooses whether it is believed without its integrity.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    readSTUN(start + 1, count - 1, CInt(start[0] & 1))
    return 0
}

// SwiftPM links an executable's `main` to this name.
@c(FuzzSTUN_main)
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    runFuzzer(count, arguments)
}
