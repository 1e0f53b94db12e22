import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// Why a certificate cannot be used, in words for who brought it.
public struct CertificateRefusal: Error {
    /// What it is about.
    public enum Part: String, Sendable {
        case certificate, key, names
    }

    public let part: Part
    public let sentence: String

    init(_ part: Part, _ sentence: String) {
        self.part = part
        self.sentence = sentence
    }
}

/// A server's certificate with its chain and its key, read and found to belong together.
struct CertificatePair: Sendable {
    private static let mostInChain = 10

    /// The server's first, then those of its issuers.
    let chain: [Certificate]
    /// The key alone, whatever else was in its text.
    let keyPEM: String
    /// Both for TLS.
    let chainSource: [NIOSSLCertificateSource]
    let keySource: NIOSSLPrivateKeySource

    var sources: NIOSSLContextConfigurationOverride {
        var sources = NIOSSLContextConfigurationOverride()
        (sources.certificateChain, sources.privateKey) = (chainSource, keySource)
        return sources
    }

    var leaf: Certificate { chain[0] }

    /// Reads a chain in PEM, the server's certificate first, and its key in PEM without a password. That it holds at this time is looked at by `check`.
    init(certificate: String, key: String) throws(CertificateRefusal) {
        chain = try Self.read(certificate)
        let (document, privateKey): (PEMDocument, Certificate.PrivateKey)
        do {
            // Keys and certificates often stand in one text.
            let documents = try PEMDocument.parseMultiple(pemString: key).filter { $0.discriminator.hasSuffix("PRIVATE KEY") }
            guard documents.count == 1 else { throw CocoaError(.fileReadCorruptFile) }
            document = documents[0]
            privateKey = try Certificate.PrivateKey(pemDocument: document)
        } catch {
            throw CertificateRefusal(.key, "The key is not a private key in PEM without a password (EC, or RSA of at least 2048 bits).")
        }
        guard privateKey.publicKey == chain[0].publicKey else {
            throw CertificateRefusal(
                .key, "The key is not that of the certificate. The server's certificate must come first, its issuers after it.")
        }
        do {
            let theirs: [NIOSSLCertificateSource] = try NIOSSLCertificate.fromPEMBytes(Array(try chain.pem.utf8)).map { .certificate($0) }
            let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(bytes: Array(document.pemString.utf8), format: .pem))
            // What TLS would not take is refused here and not when somebody connects.
            _ = try NIOSSLContext(configuration: .makeServerConfiguration(certificateChain: theirs, privateKey: key))
            (chainSource, keySource, keyPEM) = (theirs, key, document.pemString + "\n")
        } catch {
            throw CertificateRefusal(.certificate, "The certificate or its key is of a kind that TLS does not use.")
        }
    }

    private static func read(_ pem: String) throws(CertificateRefusal) -> [Certificate] {
        do {
            let documents = try PEMDocument.parseMultiple(pemString: pem).filter { $0.discriminator == "CERTIFICATE" }
            guard !documents.isEmpty, documents.count <= mostInChain else { throw CocoaError(.fileReadCorruptFile) }
            return try documents.map { try Certificate(pemDocument: $0) }
        } catch {
            throw CertificateRefusal(
                .certificate, "This is not a certificate in PEM, with at most \(mostInChain - 1) of its issuers after it.")
        }
    }

    /// Looks whether browsers would take it for a server's at `now`.
    func check(at now: Date) throws(CertificateRefusal) {
        guard now < leaf.notValidAfter else { throw CertificateRefusal(.certificate, "The certificate has expired.") }
        guard now >= leaf.notValidBefore else {
            throw CertificateRefusal(.certificate, "The certificate does not hold yet. Is the clock of the box right?")
        }
        for (issued, issuer) in zip(chain, chain.dropFirst()) where !issuer.publicKey.isValidSignature(issued.signature, for: issued) {
            throw CertificateRefusal(.certificate, "The chain is broken: each certificate must be followed by that of its issuer.")
        }
        if case .isCertificateAuthority? = try? leaf.extensions.basicConstraints {
            throw CertificateRefusal(.certificate, "This is the certificate of an authority, not of a server.")
        }
        if let usage = try? leaf.extensions.extendedKeyUsage, !usage.contains(.serverAuth), !usage.contains(.any) {
            throw CertificateRefusal(.certificate, "The certificate is not for servers (extended key usage).")
        }
        guard !leaf.hostNames.isEmpty else {
            throw CertificateRefusal(.certificate, "The certificate names no server: browsers look at the subject alternative names alone.")
        }
    }
}

extension Certificate {
    /// Host names and addresses for which it stands (RFC 5280, 4.2.1.6).
    var hostNames: [String] {
        guard let names = try? extensions.subjectAlternativeNames else { return [] }
        return names.compactMap { name in
            switch name {
            case .dnsName(let host): host
            case .ipAddress(let octets): InternetAddress.text(Array(octets.bytes))
            default: nil
            }
        }
    }

    /// The SHA-256 of its DER, hexadecimal, as browsers show it.
    var fingerprint: String? {
        var serializer = DER.Serializer()
        guard (try? serializer.serialize(self)) != nil else { return nil }
        return SHA256.hash(data: serializer.serializedBytes).map { String(format: "%02X", $0) }.joined(separator: ":")
    }

    var pem: String {
        get throws {
            var serializer = DER.Serializer()
            try serializer.serialize(self)
            return PEMDocument(type: "CERTIFICATE", derBytes: serializer.serializedBytes).pemString + "\n"
        }
    }
}

extension [Certificate] {
    var pem: String {
        get throws { try map { try $0.pem }.joined() }
    }
}

/// Internet addresses as a certificate has them: 4 or 16 octets.
enum InternetAddress {
    static func text(_ octets: [UInt8]) -> String? {
        let family: Int32
        switch octets.count {
        case 4: family = AF_INET
        case 16: family = AF_INET6
        default: return nil
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family, octets, &text, socklen_t(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func octets(_ text: String) -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &octets) == 1 { return Array(octets.prefix(4)) }
        return inet_pton(AF_INET6, text, &octets) == 1 ? octets : nil
    }
}
