public import BoxDatabase
public import Core
public import Foundation
public import Logging
import Synchronization

/// The port that the router passes on to the box's page: asked for while it is switched on, kept open, and closed when it is not wanted any more.
public final class PortMapping: Sendable {
    /// As it lies in the database.
    public struct Settings: Codable, Sendable, Equatable {
        public var enabled = false
        /// The port on the internet; nil takes one that is free.
        public var outsidePort: Int?
        /// The address of the router's description; nil searches.
        public var routerURL: String?
        /// The interface that is searched on, by name or address.
        public var interface: String?
        /// Who looks from outside, see `OutsideTest`.
        public var checkerURL: String?

        public init() {}
    }

    /// How it is.
    public struct View: Sendable, Equatable {
        public var condition: Condition
        /// The router's address on the internet, as it last said.
        public var outsideAddress: String?
        public var outsidePort: Int?
        /// When the router closes the port unless it is asked again; nil while it stays for ever.
        public var until: Date?
        public var router: String?
    }

    /// What may be open in a router, known after a crash as well.
    private struct Opened: Codable {
        var port: Int
        var description: String
        var router: String
    }

    private struct State {
        var view: View
        var opened: Opened?
        var isEnabled = false
        var routers = PassingRouters()
        /// What the box serves; nil before it does.
        var served: (port: Int, isEncrypted: Bool)?
        /// Whether the address is wanted without a port.
        var wantsAddress = false
        /// The router was asked for what is wanted now.
        var isSettled = false
        /// Of the settings: those that were set, and those in force.
        var wanted = 0
        var inForce = 0
        var backOff = BackOff(first: .seconds(20), longest: .seconds(600), shortest: .seconds(10))
    }

    private static let setting = "reach.mapping"
    private static let openedSetting = "reach.opened"
    private static let leaseSeconds = 3600
    /// How often the router is asked again: it may have started anew, and its address may have changed.
    private static let look = Duration.seconds(300)
    private static let closingLimit = Duration.seconds(5)
    private static let patience = 250
    private static let pause = Duration.milliseconds(20)

    private let database: BoxDatabase
    private let router: RouterProcess
    private let allowsLoopback: Bool
    private let time: TimeSource
    private let logger: Logger
    private let state: Mutex<State>
    private let changed = Signal()
    /// Raised when the address on the internet is another one, or not known any more.
    let moved = Signal()

    /// A mapping in the hands of `router`.
    public init(database: BoxDatabase, router: RouterProcess, allowsLoopback: Bool, time: TimeSource, logger: Logger) {
        self.database = database
        self.router = router
        self.allowsLoopback = allowsLoopback
        self.time = time
        self.logger = logger
        state = Mutex(State(view: View(condition: MappingCondition.off(time.now()))))
    }

    public var view: View { state.withLock { $0.view } }

    /// Whether a request from `address` may be somebody's outside, whom the router passed on.
    public func passesOn(_ address: String) -> Bool {
        state.withLock { ($0.isEnabled || $0.opened != nil) && $0.routers.contains(address) }
    }

    /// Whether the box speaks to a router at `text`.
    public func admits(_ text: String) -> Bool { RouterURL(text, allowsLoopback: allowsLoopback) != nil }

    /// The address that others reach, if there is one; `isKnown` is false before the router was asked.
    var reachable: (address: String?, isKnown: Bool, isPrivate: Bool) {
        state.withLock { state in
            guard let text = state.view.outsideAddress, let address = OutsideAddress(text) else {
                return (nil, state.isSettled, false)
            }
            return isOpen(address) ? (text, true, false) : (nil, true, true)
        }
    }

    private func isOpen(_ address: OutsideAddress) -> Bool { address.kind == .open || allowsLoopback && address.isLoopback }

    // MARK: Settings

    public func settings() async throws -> Settings {
        try await database.read { try $0.setting(Self.setting, as: Settings.self) } ?? Settings()
    }

