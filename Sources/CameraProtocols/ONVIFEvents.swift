import Core
import Foundation
public import XML

/// What a device tells by ONVIF: the answer to PullMessages, a Notify that it sent, or an event in a metadata stream (Core Specification,
/// section 9).
public struct ONVIFEvents: Sendable, Equatable {
    /// In their order; a message that names several things is several notifications.
    ///
    /// What is only told because the subscription is new, and has no state that lasts, is left out: a device lists all it ever saw.
    public var notifications: [DeviceNotification]
    /// The device's clock when it answered, and when the subscription ends by it.
    public var currentTime: DeviceTime?
    public var terminationTime: DeviceTime?

    /// Reads an envelope, a metadata stream's document or a bare message.
    public init(parsing bytes: some Sequence<UInt8>) throws(SOAPRefusal) {
        let tree: XMLTree
        do { tree = try XMLTree(parsing: bytes) } catch { throw .xml(error) }
        try self.init(tree)
    }

    public init(_ tree: XMLTree) throws(SOAPRefusal) {
        var content = tree
        if tree.name == "Envelope" {
            guard let body = tree["Body"], let first = body.children.first else { throw .missing("content") }
            if let fault = SOAPFault(first) { throw .fault(fault) }
            content = first
        }
        guard ["MetadataStream", "Notify", "PullMessagesResponse", "NotificationMessage"].contains(content.name) else {
            throw tree.name == "Envelope" ? .missing("PullMessagesResponse") : .notSOAP(tree.name)
        }
        currentTime = (content["CurrentTime"]?.word).flatMap(DeviceTime.init)
        terminationTime = (content["TerminationTime"]?.word).flatMap(DeviceTime.init)
        let messages = content.name == "NotificationMessage" ? [content] : content.descendants("NotificationMessage")
        notifications = messages.prefix(1024).flatMap { ONVIFMessage($0)?.notifications ?? [] }
    }
}

/// A NotificationMessage taken apart.
struct ONVIFMessage {
    /// What a message means for the state that it tells of.
    enum Operation: String {
        /// So it was when the subscription began.
        case initialized = "Initialized"
        case changed = "Changed"
        /// What it tells of is no more.
        case deleted = "Deleted"
    }

    /// Without prefixes: `RuleEngine/CellMotionDetector/Motion`.
    var topic: String
    var operation: Operation?
    var time: DeviceTime?
    var source: [(name: String, value: String)]
    var data: [(name: String, value: String)]

    init?(_ notification: XMLTree) {
        guard let path = notification["Topic"]?.word, path.utf8.count <= 1024 else { return nil }
        topic = path.split(separator: "/").map { $0.split(separator: ":").last.map(String.init) ?? "" }.joined(separator: "/")
        let outer = notification["Message"]
        let message = outer?["Message"] ?? outer
        operation = message?.attribute("PropertyOperation").flatMap(Operation.init)
        time = message?.attribute("UtcTime").flatMap(DeviceTime.init)
        source = Self.items(message?["Source"]) + Self.items(message?["Key"])
        data = Self.items(message?["Data"])
    }

    /// The order of an item's attributes differs, and so does the case of their names.
    private static func items(_ tree: XMLTree?) -> [(name: String, value: String)] {
        (tree?.all("SimpleItem") ?? []).prefix(64).compactMap { item in
            guard let name = item.attribute("Name") ?? item.attribute("name") else { return nil }
            return (name, String((item.attribute("Value") ?? item.attribute("value") ?? "").prefix(1024)))
        }
    }

    var notifications: [DeviceNotification] {
        let phase = phase
        // It is only listed, and happened at some other time.
        if phase == .momentary, operation == .initialized { return [] }
        let meaning = ONVIFTopics.meaning(of: topic)
        var base = DeviceNotification(
            category: meaning?.category ?? .other, deviceType: topic, phase: phase, place: place(meaning?.category), region: region,
            target: meaning?.target, deviceTime: time)
        if let operation { base.details["operation"] = operation.rawValue.lowercased() }
        if base.category == .input {
            base.details["input"] = value("InputToken", "AlarmInToken", "Token", "port", "RelayInputToken")
        }
        if base.category == .access || base.category == .door {
            base.details["person"] = value("CredentialHolderName")
            base.details["door"] = value("AccessPointToken", "DoorToken")
            base.details["state"] = data.first { $0.name == "State" }?.value
        }
        return variants(of: base)
    }

