public import Core
import Foundation
public import XML

/// Why a part of an ISAPI event stream is no alert.
public enum ISAPIAlertRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case xml(XMLRefusal)
    case json(String)
    /// A document, but another one; with the name of its first element.
    case notAnAlert(String)

    public var description: String {
        switch self {
        case .xml(let refusal): refusal.description
        case .json(let reason): "The device sent an event as JSON that cannot be read: \(reason)"
        case .notAnAlert(let name): "The device sent \(name) where an event was expected."
        }
    }
}

/// An event of a Hikvision device: `EventNotificationAlert` (ISAPI, "Event Notification"), as XML or JSON, of `alertStream` or pushed.
public struct ISAPIAlert: Sendable, Equatable {
    /// One for every region and target of the event; none for a heartbeat.
    ///
    /// A recorder's channel is as the device numbers it: with many of them IP channels begin at 33, which is for the driver to know.
    public var notifications: [DeviceNotification]
    /// Whether it only says that the connection lives.
    public var isHeartbeat: Bool

    /// Reads a part of the stream, by what is in it and not by what its header says.
    public init(parsing bytes: [UInt8]) throws(ISAPIAlertRefusal) {
        let first = bytes.first { $0 > 0x20 && ![0xEF, 0xBB, 0xBF].contains($0) }
        if first == UInt8(ascii: "{") {
            self.init(try Self.jsonTree(bytes))
            return
        }
        let tree: XMLTree
        do { tree = try XMLTree(parsing: bytes) } catch { throw .xml(error) }
        guard tree.name.lowercased() == "eventnotificationalert" || tree["eventType"] != nil else { throw .notAnAlert(tree.name) }
        self.init(tree)
    }

    private init(_ alert: XMLTree) {
        let word = alert["eventType"]?.word ?? "unknown"
        let state = alert["eventState"]?.text.lowercased()
        let isQuietVideoLoss = word.lowercased() == "videoloss" && state == "inactive" && (alert["activePostCount"]?.integer ?? 0) == 0
        isHeartbeat = isQuietVideoLoss || word.lowercased() == "heartbeat"
        notifications = []
        guard !isHeartbeat else { return }

        let (category, target) = Self.meaning(of: word)
        var base = DeviceNotification(
            category: category, deviceType: word, phase: Self.phase(state, of: word), place: Self.place(alert), target: target,
            deviceTime: (alert["dateTime"]?.word).flatMap(DeviceTime.init), pictureURL: nil)
        if let input = alert["inputIOPortID"]?.word ?? alert["dynInputIOPortID"]?.word { base.details["input"] = input }
        let words = alert.words(of: Self.wanted)
        if let plate = words["licensePlate"] ?? words["plateNumber"] { base.details["plate"] = plate }
        if category == .other, let text = alert["eventDescription"]?.word { base.details["description"] = text }
        if let temperature = words["currTemperature"] ?? words["highestTemperature"] {
            base.details["temperature"] = temperature
        }
        base.pictureURL = Self.pictureURL(words)
        if let access = alert["AccessControllerEvent"] ?? alert["AcsEvent"] { Self.read(access, into: &base) }
        notifications = Self.regions(alert).map { region, target in
            var one = base
            one.region = region
            one.target = target ?? base.target
            return one
        }
    }

    // MARK: Parts of an alert

    /// The regions where something was detected, with what; one without region where none is named.
    private static func regions(_ alert: XMLTree) -> [(String?, CameraEvent.Target?)] {
        let whole = (alert["targetType"] ?? alert["detectionTarget"])?.word
        var found: [(String?, CameraEvent.Target?)] = []
        for entry in (alert["DetectionRegionList"]?.all("DetectionRegionEntry") ?? []).prefix(32) {
            let region = entry["regionID"]?.word
            let target = (entry["detectionTarget"] ?? entry["targetType"])?.word ?? whole
            let one = (region, target.flatMap(Self.target))
            if !found.contains(where: { $0 == one }) { found.append(one) }
        }
        return found.isEmpty ? [(nil, whole.flatMap(Self.target))] : found
    }

    /// A device's word for what moved.
    private static func target(_ word: String) -> CameraEvent.Target? {
        switch word.lowercased() {
        case "human", "people", "person", "pedestrian": .human
        case "vehicle", "car", "motor", "nonmotor", "bus", "truck": .vehicle
        case "animal", "pet": .animal
        case "face": .face
        default: nil
        }
    }

    private static func place(_ alert: XMLTree) -> DeviceNotification.Place {
        let number = alert["channelID"]?.integer ?? alert["dynChannelID"]?.integer ?? 0
        return number > 0 ? .channel(number) : .device
    }

    private static func phase(_ state: String?, of word: String) -> DeviceNotification.Phase {
        switch word.lowercased() {
        case "anpr", "facesnap", "facecapture", "vehiclematchresult", "accesscontrollerevent": .momentary
        default:
            switch state {
            case "active": .active
            case "inactive": .inactive
            default: .momentary
            }
        }
    }

