public import Core
import Foundation
import Subprocess
public import SystemPackage

/// Sends processes of their own to the router and judges what they bring back.
public struct RouterProcess: Sendable {
    private static let longestAnswer = 8 << 10
    /// A search takes four seconds where nobody answers; each question to a router at most eight.
    private static let patience = Duration.seconds(45)
    private static let longestLease = 7 * 86_400

    private let path: FilePath
    private let allowsLoopback: Bool
    private let time: TimeSource

    /// `path` is the box's own program.
    public init(path: FilePath, allowsLoopback: Bool, time: TimeSource) {
        self.path = path
        self.allowsLoopback = allowsLoopback
        self.time = time
    }

    /// Runs `errand`, in at most `limit`.
    func run(_ errand: RouterErrand, within limit: Duration = patience) async throws(RouterFailure) -> RouterReport {
        var errand = errand
        errand.allowsLoopback = allowsLoopback
        guard let input = try? JSONEncoder().encode(errand), input.count < RouterMain.longestErrand else { throw RouterFailure(.noService) }
        let answer = await withTaskGroup(of: RouterAnswer?.self) { group in
            group.addTask { await send(Array(input)) }
            group.addTask {
                try? await time.sleep(limit)
                return nil
            }
            // The process ends with its task.
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard let answer else { throw RouterFailure(.silent) }
        if let failure = answer.failure { throw failure }
        guard let report = answer.report, isPlausible(report, errand) else { throw RouterFailure(.noService) }
        return report
    }

    private func send(_ input: [UInt8]) async -> RouterAnswer? {
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .milliseconds(100))]
        _ = BrokenPipes.areErrors
        let outcome = try? await Subprocess.run(
            .path(path), arguments: [RouterMain.argument], environment: .custom(["PATH": "/usr/bin"]), platformOptions: options,
            input: .array(input), output: .bytes(limit: Self.longestAnswer), error: .discarded)
        // One that ended without a word was at the end of its memory or its time.
        return outcome.flatMap { try? JSONDecoder().decode(RouterAnswer.self, from: Data($0.standardOutput)) }
    }

    /// The process read a router's answers, which may have made it say anything.
    private func isPlausible(_ report: RouterReport, _ errand: RouterErrand) -> Bool {
        guard RouterURL(report.description, allowsLoopback: allowsLoopback)?.host == report.router else { return false }
        switch errand.action {
        case .unmap: return true
        case .look: return OutsideAddress(report.outsideAddress) != nil
        case .map:
            return OutsideAddress(report.outsideAddress) != nil && (1...65_535).contains(report.outsidePort ?? 0)
                && (0...Self.longestLease).contains(report.leaseSeconds ?? -1)
        }
    }
}
