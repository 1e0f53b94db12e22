import Core
import Foundation
import Glibc
import Media
import NIOCore
import RTP
import Synchronization

// What a reader gets.
extension RTSPServerConnection {
    private static let reportsEvery = Duration.seconds(5)
    /// So many datagrams in a row, then a moment: what a reader's socket holds is little.
    private static let datagramsInARow = 32
    private static let moment = Duration.milliseconds(2)

    /// Sends until what is watched is over.
    func send(_ watching: any RTSPWatching) async throws {
        while let batch = await watching.next() {
            watching.count(bytes: 0, missed: batch.missed)
            for (sample, moment) in batch.samples {
                // Who pauses, or may not watch any more, gets none of the rest.
                guard !Task.isCancelled else { return }
                try await carry(sample, at: moment, watching)
            }
            if !hasDatagrams { try await pump(watching) }
        }
    }

    private var hasDatagrams: Bool {
        outgoing.contains { if case .datagrams = $0.carrier { true } else { false } }
    }

    // MARK: Without a task

    /// Sends what comes until there is a gap: to wake a task for each picture of each reader would cost as much as the rest of the work.
    private func pump(_ watching: any RTSPWatching) async throws {
        let (loop, path) = (readerLoop, opened?.path ?? "")
        // What was passed on before has gone then.
        try await write(ByteBuffer())
        socket = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
        pumpEnd.lower()
        pumped = watching
        watching.listen(to: loop.join(self, path))
        pump(now: time.uptime())
        await pumpEnd.wait()
        watching.listen(to: nil)
        loop.leave(self, path)
        (pumped, rest, socket) = (nil, [], nil)
    }

    /// Sends what is there, as far as there is room for it. What comes meanwhile rings again.
    func pump(now: Duration) {
        // A write that is done at once asks for more from within.
        guard let watching = pumped, channel.isActive, unwritten == 0, !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        guard carryNow(rest, watching, now: now) else { return }
        switch watching.poll() {
        case .nothing: return
        case .gap: pumpEnd.raise()
        case .batch(let batch):
            if batch.missed > 0 { watching.count(bytes: 0, missed: batch.missed) }
            _ = carryNow(batch.samples[...], watching, now: now)
        }
    }

    /// Keeps what there is no room for; answers whether all went.
    private func carryNow(
        _ samples: ArraySlice<(sample: Sample, time: MediaTime)>, _ watching: any RTSPWatching, now: Duration
    ) -> Bool {
        var hasSent = false
        for index in samples.indices {
            guard unwritten == 0 else {
                rest = samples[index...]
                return false
            }
            if carryNow(samples[index].sample, at: samples[index].time, watching, now: now) { hasSent = true }
        }
        rest = []
        // A reader that takes what comes is there; over TCP not all of them say so.
        if unwritten == 0, hasSent { ear.hear(now: now) }
        return unwritten == 0
    }

    /// Answers whether the reader takes the sample's track.
    private func carryNow(_ sample: Sample, at moment: MediaTime, _ watching: any RTSPWatching, now: Duration) -> Bool {
        guard let index = track(of: sample, at: moment), case .interleaved(let rtp, let rtcp) = outgoing[index].carrier else {
            return false
        }
        if let report = dueReport(index, now: now) { passNow(Self.interleaved(report, rtcp)) }
        let bytes = interleaved(sample, at: moment, channel: rtp, index)
        passNow(bytes)
        watching.count(bytes: bytes.readableBytes, missed: 0)
        return true
    }

    private func passNow(_ bytes: ByteBuffer) {
        var bytes = bytes
        bytes.moveReaderIndex(forwardBy: writeStraight(bytes))
        guard bytes.readableBytes > 0 else { return }
        // A report and its picture at most are kept for a slow reader.
        unwritten += 1
        if unwritten == 1 { beginWriting() }
        channel.writeAndFlush(bytes).whenComplete { [self] result in
            assumeIsolated { $0.noteWritten(result) }
        }
    }

    /// Writes to the socket itself where nothing waits before it: the way through the pipeline costs a tenth of what a reader does. Answers how
    /// much was taken; the channel sees to the rest, and to what is wrong with the connection.
    private func writeStraight(_ bytes: ByteBuffer) -> Int {
        guard let socket, writing == 0, channel.isActive else { return 0 }
        return Self.send(bytes, to: socket)
    }

