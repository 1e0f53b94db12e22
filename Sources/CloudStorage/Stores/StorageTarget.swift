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
}
