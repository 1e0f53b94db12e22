import Foundation

/// Why a device does not do what it was asked, as a person must hear it.
public struct DeviceFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Codable, Sendable, CaseIterable {
        case unreachable
        case refused
        case silent
        case wrongPassword = "wrong-password"
        case locked
        case notActivated = "not-activated"
        case boundElsewhere = "bound-elsewhere"
        case unsupported
        case alreadyAdded = "already-added"
        case tooManySessions = "too-many-sessions"
        case busy
        case forbidden
        case certificateChanged = "certificate-changed"
        case addressRefused = "address-refused"
        /// What it answered cannot be understood.
        case nonsense
        /// It understood, and says no.
        case deviceError = "device-error"
        case noVideo = "no-video"
        case insecure
    }

    public let code: Code
    /// The cause and the next step.
    public let sentence: String
    /// What support wants to know; no secrets.
    public var detail: String?
    /// How often a password may still be tried, if the device tells.
    public var triesLeft: Int?
    /// For how many seconds it lets nobody in, if it tells.
    public var lockedSeconds: Int?

    public init(_ code: Code, _ sentence: String, detail: String? = nil, triesLeft: Int? = nil, lockedSeconds: Int? = nil) {
        self.code = code
        self.sentence = sentence
        self.detail = detail
        self.triesLeft = triesLeft
        self.lockedSeconds = lockedSeconds
    }

    public var description: String { detail.map { "\(code.rawValue): \($0)" } ?? code.rawValue }

    /// Trying again by itself would do harm: cameras lock accounts.
    public var needsPerson: Bool {
        [.wrongPassword, .locked, .notActivated, .boundElsewhere, .certificateChanged, .addressRefused, .insecure].contains(code)
    }

    static let unreachable = DeviceFailure(
        .unreachable, "There is no way to the device's address. Check its cable, power and address.")
    static let refused = DeviceFailure(.refused, "The device's address refuses the connection on this port. Check the port.")
    static let silent = DeviceFailure(.silent, "The device does not answer in time. Check its power and cable, and try again.")

    static func wrongPassword(triesLeft: Int? = nil) -> DeviceFailure {
        let tries = triesLeft.map { $0 == 1 ? " One more try, then it locks." : " \($0) more tries, then it locks." } ?? ""
        return DeviceFailure(
            .wrongPassword, "The device refuses the user name or password. Enter the right ones.\(tries)", triesLeft: triesLeft)
    }

    static func locked(seconds: Int?) -> DeviceFailure {
        let wait = seconds.map { $0 >= 120 ? " for \(($0 + 59) / 60) minutes" : " for \($0) seconds" } ?? ""
        return DeviceFailure(
            .locked, "The device lets nobody in\(wait), because wrong passwords were tried. Wait, then enter the right one.",
            lockedSeconds: seconds)
    }

    static let notActivated = DeviceFailure(
        .notActivated, "The device is new and has no password yet. Activate it with a strong password.")
    static let tooManySessions = DeviceFailure(
        .tooManySessions, "The device has no session free. Close other programs that use it, or wait two minutes, and try again.")
    static let forbidden = DeviceFailure(
        .forbidden, "This user of the device may not do that. Use its administrator's account.")

    public static func unsupported(_ what: String) -> DeviceFailure {
        DeviceFailure(.unsupported, "The device cannot do that: \(what).")
    }

    public static func nonsense(_ detail: String) -> DeviceFailure {
        DeviceFailure(
            .nonsense, "The device answers in a way the box does not understand. Check that it is a camera, and update its firmware.",
            detail: String(detail.prefix(300)))
    }

    static func deviceError(_ detail: String) -> DeviceFailure {
        DeviceFailure(.deviceError, "The device could not do it. Try again, and restart the device if it stays so.", detail: detail)
    }
}