    /// Of nobody's isolation: whose it is would be looked up for each call otherwise.
    private nonisolated static func send(_ bytes: ByteBuffer, to socket: NIOBSDSocket.Handle) -> Int {
        bytes.withUnsafeReadableBytes { max(0, Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))) }
    }

    private func noteWritten(_ result: Result<Void, any Error>) {
        unwritten -= 1
        guard unwritten == 0 else { return }
        endWriting()
        // A connection that has ended takes nothing more; whoever reads from it sees to its end.
        guard case .success = result else { return }
        let now = time.uptime()
        ear.hear(now: now)
        pump(now: now)
    }

    // MARK: By a task

    private func carry(_ sample: Sample, at moment: MediaTime, _ watching: any RTSPWatching) async throws {
        guard let index = track(of: sample, at: moment) else { return }
        switch outgoing[index].carrier {
        case .interleaved(let rtp, let rtcp):
            if let report = dueReport(index, now: time.uptime()) { try await pass(Self.interleaved(report, rtcp)) }
            let bytes = interleaved(sample, at: moment, channel: rtp, index)
            try await pass(bytes)
            ear.hear(now: time.uptime())
            watching.count(bytes: bytes.readableBytes, missed: 0)
        case .datagrams(let datagrams):
            if let report = dueReport(index, now: time.uptime()) { datagrams.send(report: report) }
            let packets = outgoing[index].rtp.packets(of: sample, at: moment)
            if try await send(packets, by: datagrams) {
                watching.count(bytes: packets.reduce(0) { $0 + $1.readableBytes }, missed: 0)
            } else {
                watching.count(bytes: 0, missed: sample.format.kind == .video ? 1 : 0)
            }
        }
    }

    /// Whether all went.
    private func send(_ packets: [ByteBuffer], by datagrams: RTSPDatagrams) async throws -> Bool {
        var rest = packets[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Self.datagramsInARow - datagramsSent)
            guard datagrams.send(Array(piece)) else { return false }
            rest = rest.dropFirst(piece.count)
            datagramsSent += piece.count
            guard datagramsSent >= Self.datagramsInARow else { continue }
            datagramsSent = 0
            try await time.sleep(Self.moment)
        }
        return true
    }

    // MARK: Packets

    /// The track that a sample goes on; the first sample tells what zero is on the clocks.
    private func track(of sample: Sample, at moment: MediaTime) -> Int? {
        let kind = sample.format.kind
        // By their places: a closure would be given a copy of each.
        guard let index = outgoing.indices.first(where: { outgoing[$0].kind == kind }) else { return nil }
        if origin == nil {
            let uptime = sample.arrival - (moment - .zero)
            origin = (time.now().addingTimeInterval(-(time.uptime() - uptime).seconds), uptime)
        }
        return index
    }

    private func interleaved(_ sample: Sample, at moment: MediaTime, channel: UInt8, _ index: Int) -> ByteBuffer {
        readerLoop.scratch.withLock { scratch in
            outgoing[index].rtp.interleaved(sample, at: moment, channel: channel, from: templates, scratch: &scratch)
        }
    }

    /// The report that goes before a track's first packet and then every few seconds: by it readers bring picture and sound together.
    private func dueReport(_ index: Int, now: Duration) -> ByteBuffer? {
        guard let origin, outgoing[index].reportedAt.map({ now - $0 >= Self.reportsEvery }) ?? true else { return nil }
        outgoing[index].reportedAt = now
        let elapsed = now - origin.uptime
        return outgoing[index].rtp.senderReport(
            at: .zero + elapsed, wallClock: origin.wall.addingTimeInterval(elapsed.seconds), name: RTSPServer.name)
    }

    private static func interleaved(_ packet: ByteBuffer, _ channel: UInt8) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeInteger(UInt8(ascii: "$"))
        bytes.writeInteger(channel)
        bytes.writeInteger(UInt16(truncatingIfNeeded: packet.readableBytes))
        bytes.writeImmutableBuffer(packet)
        return bytes
    }

    /// Tells the reader that all of its tracks are over.
    func sayGoodbye() async throws {
        guard let origin, !Task.isCancelled else { return }
        let elapsed = time.uptime() - origin.uptime
        let wall = origin.wall.addingTimeInterval(elapsed.seconds)
        for track in outgoing {
            let goodbye = track.rtp.goodbye(at: .zero + elapsed, wallClock: wall, name: RTSPServer.name)
            switch track.carrier {
            case .interleaved(_, let rtcp): try await write(Self.interleaved(goodbye, rtcp))
            case .datagrams(let datagrams): datagrams.send(report: goodbye)
            }
        }
    }
}
