import Access
import BoxDatabase
import Cameras
import CloudStorage
import Core
import DeviceFirmware
import Devices
import Exports
import Firmware
import Foundation
import Logging
import ManagementAPI
import Media
import MediaWorker
import Outbound
import Playback
import Reach
import Recording
import Relay
import Refill
import ServerCertificate
import ServiceLifecycle
import SystemPackage
import UnixSignals

/// The composition root: makes every part of the box, gives each what it needs, and runs them together.
struct Box {
    private let settings: Settings
    private let state: BoxState
    private let services: BoxServices
    private let retention: Retention
    private let absences: AbsenceWatch
    private let refills: RefillQueue
    private let feed: LiveFeed
    private let port: HealthLook.Port
    private let manager: ServiceManager?
    private let logger: Logger

    init(settings: Settings, launcher: LauncherProcess?, restart: RestartRequest, manager: ServiceManager?) throws {
        self.manager = manager
        MediaLibrary.prepare()
        let time = TimeSource.system
        let startedAt = time.now()
        let level = LogLevel(settings.logLevel)
        let keeper = LogKeeper()
        let logger = Logger(label: "gatehouse") { _ in BoxLog(level: level, keeper: keeper) }
        let state = try BoxState(
            path: settings.state, setupCode: settings.setupCode, keyCredential: settings.keyCredential, version: Self.version(launcher),
            forgetOwner: { try launcher?.place.forgetOwner() })
        Self.tellCrashes(state, logger)
        let database = try BoxDatabase(path: state.databasePath, copies: launcher?.place.snapshots.map(\.path) ?? [])
        let sealer = try state.sealer()
        let profiles = try ProfileFolder.find(settings.profiles)
        let definitions = try Definitions(yaml: ProfileFolder.read("definitions.yaml", in: profiles))
        let cameraProfiles = try Self.cameraProfiles(profiles, own: settings.cameraProfiles)

        let spool = try Spool(
            path: state.spoolPath,
            limits: SpoolLimits(bytes: settings.spoolLimitMegabytes * 1_000_000, freeBytes: settings.spoolFreeMegabytes * 1_000_000),
            index: FootageIndex(database: database), time: time, logger: logger)
        let encryption = SiteEncryption(box: state.identity.serialNumber, database: database, sealer: sealer, time: time)
        let uploader = Uploader(
            spool: spool, protection: WaitingEncryption(spool: spool, protection: encryption),
            longestWait: .seconds(settings.uploadLongestWait), time: time, logger: logger)
        let storageProfiles = try Self.storageProfiles(profiles)
        let executable = WorkerExecutable(
            path: FilePath(ExecutablePath.current), patience: .seconds(settings.workerPatience), time: time)
        let pictures = PictureWorker(executable: executable, time: time, logger: logger)
        let feed = LiveFeed(time: time)
        let linked = Linked()
        let transcodes = TranscodeQueue(
            spool: spool, worker: TranscodeWorker(executable: executable), definitions: definitions, processes: settings.workerProcesses,
            protection: encryption, wake: spool.captured, time: time, logger: logger, linkedChannels: { linked.count() })
        let plans = PlanLedger(
            box: state.identity.serialNumber, issuers: settings.planIssuers, database: database, store: { uploader.store }, time: time,
            logger: logger, changed: { feed.plansChanged($0) })
        let policy = AddressPolicy(allowsLocal: settings.allowLocalDevices, allowsPublic: settings.allowPublicDevices)
        let servers = AddressPolicy(allowsLocal: settings.allowLocalServers, target: .server)
        let channels = ChannelRegistry(
            environment: ChannelEnvironment(
                box: state.identity.serialNumber, spool: spool, pictures: pictures, transcodes: transcodes,
                converter: LiveConverter(executable: executable, time: time),
                conversions: ConversionPlaces(count: max(1, ProcessInfo.processInfo.activeProcessorCount / 4)), lengths: settings.lengths,
                timing: settings.sessionTiming, admits: { try await Self.check($0, policy) }, cover: { plans.cover(of: $0) }, time: time,
                logger: logger,
                changed: feed.channelChanged, told: { linked.devices?.tell($0, $1) }, moved: feed.moved))
        linked.registry = channels
        let catalogue = DeviceCatalogue(database: database, channels: channels, sealer: sealer, time: time)
        let prober = DeviceProber(policy: policy, profiles: cameraProfiles, time: time)
        let eventPictures = try EventPictures(folder: state.eventPicturesPath)
        let devices = DeviceRegistry(
            environment: DeviceEnvironment(
                channels: channels, spool: spool, pictures: eventPictures, prober: prober, time: time, logger: logger,
                offlineAfter: .seconds(settings.deviceOfflineAfter), changed: { feed.deviceChanged($0) }), catalogue: catalogue)
        linked.devices = devices
        let onboarding = Onboarding(
            catalogue: catalogue, registry: devices, captureSpan: .seconds(settings.captureSeconds), time: time,
            changed: { job, item in
                feed.onboardingChanged(job, item)
                if let device = item.device { feed.deviceChanged(device) }
            })
        let discovery = DiscoveryList(
            finder: DeviceFinder(policy: policy, time: time), sweeper: PortSweep(time: time), catalogue: catalogue,
            registry: devices, time: time, changed: { feed.discoveryChanged($0) })
        let targets = StorageTargets(
            database: database, sealer: sealer, uploader: uploader, profiles: storageProfiles, servers: servers, time: time,
            allowsHTTP: settings.allowHTTPStorage)
        let footageKey = try state.footageKey()
        let chain = ChainPublisher(
            box: state.identity.serialNumber, key: footageKey, uploader: uploader,
            every: .seconds(settings.checkpointSeconds), former: { targets.formerStores }, time: time, logger: logger)
        let streams = LiveStreams(stream: { channels[$0]?.stream($1) }, time: time, logger: logger)
        let sessions = LiveSessions(time: time, logger: logger)
        let reach = ReachServices(
            database: database, sealer: sealer,
            router: RouterProcess(path: FilePath(ExecutablePath.current), allowsLoopback: settings.allowLocalDevices, time: time),
            version: state.identity.version, allowsLocalRouters: settings.allowLocalDevices, allowsHTTP: settings.allowHTTPReach,
            servers: servers, time: time, logger: logger)
        let access = AccessServices(
            database: database, sealer: sealer, setupCode: state.setupCode,
            resetPermit: ResetPermit(path: state.resetPermitPath, time: time), time: time, clock: { ClockState.word },
            tell: { logger.notice("operation log", metadata: ["line": "\($0)", "digest": "\($1)"]) })
        let live = LiveServices(
            streams: streams, playlists: LivePlaylists(streams: streams, watch: { uploader.governor.watch().end }, time: time),
            sessions: sessions,
            rtsp: RTSPRelay(
                address: settings.address, database: database, sealer: sealer,
                source: RelayedStreams(
                    channels: channels, sessions: sessions, uploader: uploader, database: database, access: access,
                    passesOn: { reach.mapping.passesOn($0) }, time: time),
                time: time, logger: logger),
            whep: WHEPRelay(
                address: settings.address, channels: channels, uploader: uploader, database: database, sealer: sealer,
                servers: servers, time: time, logger: logger))
        let archive = FootageArchive(
            spool: spool, targets: targets, encryption: encryption, devices: devices, catalogue: catalogue,
            admits: { try await Self.check($0, policy) }, time: time)
        port = HealthLook.Port()
        let health = HealthLook(
            port: port, address: settings.address, isEncrypted: settings.tls, database: database, channels: channels, uploader: uploader,
            time: time)
        services = BoxServices(
            identity: state.identity, defaultName: settings.boxName,
            access: access, database: database,
            sealer: sealer,
            channels: channels, definitions: definitions, transcodes: transcodes, spool: spool, uploader: uploader,
            targets: targets, chain: chain, states: StateMemory(database: database),
            line: LineRecords(database: database, uploader: uploader, time: time, logger: logger),
            networkTests: NetworkTests(
                uploader: uploader, database: database, box: state.identity.serialNumber, time: time, logger: logger,
                changed: { feed.networkTestChanged() }),
            plans: plans, encryption: encryption, catalogue: catalogue, devices: devices, onboarding: onboarding, discovery: discovery,
            eventPictures: eventPictures,
            prober: prober, servers: servers,
            uploadFolder: try state.emptyUploadFolder(), stateFolder: state.path, keyCredential: state.keyCredential, pictures: pictures,
            live: live,
            exports: try Self.exporting(
                state, key: footageKey, archive: archive, spool: spool, targets: targets, database: database, executable: executable,
                changed: { feed.exportChanged($0) }, time: time, logger: logger),
            playback: PlaybackServices(archive: archive), reach: reach, messenger: Self.messenger(settings, time: time, logger: logger),
            texts: try Self.texts(profiles),
            certificates: try Self.certificates(settings, state, time: time, logger: logger), codes: CodeWorker(executable: executable),
            resetBox: { [path = state.path] in
                try FactoryReset.ask(in: path)
                // In order: the answer goes out, and what is under way ends.
                kill(getpid(), SIGTERM)
            },
            restoreBox: { [path = state.path] manifest, person, address in
                try StagedRestore.ask(manifest, by: person, from: address, in: path)
                kill(getpid(), SIGTERM)
            },
            upgrader: try Self.upgrader(
                settings, launcher, state: state, health: health, servers: servers, restart: restart,
                changed: { feed.firmwareChanged() }, logger: logger),
            deviceUpgrader: Self.deviceUpgrader(
                settings, launcher, state: state, health: health, servers: servers, onboarding, devices, catalogue,
                changed: { feed.deviceFirmwareChanged() }, logger: logger),
            logCollection: LogCollection(keeper: keeper, level: level), logLevel: level,
            metricsToken: settings.metricsToken, hostNames: settings.hostNames, requestsPerSecond: settings.requestsPerSecond,
            startedAt: startedAt, isTimeKnown: settings.isTimeKnown, time: time, logger: logger)
        retention = Retention(box: state.identity.serialNumber, targets: services.targets, time: time, logger: logger)
        (absences, refills) = Self.refilling(settings, state, services)
        self.settings = settings
        self.state = state
        self.feed = feed
        self.logger = logger
    }

