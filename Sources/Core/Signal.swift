import Synchronization

/// A wake-up that is not lost: `raise` ends the present wait, or the next one if nobody waits.
public final class Signal: Sendable {
    private struct State {
        var raised = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// A signal that is not raised.
    public init() {}

    /// Wakes the waiter.
    public func raise() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.raised = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Forgets a raise that nobody waited for.
    public func lower() {
        state.withLock { $0.raised = false }
    }

    /// Waits until the signal is raised or the task is cancelled. One task waits at a time.
    public nonisolated(nonsending) func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumeNow = state.withLock { state in
                    if state.raised || Task.isCancelled {
                        state.raised = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if resumeNow { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
    }

    /// Waits until the signal is raised, the task is cancelled or `limit` has passed.
    public func wait(atMost limit: Duration, time: TimeSource) async {
        await withBackgroundWork {
            await self.raise(after: limit, time: time)
        } _: {
            await wait()
        }
    }

    private func raise(after limit: Duration, time: TimeSource) async {
        guard (try? await time.sleep(limit)) != nil else { return }
        raise()
    }
}
