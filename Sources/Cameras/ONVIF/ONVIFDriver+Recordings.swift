import CameraProtocols
import Core
public import Foundation
import XML

/// Footage on the device (profile G): which recordings there are, and when there is something in them.
extension ONVIFDriver {
    /// How long a device keeps the results of a search that nobody asks for.
    private static let keepAlive = Duration.seconds(30)
    private static let page = 200
    /// No search goes on for longer, or takes more results, whatever the device says.
    private static let longestSearch = Duration.seconds(45)
    private static let mostResults = 10_000
    /// What began before the asked time is only found by its beginning, where a device does not say how things stood then.
    private static let margin: TimeInterval = 3600

    public func recordings(
        of channel: DeviceChannel, from: Date, to: Date, kinds: Set<DeviceRecording.Kind>, limit: Int
    ) async throws(DeviceFailure) -> [DeviceRecording] {
        let footage = try await footage(of: channel).filter { ($0.earliest ?? from) < to && ($0.latest ?? to) > from }
        guard !footage.isEmpty, from < to else { return [] }
        var pieces: [Piece]
        do throws(DeviceFailure) {
            pieces = try await self.pieces(of: footage, from: from, to: to)
        } catch {
            guard Self.isOptional(error) else { throw error }
            // All that is known of them is their beginning and end.
            pieces = footage.compactMap { one in
                guard let earliest = one.earliest, let latest = one.latest else { return nil }
                return Piece(recording: one.token, kind: .other, from: max(earliest, from), to: min(latest, to))
            }
        }
        let wanted = pieces.filter { $0.from < $0.to && $0.to > from && $0.from < to && (kinds.isEmpty || kinds.contains($0.kind)) }
        var urls: [String: String] = [:]
        for token in Set(wanted.map(\.recording)) { urls[token] = try await replayURL(of: token) }
        return wanted.sorted { $0.from < $1.from }.prefix(max(limit, 0)).map { piece in
            DeviceRecording(
                channel: channel.number, kind: piece.kind, from: piece.from, to: piece.to, playbackURL: urls[piece.recording],
                reference: piece.recording)
        }
    }

    public func daysWithRecordings(
        of channel: DeviceChannel, year: Int, month: Int, zone: TimeZone
    ) async throws(DeviceFailure) -> Set<Int> {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        guard let first = calendar.date(from: DateComponents(year: year, month: month, day: 1)),
            let last = calendar.date(byAdding: .month, value: 1, to: first)
        else { return [] }
        let summary = (try await find(.recordingSummary)).map(ONVIFRecordingSummary.init)
        // Nothing is asked about times of which the device says that it has nothing.
        let from = max(first, summary?.from?.date ?? first)
        let to = min(last, (summary?.until?.date ?? last).addingTimeInterval(Self.margin))
        guard from < to else { return [] }
        var days: Set<Int> = []
        for piece in try await recordings(of: channel, from: from, to: to, kinds: [], limit: Self.mostResults) {
            var moment = max(piece.from, first)
            while moment < min(piece.to, last) {
                days.insert(calendar.component(.day, from: moment))
                guard let next = calendar.date(byAdding: .day, value: 1, to: calendar.startOfDay(for: moment)), next > moment else { break }
                moment = next
            }
        }
        return days
    }

    public func playbackURL(of channel: DeviceChannel, from: Date, to: Date) async throws(DeviceFailure) -> String {
        let footage = try await footage(of: channel)
        let holding = footage.first { ($0.earliest ?? .distantPast) < to && ($0.latest ?? .distantFuture) > from }
        guard let recording = holding ?? footage.first else {
            throw DeviceFailure(.deviceError, "The device has no recording of this camera. Look at its disk or card.")
        }
        guard let url = try await replayURL(of: recording.token) else { throw .unsupported("playing recordings") }
        return url
    }

    public func playback(
        of recording: DeviceRecording, in channel: DeviceChannel, from: Date, to: Date
    ) async throws(DeviceFailure) -> DevicePlayback {
        // Asked anew, for addresses change; one that the device does not know any more is looked for by the time.
        if let token = recording.reference, let url = try await replayURL(of: token) { return DevicePlayback(url: url, way: .range) }
        return DevicePlayback(url: try await playbackURL(of: channel, from: from, to: to), way: .range)
    }

    private func replayURL(of recording: String) async throws(DeviceFailure) -> String? {
        (try await find(.replayURI(recording: recording))).flatMap(ONVIFAddress.read).flatMap { ONVIFPlace.rtsp($0, at: client.address) }
    }

    // MARK: Recordings

    /// A recording of the device: a container that grows, not a piece.
    struct Footage: Sendable {
        var token: String
        /// The token of what was recorded, mostly that of a video source or a profile.
        var source: String?
        var name: String?
        var earliest: Date?
        var latest: Date?
    }

    /// The recordings that are a channel's.
    private func footage(of channel: DeviceChannel) async throws(DeviceFailure) -> [Footage] {
        guard let search = ONVIFSearchResults.token(try await call(.findRecordings(keepAlive: Self.keepAlive))) else {
            throw .nonsense("FindRecordings: no token")
        }
        var all: [Footage] = []
        try await results(of: search) {
            .recordingSearchResults(token: search, atMost: Self.page, wait: .seconds(5))
        } take: { answer in
            let found = (answer["ResultList"]?.all("RecordingInformation") ?? []).compactMap(Self.footage)
            all += found
            return found.count
        }
        return Self.choose(all, for: channel)
    }

    private static func footage(_ information: XMLTree) -> Footage? {
        (information["RecordingToken"]?.word).map { token in
            func time(_ name: String) -> Date? { (information[name]?.word).flatMap { DeviceTime($0) }?.date }
            return Footage(
                token: token, source: information["Source", "SourceId"]?.word, name: information["Source", "Name"]?.word,
                earliest: time("EarliestRecording"), latest: time("LatestRecording"))
        }
    }

