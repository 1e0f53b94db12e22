import Core
import Crypto
import Foundation
import Logging
import NIOSSL
import Synchronization
import TestSupport
import Testing

@testable import ServerCertificate

/// Which certificate is shown, and what changes it.
final class ServerCertificatesTests: Sendable {
    private static let day: TimeInterval = 86_400
    private static let start = Date(timeIntervalSince1970: 1_790_000_000)

    private let folder = NSTemporaryDirectory() + "gatehouse-test-\(UUID().uuidString)"
    private let now = Mutex(start)
    private let addresses = Mutex(["192.168.1.20"])

    deinit { for place in [folder, folder + "-chain.pem", folder + "-key.pem"] { try? FileManager.default.removeItem(atPath: place) } }

    private func certificates(files: ServerCertificates.Files? = nil) throws -> ServerCertificates {
        let time = TimeSource(
            now: { [self] in now.withLock { $0 } }, uptime: { .zero }, sleep: { _ in throw CancellationError() })
        return try ServerCertificates(
            folder: folder, files: files, name: "Shop", host: "shop-box", addresses: { [self] in addresses.withLock { $0 } }, time: time,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func other(_ names: [String], at date: Date = start) throws -> (certificate: String, key: String) {
        try OwnAuthority(name: "Other", host: "example", at: date).issue(for: names, commonName: "Other", at: date)
    }

    private func write(_ pair: (certificate: String, key: String)) throws -> ServerCertificates.Files {
        let files = (folder + "-chain.pem", folder + "-key.pem")
        try pair.certificate.write(toFile: files.0, atomically: true, encoding: .utf8)
        try pair.key.write(toFile: files.1, atomically: true, encoding: .utf8)
        return .init(certificate: files.0, key: files.1)
    }

    @Test func itIsKept() throws {
        let first = try certificates().shown
        let second = try certificates().shown
        #expect(first.source == .own)
        #expect(first.names.contains("192.168.1.20"))
        #expect(first.fingerprint == second.fingerprint)
        #expect(first.authority == second.authority)
        let mode = try FileManager.default.attributesOfItem(atPath: folder + "/authority-key.pem")[.posixPermissions] as? NSNumber
        #expect(mode == 0o600)
    }

    @Test func itIsRenewedBeforeItExpires() throws {
        let certificates = try certificates()
        let first = certificates.shown
        now.withLock { $0 = first.validUntil.addingTimeInterval(-31 * Self.day) }
        certificates.look()
        #expect(certificates.shown.fingerprint == first.fingerprint)
        now.withLock { $0 = first.validUntil.addingTimeInterval(-29 * Self.day) }
        certificates.look()
        let second = certificates.shown
        #expect(second.validUntil > first.validUntil)
        #expect(second.authority == first.authority)
    }

    @Test func itFollowsTheBoxesAddresses() throws {
        let certificates = try certificates()
        let first = certificates.shown
        addresses.withLock { $0 = ["192.168.1.21"] }
        certificates.look()
        #expect(certificates.shown.names.contains("192.168.1.21"))
        #expect(certificates.shown.authority == first.authority)
        let second = certificates.shown.fingerprint
        addresses.withLock { $0 = [] }
        certificates.look()
        #expect(certificates.shown.fingerprint == second, "an address that went away is no reason for another")
    }

    @Test func aClockThatIsBehindMakesNoNewOnes() throws {
        now.withLock { $0 = Date(timeIntervalSince1970: 3_600) }
        let certificates = try certificates()
        let first = certificates.shown.fingerprint
        certificates.look()
        #expect(certificates.shown.fingerprint == first)
        now.withLock { $0 = Self.start }
        certificates.look()
        #expect(certificates.shown.validFrom <= Self.start)
        #expect(certificates.shown.validUntil > Self.start.addingTimeInterval(365 * Self.day))
    }

    @Test func anInstalledOneIsShownUntilItIsRemoved() throws {
        let certificates = try certificates()
        let own = certificates.shown.fingerprint
        let made = try other(["cameras.lan"])
        try certificates.install(certificate: made.certificate, key: made.key)
        #expect(certificates.shown.source == .installed)
        #expect(certificates.shown.names == ["cameras.lan"])
        #expect(try self.certificates().shown.names == ["cameras.lan"], "after a restart as well")
        certificates.remove()
        #expect(certificates.shown.fingerprint == own)
        #expect(!FileManager.default.fileExists(atPath: folder + "/installed-key.pem"))
    }

    @Test func whatDoesNotFitIsRefusedAndChangesNothing() throws {
        let certificates = try certificates()
        let (own, made, another) = (certificates.shown.fingerprint, try other(["cameras.lan"]), try other(["cameras.lan"]))
        let parts = made.certificate.components(separatedBy: "-----END CERTIFICATE-----\n")
        let old = try other(["cameras.lan"], at: Self.start.addingTimeInterval(-500 * Self.day))
        let nameless = try other(["bank.example.com"])
        let cases: [(String, String?, CertificateRefusal.Part)] = [
            ("nothing", made.key, .certificate), (made.certificate, "nothing", .key), (made.certificate, another.key, .key),
            (made.certificate, nil, .key), (old.certificate, old.key, .certificate), (nameless.certificate, nameless.key, .certificate),
            (parts[0] + "-----END CERTIFICATE-----\n" + another.certificate, made.key, .certificate),
            (parts[1] + "-----END CERTIFICATE-----\n" + parts[0] + "-----END CERTIFICATE-----\n", made.key, .key),
        ]
        for (certificate, key, part) in cases {
            let refusal = #expect(throws: CertificateRefusal.self) { try certificates.install(certificate: certificate, key: key) }
            #expect(refusal?.part == part, "\(refusal?.sentence ?? "")")
        }
        #expect(certificates.shown.fingerprint == own)
        #expect(!FileManager.default.fileExists(atPath: folder + "/installed-key.pem"))
    }

    @Test func filesAreFollowed() throws {
        let files = try write(other(["one.lan"]))
        let certificates = try certificates(files: files)
        #expect(certificates.shown.names == ["one.lan"])
        // Half of a renewal: the key has not come yet.
        let next = try other(["two.lan"])
        try next.certificate.write(toFile: folder + "-chain.pem", atomically: true, encoding: .utf8)
        certificates.look()
        #expect(certificates.shown.names == ["one.lan"])
        #expect(certificates.shown.trouble?.contains("The one before is shown.") == true)
        try next.key.write(toFile: folder + "-key.pem", atomically: true, encoding: .utf8)
        certificates.look()
        #expect(certificates.shown.names == ["two.lan"])
        #expect(certificates.shown.trouble == nil)
    }

    @Test func filesThatCannotBeReadDoNotStopTheBox() throws {
        let certificates = try certificates(files: .init(certificate: folder + "/nowhere.pem", key: folder + "/nowhere-key.pem"))
        #expect(certificates.shown.source == .own)
        #expect(certificates.shown.trouble?.contains("cannot be read") == true)
        _ = certificates.configuration()
    }

    @Test func whatExpiresIsSaid() throws {
        let made = try other(["cameras.lan"])
        let certificates = try certificates()
        try certificates.install(certificate: made.certificate, key: made.key)
        #expect(certificates.shown.trouble == nil)
        let until = certificates.shown.validUntil
        now.withLock { $0 = until.addingTimeInterval(-3 * Self.day) }
        #expect(certificates.shown.trouble?.contains("expires in 3 days") == true)
        now.withLock { $0 = until.addingTimeInterval(1) }
        #expect(certificates.shown.trouble?.contains("has expired") == true)
    }

    @Test func aRequestIsAnsweredWithoutAKey() throws {
        let certificates = try certificates()
        _ = try certificates.request(for: ["cameras.lan"])
        #expect(certificates.shown.isRequested)
        let key = try String(contentsOfFile: folder + "/request-key.pem", encoding: .utf8)
        let authority = try OwnAuthority(name: "Theirs", host: "theirs", at: Self.start)
        let made = try authority.issue(
            for: ["cameras.lan"], commonName: "Theirs", at: Self.start, serverKey: P256.Signing.PrivateKey(pemRepresentation: key))
        try certificates.install(certificate: made.certificate, key: nil)
        #expect(certificates.shown.names == ["cameras.lan"])
        #expect(!certificates.shown.isRequested)
    }
}
