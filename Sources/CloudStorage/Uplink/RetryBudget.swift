import Core

/// Keeps retries a small part of all requests to an endpoint, so that many failures of single objects do not become a load of their own.
///
/// Each request earns a tenth of a retry; a small income over time lets a quiet box retry too.
struct RetryBudget: Sendable {
    private var balance: Double
    private var last: Duration?
    private static let most = 20.0
    private static let perRequest = 0.1
    private static let perSecond = 1.0 / 30

    init() {
        balance = Self.most / 2
    }

    /// A request was made for the first time.
    mutating func earn() {
        balance = min(Self.most, balance + Self.perRequest)
    }

    /// Whether one more retry may be made at `now`, which is then paid for.
    mutating func spend(at now: Duration) -> Bool {
        balance = min(Self.most, balance + (now - (last ?? now)).seconds * Self.perSecond)
        last = now
        guard balance >= 1 else { return false }
        balance -= 1
        return true
    }
}
