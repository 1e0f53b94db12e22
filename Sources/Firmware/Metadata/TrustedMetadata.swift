import Foundation

/// What was verified so far, in the order in which one thing lets the next be verified (The Update Framework 1.0.34, section 5.3 to 5.6).
///
/// What is only there to be compared with may have expired; what counts may not.
struct TrustedMetadata: Sendable {
    private(set) var root: RootMetadata
    private(set) var timestamp: TimestampMetadata?
    private(set) var snapshot: SnapshotMetadata?
    private(set) var targets: TargetsMetadata?
    /// Expiry is judged by one time from beginning to end.
    let now: Date

    /// - Parameter root: What the box trusts from before; its expiry does not matter, for it only verifies the next.
    init(root bytes: [UInt8], at now: Date) throws(ReleaseRefusal) {
        let file = try SignedFile(bytes, name: "root.json")
        root = try RootMetadata(file)
        self.now = now
        try root.verify(file, as: .root)
    }

    /// The next root: signed by the keys of the one before and by its own.
    mutating func take(root bytes: [UInt8]) throws(ReleaseRefusal) {
        let file = try SignedFile(bytes, name: "root.json")
        let next = try RootMetadata(file)
        try root.verify(file, as: .root)
        guard next.version == root.version + 1 else {
            throw .version("root.json", expected: root.version + 1, found: next.version)
        }
        try next.verify(file, as: .root)
        root = next
    }

    /// The same version again is no news; an expired one is kept to compare with, and refused.
    mutating func take(timestamp bytes: [UInt8]) throws(ReleaseRefusal) {
        try root.checkExpiry(at: now)
        let file = try SignedFile(bytes, name: "timestamp.json")
        try root.verify(file, as: .timestamp)
        let next = try TimestampMetadata(file)
        guard let offered = next.snapshot else { throw .unreadable("timestamp.json") }
        if let timestamp, let known = timestamp.snapshot {
            guard next.version >= timestamp.version else {
                throw .rolledBack("timestamp.json", from: timestamp.version, to: next.version)
            }
            guard offered.version >= known.version else { throw .rolledBack("snapshot.json", from: known.version, to: offered.version) }
        }
        if timestamp?.version != next.version { timestamp = next }
        try checkTimestamp()
    }

    /// - Parameter wasTrusted: It is the one of before, whose digest a newer timestamp no longer names.
    mutating func take(snapshot bytes: [UInt8], wasTrusted: Bool = false) throws(ReleaseRefusal) {
        let reference = try checkTimestamp()
        if !wasTrusted { try reference.verify(bytes, name: "snapshot.json") }
        let file = try SignedFile(bytes, name: "snapshot.json")
        try root.verify(file, as: .snapshot)
        let next = try SnapshotMetadata(file)
        for (name, known) in snapshot?.meta ?? [:] {
            guard let offered = next.meta[name] else { throw .notThere(name) }
            guard offered.version >= known.version else { throw .rolledBack(name, from: known.version, to: offered.version) }
        }
        snapshot = next
        try checkSnapshot()
    }

    mutating func take(targets bytes: [UInt8]) throws(ReleaseRefusal) {
        let reference = try checkSnapshot()
        try reference.verify(bytes, name: "targets.json")
        let file = try SignedFile(bytes, name: "targets.json")
        try root.verify(file, as: .targets)
        let next = try TargetsMetadata(file)
        guard next.version == reference.version else {
            throw .version("targets.json", expected: reference.version, found: next.version)
        }
        try next.checkExpiry(at: now)
        targets = next
    }

    @discardableResult
    private func checkTimestamp() throws(ReleaseRefusal) -> FileReference {
        guard let timestamp, let reference = timestamp.snapshot else { throw .notThere("timestamp.json") }
        try timestamp.checkExpiry(at: now)
        return reference
    }

    @discardableResult
    private func checkSnapshot() throws(ReleaseRefusal) -> FileReference {
        guard let snapshot else { throw .notThere("snapshot.json") }
        try snapshot.checkExpiry(at: now)
        let due = try checkTimestamp()
        guard snapshot.version == due.version else {
            throw .version("snapshot.json", expected: due.version, found: snapshot.version)
        }
        guard let reference = snapshot.targets else { throw .notThere("targets.json") }
        return reference
    }
}
