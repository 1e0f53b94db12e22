import Cameras
import Devices
import Foundation
import Media

/// A device as a request describes it.
struct DeviceEntry {
    var name: String?
    var url: RTSPAddress?
    var host: String?
    /// Of RTSP.
    var port: Int?
    var httpPort: Int?
    var https: Bool?
    var subURL: RTSPAddress?
    var userName: String?
    var password: String?
    var transport: RTSPOptions.Transport?
    var allowsBasic: Bool?

    /// Reads the fields; the caller finishes the body.
    init(_ body: RequestBody, creating: Bool, needsName: Bool) {
        name = body.string("name", 1...64, required: needsName)
        url = Self.url("url", body)
        host = Self.host(body)
        port = body.integer("port", 1...65535)
        httpPort = body.integer("httpPort", 1...65535)
        https = body.bool("https")
        subURL = Self.url("subUrl", body)
        userName = body.string("userName", 1...64)
        password = body.string("password", 1...128)
        transport = body.word("transport", RTSPOptions.Transport.self)
        allowsBasic = body.bool("allowBasic")
        let named = body.has("url") && !body.isNull("url") || body.has("address") && !body.isNull("address")
        if creating, !named { body.reject("url", "Enter the camera's RTSP URL or its address.") }
        if url != nil, host != nil { body.reject("address", "Enter either url or address, not both.") }
        // Credentials in the URL are taken out of it and kept apart.
        for carried in [url, subURL] {
            userName = userName ?? carried?.userName
            password = password ?? carried?.password
        }
    }

    /// The stream or host to test.
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

    /// How to reach the device; `shared` goes where it has no user of its own.
    func entryPoint(shared: DeviceCredentials?) -> DeviceEntryPoint {
        let own = userName.map { DeviceCredentials(userName: $0, password: password ?? shared?.password ?? "") }
        let secure = https ?? false
        return DeviceEntryPoint(
            address: DeviceAddress(
                host: host ?? url?.host ?? "", port: httpPort ?? (secure ? 443 : 80), https: secure, rtspPort: port ?? url?.port ?? 554),
            mainURL: url, subURL: subURL,
            credentials: own ?? password.map { DeviceCredentials(userName: shared?.userName ?? "admin", password: $0) } ?? shared,
            transport: transport ?? .tcp, allowsBasic: allowsBasic ?? false)
    }

    static func url(_ name: String, _ body: RequestBody) -> RTSPAddress? {
        guard let text = body.string(name, 8...2048) else { return nil }
        guard let url = RTSPAddress(text) else {
            body.reject(name, "\(name) must be an RTSP URL such as rtsp://192.168.1.64/Streaming/Channels/101.")
            return nil
        }
        return url
    }

    private static func host(_ body: RequestBody) -> String? {
        guard let text = body.string("address", 1...255) else { return nil }
        guard isHost(text) else {
            body.reject("address", "address must be a host name or an IP address.")
            return nil
        }
        return text
    }

    static func isHost(_ text: String) -> Bool {
        (RTSPAddress(host: text, port: 554, path: "/").map { $0.userName == nil && $0.url.hasSuffix("/") } ?? false)
            && !text.contains("/") && !text.contains("@") && !text.contains("?")
    }
}

/// What a person may choose as a driver.
enum DriverChoice: String, CaseIterable {
    case automatic = "auto"
    case isapi, onvif, rtsp

    var kind: DriverKind? { DriverKind(rawValue: rawValue) }
}
