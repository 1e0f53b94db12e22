import CameraProtocols
import Foundation
import XML

/// Pan, tilt, zoom, focus, presets, patrols, wiper and light.
extension ISAPIDriver {
    private func lens(_ channel: DeviceChannel) -> String { "PTZCtrl/channels/\(channel.number)" }

    public func move(_ channel: DeviceChannel, _ movement: LensMovement) async throws(DeviceFailure) {
        let able = channel.capabilities
        let turns = movement.pan != 0 || movement.tilt != 0 || movement.zoom != 0
        var refusal: DeviceFailure?
        // Both are tried: a lens that cannot turn must still stop focusing.
        if able.contains(.pan) || able.contains(.zoom), turns || movement.focus == 0 {
            var data = XMLTree("PTZData")
            data.set("pan", to: "\(Self.percent(movement.pan))")
            data.set("tilt", to: "\(Self.percent(movement.tilt))")
            data.set("zoom", to: "\(Self.percent(movement.zoom))")
            do throws(DeviceFailure) { try await tell(lens(channel) + "/continuous", data) } catch { refusal = error }
        }
        if able.contains(.focus), movement.focus != 0 || movement == .none {
            var data = XMLTree("FocusData")
            data.set("focus", to: "\(Self.percent(movement.focus))")
            do throws(DeviceFailure) {
                try await tell("System/Video/inputs/channels/\(channel.number)/focus", data)
            } catch {
                refusal = refusal ?? error
            }
        }
        if let refusal { throw refusal }
    }

    /// Before everything else that waits, and not for long.
    private func tell(_ path: String, _ tree: XMLTree) async throws(DeviceFailure) {
        let answer = try await client.request(
            "PUT", "/ISAPI/" + path, body: DeviceClient.Body(xml: tree.document), within: .seconds(3), urgent: true)
        guard answer.status != 200 || !answer.body.isEmpty else { return }
        _ = try Self.document(answer, of: path)
    }

    private static func percent(_ share: Double) -> Int { Int((min(max(share, -1), 1) * 100).rounded()) }

    public func stop(_ channel: DeviceChannel) async throws(DeviceFailure) {
        try await move(channel, .none)
    }

    public func presets(of channel: DeviceChannel) async throws(DeviceFailure) -> [Preset] {
        try await get(lens(channel) + "/presets").all("PTZPreset").filter { $0["enabled"]?.flag != false }.compactMap { preset in
            preset["id"]?.word.map { Preset(id: $0, name: preset["presetName"]?.word ?? "Preset \($0)") }
        }
    }

    public func call(_ preset: Preset, of channel: DeviceChannel) async throws(DeviceFailure) {
        try await put("\(lens(channel))/presets/\(try Self.number(preset.id))/goto", nil)
    }

    public func setPreset(id: String?, name: String, of channel: DeviceChannel) async throws(DeviceFailure) -> Preset {
        var number: Int
        if let id {
            number = try Self.number(id)
        } else {
            let taken = Set(try await presets(of: channel).compactMap { Int($0.id) })
            // From 33 on devices keep numbers for themselves: call 34 and it cleans the lens.
            number = 1
            while taken.contains(number) { number += 1 }
            if number > 32 {
                guard let free = (106...300).first(where: { !taken.contains($0) }) else {
                    throw .unsupported("more presets; delete one first")
                }
                number = free
            }
        }
        var document = XMLTree("PTZPreset")
        document.set("id", to: "\(number)")
        document.set("enabled", to: "true")
        document.set("presetName", to: name)
        try await put("\(lens(channel))/presets/\(number)", document)
        return Preset(id: "\(number)", name: name)
    }

    public func delete(_ preset: Preset, of channel: DeviceChannel) async throws(DeviceFailure) {
        try await send("DELETE", "\(lens(channel))/presets/\(try Self.number(preset.id))", nil)
    }

    public func patrols(of channel: DeviceChannel) async throws(DeviceFailure) -> [Preset] {
        try await get(lens(channel) + "/patrols").all("PTZPatrol").filter { $0["enabled"]?.flag != false }.compactMap { patrol in
            patrol["id"]?.word.map { Preset(id: $0, name: patrol["patrolName"]?.word ?? "Patrol \($0)") }
        }
    }

    public func startPatrol(_ patrol: Preset, of channel: DeviceChannel) async throws(DeviceFailure) {
        try await put("\(lens(channel))/patrols/\(try Self.number(patrol.id))/start", nil)
    }

    public func set(_ auxiliary: Auxiliary, on: Bool, of channel: DeviceChannel) async throws(DeviceFailure) {
        var control = XMLTree("PTZAux")
        control.set("id", to: "1")
        control.set("type", to: auxiliary == .wiper ? "WIPER" : "LIGHT")
        control.set("status", to: on ? "on" : "off")
        try await put("\(lens(channel))/auxcontrols/1", control)
    }

    /// An id of ours goes into a path, so it must be a number.
    private static func number(_ id: String) throws(DeviceFailure) -> Int {
        guard let number = Int(id), (1...300).contains(number) else { throw .unsupported("preset \(id.prefix(16))") }
        return number
    }
}
