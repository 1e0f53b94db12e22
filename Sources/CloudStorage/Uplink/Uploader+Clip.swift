import BoxDatabase
import Core
import Foundation
import Logging
import Synchronization

/// The clip's file is not in the spool any more; its row says so.
private struct ClipGone: Error {}

/// The store from which a copy is made does not give the clip.
private struct NotFetched: Error {
    let error: StoreError
    let store: any ObjectStore
}

// What is done for one clip: picture, footage, description, each looked at in the store before the spool forgets.
extension Uploader {
    func work(on job: Job) async {
        defer {
            state.withLock { state in
                state.inHand.remove(job.clip.id)
                if job.isFetch { state.isFetching = false }
            }
            governor.ended(job.kind)
        }
        let (current, generation) = state.withLock { ($0[job.rank].store, $0[job.rank].generation) }
        guard let store = current else { return abandoned(job.rank) }
        do {
            let job = try await protected(job, in: store)
            if job.kind == .metadata {
                guard try await preview(job, to: store, generation: generation) else { return abandoned(job.rank) }
            } else if job.isCopy {
                if job.isFetch { try await fetch(job) }
                try await copy(job, to: store, generation: generation)
            } else {
                try await bring(job, to: store, generation: generation)
            }
            succeeded(job.rank)
        } catch let error as StoreError {
            await note(error, of: job, generation: generation)
        } catch is ClipGone {
            abandoned(job.rank)
        } catch let failed as NotFetched {
            abandoned(job.rank)
            await noteNotFetched(job.clip, failed.error, from: failed.store)
        } catch is CancellationError {
            abandoned(job.rank)
            if !job.isCopy { try? await index.takeBack(job.clip.id) }
        } catch {
            abandoned(job.rank)
            await postpone(job.clip, sentence: "The clip could not be read or its row not written: \(error)")
        }
    }

    private func abandoned(_ rank: Destination.Rank) { state.withLock { $0[rank].breaker.abandoned() } }

    private func bring(_ job: Job, to store: any ObjectStore, generation: Int) async throws {
        guard try await index.move(job.clip.id, from: [.queued, .sending], to: .sending) else { throw ClipGone() }
        guard let objects = try await upload(job, to: store) else {
            try await index.noteDropped(job.clip.id, reason: "The clip's file is missing or cut; the disk may be failing.", at: time.now())
            await spool.free(job.clip.id)
            throw ClipGone()
        }
        CrashPoint.reach("upload.verified")
        let other = try state.withLock { state throws -> (place: String, copy: ClipRecord.OtherCopy)? in
            // Another store was set meanwhile, which does not have it.
            guard generation == state[job.rank].generation else { throw CancellationError() }
            if job.rank == .first {
                guard let second = state.second.store else { return nil }
                if state.role == .mirror { return (second.identity, .waiting) }
                // The second store may have got the clip with the answer lost.
                return job.clip.attempts > 0 ? (second.identity, .leftover) : nil
            }
            // The first store may have got its picture, or the clip itself with the answer lost.
            guard job.clip.previewed || job.clip.attempts > 0, let first = state.first.store else { return nil }
            return (first.identity, .leftover)
        }
        let isKept = try await index.noteStored(job.clip.id, objects: objects, place: store.identity, other: other, at: time.now())
        CrashPoint.reach("upload.row-stored")
        if job.rank == .first { state.withLock { $0.clipsFailFrom = nil } }
        if !isKept { await spool.free(job.clip.id) }
    }

    /// Brings a clip back into the spool, from where its copy goes up as any other.
    private func fetch(_ job: Job) async throws {
        guard let first = store, first.identity == job.clip.place else { throw CancellationError() }
        do {
            try await spool.fetch(job.clip.manifest, from: first)
        } catch let error as StoreError {
            throw NotFetched(error: error, store: first)
        }
        CrashPoint.reach("copy.fetched")
        guard try await index.noteFetched(job.clip) else {
            await spool.free(job.clip.id)
            throw CancellationError()
        }
    }

    private func noteNotFetched(_ clip: ClipRecord, _ error: StoreError, from store: any ObjectStore) async {
        logger.warning("a copy for the second storage waits", metadata: ["clip": "\(clip.id)", "reason": "\(error.sentence)"])
        switch error.kind {
        case .gone, .corrupted: try? await index.noteUnobtainable(clip)
        default:
            note(error, of: store)
            await postpone(clip, sentence: error.sentence)
        }
    }

    /// Makes the second copy of a clip that the first store has.
    private func copy(_ job: Job, to store: any ObjectStore, generation: Int) async throws {
        guard let objects = try await upload(job, to: store) else {
            try await index.noteCopyGivenUp(
                [job.clip.id], reason: "The clip's file is missing or cut; the other storage has it.", at: time.now())
            await spool.free(job.clip.id)
            throw ClipGone()
        }
        CrashPoint.reach("copy.verified")
        guard generation == state.withLock({ $0[job.rank].generation }) else { throw CancellationError() }
        try await index.noteCopied(job.clip.id, objects: objects, place: store.identity, at: time.now())
        CrashPoint.reach("copy.row-stored")
        await spool.free(job.clip.id)
    }

    /// The picture alone, long before the turn of the footage: so the owner sees at once what happened during an outage.
    ///
    /// Answers false where there is none, so that nothing was asked of the store.
    private func preview(_ job: Job, to store: any ObjectStore, generation: Int) async throws -> Bool {
        let sent = try await putThumbnail(job.clip.manifest, as: governor.previewClass, to: store)
        guard generation == state.withLock({ $0[job.rank].generation }) else { throw CancellationError() }
        try await index.notePreviewed(job.clip.id, place: store.identity)
        return sent
    }

