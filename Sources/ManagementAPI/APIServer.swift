import Access
import CloudStorage
import Core
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import Logging
import NIOCore
public import NIOSSL
public import ServiceLifecycle

/// The HTTP server: API under `/api/v1`, the page at `/`, metrics at `/metrics`.
public struct APIServer: Service, CustomStringConvertible {
    /// Said where services are logged: their parts hold secrets.
    public var description: String { "API server" }

    private let services: BoxServices
    private let maker: AnswerMaker
    private let feed: LiveFeed
    private let address: String
    private let port: Int
    private let tls: TLSConfiguration?
    private let started: @Sendable (Int) async -> Void

    /// A server on `address` and `port` (0 is any free one); `started` gets the real port.
    public init(
        services: BoxServices, feed: LiveFeed, address: String, port: Int, tls: TLSConfiguration?,
        started: @escaping @Sendable (Int) async -> Void
    ) {
        self.services = services
        self.maker = AnswerMaker(services: services)
        self.feed = feed
        self.address = address
        self.port = port
        self.tls = tls
        self.started = started
    }

    public func run() async throws {
        let application = Application(
            responder: router().buildResponder(), server: try builder(),
            configuration: .init(address: .hostname(address, port: port), serverName: nil, reuseAddress: true),
            onServerRunning: { channel in await started(channel.localAddress?.port ?? port) }, logger: services.logger)
        async let feeding: Void = cancelWhenGracefulShutdown { await feed.run(maker: maker) }
        async let following: Void = cancelWhenGracefulShutdown { await maker.followStorage(feed) }
        do {
            try await application.run()
        } catch let error as IOError {
            throw ServerFailure(
                description:
                    "The page cannot be served on \(address) port \(port): \(String(cString: strerror(error.errnoCode))). Choose another http.port."
            )
        }
        _ = await (feeding, following)
    }

    private func builder() throws -> HTTPServerBuilder {
        guard var tls else { return .http1(configuration: .init(idleTimeout: .seconds(120))) }
        tls.applicationProtocols = ["h2", "http/1.1"]
        return try .http2Upgrade(tlsConfiguration: tls, configuration: .init(idleTimeout: .seconds(120)))
    }

    /// All routes; open ones first, everything else behind the sign-in.
    func router() -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: AnswerGate(mediaOrigins: { [services] in services.targets.origins }))
        router.add(middleware: OriginGate())
        router.add(middleware: FileMiddleware(Self.webFolder, searchForIndexHtml: true))
        let open = router.group("api/v1")
        let setup = SetupRoutes(services: services, maker: maker, secureCookies: tls != nil)
        setup.addPublic(to: open)
        let live = LiveRoutes(services: services)
        live.addOpen(to: open)
        LivePlaylistRoutes(services: services).addOpen(to: open)
        OnSiteRoutes(services: services).addOpen(to: open)
        let reach = ReachRoutes(services: services)
        reach.addOpen(to: open)
        let playback = PlaybackRoutes(services: services)
        playback.addOpen(to: open)
        WHEPRoutes(services: services).addOpen(to: open)
        open.get("openapi.json") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-cache"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: try Self.openAPI())))
        }
        let guarded = router.group("api/v1").add(middleware: SignInGate(administration: services.administration))
        setup.add(to: guarded)
        SystemRoutes(services: services, maker: maker, feed: feed).add(to: guarded)
        DeviceRoutes(services: services, maker: maker, feed: feed).add(to: guarded)
        DeviceControlRoutes(services: services, maker: maker).add(to: guarded)
        OnboardingRoutes(services: services, maker: maker).add(to: guarded)
        ChannelRoutes(services: services, maker: maker).add(to: guarded)
        DeviceChannelRoutes(services: services, maker: maker).add(to: guarded)
        LensRoutes(services: services).add(to: guarded)
        TalkRoutes(services: services).add(to: guarded)
        RecordingRoutes(services: services).add(to: guarded)
        FootageRoutes(services: services, maker: maker).add(to: guarded)
        live.add(to: guarded)
        ExportRoutes(services: services).add(to: guarded)
        playback.add(to: guarded)
        RTSPRoutes(services: services).add(to: guarded)
        ICERoutes(services: services).add(to: guarded)
        reach.add(to: guarded)
        StorageRoutes(services: services, maker: maker).add(to: guarded)
        LineRoutes(services: services, maker: maker).add(to: guarded)
        ChainRoutes(services: services).add(to: guarded)
        EncryptionRoutes(services: services).add(to: guarded)
        RefillRoutes(services: services).add(to: guarded)
        PlanRoutes(services: services, maker: maker).add(to: guarded)
        router.get("metrics") { request, _ in try await metrics(request) }
        return router
    }

    private func metrics(_ request: Request) async throws -> Response {
        let token = SignInGate.token(of: request) ?? ""
        var admitted = false
        if let wanted = services.metricsToken, !wanted.isEmpty { admitted = token == wanted }
        if !admitted { admitted = (try? await services.administration.authenticate(token: token)) != nil }
        guard admitted else { throw Problem.notSignedIn }
        let text = try await Metrics(maker).text
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private static var webFolder: String { Bundle.module.bundlePath + "/Web" }

    /// The OpenAPI document, as it is served.
    static func openAPI() throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: Bundle.module.bundlePath + "/openapi.json") else {
            throw Problem.notFound("document")
        }
        return Array(data)
    }
}

/// Why the server cannot serve; a sentence.
public struct ServerFailure: Error, CustomStringConvertible {
    public let description: String
}
