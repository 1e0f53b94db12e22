import BoxDatabase
public import Core
import Foundation
public import Logging

/// Removes footage from the store when its retention has ended: day 8 overwrites day 1.
public struct Retention: Sendable {
    private static let memory: TimeInterval = 366 * 86_400

    private let box: String
    private let uploader: Uploader
    private let index: FootageIndex
    private let time: TimeSource
    private let logger: Logger

    /// `box` is the serial number, under which all keys of this box lie.
    public init(box: String, uploader: Uploader, index: FootageIndex, time: TimeSource, logger: Logger) {
        self.box = box
        self.uploader = uploader
        self.index = index
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
        guard let store = uploader.store else { return false }
        do {
            let count = try await store.clearLeftovers(under: box + "/")
            if count > 0 { logger.info("uploads that were never completed were cleared away", metadata: ["count": "\(count)"]) }
            return true
        } catch {
            logger.warning("uploads that were never completed could not be cleared away yet", metadata: ["reason": "\(error)"])
            return false
        }
    }

    /// Removes what has expired by now: the objects first, then the row, so that nothing is forgotten half removed.
    public func sweep() async {
        do {
            // What happened without footage is remembered as long as the longest footage may be.
            try await index.forget(before: time.now().addingTimeInterval(-Self.memory))
            guard let store = uploader.store else { return }
            while true {
                let expired = try await index.expired(at: time.now())
                guard !expired.isEmpty else { return }
                for clip in expired {
                    for key in [clip.manifest.objectKey, clip.manifest.thumbnailKey, clip.manifest.sidecarKey] {
                        try await store.delete(key)
                    }
                    try await index.remove(clip.id)
                }
            }
        } catch {
            logger.warning("expired footage could not be removed yet", metadata: ["reason": "\(error)"])
        }
    }
}
