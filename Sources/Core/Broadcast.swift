import Synchronization

/// A bounded fan-out: each listener has a queue of its own; one that falls behind loses its oldest elements, never the sender's time.
public final class Broadcast<Element: Sendable>: Sendable {
    private struct State {
        var listeners: [Int: AsyncStream<Element>.Continuation] = [:]
        var next = 0
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// A fan-out whose listeners queue at most `capacity` elements.
    public init(capacity: Int) {
        self.capacity = capacity
    }

    /// Gives `element` to every listener.
    public func send(_ element: Element) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners { listener.yield(element) }
    }

    /// The elements sent from now on, until the listener stops listening or the broadcast is finished.
    public func listen() -> AsyncStream<Element> {
        AsyncStream(bufferingPolicy: .bufferingNewest(capacity)) { continuation in
            let id = state.withLock { state in
                state.next += 1
                state.listeners[state.next] = continuation
                return state.next
            }
            continuation.onTermination = { [weak self] _ in
                self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
            }
        }
    }

    /// Ends every listener's stream.
    public func finish() {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners { listener.finish() }
    }

    /// How many listen now.
    public var listenerCount: Int { state.withLock { $0.listeners.count } }
}
