import Core
import Foundation
import Synchronization

/// Counts failed attempts to prove who one is, so that nobody may try many.
///
/// They are counted by address and by account: many addresses do not help against one account, nor many names from one address. Whoever signed in
/// from an address before is not kept out by what others try from elsewhere.
final class Attempts: Sendable {
    static let tolerated = 10
    static let window = Duration.seconds(600)
    /// More than these are not remembered; the longest ago are forgotten first.
    private static let most = 10_000

    private let failures = Mutex<[String: [Duration]]>([:])
    private let time: TimeSource

    init(time: TimeSource) {
        self.time = time
    }

    /// Counts an attempt beforehand, so that those that are made at once are counted as well; `succeeded` takes it back.
    /// - Throws: `AccessDenied.tooManyAttempts`.
    func begin(_ keys: [String]) throws(AccessDenied) {
        let now = time.uptime()
        let wait: Duration? = failures.withLock { failures in
            let recent = keys.map { key in failures[key, default: []].filter { now - $0 < Self.window } }
            let waits = recent.compactMap { times in times.count >= Self.tolerated ? times.first.map { Self.window - (now - $0) } : nil }
            if let longest = waits.max() { return longest }
            for (key, times) in zip(keys, recent) { failures[key] = times + [now] }
            Self.prune(&failures, now)
            return nil
        }
        if let wait { throw .tooManyAttempts(retryAfter: max(1, Int(wait.seconds.rounded(.up)))) }
    }

    /// An attempt was none of those that are to be counted.
    func succeeded(_ keys: [String]) {
        failures.withLock { failures in
            for key in keys {
                _ = failures[key]?.popLast()
                if failures[key]?.isEmpty ?? false { failures[key] = nil }
            }
        }
    }

    /// Of whom an address is: of IPv6 the network, in which one has as many addresses as one likes (RFC 4291, section 2.5.4).
    static func network(of address: String) -> String {
        var bytes = in6_addr()
        guard address.contains(":"), inet_pton(AF_INET6, address, &bytes) == 1 else { return address }
        return withUnsafeBytes(of: bytes) { bytes in
            let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            return isMapped ? address : Hexadecimal.text(bytes[..<8])
        }
    }

    private static func prune(_ failures: inout [String: [Duration]], _ now: Duration) {
        guard failures.count > most else { return }
        failures = failures.filter { $0.value.last.map { now - $0 < window } ?? false }
        guard failures.count > most else { return }
        let oldest = failures.sorted { ($0.value.last ?? .zero) < ($1.value.last ?? .zero) }.prefix(failures.count - most / 2)
        for (key, _) in oldest { failures[key] = nil }
    }
}
