public import Access
public import BoxDatabase
public import CloudStorage
public import Core
import Foundation
import GRDB
import Media
public import Recording
public import Relay
public import RTSP

/// The channels' streams for the RTSP server: `<channel>/main` and `<channel>/sub`. Each who watches is a live session like all others.
public struct RelayedStreams: RTSPSource {
    fileprivate let channels: ChannelRegistry
    fileprivate let sessions: LiveSessions
    fileprivate let uploader: Uploader
    fileprivate let database: BoxDatabase
    fileprivate let access: AccessServices
    fileprivate let repeats: Repeats
    fileprivate let passesOn: @Sendable (String) -> Bool
    fileprivate let time: TimeSource

    /// A stream that nobody watched has to be opened first.
    private static let patience = Duration.seconds(10)
    private static let look = Duration.milliseconds(100)

    /// Streams for readers; `passesOn` tells addresses of routers that may pass on somebody outside.
    public init(
        channels: ChannelRegistry, sessions: LiveSessions, uploader: Uploader, database: BoxDatabase, access: AccessServices,
        passesOn: @escaping @Sendable (String) -> Bool, time: TimeSource
    ) {
        self.channels = channels
        self.sessions = sessions
        self.uploader = uploader
        self.database = database
        self.access = access
        repeats = Repeats(time: time)
        self.passesOn = passesOn
        self.time = time
    }

    public func open(_ path: String, user: String, address: String) async throws -> any RTSPStream {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let channel = ChannelID(String(parts[0])), let role = StreamRole(rawValue: String(parts[1])),
            let lease = channels[channel]?.stream(role), await mayBeWatched(channel)
        else { throw RTSPServerRefusal.notFound }
        let until = time.uptime() + Self.patience
        while time.uptime() < until {
            if let status = lease.status {
                return RelayedStream(
                    streams: self, channel: channel, role: role, user: user, address: address, lease: lease,
                    formats: [status.video] + (status.audio.map { [$0] } ?? []))
            }
            try await time.sleep(Self.look)
        }
        throw RTSPServerRefusal.noPicture
    }
}

extension RelayedStreams {
    /// A database that fails for a moment takes nothing away.
    fileprivate func mayBeWatched(_ channel: ChannelID) async -> Bool {
        (try? await access.control.providerMay(.viewLive, channel)) ?? true
    }

    /// A line of the operation log, as for every view of video; one a minute of a reader that comes again and again.
    /// - Throws: where it cannot be written down: then nobody watches.
    fileprivate func takeDown(_ channel: ChannelID, _ role: StreamRole, user: String, address: String) async throws {
        let key = "\(address) \(channel) \(role)"
        guard !repeats.isRepeated(key, whenFull: false) else { return }
        do {
            let record = try await database.read { try ChannelRecord.fetchOne($0, key: channel) }
            try await access.log.append(
                Operation(
                    personId: nil, person: "RTSP: \(user)", role: nil, action: "watchByRTSP", subject: channel.text,
                    site: record?.siteId, subjectName: record?.name, after: #"{"stream":"\#(role.rawValue)"}"#, address: address))
        } catch {
            repeats.forget(key)
            throw error
        }
    }
}

private struct RelayedStream: RTSPStream {
    let streams: RelayedStreams
    let channel: ChannelID
    let role: StreamRole
    let user: String
    let address: String
    /// Keeps the stream open between its description and its first sample.
    let lease: StreamLease
    let formats: [StreamFormat]

    func watch() async throws -> any RTSPWatching {
        let isLocal = ViewerPlace.isLocal(address) && !streams.passesOn(address)
        let limit = try await LiveLimit.duration(of: channel, isLocal: isLocal, streams.database)
        do {
            // The password is the provider's: it is good for what the owners let the provider see.
            let (_, token) = try streams.sessions.begin(
                channel, role, person: user, address: address, isLocal: isLocal, limit: limit,
                permission: .init(key: "rtsp \(channel)") { [streams] in await streams.mayBeWatched(channel) })
            let attachment = try streams.sessions.attach(token: token, way: .rtsp, isLocal: isLocal)
            do { try await streams.takeDown(channel, role, user: user, address: address) } catch {
                streams.sessions.end(attachment.session.id)
                throw error
            }
            let samples = LiveSamples(formats: formats, time: streams.time) { [channels = streams.channels] in
                channels[channel]?.stream(role)
            }
            return RelayedWatching(
                attachment: attachment, samples: samples, sessions: streams.sessions,
                watch: isLocal ? nil : streams.uploader.governor.watch())
        } catch {
            throw RTSPServerRefusal.tooMany
        }
    }
}

extension RTSPBatch {
    /// The same for RTSP.
    public init(_ batch: LiveSamples.Batch) { self.init(samples: batch.samples, missed: batch.missed) }
}

extension RTSPPoll {
    /// The same for RTSP.
    public init(_ poll: LiveSamples.Poll) {
        switch poll {
        case .batch(let batch): self = .batch(RTSPBatch(batch))
        case .nothing: self = .nothing
        case .gap: self = .gap
        }
    }
}

private final class RelayedWatching: RTSPWatching {
    private let attachment: LiveAttachment
    private let samples: LiveSamples
    private let sessions: LiveSessions
    /// While somebody far away watches, what waits for the line gives way.
    private let watch: UplinkGovernor.Watch?

    init(attachment: LiveAttachment, samples: LiveSamples, sessions: LiveSessions, watch: UplinkGovernor.Watch?) {
        self.attachment = attachment
        self.samples = samples
        self.sessions = sessions
        self.watch = watch
    }

    deinit {
        watch?.end()
        sessions.end(attachment.session.id)
    }

    nonisolated(nonsending) func next() async -> RTSPBatch? {
        await samples.next().map(RTSPBatch.init)
    }

    func poll() -> RTSPPoll { RTSPPoll(samples.poll()) }
    func listen(to bell: (any Bell)?) { samples.listen(to: bell) }
    func rewind() { samples.rewind() }

    func count(bytes: Int, missed: Int) { attachment.count(bytes: bytes, missed: missed) }

    func whileItLasts(_ work: @escaping @Sendable () async throws -> Void) async throws {
        try await attachment.whileItLasts(work)
    }
}
