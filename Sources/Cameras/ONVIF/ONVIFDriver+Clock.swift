import CameraProtocols
import Core
import Foundation
import XML

/// The device's clock.
extension ONVIFDriver {
    public func clock() async throws(DeviceFailure) -> DeviceClock {
        let before = client.time.now()
        let answer = try await call(.systemDateAndTime)
        // The answer was made half a round trip ago, and says whole seconds.
        let now = before.addingTimeInterval(client.time.now().timeIntervalSince(before) / 2)
        let told = ONVIFClock(answer)
        guard let skew = ONVIFSkew(told, now: now)?.preferring(memory.with { $0.skew?.offset }) else {
            throw .nonsense("GetSystemDateAndTime: no time")
        }
        memory.with { $0.skew = skew }
        let offset = (skew.offset * 10).rounded() / 10
        var server: String?
        if told.usesNTP == true, let servers = (try await find(.ntp)).map(ONVIFTimeServers.init) { server = servers.servers.first }
        var remark = ClockRemark.sentence(offset: offset)
        if told.saysLocalForUTC, remark == nil { remark = "The device gives its local time for UTC; the box allows for that." }
        return DeviceClock(
            time: now.addingTimeInterval(skew.offset), offset: offset, zone: answer["SystemDateAndTime", "TimeZone", "TZ"]?.word,
            usesNetworkTime: told.usesNTP, networkTimeServer: server, remark: remark)
    }

    public func setClock(_ change: ClockChange) async throws(DeviceFailure) {
        let told = ONVIFClock(try await call(.systemDateAndTime))
        let now = client.time.now()
        let year = Calendar(identifier: .gregorian).component(.year, from: now)
        // The zone that the device has is said again: without it, its summer time would be switched off.
        let zone = change.zone.map { POSIXTimeZone($0, year: year) } ?? told.zone
        try await call(.setSystemDateAndTime(client.time.now(), zone: zone))
        // Tokens must have the new time from now on.
        memory.with { $0.skew = nil }
        // A clock that followed a server follows it again; what was set holds until the server is heard.
        guard change.networkTimeServer != nil || told.usesNTP == true else { return }
        if let server = change.networkTimeServer { try await call(.setNTP(server: server)) }
        try await call(.setSystemDateAndTime(nil, zone: zone))
        memory.with { $0.skew = nil }
    }
}
