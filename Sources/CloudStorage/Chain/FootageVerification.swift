public import Core
import Crypto
public import Foundation

/// What a look through a box's footage in a store found.
public struct FootageFindings: Sendable, Equatable, Codable {
    /// Something is not as the box said.
    public struct Finding: Sendable, Equatable, Codable {
        public enum Kind: String, Sendable, Codable {
            /// Gone, though its retention has not ended.
            case missing
            /// Not what was stored.
            case changed
            /// Of no link of a chain.
            case foreign
            /// A document of the chain is not as it was signed.
            case unsigned
            /// The chain has a break: links are missing, in another order, or of another chain.
            case broken
            /// The box has told nothing for long: it is off, cut off, or the store was set back.
            case stale
            /// The chain is shorter than the last checkpoint says, or there is none.
            case cut
        }

        public let kind: Kind
        public let key: String
        public let sentence: String
    }

    public var box: String
    public var publicKey = ""
    public var channels = 0
    /// Links looked at.
    public var links = 0
    public var clips = 0
    public var objects = 0
    public var bytes = 0
    /// Seconds of the footage that was compared.
    public var seconds = 0.0
    /// Clips that are rightly gone.
    public var expired = 0
    /// Clips that were given up, by the chain's word.
    public var dropped = 0
    /// Objects newer than the last checkpoint, of which the chain says nothing yet.
    public var pending = 0
    public var checkpoint: Date?
    public var findings: [Finding] = []

    init(box: String) {
        self.box = box
    }

    /// What it comes to, in a sentence; it says no more than was compared.
    public var verdict: String {
        if !findings.isEmpty { return "\(findings.count) findings" }
        if pending == 0 { return "Everything is as the box stored it." }
        return "What the record tells of is as the box stored it. \(pending) newer objects are not in it yet and were not judged."
    }

    mutating func note(_ kind: Finding.Kind, _ key: String, _ sentence: String) {
        findings.append(Finding(kind: kind, key: key, sentence: sentence))
    }
}

/// Compares a box's footage in a store with its chains: every object, every link, every signature.
public struct FootageVerification: Sendable {
    private let store: PatientStore
    private let time: TimeSource
    private let isRunning: Bool
    /// Objects that are read at a time.
    private static let atOnce = 4

    /// `isRunning`: the box should be at work, so that an old checkpoint is a finding.
    public init(store: any ObjectStore, isRunning: Bool = true, time: TimeSource) {
        self.store = PatientStore(store, time: time)
        self.isRunning = isRunning
        self.time = time
    }

    /// The boxes that have footage in the store.
    public func boxes() async throws -> [String] {
        var (known, filled): (Set<String>, Set<String>) = ([], [])
        for object in try await store.list("") {
            guard let box = object.key.split(separator: "/").first.map(String.init) else { continue }
            known.insert(box)
            // A box that has just been set up has introduced itself, and no more.
            if object.key != ChainKeys.box(box), object.key != ChainKeys.checkpoint(box) { filled.insert(box) }
        }
        return (filled.isEmpty ? known : filled).sorted()
    }

