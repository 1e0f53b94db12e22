import CameraProtocols
public import Core
import Foundation
public import Media
public import Outbound

/// What is given to reach a device: an address with its ports, or stream addresses outright.
public struct DeviceEntryPoint: Sendable, Equatable {
    public var address: DeviceAddress
    /// Given where a person entered a stream's URL: then only that stream is used, unless a driver is asked for.
    public var mainURL: RTSPAddress?
    public var subURL: RTSPAddress?
    public var credentials: DeviceCredentials?
    public var transport: RTSPOptions.Transport
    /// As first seen.
    public var pinnedCertificate: String?
    public var allowsBasic: Bool

    public init(
        address: DeviceAddress, mainURL: RTSPAddress? = nil, subURL: RTSPAddress? = nil, credentials: DeviceCredentials?,
        transport: RTSPOptions.Transport = .tcp, pinnedCertificate: String? = nil, allowsBasic: Bool = false
    ) {
        self.address = address
        self.mainURL = mainURL
        self.subURL = subURL
        self.credentials = credentials
        self.transport = transport
        self.pinnedCertificate = pinnedCertificate
        self.allowsBasic = allowsBasic
    }
}

/// Finds out which language a device speaks, and makes drivers.
public struct DeviceProber: Sendable {
    public let policy: AddressPolicy
    public let profiles: CameraProfiles
    public let tester: CameraTester
    let time: TimeSource
    private let budgets = DeviceBudgets()

    public init(policy: AddressPolicy, profiles: CameraProfiles, time: TimeSource) {
        self.policy = policy
        self.profiles = profiles
        tester = CameraTester(policy: policy, paths: profiles.knownPaths, time: time)
        self.time = time
    }

    /// A driver of a kind that is known.
    public func driver(_ kind: DriverKind, _ entry: DeviceEntryPoint, profile: CameraProfile) -> any CameraDriver {
        switch kind {
        case .isapi: ISAPIDriver(client: client(entry), profile: profile)
        case .onvif: ONVIFDriver(client: client(entry), profile: profile)
        case .rtsp: RTSPDriver(tester: tester, address: Self.cameraAddress(entry))
        }
    }

    /// An HTTP client of a device.
    public func client(_ entry: DeviceEntryPoint) -> DeviceClient {
        DeviceClient(
            address: entry.address, credentials: entry.credentials, pinnedCertificate: entry.pinnedCertificate,
            allowsBasic: entry.allowsBasic, budget: budgets.budget(of: entry.address), policy: policy, time: time)
    }

    static func cameraAddress(_ entry: DeviceEntryPoint) -> CameraAddress {
        CameraAddress(
            place: entry.mainURL.map { .url($0) } ?? .host(entry.address.host, port: entry.address.rtspPort), subURL: entry.subURL,
            userName: entry.credentials?.userName, password: entry.credentials?.password, transport: entry.transport)
    }

    /// What a device speaks, as far as that can be told without a password.
    public struct Greeting: Sendable, Equatable {
        public var isapi = false
        public var onvif = false
        public var activated: Bool?
        /// Of HTTP; nil where it answers.
        public var failure: DeviceFailure?

        public init() {}
    }

    /// Asks what needs no password: does it know ISAPI, does it know ONVIF, has it a password at all.
    public func greet(_ entry: DeviceEntryPoint) async -> Greeting {
        let client = client(entry)
        defer { Task { await client.close() } }
        var greeting = Greeting()
        do throws(DeviceFailure) {
            let isapi = try await client.request("GET", "/ISAPI/System/deviceInfo", within: .seconds(6), signsIn: false)
            let text = String(decoding: isapi.body.prefix(4096), as: UTF8.self)
            greeting.isapi =
                isapi.status == 401 && !text.contains("<html") || isapi.status == 200 && text.contains("DeviceInfo")
                || isapi.status == 403 && (text.contains("ResponseStatus") || text.contains("userCheck"))
            if text.contains("notActivated") { greeting.activated = false }
            if greeting.isapi || greeting.activated == false {
                greeting.activated = (try? await ISAPIActivation(client: client).isActivated()) ?? greeting.activated
                greeting.isapi = true
            }
        } catch {
            greeting.failure = error
            if error.needsPerson { return greeting }
        }
        do throws(DeviceFailure) {
            greeting.onvif = try await ONVIFDriver.greets(client)
            if greeting.onvif { greeting.failure = nil }
        } catch {
            greeting.failure = greeting.failure ?? error
        }
        return greeting
    }

    /// The drivers worth trying, best first, each with its reason.
    public func candidates(_ greeting: Greeting, entry: DeviceEntryPoint, wanted: DriverKind?) -> [(DriverKind, String)] {
        if let wanted { return [(wanted, "It was chosen by hand.")] }
        if entry.mainURL != nil { return [(.rtsp, "A stream's address was given, so only that stream is used.")] }
        var found: [(DriverKind, String)] = []
        if greeting.isapi { found.append((.isapi, "It speaks Hikvision's ISAPI, through which everything can be set.")) }
        if greeting.onvif {
            found.append((.onvif, greeting.isapi ? "It speaks ONVIF; its ISAPI could not be used." : "It speaks ONVIF."))
        }
        found.append((.rtsp, "It answers neither ISAPI nor ONVIF, so only its streams are used; motion is found by the box."))
        return found
    }
}
