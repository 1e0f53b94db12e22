import Foundation
import Testing

@testable import Firmware

@Suite struct DeviceFirmwareTests {
    @Test(arguments: [
        ("V5.7.13 build 230713", "V5.7.3 build 220112", true), ("V5.7.3 build 220112", "V5.7.13 build 230713", false),
        ("V5.7.3 build 230101", "V5.7.3 build 220112", true), ("V5.7.3 build 230101", "V5.7.3", false),
        ("1.2", "1.2.5", false), ("v2", "1.9.9", true), ("", "1.0", false), ("1.0", "build", false),
        ("99999999999999999999.1", "1.0", false), ("1.99999999999999999999.9", "1.0", false),
        ("V5.7.3 build 220112", "V5.7.3.9 build 230101", false), ("V5.7.3.9 build 210101", "V5.7.3 build 220112", true),
        ("5.7.0", "5.7", false),
        ("V4.62.210 build 230721", "V4.9.1 build 240101", true),
    ]) func ordersVersions(one: String, other: String, isNewer: Bool) {
        #expect(DeviceFirmwareVersion(one).isNewer(than: DeviceFirmwareVersion(other)) == isNewer)
    }

    @Test func agreesAsFarAsBothSay() {
        #expect(DeviceFirmwareVersion("V5.7.13").agrees(with: DeviceFirmwareVersion("V5.7.13 build 230713")))
        #expect(!DeviceFirmwareVersion("V5.7.3").agrees(with: DeviceFirmwareVersion("V5.7.13 build 230713")))
        #expect(!DeviceFirmwareVersion("unknown").agrees(with: DeviceFirmwareVersion("V5.7.13")))
    }

    @Test func isForExactlyTheseModels() {
        let offer = DeviceFirmwareOffer(make: "Hikvision", models: ["DS-2CD2043G2-I", "DS-2CD2083G2-I"], version: "1.0")
        #expect(offer.isFor(make: "HIKVISION", model: "ds-2cd2083g2-i "))
        #expect(!offer.isFor(make: "HIKVISION", model: "DS-2CD2043G2-IU"))
        #expect(!offer.isFor(make: "Dahua", model: "DS-2CD2043G2-I"))
        #expect(!offer.isFor(make: nil, model: "DS-2CD2043G2-I"))
    }

    @Test(arguments: [
        DeviceFirmwareOffer(make: "", models: ["A"], version: "1"), DeviceFirmwareOffer(make: "M", models: [], version: "1"),
        DeviceFirmwareOffer(make: "M", models: ["A"], version: "newest"),
        DeviceFirmwareOffer(make: "M", models: ["A"], version: "1", page: "javascript:alert(1)"),
        DeviceFirmwareOffer(make: "M", models: ["A"], version: "1", page: "https://"),
        DeviceFirmwareOffer(make: "M", models: [String(repeating: "A", count: 101)], version: "1"),
    ]) func saysWhatCanBeMeant(offer: DeviceFirmwareOffer) {
        #expect(!offer.isPlain)
    }

    @Test func isNoReleaseOfTheBoxAndTheOtherWayRound() throws {
        let firmware = try TargetsMetadata.Target([1], custom: DeviceFirmwareOffer(make: "M", models: ["A"], version: "1"))
        #expect(throws: ReleaseRefusal.self) { try ListedRelease("devices/m/a/1.json", firmware) }
        let release = try TargetsMetadata.Target(
            [1], custom: ReleaseOffer(version: try #require(ReleaseVersion("1.0.0")), architecture: "arm64", model: "gatehouse", epoch: 0))
        #expect(throws: ReleaseRefusal.self) { try ListedDeviceFirmware("gatehouse/arm64/1.0.0.json", release) }
    }
}