    private static let pictureNames = [
        "pictureURL", "bkgUrl", "bkgURL", "picUri", "imageURL", "imageUrl", "subImageUrl", "detectionPictureURL", "faceURL",
    ]
    /// What may stand anywhere in an alert.
    private static let wanted = Set(pictureNames + ["licensePlate", "plateNumber", "currTemperature", "highestTemperature"])

    /// Where the picture is that some devices only point at.
    private static func pictureURL(_ words: [String: String]) -> String? {
        for name in pictureNames {
            if let text = words[name], text.count <= 2048, text.hasPrefix("/") || text.lowercased().hasPrefix("http") {
                return text
            }
        }
        return nil
    }

    // MARK: Words

    /// What a device's word for an event means here; what is not in the table is `.other`.
    public static func meaning(of word: String) -> (CameraEvent.Category, CameraEvent.Target?) {
        let word = word.lowercased()
        return (categories[word] ?? .other, targets[word])
    }

    private static let categories: [String: CameraEvent.Category] = [
        "vmd": .motion, "motion": .motion, "motiondetection": .motion, "rapidmove": .motion,
        "linedetection": .lineCrossing, "linecrossing": .lineCrossing, "fielddetection": .intrusion, "intrusion": .intrusion,
        "regionentrance": .regionEntrance, "regionexiting": .regionExit, "loitering": .loitering, "group": .object,
        "facedetection": .face, "facesnap": .face, "facecapture": .face, "facecontrast": .face, "facecontrastsuccess": .face,
        "facecontrastfailure": .face, "whitelistfacecontrast": .face, "alarmresult": .face,
        "unattendedbaggage": .object, "attendedbaggage": .object, "objectsthrowndetection": .object, "parking": .object,
        "anpr": .object, "vehicledetection": .object, "vehiclematchresult": .object, "humanrecognition": .object,
        "mixedtargetdetection": .object, "peopledetection": .object,
        "pir": .pir, "io": .input, "softio": .input, "wlsensor": .input, "callhelp": .input,
        "shelteralarm": .tamper, "tamperdetection": .tamper, "scenechangedetection": .tamper, "defocus": .tamper,
        "defocusdetection": .tamper,
        "audioexception": .audio, "audiodetection": .audio,
        "doorbell": .doorbell, "doorbellringing": .doorbell, "voicetalkevent": .doorbell, "accesscontrollerevent": .access,
        "videoloss": .videoLoss, "badvideo": .videoLoss, "videomismatch": .videoLoss,
        "diskfull": .diskFull, "diskerror": .diskError, "storagedetection": .diskError, "recordingfailure": .diskError,
        "raidexception": .diskError, "illaccess": .illegalLogin, "nicbroken": .network, "ipconflict": .network,
    ]

    private static let targets: [String: CameraEvent.Target] = [
        "facedetection": .face, "facesnap": .face, "facecapture": .face, "facecontrast": .face, "facecontrastsuccess": .face,
        "facecontrastfailure": .face, "whitelistfacecontrast": .face,
        "anpr": .vehicle, "vehicledetection": .vehicle, "vehiclematchresult": .vehicle, "parking": .vehicle,
        "group": .human, "humanrecognition": .human, "peopledetection": .human,
    ]

    // MARK: JSON

    /// The JSON form has the names of the XML form, so it becomes the same tree.
    private static func jsonTree(_ bytes: [UInt8]) throws(ISAPIAlertRefusal) -> XMLTree {
        // Less than of XML: what is read of it takes forty times its place before its elements can be counted.
        guard bytes.count <= 1 << 20 else { throw .json("it is too large") }
        let start = bytes.firstIndex(of: UInt8(ascii: "{")) ?? 0
        // Names in local encodings come here too.
        let text = Data(String(decoding: bytes[start...], as: UTF8.self).utf8)
        guard let object = (try? JSONSerialization.jsonObject(with: text)) as? [String: Any] else { throw .json("it is not well-formed") }
        var elements = 0
        guard let tree = tree("alert", object, depth: 0, elements: &elements) else { throw .json("it is nested too deeply or too large") }
        let alert = tree["eventType"] == nil ? tree["EventNotificationAlert"] ?? tree : tree
        guard alert["eventType"] != nil || alert["AccessControllerEvent"] != nil else {
            throw .notAnAlert(tree.children.first?.name ?? "an empty object")
        }
        return alert
    }

    private static func tree(_ name: String, _ value: Any, depth: Int, elements: inout Int) -> XMLTree? {
        elements += 1
        guard depth < XMLLimits().depth, elements <= XMLLimits().elements else { return nil }
        var tree = XMLTree(name)
        switch value {
        case let object as [String: Any]:
            for (key, value) in object.sorted(by: { $0.key < $1.key }) {
                for one in value as? [Any] ?? [value] {
                    guard let child = Self.tree(key, one, depth: depth + 1, elements: &elements) else { return nil }
                    tree.children.append(child)
                }
            }
        case let text as String:
            tree.text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        case let number as NSNumber:
            tree.text = number.stringValue
        default:
            break
        }
        return tree
    }
}
