public import Core
public import Foundation
public import Media

/// How adding a device went, step by step; kept with the device.
public struct OnboardingReport: Codable, Sendable, Equatable {
    public enum StepName: String, Codable, Sendable, CaseIterable {
        case reach
        case signIn = "sign-in"
        case identify
        case channels
        case streams
        case events
        case clock
        case compatibility
    }

    public enum StepState: String, Codable, Sendable {
        case waiting, working, ok, attention, failed, skipped
    }

    public struct Step: Codable, Sendable, Equatable {
        public let name: StepName
        public var state: StepState
        /// What came out of it.
        public var sentence: String
    }

    /// What a channel really sent.
    public struct Capture: Codable, Sendable, Equatable {
        public let channel: Int
        public let streams: [StreamStatus]
        /// Seconds that were watched.
        public let seconds: Double
        /// Why it did not come.
        public let trouble: String?
        /// Of the trouble, for programs.
        public var troubleCode: String?
    }

    public var startedAt: Date
    public var finishedAt: Date?
    public var steps: [Step] = StepName.allCases.map { Step(name: $0, state: .waiting, sentence: "") }
    public var captures: [Capture] = []
    /// Device time minus box time, in seconds.
    public var clockOffset: Double?
    /// What an installer should know or do; sentences.
    public var remarks: [String] = []
    /// Kinds of events that the device does not tell clients of ("notify surveillance center" is off), by channel number.
    public var silentEvents: [Int: [CameraEvent.Category]] = [:]
    /// The definition that fits, and why.
    public var recommendation: String?

    public init(startedAt: Date) {
        self.startedAt = startedAt
    }

    public mutating func set(_ name: StepName, _ state: StepState, _ sentence: String) {
        guard let index = steps.firstIndex(where: { $0.name == name }) else { return }
        steps[index].state = state
        steps[index].sentence = sentence
    }

    /// Steps that never began were not needed, or not reached.
    public mutating func finish(at date: Date) {
        finishedAt = date
        for index in steps.indices where steps[index].state == .waiting || steps[index].state == .working {
            steps[index].state = .skipped
            steps[index].sentence = "Not reached."
        }
    }
}
