import Foundation
import NIOCore

/// Where a viewer is.
public enum ViewerPlace {
    /// The address is of a network of this place: RFC 1918, RFC 4193, link-local or loopback.
    public static func isLocal(_ address: String) -> Bool {
        guard let bytes = bytes(address) else { return false }
        if bytes.count == 16, bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return isPrivate(Array(bytes[12...]))
        }
        return isPrivate(bytes)
    }

    private static func bytes(_ address: String) -> [UInt8]? {
        guard let parsed = try? SocketAddress(ipAddress: address, port: 0) else { return nil }
        switch parsed {
        case .v4(let address): return withUnsafeBytes(of: address.address.sin_addr.s_addr) { Array($0) }
        case .v6(let address): return withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
        default: return nil
        }
    }

    private static func isPrivate(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 4 else {
            return bytes[0] & 0xFE == 0xFC || bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
                || bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
        }
        return bytes[0] == 10 || bytes[0] == 127 || bytes[0] == 172 && (16...31).contains(bytes[1]) || bytes[0] == 192 && bytes[1] == 168
            || bytes[0] == 169 && bytes[1] == 254
    }
}
