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
    private let waiting = Mutex<[RTSPServerConnection]>([])

    private init(_ loop: any EventLoop) { self.loop = loop }

    /// That of `loop`, on whose thread it must be asked for.
    static func of(_ loop: any EventLoop) -> ReaderLoop {
        loop.preconditionInEventLoop()
        if let known = known.currentValue { return known }
        let made = ReaderLoop(loop)
        known.currentValue = made
        return made
    }

    /// There may be more for a reader; from any thread. The loop is woken once for all of its readers.
    func ring(_ reader: RTSPServerConnection) {
        let isFirst = waiting.withLock { waiting in
            waiting.append(reader)
            return waiting.count == 1
        }
        if isFirst { loop.execute { [self] in answer() } }
    }

    private func answer() {
        let readers = waiting.withLock { waiting in
            defer { waiting.removeAll(keepingCapacity: true) }
            return waiting
        }
        for reader in readers { reader.assumeIsolated { $0.pump() } }
    }
}
