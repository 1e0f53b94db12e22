import Foundation

/// A bucket of an S3-compatible store.
public struct S3Target: Codable, Sendable, Equatable {
    public enum Addressing: String, Codable, Sendable, CaseIterable {
        /// `https://endpoint/bucket/key`
        case path
        /// `https://bucket.endpoint/key`
        case virtualHost = "virtual-host"
    }

    /// How the store encrypts what lies in it, by request.
    public enum Encryption: Codable, Sendable, Equatable {
        /// With keys of the store's own.
        case aes256
        /// With a key of its key management service; nil for the account's.
        case kms(key: String?)
    }

    /// `https://host[:port]`; plain HTTP only where the configuration allows it.
    public var endpoint: String
    public var region: String
    public var bucket: String
    /// Put before every key; empty or ending in a slash.
    public var prefix: String
    /// Empty where the credentials come from a file.
    public var accessKeyId: String
    public var addressing: Addressing
    /// PEM of the authority that signed the endpoint's certificate, where it is not a public one.
    public var caCertificate: String?
    /// Nil: as the bucket does by itself.
    public var encryption: Encryption?
    /// A file in the form of AWS's shared credentials, read anew when it changes: for keys that another program renews.
    public var credentialsFile: String?

    public init(
        endpoint: String, region: String, bucket: String, prefix: String, accessKeyId: String, addressing: Addressing,
        caCertificate: String?, encryption: Encryption? = nil, credentialsFile: String? = nil
    ) {
        self.endpoint = endpoint
        self.region = region
        self.bucket = bucket
        self.prefix = prefix
        self.accessKeyId = accessKeyId
        self.addressing = addressing
        self.caCertificate = caCertificate
        self.encryption = encryption
        self.credentialsFile = credentialsFile
    }

    /// The endpoint's host.
    public var host: String { URLComponents(string: endpoint)?.host ?? "" }
    /// Tells one bucket's place from another: what was begun there can only go on there.
    public var identity: String { "\(endpoint)/\(bucket)/\(prefix)" }
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
