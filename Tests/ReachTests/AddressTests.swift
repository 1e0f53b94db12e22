@testable import Reach
import Testing

@Suite struct AddressTests {
    @Test(arguments: [
        ("203.0.113.7", OutsideAddress.Kind.open), ("8.8.8.8", .open), ("100.63.255.255", .open), ("100.128.0.1", .open),
        ("172.32.0.1", .open),
        ("100.64.0.1", .shared), ("100.127.255.255", .shared), ("10.0.0.1", .ofNetwork), ("192.168.178.2", .ofNetwork),
        ("172.16.0.1", .ofNetwork), ("172.31.255.1", .ofNetwork), ("127.0.0.1", .ofNetwork), ("169.254.3.4", .ofNetwork),
        ("0.0.0.0", .none),
        ("255.255.255.255", .none), ("224.0.0.1", .none), ("192.0.0.8", .none), ("198.18.0.1", .none),
    ])
    func whoReachesIt(text: String, kind: OutsideAddress.Kind) {
        #expect(OutsideAddress(text)?.kind == kind)
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "0x7f.0.0.1", "router.local", "::1", "1.2.3.4 ", "1.2.3.4\u{0}"])
    func noAddress(text: String) {
        #expect(OutsideAddress(text) == nil)
    }

    @Test(arguments: ["http://192.168.1.1:5000/rootDesc.xml", "http://10.0.0.138/", "http://172.16.0.1:80", "HTTP://192.168.0.1/a?b=c"])
    func routers(text: String) {
        #expect(RouterURL(text, allowsLoopback: false) != nil)
    }

    @Test(arguments: [
        "http://203.0.113.1/x", "http://127.0.0.1:8443/x", "http://169.254.169.254/latest", "https://192.168.1.1/", "http://router/",
        "http://192.168.1.1@203.0.113.1/", "http://192.168.1.1\\@203.0.113.1/", "http://192.168.1.1:99999/", "http://192.168.1.1:0/",
        "http://192.168.1.1/a\r\nX: y", "http://192.168.1.1/a b", "http://[fe80::1]/", "http://3232235777/", "http:///x", "",
        "ftp://192.168.1.1/",
        "http://192.168.1.1.evil.example/", "http://192.168.1.1:80:80/", "http://224.0.0.1/",
    ])
    func noRouters(text: String) {
        #expect(RouterURL(text, allowsLoopback: false) == nil)
    }

    @Test func onThisMachineWhereAllowed() {
        #expect(RouterURL("http://127.0.0.9:5000/x", allowsLoopback: true)?.host == "127.0.0.9")
        #expect(RouterURL("http://203.0.113.1/x", allowsLoopback: true) == nil)
        #expect(RouterURL("http://192.168.1.1/" + String(repeating: "a", count: 300), allowsLoopback: true) == nil)
    }
}

@Suite struct PassingRoutersTests {
    /// A visitor whom a router passes on with its own address is not at the site; the rest of the network is.
    @Test func routersAreNotOfTheSite() {
        let routers = PassingRouters(["192.168.1.1"])
        #expect(routers.contains("192.168.1.1"))
        #expect(routers.contains("::ffff:192.168.1.1"))
        #expect(routers.contains("::FFFF:192.168.1.1"))
        #expect(!routers.contains("192.168.1.10"))
        #expect(!routers.contains("192.168.1.2"))
        #expect(!PassingRouters().contains("192.168.1.1"))
    }

    @Test func defaultRoutesOfTheKernel() {
        let table = """
            Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
            eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
            eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
            wg0\t00000000\t00000000\t0001\t0\t0\t200\t00000000\t0\t0\t0
            junk
            """
        #expect(PassingRouters.ofDefaultRoutes(table) == ["192.168.1.1"])
    }
}
