import CameraProtocols
import Core
import Foundation
import Outbound
import Testing

@testable import Cameras
import XML

@Suite struct ISAPIDriverTests {
    @Test func gridMapsAreReadAndWrittenAlike() {
        let map = "0000000000000000000001c01ffff81ffffc3ffffc7ffffc7ffffcfffffcfffffcfffffcfffffcfffffcfffffcfffffcfffffc000000"
        let cells = ISAPIDriver.cells(map, columns: 22, rows: 18)
        #expect(cells.count == 18 && cells.allSatisfy { $0.count == 22 })
        #expect(cells[3] == "0000000000000001110000" && cells[9] == "1111111111111111111111")
        #expect(ISAPIDriver.gridMap(cells, columns: 22) == map)
    }

    @Test func aGridMapThatIsCutShortIsEmptyThere() {
        let cells = ISAPIDriver.cells("fff", columns: 22, rows: 18)
        #expect(cells[0] == "1111111111110000000000" && cells[17] == String(repeating: "0", count: 22))
    }

    /// The vector was made with an independent implementation of AES.
    @Test func thePasswordIsSealedAsDevicesExpectIt() throws {
        let sealed = try ISAPIActivation.seal("Camera2026!", challenge: "00112233445566778899aabbccddeeff")
        #expect(
            sealed
                == "ZDZhYjY4MTM4ZGM4ODM2ZWNmZTJhOWY4M2I3OTEwYjE3NWU5YmQyMDc1NzE5ZTQ4MWIyZGE1MmEzYTRiYjUwYw==")
    }

    @Test(arguments: [
        "short1", "onlyletters", "12345678", "with space1", "admin2026", "aaaaaaaa1", "much-too-long-password-2026", "pässwort2026",
    ])
    func weakPasswordsAreRefusedWithAReason(password: String) {
        #expect(ISAPIActivation.weakness(of: password) != nil)
        #expect(ISAPIActivation.weakness(of: "Camera-2026") == nil)
    }

    @Test func deviceTimesOfSearchesAreTheDevicesLocalTime() throws {
        let offset: (Date) -> Double = { _ in 8 * 3600 }
        let date = try #require(DeviceTime("2026-11-21T04:00:00Z")).date
        #expect(ISAPIDriver.deviceText(date, offset: offset) == "2026-11-21T12:00:00Z")
        #expect(ISAPIDriver.deviceDate("2026-11-21T12:00:00Z", offset: offset) == date)
        #expect(ISAPIDriver.deviceDate("2026-11-21T12:00:00+08:00", offset: offset) == date)
    }

    @Test func aChangeTouchesNothingElseOfTheStream() throws {
        let text = """
            <StreamingChannel version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"><id>102</id><Video><videoCodecType>H.265</videoCodecType>
            <vbrUpperCap>512</vbrUpperCap><maxFrameRate>2500</maxFrameRate><GovLength>50</GovLength><keyFrameInterval>2000</keyFrameInterval>
            <SVC><enabled>true</enabled></SVC></Video></StreamingChannel>
            """
        var document = try XMLTree(parsing: text.utf8)
        var change = StreamChange()
        (change.codec, change.frameRate, change.keyFrameInterval) = ("h264", 12.5, 25)
        ISAPIDriver.apply(change, to: &document)
        let written = try XMLTree(parsing: document.document.utf8)
        #expect(written.attributes["xmlns"] == "http://www.hikvision.com/ver20/XMLSchema")
        #expect(written["Video", "videoCodecType"]?.text == "H.264" && written["Video", "maxFrameRate"]?.text == "1250")
        #expect(written["Video", "GovLength"]?.text == "25" && written["Video", "keyFrameInterval"]?.text == "2000")
        #expect(written["Video", "vbrUpperCap"]?.text == "512" && written["Video", "SVC", "enabled"]?.text == "true")
    }

    @Test(arguments: [
        (3600.0, "another time zone: 1 hour ahead"), (-19_800, "5.5 hours behind"), (12, "12 seconds fast"),
        (-90_000_000, "1041 days slow"),
    ])
    func clocksAreDescribedByWhatIsWrongWithThem(offset: Double, words: String) {
        #expect(ClockRemark.sentence(offset: offset)?.contains(words) == true, "\(ClockRemark.sentence(offset: offset) ?? "nothing")")
        #expect(ClockRemark.sentence(offset: 1) == nil)
    }

    @Test func aNumberThatIsTooLargeToBeTrueHarmsNothing() {
        let refusal = SignInRefusal(
            body: Array("<userCheck><lockStatus>lock</lockStatus><unlockTime>9223372036854775807</unlockTime></userCheck>".utf8))
        #expect(refusal.failure(certain: true)?.code == .locked && refusal.failure(certain: true)?.lockedSeconds == nil)
    }

    /// `http://camera` and `@169.254.169.254/x` would be one URL of another host.
    @Test(arguments: ["@169.254.169.254/x", ":80@example.net/", "x", ""])
    func aPathCannotBecomeAnotherHost(path: String) async {
        let client = DeviceClient(
            address: DeviceAddress(host: "127.0.0.1", port: 9), credentials: nil, pinnedCertificate: nil,
            policy: AddressPolicy(allowsLocal: true), time: .system)
        let failure = await #expect(throws: DeviceFailure.self) { try await client.request("GET", path) }
        #expect(failure?.code == .nonsense)
        await client.close()
    }

    @Test func aRefusalTellsTriesAndLocks() {
        let tries = SignInRefusal(
            body: Array(
                "<userCheck><statusValue>401</statusValue><lockStatus>unlock</lockStatus><retryLoginTime>4</retryLoginTime></userCheck>"
                    .utf8))
        #expect(tries.triesLeft == 4 && tries.failure(certain: true) == nil)
        let locked = SignInRefusal(
            body: Array("<userCheck><lockStatus>lock</lockStatus><unlockTime>1800</unlockTime></userCheck>".utf8))
        #expect(locked.failure(certain: true)?.code == .locked && locked.failure(certain: true)?.lockedSeconds == 1800)
        #expect(SignInRefusal(body: Array("<html>401".utf8)).failure(certain: true) == nil)
    }
}
