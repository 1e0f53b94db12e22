/// Rung whenever there may be more of something: one for all who take it at the same place, so that they are woken together.
public protocol Bell: AnyObject, Sendable {
    /// From any thread.
    func ring()
}
