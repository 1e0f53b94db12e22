import Core
import HTTPTypes
import Synchronization

/// How many requests one client may make: a bucket for each (a signed-in person, or an address), which fills again evenly.
///
/// One client that asks too often is told to wait; the others, and the recording, go on.
final class RequestLimits: Sendable {
    private struct Bucket {
        var left: Double
        var at: Duration
    }

    /// Seconds' worth that may come at once.
    private static let burst = 3.0
    /// More clients than these are not told apart; those that have asked least are forgotten.
    private static let most = 4_096

    /// Requests a second; 0 is no limit.
    private let rate: Double
    private let time: TimeSource
    private let buckets = Mutex<[String: Bucket]>([:])

    init(perSecond: Int, time: TimeSource) {
        rate = Double(perSecond)
        self.time = time
    }

    /// How many are told apart now.
    var clients: Int { buckets.withLock { $0.count } }

    /// Counts a request of a client.
    /// - Throws: the problem `too-many-requests`, with the seconds to wait (RFC 6585, section 4).
    func count(_ client: String) throws(Problem) {
        guard rate > 0 else { return }
        let now = time.uptime()
        let isWithin = buckets.withLock { buckets in
            if buckets[client] == nil, buckets.count >= Self.most { forget(&buckets, now) }
            let bucket = buckets[client] ?? Bucket(left: rate * Self.burst, at: now)
            let left = min(rate * Self.burst, bucket.left + (now - bucket.at).seconds * rate)
            buckets[client] = Bucket(left: left >= 1 ? left - 1 : left, at: now)
            return left >= 1
        }
        if !isWithin { throw Self.tooMany }
    }

    /// Those that are full again are as those that never asked; where all ask, the half that has asked least: nobody is set free by a crowd.
    private func forget(_ buckets: inout [String: Bucket], _ now: Duration) {
        func left(_ bucket: Bucket) -> Double { bucket.left + (now - bucket.at).seconds * rate }
        buckets = buckets.filter { left($0.value) < rate * Self.burst }
        guard buckets.count >= Self.most else { return }
        for (client, _) in buckets.sorted(by: { left($0.value) > left($1.value) }).prefix(Self.most / 2) { buckets[client] = nil }
    }

    private static let tooMany: Problem = {
        var problem = Problem(
            .tooManyRequests, "too-many-requests", "Too many requests", "This client asks too often. Wait a second, then go on more slowly."
        )
        problem.headers[.retryAfter] = "1"
        return problem
    }()
}
