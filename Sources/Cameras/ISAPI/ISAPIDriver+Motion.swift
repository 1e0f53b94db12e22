import CameraProtocols
public import Core
import Foundation
import XML

/// The device's own detection: motion with its grid and schedule, lines and regions, and whether it tells clients of them.
extension ISAPIDriver {
    public func motion(of channel: DeviceChannel) async throws(DeviceFailure) -> DeviceMotion {
        let document = try await get(Self.videoPath(channel) + "/motionDetection")
        guard document.name == "MotionDetection" else { throw .nonsense("motionDetection: \(document.name)") }
        let columns = min(max(document["Grid", "columnGranularity"]?.integer ?? 22, 1), 64)
        let rows = min(max(document["Grid", "rowGranularity"]?.integer ?? 18, 1), 64)
        let layout = document["MotionDetectionLayout"]
        return DeviceMotion(
            enabled: document["enabled"]?.flag ?? false, sensitivity: min(max(layout?["sensitivityLevel"]?.integer ?? 0, 0), 100),
            columns: columns, rows: rows, cells: Self.cells(layout?["layout", "gridMap"]?.text ?? "", columns: columns, rows: rows),
            schedule: try await schedule(of: channel), notifies: try await notifies(.motion, of: channel))
    }

    /// A grid map: each row is a bit string, the left cell first, filled up to whole bytes, in hexadecimal.
    static func cells(_ map: String, columns: Int, rows: Int) -> [String] {
        let digits = Array(map.lowercased())
        let perRow = (columns + 7) / 8 * 2
        return (0..<rows).map { row in
            let bits = (0..<perRow).map { index -> String in
                let at = row * perRow + index
                let value = at < digits.count ? digits[at].hexDigitValue ?? 0 : 0
                let text = String(value, radix: 2)
                return String(repeating: "0", count: 4 - text.count) + text
            }
            return String(bits.joined().prefix(columns))
        }
    }

    static func gridMap(_ cells: [String], columns: Int) -> String {
        let width = (columns + 7) / 8 * 8
        return cells.map { row in
            let bits = Array(row + String(repeating: "0", count: max(0, width - row.count)))
            return stride(from: 0, to: width, by: 4).map { start in
                String(Int(String(bits[start..<start + 4]), radix: 2) ?? 0, radix: 16)
            }.joined()
        }.joined()
    }

    public func setMotion(_ motion: DeviceMotion, of channel: DeviceChannel) async throws(DeviceFailure) {
        let path = Self.videoPath(channel) + "/motionDetection"
        var document = try await get(path)
        document.set("enabled", to: "\(motion.enabled)")
        document.set("MotionDetectionLayout", "sensitivityLevel", to: "\(motion.sensitivity)")
        document.set("MotionDetectionLayout", "layout", "gridMap", to: Self.gridMap(motion.cells, columns: motion.columns))
        try await put(path, document)
        if let schedule = motion.schedule { try await setSchedule(schedule, of: channel) }
        if let notifies = motion.notifies { try await setNotification(notifies, for: .motion, of: channel) }
    }

    // MARK: Schedule

    /// Where a channel's schedule is: recorders keep those of network cameras in one place or the other.
    private func scheduleDocument(_ channel: DeviceChannel) async throws(DeviceFailure) -> (path: String, document: XMLTree)? {
        let own = "Event/schedules/motionDetections/VMD_video\(channel.number)"
        let proxied = "ContentMgmt/InputProxy/channels/\(channel.number)/video/motionDetection/schedules"
        for path in channel.input == .network ? [proxied, own] : [own] {
            if let document = try await find(path) { return (path, document) }
        }
        return nil
    }

    private func schedule(of channel: DeviceChannel) async throws(DeviceFailure) -> ArmingSchedule? {
        guard let (_, document) = try await scheduleDocument(channel) else { return nil }
        let blocks = document.descendants("TimeBlock")
        let periods = blocks.compactMap { block -> ArmingSchedule.Period? in
            guard let number = block["dayOfWeek"]?.integer, (1...7).contains(number),
                let from = Self.minutes(block.first("beginTime")?.text), let to = Self.minutes(block.first("endTime")?.text), from < to
            else { return nil }
            return ArmingSchedule.Period(day: ArmingSchedule.Day.allCases[number % 7], from: from, to: to)
        }
        guard !blocks.isEmpty else { return nil }
        let whole = periods.count == 7 && periods.allSatisfy { $0.from == 0 && $0.to >= 1439 }
        return whole ? .always : ArmingSchedule(always: false, periods: periods)
    }

    private static func minutes(_ text: String?) -> Int? {
        guard let parts = text?.split(separator: ":").map({ Int($0) }), parts.count >= 2, let hour = parts[0], let minute = parts[1],
            (0...24).contains(hour), (0...59).contains(minute)
        else { return nil }
        return min(hour * 60 + minute, 1440)
    }

