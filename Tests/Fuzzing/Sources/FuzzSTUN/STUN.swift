import FuzzDriver
import STUNReader

/// What comes to the box's ICE ports before anybody has proven anything.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    readSTUN(start, count)
    return 0
}

// SwiftPM links an executable's `main` to this name.
@c(FuzzSTUN_main)
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    runFuzzer(count, arguments)
}
