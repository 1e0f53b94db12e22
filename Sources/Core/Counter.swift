import Synchronization

/// Counts up, from any thread.
public final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    public init() {}

    /// Counts one more and answers the new count.
    @discardableResult
    public func next() -> Int {
        count.add(1, ordering: .relaxed).newValue
    }

    /// Counts some more and answers the new count.
    @discardableResult
    public func add(_ number: Int) -> Int {
        count.add(number, ordering: .relaxed).newValue
    }

    /// The count.
    public var value: Int { count.load(ordering: .relaxed) }
}
