public import Foundation
public import XML

// The answers of the device service. Each is read from the element that `SOAPEnvelope.body` gives, and takes what is there: a device that
// leaves something out is no reason to refuse the rest.

/// A device's clock: GetSystemDateAndTimeResponse.
public struct ONVIFClock: Sendable, Equatable {
    public var utc: Date?
    /// Its wall clock, as if it were UTC.
    public var local: Date?
    public var zone: POSIXTimeZone?
    public var usesNTP: Bool?

    public init(_ response: XMLTree) {
        let clock = response["SystemDateAndTime"]
        utc = clock?["UTCDateTime"].flatMap(Self.date)
        local = clock?["LocalDateTime"].flatMap(Self.date)
        zone = (clock?["TimeZone", "TZ"]?.word).flatMap(POSIXTimeZone.init)
        usesNTP = (clock?["DateTimeType"]?.word).map { $0.uppercased() == "NTP" }
    }

    /// Whether it gives its wall clock for UTC, as some devices do: both are the same, and the zone says they must not be.
    public var saysLocalForUTC: Bool {
        guard let utc, let local, let zone else { return false }
        return utc == local && zone.offset(at: utc) != 0
    }

    private static func date(_ tree: XMLTree) -> Date? {
        guard let year = tree["Date", "Year"]?.integer, (2000...9998).contains(year),
            let month = tree["Date", "Month"]?.integer, (1...12).contains(month),
            let day = tree["Date", "Day"]?.integer, day >= 1, day <= CivilDate.days(inMonth: month, of: year),
            let hour = tree["Time", "Hour"]?.integer, (0...23).contains(hour),
            let minute = tree["Time", "Minute"]?.integer, (0...59).contains(minute),
            let second = tree["Time", "Second"]?.integer, (0...61).contains(second)
        else { return nil }
        let days = CivilDate.dayNumber(year: year, month: month, day: day)
        return Date(timeIntervalSince1970: Double(days * 86_400 + hour * 3600 + minute * 60 + second))
    }
}

/// GetDeviceInformationResponse.
public struct ONVIFDeviceInformation: Sendable, Equatable {
    public var manufacturer: String?
    public var model: String?
    public var firmware: String?
    public var serialNumber: String?
    public var hardware: String?

    public init(_ response: XMLTree) {
        manufacturer = response["Manufacturer"]?.word
        model = response["Model"]?.word
        firmware = response["FirmwareVersion"]?.word
        serialNumber = response["SerialNumber"]?.word
        hardware = response["HardwareId"]?.word
    }
}

/// Where a device's services are: GetServicesResponse or GetCapabilitiesResponse.
public struct ONVIFServices: Sendable, Equatable {
    /// As the device believes: the host and the port may be wrong.
    public var addresses: [ONVIFService: String]

    public init(_ response: XMLTree) {
        addresses = [:]
        for service in response.all("Service") {
            guard let namespace = service["Namespace"]?.word, let address = service["XAddr"]?.word else { continue }
            let trimmed = namespace.hasSuffix("/") ? String(namespace.dropLast()) : namespace
            if let known = ONVIFService(rawValue: trimmed) { addresses[known] = address }
        }
        guard let capabilities = response["Capabilities"] else { return }
        let names: [(String, ONVIFService)] = [
            ("Device", .device), ("Media", .media), ("Events", .events), ("PTZ", .ptz), ("Imaging", .imaging), ("Analytics", .analytics),
            ("DeviceIO", .deviceIO), ("Recording", .recording), ("Search", .search), ("Replay", .replay), ("Media2", .media2),
        ]
        for (name, service) in names {
            let found = capabilities[name] ?? capabilities["Extension", name]
            if let address = found?["XAddr"]?.word { addresses[service] = addresses[service] ?? address }
        }
    }
}

/// GetNTPResponse.
public struct ONVIFTimeServers: Sendable, Equatable {
    public var isFromDHCP: Bool?
    /// Names or addresses: those that were set, then those of DHCP.
    public var servers: [String]

    public init(_ response: XMLTree) {
        let information = response["NTPInformation"]
        isFromDHCP = information?["FromDHCP"]?.flag
        servers = ((information?.all("NTPManual") ?? []) + (information?.all("NTPFromDHCP") ?? [])).prefix(16).compactMap {
            ($0["DNSname"] ?? $0["IPv4Address"] ?? $0["IPv6Address"])?.word
        }
    }
}

/// One of GetNetworkInterfacesResponse.
public struct ONVIFNetworkInterface: Sendable, Equatable {
    public var token: String
    public var name: String?
    /// As `44:47:cc:37:ce:81`.
    public var macAddress: String?
    public var ipv4Address: String?
    public var usesDHCP: Bool?

    public static func all(_ response: XMLTree) -> [ONVIFNetworkInterface] {
        response.all("NetworkInterfaces").prefix(64).map { interface in
            let configuration = interface["IPv4", "Config"]
            return ONVIFNetworkInterface(
                token: interface.attribute("token") ?? "", name: interface["Info", "Name"]?.word,
                macAddress: (interface["Info", "HwAddress"]?.word).flatMap(MACAddress.normalized),
                ipv4Address: (configuration?["FromDHCP", "Address"] ?? configuration?["Manual", "Address"])?.word,
                usesDHCP: configuration?["DHCP"]?.flag)
        }
    }
}

/// Scopes of GetScopesResponse, decoded as those of WS-Discovery.
public enum ONVIFScopes {
    public static func all(_ response: XMLTree) -> [String] {
        response.all("Scopes").prefix(128).compactMap { $0["ScopeItem"]?.word }.map { $0.removingPercentEncoding ?? $0 }
    }
}

/// One of GetUsersResponse.
public struct ONVIFUser: Sendable, Equatable {
    public var name: String
    public var level: ONVIFRequest.UserLevel?

    public static func all(_ response: XMLTree) -> [ONVIFUser] {
        response.all("User").prefix(128).compactMap { user in
            (user["Username"]?.word).map { ONVIFUser(name: $0, level: (user["UserLevel"]?.word).flatMap(ONVIFRequest.UserLevel.init)) }
        }
    }
}
