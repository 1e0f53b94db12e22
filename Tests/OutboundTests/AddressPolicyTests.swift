import Outbound
import Testing

@Suite struct AddressPolicyTests {
    @Test(arguments: [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "localhost", "localhost.", "LOCALHOST", "a.localhost",
        "127.0.0.1.", "0.0.0.0", "0", "[::1]", "::1", "::",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "169.254.169.254", "169.254.1.1", "fe80::1",
        "ff02::1",
        "224.0.0.1", "255.255.255.255", "239.255.255.250", "fd00:ec2::254", "100.100.100.200",
        "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::", "::ffff:0:127.0.0.1", "::1%lo", "fe80::1%eth0",
    ])
    func whereNoCameraCanBeIsRefusedHoweverItIsSpelt(host: String) async {
        let error = await #expect(throws: AddressRefusal.self) { try await AddressPolicy(allowsLocal: false).check(host: host) }
        #expect(error?.code == "address-refused")
        #expect(error?.sentence.contains("camera") == true)
    }

    @Test(arguments: [
        "192.168.1.64", "10.1.2.3", "172.16.5.4", "172.31.255.1", "100.64.0.9", "fd12:3456::7", "203.0.113.9", "2001:db8::4",
        "::ffff:192.168.1.64",
    ])
    func addressesOfCamerasPass(host: String) async throws {
        try await AddressPolicy(allowsLocal: false).check(host: host)
    }

    /// "private LAN only": not on the internet, however it is spelt, unless the configuration says so.
    @Test(arguments: [
        "8.8.8.8", "1.1.1.1", "172.32.0.1", "172.15.0.1", "100.128.0.1", "198.20.0.1", "192.169.0.1", "11.0.0.1", "134744072",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808", "2002:808:808::", "2606:4700:4700::1111", "[2a00:1450::1]",
    ])
    func noCameraIsOnTheInternet(host: String) async throws {
        let error = await #expect(throws: AddressRefusal.self) { try await AddressPolicy(allowsLocal: false).check(host: host) }
        #expect(error?.code == "address-refused")
        #expect(error?.sentence.contains("devices.allow-public") == true)
        try await AddressPolicy(allowsLocal: false, allowsPublic: true).check(host: host)
        try await AddressPolicy(allowsLocal: false, target: .server).check(host: host)
    }

    @Test func theDemonstrationMayUseThisMachine() async throws {
        try await AddressPolicy(allowsLocal: true).check(host: "127.0.0.1")
    }
}