    /// Writes down that the box began with a backup, if it did; else what was given away is the box's own again.
    func takeRestoringDown() async throws {
        try await StagedRestore.takeDown(in: state.path, services.access.log)
        try await services.access.signIns.keep()
    }

    /// Recovers, starts everything, and returns when the box was told to end and has ended in order.
    func run() async throws {
        let report = try await services.spool.recover()
        logger.info(
            "spool recovered",
            metadata: [
                "clips": "\(report.clips)", "interrupted": "\(report.interrupted)", "removed": "\(report.removed)",
                "damaged": "\(report.damaged)",
            ])
        try await services.states.load()
        try await services.targets.start(first: settings.storageFolder.map { .folder(path: $0) }, logger: logger)
        try await services.encryption.load()
        try await services.plans.load()
        try await services.line.start()
        if try await services.access.signIns.isClaimed() { try await services.catalogue.start(logger) }
        try await services.devices.startAll()
        let isEncrypted = services.certificates != nil
        let server = APIServer(
            services: services, feed: feed, address: settings.address, port: settings.port,
            started: { port in
                self.port.set(port)
                manager?.tellReady()
                services.reach.mapping.serve(port: port, isEncrypted: isEncrypted)
                await announce(port: port)
            })
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: Loop { [services] in await services.spool.run() }),
                .init(
                    service: Loop { [services] in
                        // When everything has started and what only starting needed is not used any more.
                        guard (try? await services.time.sleep(.seconds(5))) != nil else { return }
                        ResidentMemory.trim()
                        while (try? await services.time.sleep(.seconds(3600))) != nil { ResidentMemory.trim() }
                    }),
                .init(
                    service: Loop { [services] in
                        while (try? await services.time.sleep(.seconds(60))) != nil { ResidentMemory.trimHeap() }
                    }),
                .init(service: Loop { [services] in await services.pictures.run() }),
                .init(service: Loop { [services] in await services.uploader.run() }),
                .init(service: Loop { [services] in await services.chain.run() }),
                .init(service: Loop { [services] in await services.line.run() }),
                .init(service: Loop { [services] in await services.networkTests.run() }),
                .init(service: Loop { [retention] in await retention.run() }),
                .init(service: Loop { [services] in await services.plans.run() }),
                .init(
                    service: Loop { [services, settings] in
                        await services.access.log.run(keepingDays: settings.operationLogDays, logger: services.logger)
                    }),
                .init(service: Loop { [services] in await services.access.permissions.run() }),
                .init(service: Loop { [services] in await services.access.unbindings.run() }),
                .init(service: Loop { [services] in await NoticeMail(services: services).run() }),
                .init(service: Loop { [services] in await ForgottenPasswordMail(services: services).run() }),
                .init(service: Loop { [services] in await services.transcodes.run() }),
                .init(service: Loop { [services] in await services.channels.run() }),
                .init(service: Loop { [services] in await services.devices.run() }),
                .init(
                    service: Loop { [services] in
                        await SiteClocks(
                            devices: services.devices, database: services.database, time: services.time,
                            isRight: settings.isTimeKnown,
                            logger: services.logger
                        ).run()
                    }),
                .init(service: Loop { [services] in await services.live.streams.run() }),
                .init(service: Loop { [services] in await services.live.playlists.run() }),
                .init(service: Loop { [services] in await services.live.sessions.run() }),
                .init(service: Loop { [services] in await services.live.rtsp.run() }),
                .init(service: Loop { [services] in await services.live.whep.run() }),
                .init(service: Loop { [services] in await services.reach.run() }),
                .init(service: Loop { [services] in await services.discovery.follow() }),
                .init(service: Loop { [services] in await services.upgrader.run() }),
                .init(service: Loop { [services] in await services.deviceUpgrader.run() }),
                .init(
                    service: Loop { [services] in
                        await services.logCollection.run(services.database, services.time, services.logger)
                    }),
                .init(service: Loop { [services] in await services.exports.run() }),
                .init(service: Loop { [absences] in await absences.run() }),
                .init(service: Loop { [refills] in await refills.run() }),
                .init(service: server),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        if let manager {
            configuration.services.append(.init(service: Loop { [services] in await manager.run(services.time) }))
        }
        if let certificates = services.certificates {
            configuration.services.append(.init(service: Loop { await certificates.run() }))
        }
        configuration.maximumGracefulShutdownDuration = .seconds(8)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// The profiles that come with the box, after the user's own, which win.
    private static func cameraProfiles(_ folder: String, own: String?) throws -> CameraProfiles {
        do {
            return try CameraProfiles(folders: [own, folder + "/cameras"].compactMap { $0 })
        } catch let mistake as ProfileMistake {
            throw SettingsError(description: "A camera profile is wrong: \(mistake.description).")
        }
    }

