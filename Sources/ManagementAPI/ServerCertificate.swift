import Crypto
import Foundation
public import NIOSSL
import SwiftASN1
import X509

/// The box's own TLS certificate: made at its first start, kept with its key in a folder that only the box reads.
public enum ServerCertificate {
    /// The TLS configuration with the certificate in `folder`, which is made if it is not there.
    public static func configuration(folder: String, name: String) throws -> TLSConfiguration {
        let (certificate, key) = (folder + "/certificate.pem", folder + "/key.pem")
        if !FileManager.default.fileExists(atPath: certificate) || !FileManager.default.fileExists(atPath: key) {
            try make(certificate: certificate, key: key, folder: folder, name: name)
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuites =
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
            + "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305"
        return configuration
    }

    private static func make(certificate: String, key: String, folder: String, name: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let privateKey = P256.Signing.PrivateKey()
        let host = ProcessInfo.processInfo.hostName
        let subject = try DistinguishedName {
            CommonName(name)
            OrganizationName("Gatehouse")
        }
        let now = Date()
        let made = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(privateKey.publicKey),
            // A box may start with a clock that is far behind.
            notValidBefore: Date(timeIntervalSince1970: 1_735_689_600),
            notValidAfter: max(now, Date(timeIntervalSince1970: 1_767_225_600)).addingTimeInterval(10 * 365 * 86_400),
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                // No key usage: one without keyCertSign keeps clients that are given this certificate (--certificate)
                // from seeing that it is its own issuer (RFC 5280, 4.2.1.3 binds the two).
                Critical(BasicConstraints.notCertificateAuthority)
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([
                    .dnsName("localhost"), .dnsName(host.isEmpty ? "gatehouse" : host), .dnsName("gatehouse.local"),
                    .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                ])
            },
            issuerPrivateKey: .init(privateKey))
        var serializer = DER.Serializer()
        try serializer.serialize(made)
        let pem = PEMDocument(type: "CERTIFICATE", derBytes: serializer.serializedBytes).pemString
        try write(privateKey.pemRepresentation, to: key)
        try write(pem + "\n", to: certificate)
    }

    private static func write(_ text: String, to path: String) throws {
        // Whole or not at all: a power cut at the first start must not leave half a certificate.
        let descriptor = open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteNoPermission) }
        defer { close(descriptor) }
        let count = text.utf8.withContiguousStorageIfAvailable { Glibc.write(descriptor, $0.baseAddress, $0.count) } ?? -1
        guard count == text.utf8.count, fsync(descriptor) == 0, rename(path + ".new", path) == 0 else {
            throw CocoaError(.fileWriteUnknown)
        }
    }
}
