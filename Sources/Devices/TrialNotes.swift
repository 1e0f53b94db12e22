import Cameras
import Core
import Foundation
import Synchronization

/// The report while it is written.
final class TrialNotes: Sendable {
    private let state: Mutex<OnboardingReport>
    private let tell: @Sendable (OnboardingReport) -> Void

    init(_ report: OnboardingReport, tell: @escaping @Sendable (OnboardingReport) -> Void) {
        state = Mutex(report)
        self.tell = tell
    }

    var report: OnboardingReport { state.withLock { $0 } }

    func change(_ change: (inout OnboardingReport) -> Void) {
        let report = state.withLock { report in
            change(&report)
            return report
        }
        tell(report)
    }

    func begin(_ name: OnboardingReport.StepName) { change { $0.set(name, .working, Self.doing(name)) } }

    private static func doing(_ name: OnboardingReport.StepName) -> String {
        switch name {
        case .reach: "Looking whether it answers."
        case .signIn: "Signing in."
        case .identify, .channels: "Asking what it is."
        case .streams: "Watching its video."
        case .events: "Waiting for its first message."
        case .clock: "Comparing clocks."
        case .compatibility: "Looking for what stands against it."
        }
    }

    func done(_ name: OnboardingReport.StepName, _ sentence: String) { change { $0.set(name, .ok, sentence) } }
    func skip(_ name: OnboardingReport.StepName, _ sentence: String) { change { $0.set(name, .skipped, sentence) } }

    func fail(_ failure: DeviceFailure, at date: Date) {
        change { report in
            let at = report.steps.first { $0.state == .working }?.name ?? report.steps.first { $0.state == .waiting }?.name ?? .reach
            // A lock or a wrong password is said where one signs in, wherever it was noticed.
            let signIn: [DeviceFailure.Code] = [.wrongPassword, .locked, .insecure, .forbidden]
            report.set(signIn.contains(failure.code) ? .signIn : at, .failed, failure.sentence)
            report.finish(at: date)
        }
    }
}
