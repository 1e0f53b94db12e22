import CMiniUPnP

/// A router with its service for connections to the internet, spoken to by libminiupnpc. All calls block, and bound neither time nor memory: only in
/// a process of its own.
struct RouterGateway: ~Copyable {
    private static let protocolName = "TCP"
    private static let label = "Gatehouse"
    /// UPnP WANIPConnection, section 2.4.16.4.
    private enum Refusal {
        static let noSuchEntry: Int32 = 714
        static let conflict: Int32 = 718
        static let samePortsWanted: Int32 = 724
        static let onlyPermanent: Int32 = 725
    }

    private let router: UnsafeMutablePointer<GatehouseRouter>
    private let allowsLoopback: Bool
    let url: RouterURL

    /// Reads the description at `url`.
    init(_ url: RouterURL, allowsLoopback: Bool) throws(RouterFailure) {
        guard let router = gatehouse_router_open(url.text) else { throw RouterFailure(.noService) }
        do throws(RouterFailure) {
            try Self.check(router, allowsLoopback: allowsLoopback)
        } catch {
            gatehouse_router_close(router)
            throw error
        }
        self.router = router
        self.url = url
        self.allowsLoopback = allowsLoopback
    }

    deinit { gatehouse_router_close(router) }

    /// The service is one that maps ports, at a place in the site's network.
    private static func check(
        _ router: UnsafeMutablePointer<GatehouseRouter>, allowsLoopback: Bool
    ) throws(RouterFailure) {
        guard let service = gatehouse_router_service(router).map({ String(cString: $0) }), !service.isEmpty,
            service.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"<>&\"".utf8.contains($0) }),
            let control = gatehouse_router_control(router)
        else { throw RouterFailure(.noService) }
        guard RouterURL(String(cString: control), allowsLoopback: allowsLoopback) != nil else { throw RouterFailure(.foreign) }
    }

    private var control: UnsafePointer<CChar>? { gatehouse_router_control(router) }
    private var service: UnsafePointer<CChar>? { gatehouse_router_service(router) }
    private var box: String { String(cString: gatehouse_router_box(router)) }

    /// The router's address on the internet.
    func outsideAddress() throws(RouterFailure) -> String {
        var (code, address) = askedAddress()
        if address == nil, gatehouse_router_take_second(router, url.text) == 1 {
            try Self.check(router, allowsLoopback: allowsLoopback)
            (code, address) = askedAddress()
        }
        if let address { return address }
        throw code == UPNPCOMMAND_SUCCESS ? RouterFailure(.notConnected) : Self.failure(code)
    }

    private func askedAddress() -> (code: Int32, address: String?) {
        var buffer = [CChar](repeating: 0, count: 64)
        let code = UPNP_GetExternalIPAddress(control, service, &buffer)
        let text = Self.text(buffer)
        return (code, code == UPNPCOMMAND_SUCCESS && text != "0.0.0.0" && OutsideAddress(text) != nil ? text : nil)
    }

    /// Opens one of the ports, or keeps it open.
    func map(_ errand: RouterErrand) throws(RouterFailure) -> (port: Int, leaseSeconds: Int) {
        var ports = errand.outsidePorts[...]
        var refusal = RouterFailure(.portsTaken)
        while let port = ports.popFirst() {
            // Routers there are that overwrite another one's entry without a word.
            if let entry = entry(port).entry, !isOwn(entry, errand) { continue }
            var (lease, code) = (errand.leaseSeconds, add(port, errand.port, lease: errand.leaseSeconds))
            if code == Refusal.onlyPermanent { (lease, code) = (0, add(port, errand.port, lease: 0)) }
            switch code {
            case UPNPCOMMAND_SUCCESS:
                let (code, entry) = entry(port)
                // The library takes any answer for success; a router that has no such entry did not open the port.
                guard code != Refusal.noSuchEntry else { throw RouterFailure(.noService) }
                if let entry, !isOwn(entry, errand) { continue }
                let told = entry?.leaseSeconds ?? lease
                return (port, lease == 0 || told == 0 ? lease : min(lease, told))
            case Refusal.conflict: continue
            case Refusal.samePortsWanted where port != errand.port:
                refusal = Self.failure(code)
                ports = [errand.port]
            default: throw Self.failure(code)
            }
        }
        throw refusal
    }

    private func add(_ outside: Int, _ inside: Int, lease: Int) -> Int32 {
        UPNP_AddPortMapping(
            control, service, String(outside), String(inside), gatehouse_router_box(router), Self.label, Self.protocolName, nil,
            String(lease))
    }

    /// Closes the port where it is the box's; one that is closed already is no failure.
    func unmap(_ errand: RouterErrand) throws(RouterFailure) {
        for port in errand.outsidePorts {
            if let entry = entry(port).entry, entry.client != box { continue }
            let code = UPNP_DeletePortMapping(control, service, String(port), Self.protocolName, nil)
            guard code == UPNPCOMMAND_SUCCESS || code == Refusal.noSuchEntry else { throw Self.failure(code) }
            if let left = entry(port).entry, left.client == box { throw RouterFailure(.noService) }
        }
    }

    /// To whom a port leads.
    private struct Entry {
        let client: String
        let port: Int
        let leaseSeconds: Int
    }

    private func isOwn(_ entry: Entry, _ errand: RouterErrand) -> Bool { entry.client == box && entry.port == errand.port }

    /// To whom the router passes a port on; nil where it is nobody, or it does not say.
    private func entry(_ outside: Int) -> (code: Int32, entry: Entry?) {
        // Larger than what the library writes: 16, 6 and 16 bytes.
        var client = [CChar](repeating: 0, count: 64)
        var port = client
        var lease = client
        let code = UPNP_GetSpecificPortMappingEntry(
            control, service, String(outside), Self.protocolName, nil, &client, &port, nil, nil, &lease)
        guard code == UPNPCOMMAND_SUCCESS, let inside = Int(Self.text(port)) else { return (code, nil) }
        return (code, Entry(client: Self.text(client), port: inside, leaseSeconds: Int(Self.text(lease)).map { max(0, $0) } ?? 0))
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Positive codes are the router's, negative ones the library's.
    private static func failure(_ code: Int32) -> RouterFailure {
        code > 0 ? RouterFailure(.refused, code: Int(code)) : RouterFailure(code == UPNPCOMMAND_HTTP_ERROR ? .silent : .noService)
    }
}
