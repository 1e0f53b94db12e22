import Crypto
import Foundation
import SwiftASN1
import X509

/// The box's own authority: whoever trusts it once trusts the box for as long as it lives, while its certificates are renewed.
///
/// Of names it can vouch for those of local networks alone (RFC 5280, 4.2.1.10): with a stolen box nobody passes for a site on the internet.
/// Addresses are not constrained, for BoringSSL, and with it the box's own command line, refuses every chain in which they are; it issues for
/// those of private networks.
struct OwnAuthority {
    private static let years = 20
    /// Browsers take none that holds for longer (CA/Browser Forum, Baseline Requirements 6.3.2).
    private static let days = 397
    private static let day: TimeInterval = 86_400
    /// A box may start with a clock that is far behind.
    static let earliest = Date(timeIntervalSince1970: 1_735_689_600)
    private static let domains = ["localhost", "local", "lan", "home", "internal", "home.arpa"]
    /// Private networks with their masks (RFC 1918, RFC 4193, RFC 3927, loopback).
    private static let networks: [[UInt8]] = [
        [10, 0, 0, 0, 255, 0, 0, 0], [172, 16, 0, 0, 255, 240, 0, 0], [192, 168, 0, 0, 255, 255, 0, 0], [169, 254, 0, 0, 255, 255, 0, 0],
        [127, 0, 0, 0, 255, 0, 0, 0], [100, 64, 0, 0, 255, 192, 0, 0],
        masked([0xfc], [0xfe]), masked([0xfe, 0x80], [0xff, 0xc0]), masked(zeros(15) + [1], [UInt8](repeating: 255, count: 16)),
    ]

    /// An IPv6 network and its mask, of which the rest is zero.
    private static func masked(_ network: [UInt8], _ mask: [UInt8]) -> [UInt8] {
        network + zeros(16 - network.count) + mask + zeros(16 - mask.count)
    }

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    let certificate: Certificate
    let key: P256.Signing.PrivateKey

    /// A new one.
    /// - Parameters:
    ///   - name: the box's, for who finds it among those that they trust.
    ///   - host: the machine's name, which it may vouch for besides names of local networks.
    init(name: String, host: String, at now: Date) throws {
        let key = P256.Signing.PrivateKey()
        self.key = key
        let subject = try DistinguishedName {
            CommonName("\(name) authority \(Self.suffix(key))")
            OrganizationName("Gatehouse")
        }
        let from = min(now, Self.earliest)
        let until = max(now, Self.earliest).addingTimeInterval(Double(Self.years) * 365 * Self.day)
        let constraints = NameConstraints(
            permittedDNSDomains: Self.domains + [host])
        certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: from, notValidAfter: until,
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
                SubjectKeyIdentifier(hash: .init(key.publicKey))
                Critical(constraints)
            },
            issuerPrivateKey: .init(key))
    }

    /// The one whose files these are.
    init(certificate: String, key: String) throws {
        self.certificate = try Certificate(pemEncoded: certificate)
        self.key = try P256.Signing.PrivateKey(pemRepresentation: key)
        guard Certificate.PublicKey(self.key.publicKey) == self.certificate.publicKey else { throw CocoaError(.fileReadCorruptFile) }
    }

    /// Two boxes of one name must not have authorities of one name: browsers would take one for the other.
    private static func suffix(_ key: P256.Signing.PrivateKey) -> String {
        SHA256.hash(data: key.publicKey.rawRepresentation).prefix(4).map { String(format: "%02x", $0) }.joined()
    }

    /// Whether it may vouch for a name or an address.
    func mayVouch(for name: String) -> Bool {
        guard let octets = InternetAddress.octets(name) else {
            let permitted = (try? certificate.extensions.nameConstraints).map { Array($0.permittedDNSDomains) } ?? []
            return permitted.contains { name == $0 || name.hasSuffix("." + $0) }
        }
        return Self.networks.contains { network in
            network.count == 2 * octets.count
                && zip(zip(octets, network.suffix(octets.count)).map { $0 & $1 }, network).allSatisfy { $0 == $1 }
        }
    }

    /// A certificate for a server of these names, which holds from now on for a little more than a year, and its key.
    func issue(
        for names: [String], commonName: String, at now: Date, serverKey: P256.Signing.PrivateKey = .init()
    ) throws -> (certificate: String, key: String) {
        let subject = try DistinguishedName {
            CommonName(commonName)
            OrganizationName("Gatehouse")
        }
        let from = max(now, Self.earliest).addingTimeInterval(-Self.day)
        let names = names.filter(mayVouch)
        let made = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(serverKey.publicKey), notValidBefore: from,
            notValidAfter: from.addingTimeInterval(Double(Self.days) * Self.day), issuer: certificate.subject, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectKeyIdentifier(hash: .init(serverKey.publicKey))
                AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: .init(key.publicKey)).keyIdentifier)
                SubjectAlternativeNames(names.map(Self.generalName))
            },
            issuerPrivateKey: .init(key))
        return (try made.pem + certificate.pem, serverKey.pemRepresentation + "\n")
    }

    private static func generalName(_ name: String) -> GeneralName {
        InternetAddress.octets(name).map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) } ?? .dnsName(name)
    }

    /// What somebody else's authority is asked for: a request for a certificate of these names (RFC 2986), and its key.
    static func request(for names: [String]) throws -> (request: String, key: String) {
        let key = P256.Signing.PrivateKey()
        let extensions = try Certificate.Extensions { SubjectAlternativeNames(names.map(generalName)) }
        let request = try CertificateSigningRequest(
            version: .v1, subject: try DistinguishedName { CommonName(String(names[0].prefix(64))) }, privateKey: .init(key),
            attributes: .init([.init(ExtensionRequest(extensions: extensions))]), signatureAlgorithm: .ecdsaWithSHA256)
        return (try request.serializeAsPEM().pemString + "\n", key.pemRepresentation + "\n")
    }
}
