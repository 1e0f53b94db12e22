public import BoxDatabase
public import Foundation
import GRDB
import Synchronization

/// Remembers since when things are as they are, over restarts of the box.
public final class StateMemory: Sendable {
    private struct Known: Codable, Equatable {
        var state: String
        /// What the state is of: that of another storage is another state.
        var place: String
        var since: Date
    }

    private struct Memory {
        var known: [String: Known] = [:]
        var isSaved = true
    }

    private static let key = "storage.states"

    private let database: BoxDatabase
    private let memory = Mutex(Memory())

    public init(database: BoxDatabase) {
        self.database = database
    }

    /// Takes up what an earlier life of the box knew.
    public func load() async throws {
        let known = try await database.read { try $0.setting(Self.key, as: [String: Known].self) }
        memory.withLock { $0 = Memory(known: known ?? [:]) }
    }

    /// When `state` of `subject` began: as is remembered, or `began` where it is new.
    ///
    /// What is not certain is looked up and not taken down: a box that has just started does not know yet whether what failed works again.
    public func since(_ state: String, of subject: String, place: String, began: Date, isCertain: Bool = true) -> Date {
        memory.withLock { memory in
            if let known = memory.known[subject], known.state == state, known.place == place { return known.since }
            guard isCertain else { return began }
            memory.known[subject] = Known(state: state, place: place, since: began)
            memory.isSaved = false
            return began
        }
    }

    /// Writes down what has changed.
    public func save() async throws {
        guard let known = memory.withLock({ $0.isSaved ? nil : $0.known }) else { return }
        try await database.write { try $0.set(Self.key, to: known) }
        memory.withLock { memory in if memory.known == known { memory.isSaved = true } }
    }
}
