import AsyncHTTPClient
import Core
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Outbound

/// One question to a server outside.
struct WebQuestion: Sendable, Equatable {
    var url: String
    var headers: [String: String] = [:]
    /// Whether the certificate has to be right; it need not where the answer proves itself.
    var checksCertificate = true
    var within = Duration.seconds(15)
}

/// What a server answered: its status, and the first bytes.
struct WebAnswer: Sendable, Equatable {
    let status: Int
    let text: String
}

/// Why there is no answer.
enum WebFailure: Error, Equatable {
    case unreachable
    case certificate
    case nonsense
}

/// Asks servers outside; tests put their own in its place.
struct WebAsker: Sendable {
    private static let longestAnswer = 4 << 10

    let ask: @Sendable (WebQuestion) async throws(WebFailure) -> WebAnswer

    /// By HTTP, without following redirects, in bounded time and memory, where `servers` lets it.
    static func http(_ servers: AddressPolicy) -> WebAsker {
        WebAsker { question async throws(WebFailure) in try await ask(question, servers) }
    }

    private static func ask(_ question: WebQuestion, _ servers: AddressPolicy) async throws(WebFailure) -> WebAnswer {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(6)
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.http1_1ConnectionDebugInitializer = { servers.admit($0) }
        var tls = TLSConfiguration.makeClientConfiguration()
        if !question.checksCertificate { tls.certificateVerification = .none }
        configuration.tlsConfiguration = tls
        // Questions are rare: nothing is kept between them.
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let outcome: Result<WebAnswer, WebFailure>
        do {
            // The client's own limit ends with the head of the answer.
            outcome = .success(
                try await Deadline.run(question.within, time: .system) { try await answer(to: question, client) })
        } catch {
            outcome = .failure(failure(error))
        }
        try? await client.shutdown()
        return try outcome.get()
    }

    private static func answer(to question: WebQuestion, _ client: HTTPClient) async throws -> WebAnswer {
        var request = HTTPClientRequest(url: question.url)
        for (name, value) in question.headers { request.headers.add(name: name, value: value) }
        let response = try await client.execute(request, timeout: .milliseconds(Int64(question.within.seconds * 1000)))
        var bytes: [UInt8] = []
        for try await buffer in response.body {
            bytes += buffer.readableBytesView.prefix(longestAnswer - bytes.count)
            if bytes.count >= longestAnswer { break }
        }
        return WebAnswer(status: Int(response.status.code), text: String(decoding: bytes, as: UTF8.self))
    }

    private static func failure(_ error: any Error) -> WebFailure {
        switch error {
        case is Deadline.Passed: .unreachable
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: .certificate
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout, .deadlineExceeded, .readTimeout, .remoteConnectionClosed, .cancelled: .unreachable
            default: .nonsense
            }
        case let error as NIOConnectionError:
            error.connectionErrors.contains { $0.error is NIOSSLError } ? .certificate : .unreachable
        default: .unreachable
        }
    }
}
