public import CameraProtocols
import Core
import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// Where a device's RTSP is, and who asks.
public struct RTSPEndpoint: Sendable {
    public var host: String
    public var port: Int
    public var credentials: DigestCredentials?
    /// Whether the password may go over the line in the open.
    public var allowsBasic: Bool

    public init(host: String, port: Int, credentials: DigestCredentials?, allowsBasic: Bool) {
        self.host = host
        self.port = port
        self.credentials = credentials
        self.allowsBasic = allowsBasic
    }
}

/// One connection to a device, over which requests and packets go.
///
/// Packets are handed over one by one; while that lasts nothing more is read, so that a slow reader slows the device down.
final class RTSPConnection: Sendable {
    typealias Taker = @Sendable (_ channel: UInt8, _ bytes: [UInt8]) async throws -> Void

    private struct Question {
        let continuation: CheckedContinuation<RTSPMessage, any Error>
        let heard: @Sendable (RTSPMessage) -> Void
    }

    private struct State {
        var sequence = 0
        var waiting: [Int: Question] = [:]
        var authenticator: HTTPAuthenticator?
        var taker: Taker?
        /// Why nothing more can be asked.
        var end: RTSPFailure?
    }

    /// No answer to a request for so long is a failure.
    static let patience = Duration.seconds(10)

    private let channel: any Channel
    private let endpoint: RTSPEndpoint
    private let time: TimeSource
    private let state = Mutex(State())
    /// Called once, when nothing more comes.
    private let ended: @Sendable () -> Void

    private init(_ channel: any Channel, to endpoint: RTSPEndpoint, time: TimeSource, ended: @escaping @Sendable () -> Void) {
        self.channel = channel
        self.endpoint = endpoint
        self.time = time
        self.ended = ended
    }

