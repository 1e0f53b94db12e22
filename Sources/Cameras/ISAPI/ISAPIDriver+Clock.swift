import CameraProtocols
import Core
import Foundation
import XML

/// The device's clock.
extension ISAPIDriver {
    public func clock() async throws(DeviceFailure) -> DeviceClock {
        let asked = client.time.uptime()
        let document = try await get("System/time")
        let took = client.time.uptime() - asked
        guard let text = document["localTime"]?.text, let time = DeviceTime(text) else { throw .nonsense("System/time") }
        let zone = document["timeZone"]?.word
        var date = time.date
        if !time.hasZone, let seconds = zone.flatMap({ POSIXTimeZone($0) })?.offset(at: date) { date -= Double(seconds) }
        // The answer was made half a round trip ago, and says whole seconds.
        let now = client.time.now().addingTimeInterval(-took.seconds / 2)
        let offset = (date.timeIntervalSince(now) * 10).rounded() / 10
        let usesNetworkTime = document["timeMode"]?.text.uppercased() == "NTP"
        var server: String?
        if usesNetworkTime, let first = try await find("System/time/ntpServers")?.descendants("NTPServer").first {
            let byAddress = first["addressingFormatType"]?.text == "ipaddress"
            server = byAddress ? first["ipAddress"]?.word : first["hostName"]?.word ?? first["ipAddress"]?.word
        }
        return DeviceClock(
            time: date, offset: offset, zone: zone, usesNetworkTime: usesNetworkTime, networkTimeServer: server,
            remark: ClockRemark.sentence(offset: offset))
    }

    public func setClock(_ change: ClockChange) async throws(DeviceFailure) {
        var document = try await get("System/time")
        let now = client.time.now()
        let zone = change.zone.map { POSIXTimeZone($0, year: Calendar(identifier: .gregorian).component(.year, from: now)) }
        let words = zone?.hikvisionText ?? document["timeZone"]?.text ?? ""
        let seconds = (zone ?? POSIXTimeZone(words))?.offset(at: now) ?? 0
        let followed = document["timeMode"]?.text.uppercased() == "NTP"
        document.set("timeMode", to: "manual")
        document.set("localTime", to: DeviceTime.text(now, offsetSeconds: seconds))
        if !words.isEmpty { document.set("timeZone", to: words) }
        try await put("System/time", document)
        // A clock that followed a server follows it again; what was set holds until the server is heard.
        guard change.networkTimeServer != nil || followed else { return }
        if let server = change.networkTimeServer { try await setServer(server) }
        var follow = try await get("System/time")
        follow.set("timeMode", to: "NTP")
        try await put("System/time", follow)
    }

    private func setServer(_ server: String) async throws(DeviceFailure) {
        let isAddress = server.split(separator: ".").count == 4 && server.allSatisfy { $0.isNumber || $0 == "." }
        var entry = XMLTree("NTPServer")
        entry.set("id", to: "1")
        entry.set("addressingFormatType", to: isAddress ? "ipaddress" : "hostname")
        entry.set(isAddress ? "ipAddress" : "hostName", to: server)
        entry.set("portNo", to: "123")
        entry.set("synchronizeInterval", to: "60")
        // The list where there is one: not every device lets an entry of it be set by itself.
        guard var list = try await find("System/time/ntpServers"), list.name == "NTPServerList" else {
            try await put("System/time/ntpServers/1", entry)
            return
        }
        list.children = [entry] + list.children.filter { $0["id"]?.text != "1" }
        try await put("System/time/ntpServers", list)
    }
}

/// What an offset of a clock tells.
enum ClockRemark {
    /// A whole number of half hours is no wrong clock but a wrong zone.
    static func sentence(offset: Double) -> String? {
        let halfHours = (offset / 1800).rounded()
        if halfHours != 0, abs(halfHours) <= 52, abs(offset - halfHours * 1800) < 60 {
            let hours = abs(halfHours) / 2
            return
                "The device's clock is right, but in another time zone: \(hours.formatted()) \(hours == 1 ? "hour" : "hours") \(offset > 0 ? "ahead" : "behind"). Set its time zone."
        }
        if abs(offset) >= 5 { return "The device's clock is \(spoken(abs(offset))) \(offset > 0 ? "fast" : "slow"). Set its time." }
        return nil
    }

    private static func spoken(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(seconds)) seconds"
        case ..<7200: "\(Int(seconds / 60)) minutes"
        case ..<172_800: "\(Int(seconds / 3600)) hours"
        default: "\(Int(seconds / 86_400)) days"
        }
    }
}
