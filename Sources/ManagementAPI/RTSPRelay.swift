public import BoxDatabase
import CameraProtocols
public import Core
import Foundation
public import Logging
import NIOCore
import RTSP
import Synchronization

/// Live streams by RTSP, for programs that know nothing else: whether it is switched on, and the server that follows the settings.
public final class RTSPRelay: Sendable {
    static let usualPort = 8554
    static let usualUser = "viewer"

    /// As it lies in the database.
    struct Settings: Codable, Sendable, Equatable {
        var enabled = false
        var port = usualPort
        var userName = usualUser
        /// Sealed.
        var password: Data?
    }

    private struct State {
        var condition: Condition
        /// Of the settings: those that were set, and those in force.
        var wanted = 0
        var inForce = 0
    }

    private static let setting = "relay.rtsp"
    private static let patience = 250
    private static let look = Duration.milliseconds(20)
    private static let retry = Duration.seconds(10)

    private let address: String
    private let database: BoxDatabase
    private let sealer: SecretSealer
    private let source: RelayedStreams
    private let time: TimeSource
    private let logger: Logger
    private let state: Mutex<State>
    private let changed = Signal()

    /// Serves on `address`, as the page does, once it is switched on.
    public init(
        address: String, database: BoxDatabase, sealer: SecretSealer, source: RelayedStreams, time: TimeSource, logger: Logger
    ) {
        self.address = address
        self.database = database
        self.sealer = sealer
        self.source = source
        self.time = time
        self.logger = logger
        state = Mutex(State(condition: Self.off(time.now())))
    }

    // MARK: Settings

    func settings() async throws -> Settings {
        try await database.read { try $0.setting(Self.setting, as: Settings.self) } ?? Settings()
    }

    var condition: Condition { state.withLock { $0.condition } }

    func seal(_ password: String) throws -> Data { try sealer.seal(password, context: Self.setting) }

    /// Sets it, and waits until it is so.
    func set(_ settings: Settings) async throws {
        try await database.write { try $0.set(Self.setting, to: settings) }
        let wanted = state.withLock { state in
            state.wanted += 1
            return state.wanted
        }
        changed.raise()
        for _ in 0..<Self.patience where state.withLock({ $0.inForce < wanted }) { try await time.sleep(Self.look) }
    }

    // MARK: Serving

    /// Serves as the settings say until cancelled.
    public func run() async {
        while !Task.isCancelled {
            let wanted = state.withLock { $0.wanted }
            await withTaskGroup { group in
                group.addTask { await self.serve(wanted) }
                group.addTask { await self.changed.wait() }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func serve(_ number: Int) async {
        while !Task.isCancelled {
            do {
                let settings = try await settings()
                guard settings.enabled, let sealed = settings.password else {
                    enter(Self.off(time.now()), number)
                    return await untilCancelled()
                }
                let credentials = DigestCredentials(
                    username: settings.userName, password: try sealer.unseal(sealed, context: Self.setting))
                let server = RTSPServer(
                    address: address, port: settings.port, credentials: credentials, source: source, time: time, logger: logger)
                try await server.run { [self] port in
                    enter(
                        Condition(
                            code: "ready", severity: .ok, sentence: "Programs can open the cameras on port \(port).", since: time.now()),
                        number)
                }
            } catch {
                guard !Task.isCancelled else { return }
                logger.warning("RTSP is not served", metadata: ["reason": "\(error)"])
                enter(Self.failed(error, time.now()), number)
            }
            try? await time.sleep(Self.retry)
        }
    }

    private func untilCancelled() async {
        while (try? await time.sleep(.seconds(3600))) != nil {}
    }

    private func enter(_ condition: Condition, _ number: Int) {
        state.withLock { state in
            state.condition = condition.continuing(state.condition)
            state.inForce = number
        }
    }

    private static func off(_ now: Date) -> Condition {
        Condition(code: "off", severity: .off, sentence: "Switched off.", since: now)
    }

    private static func failed(_ error: any Error, _ now: Date) -> Condition {
        let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) }
        return Condition(
            code: "port-unavailable", severity: .trouble,
            sentence: "The port cannot be opened\(reason.map { ": \($0)" } ?? ""). Choose another one.", since: now)
    }
}
