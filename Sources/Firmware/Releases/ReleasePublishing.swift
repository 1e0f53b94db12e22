public import Foundation

/// What can be done with a repository: in the order of a release's life.
extension ReleaseRepository {
    /// Which keys a role has, and how many of them must sign; what is nil stays as it is.
    public struct RoleKeys: Sendable {
        public var keys: [MetadataKey]?
        public var threshold: Int?

        public init(_ keys: [MetadataKey]?, threshold: Int?) {
            self.keys = keys
            self.threshold = threshold
        }
    }

    /// What still waits.
    public struct Pending: Sendable, Equatable {
        public let file: String
        /// So many keys must sign it still.
        public let missing: Int
    }

    /// Why something cannot be done yet.
    public enum Obstacle: Error, Equatable, CustomStringConvertible {
        case noRoot
        case threshold(String)
        case waits([String])
        case foreignKey
        case nothing
        case expires(String)
        case isPublished(String)

        public var description: String {
            switch self {
            case .noRoot: "There is no root yet. Begin with `gatehouse release root`."
            case .threshold(let role): "More keys would have to sign for \(role) than there are; or none."
            case .waits(let files): "These wait for signatures: \(files.joined(separator: ", ")). Sign them with `gatehouse release sign`."
            case .foreignKey: "This key may sign nothing that waits."
            case .expires(let file): "\(file) expires before the timestamp would. Stage and sign it anew, or bring its key."
            case .isPublished(let path):
                "\(path) is published, and is never replaced. Make another version, or offer it otherwise with `gatehouse release offer`."
            case .nothing: "There is nothing to publish yet. Add a release with `gatehouse release build`."
            }
        }
    }

    /// Stages a root with these keys: the first, or the next. A role that is left out keeps the keys that it has.
    public func stageRoot(_ roles: [MetadataRole: RoleKeys], expires: Date) throws {
        let before = try published(RootMetadata.self)?.metadata
        var root = before ?? RootMetadata(version: 0, expires: expires, keys: [:], roles: [:])
        root.version += 1
        root.expires = expires
        for (role, wanted) in roles {
            for key in wanted.keys ?? [] { root.keys[key.identifier] = key }
            let known = root.roles[role.rawValue]
            guard let keyids = wanted.keys?.map(\.identifier).sorted() ?? known?.keyids else { throw Obstacle.threshold(role.rawValue) }
            root.roles[role.rawValue] = .init(keyids: keyids, threshold: wanted.threshold ?? known?.threshold ?? 1)
        }
        for role in MetadataRole.allCases {
            let keys = root.keys(of: role)
            guard (1...max(1, Set(keys.keyids).count)).contains(keys.threshold), !keys.keyids.isEmpty else {
                throw Obstacle.threshold(role.rawValue)
            }
        }
        let used = Set(root.roles.values.flatMap(\.keyids))
        root.keys = root.keys.filter { used.contains($0.key) }
        try stage(root)
        // What the keys of before signed must be signed anew where they do not count any more.
        if let targets = try published(TargetsMetadata.self), try waiting(TargetsMetadata.self) == nil,
            root.missing(from: targets.file, as: .targets) > 0
        {
            try stage(try nextTargets(targets.metadata.expires))
        }
    }

    /// Adds a release to what is staged; its pieces and its manifest are written.
    ///
    /// - Returns: The path of its manifest.
    @discardableResult
    public func add(_ files: URL, _ description: ReleaseBuilder.Description, expires: Date) throws -> String {
        let manifest = try ReleaseBuilder(repository: folder).manifest(of: files, description)
        let bytes = try manifest.bytes
        let offer = description.offer
        let path = "\(offer.model)/\(offer.architecture)/\(offer.version).json"
        guard try published(TargetsMetadata.self)?.metadata.targets[path] == nil else { throw Obstacle.isPublished(path) }
        let target = try TargetsMetadata.Target(bytes, custom: offer)
        try write(bytes, to: try ListedRelease(path, target).file.place)
        try stageTargets(expires: expires) { $0.targets[path] = target }
        return path
    }

    /// A release as it is listed: in what waits, or else in what is published.
    /// - Throws: `ReleaseRefusal.notThere`.
    public func listed(_ path: String) throws -> ListedRelease {
        let targets = try waiting(TargetsMetadata.self)?.metadata ?? published(TargetsMetadata.self)?.metadata
        guard let target = targets?.targets[path] else { throw ReleaseRefusal.notThere(path) }
        return try ListedRelease(path, target)
    }

    /// Offers a release otherwise: to more boxes, to others, or no longer.
    public func change(_ path: String, expires: Date, _ change: (inout ReleaseOffer) -> Void) throws {
        try stageTargets(expires: expires) { targets in
            guard let before = targets.targets[path], var offer = before.offer else { throw ReleaseRefusal.notThere(path) }
            change(&offer)
            let after = TargetsMetadata.Target(
                length: before.length, hashes: before.hashes, custom: try TargetsMetadata.Target([], custom: offer).custom)
            _ = try ListedRelease(path, after)
            targets.targets[path] = after
        }
    }

    func stageTargets(expires: Date, _ change: (inout TargetsMetadata) throws -> Void) throws {
        var targets = try nextTargets(expires)
        try change(&targets)
        try stage(targets)
    }

