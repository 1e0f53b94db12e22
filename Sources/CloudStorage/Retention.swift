import BoxDatabase
public import Core
import Foundation
public import Logging

/// Removes footage from the store when its retention has ended: day 8 overwrites day 1.
public struct Retention: Sendable {
    private static let memory: TimeInterval = 366 * 86_400

    private let uploader: Uploader
    private let index: FootageIndex
    private let time: TimeSource
    private let logger: Logger

    public init(uploader: Uploader, index: FootageIndex, time: TimeSource, logger: Logger) {
        self.uploader = uploader
        self.index = index
        self.time = time
        self.logger = logger
    }

    /// Looks every ten minutes until cancelled.
    public func run() async {
        while !Task.isCancelled {
            await sweep()
            do { try await time.sleep(.seconds(600)) } catch { return }
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
