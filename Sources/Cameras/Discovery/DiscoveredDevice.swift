public import Foundation

/// A device that was seen on the LAN, with all that its several answers told.
public struct DiscoveredDevice: Sendable, Equatable, Identifiable {
    /// How it was seen.
    public enum Way: String, Codable, Sendable, CaseIterable {
        /// Hikvision's SADP.
        case sadp
        case wsDiscovery = "ws-discovery"
        /// It answered on a camera's port.
        case sweep
    }

    /// Stays the same while the list is open.
    public var id: Int
    public var address: String
    public var otherAddresses: [String] = []
    public var ways: Set<Way> = []
    public var identity: DeviceIdentity
    /// Nil where it does not tell; a new Hikvision device has no password yet.
    public var activated: Bool?
    public var httpPort: Int?
    public var https: Bool?
    public var rtspPort: Int?
    /// Of its ONVIF device service.
    public var onvifAddress: String?
    public var seenAt: Date

    public init(address: String, way: Way, identity: DeviceIdentity, seenAt: Date) {
        id = 0
        self.address = address
        self.ways = [way]
        self.identity = identity
        self.seenAt = seenAt
    }

    /// Whether both are the same device: by MAC, else by serial number, else by address.
    public func isSame(as other: DiscoveredDevice) -> Bool {
        if let mine = identity.macAddress, let theirs = other.identity.macAddress { return mine == theirs }
        if let mine = identity.serialNumber, let theirs = other.identity.serialNumber { return mine == theirs }
        let all = Set([address] + otherAddresses)
        return all.contains(other.address) || !all.isDisjoint(with: other.otherAddresses)
    }

    /// Adds what another answer of the same device told.
    public mutating func merge(_ other: DiscoveredDevice) {
        ways.formUnion(other.ways)
        // SADP says where a device is now; the others may be remembered.
        if other.address != address {
            let movesThere = other.ways.contains(.sadp) || Self.isLinkLocal(address) && !Self.isLinkLocal(other.address)
            let former = address
            if movesThere { address = other.address }
            for one in [former, other.address] + other.otherAddresses
            where one != address && !otherAddresses.contains(one) && otherAddresses.count < 16 {
                otherAddresses.append(one)
            }
            otherAddresses.removeAll { $0 == address }
        }
        func take<Value>(_ path: WritableKeyPath<DiscoveredDevice, Value?>, over: Bool = false) {
            if let value = other[keyPath: path], over || self[keyPath: path] == nil { self[keyPath: path] = value }
        }
        // What SADP says of a device is its maker's word.
        let over = other.ways.contains(.sadp)
        take(\.identity.make, over: over)
        take(\.identity.model, over: over)
        take(\.identity.name)
        take(\.identity.serialNumber, over: over)
        take(\.identity.firmware, over: over)
        take(\.identity.macAddress, over: over)
        if identity.kind == .unknown || over, other.identity.kind != .unknown { identity.kind = other.identity.kind }
        take(\.activated, over: over)
        take(\.httpPort, over: over)
        take(\.https)
        take(\.rtspPort)
        take(\.onvifAddress)
        seenAt = max(seenAt, other.seenAt)
    }

    static func isLinkLocal(_ address: String) -> Bool {
        address.lowercased().hasPrefix("fe80:") || address.hasPrefix("169.254.")
    }
}