    /// What is staged, or what is published as the next version.
    private func nextTargets(_ expires: Date) throws -> TargetsMetadata {
        var targets: TargetsMetadata
        if let waiting = try waiting(TargetsMetadata.self) {
            targets = waiting.metadata
        } else {
            targets = try published(TargetsMetadata.self)?.metadata ?? TargetsMetadata(version: 0, expires: expires, targets: [:])
            targets.version += 1
        }
        targets.expires = expires
        return targets
    }

    /// Signs whatever waits with the keys that may.
    ///
    /// - Returns: What waits still.
    /// - Throws: `Obstacle.foreignKey` for a key that may sign nothing of it.
    public func sign(with keys: [SigningKey]) throws -> [Pending] {
        let (root, before) = (try waiting(RootMetadata.self), try published(RootMetadata.self)?.metadata)
        for key in keys {
            let identifier = key.publicKey.identifier
            var signed = false
            let mayRoot = [root?.metadata, before].compactMap { $0?.keys(of: .root).keyids }.contains { $0.contains(identifier) }
            if mayRoot, var file = try waiting(RootMetadata.self)?.file {
                try file.sign(key.key)
                try stage(file, .root)
                signed = true
            }
            if (root?.metadata ?? before)?.keys(of: .targets).keyids.contains(identifier) == true,
                var file = try waiting(TargetsMetadata.self)?.file
            {
                try file.sign(key.key)
                try stage(file, .targets)
                signed = true
            }
            guard signed else { throw Obstacle.foreignKey }
        }
        return try pending()
    }

    /// What waits for signatures.
    public func pending() throws -> [Pending] {
        let (root, before) = (try waiting(RootMetadata.self), try published(RootMetadata.self)?.metadata)
        var pending: [Pending] = []
        if let root {
            let missing = max(root.metadata.missing(from: root.file, as: .root), before?.missing(from: root.file, as: .root) ?? 0)
            pending.append(Pending(file: "root.json", missing: missing))
        }
        if let targets = try waiting(TargetsMetadata.self), let keys = root?.metadata ?? before {
            pending.append(Pending(file: "targets.json", missing: keys.missing(from: targets.file, as: .targets)))
        }
        return pending
    }

    /// How long what is published is good.
    public struct Expiry: Sendable {
        public var snapshot: Date
        public var timestamp: Date

        public init(snapshot: Date, timestamp: Date) {
            self.snapshot = snapshot
            self.timestamp = timestamp
        }
    }

    /// Publishes what is staged and signed; with nothing staged, the timestamp anew. The timestamp goes last: until then boxes see the releases
    /// that were. Where it ends in between, it can be done again.
    ///
    /// - Parameter keys: Those of snapshot and timestamp, which are at hand where is published.
    /// - Throws: `Obstacle` for what cannot be published yet; nothing is, then.
    public func publish(with keys: [SigningKey], _ expiry: Expiry) throws {
        let waits = try pending().filter { $0.missing > 0 }.map(\.file)
        guard waits.isEmpty else { throw Obstacle.waits(waits) }
        guard let root = try waiting(RootMetadata.self) ?? published(RootMetadata.self) else { throw Obstacle.noRoot }
        guard let targets = try waiting(TargetsMetadata.self) ?? published(TargetsMetadata.self) else { throw Obstacle.nothing }
        try root.metadata.verify(targets.file, as: .targets)
        let snapshot = try nextSnapshot(targets.metadata.version, targets.file, root.metadata, keys, expires: expiry.snapshot)
        for (name, expires) in [
            ("root.json", root.metadata.expires), ("targets.json", targets.metadata.expires), ("snapshot.json", snapshot.expires),
        ] where expires < expiry.timestamp { throw Obstacle.expires(name) }
        let timestamp = TimestampMetadata(
            version: (try published(TimestampMetadata.self)?.metadata.version ?? 0) + 1, expires: expiry.timestamp,
            meta: ["snapshot.json": FileReference(snapshot.file, version: snapshot.version)])
        let newTimestamp = try signed(timestamp, root.metadata, keys)
        try publish(root.file, .root, version: root.metadata.version)
        try publish(targets.file, .targets, version: targets.metadata.version)
        try publish(snapshot.file, .snapshot, version: snapshot.version)
        try publish(newTimestamp, .timestamp, version: timestamp.version)
    }

    /// The next snapshot; the one that there is where it says the same and its key is not at hand: the timestamp is renewed without it.
    private func nextSnapshot(
        _ targetsVersion: Int, _ targets: SignedFile, _ root: RootMetadata, _ keys: [SigningKey], expires: Date
    ) throws -> (version: Int, expires: Date, file: SignedFile) {
        let known = try published(SnapshotMetadata.self)
        let mayBeSigned = keys.contains { root.keys(of: .snapshot).keyids.contains($0.publicKey.identifier) }
        if let known, known.metadata.targets == FileReference(targets, version: targetsVersion), !mayBeSigned,
            root.missing(from: known.file, as: .snapshot) == 0
        {
            return (known.metadata.version, known.metadata.expires, known.file)
        }
        let next = SnapshotMetadata(
            version: (known?.metadata.version ?? 0) + 1, expires: expires,
            meta: ["targets.json": FileReference(targets, version: targetsVersion)])
        return (next.version, expires, try signed(next, root, keys))
    }

    private func signed<Metadata: RoleMetadata>(_ metadata: Metadata, _ root: RootMetadata, _ keys: [SigningKey]) throws -> SignedFile {
        var file = try metadata.unsigned()
        for key in keys where root.keys(of: Metadata.role).keyids.contains(key.publicKey.identifier) { try file.sign(key.key) }
        try root.verify(file, as: Metadata.role)
        return file
    }
}
