import Foundation

/// Where footage goes, as the installer set it; secrets apart.
public enum StorageTarget: Codable, Sendable, Equatable {
    case folder(path: String)
    case s3(S3Target)

    /// Tells one place from another.
    public var identity: String {
        switch self {
        case .folder(let path): "file://\(path)"
        case .s3(let target): target.identity
        }
    }

    /// Whether both are one place as far as their words tell: names of hosts have no case, slashes at the end and the usual port say nothing.
    func isPlace(of other: StorageTarget) -> Bool {
        switch (self, other) {
        case (.folder(let one), .folder(let two)): Self.plain(folder: one) == Self.plain(folder: two)
        case (.s3(let one), .s3(let two)):
            one.bucket == two.bucket && one.prefix == two.prefix && Self.plain(endpoint: one.endpoint) == Self.plain(endpoint: two.endpoint)
        default: false
        }
    }

    private static func plain(folder: String) -> String {
        URL(filePath: folder, directoryHint: .isDirectory).standardizedFileURL.resolvingSymlinksInPath().path(percentEncoded: false)
    }

    private static func plain(endpoint: String) -> String {
        guard let parts = URLComponents(string: endpoint.lowercased()), let host = parts.host else { return endpoint }
        return "\(host):\(parts.port ?? (parts.scheme == "http" ? 80 : 443))"
    }
}
