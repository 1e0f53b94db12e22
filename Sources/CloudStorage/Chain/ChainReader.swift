import Core
import Crypto
import Foundation

/// Reads a box's chains from a store, and finds where they are not whole.
struct ChainReader {
    /// One chain of one channel.
    struct Name: Hashable {
        let channel: ChannelID
        let chain: String
    }

    private static let mostBytes = 64 << 20

    let store: PatientStore
    let box: String
    let key: Curve25519.Signing.PublicKey

    /// Reads the chain's objects among `objects`.
    func read(_ objects: [ListedObject], _ findings: inout FootageFindings) async throws -> Chains {
        var chains = Chains()
        for object in objects where object.key.hasPrefix(ChainKeys.folder(box)) {
            guard object.bytes <= Self.mostBytes else {
                findings.note(.broken, object.key, "The record is larger than the box writes any.")
                continue
            }
            let data = try await store.again { try await store.data(object, limit: Self.mostBytes) }
            do {
                let document = try SignedDocument<ChainDocument>.read(data, signedBy: key)
                guard document.box == box, isPlaced(document, object.key) else {
                    findings.note(.broken, object.key, "The record lies under another's key.")
                    continue
                }
                chains.add(document, from: object.key, &findings)
            } catch is ChainFault {
                findings.note(.unsigned, object.key, "The record is not as the box signed it.")
            }
        }
        chains.link(&findings)
        return chains
    }

    private func isPlaced(_ document: ChainDocument, _ name: String) -> Bool {
        guard let first = document.entries.first else { return false }
        return name == ChainKeys.index(box, document.channel, day: document.day, chain: document.chain, first: first.number)
            || name == ChainKeys.segment(box, document.channel, day: document.day, chain: document.chain, first: first.number)
    }
}

/// The chains that were read.
struct Chains {
    struct Link {
        let entry: ChainEntry
        let hash: String
        let key: String
    }

    private(set) var chains: [ChainReader.Name: [Int: Link]] = [:]

    /// All links that were read.
    var entries: [ChainEntry] { chains.values.flatMap { $0.values.map(\.entry) } }

    /// The end of each channel's newest chain.
    var heads: [CheckpointDocument.Head] {
        let ends = chains.compactMap { name, links in links.values.max { $0.entry.number < $1.entry.number }.map { (name, $0) } }
        let newest = Dictionary(ends.map { ($0.0.channel, $0) }) { $0.1.entry.time > $1.1.entry.time ? $0 : $1 }
        return newest.values.map { name, link in
            CheckpointDocument.Head(channel: name.channel, chain: name.chain, number: link.entry.number, hash: link.hash)
        }
    }

    /// The clips that were given up and not stored after all, oldest first, with their channels.
    var dropped: [(channel: ChannelID, entry: ChainEntry)] {
        let stored = Set(entries.lazy.filter { $0.kind == .stored }.map(\.clip))
        return chains.flatMap { name, links in
            links.values.filter { $0.entry.kind == .dropped && !stored.contains($0.entry.clip) }.map { (name.channel, $0.entry) }
        }
        .sorted { $0.1.startsAt < $1.1.startsAt }
    }

    mutating func add(_ document: ChainDocument, from key: String, _ findings: inout FootageFindings) {
        let name = ChainReader.Name(channel: document.channel, chain: document.chain)
        for entry in document.entries {
            guard let text = try? entry.text() else { continue }
            let link = Link(entry: entry, hash: ChainEntry.hash(text), key: key)
            if let other = chains[name]?[entry.number], other.hash != link.hash {
                findings.note(.broken, key, "Link \(entry.number) is told twice, and not alike.")
            }
            chains[name, default: [:]][entry.number] = link
        }
    }

    /// Looks whether each link follows the one before.
    func link(_ findings: inout FootageFindings) {
        for (name, links) in chains {
            var (number, previous) = (0, "")
            for link in links.values.sorted(by: { $0.entry.number < $1.entry.number }) {
                if link.entry.number != number + 1 {
                    findings.note(
                        .broken, link.key, "Links \(number + 1) to \(link.entry.number - 1) of the chain \(name.chain) are missing.")
                } else if link.entry.previous != previous {
                    findings.note(.broken, link.key, "Link \(link.entry.number) does not follow the one before.")
                }
                (number, previous) = (link.entry.number, link.hash)
            }
        }
    }

    /// Looks whether each chain is as long as the box last said.
    func compare(with checkpoint: CheckpointDocument?, _ findings: inout FootageFindings) {
        for head in checkpoint?.heads ?? [] {
            let links = chains[ChainReader.Name(channel: head.channel, chain: head.chain)] ?? [:]
            guard let link = links[head.number], link.hash == head.hash else {
                let last = links.keys.max() ?? 0
                findings.note(
                    .cut, "\(checkpoint?.box ?? "")/chain/\(head.channel)/",
                    last < head.number
                        ? "The chain \(head.chain) ends with link \(last); the box had told of \(head.number)."
                        : "Link \(head.number) of the chain \(head.chain) is not the one that the box told of.")
                continue
            }
        }
    }
}
