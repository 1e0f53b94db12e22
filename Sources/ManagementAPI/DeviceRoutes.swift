import Access
import BoxDatabase
import Cameras
import CloudStorage
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird
import Media
import MediaWorker
import Outbound
import Recording

/// Adding, changing, removing and testing devices.
struct DeviceRoutes {
    let services: BoxServices
    let maker: AnswerMaker
    private let feed: LiveFeed
    private var catalogue: DeviceCatalogue { services.catalogue }

    init(services: BoxServices, maker: AnswerMaker, feed: LiveFeed) {
        self.services = services
        self.maker = maker
        self.feed = feed
    }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("devices") { request, context in
            var query = PageQuery(request, known: ["siteId", "search"])
            let filter = DeviceFilter(
                sites: query.sites(of: context.rights.seen), words: query.words.search("search"), page: query.page)
            try query.finish()
            let (found, next) = try await catalogue.devices(filter) { context.rights.allow(.viewSite, at: $0.place) }
            return try answer(ListAnswer(items: found.map(maker.device), next: Nullable(next?.text)))
        }
        routes.post("devices") { request, context in try await create(request, context) }
        routes.post("devices/test") { request, _ in
            let body = try await RequestBody.read(request)
            let entry = DeviceEntry(body, creating: true, needsName: false)
            try body.finish()
            return try answer(try await test(try entry.address()))
        }
        routes.get("devices/:id") { _, context in try answer(try await maker.device(try context.identifier("camera"))) }
        routes.patch("devices/:id") { request, context in try await change(request, context) }
        routes.delete("devices/:id") { _, context in
            let id: DeviceID = try context.identifier("camera")
            let (_, channels) = try await catalogue.device(id)
            for channel in try await catalogue.channelRecords(of: id) where !context.rights.allow(.grant, at: channel.place) {
                try services.plans.admitUnlinking(channel)
            }
            // Plans are the provider's, and end with what their owner takes off the box.
            let now = services.time.now()
            try await catalogue.remove(id) { database, channels in
                for channel in channels { try PlanLedger.void(channel, at: now, database) }
            }
            try await services.plans.reload(channels)
            await services.devices.remove(id)
            feed.deviceChanged(id)
            for channel in channels { feed.channelChanged(channel) }
            return Response(status: .noContent)
        }
        routes.post("devices/:id/test") { _, context in
            let (device, channels) = try await catalogue.device(try context.identifier("camera"))
            guard let first = try await catalogue.channelRecords(of: device.id).first else {
                throw Problem.conflict("The device has no camera channel to test. Check the device instead.")
            }
            if let atWork = working(first, channels) { return try answer(atWork) }
            return try answer(try await test(try address(of: device, first)))
        }
    }

    // MARK: Plain RTSP, at once

    private func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let entry = DeviceEntry(body, creating: true, needsName: true)
        let named = body.identifier("siteId", SiteID.init)
        try body.finish()
        let site = try await context.site(named, .configure, catalogue)
        let address = try entry.address()
        try await check(address)
        var url = entry.url?.url
        var sub = entry.subURL?.url
        if url == nil {
            // Only the address is known: the test finds the path.
            let result = await services.prober.tester.test(address)
            guard result.ok, let found = result.url else {
                throw Problem(.unprocessableContent, result.code, "The camera could not be added", result.sentence)
            }
            url = found
            sub = sub ?? result.subURL
        }
        let id = try await add(entry, url: url ?? "", sub: sub, host: address.host, to: site)
        feed.deviceChanged(id)
        return try answer(try await maker.device(id), status: .created)
    }

    private func add(_ entry: DeviceEntry, url: String, sub: String?, host: String, to site: SiteRecord) async throws -> DeviceID {
        let now = services.time.now()
        let id = DeviceID.timeOrdered(at: now)
        let name = entry.name ?? host
        var device = DeviceRecord(
            id: id, siteId: site.id, name: name, driver: DriverKind.rtsp.rawValue, host: host, httpPort: entry.httpPort ?? 80,
            https: entry.https ?? false, rtspPort: RTSPAddress(url)?.port ?? 554, userName: entry.userName,
            sealedPassword: try catalogue.seal(entry.password, for: id), transport: (entry.transport ?? .tcp).rawValue, createdAt: now)
        var stream = DeviceStream(role: .main, id: "main", url: url)
        var streams = [stream]
        if let sub {
            stream = DeviceStream(role: .sub, id: "sub", url: sub)
            streams.append(stream)
        }
        try device.take(
            DeviceDescription(
                driver: .rtsp, driverReason: "A stream's address was given, so only that stream is used.",
                identity: DeviceIdentity(kind: .camera), channels: [DeviceChannel(number: 1, name: name, input: .own, streams: streams)],
                capabilities: []))
        try await catalogue.add(
            device,
            channels: [
                ChannelRecord(
                    id: .timeOrdered(at: now), deviceId: id, siteId: site.id, name: name, url: url, subUrl: sub, retentionDays: 7,
                    armed: true,
                    motion: .standard, schedule: .always, createdAt: now)
            ])
        try await services.devices.apply(id)
        return id
    }

    // MARK: Changing

    private func change(_ request: Request, _ context: APIContext) async throws -> Response {
        let id: DeviceID = try context.identifier("camera")
        var (device, _) = try await catalogue.device(id)
        var streams = try await catalogue.channelRecords(of: id)
        let body = try await RequestBody.read(request)
        let (removesPassword, removesUser, removesSub) = (body.isNull("password"), body.isNull("userName"), body.isNull("subUrl"))
        let entry = DeviceEntry(body, creating: false, needsName: false)
        let driver = body.word("driver", DriverChoice.self)
        let acceptsCertificate = body.bool("acceptCertificate") ?? false
        try body.finish()
        if let name = entry.name {
            device.name = name
            if streams.count == 1 { streams[0].name = name }
        }
        try apply(entry, to: &device, streams: &streams)
        if removesPassword { device.sealedPassword = nil }
        if removesUser { device.userName = nil }
        if removesSub, !streams.isEmpty { streams[0].subUrl = nil }
        if acceptsCertificate { device.pinnedCertificate = nil }
        if let driver {
            device.driverChosen = driver != .automatic
            if let kind = driver.kind { device.driver = kind.rawValue }
        }
        try await check(device, streams, host: entry.url == nil ? "/address" : "/url")
        try await catalogue.update(device, channels: streams)
        try await services.devices.apply(id)
        if let driver { services.onboarding.check(id, choosesDriver: driver == .automatic) }
        feed.deviceChanged(id)
        return try answer(try await maker.device(id))
    }

    private func apply(_ entry: DeviceEntry, to device: inout DeviceRecord, streams: inout [ChannelRecord]) throws {
        if let url = entry.url, !streams.isEmpty {
            streams[0].url = url.url
            device.host = url.host
            device.rtspPort = url.port
        }
        if let sub = entry.subURL, !streams.isEmpty { streams[0].subUrl = sub.url }
        if entry.url == nil, entry.host != nil || entry.port != nil {
            let host = entry.host ?? device.host
            for index in streams.indices {
                streams[index].url = try moved(streams[index].url, from: device.host, to: host, port: entry.port)
                streams[index].subUrl = try streams[index].subUrl.map { try moved($0, from: device.host, to: host, port: entry.port) }
            }
            device.host = host
            device.rtspPort = entry.port ?? device.rtspPort
        }
        if let port = entry.httpPort { device.httpPort = port }
        if let https = entry.https {
            device.https = https
            if entry.httpPort == nil { device.httpPort = https ? 443 : 80 }
        }
        if let userName = entry.userName { device.userName = userName }
        if let password = entry.password { device.sealedPassword = try catalogue.seal(password, for: device.id) }
        if let transport = entry.transport { device.transport = transport.rawValue }
        if let allows = entry.allowsBasic { device.allowsBasic = allows }
    }

    /// The same path on another host or port.
    private func moved(_ url: String, from old: String, to host: String, port: Int?) throws -> String {
        let text = DeviceCatalogue.moved(url, from: old, to: host)
        guard let port else { return text }
        let path = String(text.dropFirst("rtsp://".count).drop { $0 != "/" })
        guard let host = RTSPAddress(text)?.host, let moved = RTSPAddress(host: host, port: port, path: path.isEmpty ? "/" : path) else {
            throw Problem.invalid([.init(field: "/address", detail: "address is not a host name or IP address.")])
        }
        return moved.url
    }

    // MARK: Testing

    private func address(of device: DeviceRecord, _ channel: ChannelRecord) throws -> CameraAddress {
        guard let url = RTSPAddress(channel.url) else { throw Problem.conflict("The camera's URL is not valid any more. Enter it again.") }
        return CameraAddress(
            place: .url(url), subURL: channel.subUrl.flatMap { RTSPAddress($0) }, userName: device.userName,
            password: try catalogue.password(of: device), transport: RTSPOptions.Transport(rawValue: device.transport) ?? .tcp)
    }

    /// `field` is where the host was entered.
    private func check(_ device: DeviceRecord, _ streams: [ChannelRecord], host field: String) async throws {
        try await check(device.host, field: field)
        for stream in streams {
            if let url = RTSPAddress(stream.url) { try await check(url.host, field: "/url") }
            if let sub = stream.subUrl.flatMap({ RTSPAddress($0) }) { try await check(sub.host, field: "/subUrl") }
        }
    }

    private func check(_ address: CameraAddress) async throws {
        var field = "/address"
        if case .url = address.place { field = "/url" }
        try await check(address.host, field: field)
        if let sub = address.subURL { try await check(sub.host, field: "/subUrl") }
    }

    private func check(_ host: String, field: String) async throws {
        do {
            try await services.prober.policy.check(host: host)
        } catch {
            // A name that is not known now may be later; only what no camera can have is refused for good.
            guard error.code == "address-refused" else { return }
            throw Problem(
                .unprocessableContent, error.code, "Address refused", error.sentence, errors: [.init(field: field, detail: error.sentence)])
        }
    }

    /// A camera at work is not opened a second time, for it may allow no second session: what comes from it now is its test.
    private func working(_ first: ChannelRecord, _ channels: [ChannelID]) -> CameraTestAnswer? {
        guard let channel = channels.first.flatMap({ services.channels[$0] }), let snapshot = channel.snapshot else { return nil }
        let view = channel.view
        guard view.condition.severity == .ok, !view.streams.isEmpty else { return nil }
        let steps = [
            ("reach", "The camera answers."), ("sign-in", "It lets the box in."), ("streams", "Its stream comes in."),
            ("picture", "A picture came."),
        ]
        return CameraTestAnswer(
            ok: true, code: "ok", sentence: "The camera works; the box receives it now.",
            steps: steps.map { StepAnswer(name: $0.0, ok: Nullable(true), sentence: $0.1) }, url: Nullable(first.url),
            subUrl: Nullable(first.subUrl), streams: view.streams.map(StreamAnswer.init),
            picture: Nullable("data:image/jpeg;base64,\(Data(snapshot.jpeg).base64EncodedString())"))
    }

    private func test(_ address: CameraAddress) async throws -> CameraTestAnswer {
        let result = await services.prober.tester.test(address)
        var picture: String?
        if let keyFrame = result.keyFrame {
            let made = try? await services.pictures.picture(of: keyFrame, channel: .timeOrdered(at: services.time.now()), jpegWidth: 640)
            picture = made?.jpeg.map { "data:image/jpeg;base64,\(Data($0).base64EncodedString())" }
        }
        return CameraTestAnswer(
            ok: result.ok, code: result.code, sentence: result.sentence,
            steps: result.steps.map { StepAnswer(name: $0.name, ok: Nullable($0.ok), sentence: $0.sentence) }, url: Nullable(result.url),
            subUrl: Nullable(result.subURL), streams: result.streams.map(StreamAnswer.init), picture: Nullable(picture))
    }
}
