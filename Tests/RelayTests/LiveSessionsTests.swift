import Core
import Logging
import Media
import Synchronization
import TestSupport
import Testing

@testable import Relay

/// Who watches has a permission, a limit, and is told when either ends.
@Suite struct LiveSessionsTests {
    private final class Bench: Sendable {
        let clock = ManualTime()
        let sessions: LiveSessions
        private let permitted = Mutex(true)

        init() {
            sessions = LiveSessions(time: clock.source, logger: Logger(label: "test"))
        }

        func withdraw() { permitted.withLock { $0 = false } }

        func begin(limit: Duration? = nil, isLocal: Bool = false, person: String = "anna") throws -> (session: LiveSession, token: String) {
            guard let channel = ChannelID("front") else { throw CancellationError() }
            return try sessions.begin(
                channel, .main, person: person, address: "192.0.2.7", isLocal: isLocal, limit: limit,
                permission: LiveSessions.Permission(key: "anna") { self.permitted.withLock { $0 } })
        }

        /// Runs the watch over sessions beside `body`.
        func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
            try await withThrowingTaskGroup { group in
                group.addTask { [sessions] in await sessions.run() }
                group.addTask { try await body() }
                _ = try await group.next()
                group.cancelAll()
            }
        }

        /// Lets the clock go on, a second at a time.
        func pass(_ seconds: Int) async {
            for _ in 0..<seconds {
                _ = await eventually { self.clock.sleepers > 0 }
                clock.advance(.seconds(1))
            }
        }
    }

    @Test func theTokenIsThePermissionAndNoOtherIs() throws {
        let bench = Bench()
        let (session, token) = try bench.begin()
        #expect(try bench.sessions.attach(token: token, way: .mp4, isLocal: true).session.id == session.id)
        for wrong in ["", token + "x", String(token.dropLast()), session.id.text] {
            #expect(throws: LiveRefusal.self) { try bench.sessions.attach(token: wrong, way: .mp4, isLocal: true) }
        }
        bench.sessions.end(session.id)
        #expect(throws: LiveRefusal.self) { try bench.sessions.attach(token: token, way: .mp4, isLocal: true) }
    }

    /// What began at the site has no limit; its token is nothing outside.
    @Test func whatBeganAtTheSiteStaysThere() throws {
        let bench = Bench()
        let (_, token) = try bench.begin(isLocal: true)
        #expect(throws: LiveRefusal.self) { try bench.sessions.attach(token: token, way: .mp4, isLocal: false) }
        #expect(throws: LiveRefusal.self) { try bench.sessions.session(token: token, isLocal: false) }
        #expect(try bench.sessions.session(token: token, isLocal: true).isLocal)
    }

    @Test func oneSessionIsNotFetchedOften() throws {
        let bench = Bench()
        let (_, token) = try bench.begin()
        var held = try (0..<16).map { _ in try bench.sessions.attach(token: token, way: .mjpeg, isLocal: true) }
        #expect(throws: LiveRefusal.self) { try bench.sessions.attach(token: token, way: .mjpeg, isLocal: true) }
        held.removeLast()
        held.append(try bench.sessions.attach(token: token, way: .mjpeg, isLocal: true))
        withExtendedLifetime(held) {}
    }

    @Test func aSessionEndsAfterItsLimitUnlessItIsContinued() async throws {
        let bench = Bench()
        try await bench.run {
            let (session, token) = try bench.begin(limit: .seconds(10))
            let attachment = try bench.sessions.attach(token: token, way: .mp4, isLocal: true)
            await bench.pass(8)
            #expect(bench.sessions.prolong(session.id, by: .seconds(10)) != nil)
            await bench.pass(8)
            #expect(bench.sessions.session(session.id) != nil)
            // Whoever fetches is let go at the end.
            _ = await concurrently {
                try? await attachment.whileItLasts { try await bench.clock.source.sleep(.seconds(10_000)) }
            } _: {
                await bench.pass(4)
                #expect(await eventually { bench.sessions.session(session.id) == nil })
            }
            #expect(bench.sessions.prolong(session.id, by: .seconds(10)) == nil)
        }
    }

    @Test func aWithdrawnPermissionEndsItWithinTwoSeconds() async throws {
        let bench = Bench()
        try await bench.run {
            let (session, token) = try bench.begin()
            let attachment = try bench.sessions.attach(token: token, way: .mp4, isLocal: true)
            await bench.pass(3)
            #expect(bench.sessions.session(session.id) != nil)
            bench.withdraw()
            await bench.pass(2)
            #expect(await eventually { bench.sessions.session(session.id) == nil })
            withExtendedLifetime(attachment) {}
        }
    }

    @Test func whatNobodyFetchesIsForgotten() async throws {
        let bench = Bench()
        try await bench.run {
            let (idle, _) = try bench.begin()
            let (fetched, token) = try bench.begin()
            let attachment = try bench.sessions.attach(token: token, way: .hls, isLocal: true)
            await bench.pass(63)
            #expect(await eventually { bench.sessions.session(idle.id) == nil })
            #expect(bench.sessions.session(fetched.id) != nil)
            withExtendedLifetime(attachment) {}
        }
    }

    @Test func thereAreNotMoreThanABoxCanCarry() throws {
        let bench = Bench()
        for _ in 0..<128 { _ = try bench.begin() }
        // One person has half of them; the rest is for others.
        #expect(throws: LiveRefusal.self) { try bench.begin() }
        for _ in 0..<128 { _ = try bench.begin(person: "bert") }
        #expect(throws: LiveRefusal.self) { try bench.begin(person: "carla") }
    }
}
