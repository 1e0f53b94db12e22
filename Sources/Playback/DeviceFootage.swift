import BoxDatabase
import Cameras
import Core
import Devices
import Foundation
import Refill
import Synchronization

/// Recordings of a device as they were found, by the box's clock.
struct FoundRecordings: Sendable {
    /// One recording: when it was, and how the device knows it.
    struct One: Sendable {
        let recording: DeviceRecording
        let span: Span
    }

    var recordings: [One] = []
    /// Device time minus box time.
    var clock = ClockCorrection(offset: 0)
    /// Why there may be more.
    var sentence: String?

    var footage: [ChannelTimeline.Footage] {
        recordings.map { one in
            let kind: FootageKind = [.motion, .event].contains(one.recording.kind) ? .event : .time
            return ChannelTimeline.Footage(
                piece: FootagePiece(place: .device, kind: kind, clip: nil, span: one.span), category: one.recording.category)
        }
    }
}

/// Searches the recordings of devices: bounded in time, and each search remembered for a moment, for whoever drags along a bar.
final class DeviceFootage: Sendable {
    /// A channel on a device that keeps recordings.
    struct Target: Sendable {
        let device: DeviceAtWork
        let channel: DeviceChannel
        let id: ChannelID
    }

    private struct Key: Hashable {
        let channel: ChannelID
        let from: Date
        let to: Date
    }

    private struct Search {
        let task: Task<FoundRecordings, Never>
        let began: Duration
    }

    /// A device that has not answered by then is left out.
    private static let patience = Duration.seconds(8)
    private static let remembered = Duration.seconds(20)
    private static let mostRemembered = 200
    private static let mostRecordings = 5000

    private let devices: DeviceRegistry
    private let catalogue: DeviceCatalogue
    private let time: TimeSource
    private let searches = Mutex<[Key: Search]>([:])

    init(devices: DeviceRegistry, catalogue: DeviceCatalogue, time: TimeSource) {
        self.devices = devices
        self.catalogue = catalogue
        self.time = time
    }

    /// The channel on its device; nil where that keeps no recordings the box could search, a failure where it is not there.
    func target(of id: ChannelID) async throws -> Target? {
        let record = try await catalogue.channelRecord(id)
        guard let device = devices[record.deviceId], device.driver.kind != .rtsp else { return nil }
        guard let description = device.description else {
            throw PlaybackFailure(.away, "The device has not answered yet, so its own recordings are not known.")
        }
        guard let channel = description.channels.first(where: { $0.number == record.number }),
            description.capabilities.union(channel.capabilities).contains(.recordings)
        else { return nil }
        return Target(device: device, channel: channel, id: id)
    }

    /// What the device recorded in `span`; where it cannot say, a sentence.
    func search(_ id: ChannelID, in span: Span) async -> FoundRecordings {
        let target: Target
        do {
            guard let found = try await self.target(of: id) else { return FoundRecordings() }
            target = found
        } catch {
            return FoundRecordings(sentence: Self.sentence(error))
        }
        let key = Key(channel: id, from: span.from, to: span.to)
        let now = time.uptime()
        let task = searches.withLock { searches in
            if let known = searches[key], now - known.began < Self.remembered { return known.task }
            searches = searches.filter { now - $0.value.began < Self.remembered }
            // Somebody drags very far: what was asked first is forgotten first.
            if searches.count >= Self.mostRemembered, let oldest = searches.min(by: { $0.value.began < $1.value.began }) {
                searches[oldest.key] = nil
            }
            // Not the request's own task: others wait for it as well, and it ends by itself.
            let task = Task { await self.ask(target, span) }
            searches[key] = Search(task: task, began: now)
            return task
        }
        return await task.value
    }

    private func ask(_ target: Target, _ span: Span) async -> FoundRecordings {
        let answer = await withTaskGroup(of: FoundRecordings.self) { group in
            group.addTask { await Self.find(target, span) }
            group.addTask { [time] in
                try? await time.sleep(Self.patience)
                return FoundRecordings(sentence: "The device took too long to search its recordings; it is shown what the box has.")
            }
            defer { group.cancelAll() }
            return await group.next() ?? FoundRecordings()
        }
        return answer
    }

    private static func find(_ target: Target, _ span: Span) async -> FoundRecordings {
        let driver = target.device.driver
        do {
            let clock = ClockCorrection(offset: (try? await driver.clock().offset) ?? target.device.view.clock?.offset ?? 0)
            let (from, to) = (clock.device(span.from), clock.device(span.to))
            let found = try await RecordingSearch.all(from: from) { from, limit in
                try await driver.recordings(of: target.channel, from: from, to: to, kinds: [], limit: limit)
            }
            let ones = found.prefix(mostRecordings).map {
                FoundRecordings.One(recording: $0, span: Span(from: clock.box($0.from), to: clock.box($0.to)))
            }
            return FoundRecordings(recordings: ones.filter { $0.span.overlaps(span) }, clock: clock)
        } catch {
            return FoundRecordings(sentence: sentence(error))
        }
    }

    /// The days of a month of which the device has recordings.
    func days(_ id: ChannelID, year: Int, month: Int, zone: TimeZone) async -> (days: Set<Int>, sentence: String?) {
        do {
            guard let target = try await target(of: id) else { return ([], nil) }
            return await withTaskGroup(of: (days: Set<Int>, sentence: String?).self) { group in
                group.addTask {
                    do throws(DeviceFailure) {
                        return (
                            try await target.device.driver.daysWithRecordings(of: target.channel, year: year, month: month, zone: zone), nil
                        )
                    } catch {
                        return ([], error.sentence)
                    }
                }
                group.addTask { [time] in
                    try? await time.sleep(Self.patience)
                    return ([], "The device took too long to search its recordings; days are marked by what the box has.")
                }
                defer { group.cancelAll() }
                return await group.next() ?? ([], nil)
            }
        } catch {
            return ([], Self.sentence(error))
        }
    }

    private static func sentence(_ error: any Error) -> String {
        switch error {
        case let failure as DeviceFailure: "The device's own recordings are not shown: \(failure.sentence)"
        case let failure as PlaybackFailure: failure.sentence
        default: "The device's own recordings could not be searched."
        }
    }
}
