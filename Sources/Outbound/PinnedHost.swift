import Foundation

/// Addresses that were looked up once: what is connected to is what was looked at, whatever a name server says a moment later (DNS rebinding).
public enum PinnedHost {
    /// `url` with an address in place of its name.
    public static func url(_ url: String, at address: String) -> String {
        guard var parts = URLComponents(string: url), let host = parts.host else { return url }
        let bracketed = address.contains(":") && !address.hasPrefix("[") ? "[\(address)]" : address
        guard host != bracketed else { return url }
        parts.encodedHost = bracketed.replacingOccurrences(of: "%", with: "%25")
        return parts.string ?? url
    }
}
