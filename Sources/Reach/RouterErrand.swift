// Reach owns the box's way in from the internet without a server of its own between: the port that a router passes on, the name that leads to it, and
// the test of both. It knows no cameras and no people.

/// What a process of its own is sent to a router for.
public struct RouterErrand: Codable, Sendable, Equatable {
    public enum Action: String, Codable, Sendable {
        /// Only the router's address on the internet is asked for.
        case look
        /// A port is opened, or kept open for another while.
        case map
        /// The port is closed, if it is the box's.
        case unmap
    }

    var action: Action
    /// Address of the router's description; nil searches for a router.
    var description: String?
    /// Name or address of the interface that is searched on; nil is the usual one.
    var interface: String?
    /// The box's port.
    var port = 0
    /// Ports of the router that are tried one after another.
    var outsidePorts: [Int] = []
    /// For how long the port is asked for.
    var leaseSeconds = 3600
    /// Routers on this machine are spoken to; for demonstrations and tests.
    var allowsLoopback = false
}

/// What came of an errand.
public struct RouterReport: Codable, Sendable, Equatable {
    /// The router's address in the box's network.
    var router: String
    /// The address of its description, for the next time.
    var description: String
    /// Its address on the internet, as it says.
    var outsideAddress: String
    /// The port that it passes on now.
    var outsidePort: Int?
    /// For how long it says to; 0 is for ever.
    var leaseSeconds: Int?
}

/// Why an errand failed.
public struct RouterFailure: Error, Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable {
        /// Nobody answered the search.
        case noRouter
        /// The description cannot be read, or names no connection to the internet.
        case noService
        /// It points outside of the site's network.
        case foreign
        /// It did not answer in time.
        case silent
        /// It has no address on the internet.
        case notConnected
        /// All ports that were tried belong to others.
        case portsTaken
        /// It said no; `code` is its error (UPnP WANIPConnection, section 2.4).
        case refused
    }

    public let kind: Kind
    public let code: Int?

    init(_ kind: Kind, code: Int? = nil) {
        self.kind = kind
        self.code = code
    }
}

/// The one line that the process answers.
struct RouterAnswer: Codable {
    var report: RouterReport?
    var failure: RouterFailure?
}
