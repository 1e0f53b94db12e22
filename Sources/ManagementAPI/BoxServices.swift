// ManagementAPI owns the HTTP interface: routes, their OpenAPI document, the web page. It decides nothing that a module below could.

public import Access
public import Backup
public import BoxDatabase
public import Cameras
public import CloudStorage
public import Core
public import DeviceFirmware
public import Devices
public import Exports
public import Firmware
public import Foundation
import Hummingbird
public import Logging
public import MediaWorker
public import Messaging
public import Outbound
public import Reach
public import Recording
public import ServerCertificate

/// Who the box is.
public struct BoxIdentity: Codable, Sendable, Equatable {
    public let serialNumber: String
    public let version: String

    public init(serialNumber: String, version: String) {
        self.serialNumber = serialNumber
        self.version = version
    }
}

/// The running box, as the API needs it.
public struct BoxServices: Sendable {
    public let identity: BoxIdentity
    public let defaultName: String
    public let access: AccessServices
    public let database: BoxDatabase
    public let sealer: SecretSealer
    public let channels: ChannelRegistry
    public let definitions: Definitions
    public let transcodes: TranscodeQueue
    public let spool: Spool
    public let uploader: Uploader
    public let targets: StorageTargets
    public let chain: ChainPublisher
    /// Since when the storages are as they are.
    public let states: StateMemory
    public let line: LineRecords
    public let networkTests: NetworkTests
    public let plans: PlanLedger
    public let encryption: SiteEncryption
    public let catalogue: DeviceCatalogue
    public let devices: DeviceRegistry
    public let onboarding: Onboarding
    public let discovery: DiscoveryList
    public let eventPictures: EventPictures
    public let prober: DeviceProber
    /// Where storages and other servers that people enter may be.
    public let servers: AddressPolicy
    /// For files that are passed on; emptied at the start.
    public let uploadFolder: String
    /// Where everything lies that the box knows.
    public let stateFolder: String
    /// A file with a secret that seals the keys there.
    public let keyCredential: String?
    public let pictures: PictureWorker
    public let live: LiveServices
    public let exports: ExportQueue
    public let playback: PlaybackServices
    public let reach: ReachServices
    public let messenger: Messenger
    /// What people are told, in their languages.
    public let texts: MessageTexts
    /// Nil where the box does not speak TLS itself.
    public let certificates: ServerCertificates?
    public let codes: CodeWorker
    /// Asks for a factory reset and ends the box, which begins anew then.
    public let resetBox: @Sendable () throws -> Void
    /// Ends the box and lets it begin with the backup that was unpacked in its folder; asked for by somebody, from an address.
    public let restoreBox: @Sendable (BackupManifest, _ person: String, _ address: String) throws -> Void
    /// It speaks TLS itself.
    var isEncrypted: Bool { certificates != nil }

    /// The address of something on this box, as whoever asks reached it.
    func link(_ path: String, _ request: Request) -> String {
        "\(isEncrypted ? "https" : "http")://\(request.head.authority ?? "")\(path)"
    }

    public let upgrader: Upgrader
    public let deviceUpgrader: DeviceUpgrader
    public let logCollection: LogCollection
    public let logLevel: LogLevel
    public let metricsToken: String?
    /// Names of the box besides its own.
    public let hostNames: [String]
    /// How many requests one client may make; 0 is no limit.
    public let requestsPerSecond: Int
    public let startedAt: Date
    /// Whether the machine's time is to be believed, now.
    public let isTimeKnown: @Sendable () -> Bool
    public let time: TimeSource
    public let logger: Logger

    public init(
        identity: BoxIdentity, defaultName: String, access: AccessServices, database: BoxDatabase, sealer: SecretSealer,
        channels: ChannelRegistry, definitions: Definitions, transcodes: TranscodeQueue, spool: Spool,
        uploader: Uploader, targets: StorageTargets, chain: ChainPublisher, states: StateMemory, line: LineRecords,
        networkTests: NetworkTests,
        plans: PlanLedger, encryption: SiteEncryption, catalogue: DeviceCatalogue, devices: DeviceRegistry,
        onboarding: Onboarding,
        discovery: DiscoveryList,
        eventPictures: EventPictures, prober: DeviceProber, servers: AddressPolicy, uploadFolder: String, stateFolder: String,
        keyCredential: String?,
        pictures: PictureWorker, live: LiveServices,
        exports: ExportQueue,
        playback: PlaybackServices, reach: ReachServices, messenger: Messenger, texts: MessageTexts, certificates: ServerCertificates?,
        codes: CodeWorker,
        resetBox: @escaping @Sendable () throws -> Void,
        restoreBox: @escaping @Sendable (BackupManifest, _ person: String, _ address: String) throws -> Void,
        upgrader: Upgrader,
        deviceUpgrader: DeviceUpgrader,
        logCollection: LogCollection,
        logLevel: LogLevel,
        metricsToken: String?, hostNames: [String], requestsPerSecond: Int, startedAt: Date, isTimeKnown: @escaping @Sendable () -> Bool,
        time: TimeSource, logger: Logger
    ) {
        self.identity = identity
        self.defaultName = defaultName
        self.access = access
        self.database = database
        self.sealer = sealer
        self.channels = channels
        self.definitions = definitions
        self.transcodes = transcodes
        self.spool = spool
        self.uploader = uploader
        self.targets = targets
        self.chain = chain
        self.states = states
        self.line = line
        self.networkTests = networkTests
        self.plans = plans
        self.encryption = encryption
        self.catalogue = catalogue
        self.devices = devices
        self.onboarding = onboarding
        self.discovery = discovery
        self.eventPictures = eventPictures
        self.prober = prober
        self.servers = servers
        self.uploadFolder = uploadFolder
        self.stateFolder = stateFolder
        self.keyCredential = keyCredential
        self.pictures = pictures
        self.live = live
        self.exports = exports
        self.playback = playback
        self.reach = reach
        self.messenger = messenger
        self.texts = texts
        self.certificates = certificates
        self.codes = codes
        self.resetBox = resetBox
        self.restoreBox = restoreBox
        self.upgrader = upgrader
        self.deviceUpgrader = deviceUpgrader
        self.logCollection = logCollection
        self.logLevel = logLevel
        self.metricsToken = metricsToken
        self.hostNames = hostNames
        self.requestsPerSecond = requestsPerSecond
        self.startedAt = startedAt
        self.isTimeKnown = isTimeKnown
        self.time = time
        self.logger = logger
    }
}
