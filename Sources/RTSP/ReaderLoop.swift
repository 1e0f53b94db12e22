import Core
import NIOCore
import NIOPosix
import RTP
import Synchronization

/// What the readers on one event loop share.
final class ReaderLoop: Sendable {
    private static let known = ThreadSpecificVariable<ReaderLoop>()

    /// Memory for packets: on a loop a reader's packets are gone, as a rule, before the next reader's are made.
    let scratch = Mutex(PacketScratch())
    private let loop: any EventLoop
    /// By the paths of their streams; none without a reader.
    private let bells = Mutex<[String: ReaderBell]>([:])

    private init(_ loop: any EventLoop) { self.loop = loop }

    /// That of `loop`, on whose thread it must be asked for.
    static func of(_ loop: any EventLoop) -> ReaderLoop {
        loop.preconditionInEventLoop()
        if let known = known.currentValue { return known }
        let made = ReaderLoop(loop)
        known.currentValue = made
        return made
    }

    /// The bell of all readers of a stream; from now on it is for this one, too.
    func join(_ reader: RTSPServerConnection, _ path: String) -> ReaderBell {
        bells.withLock { bells in
            let bell = bells[path] ?? ReaderBell(loop)
            bells[path] = bell
            bell.add(reader)
            return bell
        }
    }

    func leave(_ reader: RTSPServerConnection, _ path: String) {
        bells.withLock { bells in
            if bells[path]?.remove(reader) ?? false { bells[path] = nil }
        }
    }
}

/// Wakes a loop for all readers of one stream at once: to tell each of them would cost as much as some of their packets.
final class ReaderBell: Bell {
    private struct State {
        var readers: [RTSPServerConnection] = []
        var isRung = false
    }

    private let loop: any EventLoop
    private let state = Mutex(State())

    fileprivate init(_ loop: any EventLoop) { self.loop = loop }

    func ring() {
        let isFirst = state.withLock { state in
            defer { state.isRung = true }
            return !state.isRung
        }
        if isFirst { loop.execute { [self] in answer() } }
    }

    private func answer() {
        let readers = state.withLock { state in
            state.isRung = false
            return state.readers
        }
        guard let now = readers.first?.time.uptime() else { return }
        for reader in readers { reader.assumeIsolated { $0.pump(now: now) } }
    }

    fileprivate func add(_ reader: RTSPServerConnection) { state.withLock { $0.readers.append(reader) } }

    /// Answers whether it was the last one.
    fileprivate func remove(_ reader: RTSPServerConnection) -> Bool {
        state.withLock { state in
            state.readers.removeAll { $0 === reader }
            return state.readers.isEmpty
        }
    }
}
