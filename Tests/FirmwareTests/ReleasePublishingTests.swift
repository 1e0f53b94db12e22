import Crypto
import Foundation
import Testing

@testable import Firmware

/// The vendor cannot publish what boxes would refuse, and never makes anew what they have seen.
@Suite struct ReleasePublishingTests {
    @Test func whatIsNotNamedStays() async throws {
        let vendor = try Vendor()
        let fresh = SigningKey()
        try vendor.repository.stageRoot(
            [.targets: .init([vendor.targets[1], vendor.targets[2], fresh].map(\.publicKey), threshold: nil)], expires: Vendor.later)
        // Two of three must have signed still, and of those that did one does not count any more.
        #expect(try vendor.repository.pending() == [.init(file: "root.json", missing: 1), .init(file: "targets.json", missing: 2)])
        #expect(try vendor.repository.sign(with: [vendor.root, fresh]).map(\.missing) == [0, 1])
        _ = try vendor.repository.sign(with: [vendor.targets[2]])
        try vendor.repository.publish(with: [vendor.snapshot, vendor.timestamp], .init(snapshot: Vendor.later, timestamp: Vendor.later))
        #expect(try vendor.read(RootMetadata.self).keys(of: .targets).threshold == 2)
        #expect(try await vendor.refresh().count == 1)
        #expect(throws: ReleaseRepository.Obstacle.threshold("targets")) {
            try vendor.repository.stageRoot([.targets: .init(nil, threshold: 4)], expires: Vendor.later)
        }
    }

    @Test func whatIsPublishedIsNeverReplaced() async throws {
        let vendor = try Vendor()
        #expect(throws: ReleaseRepository.Obstacle.isPublished("gatehouse/arm64/1.0.0.json")) { try vendor.add("1.0.0") }
        // What nobody has seen yet may be made anew.
        try vendor.add("1.1.0")
        try vendor.add("1.1.0")
        try vendor.publish()
        #expect(try await vendor.refresh().map(\.offer.version.description) == ["1.0.0", "1.1.0"])
    }

    @Test func aReleaseWithoutAProgramIsNone() throws {
        let vendor = try Vendor()
        let folder = try vendor.write(["bin/gatehouse": Data("x".utf8), "share/empty": Data()], to: "files")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.appending(path: "bin/gatehouse").path)
        let offer = ReleaseOffer(version: try #require(ReleaseVersion("1.1.0")), architecture: "arm64", model: "gatehouse", epoch: 0)
        #expect(throws: ReleaseRefusal.unsafe("The release has no program.")) {
            try vendor.repository.add(folder, .init(offer: offer, notes: ""), expires: Vendor.later)
        }
    }

    @Test func nothingIsRenewedOverWhatExpires() throws {
        let vendor = try Vendor()
        let after = Vendor.later.addingTimeInterval(1)
        #expect(throws: ReleaseRepository.Obstacle.expires("root.json")) {
            try vendor.repository.publish(with: [vendor.timestamp], .init(snapshot: after, timestamp: after))
        }
        #expect(try vendor.read(TimestampMetadata.self).version == 2)
    }

    /// Where publishing ends between two files, it can be done again, and what boxes have seen is never made anew.
    @Test func publishingThatBrokeOffGoesOn() async throws {
        let vendor = try Vendor()
        try vendor.add("1.1.0")
        _ = try vendor.repository.sign(with: [vendor.targets[0], vendor.targets[1]])
        let staged = Array(try vendor.repository.folder.file("staged/targets.json"))
        try vendor.repository.write(staged, to: "metadata/2.targets.json")
        try vendor.add("1.2.0")
        #expect(try vendor.read(TargetsMetadata.self).version == 2)
        try vendor.publish()
        #expect(try vendor.read(TargetsMetadata.self).version == 3)
        #expect(Array(try vendor.repository.folder.file("metadata/2.targets.json")) == staged)
        #expect(try await vendor.refresh().count == 3)
    }

    @Test func theTimestampIsRenewedWithoutTheKeyOfSnapshots() async throws {
        let vendor = try Vendor()
        try vendor.publish(with: [vendor.timestamp])
        #expect(try vendor.read(TimestampMetadata.self).version == 3)
        #expect(try vendor.read(SnapshotMetadata.self).version == 1)
        #expect(try await vendor.refresh().count == 1)
    }

    @Test func nothingIsPublishedUnsigned() throws {
        let vendor = try Vendor(published: false)
        try vendor.add("1.0.0")
        #expect(throws: ReleaseRepository.Obstacle.waits(["root.json", "targets.json"])) {
            try vendor.repository.publish(
                with: [vendor.snapshot, vendor.timestamp], .init(snapshot: Vendor.later, timestamp: Vendor.later))
        }
        #expect(
            try vendor.repository.sign(with: [vendor.root, vendor.targets[0]]) == [
                .init(file: "root.json", missing: 0), .init(file: "targets.json", missing: 1),
            ])
        #expect(throws: ReleaseRepository.Obstacle.foreignKey) { try vendor.repository.sign(with: [SigningKey()]) }
        #expect(throws: ReleaseRefusal.signatures("snapshot.json")) { try Self.publishWithoutSnapshot(vendor) }
        #expect(!FileManager.default.fileExists(atPath: vendor.repository.folder.appending(path: "metadata").path))
    }

    private static func publishWithoutSnapshot(_ vendor: Vendor) throws {
        _ = try vendor.repository.sign(with: [vendor.targets[1]])
        try vendor.repository.publish(with: [vendor.timestamp], .init(snapshot: Vendor.later, timestamp: Vendor.later))
    }
}
