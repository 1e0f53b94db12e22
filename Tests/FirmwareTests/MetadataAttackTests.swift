import Crypto
import Foundation
import Testing

@testable import Firmware

/// Who has the web server, or some of the keys, cannot make a box believe anything.
@Suite struct MetadataAttackTests {
    /// What is done to a repository, and what the box says of it.
    struct Attack: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let refusal: ReleaseRefusal
        let now: Date
        let attack: @Sendable (Vendor) throws -> Void

        init(_ name: String, _ refusal: ReleaseRefusal, at now: Date = Vendor.now, _ attack: @escaping @Sendable (Vendor) throws -> Void) {
            testDescription = name
            self.refusal = refusal
            self.now = now
            self.attack = attack
        }
    }

    private static let ofTargets = ReleaseRefusal.signatures("targets.json")

    /// Another list of releases, signed by `keys`, with a true snapshot and timestamp around it: the keys of both are stolen.
    private static func replaceTargets(_ vendor: Vendor, by keys: [SigningKey], _ change: (inout TargetsMetadata) -> Void = { _ in }) throws
    {
        var targets = try vendor.read(TargetsMetadata.self)
        targets.version += 1
        change(&targets)
        let path = "metadata/\(targets.version).targets.json"
        try vendor.forge(targets, by: keys, as: path)
        try point(vendor, toTargets: targets.version, file: path)
    }

    private static func point(_ vendor: Vendor, toTargets version: Int, file path: String? = nil) throws {
        var snapshot = try vendor.read(SnapshotMetadata.self)
        snapshot.version += 1
        let bytes = try path.map { try vendor.repository.folder.file($0) }
        snapshot.meta["targets.json"] = FileReference(
            version: version, length: bytes?.count, hashes: bytes.map { ["sha256": Digest.text(Array($0))] })
        try vendor.forge(snapshot, by: [vendor.snapshot], as: "metadata/\(snapshot.version).snapshot.json")
        try timestamp(vendor) { $0.meta["snapshot.json"] = FileReference(version: snapshot.version) }
    }

    private static func timestamp(_ vendor: Vendor, by keys: [SigningKey]? = nil, _ change: (inout TimestampMetadata) -> Void) throws {
        var timestamp = try vendor.read(TimestampMetadata.self)
        timestamp.version += 1
        change(&timestamp)
        try vendor.forge(timestamp, by: keys ?? [vendor.timestamp], as: "metadata/timestamp.json")
    }

    private static func nextRoot(_ vendor: Vendor, by keys: [SigningKey], as version: Int = 2, _ change: (inout RootMetadata) -> Void)
        throws
    {
        var root = try vendor.read(RootMetadata.self)
        root.version = version
        change(&root)
        try vendor.forge(root, by: keys, as: "metadata/2.root.json")
    }

    static let attacks: [Attack] = [
        Attack("one signature where two are due", ofTargets) { try replaceTargets($0, by: [$0.targets[1]]) },
        Attack("no signature", ofTargets) { try replaceTargets($0, by: []) },
        Attack("two signatures of strangers", ofTargets) { try replaceTargets($0, by: [SigningKey(), SigningKey()]) },
        Attack("the keys of other roles", ofTargets) { try replaceTargets($0, by: [$0.root, $0.snapshot, $0.timestamp, $0.targets[0]]) },
        Attack("one key that signs twice", ofTargets) { vendor in
            try replaceTargets(vendor, by: [vendor.targets[0]])
            let path = "metadata/2.targets.json"
            let file = try SignedFile(Array(try vendor.repository.folder.file(path)), name: path)
            try vendor.repository.write(
                SignedFile(signed: file.signed, signatures: file.signatures + file.signatures).bytes, to: path)
            try point(vendor, toTargets: 2, file: path)
        },
        Attack("a signature over something else", ofTargets) { vendor in
            try replaceTargets(vendor, by: [vendor.targets[0], vendor.targets[1]])
            let path = "metadata/2.targets.json"
            let signatures = try SignedFile(Array(try vendor.repository.folder.file(path)), name: path).signatures
            var targets = try vendor.read(TargetsMetadata.self)
            targets.targets = [:]
            try vendor.repository.write(SignedFile(signed: try targets.unsigned().signed, signatures: signatures).bytes, to: path)
            try point(vendor, toTargets: 2, file: path)
        },
        Attack("a signature that is none", ofTargets) { vendor in
            try replaceTargets(vendor, by: [vendor.targets[0]])
            let path = "metadata/2.targets.json"
            let file = try SignedFile(Array(try vendor.repository.folder.file(path)), name: path)
            let none = SignedFile.Signature(keyid: vendor.targets[1].publicKey.identifier, sig: "zz")
            try vendor.repository.write(SignedFile(signed: file.signed, signatures: file.signatures + [none]).bytes, to: path)
            try point(vendor, toTargets: 2, file: path)
        },
        Attack("expired releases", .expired("targets.json", Vendor.now)) { vendor in
            try replaceTargets(vendor, by: vendor.targets) { $0.expires = Vendor.now }
        },
        Attack("everything expired: an old answer is played again", .expired("root.json", Vendor.later), at: Vendor.later) { _ in },
        Attack("an expired timestamp", .expired("timestamp.json", Vendor.now)) { vendor in
            try timestamp(vendor) { $0.expires = Vendor.now }
        },
        Attack("an expired snapshot", .expired("snapshot.json", Vendor.now)) { vendor in
            var snapshot = try vendor.read(SnapshotMetadata.self)
            snapshot.version += 1
            snapshot.expires = Vendor.now
            try vendor.forge(snapshot, by: [vendor.snapshot], as: "metadata/\(snapshot.version).snapshot.json")
            try timestamp(vendor) { $0.meta["snapshot.json"] = FileReference(version: snapshot.version) }
        },
        Attack("a timestamp that is rolled back", .rolledBack("timestamp.json", from: 2, to: 1)) { vendor in
            var old = try vendor.read(TimestampMetadata.self)
            old.version = 1
            try vendor.forge(old, by: [vendor.timestamp], as: "metadata/timestamp.json")
        },
        Attack("a snapshot that is rolled back", .rolledBack("snapshot.json", from: 1, to: 0)) { vendor in
            try timestamp(vendor) { $0.meta["snapshot.json"] = FileReference(version: 0) }
        },
        Attack("releases that are rolled back", .rolledBack("targets.json", from: 1, to: 0)) { vendor in
            try point(vendor, toTargets: 0)
        },
        Attack("a list of releases that is left out", .notThere("targets.json")) { vendor in
            var snapshot = try vendor.read(SnapshotMetadata.self)
            snapshot.version += 1
            snapshot.meta = ["others.json": FileReference(version: 9)]
            try vendor.forge(snapshot, by: [vendor.snapshot], as: "metadata/\(snapshot.version).snapshot.json")
            try timestamp(vendor) { $0.meta["snapshot.json"] = FileReference(version: snapshot.version) }
        },
        Attack("a timestamp that names no snapshot", .unreadable("timestamp.json")) { vendor in
            try timestamp(vendor) { $0.meta = [:] }
        },
        Attack("a timestamp signed by the key of snapshots", .signatures("timestamp.json")) { vendor in
            try timestamp(vendor, by: [vendor.snapshot]) { _ in }
        },
        Attack("a snapshot signed by the key of timestamps", .signatures("snapshot.json")) { vendor in
            var snapshot = try vendor.read(SnapshotMetadata.self)
            snapshot.version += 1
            try vendor.forge(snapshot, by: [vendor.timestamp], as: "metadata/\(snapshot.version).snapshot.json")
            try timestamp(vendor) { $0.meta["snapshot.json"] = FileReference(version: snapshot.version) }
        },
        Attack("mixed and matched: another version than the snapshot names", .version("targets.json", expected: 3, found: 1)) { vendor in
            try vendor.repository.write(Array(try vendor.repository.folder.file("metadata/1.targets.json")), to: "metadata/3.targets.json")
            try point(vendor, toTargets: 3)
        },
        Attack("mixed and matched: another file than the snapshot's digest", .altered("targets.json")) { vendor in
            try replaceTargets(vendor, by: vendor.targets)
            var targets = try vendor.read(TargetsMetadata.self)
            targets.targets = [:]
            try vendor.forge(targets, by: vendor.targets, as: "metadata/2.targets.json")
        },
        Attack("a digest of a kind that cannot be checked", .altered("targets.json")) { vendor in
            try replaceTargets(vendor, by: vendor.targets)
            var snapshot = try vendor.read(SnapshotMetadata.self)
            snapshot.version += 1
            snapshot.meta["targets.json"] = FileReference(version: 2, hashes: ["md5": "0"])
            try vendor.forge(snapshot, by: [vendor.snapshot], as: "metadata/\(snapshot.version).snapshot.json")
            try timestamp(vendor) { $0.meta["snapshot.json"] = FileReference(version: snapshot.version) }
        },
        Attack("a snapshot in place of the list of releases", ofTargets) { vendor in
            var snapshot = try vendor.read(SnapshotMetadata.self)
            snapshot.version = 2
            try vendor.forge(snapshot, by: [vendor.snapshot], as: "metadata/2.targets.json")
            try point(vendor, toTargets: 2)
        },
        Attack("one role's file for another, with all signatures", .unreadable("targets.json")) { vendor in
            var snapshot = try vendor.read(SnapshotMetadata.self)
            snapshot.version = 2
            try vendor.forge(snapshot, by: vendor.targets, as: "metadata/2.targets.json")
            try point(vendor, toTargets: 2)
        },
        Attack("a root that the old keys did not sign", .signatures("root.json")) { vendor in
            let own = SigningKey()
            try nextRoot(vendor, by: [own]) { root in
                root.keys[own.publicKey.identifier] = own.publicKey
                root.roles["root"] = .init(keyids: [own.publicKey.identifier], threshold: 1)
            }
        },
        Attack("a root that its own keys did not sign", .signatures("root.json")) { vendor in
            let own = SigningKey()
            try nextRoot(vendor, by: [vendor.root]) { root in
                root.keys[own.publicKey.identifier] = own.publicKey
                root.roles["root"] = .init(keyids: [own.publicKey.identifier], threshold: 1)
            }
        },
        Attack("a root that is skipped", .version("root.json", expected: 2, found: 3)) { vendor in
            try nextRoot(vendor, by: [vendor.root], as: 3) { _ in }
        },
        Attack("the same root again", .version("root.json", expected: 2, found: 1)) { vendor in
            try nextRoot(vendor, by: [vendor.root], as: 1) { _ in }
        },
        Attack("a root with a threshold of none", .signatures("timestamp.json")) { vendor in
            try nextRoot(vendor, by: [vendor.root]) { $0.roles["timestamp"]?.threshold = 0 }
            try timestamp(vendor, by: []) { _ in }
        },
        Attack("a root with a role that nobody has", .signatures("timestamp.json")) { vendor in
            try nextRoot(vendor, by: [vendor.root]) { $0.roles["timestamp"] = nil }
        },
        Attack("one key under two names", ofTargets) { vendor in
            try nextRoot(vendor, by: [vendor.root]) { root in
                root.keys["another name"] = vendor.targets[0].publicKey
                root.roles["targets"] = .init(keyids: [vendor.targets[0].publicKey.identifier, "another name"], threshold: 2)
            }
            try replaceTargets(vendor, by: [vendor.targets[0]])
            let path = "metadata/2.targets.json"
            let file = try SignedFile(Array(try vendor.repository.folder.file(path)), name: path)
            let again = SignedFile.Signature(keyid: "another name", sig: file.signatures[0].sig)
            try vendor.repository.write(SignedFile(signed: file.signed, signatures: file.signatures + [again]).bytes, to: path)
            try point(vendor, toTargets: 2, file: path)
        },
        Attack("a key that was taken back", .signatures("timestamp.json")) { vendor in
            let fresh = SigningKey()
            try nextRoot(vendor, by: [vendor.root]) { root in
                root.keys[fresh.publicKey.identifier] = fresh.publicKey
                root.roles["timestamp"] = .init(keyids: [fresh.publicKey.identifier], threshold: 1)
            }
        },
        Attack("endless data", .tooLarge("metadata/timestamp.json")) { vendor in
            try vendor.repository.write([UInt8](repeating: 0x20, count: 32 << 20), to: "metadata/timestamp.json")
        },
        Attack("more data than was signed for", .tooLarge("metadata/2.targets.json")) { vendor in
            try replaceTargets(vendor, by: vendor.targets)
            let path = "metadata/2.targets.json"
            try vendor.repository.write(Array(try vendor.repository.folder.file(path)) + [0x20], to: path)
        },
        Attack("nothing at all", .notThere("metadata/timestamp.json")) { vendor in
            try FileManager.default.removeItem(at: vendor.repository.folder)
        },
        Attack("a link to a secret", .notThere("metadata/timestamp.json")) { vendor in
            let place = vendor.repository.folder.appending(path: "metadata/timestamp.json").path
            try FileManager.default.removeItem(atPath: place)
            try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: "/etc/hostname")
        },
        Attack("metadata of a later specification", .unreadable("timestamp.json")) { vendor in
            try timestamp(vendor) { $0.specification = "2.0.0" }
        },
        Attack("a thousand brackets", .unreadable("timestamp.json")) { vendor in
            try vendor.repository.write([UInt8](repeating: UInt8(ascii: "["), count: 16 << 10), to: "metadata/timestamp.json")
        },
    ]

    @Test(arguments: attacks) func isRefused(attack: Attack) async throws {
        let vendor = try Vendor()
        let honest = try await vendor.refresh()
        try attack.attack(vendor)
        await #expect(throws: attack.refusal) { try await vendor.refresh(at: attack.now) }
        #expect(honest.map(\.path) == ["gatehouse/arm64/1.0.0.json"])
    }

    /// A box that has seen nothing but its root is fooled only by what is about what was before: that it cannot know.
    @Test(arguments: attacks) func isRefusedByANewBox(attack: Attack) async throws {
        let vendor = try Vendor()
        try attack.attack(vendor)
        if case .rolledBack = attack.refusal { return }
        await #expect(throws: ReleaseRefusal.self) { try await vendor.refresh(at: attack.now) }
    }

    /// What this box does not understand, and what may not be, is not offered to it; the rest is.
    @Test func whatIsNotUnderstoodIsLeftOut() async throws {
        let vendor = try Vendor()
        try Self.replaceTargets(vendor, by: vendor.targets) { targets in
            let honest = targets.targets["gatehouse/arm64/1.0.0.json"]
            targets.targets["../../etc/passwd"] = honest
            targets.targets["without/digest.json"] = honest
            targets.targets["without/digest.json"]?.hashes = [:]
            targets.targets["below/nothing.json"] = honest
            targets.targets["below/nothing.json"]?.length = -1
            targets.targets["of/another/kind.json"] = honest
            targets.targets["of/another/kind.json"]?.custom = .object(["channel": .text("beta"), "version": .text("2.0.0")])
            targets.targets["of/no/kind.json"] = honest
            targets.targets["of/no/kind.json"]?.custom = nil
        }
        #expect(try await vendor.refresh().map(\.path) == ["gatehouse/arm64/1.0.0.json"])
    }

    /// Who had the key of snapshots signed a version that nobody will come to again. When the key is replaced, boxes go on.
    @Test func aStolenKeyHarmsNoLongerThanItCounts() async throws {
        let vendor = try Vendor()
        var snapshot = try vendor.read(SnapshotMetadata.self)
        let honest = snapshot.version
        snapshot.version = 1_000_000_000
        try vendor.forge(snapshot, by: [vendor.snapshot], as: "metadata/1000000000.snapshot.json")
        try Self.timestamp(vendor) { $0.meta["snapshot.json"] = FileReference(version: 1_000_000_000) }
        _ = try await vendor.refresh()
        try FileManager.default.removeItem(at: vendor.repository.folder.appending(path: "metadata/1000000000.snapshot.json"))
        #expect(try vendor.read(SnapshotMetadata.self).version == honest)
        let fresh = SigningKey()
        try vendor.repository.stageRoot([.snapshot: .init([fresh.publicKey], threshold: nil)], expires: Vendor.later)
        try vendor.publish(with: [fresh, vendor.timestamp])
        #expect(try await vendor.refresh().count == 1)
    }

    /// A refusal leaves what was trusted as it was: the honest vendor is believed afterwards.
    @Test func afterARefusalTheHonestAreBelieved() async throws {
        let vendor = try Vendor()
        _ = try await vendor.refresh()
        let path = "metadata/timestamp.json"
        let honest = Array(try vendor.repository.folder.file(path))
        try Self.timestamp(vendor, by: [SigningKey()]) { $0.version = 1000 }
        await #expect(throws: ReleaseRefusal.self) { try await vendor.refresh() }
        try vendor.repository.write(honest, to: path)
        #expect(try await vendor.refresh().count == 1)
    }

    /// Whatever byte of what is signed is another, nothing else is believed for it: the file is refused, or says what it said.
    @Test(arguments: ["1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]) func noByteCanBeAnother(name: String)
        async throws
    {
        let vendor = try Vendor()
        let honest = try await vendor.refresh()
        let bytes = Array(try vendor.repository.folder.file("metadata/\(name)"))
        let path: [(MetadataRole, String)] = [(.timestamp, "timestamp.json"), (.snapshot, "1.snapshot.json"), (.targets, "1.targets.json")]
        let before = try name == "1.root.json" ? nil : trusted(vendor, path.prefix { $0.1 != name })
        let after = path.drop { $0.1 != name && before != nil }
        let roles = try vendor.read(RootMetadata.self).roles
        for at in bytes.indices {
            // All tests share as many threads as there are cores, and some wait for a moment to come.
            await Task.yield()
            var changed = bytes
            changed[at] ^= at.isMultiple(of: 2) ? 0x01 : 0x20
            var trusted = before ?? (try? TrustedMetadata(root: changed, at: Vendor.now))
            for (role, file) in after {
                try trusted?.take(file == name ? changed : Array(vendor.repository.folder.file("metadata/\(file)")), as: role)
            }
            guard let found = trusted?.targets else { continue }
            #expect(try found.targets.sorted { $0.key < $1.key }.map { try ListedRelease($0.key, $0.value) } == honest, "byte \(at)")
            #expect(trusted?.root.roles == roles, "byte \(at)")
        }
    }

    /// What a box trusts when it has taken these.
    private func trusted(_ vendor: Vendor, _ files: some Sequence<(MetadataRole, String)>) throws -> TrustedMetadata {
        var trusted = try TrustedMetadata(root: Array(vendor.repository.folder.file("metadata/1.root.json")), at: Vendor.now)
        for (role, file) in files { trusted.take(Array(try vendor.repository.folder.file("metadata/\(file)")), as: role) }
        return trusted
    }

    @Test func keysCanBeReplaced() async throws {
        let vendor = try Vendor()
        _ = try await vendor.refresh()
        let fresh = SigningKey()
        try vendor.repository.stageRoot([.timestamp: .init([fresh.publicKey], threshold: 1)], expires: Vendor.later)
        try vendor.publish(with: [vendor.snapshot, fresh])
        #expect(try await vendor.refresh().count == 1)
        let trusted = try TrustedMetadata(root: Array(try vendor.trusted.file("root.json")), at: Vendor.now)
        #expect(trusted.root.version == 2)
    }
}

extension TrustedMetadata {
    /// Takes a file, if it can be taken.
    fileprivate mutating func take(_ bytes: [UInt8], as role: MetadataRole) {
        switch role {
        case .root: try? take(root: bytes)
        case .timestamp: try? take(timestamp: bytes)
        case .snapshot: try? take(snapshot: bytes)
        case .targets: try? take(targets: bytes)
        }
    }
}
