import BoxDatabase
import Core
import Foundation
import Logging

// Clips that waited in the open and are to go up encrypted.
extension Uploader {
    /// The job with its clip encrypted, where the site's footage is to be: it may have waited since before that was switched on.
    func protected(_ job: Job, in store: any ObjectStore) async throws -> Job {
        let row = job.clip.manifest
        guard !job.isCopy, row.encryption == nil, let protection else { return job }
        // The directory is the truth: the row may have missed that it was done.
        guard let manifest = try await spool.manifest(of: row.id) else { return job }
        if manifest.encryption == nil {
            guard try protection.mustEncrypt(manifest), let file = manifest.clip else { return job }
            // What is there already, with its answer lost, was seen; it cannot be had back. What some stores forget to tell, `put` reads.
            if job.clip.attempts > 0, let info = try await store.head(manifest.objectKey), info.bytes == file.bytes,
                info.sha256 == nil || info.sha256 == file.sha256
            {
                return job
            }
            guard try spool.fileToSend(manifest, file) != nil else { return job }
            try await index.forgetPreview(of: row.id)
            try await protection.encrypt(manifest)
        }
        guard let done = try await spool.manifest(of: row.id) else { return job }
        try await index.put(done, state: .queued, spoolBytes: done.readyBytes)
        guard let clip = try await index.clip(row.id) else { return job }
        logger.info("clip that waited was encrypted", metadata: ["clip": "\(clip.id)"])
        return Job(clip: clip, kind: job.kind, rank: job.rank)
    }

    /// Puts an object under `key`. What lies there of a clip from before it was encrypted gives way: it came there with its answer lost, and the
    /// store that was looked into was another, or away. The spool has the clip, so that nothing is lost in between.
    func replacingOpen(
        _ manifest: ClipManifest, _ key: String, in store: any ObjectStore, put: () async throws -> Void
    ) async throws {
        do {
            try await put()
        } catch let error as StoreError where error.kind == .exists {
            guard try await isOpen(manifest, key, in: store) else { throw error }
            logger.info("an open copy gives way to the encrypted one", metadata: ["key": "\(key)"])
            do {
                try await store.delete(key)
            } catch let error as StoreError where error.kind == .refused {
                // Of this clip alone: the store takes others.
                throw StoreError(
                    .exists,
                    "The clip lies in the storage in the open, and the box may not put the encrypted one in its place. Give its key the right to delete objects."
                )
            }
            try await put()
        }
    }

    /// Whether what lies under `key`, of footage or description, is of the clip as it was before it was encrypted while it waited.
    private func isOpen(_ manifest: ClipManifest, _ key: String, in store: any ObjectStore) async throws -> Bool {
        guard let open = manifest.openClip else { return false }
        if key == manifest.objectKey { return try await store.has(key, bytes: open.bytes, sha256: open.sha256) }
        guard let data = try await store.data(key), let described = try? GatehouseJSON.decoder.decode(ClipManifest.self, from: data) else {
            return false
        }
        return described.id == manifest.id && described.encryption == nil && described.clip == open
    }

    /// The picture may have gone ahead in the open, perhaps unseen. The clip does not wait for its removal: retention removes that key too.
    func removeOpenPicture(_ manifest: ClipManifest, from store: any ObjectStore) async {
        guard manifest.clip?.name == ClipDirectory.encryptedName else { return }
        do {
            try await store.delete(manifest.openThumbnailKey)
        } catch {
            logger.warning("an open picture could not be removed yet", metadata: ["clip": "\(manifest.id)", "reason": "\(error)"])
        }
    }
}
