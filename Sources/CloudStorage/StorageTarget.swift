import Foundation

/// Where footage goes, as the installer set it; secrets apart.
public enum StorageTarget: Codable, Sendable, Equatable {
    case folder(path: String)
    case s3(S3Target)
}

/// A bucket of an S3-compatible store.
public struct S3Target: Codable, Sendable, Equatable {
    public enum Addressing: String, Codable, Sendable, CaseIterable {
        /// `https://endpoint/bucket/key`
        case path
        /// `https://bucket.endpoint/key`
        case virtualHost = "virtual-host"
    }

    /// `https://host[:port]`; plain HTTP only where the configuration allows it.
    public var endpoint: String
    public var region: String
    public var bucket: String
    /// Put before every key; empty or ending in a slash.
    public var prefix: String
    public var accessKeyId: String
    public var addressing: Addressing
    /// PEM of the authority that signed the endpoint's certificate, where it is not a public one.
    public var caCertificate: String?

    public init(
        endpoint: String, region: String, bucket: String, prefix: String, accessKeyId: String, addressing: Addressing,
        caCertificate: String?
    ) {
        self.endpoint = endpoint
        self.region = region
        self.bucket = bucket
        self.prefix = prefix
        self.accessKeyId = accessKeyId
        self.addressing = addressing
        self.caCertificate = caCertificate
    }
}

/// The secrets of a bucket; never in an answer or a log.
public struct S3Credentials: Sendable, Equatable {
    public var secretAccessKey: String
    public var sessionToken: String?

    public init(secretAccessKey: String, sessionToken: String?) {
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }
}
