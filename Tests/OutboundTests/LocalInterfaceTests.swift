@testable import Outbound
import Testing

@Suite struct LocalInterfaceTests {
    private func interface(_ address: [UInt8], _ prefix: Int) -> LocalInterface {
        LocalInterface(name: "eth0", index: 2, address: address, prefixLength: prefix)
    }

    @Test func onlyTheOtherHostsOfTheNetworkAreKnockedAt() {
        let hosts = interface([192, 168, 1, 10], 24).hosts(limit: 1022)
        #expect(hosts.count == 253 && hosts.first == "192.168.1.1" && hosts.last == "192.168.1.254" && !hosts.contains("192.168.1.10"))
        #expect(interface([192, 168, 1, 10], 24).broadcast == [192, 168, 1, 255])
    }

    @Test func aLargeNetworkIsLookedAtAroundTheBox() {
        let hosts = interface([10, 1, 2, 3], 8).hosts(limit: 1022)
        #expect(hosts.count <= 1022 && hosts.contains("10.1.2.4") && hosts.contains("10.1.1.3"))
    }

    @Test func publicNetworksAreNone() {
        #expect(
            !interface([203, 0, 113, 5], 24).isPrivate && interface([172, 20, 0, 1], 16).isPrivate
                && !interface([172, 32, 0, 1], 16).isPrivate)
    }
}
