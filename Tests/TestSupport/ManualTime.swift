public import Core
import Foundation
import Synchronization

/// A clock that stands still until it is moved; sleepers wake when it has come to their time.
public final class ManualTime: Sendable {
    private struct State {
        var uptime = Duration.seconds(1000)
        var wallOffset = 1_790_000_000.0
        var sleepers: [Int: (until: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// The clock as the code under test sees it.
    public var source: TimeSource {
        TimeSource(
            now: { [self] in state.withLock { Date(timeIntervalSince1970: $0.wallOffset + $0.uptime.seconds) } },
            uptime: { [self] in state.withLock { $0.uptime } }, sleep: { [self] in try await sleep($0) })
    }

    /// How long the clock has run.
    public var uptime: Duration { state.withLock { $0.uptime } }
    /// How many wait for the clock.
    public var sleepers: Int { state.withLock { $0.sleepers.count } }

    /// Moves the clock on and wakes whose time has come.
    public func advance(_ step: Duration) {
        let woken = state.withLock { state in
            state.uptime += step
            let due = state.sleepers.filter { $0.value.until <= state.uptime }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Moves the clock on by a step whenever somebody waits for it, until a condition holds.
    ///
    /// How long that takes on the machine's own clock is no matter: tests beside this one may hold its threads. Time passes for whoever waits, also
    /// for what the condition has nothing to do with.
    /// - Returns: Whether the condition held before so much of this clock had passed.
    public func pass(_ step: Duration, atMost limit: Duration, until condition: @Sendable () async throws -> Bool) async rethrows -> Bool {
        let end = uptime + limit
        while uptime < end, !Task.isCancelled {
            if try await condition() { return true }
            if sleepers > 0 { advance(step) }
            try? await ContinuousClock().sleep(for: .milliseconds(1))
        }
        return try await condition()
    }

    /// Lets the wall clock jump; the monotonic one does not.
    public func jumpWall(by seconds: Double) {
        state.withLock { $0.wallOffset += seconds }
    }

    private func sleep(_ duration: Duration) async throws {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if duration <= .zero { return .success(()) }
                    state.sleepers[id] = (state.uptime + duration, continuation)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }
}

/// Waits until `condition` holds; answers false when it does not come to hold in time.
public func eventually(within limit: Duration = .seconds(10), _ condition: @Sendable () async throws -> Bool) async rethrows -> Bool {
    let giveUp = ContinuousClock.now + limit
    while ContinuousClock.now < giveUp {
        if try await condition() { return true }
        try? await ContinuousClock().sleep(for: .milliseconds(5))
    }
    return try await condition()
}
