import Foundation

/// Where footage goes, as the installer set it; secrets apart.
public enum StorageTarget: Codable, Sendable, Equatable {
    case folder(path: String)
    case s3(S3Target)
}