    /// Looks through all of a box's footage. `publicKey`, base64, is the key that the box is known by; without it the one that lies in the store
    /// is believed, which whoever changes everything could change too. `progress` is told objects done and all.
    /// - Throws: `StoreError` where the store cannot be read.
    public func run(box: String, publicKey: String?, progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }) async throws
        -> FootageFindings
    {
        var findings = FootageFindings(box: box)
        let listed = try await store.list(box + "/").reduce(into: [String: ListedObject]()) { $0[$1.key] = $1 }
        guard let key = try await signer(box, listed, expected: publicKey, &findings) else { return findings }
        let checkpoint = try await checkpoint(box, listed, key, &findings)
        findings.checkpoint = checkpoint?.time
        let chains = try await ChainReader(store: store, box: box, key: key).read(listed.values.sorted { $0.key < $1.key }, &findings)
        chains.compare(with: checkpoint, &findings)
        let entries = chains.entries
        findings.channels = Set(chains.chains.keys.map(\.channel)).count
        findings.links = entries.count
        try await compare(entries, listed, &findings, progress)
        strangers(box, listed, entries, checkpoint, &findings)
        findings.findings.sort { ($0.key, $0.sentence) < ($1.key, $1.sentence) }
        return findings
    }

    // MARK: Who signs

    private func signer(_ box: String, _ listed: [String: ListedObject], expected: String?, _ findings: inout FootageFindings) async throws
        -> Curve25519.Signing.PublicKey?
    {
        let name = ChainKeys.box(box)
        guard let object = listed[name] else {
            findings.note(.missing, name, "The box's own document is missing, so nothing can be believed.")
            return nil
        }
        let data = try await store.again { try await store.data(object) }
        guard let document = try? GatehouseJSON.decoder.decode(BoxDocument.self, from: data),
            (try? GatehouseJSON.encoder.encode(document)) == data, document.box == box, document.schema == 1,
            let bytes = Data(base64Encoded: document.publicKey), let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        else {
            findings.note(.changed, name, "The box's own document is damaged, so nothing can be believed.")
            return nil
        }
        findings.publicKey = document.publicKey
        guard expected == nil || expected == document.publicKey else {
            findings.note(.unsigned, name, "The key in the storage is not the box's: everything there may be another's.")
            return nil
        }
        return key
    }

    private func checkpoint(
        _ box: String, _ listed: [String: ListedObject], _ key: Curve25519.Signing.PublicKey, _ findings: inout FootageFindings
    ) async throws -> CheckpointDocument? {
        let name = ChainKeys.checkpoint(box)
        guard let object = listed[name] else {
            findings.note(.cut, name, "The checkpoint is missing: links cut off a chain's end would not be missed.")
            return nil
        }
        do {
            let document = try SignedDocument<CheckpointDocument>.read(
                try await store.again { try await store.data(object) }, signedBy: key)
            guard document.box == box else { throw ChainFault.notSigned }
            let age = time.now().timeIntervalSince(document.time)
            if isRunning, age > Double(max(0, document.every)) * 3 + 600 {
                findings.note(
                    .stale, name,
                    "The last checkpoint is \(Int(age / 60)) minutes old. The box has been off or without its line since, or the storage was set back to then."
                )
            }
            return document
        } catch is ChainFault {
            findings.note(.unsigned, name, "The checkpoint is not as the box signed it.")
            return nil
        }
    }

    // MARK: Footage

    private func compare(
        _ entries: [ChainEntry], _ listed: [String: ListedObject], _ findings: inout FootageFindings,
        _ progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws {
        var wanted: [ChainEntry.Object] = []
        for entry in entries {
            let there = entry.objects.filter { listed[$0.key] != nil }
            if entry.kind == .dropped {
                findings.dropped += 1
            } else if let expires = entry.expiresAt, expires <= time.now() {
                // What is left of it must still be what it was.
                if there.isEmpty { findings.expired += 1 }
            } else {
                for object in entry.objects where listed[object.key] == nil {
                    findings.note(.missing, object.key, "The object is gone, and its retention has not ended.")
                }
            }
            if !there.isEmpty, entry.kind == .stored {
                findings.clips += 1
                findings.seconds += entry.duration
            }
            wanted += there
        }
        findings.objects = wanted.count
        for (object, digest) in try await digests(of: wanted, listed, progress) {
            guard let digest else {
                findings.note(.missing, object.key, "The object went while it was looked at.")
                continue
            }
            findings.bytes += digest.bytes
            guard digest.sha256 != object.sha256 || digest.bytes != object.bytes else { continue }
            findings.note(
                .changed, object.key,
                digest.bytes == object.bytes
                    ? "The object is not what the box stored." : "The object has \(digest.bytes) bytes in place of \(object.bytes).")
        }
    }

    private typealias Digest = (bytes: Int, sha256: String)

    private func digests(
        of objects: [ChainEntry.Object], _ listed: [String: ListedObject], _ progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws -> [(ChainEntry.Object, Digest?)] {
        try await withThrowingTaskGroup(of: (ChainEntry.Object, Digest?).self) { group in
            var waiting = objects.makeIterator()
            func add() {
                guard let object = waiting.next(), let found = listed[object.key] else { return }
                group.addTask { (object, try await digest(of: found)) }
            }
            for _ in 0..<Self.atOnce { add() }
            var done: [(ChainEntry.Object, Digest?)] = []
            while let result = try await group.next() {
                done.append(result)
                progress(done.count, objects.count)
                add()
            }
            return done
        }
    }

    /// Nil where the object is not there any more.
    private func digest(of object: ListedObject) async throws -> Digest? {
        do {
            return try await store.again { try await store.digest(object.key, bytes: object.bytes) }
        } catch let error as StoreError {
            guard try await store.head(object.key) == nil else { throw error }
            return nil
        }
    }

    // MARK: What no link names

    private func strangers(
        _ box: String, _ listed: [String: ListedObject], _ entries: [ChainEntry], _ checkpoint: CheckpointDocument?,
        _ findings: inout FootageFindings
    ) {
        let known = Set(entries.lazy.flatMap(\.objects).map(\.key))
        let own = [ChainKeys.box(box), ChainKeys.checkpoint(box)]
        for object in listed.values {
            let isTrial = object.key.hasPrefix("\(box)/trial/")
            guard !known.contains(object.key), !own.contains(object.key), !isTrial, !object.key.hasPrefix(ChainKeys.folder(box)) else {
                continue
            }
            if let checkpoint, object.modified > checkpoint.time.addingTimeInterval(-60) {
                findings.pending += 1
            } else {
                findings.note(.foreign, object.key, "The object is of no clip that the box stored.")
            }
        }
    }
}
