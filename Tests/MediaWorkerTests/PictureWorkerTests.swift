import Core
import Logging
import Media
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import MediaWorker

@Suite struct PictureWorkerTests {
    /// However many pictures viewers want at once, there are places left for the box's own looks at its cameras.
    @Test func viewersLeaveRoomForTheBoxItself() async throws {
        let worker = PictureWorker(
            executable: WorkerExecutable(path: FilePath("/nonexistent")), time: ManualTime().source, logger: Logger(label: "test"))
        let key = try #require(try encodedSamples(1).first)
        guard let channel = ChannelID("front") else { return }
        let refused = Mutex(0)
        let (viewers, own) = (40, 20)
        let ask = { @Sendable (isForViewer: Bool) async throws in
            do {
                _ = try await worker.picture(of: key, channel: channel, jpegWidth: nil, isForViewer: isForViewer)
            } catch let failure as WorkerFailure where failure.kind == .refused {
                refused.withLock { $0 += 1 }
                guard isForViewer else { throw failure }
            } catch is CancellationError {}
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<viewers { group.addTask { try await ask(true) } }
            #expect(await eventually { refused.withLock { $0 } == viewers - 8 })
            for _ in 0..<own { group.addTask { try await ask(false) } }
            #expect(await eventually { worker.waiting == own + 8 })
            // All that was taken is let go of when the worker ends.
            let run = Task { await worker.run() }
            run.cancel()
            await run.value
            try await group.waitForAll()
        }
    }
}
