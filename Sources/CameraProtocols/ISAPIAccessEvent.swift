import Core
import XML

/// Door controllers and intercoms: `AccessControllerEvent` with the codes of Hikvision's device network SDK ("MINOR_…").
extension ISAPIAlert {
    /// Puts into a notification what a door controller says, and what its codes mean.
    static func read(_ event: XMLTree, into notification: inout DeviceNotification) {
        let major = event["majorEventType"]?.integer ?? event["major"]?.integer ?? 0
        let minor = event["subEventType"]?.integer ?? event["minor"]?.integer ?? 0
        notification.deviceType = "AccessControllerEvent/\(major)/\(minor)"
        notification.phase = .momentary
        let named = [
            ("door", "doorNo"), ("card", "cardNo"), ("person", "name"), ("employee", "employeeNoString"), ("reader", "cardReaderNo"),
            ("verification", "currentVerifyMode"),
        ]
        for (name, element) in named { notification.details[name] = event[element]?.word }
        notification.category = .other
        switch major {
        case 1: alarm(minor, &notification)
        case 3: operation(minor, &notification)
        case 5: happening(minor, &notification)
        default: break
        }
    }

    /// Major code 1: inputs and tamper switches, each with the code of its end.
    private static func alarm(_ minor: Int, _ notification: inout DeviceNotification) {
        switch minor {
        case 0x400...0x402, 0x408: (notification.category, notification.phase) = (.input, .active)
        case 0x403, 0x409: (notification.category, notification.phase) = (.input, .inactive)
        case 0x404, 0x406: (notification.category, notification.phase) = (.tamper, .active)
        case 0x405, 0x407: (notification.category, notification.phase) = (.tamper, .inactive)
        default: break
        }
    }

    /// Major code 3: somebody opened or closed a door from afar.
    private static func operation(_ minor: Int, _ notification: inout DeviceNotification) {
        guard let state = [0x400: "remote-open", 0x401: "remote-close", 0x402: "remote-always-open", 0x403: "remote-always-closed"][minor]
        else { return }
        notification.category = .door
        notification.details["state"] = state
    }

    /// Major code 5: what happens at a door.
    private static func happening(_ minor: Int, _ notification: inout DeviceNotification) {
        switch minor {
        case 0x17: set(.door, "state", "exit-button")
        case 0x19: set(.door, "state", "open")
        case 0x1A: set(.door, "state", "closed")
        case 0x1B: set(.door, "state", "forced")
        case 0x1C: set(.door, "state", "held-open")
        case 0x25, 0x33: notification.category = .doorbell
        case _ where accepted.contains(minor): set(.access, "result", "accepted")
        case _ where refused.contains(minor): set(.access, "result", "refused")
        default: break
        }

        func set(_ category: CameraEvent.Category, _ detail: String, _ value: String) {
            notification.category = category
            notification.details[detail] = value
        }
    }

    /// A card, fingerprint, face, code, or several of them together, passed.
    private static let accepted: Set<Int> = [
        0x01, 0x02, 0x10, 0x11, 0x22, 0x26, 0x28, 0x2B, 0x2E, 0x32, 0x36, 0x39, 0x3C, 0x3F, 0x42, 0x45, 0x48, 0x4B, 0x4D,
    ]

    /// They failed, came too late, are unknown, expired or without right here.
    private static let refused: Set<Int> = [
        0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x23, 0x24, 0x27, 0x29, 0x2A, 0x2C, 0x2D, 0x2F, 0x30,
        0x31, 0x37, 0x38, 0x3A, 0x3B, 0x3D, 0x3E, 0x40, 0x41, 0x43, 0x44, 0x46, 0x47, 0x49, 0x4A, 0x4C, 0x4E, 0x4F, 0x50,
    ]
}
