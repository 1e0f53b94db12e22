/// What a simulation puts between the program and its machine: before work that blocks, before writes, at the crash points.
///
/// It holds for a task and its children. Outside of tests there is none, and nothing happens.
package struct Rehearsal: Sendable {
    /// The one that holds for the present task.
    @TaskLocal package static var current: Rehearsal?

    /// Before work that blocks, which is then done where the task runs; throws where the process has ended.
    package let block: @Sendable () async throws -> Void
    /// Before something is written: the error number that the disk answers, 0 where it does as asked.
    package let write: @Sendable (_ path: String) -> Int32
    /// At a crash point.
    package let reach: @Sendable (_ point: String) -> Void

    package init(
        block: @escaping @Sendable () async throws -> Void, write: @escaping @Sendable (_ path: String) -> Int32,
        reach: @escaping @Sendable (_ point: String) -> Void
    ) {
        self.block = block
        self.write = write
        self.reach = reach
    }
}
