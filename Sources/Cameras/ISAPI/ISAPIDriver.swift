import CameraProtocols
import Core
import Foundation
import XML

/// Speaks Hikvision's ISAPI, as devices of firmware 5.2 to 5.8 (cameras) and 3 to 5 (recorders) really do.
public struct ISAPIDriver: CameraDriver {
    public let kind = DriverKind.isapi
    let client: DeviceClient
    let profile: CameraProfile

    public init(client: DeviceClient, profile: CameraProfile) {
        self.client = client
        self.profile = profile
    }

    public func close() async { await client.close() }

    /// SHA-256 of the device's certificate, once one was seen.
    public var certificate: String? { client.certificate }

    // MARK: Asking

    /// Asks for a document.
    func get(_ path: String, limit: Int = 4 << 20, within: Duration = .seconds(10)) async throws(DeviceFailure) -> XMLTree {
        try Self.document(try await client.request("GET", "/ISAPI/" + path, limit: limit, within: within), of: path)
    }

    /// Asks for a document that a device may not have.
    func find(_ path: String) async throws(DeviceFailure) -> XMLTree? {
        do {
            return try await get(path)
        } catch {
            guard [.unsupported, .forbidden, .deviceError, .nonsense].contains(error.code) else { throw error }
            return nil
        }
    }

    @discardableResult
    func put(_ path: String, _ tree: XMLTree?, within: Duration = .seconds(10)) async throws(DeviceFailure) -> XMLTree? {
        try await send("PUT", path, tree, within: within)
    }

    @discardableResult
    func send(_ method: String, _ path: String, _ tree: XMLTree?, within: Duration = .seconds(10)) async throws(DeviceFailure) -> XMLTree? {
        let answer = try await client.request(
            method, "/ISAPI/" + path, body: tree.map { DeviceClient.Body(xml: $0.document) }, within: within)
        if answer.status == 200, answer.body.isEmpty { return nil }
        return try Self.document(answer, of: path)
    }

    /// The document of an answer, or what the device says is wrong.
    static func document(_ answer: DeviceClient.Answer, of path: String) throws(DeviceFailure) -> XMLTree {
        let tree: XMLTree?
        do {
            tree = try XMLTree(parsing: answer.body)
        } catch {
            if answer.status == 200 { throw .nonsense("\(path): \(error)") }
            tree = nil
        }
        if let tree, tree.name == "ResponseStatus", let failure = failure(of: tree) { throw failure }
        switch answer.status {
        case 200...299:
            guard let tree else { throw .nonsense("\(path): nothing") }
            return tree
        case 404, 405, 501: throw .unsupported(path)
        case 403: throw tree?.name == "ResponseStatus" ? .unsupported(path) : .forbidden
        case 503: throw DeviceFailure(.busy, "The device is busy. Try again in a moment.")
        default: throw .deviceError("\(path): status \(answer.status)")
        }
    }

    /// What a `ResponseStatus` says is wrong; nil where all is well.
    static func failure(of status: XMLTree) -> DeviceFailure? {
        let word = status["subStatusCode"]?.text ?? status["statusString"]?.text ?? ""
        switch status["statusCode"]?.integer {
        case 1, 7: return nil  // 7: done, and a restart is needed
        case 2: return DeviceFailure(.busy, "The device is busy. Try again in a moment.", detail: word)
        default: break
        }
        switch word {
        case "ok", "OK": return nil
        case "notSupport", "invalidOperation", "methodNotAllowed", "theFunctionIsNotSupported": return .unsupported(word)
        case "lowPrivilege", "noPermission": return .forbidden
        case "notActivated": return .notActivated
        case "noSpareSession", "maxSessionUserLink", "overMaxLink", "maxLink": return .tooManySessions
        default: return .deviceError(word)
        }
    }

    // MARK: Paths

    /// The folder of a channel's video settings: recorders keep network cameras apart from their own inputs.
    static func videoPath(_ channel: DeviceChannel) -> String {
        channel.input == .network
            ? "ContentMgmt/InputProxy/channels/\(channel.number)/video" : "System/Video/inputs/channels/\(channel.number)"
    }

    public func snapshot(of channel: DeviceChannel) async throws(DeviceFailure) -> [UInt8] {
        let stream = channel.stream(.main)?.id ?? "\(channel.number)01"
        let answer = try await client.request("GET", "/ISAPI/Streaming/channels/\(stream)/picture", limit: 8 << 20)
        guard answer.status == 200, answer.body.starts(with: [0xFF, 0xD8]) else {
            _ = try Self.document(answer, of: "picture")
            throw .nonsense("picture: no JPEG")
        }
        return answer.body
    }
}
