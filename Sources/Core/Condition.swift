public import Foundation

/// How bad a condition is.
public enum Severity: String, Codable, Sendable, CaseIterable {
    /// Works as it should.
    case ok
    /// Switched off on purpose.
    case off
    /// Works, but something should be looked at.
    case attention
    /// Does not do its job.
    case trouble
}

/// The condition of a channel, the storage, a worker: what is so, since when, and what to do about it.
public struct Condition: Codable, Sendable, Equatable {
    /// Stable, for programs: `wrong-password`.
    public let code: String
    /// How bad it is.
    public let severity: Severity
    /// A sentence with the cause and the next step.
    public let sentence: String
    /// When it began.
    public let since: Date
    /// What support wants to know; no secrets.
    public let detail: String?

    /// A condition that began at `since`.
    public init(code: String, severity: Severity, sentence: String, since: Date, detail: String? = nil) {
        self.code = code
        self.severity = severity
        self.sentence = sentence
        self.since = since
        self.detail = detail
    }

    /// This condition, dated back if it merely repeats `earlier`.
    public func continuing(_ earlier: Condition?) -> Condition {
        guard let earlier, earlier.code == code else { return self }
        return Condition(code: code, severity: severity, sentence: sentence, since: earlier.since, detail: detail)
    }
}
