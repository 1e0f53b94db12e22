import Foundation

/// Addresses that devices give. Their host and port may be wrong (behind NAT, or another interface of the device), so only the rest is
/// taken, on the host that was reached.
enum ONVIFPlace {
    /// Where every device has its device service.
    static let device = "/onvif/device_service"

    /// The path and query of an address over HTTP; nil for what is none.
    static func path(of address: String) -> String? {
        let text = address.trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.utf8.count <= 2048 else { return nil }
        if text.hasPrefix("/") { return clean(text) }
        guard let parts = split(text), ["http", "https"].contains(parts.scheme) else { return nil }
        return clean(parts.rest)
    }

    /// A stream's address on the host that was reached, without credentials; its port and path stay.
    static func rtsp(_ address: String, at device: DeviceAddress) -> String? {
        let text = address.trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.utf8.count <= 2048, let parts = split(text), parts.scheme == "rtsp" else { return nil }
        let rest = parts.rest.isEmpty ? "" : clean(parts.rest)
        guard let rest else { return nil }
        return RTSPAddress(host: device.host, port: port(parts.authority) ?? device.rtspPort, path: rest)?.url
    }

    private static func split(_ text: String) -> (scheme: String, authority: Substring, rest: String)? {
        guard let mark = text.range(of: "://") else { return nil }
        let after = text[mark.upperBound...]
        let end = after.firstIndex { $0 == "/" || $0 == "?" } ?? after.endIndex
        return (text[..<mark.lowerBound].lowercased(), after[..<end], String(after[end...]))
    }

    private static func port(_ authority: Substring) -> Int? {
        let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? authority
        // The colons inside of an IPv6 address are none of a port.
        let tail = host.firstIndex(of: "]").map { host[$0...] } ?? host
        guard let colon = tail.lastIndex(of: ":"), let port = Int(tail[tail.index(after: colon)...]) else { return nil }
        return (1...65535).contains(port) ? port : nil
    }

    /// A path as a request may have it; some devices leave spaces in theirs.
    private static func clean(_ rest: String) -> String? {
        let path = String(rest.prefix { $0 != "#" }).replacing(" ", with: "%20")
        guard path.unicodeScalars.allSatisfy({ (0x21...0x7E).contains($0.value) && !"\"<>\\^`{|}".unicodeScalars.contains($0) }) else {
            return nil
        }
        return path.hasPrefix("/") ? path : "/" + path
    }
}
