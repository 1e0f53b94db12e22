import AsyncHTTPClient
import CameraProtocols
public import Core
import Crypto
public import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
public import Outbound
import Synchronization
import XML

/// HTTP to one device: its digest authentication, its certificate, its few sessions.
///
/// Cameras are weak, so at most `requestLimit` requests run at a time; they are hostile, so every answer is bounded in size and time and
/// no redirect is followed.
public final class DeviceClient: Sendable {
    /// A device's answer, whole.
    public struct Answer: Sendable {
        public let status: Int
        public let contentType: String?
        public let body: [UInt8]
        /// When it came, by `TimeSource.now`.
        public let date: Date
    }

    /// What is sent along.
    public struct Body: Sendable {
        public let contentType: String
        public let bytes: [UInt8]

        public init(_ contentType: String, _ bytes: [UInt8]) {
            self.contentType = contentType
            self.bytes = bytes
        }

        public init(xml: String) {
            self.init("application/xml; charset=utf-8", Array(xml.utf8))
        }
    }

    /// At most so many requests at a time go to one device, event streams included.
    public static let requestLimit = 4

    public let address: DeviceAddress
    public let credentials: DeviceCredentials?
    let time: TimeSource
    let policy: AddressPolicy
    private let allowsBasic: Bool
    /// Whether the password may go over a line that is not encrypted as it is.
    let allowsBasicInTheOpen: Bool
    private let client: HTTPClient
    let budget: DeviceBudget
    let pin: CertificatePin
    private struct State {
        var authenticator: HTTPAuthenticator?
        var usesBasic = false
    }
    private let state = Mutex(State())

