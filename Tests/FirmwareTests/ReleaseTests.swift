import Foundation
import Testing

@testable import Firmware

/// A release arrives as it was made, or not at all.
@Suite struct ReleaseTests {
    private func manifest(_ version: String, of vendor: Vendor) async throws -> ReleaseManifest {
        let release = try #require(try await vendor.refresh().first { $0.offer.version.description == version })
        return try await release.manifest(from: vendor.source)
    }

    private func expect(_ folder: URL, holds version: String) throws {
        let files = Vendor.files(version)
        let found = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: folder.appending(path: path).path, isDirectory: &isFolder) && !isFolder.boolValue
        }
        #expect(Set(found) == Set(files.keys))
        for (path, data) in files {
            #expect(try folder.file(path) == data, "\(path)")
            let mode = try FileManager.default.attributesOfItem(atPath: folder.appending(path: path).path)[.posixPermissions] as? Int
            #expect(mode == (path.hasPrefix("bin/") ? 0o755 : 0o644))
        }
    }

    @Test func arrivesAsItWasMade() async throws {
        let vendor = try Vendor()
        let folder = vendor.folder.appending(path: "release")
        try await ReleaseUnpacking(from: vendor.source).unpack(try await manifest("1.0.0", of: vendor), into: folder)
        try expect(folder, holds: "1.0.0")
    }

    @Test func onlyWhatIsNewIsFetched() async throws {
        let vendor = try Vendor()
        try vendor.add("1.1.0")
        try vendor.publish()
        let (old, new) = (try await manifest("1.0.0", of: vendor), try await manifest("1.1.0", of: vendor))
        let (before, after) = (vendor.folder.appending(path: "before"), vendor.folder.appending(path: "after"))
        try await ReleaseUnpacking(from: vendor.source).unpack(old, into: before)
        let source = CountingSource(vendor.source)
        let unpacking = ReleaseUnpacking(from: source, having: old, in: before)
        let missing = unpacking.missing(of: new)
        try await unpacking.unpack(new, into: after)
        try expect(after, holds: "1.1.0")
        #expect(source.bytes == missing)
        #expect(source.bytes * 1000 < new.size)
    }

    /// Of the release that the box has, a byte went bad on its disk: that piece is fetched.
    @Test func whatTheBoxHasIsNotBelieved() async throws {
        let vendor = try Vendor()
        let manifest = try await manifest("1.0.0", of: vendor)
        let (before, after) = (vendor.folder.appending(path: "before"), vendor.folder.appending(path: "after"))
        try await ReleaseUnpacking(from: vendor.source).unpack(manifest, into: before)
        var binary = try before.file("bin/gatehouse")
        binary[5] ^= 1
        try binary.write(to: before.appending(path: "bin/gatehouse"))
        let source = CountingSource(vendor.source)
        try await ReleaseUnpacking(from: source, having: manifest, in: before).unpack(manifest, into: after)
        try expect(after, holds: "1.0.0")
        #expect(source.bytes == ReleaseManifest.pieceBytes)
    }

    /// Wherever the line breaks, what was fetched is not fetched again.
    @Test(arguments: 0..<6) func goesOnWhereItBrokeOff(pieces: Int) async throws {
        let vendor = try Vendor()
        let manifest = try await manifest("1.0.0", of: vendor)
        let folder = vendor.folder.appending(path: "release")
        let broken = CountingSource(vendor.source, breakAfter: pieces)
        if pieces < manifest.pieces.count {
            await #expect(throws: CountingSource.Broken.self) { try await ReleaseUnpacking(from: broken).unpack(manifest, into: folder) }
        }
        let rest = CountingSource(vendor.source)
        try await ReleaseUnpacking(from: rest).unpack(manifest, into: folder)
        try expect(folder, holds: "1.0.0")
        if pieces < manifest.pieces.count { #expect(broken.bytes + rest.bytes == manifest.pieces.values.reduce(0, +)) }
    }

    /// What lies there of something else is gone, or written over.
    @Test func takesNothingOver() async throws {
        let vendor = try Vendor()
        let manifest = try await manifest("1.0.0", of: vendor)
        let folder = try vendor.write(
            ["bin/gatehouse": Data(repeating: 9, count: 5 << 20), "bin/more": Data("x".utf8), "plugins/evil.so": Data("x".utf8)],
            to: "release")
        try await ReleaseUnpacking(from: vendor.source).unpack(manifest, into: folder)
        try expect(folder, holds: "1.0.0")
        #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "plugins").path))
    }

    @Test(arguments: ["altered", "short", "long", "away", "link"]) func aPieceThatIsAnotherIsRefused(what: String) async throws {
        let vendor = try Vendor()
        let manifest = try await manifest("1.0.0", of: vendor)
        let digest = try #require(manifest.files.first { $0.path == "bin/gatehouse" }?.chunks[1])
        let path = "chunks/\(ChunkPath.place(digest))"
        let place = vendor.repository.folder.appending(path: path)
        var bytes = Array(try Data(contentsOf: place))
        switch what {
        case "altered": bytes[99] ^= 0x80
        case "short": bytes.removeLast()
        case "long": bytes.append(0)
        default: break
        }
        try FileManager.default.removeItem(at: place)
        if what == "link" {
            try FileManager.default.createSymbolicLink(atPath: place.path, withDestinationPath: "/dev/zero")
        } else if what != "away" {
            try vendor.repository.write(bytes, to: path)
        }
        let refusal: ReleaseRefusal =
            ["altered", "short"].contains(what) ? .altered(path) : what == "long" ? .tooLarge(path) : .notThere(path)
        await #expect(throws: refusal) {
            try await ReleaseUnpacking(from: vendor.source).unpack(manifest, into: vendor.folder.appending(path: "release"))
        }
        await #expect(throws: refusal) {
            _ = try await ReleaseVerification(of: vendor.repository.folder, root: Array(vendor.trusted.file("root.json"))).run(
                at: Vendor.now)
        }
    }

    @Test func aManifestThatIsAnotherIsRefused() async throws {
        let vendor = try Vendor()
        let release = try #require(try await vendor.refresh().first)
        var bytes = Array(try vendor.repository.folder.file(release.file.place))
        bytes[20] ^= 1
        try vendor.repository.write(bytes, to: release.file.place)
        await #expect(throws: ReleaseRefusal.altered(release.path)) { try await release.manifest(from: vendor.source) }
    }

    @Test func theSameFolderGivesTheSameRelease() async throws {
        let (one, other) = (try Vendor(), try Vendor())
        let bytes = [try await manifest("1.0.0", of: one).bytes, try await manifest("1.0.0", of: other).bytes]
        #expect(bytes[0] == bytes[1])
    }

    @Test func whatIsNoFileIsNotReleased() throws {
        let vendor = try Vendor()
        let folder = try vendor.write(["a": Data()], to: "linked")
        try FileManager.default.createSymbolicLink(atPath: folder.appending(path: "b").path, withDestinationPath: "/etc/passwd")
        let offer = ReleaseOffer(version: try #require(ReleaseVersion("2.0.0")), architecture: "arm64", model: "gatehouse", epoch: 0)
        #expect(throws: ReleaseRefusal.self) { try vendor.repository.add(folder, .init(offer: offer, notes: ""), expires: Vendor.later) }
    }

    @Test(arguments: [
        "", "/", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "a/", "a b", "a\\b", "a:b", "a\u{0}b", "a\nb", "ä",
        String(repeating: "x", count: 201), Array(repeating: "a", count: 17).joined(separator: "/"),
    ]) func aNameThatIsNoneIsRefused(path: String) {
        let file = ReleaseManifest.File(path: path, executable: false, size: 0, sha256: Digest.text([UInt8]()), chunks: [])
        #expect(throws: ReleaseRefusal.self) { try manifest([file]) }
    }

    @Test func aManifestThatCannotBeIsRefused() {
        let digest = Digest.text([UInt8]())
        func file(_ path: String, size: Int = 0, sha256: String? = nil, chunks: [String] = []) -> ReleaseManifest.File {
            ReleaseManifest.File(path: path, executable: false, size: size, sha256: sha256 ?? digest, chunks: chunks)
        }
        let cases: [[ReleaseManifest.File]] = [
            [], [file("a"), file("a")], [file("a"), file("a/b")], [file("a", size: -1)], [file("a", size: 1)],
            [file("a", size: 3 << 30, chunks: Array(repeating: digest, count: 3 << 10))], [file("a", sha256: "0")],
            [file("a", size: 1, chunks: ["../../etc/passwd"])],
            (0..<3).map { file("\($0)", size: 1 << 30, chunks: Array(repeating: digest, count: 1 << 10)) },
        ]
        for one in cases { #expect(throws: ReleaseRefusal.self) { try manifest(one) } }
        #expect(throws: Never.self) { try manifest([file("a/b"), file("a/c")]) }
    }

    private func manifest(_ files: [ReleaseManifest.File]) throws -> ReleaseManifest {
        try ReleaseManifest(
            version: #require(ReleaseVersion("1.0.0")), architecture: "arm64", model: "gatehouse", notes: "", files: files)
    }

    @Test func versionsAreInOrder() throws {
        // As Semantic Versioning 2.0.0, section 11, has them.
        let order = [
            "0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
            "1.0.0",
            "1.0.1", "1.2.0", "1.10.0", "2.0.0",
        ]
        let versions = try order.map { try #require(ReleaseVersion($0)) }
        #expect(versions.map(\.description) == order)
        for (index, one) in versions.enumerated() {
            for (other, later) in versions.enumerated() { #expect((one < later) == (index < other), "\(one) \(later)") }
        }
    }

    @Test(arguments: [
        "", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0-a..b", "1.0.0-01", "v1.0.0", "1.0.0-ä", "1.0.0+build", "1.-1.0",
        "99999999999999999999.0.0",
    ])
    func whatIsNoVersionIsNone(text: String) {
        #expect(ReleaseVersion(text) == nil)
    }
}
