import BoxDatabase
public import Core
import Foundation
public import Logging

/// Removes footage from the store when its retention has ended: day 8 overwrites day 1.
public struct Retention: Sendable {
    private static let memory: TimeInterval = 366 * 86_400

    private let box: String
    private let targets: StorageTargets
    private let spool: Spool
    private let index: FootageIndex
    private let time: TimeSource
    private let logger: Logger

    /// `box` is the serial number, under which all keys of this box lie.
    public init(box: String, targets: StorageTargets, time: TimeSource, logger: Logger) {
        self.box = box
        self.targets = targets
        self.spool = targets.uploader.spool
        self.index = targets.uploader.index
        self.time = time
        self.logger = logger
    }

    /// Looks every ten minutes until cancelled.
    public func run() async {
        var cleared: Duration?
        while !Task.isCancelled {
            await sweep()
            if cleared.map({ time.uptime() - $0 > .seconds(86_400) }) ?? true {
                if await clearLeftovers() { cleared = time.uptime() }
            }
            do { try await time.sleep(.seconds(600)) } catch { return }
        }
    }

    /// Parts of uploads that nobody goes on with cost the bucket's owner money and show in no list of objects.
    private func clearLeftovers() async -> Bool {
        let stores = [targets.uploader.store, targets.uploader.secondStore].compactMap(\.self)
        var isDone = !stores.isEmpty
        for store in stores {
            do {
                let count = try await store.clearLeftovers(under: box + "/")
                if count > 0 { logger.info("uploads that were never completed were cleared away", metadata: ["count": "\(count)"]) }
            } catch {
                isDone = false
                logger.warning("uploads that were never completed could not be cleared away yet", metadata: ["reason": "\(error)"])
            }
        }
        return isDone
    }

    /// Removes what has expired by now: the objects first, then the row, so that nothing is forgotten half removed.
    public func sweep() async {
        do {
            // What happened without footage is remembered as long as the longest footage may be.
            try await index.forget(before: time.now().addingTimeInterval(-Self.memory))
            for place in try await index.placesToSweep(at: time.now()) {
                // One store that does not answer keeps nothing in another.
                do {
                    try await sweep(place)
                } catch {
                    logger.warning("expired footage could not be removed yet", metadata: ["reason": "\(error)"])
                }
            }
            try await targets.forgetEmptyFormer()
            // After what was left of copies that were given up.
            try await targets.wantCopies()
        } catch {
            logger.warning("expired footage could not be looked for", metadata: ["reason": "\(error)"])
        }
    }

    private func sweep(_ place: String?) async throws {
        guard let store = targets.store(at: place) else { return }
        while true {
            let expired = try await index.expired(at: time.now(), in: place, except: targets.uploader.inHand)
            guard !expired.isEmpty else { break }
            for clip in expired {
                try await remove(clip, from: store)
                // Before its row: a directory without one would be taken for a clip that waits.
                if clip.otherCopy == .waiting { await spool.free(clip.id) }
                if try await !index.noteGone(clip.id, from: place) { try await index.remove(clip.id) }
            }
        }
        guard let place else { return }
        while true {
            let leftovers = try await index.leftovers(in: place)
            guard !leftovers.isEmpty else { return }
            for clip in leftovers {
                guard let own = targets.store(at: clip.place) else { return }
                if try await areApart(own, store) { try await remove(clip, from: store) }
                _ = try await index.noteGone(clip.id, from: place)
            }
        }
    }

    /// Whether two stores are two places. Two addresses may lead to one bucket: then what is left over is the clip itself.
    private func areApart(_ own: any ObjectStore, _ other: any ObjectStore) async throws -> Bool {
        let key = "\(box)/trial/\(ClipID.timeOrdered(at: time.now())).bin"
        let data = Data(key.utf8)
        try await other.put(
            ObjectUpload(
                key: key, content: .data(data), bytes: data.count, sha256: Sidecar.sha256(data), contentType: "application/octet-stream")
        ) { _ in }
        let isThere = try await own.head(key) != nil
        try await other.delete(key)
        return !isThere
    }

    private func remove(_ clip: ClipRecord, from store: any ObjectStore) async throws {
        let manifest = clip.manifest
        // The open picture may have been there ahead of a clip that was encrypted while it waited.
        let keys =
            [manifest.objectKey, manifest.thumbnailKey, manifest.sidecarKey]
            + (manifest.encryption == nil ? [] : [manifest.openThumbnailKey])
        for key in keys { try await store.delete(key) }
    }
}
