import Core
import Foundation
import Synchronization

/// One thread on which all tasks of a simulation run, and its clock, which moves when every task waits for it.
///
/// Which of the tasks that could go on does so is drawn by the seed, so that the same seed gives the same run.
final class SimulatedMachine: TaskExecutor, Sendable {
    private enum Ready {
        case job(UnownedJob)
        case parked(CheckedContinuation<Void, Never>)
    }

    private struct Sleeper {
        let until: Duration
        let id: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var generator: SeededGenerator
        var ready: [Ready] = []
        var sleepers: [Sleeper] = []
        var nextSleeper = 0
        var uptime = SimulatedMachine.firstUptime
        var steps = 0
        /// What happens between two jobs when so many have run.
        var interruption: (step: Int, action: @Sendable () -> Void)?
    }

    /// What a run that does not end ends with.
    struct NoEnd: Error, CustomStringConvertible {
        let description: String
    }

    /// The first moment of a day, UTC.
    private static let midnight = 1_790_035_200.0
    private static let firstUptime = Duration.seconds(1000)
    private let wallAtStart: Double
    private let state: Mutex<State>
    private let mostSteps: Int

    /// `untilMidnight` is how long the day goes on, UTC.
    init(seed: UInt64, untilMidnight: Duration = .seconds(36_000), mostSteps: Int = 2_000_000) {
        wallAtStart = Self.midnight - (untilMidnight + Self.firstUptime).seconds
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
        self.mostSteps = mostSteps
    }

    // MARK: Chance

    /// Draws from the run's one row of numbers.
    func draw<Value: Sendable>(_ body: (inout SeededGenerator) -> Value) -> Value {
        state.withLock { body(&$0.generator) }
    }

    var chance: Chance { Chance { [self] in draw { $0.next() } } }

    // MARK: Jobs

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.ready.append(.job(job)) }
    }

    /// Lets others go on before the task does.
    func park() async {
        await withCheckedContinuation { continuation in state.withLock { $0.ready.append(.parked(continuation)) } }
    }

    /// Lets `action` happen between two jobs, `steps` from now.
    func interrupt(after steps: Int, _ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.interruption = ($0.steps + steps, action) }
    }

    /// Runs `body` and everything that it begins, to the end, on this thread.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let outcome = Outcome<Value>()
        Task(executorPreference: self) {
            do { outcome.set(.success(try await body())) } catch { outcome.set(.failure(error)) }
        }
        while try step() {}
        guard let value = outcome.value else { throw NoEnd(description: "every task waits, and none for the clock") }
        return try value.get()
    }

    /// Runs one job, or moves the clock to the next sleeper; false where nothing is left to do.
    private func step() throws -> Bool {
        let (ready, action, steps) = state.withLock { state -> (ready: Ready?, action: (@Sendable () -> Void)?, steps: Int) in
            state.steps += 1
            var action: (@Sendable () -> Void)?
            if let interruption = state.interruption, state.steps >= interruption.step {
                action = interruption.action
                state.interruption = nil
            }
            guard !state.ready.isEmpty else { return (Ready?.none, action, state.steps) }
            let last = state.ready.count - 1
            if last > 0 { state.ready.swapAt(state.generator.number(0...last), last) }
            return (state.ready.removeLast(), action, state.steps)
        }
        if let action { action() }
        guard steps < mostSteps else { throw NoEnd(description: "no end after \(steps) steps, \(uptime) on the clock") }
        switch ready {
        case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
        case .parked(let continuation): continuation.resume()
        case nil: return wakeNext()
        }
        return true
    }

    /// Jobs that were run.
    var steps: Int { state.withLock { $0.steps } }

    // MARK: The clock

    var uptime: Duration { state.withLock { $0.uptime } }
    var now: Date { Date(timeIntervalSince1970: wallAtStart + uptime.seconds) }

    /// The clock as the code under test sees it.
    var time: TimeSource {
        TimeSource(now: { [self] in now }, uptime: { [self] in uptime }, sleep: { [self] in try await sleep($0) })
    }

    private func wakeNext() -> Bool {
        let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard
                let next = state.sleepers.indices.min(by: {
                    let (left, right) = (state.sleepers[$0], state.sleepers[$1])
                    return left.until != right.until ? left.until < right.until : left.id < right.id
                })
            else { return nil }
            let sleeper = state.sleepers.remove(at: next)
            state.uptime = max(state.uptime, sleeper.until)
            return sleeper.continuation
        }
        continuation?.resume()
        return continuation != nil
    }

    func sleep(_ duration: Duration) async throws {
        try Task.checkCancellation()
        guard duration > .zero else { return await park() }
        let id = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock {
                    $0.sleepers.append(Sleeper(until: $0.uptime + duration, id: id, continuation: continuation))
                }
                // Cancelled meanwhile: the handler found nobody.
                if Task.isCancelled { wake(id) }
            }
        } onCancel: {
            wake(id)
        }
    }

    private func wake(_ id: Int) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else { return nil }
            return state.sleepers.remove(at: index).continuation
        }
        continuation?.resume(throwing: CancellationError())
    }
}

/// Where the outcome of a run is put.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)

    func set(_ value: Result<Value, any Error>) { result.withLock { $0 = value } }
    var value: Result<Value, any Error>? { result.withLock { $0 } }
}