    /// Devices agree little on what a recording's source is called: its token, the channel's name, or nothing but the order.
    static func choose(_ all: [Footage], for channel: DeviceChannel) -> [Footage] {
        let tokens = Set([channel.token].compactMap { $0 } + channel.streams.flatMap { $0.sources + [$0.id] })
        let byToken = all.filter { one in
            one.source.map { source in tokens.contains { source == $0 || source.hasSuffix("/" + $0) } } ?? false
        }
        if !byToken.isEmpty { return byToken }
        let byName = all.filter { $0.name == channel.name }
        if !byName.isEmpty { return byName }
        // One for each channel, in their order; of a camera, all are its own.
        if channel.input == .own, channel.number == 1 { return all }
        return all.indices.contains(channel.number - 1) ? [all[channel.number - 1]] : []
    }

    /// Fetches all results of a search, and ends it.
    private func results(
        of search: String, _ request: () -> ONVIFRequest, take: (XMLTree) -> Int
    ) async throws(DeviceFailure) {
        let began = client.time.uptime()
        var count = 0
        var failure: DeviceFailure?
        do throws(DeviceFailure) {
            var isComplete = false
            while !isComplete, count < Self.mostResults, client.time.uptime() - began < Self.longestSearch {
                let answer = try await call(request(), limit: 8 << 20, within: .seconds(15))
                let found = take(answer)
                count += found
                isComplete = ONVIFSearchResults(answer).isComplete
                if found == 0, !isComplete {
                    do { try await client.time.sleep(.milliseconds(200)) } catch { throw DeviceFailure(.silent, "Interrupted.") }
                }
            }
        } catch {
            failure = error
        }
        // Devices keep few searches; a task of its own is not cancelled with this one.
        if failure.map({ Self.isOptional($0) }) ?? true || Task.isCancelled {
            await Task { _ = try? await call(.endSearch(token: search), within: .seconds(3)) }.value
        }
        if let failure { throw failure }
    }

    // MARK: Pieces

    /// A time in which there is something in a recording.
    struct Piece: Sendable {
        var recording: String
        var kind: DeviceRecording.Kind
        var from: Date
        var to: Date
    }

    private func pieces(of footage: [Footage], from: Date, to: Date) async throws(DeviceFailure) -> [Piece] {
        let begin = from.addingTimeInterval(-Self.margin)
        let end = min(to, client.time.now()).addingTimeInterval(Self.margin)
        let request = ONVIFRequest.findEvents(from: begin, to: end, recordings: footage.map(\.token), keepAlive: Self.keepAlive)
        guard let search = ONVIFSearchResults.token(try await call(request)) else { throw .nonsense("FindEvents: no token") }
        var events: [ONVIFSearchResults.Event] = []
        try await results(of: search) {
            .eventSearchResults(token: search, atMost: Self.page, wait: .seconds(5))
        } take: { answer in
            let found = ONVIFSearchResults(answer).events
            events += found
            return found.count
        }
        let last = Dictionary(footage.map { ($0.token, min($0.latest ?? end, end)) }) { first, _ in first }
        return Self.pieces(events, from: begin, last: last, only: footage.count == 1 ? footage.first?.token : nil)
    }

    /// Puts beginnings and ends together, each kind of each recording by itself.
    static func pieces(
        _ events: [ONVIFSearchResults.Event], from begin: Date, last: [String: Date], only: String?
    ) -> [Piece] {
        struct Key: Hashable {
            let recording: String
            let topic: String
        }
        var open: [Key: Date] = [:]
        var began: Set<Key> = []
        var kinds: [Key: DeviceRecording.Kind] = [:]
        var pieces: [Piece] = []
        // A recording's own state says the same as those of its tracks, only less exactly.
        let hasTracks = events.contains { $0.notifications.first?.deviceType.hasPrefix("RecordingHistory/Track/") ?? false }
        let dated = events.compactMap { event in event.time.map { (event, $0.date) } }.enumerated().sorted {
            ($0.element.1, $0.offset) < ($1.element.1, $1.offset)
        }.map(\.element)
        for (event, time) in dated {
            guard let recording = event.recording ?? only, let notification = event.notifications.first,
                let kind = kind(of: notification), !hasTracks || !notification.deviceType.hasPrefix("RecordingHistory/Recording/")
            else { continue }
            let key = Key(recording: recording, topic: notification.deviceType)
            kinds[key] = kind
            switch notification.phase {
            case .active:
                if open[key] == nil { open[key] = time }
            case .inactive:
                // An end whose beginning was not told began before the time that was asked for.
                if let start = open.removeValue(forKey: key) ?? (began.contains(key) ? nil : begin), start < time {
                    pieces.append(Piece(recording: recording, kind: kind, from: start, to: time))
                }
            case .momentary:
                pieces.append(Piece(recording: recording, kind: kind, from: time, to: time.addingTimeInterval(1)))
            }
            began.insert(key)
        }
        for (key, start) in open {
            // It goes on yet.
            guard let end = last[key.recording], start < end else { continue }
            pieces.append(Piece(recording: key.recording, kind: kinds[key] ?? .other, from: start, to: end))
        }
        return pieces
    }

    /// What a recorded event says of the footage; nil for one that is about something else.
    private static func kind(of notification: DeviceNotification) -> DeviceRecording.Kind? {
        let topic = notification.deviceType.lowercased()
        if topic.hasPrefix("recordinghistory/") { return topic.hasSuffix("/state") ? .timed : nil }
        switch notification.category {
        case .motion: return .motion
        case .other: return nil
        default: return .event
        }
    }
}
