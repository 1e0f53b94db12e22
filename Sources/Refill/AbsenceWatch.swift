// Refill owns the times in which channels could not be recorded, and their filling from the devices' own disks and cards.
// It speaks to devices through Cameras, to footage through `FootageSpool`; no HTTP server and no vendor's document may enter it.

import BoxDatabase
import Cameras
public import Core
public import Devices
import Foundation
public import Logging
public import Recording

/// Watches whether each channel could be recorded, and takes down when not.
public struct AbsenceWatch: Sendable {
    /// A power cut moves the beginning of an absence back by at most this.
    private static let markEvery = Duration.seconds(30)
    /// A mark that is still to come after this was made by a wrong clock.
    private static let clockPatience = Duration.seconds(86_400)

    private let list: AbsenceList
    private let channels: ChannelRegistry
    private let devices: DeviceRegistry
    private let catalogue: DeviceCatalogue
    private let patience: Duration
    private let time: TimeSource
    private let logger: Logger

    /// `patience` is how long a stream that stopped is not noticed.
    public init(
        list: AbsenceList, channels: ChannelRegistry, devices: DeviceRegistry, catalogue: DeviceCatalogue, patience: Duration,
        time: TimeSource, logger: Logger
    ) {
        self.list = list
        self.channels = channels
        self.devices = devices
        self.catalogue = catalogue
        self.patience = patience
        self.time = time
        self.logger = logger
    }

    /// Watches until cancelled.
    public func run() async {
        var tracker = AbsenceTracker(patience: patience.seconds)
        let began = time.uptime()
        var isStarted = false
        var marked: Duration?
        while !Task.isCancelled {
            if !isStarted {
                await attempt("the box's absence") {
                    guard let away = try await startAbsences(waits: time.uptime() - began < Self.clockPatience) else { return }
                    for id in away { tracker.isAway(id) }
                    isStarted = true
                }
            }
            if isStarted {
                if marked.map({ time.uptime() - $0 >= Self.markEvery }) ?? true {
                    marked = time.uptime()
                    await attempt("mark of life") { try await list.markAlive() }
                }
                await look(&tracker)
            }
            guard (try? await time.sleep(.seconds(1))) != nil else { break }
        }
        guard isStarted else { return }
        // In a task of its own, which is not cancelled with this one.
        await Task { [list] in try? await list.markAlive() }.value
    }

    /// The time since the box was alive last is an absence of every channel that would have been recorded.
    ///
    /// Nil while that time cannot be told: a box whose clock stood still is in the past until it has heard the time, and its mark is all
    /// that says when it was alive.
    private func startAbsences(waits: Bool) async throws -> Set<ChannelID>? {
        var away = Set(try await list.lasting().map(\.channelId))
        guard let alive = try await list.lastAlive() else { return away }
        let now = time.now()
        guard alive < now else { return alive > now && waits ? nil : away }
        for channel in channels.channels {
            let configuration = channel.configuration
            guard isWanted(channel) else { continue }
            // One channel's trouble must not cost the others theirs.
            await attempt("the box's absence") {
                // Added since the last mark: the box was alive then.
                let from = max(alive, try await catalogue.channelRecord(configuration.id).createdAt)
                try await list.begin(configuration.id, name: configuration.name, from: from, reason: "The box was off.")
                away.insert(configuration.id)
            }
        }
        return away
    }

    private func isWanted(_ channel: ChannelAtWork) -> Bool {
        let configuration = channel.configuration
        return configuration.definition != nil && configuration.armed && channel.cover.admits
    }

    private func look(_ tracker: inout AbsenceTracker) async {
        let all = channels.channels
        for channel in all {
            let id = channel.configuration.id
            let (hasPicture, condition) = channel.reception
            let device = devices.devices.first { $0.has(id) }?.view.condition
            let isDeviceLost = device?.severity == .trouble
            var next = tracker
            let decision = next.look(
                at: id, isThere: hasPicture && !isDeviceLost, isWanted: isWanted(channel), now: time.now())
            var isDown = true
            switch decision {
            case .nothing: break
            case .begins(let from):
                let reason = hasPicture ? device?.sentence ?? condition.sentence : condition.sentence
                isDown = await attempt("absence") {
                    try await list.begin(id, name: channel.configuration.name, from: from, reason: reason)
                }
            case .ends(let at): isDown = await attempt("end of absence") { try await list.end(id, at: at) }
            }
            // What could not be written is found again at the next look.
            if isDown { tracker = next }
        }
        // Removed channels are not waited for.
        let known = Set(all.map(\.configuration.id))
        for id in tracker.away where !known.contains(id) {
            if await attempt("end of absence", { try await list.end(id, at: time.now()) }) { tracker.forget(id) }
        }
    }

    /// Whether it succeeded.
    @discardableResult
    private func attempt(_ what: String, _ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return true
        } catch {
            logger.error("not taken down", metadata: ["what": "\(what)", "error": "\(error)"])
            return false
        }
    }
}
