import Synchronization

/// The last lines of the log, in bounded memory; for whoever helps with the box.
public final class LogKeeper: Sendable {
    private struct State {
        var lines: [String] = []
        /// Of `lines`, those before it are gone.
        var first = 0
        var bytes = 0
        var limit = LogKeeper.usualLimit
    }

    /// Bytes that are kept always.
    public static let usualLimit = 512 << 10
    /// Bytes that are kept while somebody collects.
    public static let collectedLimit = 8 << 20

    private let state = Mutex(State())

    public init() {}

    /// Keeps more from now on, or no more than usual.
    public func collect(_ isCollecting: Bool) {
        state.withLock { state in
            state.limit = isCollecting ? Self.collectedLimit : Self.usualLimit
            Self.shorten(&state)
        }
    }

    /// One line, with its end.
    public func add(_ line: String) {
        state.withLock { state in
            state.lines.append(line)
            state.bytes += line.utf8.count
            Self.shorten(&state)
        }
    }

    /// The oldest first.
    public var lines: [String] { state.withLock { Array($0.lines[$0.first...]) } }
    public var size: (lines: Int, bytes: Int) { state.withLock { ($0.lines.count - $0.first, $0.bytes) } }

    private static func shorten(_ state: inout State) {
        while state.bytes > state.limit, state.first < state.lines.count {
            state.bytes -= state.lines[state.first].utf8.count
            state.lines[state.first] = ""
            state.first += 1
        }
        // Each line is moved once for as many as went.
        guard state.first > 1000, state.first > state.lines.count / 2 else { return }
        state.lines.removeFirst(state.first)
        state.first = 0
    }
}
