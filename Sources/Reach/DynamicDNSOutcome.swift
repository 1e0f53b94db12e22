import Core
public import Foundation

/// What the last update of the name came to, and what follows from it (the dyndns2 protocol, "Return codes").
public struct DynamicDNSOutcome: Codable, Sendable, Equatable {
    public enum Code: String, Codable, Sendable, CaseIterable {
        case ok
        case wrongCredentials = "wrong-credentials"
        case notAName = "not-a-name"
        case noSuchName = "no-such-name"
        case tooManyNames = "too-many-names"
        case blocked
        case programRefused = "program-refused"
        case needsSubscription = "needs-subscription"
        case serverTrouble = "server-trouble"
        case unreachable
        case certificate
        case nonsense
    }

    /// What is to be done next.
    enum Next: Equatable {
        case now
        case after(Duration)
        /// Nothing until the settings change: servers lock out whoever goes on.
        case never
    }

    /// Servers look at more than one update a day without a change as abuse.
    private static let daily = Duration.seconds(86_400)
    /// After `911` and `dnserr` nothing may come for half an hour.
    private static let serverRest = Duration.seconds(1800)
    private static let shortestRest = Duration.seconds(60)
    private static let longestRest = Duration.seconds(3600)

    public var code: Code
    /// To which the name leads, as far as the server said or was told.
    public var address: String?
    /// What the server was asked to let it lead to; nil for whatever it sees.
    var asked: String?
    /// When the server was asked last.
    public var at: Date
    /// Failures in a row that may pass.
    var failures = 0

    /// Reads a server's answer to an update to `address`.
    init(_ answer: WebAnswer, address: String?, at: Date) {
        let words = answer.text.split(whereSeparator: \.isWhitespace).prefix(2).map { String($0.prefix(64)) }
        let told = words.count > 1 ? OutsideAddress(words[1]).map { _ in words[1] } : nil
        code =
            switch words.first?.lowercased() {
            case _ where answer.status == 401: .wrongCredentials
            case "good", "nochg": answer.status == 200 ? .ok : .nonsense
            case "badauth": .wrongCredentials
            case "notfqdn": .notAName
            case "nohost", "!yours": .noSuchName
            case "numhost": .tooManyNames
            case "abuse": .blocked
            case "badagent": .programRefused
            case "!donator": .needsSubscription
            case "dnserr", "911": .serverTrouble
            default: answer.status >= 500 ? .serverTrouble : .nonsense
            }
        self.address = code == .ok ? told ?? address : nil
        asked = address
        self.at = at
    }

    init(_ failure: WebFailure, at: Date) {
        code =
            switch failure {
            case .unreachable: .unreachable
            case .certificate: .certificate
            case .nonsense: .nonsense
            }
        self.at = at
    }

    /// What is to be done at `now` when the box is at `address` (nil: not known).
    func next(address wanted: String?, now: Date) -> Next {
        let age = now.timeIntervalSince(at)
        let rest: Duration
        switch code {
        case .ok:
            // Compared with what was asked for: a server that gives the name another address would be asked for ever, and bar the name.
            if let wanted, wanted != asked, wanted != address { return .now }
            rest = Self.daily
        case .wrongCredentials, .notAName, .noSuchName, .tooManyNames, .blocked, .programRefused, .needsSubscription: return .never
        case .serverTrouble: rest = max(Self.serverRest, grown)
        case .unreachable, .certificate, .nonsense: rest = grown
        }
        // A clock that was set back must not keep the name wrong for long.
        guard age >= 0, age < rest.seconds else { return .now }
        return .after(.seconds(rest.seconds - age))
    }

    private var grown: Duration {
        min(Self.longestRest, .seconds(Self.shortestRest.seconds * Double(sign: .plus, exponent: min(failures, 10), significand: 1)))
    }

    /// This outcome, counted on from `earlier`.
    func following(_ earlier: DynamicDNSOutcome?) -> DynamicDNSOutcome {
        var outcome = self
        outcome.failures = code == .ok ? 0 : (earlier.map { $0.code == .ok ? 0 : $0.failures + 1 } ?? 0)
        return outcome
    }

    /// The outcome in a sentence.
    func condition(_ name: String) -> Condition {
        let (severity, sentence) = told(name)
        return Condition(code: code.rawValue, severity: severity, sentence: sentence, since: at)
    }

    private func told(_ name: String) -> (Severity, String) {
        switch code {
        case .ok: (.ok, address.map { "\(name) leads to \($0)." } ?? "The server knows where \(name) leads to.")
        case .wrongCredentials:
            (.trouble, "The server does not take this user name and password. Correct them; it is not asked again before.")
        case .notAName: (.trouble, "The server says that \(name) is no whole host name. Correct it; it is not asked again before.")
        case .noSuchName: (.trouble, "The server knows no \(name) of this user. Correct the name; it is not asked again before.")
        case .tooManyNames: (.trouble, "The server refuses so many names. It is not asked again before this is saved anew.")
        case .blocked: (.trouble, "The server has blocked \(name) for too many updates. Ask its operator, then save this anew.")
        case .programRefused: (.trouble, "The server does not take updates of this program. Choose another server.")
        case .needsSubscription: (.trouble, "The server wants a subscription for this. Save this anew when there is one.")
        case .serverTrouble: (.attention, "The server has trouble of its own. It is asked again after half an hour.")
        case .unreachable:
            (.trouble, "The server does not answer. It is tried again; look at its address and the box’s way to the internet.")
        case .certificate: (.trouble, "The server’s certificate is not right, so nothing was sent to it. Look at its address.")
        case .nonsense: (.trouble, "What answered is no server for names (dyndns2). Look at its address.")
        }
    }
}
