import Core
import Foundation

/// The states of a mapping in sentences.
enum MappingCondition {
    static let looking = "looking"
    private static let notAuthorized = 606
    private static let noneFree = [728, 729]

    static func off(_ now: Date) -> Condition {
        Condition(code: "off", severity: .off, sentence: "Switched off.", since: now)
    }

    static func looking(_ now: Date) -> Condition {
        Condition(code: looking, severity: .attention, sentence: "The router is being asked…", since: now)
    }

    static func notEncrypted(_ now: Date) -> Condition {
        Condition(
            code: "not-encrypted", severity: .trouble,
            sentence: "The box serves its page without TLS; no port is opened to it. Switch http.tls on.", since: now)
    }

    static func notClosed(_ port: Int, _ now: Date) -> Condition {
        Condition(
            code: "not-closed", severity: .trouble,
            sentence: "The router did not close port \(port). It is tried again; to be sure, look into the router.", since: now)
    }

    static func mapped(_ report: RouterReport, _ port: Int, _ now: Date) -> Condition {
        Condition(
            code: "mapped", severity: .ok,
            sentence:
                "The router passes port \(port) of \(report.outsideAddress) on to this box. Whether it can be reached, the test tells.",
            since: now, detail: report.leaseSeconds == 0 ? "The router keeps ports open for ever." : nil)
    }

    static func unreachable(_ address: OutsideAddress, _ report: RouterReport, _ now: Date) -> Condition {
        let why =
            switch address.kind {
            case .shared: "one that the provider shares among many customers"
            case .ofNetwork: "one of another private network: a second router stands before it"
            case .none, .open: "no address of the internet"
            }
        return Condition(
            code: "private-address", severity: .trouble,
            sentence: "The router opened the port, but its own address, \(report.outsideAddress), is \(why). Nobody outside reaches it. "
                + "Ask the provider for a public address, or use a TURN server.",
            since: now)
    }

    static func failed(_ failure: RouterFailure, _ settings: PortMapping.Settings, _ now: Date) -> Condition {
        let (code, sentence) = told(failure, settings)
        return Condition(
            code: code, severity: .trouble, sentence: sentence, since: now, detail: failure.code.map { "The router’s error is \($0)." })
    }

    private static func told(_ failure: RouterFailure, _ settings: PortMapping.Settings) -> (String, String) {
        switch failure.kind {
        case .noRouter:
            ("no-router", "No router answered the search. Switch UPnP on in the router, or enter the address of its description.")
        case .noService where settings.routerURL != nil:
            ("no-router", "What is at the router’s address is no description of a router. Correct it, or leave it empty.")
        case .noService: ("nonsense", "The router’s answers cannot be understood. Forward the port by hand in the router.")
        case .foreign: ("nonsense", "What answered names addresses outside of the box’s network, and was not believed.")
        case .silent: ("silent", "The router did not answer in time. It is tried again.")
        case .notConnected: ("not-connected", "The router has no address on the internet just now. It is tried again.")
        case .portsTaken:
            if let port = settings.outsidePort {
                ("refused", "Port \(port) of the router leads to another device. Choose another one, or none.")
            } else {
                ("refused", "All ports that were tried lead to other devices. Choose one that is free.")
            }
        case .refused where failure.code == notAuthorized: ("refused", "The router does not let this box open ports. Allow it there.")
        case .refused where noneFree.contains(failure.code ?? 0): ("refused", "The router has no port to give.")
        case .refused: ("refused", "The router refused to open a port (its error is \(failure.code ?? 0)). Forward it by hand there.")
        }
    }
}
