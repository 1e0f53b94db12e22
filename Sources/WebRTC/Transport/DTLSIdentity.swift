import COpenSSL

/// Why the box cannot speak DTLS; what OpenSSL says.
public struct DTLSFailure: Error, Sendable, CustomStringConvertible {
    public let description: String

    static func now(_ what: String) -> DTLSFailure {
        let code = ERR_get_error()
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &text, text.count)
        ERR_clear_error()
        let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return DTLSFailure(description: code == 0 ? what : "\(what): \(words)")
    }
}

/// A key and a certificate of its own, made anew at every start; viewers know it by its fingerprint (RFC 8827, section 6.5).
public final class DTLSIdentity: Sendable {
    // Sendable holds: they are set once; OpenSSL counts references to them under locks of its own.
    private nonisolated(unsafe) let key: OpaquePointer
    private nonisolated(unsafe) let certificate: OpaquePointer
    nonisolated(unsafe) let context: OpaquePointer
    /// Of the certificate, by SHA-256.
    public let fingerprint: CertificateFingerprint

    private static let days = 365

    public init() throws(DTLSFailure) {
        guard let key = gatehouse_ssl_make_key() else { throw .now("no key") }
        guard let certificate = gatehouse_ssl_make_certificate(key, Self.days) else {
            EVP_PKEY_free(key)
            throw .now("no certificate")
        }
        guard let context = gatehouse_ssl_context(certificate, key), let fingerprint = Self.fingerprint(of: certificate, by: "sha-256")
        else {
            X509_free(certificate)
            EVP_PKEY_free(key)
            throw .now("no context")
        }
        self.key = key
        self.certificate = certificate
        self.context = context
        self.fingerprint = fingerprint
    }

    deinit {
        SSL_CTX_free(context)
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    static func fingerprint(of certificate: OpaquePointer, by algorithm: String) -> CertificateFingerprint? {
        let digest: OpaquePointer? =
            switch algorithm {
            case "sha-256": EVP_sha256()
            case "sha-384": EVP_sha384()
            case "sha-512": EVP_sha512()
            default: nil
            }
        guard let digest else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(certificate, digest, &bytes, &count) == 1 else { return nil }
        return CertificateFingerprint(algorithm: algorithm, bytes: Array(bytes.prefix(Int(count))))
    }
}
