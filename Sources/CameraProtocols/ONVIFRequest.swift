public import Foundation
public import XML

/// ONVIF's services, by their namespaces.
public enum ONVIFService: String, Sendable, CaseIterable {
    case device = "http://www.onvif.org/ver10/device/wsdl"
    case media = "http://www.onvif.org/ver10/media/wsdl"
    case media2 = "http://www.onvif.org/ver20/media/wsdl"
    case events = "http://www.onvif.org/ver10/events/wsdl"
    case ptz = "http://www.onvif.org/ver20/ptz/wsdl"
    case imaging = "http://www.onvif.org/ver20/imaging/wsdl"
    case recording = "http://www.onvif.org/ver10/recording/wsdl"
    case search = "http://www.onvif.org/ver10/search/wsdl"
    case replay = "http://www.onvif.org/ver10/replay/wsdl"
    case deviceIO = "http://www.onvif.org/ver10/deviceIO/wsdl"
    case analytics = "http://www.onvif.org/ver20/analytics/wsdl"

    /// The customary prefix of the namespace.
    var prefix: String {
        switch self {
        case .device: "tds"
        case .media: "trt"
        case .media2: "tr2"
        case .events: "tev"
        case .ptz: "tptz"
        case .imaging: "timg"
        case .recording: "trc"
        case .search: "tse"
        case .replay: "trp"
        case .deviceIO: "tmd"
        case .analytics: "tan"
        }
    }
}

/// A question or an order to a device; `SOAPEnvelope.write` makes the message of it.
///
/// The order of elements is that of ONVIF's schemas: devices take it literally.
public struct ONVIFRequest: Sendable, Equatable {
    public var service: ONVIFService
    /// WS-Addressing's name of it.
    public var action: String
    /// With prefixes that `SOAPEnvelope` knows.
    public var body: XMLTree

    init(_ service: ONVIFService, _ name: String, action: String? = nil, _ children: [XMLTree?] = []) {
        self.service = service
        self.action = action ?? service.rawValue + "/" + name
        body = XMLTree("\(service.prefix):\(name)", children: children.compactMap(\.self))
    }

    /// An element with a text; none for nil.
    static func element(_ name: String, _ text: String?) -> XMLTree? { text.map { XMLTree(name, text: $0) } }
    static func element(_ name: String, _ number: Int?) -> XMLTree? { number.map { XMLTree(name, text: String($0)) } }
    static func element(_ name: String, _ flag: Bool?) -> XMLTree? { flag.map { XMLTree(name, text: $0 ? "true" : "false") } }
    static func element(_ name: String, _ children: [XMLTree?]) -> XMLTree { XMLTree(name, children: children.compactMap(\.self)) }

    /// `PT5S`: a span of time as XML Schema writes it, in whole seconds or thousandths.
    static func duration(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = Int(attoseconds / 1_000_000_000_000_000)
        return "PT\(max(0, seconds))" + (milliseconds > 0 ? "." + milliseconds.padded(3) : "") + "S"
    }
}

// MARK: Device management

extension ONVIFRequest {
    /// May be asked without a user.
    public static let systemDateAndTime = ONVIFRequest(.device, "GetSystemDateAndTime")
    public static let deviceInformation = ONVIFRequest(.device, "GetDeviceInformation")
    public static let scopes = ONVIFRequest(.device, "GetScopes")
    public static let networkInterfaces = ONVIFRequest(.device, "GetNetworkInterfaces")
    public static let ntp = ONVIFRequest(.device, "GetNTP")
    public static let users = ONVIFRequest(.device, "GetUsers")
    public static let reboot = ONVIFRequest(.device, "SystemReboot")

    public static func services(withCapabilities: Bool = false) -> ONVIFRequest {
        ONVIFRequest(.device, "GetServices", [element("tds:IncludeCapability", withCapabilities)])
    }

    /// What devices from before GetServices have.
    public static let capabilities = ONVIFRequest(.device, "GetCapabilities", [element("tds:Category", "All")])

    /// Sets the clock.
    ///
    /// - Parameters:
    ///   - date: Nil where the device is to ask its NTP server.
    ///   - zone: Nil leaves it as it is.
    public static func setSystemDateAndTime(_ date: Date?, zone: POSIXTimeZone?) -> ONVIFRequest {
        let utc = date.map { date in
            let seconds = CivilDate.wholeSeconds(of: date)
            let day = CivilDate(dayNumber: seconds.floorQuotient(86_400))
            let clock = seconds - seconds.floorQuotient(86_400) * 86_400
            return element(
                "tds:UTCDateTime",
                [
                    element(
                        "tt:Time",
                        [element("tt:Hour", clock / 3600), element("tt:Minute", clock / 60 % 60), element("tt:Second", clock % 60)]),
                    element("tt:Date", [element("tt:Year", day.year), element("tt:Month", day.month), element("tt:Day", day.day)]),
                ])
        }
        return ONVIFRequest(
            .device, "SetSystemDateAndTime",
            [
                element("tds:DateTimeType", date == nil ? "NTP" : "Manual"),
                element("tds:DaylightSavings", zone?.daylightSaving != nil),
                zone.map { element("tds:TimeZone", [element("tt:TZ", $0.text)]) },
                utc,
            ])
    }

    /// Sets the time server: a name or an address; nil takes that of DHCP.
    public static func setNTP(server: String?) -> ONVIFRequest {
        let manual = server.map { server in
            let isIPv4 = server.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }.count == 4
            let isIPv6 = server.contains(":")
            return element(
                "tds:NTPManual",
                [
                    element("tt:Type", isIPv4 ? "IPv4" : isIPv6 ? "IPv6" : "DNS"),
                    element(isIPv4 ? "tt:IPv4Address" : isIPv6 ? "tt:IPv6Address" : "tt:DNSname", server),
                ])
        }
        return ONVIFRequest(.device, "SetNTP", [element("tds:FromDHCP", server == nil), manual])
    }

    /// What a user of a device may do.
    public enum UserLevel: String, Sendable, CaseIterable {
        case administrator = "Administrator"
        case `operator` = "Operator"
        case user = "User"
    }

    /// Changes a user's password.
    public static func setUser(_ credentials: DigestCredentials, level: UserLevel) -> ONVIFRequest {
        ONVIFRequest(
            .device, "SetUser",
            [
                element(
                    "tds:User",
                    [
                        element("tt:Username", credentials.username), element("tt:Password", credentials.password),
                        element("tt:UserLevel", level.rawValue),
                    ])
            ])
    }
}