    /// Days are numbered from Monday, 1, to Sunday, 7.
    private func setSchedule(_ schedule: ArmingSchedule, of channel: DeviceChannel) async throws(DeviceFailure) {
        guard case (let path, var document)? = try await scheduleDocument(channel) else { throw .unsupported("a schedule of its own") }
        let periods = schedule.always ? ArmingSchedule.Day.allCases.map { .init(day: $0, from: 0, to: 1440) } : schedule.periods
        let blocks = periods.map { period -> XMLTree in
            let index = ArmingSchedule.Day.allCases.firstIndex(of: period.day) ?? 0
            var block = XMLTree("TimeBlock")
            block.set("dayOfWeek", to: "\(index == 0 ? 7 : index)")
            block.set("TimeRange", "beginTime", to: Self.clock(period.from))
            block.set("TimeRange", "endTime", to: Self.clock(period.to))
            return block
        }
        if document["TimeBlockList"] == nil { document.children.append(XMLTree("TimeBlockList")) }
        document.change("TimeBlockList") { $0.children = blocks }
        try await put(path, document)
    }

    private static func clock(_ minutes: Int) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(minutes / 60)):\(two(minutes % 60))"
    }

    // MARK: Lines and regions

    public func rules(of channel: DeviceChannel) async throws(DeviceFailure) -> [DeviceRule] {
        var rules: [DeviceRule] = []
        let kinds: [(CameraEvent.Category, String, String)] = [
            (.lineCrossing, "Smart/LineDetection/\(channel.number)", "LineItem"),
            (.intrusion, "Smart/FieldDetection/\(channel.number)", "FieldDetectionRegion"),
            (.regionEntrance, "Smart/regionEntrance/\(channel.number)", "RegionEntranceRegion"),
            (.regionExit, "Smart/regionExiting/\(channel.number)", "RegionExitingRegion"),
        ]
        for (category, path, element) in kinds {
            guard let document = try await find(path) else { continue }
            rules.append(
                DeviceRule(
                    category: category, enabled: document["enabled"]?.flag ?? false,
                    regions: document.descendants(element).prefix(16).map(Self.region), notifies: try await notifies(category, of: channel))
            )
        }
        return rules
    }

    /// Coordinates are thousandths from the bottom left.
    private static func region(_ element: XMLTree) -> DeviceRule.Region {
        let points = (element.descendants("RegionCoordinates") + element.descendants("Coordinates")).prefix(16).compactMap {
            point -> DeviceRule.Point? in
            guard let x = point["positionX"]?.number, let y = point["positionY"]?.number else { return nil }
            return DeviceRule.Point(x: min(max(x / 1000, 0), 1), y: min(max(1 - y / 1000, 0), 1))
        }
        return DeviceRule.Region(
            id: element["id"]?.text ?? "", enabled: element["enabled"]?.flag ?? false, sensitivity: element["sensitivityLevel"]?.integer,
            targets: (element["detectionTarget"]?.text ?? "").split(separator: ",").map(String.init), points: Array(points))
    }

    // MARK: Notify surveillance center

    /// What ISAPI calls the kinds of events that can be switched.
    private static func triggerTypes(_ category: CameraEvent.Category) -> [String] {
        switch category {
        case .motion: ["VMD"]
        case .lineCrossing: ["linedetection"]
        case .intrusion: ["fielddetection"]
        case .regionEntrance: ["regionentrance"]
        case .regionExit: ["regionexiting"]
        case .face: ["facedetection", "facesnap"]
        case .pir: ["pir"]
        case .tamper: ["tamperdetection", "shelteralarm"]
        case .videoLoss: ["videoloss"]
        case .input: ["io"]
        default: []
        }
    }

    private func trigger(_ category: CameraEvent.Category, of channel: DeviceChannel) async throws(DeviceFailure) -> XMLTree? {
        let types = Set(Self.triggerTypes(category).map { $0.lowercased() })
        let triggers = try await find("Event/triggers")?.descendants("EventTrigger") ?? []
        let ofType = triggers.filter { types.contains($0["eventType"]?.text.lowercased() ?? "") }
        return ofType.first { trigger in
            let number = (trigger["dynVideoInputChannelID"] ?? trigger["videoInputChannelID"])?.integer
            return number == channel.number
        } ?? (channel.input == .own && ofType.count == 1 ? ofType.first : nil)
    }

    /// Whether the device tells clients; nil where that cannot be switched.
    func notifies(_ category: CameraEvent.Category, of channel: DeviceChannel) async throws(DeviceFailure) -> Bool? {
        guard let trigger = try await trigger(category, of: channel) else { return nil }
        return trigger.descendants("EventTriggerNotification").contains { $0["notificationMethod"]?.text.lowercased() == "center" }
    }

    public func setNotification(
        _ on: Bool, for category: CameraEvent.Category, of channel: DeviceChannel
    ) async throws(DeviceFailure) {
        guard var trigger = try await trigger(category, of: channel), let id = trigger["id"]?.word else {
            throw .unsupported("switching this notification")
        }
        if trigger["EventTriggerNotificationList"] == nil { trigger.children.append(XMLTree("EventTriggerNotificationList")) }
        trigger.change("EventTriggerNotificationList") { list in
            list.children.removeAll { $0["notificationMethod"]?.text.lowercased() == "center" }
            guard on else { return }
            var center = XMLTree("EventTriggerNotification")
            center.set("id", to: "center")
            center.set("notificationMethod", to: "center")
            center.set("notificationRecurrence", to: "beginning")
            list.children.append(center)
        }
        try await put("Event/triggers/\(id)", trigger)
    }
}