    /// Sets it, and waits until it is begun; a port that is switched off is closed by then.
    public func set(_ settings: Settings) async throws {
        try await database.write { try $0.set(Self.setting, to: settings) }
        let wanted = state.withLock { state in
            state.wanted += 1
            state.isSettled = false
            // From now on: the port may be open before the box hears of it.
            state.isEnabled = state.isEnabled || settings.enabled
            return state.wanted
        }
        changed.raise()
        for _ in 0..<Self.patience where state.withLock({ $0.inForce < wanted }) { try await time.sleep(Self.pause) }
    }

    /// The box serves its page on `port` from now on.
    public func serve(port: Int, isEncrypted: Bool) {
        state.withLock { $0.served = (port, isEncrypted) }
        changed.raise()
    }

    /// Asks the router for its address without a port, or no more.
    func wantAddress(_ wants: Bool) {
        let differs = state.withLock { state in
            guard state.wantsAddress != wants else { return false }
            state.wantsAddress = wants
            state.isSettled = !wants
            return true
        }
        if differs { changed.raise() }
    }

    // MARK: At work

    /// Keeps the port open as the settings say until cancelled, then closes it.
    public func run() async {
        let opened = try? await database.read { try $0.setting(Self.openedSetting, as: Opened.self) }
        state.withLock { state in
            state.opened = opened
            state.routers = PassingRouters(PassingRouters.ofThisMachine() + (opened.map { [$0.router] } ?? []))
        }
        while !Task.isCancelled {
            let number = state.withLock { $0.wanted }
            let wait = await turn(number)
            state.withLock { $0.isSettled = $0.wanted == number }
            moved.raise()
            await changed.wait(atMost: wait, time: time)
        }
        // Not part of what was cancelled.
        await Task { await self.close(within: Self.closingLimit) }.value
    }

    /// Does what is due; how long it may rest then.
    private func turn(_ number: Int) async -> Duration {
        guard let settings = try? await settings() else { return Self.look }
        guard settings.enabled else {
            await close(within: Self.closingLimit, searches: true)
            let open = state.withLock { state in
                state.isEnabled = state.wanted != number
                return state.opened?.port
            }
            enter(open.map { MappingCondition.notClosed($0, time.now()) } ?? MappingCondition.off(time.now()), number)
            if state.withLock({ $0.wantsAddress }) {
                await lookOnly(settings)
            } else {
                move { $0.outsideAddress = nil }
            }
            return Self.look
        }
        state.withLock { $0.isEnabled = true }
        guard let served = state.withLock({ $0.served }) else {
            enter(MappingCondition.looking(time.now()), number)
            return Self.look
        }
        guard served.isEncrypted else {
            enter(MappingCondition.notEncrypted(time.now()), number)
            return Self.look
        }
        if view.outsidePort == nil || state.withLock({ $0.inForce < number }) { enter(MappingCondition.looking(time.now()), number) }
        return await map(settings, served.port, number)
    }

    private func lookOnly(_ settings: Settings) async {
        let errand = RouterErrand(action: .look, description: settings.routerURL, interface: settings.interface)
        let report = try? await router.run(errand)
        move { view in
            view.outsideAddress = report?.outsideAddress
            view.router = report?.router
        }
    }

    private func map(_ settings: Settings, _ port: Int, _ number: Int) async -> Duration {
        let opened = state.withLock { $0.opened }
        if let opened,
            settings.outsidePort.map({ $0 != opened.port }) ?? false || settings.routerURL.map({ $0 != opened.description }) ?? false
        {
            await close(within: Self.closingLimit)
        }
        let ports = settings.outsidePort.map { [$0] } ?? Self.ports(first: opened?.port, port)
        let errand = RouterErrand(
            action: .map, description: settings.routerURL, interface: settings.interface, port: port, outsidePorts: ports,
            leaseSeconds: Self.leaseSeconds)
        do throws(RouterFailure) {
            let report = try await router.run(errand)
            return await mapped(report, number)
        } catch {
            guard !Task.isCancelled else { return Self.look }
            logger.warning("no port on the internet", metadata: ["reason": "\(error.kind.rawValue)", "code": "\(error.code ?? 0)"])
            enter(MappingCondition.failed(error, settings, time.now()), number) { view in
                (view.outsideAddress, view.outsidePort, view.until) = (nil, nil, nil)
            }
            return state.withLock { $0.backOff.failed() }
        }
    }

