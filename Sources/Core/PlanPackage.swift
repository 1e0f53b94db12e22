/// What is bought for a channel: for how long its footage is kept, and for how long that holds.
public enum PlanPackage: String, Codable, Sendable, CaseIterable {
    case sevenDaysMonth = "7-days-month"
    case sevenDaysYear = "7-days-year"
    case thirtyDaysMonth = "30-days-month"
    case thirtyDaysYear = "30-days-year"

    /// How long one package lasts.
    public enum Term: String, Codable, Sendable {
        case month
        case year

        /// Calendar months.
        public var months: Int { self == .month ? 1 : 12 }
    }

    /// Days that footage is kept: day 8 overwrites day 1.
    public var retentionDays: Int {
        switch self {
        case .sevenDaysMonth, .sevenDaysYear: 7
        case .thirtyDaysMonth, .thirtyDaysYear: 30
        }
    }

    public var term: Term {
        switch self {
        case .sevenDaysMonth, .thirtyDaysMonth: .month
        case .sevenDaysYear, .thirtyDaysYear: .year
        }
    }
}

/// What a channel's plan lets be recorded now.
public enum PlanCover: Sendable, Equatable {
    /// No plan is needed on this box: what is set for the channel holds.
    case notNeeded
    /// A plan is active, and footage is kept for so many days.
    case active(retentionDays: Int)
    /// No plan is active; a sentence says so and what to do.
    case missing(String)

    /// Whether footage may be recorded.
    public var admits: Bool {
        if case .missing = self { false } else { true }
    }
}
