public import Cameras
public import Core
import Synchronization

/// Tells identifiers of talks from others.
public enum TalkKind {}
public typealias TalkID = Identifier<TalkKind>

/// Talking through a device: one person at a time, and for as long as sound comes.
public actor TalkControl {
    /// Somebody who talks.
    private struct Talk {
        let id: TalkID
        let sound: AsyncStream<[UInt8]>.Continuation
        var task: Task<Void, Never>?
        var heardAt: Duration
        var failure: DeviceFailure?
    }

    /// Without sound for so long a talk is over: the page was closed, or the network is gone.
    public static let silence = Duration.seconds(5)
    /// What is still to be said may be said, for so long: four seconds may wait, and the device is taken leave of.
    private static let lastWords = Duration.seconds(8)
    /// Pieces that wait for the device; what comes too fast pushes out what is oldest.
    private static let mostWaiting = 20

    private let time: TimeSource
    private var talk: Talk?
    private var watcher: Task<Void, Never>?

    public init(time: TimeSource) {
        self.time = time
    }

    /// Opens the loudspeaker of a channel, and returns when it is heard.
    public func begin(_ channel: DeviceChannel, driver: any CameraDriver) async throws(DeviceFailure) -> (id: TalkID, codec: TalkCodec) {
        guard talk == nil else { throw DeviceFailure(.busy, "Somebody talks through this device already.") }
        let id = TalkID.timeOrdered(at: time.now())
        let (sound, continuation) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingNewest(Self.mostWaiting))
        talk = Talk(id: id, sound: continuation, task: nil, heardAt: time.uptime(), failure: nil)
        do throws(DeviceFailure) {
            let codec = try await driver.talkCodec(of: channel)
            try await open(id, channel, driver, sound)
            talk?.heardAt = time.uptime()
            watcher = Task { await self.watch(id) }
            return (id, codec)
        } catch {
            await end(id)
            throw error
        }
    }

    private func open(
        _ id: TalkID, _ channel: DeviceChannel, _ driver: any CameraDriver, _ sound: AsyncStream<[UInt8]>
    ) async throws(DeviceFailure) {
        let opened = Opening()
        talk?.task = Task {
            do throws(DeviceFailure) {
                try await driver.talk(through: channel, sound: sound) { opened.settle(nil) }
                opened.settle(DeviceFailure(.silent, "The device has ended the talk."))
            } catch {
                opened.settle(error)
                self.fail(id, error)
            }
        }
        if let failure = await opened.outcome() { throw failure }
    }

    private func fail(_ id: TalkID, _ failure: DeviceFailure) {
        if talk?.id == id { talk?.failure = failure }
    }

    /// Passes sound on, in the codec that `begin` told. False where the talk is over.
    public func say(_ bytes: [UInt8], in id: TalkID) throws(DeviceFailure) -> Bool {
        guard talk?.id == id else { return false }
        if let failure = talk?.failure { throw failure }
        talk?.heardAt = time.uptime()
        talk?.sound.yield(bytes)
        return true
    }

    /// Ends a talk; one that is over already is no failure.
    public func end(_ id: TalkID) async {
        guard talk?.id == id else { return }
        let task = talk?.task
        talk?.sound.finish()
        watcher?.cancel()
        watcher = nil
        let patience = Task { [time] in
            guard (try? await time.sleep(Self.lastWords)) != nil else { return }
            task?.cancel()
        }
        await task?.value
        patience.cancel()
        if talk?.id == id { talk = nil }
    }

    /// Ends whatever goes on, because the device's driver ends.
    func endAll() async {
        if let id = talk?.id { await end(id) }
    }

    private func watch(_ id: TalkID) async {
        while let heard = talk?.heardAt, talk?.id == id, talk?.failure == nil {
            let left = heard + Self.silence - time.uptime()
            if left <= .zero { break }
            guard (try? await time.sleep(left)) != nil else { return }
        }
        watcher = nil
        await end(id)
    }
}

/// How the opening of a loudspeaker went; the first word counts.
private final class Opening: Sendable {
    private struct State {
        var outcome: DeviceFailure??
        var waiter: CheckedContinuation<DeviceFailure?, Never>?
    }

    private let state = Mutex(State())

    func settle(_ failure: DeviceFailure?) {
        let waiter = state.withLock { state -> CheckedContinuation<DeviceFailure?, Never>? in
            guard state.outcome == nil else { return nil }
            state.outcome = .some(failure)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: failure)
    }

    func outcome() async -> DeviceFailure? {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> DeviceFailure?? in
                if state.outcome == nil { state.waiter = continuation }
                return state.outcome
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}
