import FuzzDriver

/// One thing that happens to a datagram on its way.
private struct Damage {
    /// The number of the datagram, counted over both directions.
    let datagram: UInt8
    let kind: UInt8
    let place: Int
    let value: UInt8

    func apply(to bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        switch kind % 6 {
        case 0: bytes[place % bytes.count] = value
        case 1: bytes[place % bytes.count] ^= 1 << (value & 7)
        case 2: bytes.removeLast(min(bytes.count - 1, 1 + place % bytes.count))
        case 3: bytes.insert(contentsOf: repeatElement(value, count: 1 + place % 64), at: place % bytes.count)
        case 4: bytes += bytes
        default: bytes.removeAll()
        }
    }
}

/// A handshake between the box and a viewer whose datagrams are damaged, lost, doubled and followed by invented ones on the way to either.
///
/// The input is five bytes for each damage, and behind a 0xFF a datagram that is given to the box at the end as it is.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    var (damages, index): ([Damage], Int) = ([], 0)
    while index + 5 <= bytes.count, bytes[index] != 0xFF, damages.count < 16 {
        damages.append(
            Damage(
                datagram: bytes[index], kind: bytes[index + 1], place: Int(bytes[index + 2]) << 8 | Int(bytes[index + 3]),
                value: bytes[index + 4]))
        index += 5
    }
    let invented = index < bytes.count && bytes[index] == 0xFF ? Array(bytes[(index + 1)...]) : []
    guard let identities, var box = try? DTLSEndpoint(identities.box, isServer: true, expecting: [identities.viewer.fingerprint]),
        var viewer = try? DTLSEndpoint(identities.viewer, isServer: false, expecting: [identities.box.fingerprint])
    else {
        // A finding: a run in which no handshake begins would find nothing, and say that all is well.
        preconditionFailure("no handshake can be begun")
    }
    viewer.start()
    var number = 0
    for _ in 0..<6 {
        number = carry(viewer.takeDatagrams(), number, damages, to: &box)
        number = carry(box.takeDatagrams(), number, damages, to: &viewer)
    }
    invented.withUnsafeBytes { box.receive($0) }
    _ = box.takeDatagrams()
    if damages.isEmpty, invented.isEmpty { precondition(box.state == .connected && box.keys() != nil, "an undamaged handshake failed") }
    if let (ours, theirs) = box.keys().flatMap({ ours in viewer.keys().map { (ours, $0) } }) {
        precondition(ours.inbound == theirs.outbound, "two sides with different keys")
    }
    box.close()
    return 0
}

private func carry(_ datagrams: [[UInt8]], _ number: Int, _ damages: [Damage], to endpoint: inout DTLSEndpoint) -> Int {
    for (offset, datagram) in datagrams.enumerated() {
        var datagram = datagram
        for damage in damages where Int(damage.datagram) == number + offset { damage.apply(to: &datagram) }
        datagram.withUnsafeBytes { endpoint.receive($0) }
    }
    return number + datagrams.count
}

private let identities: (box: DTLSIdentity, viewer: DTLSIdentity)? = (try? DTLSIdentity()).flatMap { box in
    (try? DTLSIdentity()).map { (box, $0) }
}

// SwiftPM links an executable's `main` to this name.
@c(FuzzDTLS_main)
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    runFuzzer(count, arguments)
}
