public import BoxDatabase
public import CloudStorage
public import Core
import Foundation
import HTTPTypes
public import Logging
import Media
public import Outbound
public import Recording
import Relay
import Synchronization
import WebRTC

/// Live view by WebRTC: the sessions of viewers, which begin with an offer, and their settings.
public final class WHEPRelay: Sendable {
    /// A viewer's session.
    struct Entry: Sendable {
        /// In its address; 128 random bits.
        let name: String
        let live: LiveSession.ID
        let session: ViewerSession
        fileprivate let attachment: LiveAttachment
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var waiting: [Entry] = []
        /// Sessions that are being made, by view.
        var beginning: [LiveSession.ID: Int] = [:]
    }

    static let most = 64
    /// Of one view; another one comes where the page was loaded anew meanwhile.
    private static let mostBeginning = 2
    /// A stream that nobody watched has to be opened first.
    private static let patience = Duration.seconds(10)
    private static let look = Duration.milliseconds(50)

    private let address: String
    private let channels: ChannelRegistry
    private let uploader: Uploader
    private let database: BoxDatabase
    private let sealer: SecretSealer
    private let servers: AddressPolicy
    private let time: TimeSource
    private let logger: Logger
    private let engine = Mutex<WebRTCEngine?>(nil)
    private let state = Mutex(State())
    private let begun = Signal()

    /// Media come from `address`, as the page does; from all of the box's addresses where that is none in particular. `servers` says where STUN and TURN servers
    /// may be.
    public init(
        address: String, channels: ChannelRegistry, uploader: Uploader, database: BoxDatabase, sealer: SecretSealer,
        servers: AddressPolicy, time: TimeSource, logger: Logger
    ) {
        self.address = address
        self.channels = channels
        self.uploader = uploader
        self.database = database
        self.sealer = sealer
        self.servers = servers
        self.time = time
        self.logger = logger
    }

    // MARK: Settings

    func settings() async throws -> ICESettings {
        try await database.read { try $0.setting(ICESettings.key, as: ICESettings.self) } ?? ICESettings()
    }

    func set(_ settings: ICESettings) async throws { try await database.write { try $0.set(ICESettings.key, to: settings) } }

    func seal(_ credential: String) throws -> Data { try sealer.seal(credential, context: ICESettings.key) }

    /// What a viewer is told of servers.
    func links(isLocal: Bool) async throws -> [String] {
        isLocal ? [] : try await settings().links(sealer, now: time.now())
    }

    // MARK: Sessions

