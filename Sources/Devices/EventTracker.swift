public import CameraProtocols
public import Core

/// Tells a new event from one that goes on, and ends those that a device never ends.
///
/// Old devices repeat an event's state for as long as it lasts, new ones say it once; some never say that it is over. So an event is ended
/// by the device's word, or by silence: a short one where it repeats itself, a long one where it spoke but once.
public struct EventTracker: Sendable {
    struct Key: Hashable {
        let category: CameraEvent.Category
        let place: DeviceNotification.Place
        let region: String?
        /// Tells inputs, doors and cards apart.
        let detail: String?
    }

    private struct Running {
        var event: EventID?
        let began: Duration
        var heard: Duration
        var interval: Duration?
        var hasPicture: Bool
        /// In whose words it goes on: a device may tell of one motion by two topics.
        var sayings: Set<String>
    }

    public enum Decision: Sendable, Equatable {
        /// It is new: give it an identity with `assign`.
        case begins
        case goesOn(EventID?, bringsPicture: Bool)
        case ends([EventID])
        case nothing
    }

    /// Silence that ends an event which repeats itself; three intervals where those are longer.
    private let silence: Duration
    /// Silence that ends an event of which the device spoke once.
    private let longSilence: Duration
    private var running: [Key: Running] = [:]
    /// Kinds of which the device was heard to end one.
    private var ending: Set<CameraEvent.Category> = []
    private static let momentaryRepeat = Duration.milliseconds(1500)
    private static let limit = 512

    public init(silence: Duration = .seconds(6), longSilence: Duration = .seconds(30)) {
        self.silence = silence
        self.longSilence = max(longSilence, silence)
    }

    static func key(_ notification: DeviceNotification) -> Key {
        // Motion and tampering are of the whole picture, whatever rule a device names.
        let isWhole = notification.category == .motion || notification.category == .tamper
        return Key(
            category: notification.category, place: notification.place, region: isWhole ? nil : notification.region,
            detail: notification.details["input"] ?? notification.details["door"].map { "\($0)/\(notification.details["card"] ?? "")" })
    }

    private static func saying(_ notification: DeviceNotification) -> String {
        notification.deviceType + "/" + (notification.region ?? "")
    }

    /// Takes what a device said at `now`.
    public mutating func take(_ notification: DeviceNotification, at now: Duration) -> Decision {
        let key = Self.key(notification)
        switch notification.phase {
        case .inactive:
            if var going = running[key], going.sayings.remove(Self.saying(notification)) != nil, !going.sayings.isEmpty {
                running[key] = going
                return .nothing
            }
            // Some say where an event begins and not where it ends.
            let ended = running.keys.filter { $0 == key || key.region == nil && $0.category == key.category && $0.place == key.place }
            guard !ended.isEmpty else { return .nothing }
            ending.insert(key.category)
            return .ends(ended.compactMap { running.removeValue(forKey: $0)?.event })
        case .momentary:
            if let last = running[key], now - last.heard < Self.momentaryRepeat { return continued(key, notification, now) }
            return begin(key, notification, now)
        case .active:
            if running[key] != nil { return continued(key, notification, now) }
            return begin(key, notification, now)
        }
    }

    private mutating func begin(_ key: Key, _ notification: DeviceNotification, _ now: Duration) -> Decision {
        // A device that invents places must not fill the memory.
        guard running.count < Self.limit else { return .nothing }
        // A property of ONVIF is always told when it changes back.
        if notification.details["operation"] != nil { ending.insert(key.category) }
        running[key] = Running(began: now, heard: now, hasPicture: notification.picture != nil, sayings: [Self.saying(notification)])
        return .begins
    }

    private mutating func continued(_ key: Key, _ notification: DeviceNotification, _ now: Duration) -> Decision {
        guard var event = running[key] else { return .nothing }
        let bringsPicture = notification.picture != nil && !event.hasPicture
        let isRepeated = !event.sayings.insert(Self.saying(notification)).inserted
        event.hasPicture = event.hasPicture || notification.picture != nil
        // What comes with the picture is no repetition.
        if notification.picture == nil, isRepeated {
            event.interval = max(event.interval ?? .zero, now - event.heard)
            event.heard = now
        }
        running[key] = event
        return .goesOn(event.event, bringsPicture: bringsPicture)
    }

    /// Gives the event that just began its identity.
    public mutating func assign(_ id: EventID, to notification: DeviceNotification) {
        running[Self.key(notification)]?.event = id
    }

    /// Ends what was silent for too long; answers the events with the time they were last heard of.
    public mutating func expire(at now: Duration) -> [(event: EventID?, last: Duration)] {
        var ended: [(EventID?, Duration)] = []
        for (key, event) in running {
            let patience = event.interval.map { max(silence, $0 * 3) } ?? (ending.contains(key.category) ? .seconds(300) : longSilence)
            guard now - event.heard > patience else { continue }
            running.removeValue(forKey: key)
            ended.append((event.event, event.heard))
        }
        return ended
    }

    /// Events that last although nothing is said of them: the device has ended such before, so it will end these.
    public func lasting(at now: Duration) -> [EventID] {
        running.compactMap { key, event in event.interval == nil && ending.contains(key.category) ? event.event : nil }
    }

    /// Ends everything, because the device is lost.
    public mutating func reset() -> [EventID] {
        defer { running = [:] }
        return running.values.compactMap(\.event)
    }
}
