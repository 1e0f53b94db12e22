import CLinux
import Core
import Dispatch
import Foundation

/// Tells systemd that the box is ready and alive (sd_notify(3)); a box that says nothing for too long is ended by it and started anew.
final class ServiceManager: Sendable {
    private static let startingEvery = DispatchTimeInterval.seconds(10)
    /// A start that takes longer is none: a large spool on a slow card takes minutes.
    private static let longestStart = 90

    private let path: String
    private let watchdog: Duration?
    /// Signalled once, when the box is ready.
    private let ready = DispatchSemaphore(value: 0)

    /// Nil where systemd did not start this process, or does not want to be told.
    init?(_ environment: [String: String]) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@") else { return nil }
        self.path = path
        let isMeant = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        watchdog = isMeant ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { .microseconds($0) } : nil
    }

    /// Asks for patience while the box starts, from a thread of its own: nothing else says anything yet.
    func begin() {
        let thread = Thread { [self] in
            for _ in 0..<Self.longestStart {
                send("EXTEND_TIMEOUT_USEC=60000000")
                send("WATCHDOG=1")
                // Ends with the start; else it is time to speak again.
                if ready.wait(timeout: .now() + Self.startingEvery) == .success { return }
            }
        }
        thread.name = "gatehouse.starting"
        thread.start()
    }

    func tellReady() {
        ready.signal()
        send("READY=1")
    }

    /// Says that the box lives, from one of the threads on which all of it works, until cancelled.
    func run(_ time: TimeSource) async {
        guard let watchdog else {
            // Its end would be the box's.
            try? await time.sleep(.seconds(Int64.max / 4))
            return
        }
        while !Task.isCancelled {
            send("WATCHDOG=1")
            guard (try? await time.sleep(watchdog / 3)) != nil else { return }
        }
    }

    /// A datagram that nobody takes is no trouble of the box's.
    private func send(_ word: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { place in
            place.copyBytes(from: bytes)
            // A name that is in no folder begins with a zero.
            if bytes.first == UInt8(ascii: "@") { place[0] = 0 }
        }
        let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2) + socklen_t(bytes.count)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let text = Array(word.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, text, text.count, Int32(MSG_DONTWAIT), $0, length)
            }
        }
    }
}
