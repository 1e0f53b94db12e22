public import BoxDatabase
public import Core
public import Logging
public import Outbound

/// The box's way in from the internet, whole.
public struct ReachServices: Sendable {
    public let mapping: PortMapping
    public let name: DynamicDNS
    public let test: OutsideTest
    /// Whether servers and checkers without TLS are taken; for tests.
    public let allowsHTTP: Bool

    public init(
        database: BoxDatabase, sealer: SecretSealer, router: RouterProcess, version: String, allowsLocalRouters: Bool, allowsHTTP: Bool,
        servers: AddressPolicy, time: TimeSource, logger: Logger
    ) {
        mapping = PortMapping(database: database, router: router, allowsLoopback: allowsLocalRouters, time: time, logger: logger)
        name = DynamicDNS(
            database: database, sealer: sealer, mapping: mapping, version: version, allowsHTTP: allowsHTTP, web: .http(servers), time: time,
            logger: logger)
        test = OutsideTest(web: .http(servers), time: time)
        self.allowsHTTP = allowsHTTP
    }

    /// Works until cancelled; a port that is open is closed then.
    public func run() async {
        _ = await concurrently(mapping.run, name.run)
    }
}
