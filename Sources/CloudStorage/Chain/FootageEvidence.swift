public import BoxDatabase
public import Core
import Foundation

/// Looks up what the box's signed record says of clips, for whoever takes footage away.
public struct FootageEvidence: Sendable {
    private struct Day: Hashable {
        let place: String
        let channel: ChannelID
        /// UTC, yyyy/MM/dd.
        let day: String
    }

    private let box: String
    private let publicKey: String
    private let stores: @Sendable (ClipRecord) -> [any ObjectStore]
    private let time: TimeSource

    /// `publicKey` is the box's own, base64; `stores` answers those that have a clip.
    public init(box: String, publicKey: String, stores: @escaping @Sendable (ClipRecord) -> [any ObjectStore], time: TimeSource) {
        self.box = box
        self.publicKey = publicKey
        self.stores = stores
        self.time = time
    }

    /// What speaks for each of `clips`; those without finished footage are left out.
    public func evidence(of clips: [ClipRecord]) async -> [ClipID: ClipEvidence] {
        var read: [Day: Result<Chains, StoreError>] = [:]
        var found: [ClipID: ClipEvidence] = [:]
        for clip in clips {
            guard let file = clip.manifest.clip else { continue }
            let key = clip.manifest.objectKey
            func unverified(_ sentence: String) -> ClipEvidence {
                ClipEvidence(objectKey: key, sha256: file.sha256, isVerified: false, sentence: sentence)
            }
            guard clip.state == .stored, let storedAt = clip.storedAt, let store = stores(clip).first else {
                found[clip.id] = unverified("The clip is not in the cloud storage yet, so it has no link in the signed record.")
                continue
            }
            let day = Day(place: store.identity, channel: clip.channelId, day: ChainKeys.day(storedAt))
            if read[day] == nil { read[day] = await links(of: day, in: store) }
            switch read[day] {
            case .success(let chains)?:
                found[clip.id] =
                    chains.evidence(of: clip, key: key, sha256: file.sha256)
                    ?? unverified("The signed record in the storage has no link for the clip yet; links follow within five minutes.")
            case .failure(let error)?: found[clip.id] = unverified("The signed record could not be read. \(error.sentence)")
            case nil: break
            }
        }
        return found
    }

    private func links(of day: Day, in store: any ObjectStore) async -> Result<Chains, StoreError> {
        guard let key = FootageKey.publicKey(publicKey) else { return .success(Chains()) }
        let patient = PatientStore(store, time: time)
        // What else is wrong with the record is told by `footage verify`, which reads all of it.
        var findings = FootageFindings(box: box)
        do {
            let objects = try await patient.list("\(ChainKeys.folder(box))\(day.channel)/\(day.day)/")
            return .success(try await ChainReader(store: patient, box: box, key: key).read(objects, &findings))
        } catch let error as StoreError {
            return .failure(error)
        } catch {
            return .failure(StoreError(.unreachable, "It was not read to its end."))
        }
    }
}

extension Chains {
    /// What the links say of a clip; nil where none names it. Only signed links are here.
    fileprivate func evidence(of clip: ClipRecord, key: String, sha256: String) -> ClipEvidence? {
        for (name, links) in chains where name.channel == clip.channelId {
            guard let link = links.values.first(where: { $0.entry.clip == clip.id && $0.entry.kind == .stored }) else { continue }
            let number = link.entry.number
            let names = link.entry.objects.contains { $0.key == key && $0.sha256 == sha256 }
            let follows = links[number - 1].map { $0.hash == link.entry.previous } ?? true
            let isFollowed = links[number + 1].map { $0.entry.previous == link.hash } ?? true
            let holds = names && follows && isFollowed
            var evidence = ClipEvidence(
                objectKey: key, sha256: sha256, isVerified: holds,
                sentence: holds
                    ? "Link \(number) of the signed record names the clip with this SHA-256."
                    : names ? "The links around link \(number) do not follow each other." : "Link \(number) names another SHA-256.")
            (evidence.chain, evidence.link, evidence.linkSha256) = (name.chain, number, link.hash)
            return evidence
        }
        return nil
    }
}