    private static func storageProfiles(_ folder: String) throws -> StorageProfiles {
        do {
            return try StorageProfiles(yaml: ProfileFolder.read("storage/providers.yaml", in: folder))
        } catch let mistake as DecodingError {
            throw SettingsError(description: "The profiles of storage providers are wrong: \(mistake).")
        }
    }

    /// The source at the address that the policy lets through, or why not in the words of a session.
    static func check(_ source: StreamSource, _ policy: AddressPolicy) async throws -> StreamSource {
        do throws(AddressRefusal) {
            return source.at(try await policy.check(host: source.host))
        } catch {
            throw error.code == "address-refused" ? StreamTrouble.addressRefused(error.sentence) : StreamTrouble.unreachable
        }
    }

    /// Whether it served its API in this life.
    var wasReady: Bool { port.value != nil }

    private func announce(port: Int) async {
        let shown = settings.address == "0.0.0.0" || settings.address == "::" ? "127.0.0.1" : settings.address
        let code = (try? await services.access.signIns.isClaimed()) ?? true ? "" : " set-up code: \(state.setupCode.text)"
        let line = "Gatehouse is ready: \(settings.tls ? "https" : "http")://\(shown):\(port)/\(code)\n"
        FileHandle.standardOutput.write(Data(line.utf8))
    }
}

/// A loop that ends when its task is cancelled, as a service.
private struct Loop: Service {
    let body: @Sendable () async -> Void

    init(_ body: @escaping @Sendable () async -> Void) {
        self.body = body
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await body() }
    }
}

/// Breaks two circles: the transcode queue counts the linked channels, which use the queue; and channels tell devices of their metadata,
/// which tell channels of their events.
private final class Linked: @unchecked Sendable {
    // @unchecked because both are set once, before anything runs.
    weak var registry: ChannelRegistry?
    weak var devices: DeviceRegistry?

    func count() -> Int { registry?.linkedCount ?? 0 }
}
