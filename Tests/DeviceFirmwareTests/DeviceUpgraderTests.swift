import Cameras
import Core
import DeviceFirmware
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Firmware

/// Cameras that take firmware as they are told to.
private final class Cameras: Sendable {
    struct State {
        var devices: [DeviceUpgrader.Device] = []
        /// How often somebody looked at them.
        var looks = 0
        /// What each was given, in order.
        var given: [(device: DeviceID, bytes: Int)] = []
        /// What a device says and shows after it was given something; nil where it refuses it.
        var after: [DeviceID: (firmware: String, streaming: Int)?] = [:]
    }

    let state = Mutex(State())

    func add(_ name: String, firmware: String = "V5.7.3 build 220112", channels: Int = 1, takesFirmware: Bool = true) -> DeviceID {
        let id = DeviceID.timeOrdered(at: Date())
        let identity = DeviceIdentity(make: "HIKVISION", model: "DS-2CD2043G2-I", firmware: firmware)
        state.withLock { state in
            state.devices.append(
                .init(
                    id: id, name: name, identity: identity, takesFirmware: takesFirmware, channels: channels, streaming: channels))
            state.after[id] = ("V5.7.13 build 230713", channels)
        }
        return id
    }

    func change(_ id: DeviceID, _ body: (inout DeviceUpgrader.Device) -> Void) {
        state.withLock { state in
            guard let index = state.devices.firstIndex(where: { $0.id == id }) else { return }
            body(&state.devices[index])
        }
    }

    func upgrade(_ id: DeviceID, _ bytes: Int) throws(DeviceFailure) {
        let after = state.withLock { state in
            state.given.append((id, bytes))
            return state.after[id] ?? nil
        }
        guard let after else { throw DeviceFailure(.deviceError, "The device refuses the file.") }
        change(id) { device in
            device.identity.firmware = after.firmware
            device.streaming = after.streaming
        }
    }

    var given: [DeviceID] { state.withLock { $0.given.map(\.device) } }
}

