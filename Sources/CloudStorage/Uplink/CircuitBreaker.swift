import Core
import Foundation

/// Stops asking an endpoint that does not work, and finds out when it works again; one for all requests to a target.
///
/// Closed: requests go. After a failure open: none goes until the back-off has passed; then one trial goes, and its outcome decides.
struct CircuitBreaker: Sendable {
    private var backOff: BackOff
    private var openUntil: Duration?
    private var trialRuns = false
    /// The failure that keeps it open.
    private(set) var failure: StoreError?
    /// It has done as asked at least once.
    private(set) var hasWorked = false
    /// When the present failure began.
    private(set) var failingSince: Date?
    /// The same on the monotonic clock.
    private(set) var failingFrom: Duration?

    init(first: Duration = .seconds(1), longest: Duration = .seconds(300)) {
        backOff = BackOff(first: first, longest: longest, shortest: .milliseconds(500))
    }

    /// What a request may do.
    enum Permission: Sendable, Equatable {
        case go
        /// Ask again after so long.
        case wait(Duration)
    }

    /// Whether a request may go at `now` (monotonic); a trial is given to one asker alone.
    mutating func ask(at now: Duration) -> Permission {
        guard let openUntil else { return .go }
        guard now >= openUntil else { return .wait(openUntil - now) }
        guard !trialRuns else { return .wait(.seconds(1)) }
        trialRuns = true
        return .go
    }

    /// How long nothing may go at `now`, as far as is known; nil where something may. Looking hands out no trial.
    func keeps(at now: Duration) -> Duration? {
        guard let openUntil else { return nil }
        if now < openUntil { return openUntil - now }
        return trialRuns ? .seconds(1) : nil
    }

    /// A request did what it should.
    mutating func succeeded() {
        backOff.succeeded()
        hasWorked = true
        openUntil = nil
        trialRuns = false
        failure = nil
        failingSince = nil
        failingFrom = nil
    }

    /// A request failed for the endpoint's sake.
    mutating func failed(
        _ error: StoreError, at now: Duration, wall: Date, using generator: inout some RandomNumberGenerator
    ) {
        // Transfers that broke together tell of one failure, not of many in a row.
        if let openUntil, now < openUntil, !trialRuns, error.retryAfter == nil { return }
        trialRuns = false
        var wait = backOff.failed(using: &generator)
        if let asked = error.retryAfter { wait = max(wait, asked) }
        openUntil = max(openUntil ?? .zero, now + wait)
        failure = error
        failingSince = failingSince ?? wall
        failingFrom = failingFrom ?? now
    }

    /// The request ended without telling anything about the endpoint.
    mutating func abandoned() {
        trialRuns = false
    }
}