    /// Gives up second copies, the oldest first, where they take the room that recording needs.
    func makeRoom() async {
        var excess = spool.excessBytes
        guard excess > 0, let oldest = try? await index.oldestCopies(100, except: inHand) else { return }
        let given = oldest.prefix { clip in
            defer { excess -= clip.bytes }
            return excess > 0
        }.map(\.id)
        let reason = "The second storage did not take it before the box needed the room; the first has it."
        guard !given.isEmpty, (try? await index.noteCopyGivenUp(given, reason: reason, at: time.now())) != nil else { return }
        logger.warning("copies for the second storage were given up for want of room", metadata: ["clips": "\(given.count)"])
        for id in given { await spool.free(id) }
    }

    /// What the bucket's owner may want to sort or bill footage by.
    private static func tags(_ manifest: ClipManifest) -> [String: String] {
        ["site": manifest.site.text, "channel": manifest.channel.text, "retention-days": String(manifest.retentionDays)]
    }

    private func putThumbnail(_ manifest: ClipManifest, as kind: UplinkClass, to store: any ObjectStore) async throws -> Bool {
        guard let thumbnail = manifest.thumbnail, let path = spool.localFile(manifest, thumbnail) else { return false }
        try await put(
            ObjectUpload(
                key: manifest.thumbnailKey, content: .file(path), bytes: thumbnail.bytes, sha256: thumbnail.sha256,
                contentType: manifest.encryption == nil ? "image/jpeg" : "application/octet-stream"), of: manifest, as: kind, to: store
        )
        return true
    }

    /// Brings footage, description and picture; answers what the store has then, nil where the spool has no footage.
    private func upload(_ job: Job, to store: any ObjectStore) async throws -> [ChainEntry.Object]? {
        let clip = job.clip
        let manifest = clip.manifest
        guard let file = manifest.clip, let path = try spool.fileToSend(manifest, file) else { return nil }
        let isThere = clip.previewed && job.rank == .first
        let kind = job.kind == .live ? UplinkClass.metadata : job.kind
        // A trial is one request after the other: a store that does not work is asked one thing at a time, the smallest first.
        let tried = job.isTrial && !isThere ? try await putThumbnail(manifest, as: kind, to: store) : isThere
        // Otherwise beside the footage: on a far line each request costs a round trip.
        let footage = ObjectUpload(
            key: manifest.objectKey, content: .file(path), bytes: file.bytes, sha256: file.sha256, contentType: "video/mp4")
        let (_, picture) = try await concurrently {
            try await self.replacingOpen(manifest, footage.key, in: store) {
                try await self.put(footage, of: manifest, as: job.kind, again: clip.attempts > 0, to: store) { [index = self.index] sent in
                    index.setProgress(Double(sent.total) / Double(max(1, file.bytes)), of: clip.id)
                }
            }
        } _: { () -> Result<Bool, any Error> in
            // One that fails does not end the footage's way.
            do {
                return .success(try await job.isTrial || isThere ? tried : self.putThumbnail(manifest, as: kind, to: store))
            } catch {
                return .failure(error)
            }
        }
        let hasPicture = try picture.get()
        await removeOpenPicture(manifest, from: store)
        // The bytes on disk, not a new rendering: an attempt that was taken without our knowing must compare equal.
        let data = try await spool.manifestData(of: clip.id)
        let sidecar = ObjectUpload(
            key: manifest.sidecarKey, content: .data(data), bytes: data.count, sha256: Sidecar.sha256(data), contentType: "application/json"
        )
        try await replacingOpen(manifest, sidecar.key, in: store) {
            try await put(sidecar, of: manifest, as: .metadata, again: clip.attempts > 0, to: store)
        }
        var objects = [footage, sidecar].map { ChainEntry.Object(key: $0.key, bytes: $0.bytes, sha256: $0.sha256) }
        if hasPicture, let picture = manifest.thumbnail {
            objects.append(ChainEntry.Object(key: manifest.thumbnailKey, bytes: picture.bytes, sha256: picture.sha256))
        }
        return objects
    }

    /// Puts one object and looks whether it is there as it should be; a key that is taken is compared, not trusted.
    private func put(
        _ object: ObjectUpload, of manifest: ClipManifest, as kind: UplinkClass, again: Bool = false, to store: any ObjectStore,
        progress: @escaping @Sendable (UploadProgress) -> Void = { _ in }
    ) async throws {
        // After a lost answer the store may have it; a question costs less than the bytes.
        if again, try await store.has(object.key, bytes: object.bytes, sha256: object.sha256) { return }
        var taken = false
        var upload = object
        upload.tags = Self.tags(manifest)
        upload.pace = { [governor] bytes in try await governor.admit(bytes, of: kind) }
        do {
            try await store.put(upload) { [governor] sent in
                progress(sent)
                governor.sent(sent.piece, overLine: store.usesUplink)
            }
            CrashPoint.reach("upload.put")
        } catch let error as StoreError where error.kind == .exists {
            taken = true
            logger.info("object is there already; comparing", metadata: ["key": "\(upload.key)"])
        }
        guard let info = try await store.head(upload.key) else {
            throw StoreError(.nonsense, "The storage took an object and does not have it. Is it really S3-compatible?")
        }
        var isOurs = info.bytes == upload.bytes && (info.sha256 == upload.sha256 || info.sha256 == nil)
        if isOurs, taken { isOurs = try await store.has(info, upload.key, sha256: upload.sha256) }
        guard isOurs else { throw StoreError(.exists, "Another object lies under this clip's key in the storage.") }
    }
}
