import CameraProtocols
import FuzzDriver
import Foundation
import XML

/// Alerts as XML and JSON, and the tree that every XML parser here stands on: what it writes, it reads again as the same.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let alert = try? ISAPIAlert(parsing: bytes) { precondition(alert.isHeartbeat == alert.notifications.isEmpty) }
    if let tree = try? XMLTree(parsing: bytes) {
        // Line breaks become one form when it is written, so the second round is the one that must change nothing.
        guard let second = try? XMLTree(parsing: tree.document.utf8) else { preconditionFailure("unreadable: \(tree.document)") }
        precondition((try? XMLTree(parsing: second.document.utf8)) == second)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    if let time = DeviceTime(text) {
        let written = DeviceTime.text(time.date, offsetSeconds: 0)
        precondition(DeviceTime(written).map { abs($0.date.timeIntervalSince(time.date)) <= 1 } ?? true)
    }
    if let zone = POSIXTimeZone(text) { precondition(POSIXTimeZone(zone.text) == zone) }
    return 0
}

// SwiftPM links an executable's `main` to this name.
@c(FuzzISAPI_main)
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    runFuzzer(count, arguments)
}
