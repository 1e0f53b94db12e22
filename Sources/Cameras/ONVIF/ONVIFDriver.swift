import CameraProtocols
import Core
import Foundation
import Synchronization
import XML

/// Speaks ONVIF: profiles S and T, and G where a device records.
public struct ONVIFDriver: CameraDriver {
    public let kind = DriverKind.onvif
    let client: DeviceClient
    let profile: CameraProfile
    let memory = ONVIFMemory()

    public init(client: DeviceClient, profile: CameraProfile) {
        self.client = client
        self.profile = profile
    }

    public func close() async { await client.close() }

    /// SHA-256 of the device's certificate, once one was seen.
    public var certificate: String? { client.certificate }

    /// Whether the device answers as ONVIF does; it is asked what needs no password.
    static func greets(_ client: DeviceClient) async throws(DeviceFailure) -> Bool {
        let request = ONVIFRequest.systemDateAndTime
        let body = DeviceClient.Body(SOAPEnvelope.contentType(of: request), SOAPEnvelope.write(request))
        let answer = try await client.request(
            "POST", ONVIFPlace.device, body: body, limit: 256 << 10, within: .seconds(6), signsIn: false)
        // Also a fault is an answer: some devices ask for a user even here.
        if let tree = try? XMLTree(parsing: answer.body), tree.name == "Envelope" { return true }
        guard answer.status == 401 else { return false }
        // Some devices refuse before they look at the message; others refuse whatever the path is, which tells nothing.
        let other = try await client.request("GET", "/gatehouse-asks", limit: 256 << 10, within: .seconds(6), signsIn: false)
        return other.status != 401
    }
}

/// What a driver learned while it spoke to its device; a new driver learns it again.
final class ONVIFMemory: Sendable {
    /// How the device takes a password.
    enum Way: Sendable {
        /// In the message, with the device's time.
        case token
        /// By HTTP's digest; the message then has none, because a device would check both.
        case http
        /// Some devices want both.
        case both
    }

    struct Values {
        /// Paths of services by what the device listed; nil before it was asked.
        var services: [ONVIFService: String]?
        var skew: ONVIFSkew?
        var way = Way.token
        /// Operations that need a user and were allowed, which tells a wrong password from missing rights.
        var allowed: Set<String> = []
        var mediaVersion: ONVIFRequest.MediaVersion?
        /// The profile by which a channel's lens is moved, by the channel's number.
        var lensProfiles: [Int: String] = [:]
        var movements: [Int: LensMovement] = [:]
        /// Paths of pictures, by profile.
        var pictures: [String: String] = [:]
        /// The stream by which a channel is talked through, by the channel's number.
        var talks: [Int: ONVIFDriver.TalkPlace] = [:]
    }
    private let values = Mutex(Values())

    /// Reads or changes what is known.
    func with<Value: Sendable>(_ body: (inout Values) -> Value) -> Value {
        values.withLock { values in body(&values) }
    }
}

/// How far a device's clock is from the box's, which a token must allow for.
struct ONVIFSkew: Sendable, Equatable {
    /// Seconds to add to the box's time.
    var offset: Double
    /// What it may be instead: some devices give their wall clock for UTC, and it cannot be told which time they compare with.
    var other: Double?

    static let none = ONVIFSkew(offset: 0)

    /// Reads a clock's answer that was made at `now`; nil where it has no time.
    init?(_ clock: ONVIFClock, now: Date) {
        let byZone = clock.zone.flatMap { zone in
            clock.local.map { $0.addingTimeInterval(-Double(zone.offset(at: $0.addingTimeInterval(-Double(zone.offsetSeconds))))) }
        }
        guard let utc = clock.utc ?? byZone else { return nil }
        let said = utc.timeIntervalSince(now)
        offset = said
        if let byZone {
            let reckoned = byZone.timeIntervalSince(now)
            if abs(reckoned - said) > 5 { other = reckoned }
            if clock.saysLocalForUTC, abs(reckoned) < abs(said) { (offset, other) = (reckoned, said) }
        }
        let halfHours = (said / 1800).rounded()
        if other == nil, halfHours != 0, abs(halfHours) <= 56, abs(said - halfHours * 1800) < 60 { other = said - halfHours * 1800 }
    }

    init(offset: Double) {
        self.offset = offset
    }

    /// With the other offset first, where that is the one that was found right before.
    func preferring(_ known: Double?) -> ONVIFSkew {
        guard let known, let other, abs(other - known) < abs(offset - known) else { return self }
        var turned = self
        (turned.offset, turned.other) = (other, offset)
        return turned
    }
}
