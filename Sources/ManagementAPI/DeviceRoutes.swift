import BoxDatabase
import Cameras
import Core
import MediaWorker
import Recording
import Foundation
import HTTPTypes
import Hummingbird
import Media

/// Adding, changing, removing and testing devices.
struct DeviceRoutes {
    let services: BoxServices
    let maker: AnswerMaker
    private let feed: LiveFeed
    private var catalogue: DeviceCatalogue { maker.catalogue }

    init(services: BoxServices, maker: AnswerMaker, feed: LiveFeed) {
        self.services = services
        self.maker = maker
        self.feed = feed
    }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("devices") { _, _ in
            try answer(ListAnswer(items: try await catalogue.devices().map { maker.device($0.0, channels: $0.1) }))
        }
        routes.post("devices") { request, _ in try await create(request) }
        routes.post("devices/test") { request, _ in
            let entry = try DeviceEntry(try await RequestBody.read(request), creating: true, needsName: false)
            return try answer(try await test(try entry.address()))
        }
        routes.get("devices/:id") { _, context in
            let (device, channels) = try await catalogue.device(try context.identifier("camera"))
            return try answer(maker.device(device, channels: channels))
        }
        routes.patch("devices/:id") { request, context in try await change(request, context) }
        routes.delete("devices/:id") { _, context in
            let id: DeviceID = try context.identifier("camera")
            let (_, channels) = try await catalogue.device(id)
            try await catalogue.remove(id)
            feed.deviceChanged(id)
            for channel in channels { feed.channelChanged(channel) }
            return Response(status: .noContent)
        }
        routes.post("devices/:id/test") { _, context in
            let (device, channels) = try await catalogue.device(try context.identifier("camera"))
            if let atWork = working(device, channels) { return try answer(atWork) }
            return try answer(try await test(try address(of: device)))
        }
    }

    private func create(_ request: Request) async throws -> Response {
        let entry = try DeviceEntry(try await RequestBody.read(request), creating: true, needsName: true)
        let address = try entry.address()
        try await check(address)
        var url = entry.url?.url
        var sub = entry.subURL?.url
        if url == nil {
            // Only the address is known: the test finds the path.
            let result = await services.tester.test(address)
            guard result.ok, let found = result.url else {
                throw Problem(.unprocessableContent, result.code, "The camera could not be added", result.sentence)
            }
            url = found
            sub = sub ?? result.subURL
        }
        let device = try await catalogue.add(
            name: entry.name ?? address.host, url: url ?? "", subURL: sub, userName: entry.userName, password: entry.password,
            transport: entry.transport ?? .tcp)
        feed.deviceChanged(device.id)
        let (record, channels) = try await catalogue.device(device.id)
        return try answer(maker.device(record, channels: channels), status: .created)
    }

    private func change(_ request: Request, _ context: APIContext) async throws -> Response {
        var (device, channels) = try await catalogue.device(try context.identifier("camera"))
        let body = try await RequestBody.read(request)
        let (removesPassword, removesUser, removesSub) = (body.isNull("password"), body.isNull("userName"), body.isNull("subUrl"))
        let entry = try DeviceEntry(body, creating: false, needsName: false)
        if let name = entry.name { device.name = name }
        if let url = entry.url { device.url = url.url }
        if entry.url == nil, entry.host != nil || entry.port != nil {
            device.url = try moved(device.url, to: entry)
            device.subUrl = try device.subUrl.map { try moved($0, to: entry) }
        }
        if let sub = entry.subURL { device.subUrl = sub.url }
        if let userName = entry.userName { device.userName = userName }
        if let password = entry.password { device.sealedPassword = try catalogue.seal(password, for: device.id) }
        if let transport = entry.transport { device.transport = transport.rawValue }
        if removesPassword { device.sealedPassword = nil }
        if removesUser { device.userName = nil }
        if removesSub { device.subUrl = nil }
        try await check(try address(of: device))
        try await catalogue.update(device)
        if let name = entry.name, channels.count == 1, var channel = try? await catalogue.channelRecord(channels[0]) {
            channel.name = name
            try await catalogue.update(channel)
        }
        feed.deviceChanged(device.id)
        (device, channels) = try await catalogue.device(device.id)
        return try answer(maker.device(device, channels: channels))
    }

    /// The same path on another host or port.
    private func moved(_ url: String, to entry: DeviceEntry) throws -> String {
        let old = RTSPAddress(url)
        let path = String(url.dropFirst("rtsp://".count).drop { $0 != "/" })
        guard
            let moved = RTSPAddress(
                host: entry.host ?? old?.host ?? "", port: entry.port ?? old?.port ?? 554, path: path.isEmpty ? "/" : path)
        else { throw Problem.invalid([.init(field: "/address", detail: "address is not a host name or IP address.")]) }
        return moved.url
    }

    private func address(of device: DeviceRecord) throws -> CameraAddress {
        guard let url = RTSPAddress(device.url) else { throw Problem.conflict("The camera's URL is not valid any more. Enter it again.") }
        return CameraAddress(
            place: .url(url), subURL: device.subUrl.flatMap { RTSPAddress($0) }, userName: device.userName,
            password: try catalogue.password(of: device), transport: RTSPOptions.Transport(rawValue: device.transport) ?? .tcp)
    }

    private func check(_ address: CameraAddress) async throws {
        var field = "/address"
        if case .url = address.place { field = "/url" }
        try await check(address.host, field: field)
        if let sub = address.subURL { try await check(sub.host, field: "/subUrl") }
    }

    private func check(_ host: String, field: String) async throws {
        do {
            try await services.policy.check(host: host)
        } catch {
            // A name that is not known now may be later; only what no camera can have is refused for good.
            guard error.code == "address-refused" else { return }
            throw Problem(
                .unprocessableContent, error.code, "Address refused", error.sentence, errors: [.init(field: field, detail: error.sentence)])
        }
    }

    /// A camera at work is not opened a second time, for it may allow no second session: what comes from it now is its test.
    private func working(_ device: DeviceRecord, _ channels: [ChannelID]) -> CameraTestAnswer? {
        guard let channel = channels.first.flatMap({ services.channels[$0] }), let snapshot = channel.snapshot else { return nil }
        let view = channel.view
        guard view.condition.severity == .ok, !view.streams.isEmpty else { return nil }
        let steps = [
            ("reach", "The camera answers."), ("sign-in", "It lets the box in."), ("streams", "Its stream comes in."),
            ("picture", "A picture came."),
        ]
        return CameraTestAnswer(
            ok: true, code: "ok", sentence: "The camera works; the box receives it now.",
            steps: steps.map { StepAnswer(name: $0.0, ok: Nullable(true), sentence: $0.1) }, url: Nullable(device.url),
            subUrl: Nullable(device.subUrl), streams: view.streams.map(StreamAnswer.init),
            picture: Nullable("data:image/jpeg;base64,\(Data(snapshot.jpeg).base64EncodedString())"))
    }

    private func test(_ address: CameraAddress) async throws -> CameraTestAnswer {
        let result = await services.tester.test(address)
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

/// A device as a request describes it.
private struct DeviceEntry {
    var name: String?
    var url: RTSPAddress?
    var host: String?
    var port: Int?
    var subURL: RTSPAddress?
    var userName: String?
    var password: String?
    var transport: RTSPOptions.Transport?

    init(_ body: RequestBody, creating: Bool, needsName: Bool) throws {
        name = body.string("name", 1...64, required: needsName)
        url = Self.url("url", body)
        host = Self.host(body)
        port = body.integer("port", 1...65535)
        subURL = Self.url("subUrl", body)
        userName = body.string("userName", 1...64)
        password = body.string("password", 1...128)
        transport = body.word("transport", RTSPOptions.Transport.self)
        let named = body.has("url") || body.has("address")
        if creating, !named { body.reject("url", "Enter the camera's RTSP URL or its address.") }
        if url != nil, host != nil { body.reject("address", "Enter either url or address, not both.") }
        try body.finish()
        // Credentials in the URL are taken out of it and kept apart.
        for carried in [url, subURL] {
            userName = userName ?? carried?.userName
            password = password ?? carried?.password
        }
    }

    func address() throws -> CameraAddress {
        let place: CameraAddress.Place
        if let url {
            place = .url(url)
        } else if let host {
            place = .host(host, port: port ?? 554)
        } else {
            throw Problem.invalid([.init(field: "/url", detail: "Enter the camera's RTSP URL or its address.")])
        }
        return CameraAddress(place: place, subURL: subURL, userName: userName, password: password, transport: transport ?? .tcp)
    }

    private static func url(_ name: String, _ body: RequestBody) -> RTSPAddress? {
        guard let text = body.string(name, 8...2048) else { return nil }
        guard let url = RTSPAddress(text) else {
            body.reject(name, "\(name) must be an RTSP URL such as rtsp://192.168.1.64/Streaming/Channels/101.")
            return nil
        }
        return url
    }

    private static func host(_ body: RequestBody) -> String? {
        guard let text = body.string("address", 1...255) else { return nil }
        guard RTSPAddress(host: text, port: 554, path: "/").map({ $0.userName == nil && $0.url.hasSuffix("/") }) ?? false,
            !text.contains("/"), !text.contains("@"), !text.contains("?")
        else {
            body.reject("address", "address must be a host name or an IP address.")
            return nil
        }
        return text
    }
}
