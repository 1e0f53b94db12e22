import Foundation
import Testing

@testable import Cameras

@Suite struct DiscoveredDeviceTests {
    private let now = Date(timeIntervalSince1970: 1_790_000_000)

    private func sighting(_ address: String, _ way: DiscoveredDevice.Way, mac: String? = nil, serial: String? = nil) -> DiscoveredDevice {
        DiscoveredDevice(address: address, way: way, identity: DeviceIdentity(serialNumber: serial, macAddress: mac), seenAt: now)
    }

    @Test func oneDeviceSeenInThreeWaysIsOneLine() {
        var device = sighting("192.168.1.64", .wsDiscovery)
        device.identity.name = "HIKVISION DS-2CD2146G2-ISU"
        let bySADP = sighting("192.168.1.64", .sadp, mac: "44-47-CC-37-CE-81", serial: "S1")
        #expect(device.isSame(as: bySADP))
        device.merge(bySADP)
        device.merge(sighting("192.168.1.64", .sweep))
        #expect(device.ways == [.wsDiscovery, .sadp, .sweep] && device.identity.macAddress == "44:47:cc:37:ce:81")
        #expect(device.identity.name == "HIKVISION DS-2CD2146G2-ISU" && device.identity.serialNumber == "S1")
    }

    @Test func theIdentityCountsMoreThanTheAddress() {
        let before = sighting("192.168.1.64", .sadp, mac: "44:47:cc:37:ce:81")
        #expect(before.isSame(as: sighting("192.168.1.70", .sadp, mac: "44:47:cc:37:ce:81")))
        #expect(!before.isSame(as: sighting("192.168.1.64", .sadp, mac: "44:47:cc:37:ce:82")))
    }

    @Test func aLinkLocalAddressYieldsToOneThatCanBeReached() {
        var device = sighting("fe80::4647:ccff:fe37:ce81", .wsDiscovery, mac: "44:47:cc:37:ce:81")
        device.merge(sighting("192.168.1.64", .wsDiscovery, mac: "44:47:cc:37:ce:81"))
        #expect(device.address == "192.168.1.64" && device.otherAddresses == ["fe80::4647:ccff:fe37:ce81"])
    }

    @Test(arguments: [
        ("DS-2CD2146G2-ISU", DeviceIdentity.Kind.camera), ("DS-7616NI-K2", .recorder), ("iDS-7204HUHI-M1/E", .recorder),
        ("DS-K1T341AMF", .doorController), ("DS-KV8113", .doorController),
    ])
    func hikvisionsModelsTellTheirKind(model: String, kind: DeviceIdentity.Kind) {
        #expect(DeviceFinder.kind(ofModel: model) == kind)
    }
}
