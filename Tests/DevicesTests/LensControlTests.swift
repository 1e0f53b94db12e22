import Cameras
import Core
import Devices
import Foundation
import Synchronization
import TestSupport
import Testing

/// A lens that notes what it is told.
private final class NotingLens: CameraDriver {
    let kind = DriverKind.isapi
    private let state = Mutex<(commands: [String], refusals: Int)>(([], 0))
    private let refusesMoves = Mutex(false)
    var commands: [String] { state.withLock { $0.commands } }

    func describe() async throws(DeviceFailure) -> DeviceDescription { throw .unsupported("this") }
    func move(_ channel: DeviceChannel, _ movement: LensMovement) async throws(DeviceFailure) {
        state.withLock { $0.commands.append("move \(movement.pan)") }
        if refusesMoves.withLock({ $0 }) { throw DeviceFailure(.silent, "") }
    }
    func refuseMoves() { refusesMoves.withLock { $0 = true } }
    func stop(_ channel: DeviceChannel) async throws(DeviceFailure) {
        let refuses = state.withLock { state in
            state.commands.append("stop")
            defer { state.refusals = max(0, state.refusals - 1) }
            return state.refusals > 0
        }
        if refuses { throw DeviceFailure(.silent, "") }
    }
    func refuseStops(_ count: Int) { state.withLock { $0.refusals = count } }
}

@Suite struct LensControlTests {
    private let channel = DeviceChannel(number: 1, name: "Dome", input: .own)

    @Test func aLostClientStopsTheLensWithinASecond() async throws {
        let (time, lens) = (ManualTime(), NotingLens())
        let control = LensControl(time: time.source)
        try await control.hold(channel, LensMovement(pan: 0.5), driver: lens)
        #expect(lens.commands == ["move 0.5"])
        #expect(await eventually { time.sleepers > 0 })
        time.advance(.milliseconds(999))
        #expect(await eventually { lens.commands == ["move 0.5", "stop"] })
    }

    @Test func renewalGoesOnWithoutNewCommands() async throws {
        let (time, lens) = (ManualTime(), NotingLens())
        let control = LensControl(time: time.source)
        for _ in 0..<5 {
            try await control.hold(channel, LensMovement(pan: 0.5), driver: lens)
            #expect(await eventually { time.sleepers > 0 })
            time.advance(.milliseconds(400))
        }
        #expect(lens.commands == ["move 0.5"])
        try await control.hold(channel, LensMovement(pan: -0.5), driver: lens)
        try await control.release(channel, driver: lens)
        #expect(lens.commands == ["move 0.5", "move -0.5", "stop"])
        #expect(await eventually { time.sleepers == 0 })
    }

    @Test func aMovementWhoseAnswerIsLostIsStoppedAllTheSame() async throws {
        let (time, lens) = (ManualTime(), NotingLens())
        lens.refuseMoves()
        let control = LensControl(time: time.source)
        await #expect(throws: DeviceFailure.self) { try await control.hold(channel, LensMovement(pan: 1), driver: lens) }
        #expect(await eventually { lens.commands == ["move 1.0", "stop"] })
    }

    @Test func aStopThatFailsIsTriedAgain() async throws {
        let (time, lens) = (ManualTime(), NotingLens())
        lens.refuseStops(2)
        let control = LensControl(time: time.source)
        try await control.hold(channel, LensMovement(zoom: 1), driver: lens)
        for stops in 1...3 {
            #expect(await eventually { time.sleepers > 0 })
            time.advance(.seconds(1))
            #expect(await eventually { lens.commands.count { $0 == "stop" } == stops })
        }
    }
}
