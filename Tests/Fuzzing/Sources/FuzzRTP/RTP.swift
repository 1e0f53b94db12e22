import CameraProtocols
import FuzzDriver
import RTP

/// What cameras send over RTP, and readers over RTCP. The first byte chooses; then each packet lies behind its length of two bytes.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    switch start[0] % 5 {
    case 0: pictures(bytes, isH265: false)
    case 1: pictures(bytes, isH265: true)
    case 2: sound(bytes, .aac)
    case 3: sound(bytes, .g711(channels: 2))
    default: reports(bytes)
    }
    return 0
}

/// The packets, with what a receiver knows of each.
func forEachPacket(_ bytes: [UInt8], _ body: (RTPPacket, ArraySlice<UInt8>, _ isAfterLoss: Bool) -> Void) {
    var rest = bytes[...]
    var last: UInt16?
    while rest.count > 2 {
        let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
        let packet = Array(rest.dropFirst(2).prefix(length))
        rest = rest.dropFirst(2 + packet.count)
        guard let head = RTPPacket(packet), let payload = head.payload else { continue }
        body(head, packet[payload], last.map { $0 &+ 1 != head.sequence } ?? false)
        last = head.sequence
    }
}

/// Nothing comes out that did not come in, and everything that comes out is behind a start code.
func pictures(_ bytes: [UInt8], isH265: Bool) {
    var assembly = VideoAssembly(isH265: isH265)
    var (given, taken) = (0, 0)
    forEachPacket(bytes) { packet, payload, isAfterLoss in
        // A unit in an aggregate has a start code of four bytes for its length of two, a piece its header anew.
        given += payload.count * 3 + 8
        let pictures = assembly.take(payload, timestamp: packet.timestamp, isMarked: packet.isMarked, isAfterLoss: isAfterLoss)
        precondition(pictures.count <= 1 + payload.count, "more pictures than units")
        for picture in pictures {
            taken += picture.bytes.count
            precondition(picture.bytes.isEmpty || picture.bytes.starts(with: [0, 0, 0, 1]), "a picture without a start code")
        }
    }
    precondition(taken <= given, "more than was given")
}

func sound(_ bytes: [UInt8], _ coding: AudioAssembly.Coding) {
    var assembly = AudioAssembly(coding: coding)
    forEachPacket(bytes) { packet, payload, isAfterLoss in
        let units = assembly.take(payload, timestamp: packet.timestamp, isAfterLoss: isAfterLoss)
        precondition(units.count <= 64, "more sound than a packet may have")
        precondition(units.allSatisfy { !$0.bytes.isEmpty && $0.bytes.count < 1 << 16 }, "sound of a size that cannot be")
    }
}

func reports(_ bytes: [UInt8]) {
    guard let items = RTCP.read(bytes) else { return }
    precondition(items.count <= 64 * 33, "more said than there is room for")
    _ = RTPPacket.isGoodbye(bytes)
}

// SwiftPM links an executable's `main` to this name.
@c(FuzzRTP_main)
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    runFuzzer(count, arguments)
}
