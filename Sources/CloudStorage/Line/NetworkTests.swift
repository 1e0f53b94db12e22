public import BoxDatabase
public import Core
public import Foundation
import GRDB
public import Logging
import Synchronization

/// Tests of the line: one at a time, cancellable, with a history, and repeated at a quiet hour where that is wanted.
public final class NetworkTests: Sendable {
    /// A test that was done.
    public struct Entry: Codable, Sendable, Equatable {
        public let at: Date
        public let result: NetworkTestResult
    }

    /// What goes on.
    public struct Now: Sendable, Equatable {
        public var progress: NetworkTestProgress?
        /// Why the last one did not end well; a sentence.
        public var failure: String?
    }

    private struct State {
        var now = Now()
        var task: Task<Void, Never>?
    }

    private static let remembered = 100
    private static let pause: TimeInterval = 20 * 3600

    private let uploader: Uploader
    private let database: BoxDatabase
    private let prefix: String
    private let time: TimeSource
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let state = Mutex(State())

    /// Objects of tests lie under `<box>/trial`.
    public init(
        uploader: Uploader, database: BoxDatabase, box: String, time: TimeSource, logger: Logger, changed: @escaping @Sendable () -> Void
    ) {
        self.uploader = uploader
        self.database = database
        prefix = "\(box)/trial"
        self.time = time
        self.logger = logger
        self.changed = changed
    }

    public var now: Now { state.withLock { $0.now } }

    /// Begins a test; answers false where one goes on already.
    /// - Throws: `StoreError` where no storage is set.
    public func start() throws -> Bool {
        guard let store = uploader.store else { throw StoreError(.refused, "No cloud storage is set, so there is nothing to test.") }
        let begun = state.withLock { state in
            guard state.task == nil else { return false }
            state.now = Now(progress: NetworkTestProgress(stage: .latency, bytes: 0, bitsPerSecond: nil), failure: nil)
            state.task = Task { await self.work(store) }
            return true
        }
        changed()
        return begun
    }

    /// Ends a test that goes on.
    public func cancel() {
        state.withLock { $0.task }?.cancel()
    }

    private func work(_ store: any ObjectStore) async {
        let test = NetworkTest(store: store, prefix: prefix, time: time)
        var failure: String?
        do {
            // What waits gives way, so that the line is measured and not what is left of it.
            let watch = uploader.governor.watch()
            defer { watch.end() }
            let result = try await test.run { progress in
                self.state.withLock { $0.now.progress = progress }
                self.changed()
            }
            if result.measured == .line { uploader.governor.learn(capacity: Double(result.uploadBitsPerSecond) / 8) }
            try await keep(Entry(at: time.now(), result: result))
        } catch is CancellationError {
            failure = "The test was ended before it was done."
        } catch let error as StoreError {
            failure = error.sentence
        } catch {
            failure = "The test could not be done: \(error)"
        }
        let why = failure
        state.withLock { state in
            state.now = Now(progress: nil, failure: why)
            state.task = nil
        }
        changed()
    }

    private func keep(_ entry: Entry) async throws {
        let text = String(decoding: try GatehouseJSON.encoder.encode(entry.result), as: UTF8.self)
        try await database.write { database in
            try database.execute(sql: "INSERT INTO networkTest (at, result) VALUES (?, ?)", arguments: [entry.at, text])
            try database.execute(
                sql: "DELETE FROM networkTest WHERE id NOT IN (SELECT id FROM networkTest ORDER BY id DESC LIMIT ?)",
                arguments: [Self.remembered])
        }
    }

    /// The tests that were done, the newest first.
    public func history() async throws -> [Entry] {
        try await database.read { database in
            try Row.fetchAll(database, sql: "SELECT at, result FROM networkTest ORDER BY id DESC").compactMap { row in
                let text: String = row["result"]
                guard let result = try? GatehouseJSON.decoder.decode(NetworkTestResult.self, from: Data(text.utf8)) else { return nil }
                return Entry(at: row["at"], result: result)
            }
        }
    }

    /// Repeats the test once a day at the hour that is set, until cancelled.
    public func run() async {
        var tried: Date?
        while (try? await time.sleep(.seconds(300))) != nil {
            guard let hour = uploader.governor.settings.testHour, uploader.store?.usesUplink ?? false, uploader.failure == nil,
                uploader.governor.limitBitsPerSecond != 0
            else { continue }
            let last = [try? await history().first?.at, tried].compactMap { $0 }.max()
            let now = time.now()
            guard uploader.governor.hour(of: now) == hour, last.map({ now.timeIntervalSince($0) > Self.pause }) ?? true else { continue }
            tried = now
            do {
                _ = try start()
            } catch {
                logger.warning("the line was not tested", metadata: ["reason": "\(error)"])
            }
        }
    }
}