    private func value(_ names: String...) -> String? {
        let item = names.lazy.compactMap { name in (source + data).first { $0.name.lowercased() == name.lowercased() } }.first
        return item.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    // MARK: State

    /// Names of data that say by themselves whether something goes on; of others only `true` and `false` count, for an object's number may
    /// be 1.
    private static let stateNames: Set<String> = [
        "ismotion", "state", "isinside", "active", "triggered", "logicalstate", "istamper", "motion", "detected", "failed",
        "issoundDetected",
        "is_moving", "on_preset", "alert", "disruption", "alarm", "status", "issounddetected", "iscrossed",
    ]

    private var phase: DeviceNotification.Phase {
        if operation == .deleted { return .inactive }
        for item in data where Self.stateNames.contains(item.name.lowercased()) {
            if let flag = XMLTree.flag(item.value) { return flag ? .active : .inactive }
            switch item.value.lowercased() {
            case "active": return .active
            case "inactive": return .inactive
            default: break
            }
        }
        let flags = data.compactMap { item in ["true": true, "false": false][item.value.lowercased()] }
        if let first = flags.first { return flags.contains(true) || first ? .active : .inactive }
        // A list of what is seen at the moment, which is empty at the end.
        if let classes = data.first(where: { $0.name == "ClassTypes" }) { return classes.value.isEmpty ? .inactive : .active }
        return .momentary
    }

    // MARK: Place

    private var region: String? {
        if let rule = value("Rule", "RuleName", "areaid") { return rule }
        // Axis has the profile in the topic: `Camera1Profile2`, `Device1Scenario1`.
        return cameraInTopic?.rest
    }

    private func place(_ category: CameraEvent.Category?) -> DeviceNotification.Place {
        if let token = value(
            "VideoSourceConfigurationToken", "VideoSourceToken", "VideoSource", "Source", "SourceToken", "VideoSourceConfiguration")
        {
            return .token(token)
        }
        if let profile = value("ProfileToken", "Profile"), category != nil { return .token(profile) }
        return cameraInTopic.map { .channel($0.number) } ?? .device
    }

    private var cameraInTopic: (number: Int, rest: String)? {
        guard topic.hasPrefix("CameraApplicationPlatform/"), let last = topic.split(separator: "/").last else { return nil }
        for prefix in ["Camera", "Device"] where last.hasPrefix(prefix) {
            let rest = last.dropFirst(prefix.count)
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            if let number = Int(digits), (1...1024).contains(number) { return (number, String(rest.dropFirst(digits.count))) }
        }
        return nil
    }

    // MARK: What was seen

    /// Where the topic leaves open what was seen, the data say it: one notification for each.
    private func variants(of base: DeviceNotification) -> [DeviceNotification] {
        guard [.object, .motion, .other].contains(base.category) || base.target == nil else { return [base] }
        var found: [DeviceNotification] = []
        func add(_ category: CameraEvent.Category, _ target: CameraEvent.Target?) {
            var one = base
            one.category = category
            one.target = target
            if !found.contains(one) { found.append(one) }
        }
        for item in data {
            switch item.name.lowercased() {
            case "classtypes", "objecttype", "objectclass", "class", "type":
                let targets = item.value.split(maxSplits: 16) { $0 == " " || $0 == "," }.compactMap { ONVIFTopics.target(String($0)) }
                for target in targets { add(base.category == .other ? .object : base.category, target) }
            case let name where name.hasPrefix("is") && XMLTree.flag(item.value) == true:
                if let (category, target) = ONVIFTopics.seen[String(name.dropFirst(2))] {
                    // `IsPeople` of a line or a field says who crossed it.
                    add(target != nil && ![.motion, .other].contains(base.category) ? base.category : category, target)
                }
            default:
                break
            }
        }
        return found.isEmpty ? [base] : found
    }
}
