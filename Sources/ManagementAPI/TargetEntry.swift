import CloudStorage
import Foundation

/// A storage as it is entered, beside the one that is set in its place.
struct TargetEntry {
    let known: StorageTarget?
    let credentials: S3Credentials?
    /// Endpoints without TLS are taken.
    let allowsHTTP: Bool

    init(known: StorageTarget?, credentials: S3Credentials?, allowsHTTP: Bool) {
        self.known = known
        self.credentials = credentials
        self.allowsHTTP = allowsHTTP
    }

    private enum Kind: String, CaseIterable {
        case folder, s3
    }

    /// Reads a target; secrets that are left out stay as they are.
    func read(_ body: RequestBody) -> (StorageTarget?, S3Credentials?) {
        switch body.word("kind", Kind.self, required: true) {
        case nil: return (nil, nil)
        case .folder?:
            guard let path = body.string("path", 2...1024, required: true) else { return (nil, nil) }
            guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
                body.reject("path", "path must be an absolute path.")
                return (nil, nil)
            }
            return (.folder(path: path), nil)
        case .s3?:
            let target = readS3(body)
            // Secrets belong to the place and the key that they were entered for; another gets none of them.
            let isSame =
                if case .s3(let former)? = known { former.endpoint == target?.endpoint && former.accessKeyId == target?.accessKeyId } else {
                    false
                }
            let old = isSame ? credentials : nil
            let secret = body.string("secretAccessKey", 1...256) ?? old?.secretAccessKey
            // A session token belongs to the secret it came with.
            let enteredSecret = body.has("secretAccessKey") && !body.isNull("secretAccessKey")
            let token = body.string("sessionToken", 1...4096) ?? (enteredSecret ? nil : old?.sessionToken)
            _ = body.bool("hasSecret")
            _ = body.bool("hasSessionToken")
            if let target, target.credentialsFile != nil { return (.s3(target), nil) }
            guard let secret else {
                body.reject(
                    "secretAccessKey",
                    known == nil || isSame
                        ? "secretAccessKey is missing."
                        : "secretAccessKey is missing: the one that is set belongs to another endpoint or key.")
                return (nil, nil)
            }
            return (target.map { .s3($0) }, S3Credentials(secretAccessKey: secret, sessionToken: token))
        }
    }

    private func readS3(_ body: RequestBody) -> S3Target? {
        let endpoint = body.string("endpoint", 8...512, required: true)
        let region = body.string("region", 1...64, required: true)
        let bucket = body.string("bucket", 3...63, required: true)
        let prefix = body.string("prefix", 0...256) ?? ""
        let file = credentialsFile(body)
        let key = body.string("accessKeyId", 0...128, required: file == nil)
        if file == nil, key?.isEmpty == true { body.reject("accessKeyId", "accessKeyId is missing.") }
        let addressing = body.word("addressing", S3Target.Addressing.self) ?? .path
        let certificate = body.string("caCertificate", 1...32_768, multiline: true)
        if let endpoint {
            let parts = URLComponents(string: endpoint)
            let isPlain = (parts?.path.isEmpty ?? false || parts?.path == "/") && parts?.query == nil && parts?.fragment == nil
            if parts?.host?.isEmpty ?? true || !["http", "https"].contains(parts?.scheme ?? "") || !isPlain || parts?.user != nil {
                body.reject("endpoint", "endpoint must be an address such as https://s3.eu-south-1.amazonaws.com, without a path.")
            }
        }
        if let endpoint, !endpoint.lowercased().hasPrefix("https://"), !allowsHTTP {
            body.reject("endpoint", "endpoint must begin with https://, so that nobody on the way can read the footage.")
        }
        if let bucket, !bucket.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 }) {
            body.reject("bucket", "bucket must have lower-case letters, digits, hyphens and dots only.")
        }
        if prefix.hasPrefix("/") || prefix.contains("..") || prefix.contains("//") {
            body.reject("prefix", "prefix must be a path such as cameras/.")
        }
        let encryption = encryption(body)
        guard let endpoint, let region, let bucket, key != nil || file != nil else { return nil }
        let closed = prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/"
        return S3Target(
            endpoint: endpoint, region: region, bucket: bucket, prefix: closed, accessKeyId: file == nil ? key ?? "" : "",
            addressing: addressing,
            caCertificate: certificate, encryption: encryption, credentialsFile: file)
    }

    private func credentialsFile(_ body: RequestBody) -> String? {
        guard let path = body.string("credentialsFile", 2...1024) else { return nil }
        if !path.hasPrefix("/") || path.split(separator: "/").contains("..") {
            body.reject("credentialsFile", "credentialsFile must be an absolute path.")
        }
        return path
    }

    private enum EncryptionKind: String, CaseIterable {
        case aes256, kms
    }

    private func encryption(_ body: RequestBody) -> S3Target.Encryption? {
        let key = body.string("encryptionKey", 1...2048)
        guard body.has("encryption"), !body.isNull("encryption") else {
            if key != nil { body.reject("encryptionKey", "encryptionKey goes with an encryption of kms.") }
            return nil
        }
        switch body.word("encryption", EncryptionKind.self) {
        case nil: return nil
        case .aes256?:
            if key != nil { body.reject("encryptionKey", "encryptionKey goes with an encryption of kms.") }
            return .aes256
        case .kms?: return .kms(key: key)
        }
    }
}