    /// Sends to viewers until cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                for entry in takeWaiting() { group.addTask { await self.serve(entry) } }
                await begun.wait()
            }
        }
    }

    private func takeWaiting() -> [Entry] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    private func serve(_ entry: Entry) async {
        // While somebody far away watches, what waits for the line gives way.
        let watch = entry.attachment.session.isLocal ? nil : uploader.governor.watch()
        defer {
            watch?.end()
            entry.session.close()
            state.withLock { _ = $0.entries.removeValue(forKey: entry.name) }
        }
        let about: Logger.Metadata = ["channel": "\(entry.attachment.session.channel)", "address": "\(entry.attachment.session.address)"]
        logger.debug("a viewer by WebRTC begins", metadata: about)
        do {
            try await entry.attachment.whileItLasts { try await entry.session.run() }
            logger.debug("a viewer by WebRTC ended", metadata: about)
        } catch {
            logger.debug("a viewer by WebRTC ended", metadata: about.merging(["reason": "\(error)"]) { $1 })
        }
    }

    /// The session of an address; nil when it is over.
    func entry(_ name: String) -> Entry? { state.withLock { $0.entries[name] } }

    /// Ends a session.
    func end(_ entry: Entry) { entry.session.close() }

    /// Begins a session for an offer, and answers it; `isStrict` leaves out the sub stream where the main stream is watched.
    /// - Throws: `Problem`.
    func begin(_ offer: String, _ attachment: LiveAttachment, isStrict: Bool) async throws -> Entry {
        // A view has one session; whoever comes again has lost the first.
        let live = attachment.session.id
        endOthers(of: live)
        let fits = state.withLock { state in
            guard state.entries.count + state.beginning.values.reduce(0, +) < Self.most,
                state.beginning[live, default: 0] < Self.mostBeginning
            else { return false }
            state.beginning[live, default: 0] += 1
            return true
        }
        guard fits else {
            throw Problem(
                .serviceUnavailable, "too-many-viewers", "Too many viewers",
                "\(Self.most) viewers watch by WebRTC already; end one and try again.")
        }
        defer {
            state.withLock { state in
                let rest = (state.beginning[live] ?? 1) - 1
                state.beginning[live] = rest > 0 ? rest : nil
            }
        }
        let session = try await session(try SessionOffer(offer), attachment, isStrict: isStrict)
        let entry = Entry(name: Self.makeName(), live: live, session: session, attachment: attachment)
        state.withLock { state in
            state.entries[entry.name] = entry
            state.waiting.append(entry)
        }
        endOthers(of: live, than: entry.name)
        begun.raise()
        return entry
    }

    private func endOthers(of live: LiveSession.ID, than name: String? = nil) {
        for entry in state.withLock({ state in state.entries.values.filter { $0.live == live && $0.name != name } }) { end(entry) }
    }

    private static func makeName() -> String {
        (0..<16).map { _ in UInt8.random(in: .min ... .max) }.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func session(_ offer: SessionOffer, _ attachment: LiveAttachment, isStrict: Bool) async throws -> ViewerSession {
        let live = attachment.session
        var (agreement, formats, role) = try await agreement(offer, live, isStrict: isStrict)
        attachment.watches(role)
        let isConverted = agreement.audio != nil && formats.contains { $0.codec == .aac }
        if isConverted { formats = formats.map { $0.kind == .audio ? .liveOpus : $0 } }
        let samples = LiveSamples(formats: formats, time: time) { [channels, role] in
            isConverted ? channels[live.channel]?.streamWithOpus(role) : channels[live.channel]?.stream(role)
        }
        let made = try await startedEngine().session(
            agreement, try await servers(isLocal: live.isLocal), formats: formats,
            source: WatchedSamples(samples: samples, attachment: attachment))
        guard let made else {
            throw Problem(
                .serviceUnavailable, "no-way", "No way out",
                "The box can open no port for the pictures. Look at the range of ports on the Box page.")
        }
        return made
    }

    private func startedEngine() throws -> WebRTCEngine {
        try engine.withLock { engine in
            if let engine { return engine }
            let made = try WebRTCEngine(time: time)
            engine = made
            return made
        }
    }

    /// Whoever is in the house needs no help to find the box.
    private func servers(isLocal: Bool) async throws -> ICEServers {
        let settings = try await settings()
        let isAny = ["0.0.0.0", "::", ""].contains(address)
        var servers = ICEServers(ports: settings.ports, address: isAny ? nil : address)
        if !isLocal { (servers.stun, servers.relay) = try await settings.servers(sealer, self.servers, time: time) }
        return servers
    }

    // MARK: Streams

    /// What of an offer can be served: by the stream that is watched, or else by the sub stream, or as the last way by a converted one.
    private func agreement(
        _ offer: SessionOffer, _ live: LiveSession, isStrict: Bool
    ) async throws -> (agreement: Agreement, formats: [StreamFormat], role: StreamRole) {
        var roles = [live.role]
        if !isStrict { roles += channels[live.channel]?.watchable.drop { $0 != live.role }.dropFirst() ?? [] }
        var refusal: OfferRefusal?
        for role in roles {
            do {
                if role == .converted { try Agreement.check(offer) }
                let formats = try await formats(live.channel, role)
                return (try Agreement(offer, formats), formats, role)
            } catch let other as OfferRefusal {
                refusal = refusal ?? other
                guard other.kind == .notPlayable else { break }
            }
        }
        throw refusal.map { Problem($0) } ?? Problem.notFound("channel")
    }

    private func formats(_ channel: ChannelID, _ role: StreamRole) async throws -> [StreamFormat] {
        guard let lease = channels[channel]?.stream(role) else { throw Problem.notFound("channel") }
        let until = time.uptime() + Self.patience
        while true {
            if let status = lease.status { return [status.video] + (status.audio.map { [$0] } ?? []) }
            guard time.uptime() < until else { throw LiveRoutes.noPicture(lease.condition) }
            try await time.sleep(Self.look)
        }
    }
}

/// A live view's samples for a viewer by WebRTC.
private struct WatchedSamples: ViewerSource {
    let samples: LiveSamples
    let attachment: LiveAttachment

    func next() async -> ViewerBatch? { await samples.next().map { ViewerBatch(samples: $0.samples, missed: $0.missed) } }

    func rewind() { samples.rewind() }

    func count(bytes: Int, missed: Int) { attachment.count(bytes: bytes, missed: missed) }
}

extension Agreement {
    /// Whether a converted stream would be played: before it is made.
    fileprivate static func check(_ offer: SessionOffer) throws {
        _ = try Agreement(offer, video: .h264(profile: [0x64, 0, 0x1F]), audio: nil)
    }

    /// What of `offer` is served for a stream of `formats`.
    fileprivate init(_ offer: SessionOffer, _ formats: [StreamFormat]) throws {
        let video = formats.first { $0.kind == .video }
        guard let codec = video.flatMap(Self.codec) else {
            let name = video?.codec.rawValue ?? "no picture"
            throw OfferRefusal(kind: .notPlayable, sentence: "The camera sends \(name), which does not go by WebRTC.")
        }
        try self.init(offer, video: codec, audio: formats.first { $0.kind == .audio }.flatMap(Self.codec))
    }

    private static func codec(_ format: StreamFormat) -> ViewerCodec? {
        let isTelephone = format.sampleRate == 8000 && format.channels == 1
        switch format.codec {
        case .h264:
            let set = AnnexB.units(Array(format.configuration)).first { $0.count >= 4 && $0[0] & 0x1F == 7 }
            return .h264(profile: set.map { Array($0[1...3]) } ?? [])
        case .hevc: return .h265
        case .opus: return .opus
        // The box makes Opus of it.
        case .aac: return format.configuration.isEmpty ? nil : .opus
        case .pcmMuLaw: return isTelephone ? .pcmu : nil
        case .pcmALaw: return isTelephone ? .pcma : nil
        default: return nil
        }
    }
}
