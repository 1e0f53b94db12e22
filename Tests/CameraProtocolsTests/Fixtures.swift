import CameraProtocols
import Core
import Foundation
import XML

/// Answers of real devices, which lie outside of this repository: `GATEHOUSE_FIXTURES` names their folder. Tests that read them do not run
/// where they are missing.
enum Fixtures {
    static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["GATEHOUSE_FIXTURES"] { return URL(fileURLWithPath: path) }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return package.appendingPathComponent("../shared/fixtures").standardizedFileURL
    }()

    static var areThere: Bool { FileManager.default.fileExists(atPath: folder.path) }

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appendingPathComponent(path)))
    }

    /// The files of a folder, sorted.
    static func files(_ path: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent(path).path)) ?? []
        return names.sorted().map { path + "/" + $0 }
    }

    /// What reading a file gives, in a line: what was understood, or why it was refused.
    static func result(_ path: String) -> String {
        do {
            let bytes = try bytes(path)
            switch path.split(separator: "/").first {
            case "isapi":
                let alert = try ISAPIAlert(parsing: bytes)
                return alert.isHeartbeat ? "heartbeat" : alert.notifications.map(text).joined(separator: "; ")
            case "sadp":
                let device = try SADPDevice(parsing: bytes)
                return [
                    device.model ?? "-", device.macAddress ?? "-", device.ipv4Address ?? "-", "HTTP \(device.httpPort ?? 0)",
                    device.isActivated ? "activated" : "not activated", device.isTruncated ? "cut short" : nil,
                ].compactMap(\.self).joined(separator: ", ")
            case "sdp":
                return try description(bytes)
            default:
                return try onvif(path, bytes)
            }
        } catch {
            return "refused: \(error)"
        }
    }

    private static func onvif(_ path: String, _ bytes: [UInt8]) throws -> String {
        if path.hasSuffix("probematches.xml") {
            return try WSDiscoveryMatch.parse(bytes).map {
                "\($0.name ?? "-"), \($0.hardware ?? "-"), \($0.macAddress ?? "-"), \($0.addresses.count) addresses"
            }.joined(separator: "; ")
        }
        let xml = path.hasSuffix(".json") ? try wire(bytes) : bytes
        let notifications = try ONVIFEvents(parsing: xml).notifications
        return notifications.isEmpty ? "nothing that lasts" : notifications.map(text).joined(separator: "; ")
    }

    static func text(_ notification: DeviceNotification) -> String {
        let place =
            switch notification.place {
            case .device: "device"
            case .channel(let number): "channel \(number)"
            case .token(let token): "token \(token)"
            }
        let target = notification.target.map { " of \($0.rawValue)" } ?? ""
        let region = notification.region.map { ", region \($0)" } ?? ""
        return "\(notification.category.rawValue)\(target) \(notification.phase.rawValue), \(place)\(region) (\(notification.deviceType))"
    }

    private static func description(_ bytes: [UInt8]) throws -> String {
        guard bytes.starts(with: Array("RTSP/".utf8)) else { return media(try SessionDescription(parsing: bytes)) }
        let answer = try RTSPMessage(parsing: bytes)
        guard answer.body.isEmpty else { return "\(answer.status), " + media(try SessionDescription(parsing: answer.body)) }
        return "\(answer.status)" + (answer.session.map { ", session \($0.id) for \($0.timeout) s" } ?? ", no session")
    }

    private static func media(_ description: SessionDescription) -> String {
        description.media.map { media in
            let formats = media.formats.map { $0.encoding ?? $0.payloadType }.joined(separator: " ")
            return "\(media.kind) \(formats) at \(media.control ?? "-")"
        }.joined(separator: "; ")
    }

    /// The message as it was on the wire, of what a Python library made of it.
    private static func wire(_ json: [UInt8]) throws -> [UInt8] {
        struct Broken: Error {}
        guard let object = try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any],
            let topic = object["Topic"] as? [String: Any],
            let path = topic["_value_1"] as? String, let outer = object["Message"] as? [String: Any],
            let message = outer["_value_1"] as? [String: Any]
        else { throw Broken() }
        var inner = XMLTree("tt:Message")
        for name in ["UtcTime", "PropertyOperation"] { inner.attributes[name] = message[name] as? String }
        for name in ["Source", "Key", "Data"] {
            guard let items = (message[name] as? [String: Any])?["SimpleItem"] as? [[String: String]] else { continue }
            inner.children.append(XMLTree("tt:\(name)", children: items.map { XMLTree("tt:SimpleItem", attributes: $0) }))
        }
        let wire = XMLTree(
            "wsnt:NotificationMessage", attributes: ["xmlns:tt": "http://www.onvif.org/ver10/schema", "xmlns:wsnt": "b-2"],
            children: [XMLTree("wsnt:Topic", text: path), XMLTree("wsnt:Message", children: [inner])])
        return Array(wire.document.utf8)
    }
}
