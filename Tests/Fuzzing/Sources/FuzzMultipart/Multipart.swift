import CameraProtocols
import FuzzDriver

/// The first byte chooses the content type and how the rest is cut; the parts must be the same in whatever pieces the bytes come.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = bytes.first else { return 0 }
    let types: [String?] = [nil, "multipart/mixed; boundary=boundary", "multipart/x-mixed-replace;boundary=\"--b\"", "application/xml"]
    let type = types[Int(choice & 3)]
    let whole = parts(bytes.dropFirst(), type: type, piece: count)
    precondition(parts(bytes.dropFirst(), type: type, piece: Int(choice >> 2) + 1) == whole)
    precondition(whole.allSatisfy { !$0.body.isEmpty })
    return 0
}

func parts(_ bytes: ArraySlice<UInt8>, type: String?, piece: Int) -> [MultipartStream.Part] {
    var stream = MultipartStream(contentType: type)
    var parts: [MultipartStream.Part] = []
    var rest = bytes
    while !rest.isEmpty {
        let next = rest.prefix(piece)
        rest = rest.dropFirst(piece)
        guard let found = try? stream.feed(Array(next)) else { break }
        parts += found
    }
    return parts + stream.finish()
}

// SwiftPM links an executable's `main` to this name.
@c(FuzzMultipart_main)
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    runFuzzer(count, arguments)
}