    private func mapped(_ report: RouterReport, _ number: Int) async -> Duration {
        guard let port = report.outsidePort, let lease = report.leaseSeconds, let address = OutsideAddress(report.outsideAddress) else {
            return Self.look
        }
        let opened = Opened(port: port, description: report.description, router: report.router)
        try? await database.write { try $0.set(Self.openedSetting, to: opened) }
        let now = time.now()
        let until = lease == 0 ? nil : now.addingTimeInterval(Double(lease))
        if view.outsidePort != port || view.outsideAddress != report.outsideAddress {
            logger.notice(
                "the router passes a port on",
                metadata: ["router": "\(report.router)", "address": "\(report.outsideAddress)", "port": "\(port)"])
        }
        let routers = PassingRouters(PassingRouters.ofThisMachine() + [report.router])
        state.withLock { state in
            state.opened = opened
            state.routers = routers
            state.backOff.succeeded()
        }
        let condition = isOpen(address) ? MappingCondition.mapped(report, port, now) : MappingCondition.unreachable(address, report, now)
        enter(condition, number) { view in
            (view.outsideAddress, view.outsidePort, view.until, view.router) = (report.outsideAddress, port, until, report.router)
        }
        return lease == 0 ? Self.look : min(Self.look, .milliseconds(lease * 500))
    }

    /// The box's own port first, or the one of before; then others that people can remember, then any.
    private static func ports(first: Int?, _ port: Int) -> [Int] {
        var ports: [Int] = []
        for port in [first, port, 8443, 8444, 9443, 18_443, 28_443].compactMap({ $0 })
            + (0..<3).map({ _ in Int.random(in: 20_000...60_000) })
        where !ports.contains(port) { ports.append(port) }
        return ports
    }

    /// Closes what is open, if it is.
    private func close(within limit: Duration, searches: Bool = false) async {
        guard let opened = state.withLock({ $0.opened }) else { return }
        var errand = RouterErrand(action: .unmap, description: opened.description, outsidePorts: [opened.port])
        do throws(RouterFailure) {
            do throws(RouterFailure) {
                _ = try await router.run(errand, within: limit)
            } catch {
                guard searches, error.kind != .refused else { throw error }
                // A router that started anew may tell about itself at another place.
                errand.description = nil
                _ = try await router.run(errand)
            }
        } catch {
            // It closes by itself when its time is over, unless it was given for ever; forgotten it must not be, it is tried again.
            logger.warning("the router did not close the port", metadata: ["port": "\(opened.port)", "reason": "\(error.kind.rawValue)"])
            state.withLock { ($0.view.outsidePort, $0.view.until) = (nil, nil) }
            return
        }
        logger.notice("the router passes the port on no more", metadata: ["port": "\(opened.port)"])
        try? await database.write { try $0.set(Self.openedSetting, to: Opened?.none) }
        state.withLock { state in
            state.opened = nil
            (state.view.outsidePort, state.view.until) = (nil, nil)
        }
    }

    // MARK: State

    private func enter(_ condition: Condition, _ number: Int, _ change: (inout View) -> Void = { _ in }) {
        move { view in
            view.condition = condition.continuing(view.condition)
            change(&view)
        }
        state.withLock { $0.inForce = max($0.inForce, number) }
    }

    private func move(_ change: (inout View) -> Void) {
        let hasMoved = state.withLock { state in
            let before = state.view
            change(&state.view)
            return before.outsideAddress != state.view.outsideAddress || before.condition.code != state.view.condition.code
        }
        if hasMoved { moved.raise() }
    }
}
