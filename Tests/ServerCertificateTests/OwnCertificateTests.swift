import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import Testing
import X509

@testable import ServerCertificate

/// The certificate that a box makes for itself.
struct OwnCertificateTests {
    private static let now = Date(timeIntervalSince1970: 1_790_000_000)
    private static let day: TimeInterval = 86_400

    private func authority() throws -> OwnAuthority { try OwnAuthority(name: "Shop", host: "shop-box", at: Self.now) }

    @Test func itIsTheAuthoritysForAYear() throws {
        let authority = try authority()
        let made = try authority.issue(for: ["localhost", "shop-box", "192.168.1.20", "fd00::20"], commonName: "Shop", at: Self.now)
        let pair = try CertificatePair(certificate: made.certificate, key: made.key)
        try pair.check(at: Self.now)
        #expect(pair.chain.count == 2)
        #expect(pair.chain[1] == authority.certificate)
        #expect(pair.leaf.hostNames == ["localhost", "shop-box", "192.168.1.20", "fd00::20"])
        #expect(pair.leaf.notValidAfter.timeIntervalSince(pair.leaf.notValidBefore) <= 398 * Self.day)
        #expect(pair.leaf.notValidBefore < Self.now)
    }

    @Test(arguments: [
        ("192.168.1.20", true), ("10.255.0.1", true), ("172.31.0.1", true), ("172.32.0.1", false), ("8.8.8.8", false), ("fd12::1", true),
        ("2001:db8::1", false), ("fe80::1", true), ("::1", true), ("::2", false), ("shop-box", true), ("cam.shop-box", true),
        ("box.local", true),
        ("bank.example.com", false), ("evil-local", false), ("notshop-box", false),
    ])
    func itVouchesForPrivateNetworksAlone(name: String, may: Bool) throws {
        let authority = try authority()
        #expect(authority.mayVouch(for: name) == may)
        let names = try CertificatePair(authority.issue(for: [name, "localhost"], commonName: "Shop", at: Self.now)).leaf.hostNames
        #expect(names.contains(name) == may)
    }

    @Test func twoBoxesHaveAuthoritiesOfTwoNames() throws {
        #expect(try authority().certificate.subject != authority().certificate.subject)
    }

    @Test func aWrongClockMakesItNoShorter() throws {
        let behind = Date(timeIntervalSince1970: 3_600)
        let authority = try OwnAuthority(name: "Shop", host: "shop-box", at: behind)
        let pair = try CertificatePair(authority.issue(for: ["localhost"], commonName: "Shop", at: behind))
        #expect(pair.leaf.notValidBefore > behind)
        #expect(authority.certificate.notValidBefore <= behind)
        try pair.check(at: OwnAuthority.earliest)
    }

    @Test func aRequestNamesWhatIsAskedFor() throws {
        let made = try OwnAuthority.request(for: ["cameras.example.com", "203.0.113.7"])
        let request = try CertificateSigningRequest(pemEncoded: made.request)
        let key = try P256.Signing.PrivateKey(pemRepresentation: made.key)
        #expect(request.publicKey == Certificate.PublicKey(key.publicKey))
        #expect(request.publicKey.isValidSignature(request.signature, for: request))
        let names = try #require(try request.attributes.extensionRequest?.extensions.subjectAlternativeNames)
        #expect(names.count == 2)
        #expect(names.first == .dnsName("cameras.example.com"))
    }
}

extension CertificatePair {
    init(_ made: (certificate: String, key: String)) throws { try self.init(certificate: made.certificate, key: made.key) }
}
