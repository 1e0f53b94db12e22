import Foundation
import Slots
import Testing

@testable import Firmware

/// A release lies whole on the disk before it is started.
@Suite struct ReleaseInstallingTests {
    private func box(_ vendor: Vendor) throws -> (folder: URL, slots: SlotFolder) {
        let folder = vendor.folder.appending(path: "box")
        try FileManager.default.createDirectory(at: folder.appending(path: "slots"), withIntermediateDirectories: true)
        return (folder, SlotFolder(folder.path))
    }

    private func release(_ version: String, of vendor: Vendor) async throws -> ListedRelease {
        try #require(try await vendor.refresh().first { $0.offer.version.description == version })
    }

    @Test func aReleaseIsInstalledTriedAndReplaced() async throws {
        let vendor = try Vendor()
        try vendor.add("1.1.0")
        try vendor.add("1.2.0")
        try vendor.add("1.3.0")
        try vendor.publish()
        let (folder, slots) = try box(vendor)
        var fetched: [Int] = []
        var names: [String] = []
        for version in ["1.0.0", "1.1.0", "1.2.0", "1.3.0"] {
            let source = CountingSource(vendor.source)
            let name = try await ReleaseInstalling(from: source, into: folder, reserve: 64 << 20).install(
                try await release(version, of: vendor))
            fetched.append(source.bytes)
            names.append(name)
            #expect(name.hasPrefix("\(version)-"))
            #expect(try folder.file("slots/\(name)/bin/gatehouse") == Vendor.files(version)["bin/gatehouse"])
            try slots.beginTrial(of: name)
            #expect(try slots.launch() == name)
            try slots.confirm(name)
        }
        // Of the later ones the manifest, and what is new.
        #expect(fetched[0] > 3 << 20 && fetched[1...].allSatisfy { $0 < 10_000 })
        // What was neither started nor the one before went when the last one came.
        #expect(Set(try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "slots").path)) == Set(names[1...]))
        #expect(slots.spare == [names[1]])
    }

    @Test func whatBrokeOffIsNotStartedAndGoesOn() async throws {
        let vendor = try Vendor()
        let (folder, slots) = try box(vendor)
        let release = try await release("1.0.0", of: vendor)
        // The manifest is the first file.
        let broken = CountingSource(vendor.source, breakAfter: 3)
        await #expect(throws: CountingSource.Broken.self) {
            try await ReleaseInstalling(from: broken, into: folder, reserve: 64 << 20).install(release)
        }
        #expect(slots.spare.isEmpty)
        let rest = CountingSource(vendor.source)
        let name = try await ReleaseInstalling(from: rest, into: folder, reserve: 64 << 20).install(release)
        #expect(slots.spare == [name])
        #expect(rest.bytes < broken.bytes + 10_000)
        let again = CountingSource(vendor.source)
        #expect(try await ReleaseInstalling(from: again, into: folder, reserve: 64 << 20).install(release) == name)
        #expect(again.bytes < 10_000)
    }

    @Test func whereThereIsNoRoomNothingIsBegun() async throws {
        let vendor = try Vendor()
        let (folder, _) = try box(vendor)
        let release = try await release("1.0.0", of: vendor)
        let needed = try await release.manifest(from: vendor.source).size + (64 << 20)
        await #expect(throws: ReleaseRefusal.noRoom(needed)) {
            try await ReleaseInstalling(from: vendor.source, into: folder, reserve: 64 << 20, freeBytes: { _ in needed - 1 }).install(
                release)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "slots").path).isEmpty)
        _ = try await ReleaseInstalling(from: vendor.source, into: folder, reserve: 64 << 20, freeBytes: { _ in needed }).install(release)
    }

    /// What is left of other attempts goes, and what is started stays, however little room there is.
    @Test func roomIsMade() async throws {
        let vendor = try Vendor()
        try vendor.add("1.1.0")
        try vendor.publish()
        let (folder, slots) = try box(vendor)
        let first = try await ReleaseInstalling(from: vendor.source, into: folder, reserve: 64 << 20).install(
            try await release("1.0.0", of: vendor))
        try slots.beginTrial(of: first)
        try slots.confirm(first)
        for left in ["slots/.0.9.0-x.part/bin", "slots/0.8.0-y/bin"] {
            try FileManager.default.createDirectory(at: folder.appending(path: left), withIntermediateDirectories: true)
        }
        await #expect(throws: ReleaseRefusal.self) {
            try await ReleaseInstalling(from: vendor.source, into: folder, reserve: 64 << 20, freeBytes: { _ in 0 }).install(
                try await release("1.1.0", of: vendor))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "slots").path) == [first])
        #expect(try slots.launch() == first)
    }
}