    /// A client; `pinnedCertificate` is the SHA-256 of the device's certificate as it was first seen, nil before.
    public init(
        address: DeviceAddress, credentials: DeviceCredentials?, pinnedCertificate: String?, allowsBasic: Bool = false,
        budget: DeviceBudget = DeviceBudget(), policy: AddressPolicy, time: TimeSource
    ) {
        self.budget = budget
        self.address = address
        self.credentials = credentials
        self.policy = policy
        self.time = time
        self.allowsBasic = allowsBasic || address.https
        allowsBasicInTheOpen = allowsBasic
        let pin = CertificatePin(pinnedCertificate)
        self.pin = pin
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(90))
        configuration.connectionPool = .init(idleTimeout: .seconds(20), concurrentHTTP1ConnectionsPerHostSoftLimit: Self.requestLimit)
        // The caller tries again, and says so; here it would only take time.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        var tls = Self.tls
        tls.certificateVerification = .none
        configuration.tlsConfiguration = tls
        // Called when the connection stands, before the first request goes over it.
        if address.https { configuration.http1_1ConnectionDebugInitializer = { channel in pin.check(channel) } }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// The devices make their certificates themselves; what is checked instead is that it is still the one first seen.
    static var tls: TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .noHostnameVerification
        tls.minimumTLSVersion = .tlsv1
        return tls
    }

    /// The SHA-256 of the device's certificate, hexadecimal, once one was seen.
    public var certificate: String? { pin.fingerprint }
    /// The password goes over the line as good as in the open.
    public var usesBasic: Bool { state.withLock { $0.usesBasic } && !address.https }

    /// Closes the connections.
    public func close() async {
        try? await client.shutdown()
    }

    /// Asks, signing in as needed, and answers whatever the device says but a refusal to sign in.
    public func request(
        _ method: String, _ path: String, body: Body? = nil, headers: [(String, String)] = [], limit: Int = 4 << 20,
        within: Duration = .seconds(10), signsIn: Bool = true, urgent: Bool = false
    ) async throws(DeviceFailure) -> Answer {
        try await guarded {
            // The wait for a turn counts.
            try await Deadline.run(within, time: self.time) {
                try await self.budget.requests.run(urgent: urgent) {
                    try await self.ask(method, path, body: body, headers: headers, limit: limit, within: within, signsIn: signsIn)
                }
            }
        }
    }

    private func ask(
        _ method: String, _ path: String, body: Body?, headers: [(String, String)], limit: Int, within: Duration, signsIn: Bool
    ) async throws -> Answer {
        let response = try await execute(method, path, body: body, headers: headers, within: within, signsIn: signsIn)
        return try await collect(response, limit: limit)
    }

    /// Asks for an answer that goes on; `take` gets its bytes as they come, first with `begin` the head.
    ///
    /// Ends when the device ends it, when `take` throws, or when nothing comes for `silence`.
    public func stream(
        _ method: String, _ path: String, body: Body? = nil, silence: Duration = .seconds(60), longest: Duration? = nil,
        begin: @escaping @Sendable (Answer) async throws -> Void, take: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(DeviceFailure) {
        try await guarded {
            let watch = SilenceWatch(limit: silence, time: self.time)
            try await watch.run(longest: longest) {
                try await self.budget.streams.run {
                    watch.touch()
                    let response = try await self.execute(method, path, body: body, headers: [], within: .seconds(10), signsIn: true)
                    watch.touch()
                    try await begin(try await self.head(of: response))
                    for try await buffer in response.body {
                        watch.touch()
                        try await take(Array(buffer.readableBytesView))
                        // Who takes slowly is no silent device.
                        watch.touch()
                    }
                }
            }
        }
    }

    /// The head of an answer that goes on; of a refusal also its body, which says why.
    private func head(of response: HTTPClientResponse) async throws -> Answer {
        guard response.status == .ok else { return try await collect(response, limit: 64 << 10) }
        return Answer(
            status: Int(response.status.code), contentType: response.headers.first(name: "content-type"), body: [], date: time.now())
    }

    /// Sends a file; `sent` gets the number of bytes gone so far.
    func upload(
        _ method: String, _ path: String, file: String, bytes: Int, within: Duration, sent: @escaping @Sendable (Int) -> Void
    ) async throws(DeviceFailure) -> Answer {
        // A small request first, so that the large one signs in at once and is not sent twice.
        _ = try await request("GET", "/ISAPI/System/deviceInfo")
        return try await guarded {
            try await Deadline.run(within, time: self.time) {
                try await self.budget.streams.run {
                    try await self.send(method, path, file: file, bytes: bytes, within: within, sent: sent)
                }
            }
        }
    }

    private func send(
        _ method: String, _ path: String, file: String, bytes: Int, within: Duration, sent: @escaping @Sendable (Int) -> Void
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: PinnedHost.url(address.base, at: try await policy.check(host: address.host)) + path)
        request.headers.add(name: "Host", value: address.authority)
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        if let line = authorization(method, path) { request.headers.add(name: "Authorization", value: line) }
        request.body = .stream(FileChunks(path: file, sent: sent), length: .known(Int64(bytes)))
        return try await collect(try await client.execute(request, timeout: TimeAmount(within)), limit: 1 << 20)
    }

    // MARK: One request

    private func execute(
        _ method: String, _ path: String, body: Body?, headers: [(String, String)], within: Duration, signsIn: Bool
    ) async throws -> HTTPClientResponse {
        // A path that began otherwise would become part of the host.
        guard path.hasPrefix("/") else { throw DeviceFailure.nonsense("path \(path.prefix(80))") }
        let base = PinnedHost.url(address.base, at: try await policy.check(host: address.host))
        var attempts = 0
        while true {
            attempts += 1
            let line = signsIn ? authorization(method, path) : nil
            let response = try await client.execute(
                request(method, base + path, body: body, headers: headers, authorization: line), timeout: TimeAmount(within))
            if (300..<400).contains(response.status.code), response.status != .notModified {
                throw DeviceFailure(
                    .nonsense,
                    "The device sends the box elsewhere, which it does not follow. If the device wants HTTPS, add it with HTTPS.",
                    detail: "redirect \(response.status.code)")
            }
            guard response.status == .unauthorized, signsIn else {
                if line != nil { state.withLock { $0.authenticator?.accepted() } }
                return response
            }
            let answer = try await collect(response, limit: 256 << 10)
            try learn(from: response, sentCredentials: line != nil, attempts: attempts, answer: answer)
        }
    }

    /// Reads a refusal: makes the next attempt sign in, or throws why there is none.
    private func learn(
        from response: HTTPClientResponse, sentCredentials: Bool, attempts: Int, answer: Answer
    ) throws {
        let refusal = SignInRefusal(body: answer.body)
        if let failure = refusal.failure(certain: sentCredentials) { throw failure }
        guard let credentials else { throw DeviceFailure.wrongPassword() }
        let challenges = HTTPChallenge.parse(headers: response.headers["www-authenticate"])
        do {
            let goesOn = try state.withLock { state in
                if sentCredentials, state.authenticator != nil {
                    return try state.authenticator?.isWorthRepeating(after: challenges) ?? false
                }
                let authenticator = try HTTPAuthenticator(
                    challenges: challenges, credentials: DigestCredentials(username: credentials.userName, password: credentials.password),
                    allowsBasic: allowsBasic, makeClientNonce: { UUID().uuidString.lowercased().replacing("-", with: "") })
                state.authenticator = authenticator
                state.usesBasic = authenticator.isBasic
                return true
            }
            guard goesOn, attempts < 4 else { throw DeviceFailure.wrongPassword(triesLeft: refusal.triesLeft) }
        } catch HTTPAuthenticationRefusal.basicNotAllowed {
            throw DeviceFailure(
                .insecure,
                "The device takes the password only in the open. Switch on digest or HTTPS in the device, or allow it for this device.")
        } catch is HTTPAuthenticationRefusal {
            throw DeviceFailure.wrongPassword(triesLeft: refusal.triesLeft)
        }
    }

    func authorization(_ method: String, _ path: String) -> String? {
        state.withLock { $0.authenticator?.authorization(method: method, uri: path, body: nil) }
    }

    private func request(
        _ method: String, _ url: String, body: Body?, headers: [(String, String)], authorization: String?
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Host", value: address.authority)
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "User-Agent", value: "Gatehouse")
        if let authorization { request.headers.add(name: "Authorization", value: authorization) }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "Content-Type", value: body.contentType)
            request.body = .bytes(ByteBuffer(bytes: body.bytes))
        }
        return request
    }

    private func collect(_ response: HTTPClientResponse, limit: Int) async throws -> Answer {
        var bytes: [UInt8] = []
        for try await buffer in response.body {
            guard bytes.count + buffer.readableBytes <= limit else {
                throw DeviceFailure.nonsense("an answer of more than \(limit >> 10) KiB")
            }
            bytes += buffer.readableBytesView
        }
        return Answer(
            status: Int(response.status.code), contentType: response.headers.first(name: "content-type"), body: bytes, date: time.now())
    }

    /// Puts what went wrong into a person's words.
    func guarded<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws(DeviceFailure) -> Value {
        do {
            return try await body()
        } catch let failure as DeviceFailure {
            throw failure
        } catch let refusal as AddressRefusal {
            throw refusal.code == "address-refused" ? DeviceFailure(.addressRefused, refusal.sentence) : .unreachable
        } catch {
            throw Self.failure(error, pin: pin)
        }
    }

    private static func failure(_ error: any Error, pin: CertificatePin) -> DeviceFailure {
        if pin.isBroken || error is CertificatePin.Changed {
            return DeviceFailure(
                .certificateChanged,
                "The device shows another certificate than before. If it was reset or renewed, confirm it; if not, something else answers.")
        }
        if let error = error as? HTTPClientError {
            switch error {
            case .connectTimeout: return .unreachable
            case .deadlineExceeded, .readTimeout, .getConnectionFromPoolTimeout: return .silent
            case .remoteConnectionClosed: return DeviceFailure(.silent, DeviceFailure.silent.sentence, detail: "connection closed")
            default: return .nonsense(error.shortDescription)
            }
        }
        if let error = error as? NIOConnectionError, let cause = error.connectionErrors.first?.error as? IOError {
            return failure(errno: cause.errnoCode)
        }
        if let error = error as? IOError { return failure(errno: error.errnoCode) }
        if error is Deadline.Passed { return .silent }
        if error is CancellationError { return DeviceFailure(.silent, "Interrupted.") }
        if error is ChannelError { return .unreachable }
        return .nonsense("\(type(of: error))")
    }

    private static func failure(errno code: CInt) -> DeviceFailure {
        switch code {
        case ECONNREFUSED: .refused
        case ECONNRESET, EPIPE: DeviceFailure(.silent, DeviceFailure.silent.sentence, detail: "connection reset")
        default: .unreachable
        }
    }
}

