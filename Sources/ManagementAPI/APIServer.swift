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
import NIOSSL
import ServerCertificate
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
    private let started: @Sendable (Int) async -> Void

    /// A server on `address` and `port` (0 is any free one); `started` gets the real port.
    public init(
        services: BoxServices, feed: LiveFeed, address: String, port: Int,
        started: @escaping @Sendable (Int) async -> Void
    ) {
        self.services = services
        self.maker = AnswerMaker(services: services)
        self.feed = feed
        self.address = address
        self.port = port
        self.started = started
    }

    public func run() async throws {
        let application = Application(
            responder: try router().buildResponder(), server: try builder(),
            configuration: .init(address: .hostname(address, port: port), serverName: nil, reuseAddress: true),
            onServerRunning: { channel in await started(channel.localAddress?.port ?? port) }, logger: services.logger)
        try await withThrowingTaskGroup(of: Void.self) { [feed, maker] group in
            group.addTask { await cancelWhenGracefulShutdown { await feed.run(maker: maker) } }
            group.addTask { await cancelWhenGracefulShutdown { await maker.followStorage(feed) } }
            do {
                try await application.run()
            } catch let error as IOError {
                throw ServerFailure(
                    description:
                        "The page cannot be served on \(address) port \(port): \(String(cString: strerror(error.errnoCode))). Choose another http.port."
                )
            }
        }
    }

    private func builder() throws -> HTTPServerBuilder {
        guard var tls = services.certificates?.configuration() else { return .http1(configuration: .init(idleTimeout: .seconds(120))) }
        tls.applicationProtocols = ["h2", "http/1.1"]
        return try .http2Upgrade(tlsConfiguration: tls, configuration: .init(idleTimeout: .seconds(120)))
    }

    /// All routes, each behind the one gate.
    func router() throws -> Router<APIContext> {
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: AnswerGate(isEncrypted: services.isEncrypted, mediaOrigins: { [services] in services.targets.origins }))
        router.add(middleware: HostGate(machine: ProcessInfo.processInfo.hostName, others: services.hostNames, reach: services.reach))
        router.add(middleware: OriginGate())
        router.add(middleware: FileMiddleware(Self.webFolder, searchForIndexHtml: true))
        let viewer = ResourceViewer()
        let tags = TagGate(viewer: viewer, settable: try SettableFields(document: Self.openAPI()))
        let checks = AccessChecks()
        let guarded = router.group("").add(middleware: tags).add(
            middleware: AccessGate(
                services: services, recorder: OperationRecorder(services: services, viewer: viewer),
                limits: RequestLimits(perSecond: services.requestsPerSecond, time: services.time), tags: tags,
                requests: IdempotentRequests(
                    database: services.database, sealer: services.sealer, time: services.time, logger: services.logger),
                checks: checks))
        addRoutes(to: guarded.group("api/v1"), viewer)
        guarded.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: try await Metrics(maker, checks).text)))
        }
        viewer.look(by: router.buildResponder())
        return router
    }

    private func addRoutes(to routes: RouterGroup<APIContext>, _ viewer: ResourceViewer) {
        routes.get("openapi.json") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-cache"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: try Self.openAPI())))
        }
        SetupRoutes(services: services, maker: maker, secureCookies: services.isEncrypted).add(to: routes)
        AccountRoutes(services: services).add(to: routes)
        PeopleRoutes(services: services).add(to: routes)
        SiteRoutes(services: services).add(to: routes)
        PermissionRoutes(services: services).add(to: routes)
        ShareRoutes(services: services).add(to: routes)
        ProviderInvitationRoutes(services: services).add(to: routes)
        RestoreRoutes(services: services).add(to: routes)
        DeviceMoveRoutes(services: services, maker: maker, feed: feed).add(to: routes)
        UnbindingRoutes(services: services, maker: maker, feed: feed).add(to: routes)
        SiteApplicationRoutes(services: services).add(to: routes)
        CodeRoutes(services: services).add(to: routes)
        CertificateRoutes(services: services).add(to: routes)
        NoticeRoutes(services: services).add(to: routes)
        OperationRoutes(services: services).add(to: routes)
        SystemRoutes(services: services, maker: maker, feed: feed).add(to: routes)
        BackupRoutes(services: services).add(to: routes)
        FirmwareRoutes(services: services, maker: maker).add(to: routes)
        DeviceFirmwareRoutes(services: services).add(to: routes)
        SupportRoutes(services: services, viewer: viewer).add(to: routes)
        DeviceRoutes(services: services, maker: maker, feed: feed).add(to: routes)
        DeviceControlRoutes(services: services, maker: maker).add(to: routes)
        OnboardingRoutes(services: services, maker: maker).add(to: routes)
        ChannelRoutes(services: services, maker: maker).add(to: routes)
        DeviceChannelRoutes(services: services, maker: maker).add(to: routes)
        LensRoutes(services: services).add(to: routes)
        TalkRoutes(services: services).add(to: routes)
        RecordingRoutes(services: services).add(to: routes)
        FootageRoutes(services: services, maker: maker).add(to: routes)
        LiveRoutes(services: services).add(to: routes)
        LivePlaylistRoutes(services: services).add(to: routes)
        OnSiteRoutes(services: services).add(to: routes)
        WHEPRoutes(services: services).add(to: routes)
        ExportRoutes(services: services).add(to: routes)
        PlaybackRoutes(services: services).add(to: routes)
        RTSPRoutes(services: services).add(to: routes)
        ICERoutes(services: services).add(to: routes)
        ReachRoutes(services: services).add(to: routes)
        StorageRoutes(services: services, maker: maker).add(to: routes)
        LineRoutes(services: services, maker: maker).add(to: routes)
        ChainRoutes(services: services).add(to: routes)
        EncryptionRoutes(services: services).add(to: routes)
        RefillRoutes(services: services).add(to: routes)
        PlanRoutes(services: services, maker: maker).add(to: routes)
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