@Suite(.timeLimit(.minutes(1))) struct DeviceUpgraderTests {
    private let folder: TemporaryFolder
    private let time = ManualTime()
    private let cameras = Cameras()
    private let repository: ReleaseRepository
    private let key = SigningKey()
    private static let held =
        "Another camera has no picture since its upgrade, and no second one is to be without recording. See to it first."
    private static let content = Data((0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })

    init() throws {
        folder = try TemporaryFolder()
        repository = ReleaseRepository(folder.place("repository"))
        let keys = ReleaseRepository.RoleKeys([key.publicKey], threshold: 1)
        try repository.stageRoot(
            [.root: keys, .targets: keys, .snapshot: keys, .timestamp: keys], expires: expiry.addingTimeInterval(86_400))
        let file = folder.place("digicap.dav")
        try Self.content.write(to: file)
        try repository.add(
            deviceFirmware: file,
            DeviceFirmwareOffer(
                make: "Hikvision", models: ["DS-2CD2043G2-I"], version: "V5.7.13 build 230713", page: "https://example.com/fw"),
            notes: "Closes a hole.", expires: expiry)
        try publish()
    }

    private var expiry: Date { time.source.now().addingTimeInterval(30 * 86_400) }

    private func publish() throws {
        _ = try repository.sign(with: [key])
        try repository.publish(with: [key], .init(snapshot: expiry, timestamp: expiry))
    }

    private func upgrader() -> DeviceUpgrader {
        let root = folder.place("repository/metadata/1.root.json").path
        return DeviceUpgrader(
            .init(
                folder: folder.place("box"), root: { FileManager.default.contents(atPath: root).map(Array.init) },
                source: { [place = folder.place("repository")] in FolderSource(place) }, isTimeKnown: { true },
                devices: { [cameras] in
                    cameras.state.withLock { state in
                        state.looks += 1
                        return state.devices
                    }
                }, refresh: { _ in },
                upgrade: { [cameras] id, file, bytes async throws(DeviceFailure) in
                    #expect(FileManager.default.contents(atPath: file) == Self.content)
                    try cameras.upgrade(id, bytes)
                }, reservedBytes: { 0 }, changed: {}, time: time.source, logger: Logger(label: "test")))
    }

    /// While `body` runs the clock goes on whenever somebody waits for it.
    private func running(_ upgrader: DeviceUpgrader, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withBackgroundWork {
            await upgrader.run()
        } _: {
            try await body()
        }
    }

    private func ended(_ upgrader: DeviceUpgrader, _ id: DeviceID) async throws -> DeviceUpgrade {
        let isEnded = await time.pass(.seconds(5), atMost: .seconds(7200)) {
            [.done, .failed].contains(await upgrader.upgrade(of: id)?.state)
        }
        #expect(isEnded)
        return try #require(await upgrader.upgrade(of: id))
    }

    @Test func findsWhatIsNewerAndBringsItOneAfterTheOther() async throws {
        let (first, second) = (cameras.add("Door"), cameras.add("Yard"))
        _ = cameras.add("New", firmware: "V5.7.13 build 230713")
        // Its picture comes back later.
        cameras.state.withLock { $0.after[first] = ("V5.7.13 build 230713", 0) }
        let upgrader = upgrader()
        try await running(upgrader) {
            try await upgrader.check()
            let available = cameras.state.withLock(\.devices).map(\.identity)
            #expect(await upgrader.available(for: available[0])?.version == "V5.7.13 build 230713")
            #expect(await upgrader.available(for: available[0])?.notes == "Closes a hole.")
            #expect(await upgrader.available(for: available[2]) == nil)
            try await upgrader.upgrade([first, second], by: "Anna")
            #expect(await eventually { await upgrader.step == .verifying })
            // It looks again and again, and finds no picture.
            for _ in 0..<8 {
                let looks = cameras.state.withLock(\.looks)
                #expect(await eventually { time.sleepers > 0 })
                time.advance(.seconds(5))
                #expect(await eventually { cameras.state.withLock(\.looks) > looks })
            }
            #expect(cameras.given == [first])
            #expect(await upgrader.upgrade(of: second)?.state == .waiting)
            cameras.change(first) { $0.streaming = 1 }
            #expect(try await ended(upgrader, first).state == .done)
            #expect(try await ended(upgrader, second).state == .done)
            #expect(cameras.given == [first, second])
        }
    }

    @Test func noSecondCameraIsWithoutRecording() async throws {
        let (first, second, third) = (cameras.add("Door"), cameras.add("Yard"), cameras.add("Gate"))
        cameras.state.withLock { $0.after[first] = ("V5.7.13 build 230713", 0) }
        let upgrader = upgrader()
        try await running(upgrader) {
            try await upgrader.check()
            try await upgrader.upgrade([first, second], by: "Anna")
            let failed = try await ended(upgrader, first)
            #expect(failed.reason == "The device has V5.7.13 build 230713, and its picture has not come back.")
            #expect(failed.file.map { FileManager.default.fileExists(atPath: $0) } == true, "somebody may want it")
            let held = try await ended(upgrader, second)
            #expect(
                held.reason == Self.held)
            #expect(cameras.given == [first])
            // Somebody saw to it.
            cameras.change(first) { $0.streaming = 1 }
            try await upgrader.upgrade([third], by: "Anna")
            #expect(try await ended(upgrader, third).state == .done)
        }
    }

    @Test func oneThatHasAnotherVersionThanItWasGivenIsToldOf() async throws {
        let id = cameras.add("Door")
        cameras.state.withLock { $0.after[id] = ("V5.7.4 build 220601", 1) }
        let upgrader = upgrader()
        try await running(upgrader) {
            try await upgrader.check()
            try await upgrader.upgrade([id], by: "Anna")
            #expect(try await ended(upgrader, id).reason == "The device took the firmware, and still says V5.7.4 build 220601.")
        }
    }

    @Test func oneThatRefusesIsNoReasonToStop() async throws {
        let (first, second) = (cameras.add("Door"), cameras.add("Yard"))
        cameras.state.withLock { $0.after[first] = .some(nil) }
        let upgrader = upgrader()
        try await running(upgrader) {
            try await upgrader.check()
            try await upgrader.upgrade([first, second], by: "Anna")
            #expect(try await ended(upgrader, first).reason == "The device refuses the file.")
            #expect(try await ended(upgrader, second).state == .done)
        }
    }

    @Test func whatCannotBeUpgradedIsRefusedWithItsReason() async throws {
        let recorder = cameras.add("Recorder", channels: 4)
        let foreign = cameras.add("Foreign", takesFirmware: false)
        let current = cameras.add("Current", firmware: "V5.7.13")
        let good = cameras.add("Good")
        let upgrader = upgrader()
        try await upgrader.check()
        for (id, reason) in [
            (recorder, "Recorder: Several cameras would not be recorded meanwhile. Upgrade it by itself, on its own page."),
            (foreign, "Foreign: The box cannot give it firmware. Do it on the device's own page."),
            (current, "There is no newer firmware for Current."),
        ] {
            await #expect(throws: DeviceUpgradeRefusal.self) { try await upgrader.upgrade([good, id], by: "Anna") }
            do { try await upgrader.upgrade([id], by: "Anna") } catch { #expect("\(error)" == reason) }
        }
        #expect(await upgrader.upgrade(of: good) == nil, "all of them or none")
        try await upgrader.upgrade([good], by: "Anna")
        await #expect(throws: DeviceUpgradeRefusal.self) { try await upgrader.upgrade([good], by: "Anna") }
        try await upgrader.cancel(good)
        #expect(await upgrader.upgrade(of: good) == nil)
    }

    @Test func whatWasWithdrawnOrAlteredNobodyGets() async throws {
        let (first, second) = (cameras.add("Door"), cameras.add("Yard"))
        let upgrader = upgrader()
        try await upgrader.check()
        try await upgrader.upgrade([first], by: "Anna")
        let chunks = folder.place("repository/chunks")
        let paths = try FileManager.default.subpathsOfDirectory(atPath: chunks.path).filter { $0.count > 60 }
        let piece = chunks.appending(path: try #require(paths.first))
        var bytes = try Data(contentsOf: piece)
        bytes[0] ^= 1
        try bytes.write(to: piece)
        try await running(upgrader) {
            #expect(try await ended(upgrader, first).reason?.hasSuffix("is not as it was signed.") == true)
            try repository.withdraw(deviceFirmware: "devices/hikvision/ds-2cd2043g2-i/v5.7.13-build-230713.json", expires: expiry)
            try publish()
            try await upgrader.upgrade([second], by: "Anna")
            #expect(try await ended(upgrader, second).reason == "The firmware is not offered any more.")
            #expect(cameras.given.isEmpty)
        }
    }

    @Test func aBoxThatWasRestartedMeanwhileLooksWhatBecameOfIt() async throws {
        let id = cameras.add("Door")
        cameras.state.withLock { $0.after[id] = ("V5.7.13 build 230713", 0) }
        let before = upgrader()
        try await before.check()
        try await before.upgrade([id], by: "Anna")
        try await running(before) {
            let isThere = await eventually { await before.step == .verifying }
            #expect(isThere)
        }
        cameras.change(id) { $0.streaming = 1 }
        let after = upgrader()
        try await running(after) {
            let upgrade = try await ended(after, id)
            #expect(upgrade.state == .done)
        }
        #expect(cameras.given == [id])
    }

    /// A file that somebody brought for a device.
    private func byHand(_ upgrader: DeviceUpgrader, _ id: DeviceID) async throws -> String {
        let file = folder.place("by-hand-\(UUID().uuidString)").path
        try Self.content.write(to: URL(filePath: file))
        try await upgrader.upgradeByHand(id, file: file, bytes: Self.content.count)
        return file
    }

    @Test func theLineAndWhoUpgradesByHandWaitForEachOther() async throws {
        let (first, other, third) = (cameras.add("Door"), cameras.add("Yard"), cameras.add("Gate"))
        cameras.state.withLock { $0.after[other] = ("V5.7.13 build 230713", 0) }
        let upgrader = upgrader()
        try await running(upgrader) {
            try await upgrader.check()
            let file = try await byHand(upgrader, other)
            await #expect(throws: DeviceUpgradeRefusal.self) { try await upgrader.mayUpgradeByHand(third) }
            await #expect(throws: DeviceUpgradeRefusal.self) { _ = try await byHand(upgrader, third) }
            try await upgrader.upgrade([first], by: "Anna")
            #expect(await eventually { await upgrader.step == .waiting })
            #expect(await eventually { !FileManager.default.fileExists(atPath: file) })
            #expect(cameras.given == [other], "its picture is not back")
            cameras.change(other) { $0.streaming = 1 }
            #expect(try await ended(upgrader, first).state == .done)
            #expect(cameras.given == [other, first])
        }
    }

    @Test func whatWasNotGivenYetCanBeLeftOutAndOutlivesARestart() async throws {
        let (first, second, other) = (cameras.add("Door"), cameras.add("Gate"), cameras.add("Yard"))
        cameras.state.withLock { $0.after[other] = ("V5.7.13 build 230713", 0) }
        let before = upgrader()
        try await before.check()
        try await before.upgrade([first, second], by: "Anna")
        try await running(before) {
            _ = try await byHand(before, other)
            let waits = await eventually { await before.step == .waiting }
            #expect(waits)
            try await before.cancel(first)
            #expect(await before.upgrade(of: first) == nil)
        }
        cameras.change(other) { $0.streaming = 1 }
        let after = upgrader()
        #expect(await after.upgrade(of: second)?.state == .waiting)
        try await after.check()
        try await running(after) {
            let upgrade = try await ended(after, second)
            #expect(upgrade.state == .done)
        }
        #expect(cameras.given == [other, second])
    }

    @Test func askingAgainForADarkOneLetsNoOtherBeginWith() async throws {
        let (dark, other) = (cameras.add("Door"), cameras.add("Yard"))
        cameras.state.withLock { $0.after[dark] = ("V5.7.4 build 220601", 0) }
        let upgrader = upgrader()
        try await running(upgrader) {
            try await upgrader.check()
            try await upgrader.upgrade([dark], by: "Anna")
            #expect(try await ended(upgrader, dark).state == .failed)
            try await upgrader.upgrade([dark, other], by: "Anna")
            #expect(try await ended(upgrader, dark).state == .failed)
            #expect(try await ended(upgrader, other).reason == Self.held)
            await #expect(throws: DeviceUpgradeRefusal.self) { try await upgrader.mayUpgradeByHand(other) }
            #expect(cameras.given == [dark, dark])
        }
    }

    @Test func oneThatIsAnotherByNowGetsNothing() async throws {
        let (other, newer) = (cameras.add("Door"), cameras.add("Yard"))
        let upgrader = upgrader()
        try await upgrader.check()
        try await upgrader.upgrade([other, newer], by: "Anna")
        cameras.change(other) { $0.identity.model = "DS-2CD2083G2-I" }
        cameras.change(newer) { $0.identity.firmware = "V5.8.0 build 240101" }
        try await running(upgrader) {
            for id in [other, newer] {
                let upgrade = try await ended(upgrader, id)
                #expect(upgrade.reason == "The device is another one by now, or has a newer firmware.")
            }
            #expect(cameras.given.isEmpty)
        }
    }

    @Test func filesGoWithWhatNeedsThem() async throws {
        let id = cameras.add("Door")
        let upgrader = upgrader()
        try await running(upgrader) {
            try await upgrader.check()
            try await upgrader.upgrade([id], by: "Anna")
            #expect(try await ended(upgrader, id).state == .done)
            let files = folder.place("box/files").path
            let areGone = await eventually { ((try? FileManager.default.contentsOfDirectory(atPath: files)) ?? []).isEmpty }
            #expect(areGone)
        }
    }

    @Test func anotherFileUnderTheSameNameIsRefused() throws {
        let file = folder.place("other.dav")
        try Data("other".utf8).write(to: file)
        for models in [["DS-2CD2043G2-I"], ["DS-2CD2043G2-I", "DS-2CD2083G2-I"]] {
            #expect(throws: ReleaseRefusal.self) {
                try repository.add(
                    deviceFirmware: file, DeviceFirmwareOffer(make: "Hikvision", models: models, version: "V5.7.13 build 230713"),
                    notes: "",
                    expires: expiry)
            }
        }
    }
}

extension TemporaryFolder {
    fileprivate func place(_ name: String) -> URL { URL(filePath: "\(path)/\(name)") }
}
