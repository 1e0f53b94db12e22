import BoxDatabase
import Cameras
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird

/// A channel on its device, with what is needed to speak of it.
struct ChannelOnDevice {
    let record: ChannelRecord
    let device: DeviceAtWork
    let channel: DeviceChannel
    var driver: any CameraDriver { device.driver }
}

extension BoxServices {
    /// The channel in the path, on its device; throws where the device does not know it.
    func channelOnDevice(_ context: APIContext) async throws -> ChannelOnDevice {
        let record = try await catalogue.channelRecord(try context.identifier("channel"))
        guard let device = devices[record.deviceId], let channel = device.description?.channels.first(where: { $0.number == record.number })
        else { throw Problem.conflict("The device is still starting, or does not know this channel. Check the device.") }
        return ChannelOnDevice(record: record, device: device, channel: channel)
    }
}

/// Moving a lens: while somebody holds it, to presets, along patrols; its wiper and light.
struct LensRoutes {
    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("channels/:id/lens/move") { request, context in try await move(request, context) }
        routes.post("channels/:id/lens/stop") { _, context in
            let target = try await services.channelOnDevice(context)
            try await target.device.lens.release(target.channel, driver: target.driver)
            return Response(status: .noContent)
        }
        routes.get("channels/:id/lens/presets") { _, context in
            let target = try await services.channelOnDevice(context)
            return try answer(ListAnswer(items: try await target.driver.presets(of: target.channel).map(PresetAnswer.init)))
        }
        routes.post("channels/:id/lens/presets") { request, context in
            let preset = try await setPreset(nil, request, context)
            return try answer(PresetAnswer(preset), status: .created)
        }
        routes.put("channels/:id/lens/presets/:preset") { request, context in
            try answer(PresetAnswer(try await setPreset(context.parameters.get("preset"), request, context)))
        }
        routes.delete("channels/:id/lens/presets/:preset") { _, context in
            let target = try await services.channelOnDevice(context)
            try await target.driver.delete(Self.preset(context, "preset"), of: target.channel)
            return Response(status: .noContent)
        }
        routes.post("channels/:id/lens/presets/:preset/call") { _, context in
            let target = try await services.channelOnDevice(context)
            try await target.driver.call(Self.preset(context, "preset"), of: target.channel)
            return Response(status: .noContent)
        }
        routes.get("channels/:id/lens/patrols") { _, context in
            let target = try await services.channelOnDevice(context)
            return try answer(ListAnswer(items: try await target.driver.patrols(of: target.channel).map(PresetAnswer.init)))
        }
        routes.post("channels/:id/lens/patrols/:patrol/start") { _, context in
            let target = try await services.channelOnDevice(context)
            try await target.driver.startPatrol(Self.preset(context, "patrol"), of: target.channel)
            return Response(status: .noContent)
        }
        routes.put("channels/:id/lens/auxiliary") { request, context in
            let target = try await services.channelOnDevice(context)
            let body = try await RequestBody.read(request)
            let name = body.word("name", Auxiliary.self, required: true)
            let on = body.bool("on", required: true)
            try body.finish()
            if let name, let on { try await target.driver.set(name, on: on, of: target.channel) }
            return Response(status: .noContent)
        }
    }

    private static func preset(_ context: APIContext, _ name: String) -> Preset {
        Preset(id: context.parameters.get(name) ?? "", name: "")
    }

    private func setPreset(_ id: String?, _ request: Request, _ context: APIContext) async throws -> Preset {
        let target = try await services.channelOnDevice(context)
        let body = try await RequestBody.read(request)
        let name = body.string("name", 1...32, required: true)
        try body.finish()
        return try await target.driver.setPreset(id: id, name: name ?? "", of: target.channel)
    }

    private func move(_ request: Request, _ context: APIContext) async throws -> Response {
        let target = try await services.channelOnDevice(context)
        let body = try await RequestBody.read(request)
        let movement = LensMovement(
            pan: body.number("pan", -1...1) ?? 0, tilt: body.number("tilt", -1...1) ?? 0, zoom: body.number("zoom", -1...1) ?? 0,
            focus: body.number("focus", -1...1) ?? 0)
        try body.finish()
        let able = target.channel.capabilities
        guard movement.pan == 0 && movement.tilt == 0 || able.contains(.pan), movement.zoom == 0 || able.contains(.zoom),
            movement.focus == 0 || able.contains(.focus)
        else { throw DeviceFailure.unsupported("this movement") }
        try await target.device.lens.hold(target.channel, movement, driver: target.driver)
        return Response(status: .noContent)
    }
}