/// What a Hikvision device says with its refusal (`userCheck`), and what follows from it.
struct SignInRefusal {
    var triesLeft: Int?
    var lockedSeconds: Int?
    private var isLocked = false
    private var word: String?

    init(body: [UInt8]) {
        guard let tree = try? XMLTree(parsing: body) else { return }
        triesLeft = (tree.first("retryLoginTime") ?? tree.first("retryTimes"))?.integer
        isLocked = tree.first("lockStatus")?.text == "lock"
        lockedSeconds = isLocked ? tree.first("unlockTime")?.integer : nil
        word = (tree.first("subStatusCode") ?? tree.first("statusString"))?.word
    }

    /// `certain`: credentials were sent, so that the refusal is of them.
    func failure(certain: Bool) -> DeviceFailure? {
        switch word {
        case "notActivated"?: return .notActivated
        case "deviceBound"?, "boundByOther"?:
            return DeviceFailure(
                .boundElsewhere,
                "The device belongs to another account at its maker. Its owner must unbind it there first.")
        default: break
        }
        return isLocked ? .locked(seconds: lockedSeconds) : nil
    }
}

/// The certificate that a device showed first, and the check that it still does.
final class CertificatePin: Sendable {
    struct Changed: Error {}
    private struct State {
        var fingerprint: String?
        var isBroken = false
    }
    private let state: Mutex<State>

    init(_ fingerprint: String?) {
        state = Mutex(State(fingerprint: fingerprint))
    }

    var fingerprint: String? { state.withLock { $0.fingerprint } }
    var isBroken: Bool { state.withLock { $0.isBroken } }

    /// Whether the certificate is the one first seen; the first of all is.
    func accepts(_ certificate: NIOSSLCertificate?) -> Bool {
        guard let bytes = try? certificate?.toDERBytes() else { return false }
        let seen = SHA256.hash(data: bytes).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return state.withLock { state in
            if state.fingerprint == nil { state.fingerprint = seen }
            state.isBroken = state.fingerprint != seen
            return !state.isBroken
        }
    }

    func check(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.nioSSL_peerCertificate().flatMapThrowing { certificate in
            guard self.accepts(certificate) else {
                channel.close(promise: nil)
                throw Changed()
            }
        }
    }
}