    /// Connects, and closes the connection when `body` returns.
    /// - Throws: `RTSPFailure` where there is no way to the device, and what `body` throws.
    static func with<Result: Sendable>(
        _ endpoint: RTSPEndpoint, time: TimeSource, ended: @escaping @Sendable () -> Void,
        body: @escaping @Sendable (RTSPConnection) async throws -> Result
    ) async throws -> Result {
        let stream: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            stream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(5))
                .connect(host: endpoint.host, port: endpoint.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw RTSPFailure.sorted(error)
        }
        return try await stream.executeThenClose { inbound, _ in
            let connection = RTSPConnection(stream.channel, to: endpoint, time: time, ended: ended)
            return try await withThrowingTaskGroup(of: Result?.self) { group in
                group.addTask {
                    await connection.read(inbound)
                    return nil
                }
                group.addTask { try await body(connection) }
                defer { group.cancelAll() }
                while let result = try await group.next() {
                    if let result { return result }
                }
                throw CancellationError()
            }
        }
    }

    /// Whoever takes the packets from now on; nil lets them fall.
    func deliver(to taker: Taker?) {
        state.withLock { $0.taker = taker }
    }

    /// Why nothing more can be asked; nil while it can.
    var end: RTSPFailure? { state.withLock { $0.end } }

    // MARK: Reading

    private func read(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async {
        var framing = RTSPFraming()
        var failure = RTSPFailure.closed
        do {
            for try await buffer in inbound {
                framing.append(buffer.readableBytesView)
                while let element = try framing.next() { await take(element) }
            }
        } catch {
            failure = .sorted(error)
        }
        let waiting = state.withLock { state in
            state.end = failure
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for one in waiting { one.continuation.resume(throwing: failure) }
        ended()
    }

    private func take(_ element: RTSPFraming.Element) async {
        switch element {
        case .packet(let channel, let bytes):
            guard let taker = state.withLock({ $0.taker }) else { return }
            do { try await taker(channel, bytes) } catch { deliver(to: nil) }
        case .answer(let answer):
            guard let number = answer["CSeq"].flatMap({ Int($0) }) else { return }
            let question = state.withLock { $0.waiting.removeValue(forKey: number) }
            question?.heard(answer)
            question?.continuation.resume(returning: answer)
        case .request(let request):
            // A device asks for nothing that is done here; without an answer some wait for ever. One that does not read gets none.
            guard channel.isWritable else { return }
            let headers = request["CSeq"].map { [(name: "CSeq", value: $0)] } ?? []
            write(RTSPMessage(status: 501, reason: "Not Implemented", headers: headers).bytes)
        }
    }

    // MARK: Asking

    /// Sends a request, signed where the device wants that, and gives its answer.
    ///
    /// - Parameter heard: Called with a success before anything is taken that came after it.
    /// - Throws: `RTSPFailure`, also for an answer that is no success.
    func ask(
        _ request: RTSPRequest, within limit: Duration = patience, heard: @escaping @Sendable (RTSPMessage) -> Void = { _ in }
    ) async throws -> RTSPMessage {
        let heardSuccess: @Sendable (RTSPMessage) -> Void = { if $0.isSuccess { heard($0) } }
        do {
            var answer = try await exchange(request, within: limit, heardSuccess)
            if answer.status == 401, try prepareSignIn(answer) { answer = try await exchange(request, within: limit, heardSuccess) }
            guard answer.isSuccess else { throw RTSPFailure.refusal(answer, of: request.method) }
            state.withLock { $0.authenticator?.accepted() }
            return answer
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw RTSPFailure.sorted(error)
        }
    }

    /// Takes the challenges of a 401; whether it is worth asking once more: a wrong password locks accounts.
    private func prepareSignIn(_ answer: RTSPMessage) throws -> Bool {
        guard let credentials = endpoint.credentials else { return false }
        let challenges = HTTPChallenge.parse(headers: answer.all("WWW-Authenticate"))
        return try state.withLock { state in
            if state.authenticator != nil { return try state.authenticator?.isWorthRepeating(after: challenges) ?? false }
            state.authenticator = try HTTPAuthenticator(
                challenges: challenges, credentials: credentials, allowsBasic: endpoint.allowsBasic,
                makeClientNonce: { UUID().uuidString.lowercased().replacing("-", with: "") })
            return true
        }
    }

    private func exchange(
        _ request: RTSPRequest, within limit: Duration, _ heard: @escaping @Sendable (RTSPMessage) -> Void
    ) async throws -> RTSPMessage {
        let (number, signature) = state.withLock { state in
            state.sequence += 1
            return (
                state.sequence, state.authenticator?.authorization(method: request.method, uri: request.address, body: request.body)
            )
        }
        var signed = request
        signed.headers = [("CSeq", "\(number)"), ("User-Agent", "Gatehouse")] + request.headers
        if let signature { signed.headers.append(("Authorization", signature)) }
        let bytes = signed.bytes
        return try await withThrowingTaskGroup(of: RTSPMessage.self) { group in
            group.addTask { try await self.answer(to: number, bytes, heard) }
            group.addTask {
                try await self.time.sleep(limit)
                throw RTSPFailure.silent
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw RTSPFailure.silent }
            return answer
        }
    }

    private func answer(
        to number: Int, _ bytes: [UInt8], _ heard: @escaping @Sendable (RTSPMessage) -> Void
    ) async throws -> RTSPMessage {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let refusal = state.withLock { state -> (any Error)? in
                    if let end = state.end { return end }
                    if Task.isCancelled { return CancellationError() }
                    state.waiting[number] = Question(continuation: continuation, heard: heard)
                    return nil
                }
                if let refusal { continuation.resume(throwing: refusal) } else { write(bytes) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Sends a packet of RTP, at most 65,535 bytes. False where the device takes too slowly, and it was left out.
    func send(_ packet: [UInt8], on number: UInt8) -> Bool {
        guard channel.isWritable, packet.count <= Int(UInt16.max) else { return false }
        write([UInt8(ascii: "$"), number, UInt8(packet.count >> 8), UInt8(packet.count & 0xFF)] + packet)
        return true
    }

    private func write(_ bytes: [UInt8]) {
        // That it fails is seen by the reader.
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }
}

extension RTSPMessage {
    fileprivate var isSuccess: Bool { (200...299).contains(status) }
}
