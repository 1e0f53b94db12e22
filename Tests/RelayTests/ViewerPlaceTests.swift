import Relay
import Testing

@Suite struct ViewerPlaceTests {
    @Test(arguments: ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1"])
    func ofThisPlace(address: String) {
        #expect(ViewerPlace.isLocal(address))
    }

    @Test(arguments: ["", "x", "8.8.8.8", "172.32.0.1", "192.169.1.1", "2001:db8::1", "::ffff:8.8.8.8", "::", "203.0.113.7"])
    func ofElsewhere(address: String) {
        #expect(!ViewerPlace.isLocal(address))
    }
}
