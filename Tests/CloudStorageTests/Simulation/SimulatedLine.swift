import Core
import Synchronization

/// A line of some rate that all transfers share: it carries one piece after the other.
final class SimulatedLine: Sendable {
    private let machine: SimulatedMachine
    private let bytesPerSecond: Double
    private let freeAt = Mutex(Duration.zero)

    init(machine: SimulatedMachine, bitsPerSecond: Double) {
        self.machine = machine
        bytesPerSecond = bitsPerSecond / 8
    }

    /// Returns when the piece has gone.
    func carry(_ bytes: Int) async throws {
        let now = machine.uptime
        let end = freeAt.withLock { freeAt in
            freeAt = max(freeAt, now) + .seconds(Double(bytes) / bytesPerSecond)
            return freeAt
        }
        try await machine.sleep(end - now)
    }
}
