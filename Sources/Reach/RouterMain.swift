import CLinux
import CMiniUPnP
import Foundation

/// The life of a process that runs one errand to a router: libminiupnpc bounds neither the size of a router's answers nor their time, so the process
/// has bounds instead, and the box ends it.
public enum RouterMain {
    /// The argument that starts it.
    public static let argument = "router"
    private static let memoryBytes: UInt64 = 256 << 20
    private static let processorSeconds: UInt64 = 10
    static let longestErrand = 8 << 10
    private static let searchMilliseconds: Int32 = 2000
    /// So many routers are tried.
    private static let mostRouters = 4

    /// Reads the errand from standard input, runs it, and answers on standard output; the process's exit code.
    public static func run() -> Int32 {
        guard gatehouse_close_from(3) == 0 || errno == ENOSYS, gatehouse_limit_data(memoryBytes) == 0,
            gatehouse_limit_cpu(processorSeconds) == 0, gatehouse_limit_file_size() == 0, gatehouse_limit_core_dump() == 0,
            gatehouse_no_core_dump() == 0, gatehouse_no_new_privileges() == 0, gatehouse_die_with_parent() == 0
        else { return 2 }
        let input = FileHandle.standardInput.readData(ofLength: longestErrand)
        guard let errand = try? JSONDecoder().decode(RouterErrand.self, from: input) else { return 2 }
        var answer = RouterAnswer()
        do {
            answer.report = try report(errand)
        } catch {
            answer.failure = error
        }
        guard let output = try? JSONEncoder().encode(answer) else { return 2 }
        FileHandle.standardOutput.write(output)
        return 0
    }

    private static func report(_ errand: RouterErrand) throws(RouterFailure) -> RouterReport {
        var failure = RouterFailure(.noRouter)
        for text in errand.description.map({ [$0] }) ?? found(on: errand.interface) {
            guard let url = RouterURL(text, allowsLoopback: errand.allowsLoopback) else {
                failure = RouterFailure(.foreign)
                continue
            }
            do throws(RouterFailure) {
                return try report(errand, url)
            } catch {
                failure = error
                if [.refused, .portsTaken].contains(error.kind) { break }
            }
        }
        throw failure
    }

    private static func report(_ errand: RouterErrand, _ url: RouterURL) throws(RouterFailure) -> RouterReport {
        let gateway = try RouterGateway(url, allowsLoopback: errand.allowsLoopback)
        if errand.action == .unmap {
            // Also without a connection to the internet.
            try gateway.unmap(errand)
            return RouterReport(router: url.host, description: url.text, outsideAddress: "")
        }
        var report = RouterReport(router: url.host, description: url.text, outsideAddress: try gateway.outsideAddress())
        if errand.action == .map {
            let mapped = try gateway.map(errand)
            (report.outsidePort, report.leaseSeconds) = (mapped.port, mapped.leaseSeconds)
        }
        return report
    }

    private static func found(on interface: String?) -> [String] {
        let list = gatehouse_router_search(searchMilliseconds, interface)
        defer { freeUPNPDevlist(list) }
        var found: [String] = []
        var next = list
        while let device = next, found.count < mostRouters {
            if let url = device.pointee.descURL.map({ String(cString: $0) }), !found.contains(url) { found.append(url) }
            next = device.pointee.pNext
        }
        return found
    }
}
