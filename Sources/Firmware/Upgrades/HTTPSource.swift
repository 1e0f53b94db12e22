import AsyncHTTPClient
public import Core
import NIOCore
import NIOHTTP1
import NIOSSL
public import Outbound

/// Why a server of releases gave nothing; a sentence for people.
public struct SourceFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    /// Whether it may be another way a moment later.
    let isPassing: Bool

    init(_ description: String, isPassing: Bool) {
        self.description = description
        self.isPassing = isPassing
    }
}

/// A web server or bucket that serves a repository of releases.
public final class HTTPSource: ReleaseSource {
    /// Where it is, and how it is reached.
    public struct Place: Codable, Sendable, Equatable {
        /// Without a slash at its end.
        public let url: String
        /// `host:port` of a proxy that speaks HTTP (RFC 9110, section 9.3.6).
        public let proxy: Proxy?

        public struct Proxy: Codable, Sendable, Equatable {
            public let host: String
            public let port: Int

            public init(host: String, port: Int) {
                self.host = host
                self.port = port
            }
        }

        public init(url: String, proxy: Proxy? = nil) {
            self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
            self.proxy = proxy
        }
    }

    /// Waits before the next attempts at a file; a bad line gives a piece sooner or later.
    private static let waits: [Duration] = [.seconds(1), .seconds(4), .seconds(15), .seconds(60)]
    /// Somebody may wait to hear what there is; it is asked for again by itself after an hour.
    private static let waitsForMetadata = waits.prefix(2)
    private static let connectLimit = TimeAmount.seconds(15)
    /// Without a byte.
    private static let silence = TimeAmount.seconds(30)
    /// A server that gives less than this a second, in the mean, gives nothing.
    private static let slowest = 4096

    private let place: Place
    private let pace: @Sendable (Int) async throws -> Void
    private let time: TimeSource
    private let client: HTTPClient

    /// - Parameters:
    ///   - servers: Where connections may lead.
    ///   - pace: Returns when so many bytes may be fetched; what else uses the line goes before them.
    public init(
        _ place: Place, servers: AddressPolicy, time: TimeSource, pace: @escaping @Sendable (Int) async throws -> Void
    ) {
        self.place = place
        self.pace = pace
        self.time = time
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: Self.configuration(place, servers))
    }

    /// How the vendor's servers are spoken to.
    static func configuration(_ place: Place, _ servers: AddressPolicy) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = connectLimit
        configuration.timeout.read = silence
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1
        configuration.http1_1ConnectionDebugInitializer = { servers.admit($0) }
        configuration.proxy = place.proxy.map { .server(host: $0.host, port: $0.port) }
        return configuration
    }

    /// Nothing is asked for afterwards.
    public func close() async { try? await client.shutdown() }

    public func file(_ path: String, atMost limit: Int) async throws -> [UInt8] {
        var waits = path.hasPrefix("metadata/") ? Self.waitsForMetadata : Self.waits[...]
        while true {
            do {
                return try await attempt(path, atMost: limit)
            } catch let failure as SourceFailure where failure.isPassing {
                guard let wait = waits.popFirst() else { throw failure }
                try await time.sleep(wait)
            }
        }
    }

    private func attempt(_ path: String, atMost limit: Int) async throws -> [UInt8] {
        try await pace(min(limit, ReleaseManifest.pieceBytes))
        do {
            return try await Deadline.run(.seconds(60 + limit / Self.slowest), time: time) { try await self.fetch(path, atMost: limit) }
        } catch let refusal as ReleaseRefusal {
            throw refusal
        } catch {
            throw Self.failure(error)
        }
    }

    private func fetch(_ path: String, atMost limit: Int) async throws -> [UInt8] {
        let response = try await client.execute(HTTPClientRequest(url: "\(place.url)/\(path)"), deadline: .distantFuture)
        switch response.status.code {
        case 200: break
        // A bucket that does not list what it has says 403.
        case 403, 404, 410: throw ReleaseRefusal.notThere(path)
        case let code:
            throw SourceFailure("The server of releases answers with status \(code).", isPassing: code == 429 || code >= 500)
        }
        var bytes: [UInt8] = []
        for try await buffer in response.body {
            guard bytes.count + buffer.readableBytes <= limit else { throw ReleaseRefusal.tooLarge(path) }
            bytes += buffer.readableBytesView
        }
        return bytes
    }

    private static func failure(_ error: any Error) -> any Error {
        switch error {
        case is CancellationError, is SourceFailure: return error
        case let refusal as AddressRefusal: return SourceFailure(refusal.sentence, isPassing: false)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return SourceFailure("The server of releases has no certificate that this box trusts.", isPassing: false)
        default:
            return SourceFailure("The server of releases cannot be reached, or breaks off.", isPassing: true)
        }
    }
}
