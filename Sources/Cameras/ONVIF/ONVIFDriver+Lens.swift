import CameraProtocols
import Foundation

/// Pan, tilt, zoom, focus, presets, tours, wiper and light.
extension ONVIFDriver {
    /// After so long a device stops by itself, should the box not be able to tell it.
    private static let longestMovement = Duration.seconds(60)

    private func lens(_ channel: DeviceChannel) throws(DeviceFailure) -> String {
        let known = memory.with { $0.lensProfiles[channel.number] }
        guard let profile = known ?? (channel.stream(.main) ?? channel.streams.first)?.id else { throw .unsupported("moving") }
        return profile
    }

    public func move(_ channel: DeviceChannel, _ movement: LensMovement) async throws(DeviceFailure) {
        guard movement != .none else { return try await stop(channel) }
        let before = memory.with { $0.movements.updateValue(movement, forKey: channel.number) } ?? .none
        let (turns, zooms) = (movement.pan != 0 || movement.tilt != 0, movement.zoom != 0)
        // What a new velocity leaves out goes on as before.
        let endsTurn = !turns && (before.pan != 0 || before.tilt != 0)
        let endsZoom = !zooms && before.zoom != 0
        if endsTurn || endsZoom {
            try await call(.ptzStop(profile: try lens(channel), panTilt: endsTurn, zoom: endsZoom), within: .seconds(3))
        }
        if turns || zooms { try await turn(channel, movement) }
        if movement.focus != 0 {
            try await call(.focusMove(source: try source(channel), speed: movement.focus), within: .seconds(3))
        } else if before.focus != 0 {
            try await call(.focusStop(source: try source(channel)), within: .seconds(3))
        }
    }

    private func turn(_ channel: DeviceChannel, _ movement: LensMovement) async throws(DeviceFailure) {
        let profile = try lens(channel)
        func request(_ timeout: Duration?) -> ONVIFRequest {
            .continuousMove(profile: profile, pan: movement.pan, tilt: movement.tilt, zoom: movement.zoom, timeout: timeout)
        }
        do {
            try await call(request(Self.longestMovement), within: .seconds(3))
        } catch {
            // Some devices know no such time, or none so long.
            guard error.code == .deviceError else { throw error }
            try await call(request(nil), within: .seconds(3))
        }
    }

    public func stop(_ channel: DeviceChannel) async throws(DeviceFailure) {
        let before = memory.with { $0.movements[channel.number] }
        let turns = channel.capabilities.contains(.pan) || channel.capabilities.contains(.zoom)
        if turns || !channel.capabilities.contains(.focus) {
            // A camera that cannot do one of the two refuses to stop it.
            let both = channel.capabilities.isSuperset(of: [.pan, .zoom]) || !turns
            try await call(
                .ptzStop(
                    profile: try lens(channel), panTilt: both || channel.capabilities.contains(.pan),
                    zoom: both || channel.capabilities.contains(.zoom)),
                within: .seconds(3))
        }
        // A driver that is new does not know what moves.
        if channel.capabilities.contains(.focus), before.map({ $0.focus != 0 }) ?? true {
            try await call(.focusStop(source: try source(channel)), within: .seconds(3))
        }
        memory.with { $0.movements[channel.number] = LensMovement.none }
    }

    private func source(_ channel: DeviceChannel) throws(DeviceFailure) -> String {
        guard let token = channel.token else { throw .unsupported("focusing") }
        return token
    }

    // MARK: Presets and tours

    public func presets(of channel: DeviceChannel) async throws(DeviceFailure) -> [Preset] {
        ONVIFPreset.all(try await call(.presets(profile: try lens(channel)))).map {
            Preset(id: $0.token, name: $0.name ?? "Preset \($0.token)")
        }
    }

    public func call(_ preset: Preset, of channel: DeviceChannel) async throws(DeviceFailure) {
        try await call(.gotoPreset(profile: try lens(channel), token: try Self.token(preset.id)))
    }

    public func setPreset(id: String?, name: String, of channel: DeviceChannel) async throws(DeviceFailure) -> Preset {
        var token: String?
        if let id { token = try Self.token(id) }
        let answer = try await call(.setPreset(profile: try lens(channel), name: name, token: token))
        guard let made = ONVIFPreset.made(answer) ?? token else { throw .nonsense("SetPreset: no token") }
        return Preset(id: made, name: name)
    }

    public func delete(_ preset: Preset, of channel: DeviceChannel) async throws(DeviceFailure) {
        try await call(.removePreset(profile: try lens(channel), token: try Self.token(preset.id)))
    }

    public func patrols(of channel: DeviceChannel) async throws(DeviceFailure) -> [Preset] {
        ONVIFPreset.all(try await call(.presetTours(profile: try lens(channel)))).map {
            Preset(id: $0.token, name: $0.name ?? "Patrol \($0.token)")
        }
    }

    public func startPatrol(_ patrol: Preset, of channel: DeviceChannel) async throws(DeviceFailure) {
        try await call(.operatePresetTour(profile: try lens(channel), token: try Self.token(patrol.id), .start))
    }

    /// Tokens have 64 letters at most, by ONVIF's schema; what is longer came from no device.
    private static func token(_ id: String) throws(DeviceFailure) -> String {
        guard (1...64).contains(id.utf8.count) else { throw .unsupported("preset \(id.prefix(16))") }
        return id
    }

    // MARK: Wiper and light

    public func set(_ auxiliary: Auxiliary, on: Bool, of channel: DeviceChannel) async throws(DeviceFailure) {
        let commands = ONVIFNode.all(try await call(.ptzNodes)).flatMap(\.auxiliaryCommands)
        guard let command = Self.command(auxiliary, on: on, in: commands) else { throw .unsupported(auxiliary.rawValue) }
        try await call(.sendAuxiliaryCommand(profile: try lens(channel), command))
    }

    /// The command among those that a node lists: `tt:Wiper|On`, `tt:IRLamp|Off`.
    static func command(_ auxiliary: Auxiliary, on: Bool, in commands: [String]) -> String? {
        let words = auxiliary == .wiper ? ["wiper"] : ["whitelight", "light", "irlamp", "lamp"]
        let state = on ? "|on" : "|off"
        for word in words {
            let found = commands.first { $0.lowercased().contains(word) && $0.lowercased().hasSuffix(state) }
            if let found { return found }
        }
        return nil
    }
}
