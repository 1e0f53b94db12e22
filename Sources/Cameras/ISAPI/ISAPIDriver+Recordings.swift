import CameraProtocols
import Core
public import Foundation
import XML

/// Footage on the device: `ContentMgmt/search`, playback and download.
///
/// Devices write times with a `Z` and mean their own local time, so requests are given in it and answers read by it.
extension ISAPIDriver {
    private static let page = 40

    /// Seconds that the device's local time is ahead of UTC, as it counts, its clock's error included.
    private func localOffset() async throws(DeviceFailure) -> @Sendable (Date) -> Double {
        let document = try await get("System/time")
        if profile.searchTimesAreUTC { return { _ in 0 } }
        if let zone = document["timeZone"]?.word.flatMap({ POSIXTimeZone($0) }) { return { Double(zone.offset(at: $0)) } }
        return { _ in 0 }
    }

    private static func track(_ channel: DeviceChannel) -> Int { channel.number * 100 + 1 }

    public func recordings(
        of channel: DeviceChannel, from: Date, to: Date, kinds: Set<DeviceRecording.Kind>, limit: Int
    ) async throws(DeviceFailure) -> [DeviceRecording] {
        let offset = try await localOffset()
        let search = UUID().uuidString
        var found: [DeviceRecording] = []
        var position = 0
        while found.count < limit, position < 4000 {
            let answer = try await send(
                "POST", "ContentMgmt/search",
                Self.searchRequest(search, track: Self.track(channel), from: from, to: to, position: position, offset: offset),
                within: .seconds(20))
            let matches = answer?.descendants("searchMatchItem") ?? []
            found += matches.compactMap { Self.recording($0, channel: channel.number, offset: offset) }
                .filter { (kinds.isEmpty || kinds.contains($0.kind)) && $0.to > from && $0.from < to }
            position += matches.count
            guard answer?.first("responseStatusStrg")?.text == "MORE", !matches.isEmpty else { break }
        }
        return Array(found.sorted { $0.from < $1.from }.prefix(limit))
    }

    private static func searchRequest(
        _ id: String, track: Int, from: Date, to: Date, position: Int, offset: (Date) -> Double
    ) -> XMLTree {
        var request = XMLTree("CMSearchDescription")
        request.set("searchID", to: id)
        request.set("trackList", "trackID", to: "\(track)")
        request.set("timeSpanList", "timeSpan", "startTime", to: deviceText(from, offset: offset))
        request.set("timeSpanList", "timeSpan", "endTime", to: deviceText(to, offset: offset))
        request.set("maxResults", to: "\(page)")
        // Written so in the interface.
        request.set("searchResultPostion", to: "\(position)")
        request.set("metadataList", "metadataDescriptor", to: "//recordType.meta.std-cgi.com")
        return request
    }

    private static func recording(_ match: XMLTree, channel: Int, offset: (Date) -> Double) -> DeviceRecording? {
        guard let from = deviceDate(match.first("startTime")?.text, offset: offset),
            let to = deviceDate(match.first("endTime")?.text, offset: offset), from < to
        else { return nil }
        let address = match.first("playbackURI")?.word
        let size = address.flatMap { URLComponents(string: $0)?.queryItems?.first { $0.name == "size" }?.value }.flatMap { Int($0) }
        let type = (match.first("metadataDescriptor")?.text ?? "").lowercased()
        let kind: DeviceRecording.Kind =
            type.contains("motion") || type.contains("vmd")
            ? .motion
            : type.contains("timing") || type.contains("cmr") || type.hasSuffix("recordtype.meta.hikvision.com")
                ? .timed
                : type.contains("alarm") || type.contains("event") || type.contains("detection") || type.contains("region")
                    ? .event : .other
        var recording = DeviceRecording(
            channel: channel, kind: kind, from: from, to: to, playbackURL: address.map(withoutCredentials), bytes: size, reference: address)
        let word = type.split { "/:".contains($0) }.last.map(String.init) ?? ""
        recording.category = kind == .motion ? .motion : kind == .event ? ISAPIAlert.meaning(of: word).0 : nil
        return recording
    }

    private static func withoutCredentials(_ url: String) -> String {
        guard var parts = URLComponents(string: url) else { return "" }
        parts.user = nil
        parts.password = nil
        return parts.string ?? ""
    }

    /// A time as the device means it.
    static func deviceText(_ date: Date, offset: (Date) -> Double) -> String {
        DeviceTime.text(date.addingTimeInterval(offset(date)), offsetSeconds: 0)
    }

    static func deviceDate(_ text: String?, offset: (Date) -> Double) -> Date? {
        guard let text, let time = DeviceTime(text) else { return nil }
        // A zone that is said is believed; a Z is not one.
        if time.hasZone, !text.hasSuffix("Z") { return time.date }
        return time.date.addingTimeInterval(-offset(time.date))
    }

    public func daysWithRecordings(
        of channel: DeviceChannel, year: Int, month: Int, zone: TimeZone
    ) async throws(DeviceFailure) -> Set<Int> {
        var request = XMLTree("trackDailyParam")
        request.set("year", to: "\(year)")
        request.set("monthOfYear", to: "\(month)")
        let answer = try await send("POST", "ContentMgmt/record/tracks/\(Self.track(channel))/dailyDistribution", request)
        let days = answer?.descendants("day") ?? []
        return Set(days.filter { $0["record"]?.flag == true }.compactMap { $0["dayOfMonth"]?.integer }.filter { (1...31).contains($0) })
    }

    public func playbackURL(of channel: DeviceChannel, from: Date, to: Date) async throws(DeviceFailure) -> String {
        let offset = try await localOffset()
        func compact(_ date: Date) -> String {
            Self.deviceText(date, offset: offset).replacing("-", with: "").replacing(":", with: "").prefix(15) + "Z"
        }
        var address = client.address
        address.rtspPort = channel.stream(.main).flatMap { RTSPAddress($0.url)?.port } ?? address.rtspPort
        return "\(address.rtspBase)/Streaming/tracks/\(Self.track(channel))?starttime=\(compact(from))&endtime=\(compact(to))"
    }

    public func download(
        _ recording: DeviceRecording, take: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(DeviceFailure) {
        guard let reference = recording.reference else { throw .unsupported("downloading this recording") }
        var request = XMLTree("downloadRequest")
        request.set("playbackURI", to: reference)
        // One that sends a little now and then must not hold up all others.
        try await client.stream(
            "GET", "/ISAPI/ContentMgmt/download", body: DeviceClient.Body(xml: request.document), silence: .seconds(20),
            longest: .seconds(1800)
        ) { head in
            guard head.status == 200, head.contentType?.contains("xml") != true else {
                throw DeviceFailure.deviceError("download: status \(head.status)")
            }
        } take: { bytes in
            try await take(bytes)
        }
    }
}
