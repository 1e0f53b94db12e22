/// Where the box learns how it is seen from afar, and who carries what cannot go directly.
public struct ICEServers: Sendable, Equatable {
    /// An address in numbers, and a port.
    public struct Place: Sendable, Equatable {
        public let address: String
        public let port: UInt16

        public init(address: String, port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    /// A TURN server (RFC 8656).
    public struct Relay: Sendable, Equatable {
        public enum Transport: String, Sendable { case udp, tcp }
        public let place: Place
        public let transport: Transport
        public let userName: String
        public let credential: String

        public init(place: Place, transport: Transport, userName: String, credential: String) {
            self.place = place
            self.transport = transport
            self.userName = userName
            self.credential = credential
        }
    }

    public var stun: Place?
    public var relay: Relay?
    /// Media come from these ports; any where there are none.
    public var ports: ClosedRange<UInt16>?
    /// The box is reached at this address alone; at all of its addresses where there is none.
    public var address: String?

    public init(stun: Place? = nil, relay: Relay? = nil, ports: ClosedRange<UInt16>? = nil, address: String? = nil) {
        self.stun = stun
        self.relay = relay
        self.ports = ports
        self.address = address
    }
}
