import Foundation

/// An RTSP URL taken apart: what is kept openly, and the credentials that it carried.
public struct RTSPAddress: Sendable, Equatable {
    /// Without credentials.
    public let url: String
    public let host: String
    /// 554 where the URL names none.
    public let port: Int
    /// What the URL carried, percent-decoded.
    public let userName: String?
    public let password: String?

    /// Reads `text`; nil unless it is a whole RTSP URL.
    public init?(_ text: String) {
        guard text.utf8.count <= 2048, !text.unicodeScalars.contains(where: { $0.value < 0x21 || $0.value == 0x7F }),
            var parts = URLComponents(string: text), parts.scheme?.lowercased() == "rtsp", let host = parts.host, !host.isEmpty,
            parts.fragment == nil
        else { return nil }
        if let port = parts.port, !(1...65535).contains(port) { return nil }
        userName = parts.user
        password = parts.password
        parts.user = nil
        parts.password = nil
        parts.scheme = "rtsp"
        guard let url = parts.string else { return nil }
        self.url = url
        self.host = host
        port = parts.port ?? 554
    }

    /// The URL of `path` (which begins with a slash) on a host.
    public init?(host: String, port: Int, path: String) {
        let bracketed = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        self.init("rtsp://\(bracketed)\(port == 554 ? "" : ":\(port)")\(path)")
    }
}
