import BoxDatabase
import Cameras
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// What is set on the device for a channel: its streams, its own detection, what it tells of.
struct DeviceChannelRoutes {
    let services: BoxServices
    let maker: AnswerMaker

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("channels/:id/device-streams") { _, context in
            let target = try await services.channelOnDevice(context)
            let streams = try await freshStreams(target)
            var items: [DeviceStreamAnswer] = []
            for stream in streams {
                items.append(DeviceStreamAnswer(stream, options: (try? await target.driver.options(of: stream)) ?? StreamOptions()))
            }
            return try answer(ListAnswer(items: items))
        }
        routes.patch("channels/:id/device-streams/:stream") { request, context in try await changeStream(request, context) }
        routes.get("channels/:id/cloud-readiness") { _, context in
            try answer(ReadinessAnswer(try await readiness(try await services.channelOnDevice(context))))
        }
        routes.post("channels/:id/cloud-readiness") { _, context in
            let target = try await services.channelOnDevice(context)
            for proposal in try await readiness(target).proposals {
                _ = try await target.driver.change(proposal.stream, by: proposal.change)
            }
            try await services.onboarding.refresh(target.device.record.id)
            return try answer(ReadinessAnswer(try await readiness(target)))
        }
        routes.get("channels/:id/device-motion") { _, context in
            let target = try await services.channelOnDevice(context)
            return try answer(DeviceMotionAnswer(try await target.driver.motion(of: target.channel)))
        }
        routes.put("channels/:id/device-motion") { request, context in try await setMotion(request, context) }
        routes.get("channels/:id/device-rules") { _, context in
            let target = try await services.channelOnDevice(context)
            return try answer(ListAnswer(items: try await target.driver.rules(of: target.channel).map(DeviceRuleAnswer.init)))
        }
        routes.put("channels/:id/notification") { request, context in
            let target = try await services.channelOnDevice(context)
            let body = try await RequestBody.read(request)
            let type = body.word("type", CameraEvent.Category.self, required: true)
            let on = body.bool("on", required: true)
            try body.finish()
            if let type, let on { try await target.driver.setNotification(on, for: type, of: target.channel) }
            return Response(status: .noContent)
        }
        routes.get("channels/:id/device-snapshot") { _, context in
            let target = try await services.channelOnDevice(context)
            let jpeg = try await target.driver.snapshot(of: target.channel)
            return Response(
                status: .ok, headers: [.contentType: "image/jpeg", .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: jpeg)))
        }
    }

    // MARK: Streams

    /// The streams as they are set now; what was learned when the device was added where it does not say.
    private func freshStreams(_ target: ChannelOnDevice) async throws -> [DeviceStream] {
        guard target.channel.capabilities.contains(.streamSettings) else { return target.channel.streams }
        return try await target.driver.streams(of: target.channel)
    }

    private func readiness(_ target: ChannelOnDevice) async throws -> CloudReadiness {
        guard target.channel.capabilities.contains(.streamSettings) else { throw DeviceFailure.unsupported("stream settings") }
        var channel = target.channel
        channel.streams = try await freshStreams(target)
        var options: [String: StreamOptions] = [:]
        for stream in channel.streams { options[stream.id] = try? await target.driver.options(of: stream) }
        return CloudReadiness(channel, options: options)
    }

    private func changeStream(_ request: Request, _ context: APIContext) async throws -> Response {
        let target = try await services.channelOnDevice(context)
        guard let id = context.parameters.get("stream"), let stream = target.channel.streams.first(where: { $0.id == id }) else {
            throw Problem.notFound("stream")
        }
        let body = try await RequestBody.read(request)
        var change = StreamChange()
        change.codec = body.string("codec", 1...16)
        change.width = body.integer("width", 64...16_384)
        change.height = body.integer("height", 64...16_384)
        change.frameRate = body.number("frameRate", 0.5...240)
        change.bitRate = body.integer("bitRate", 8000...100_000_000)
        change.keyFrameInterval = body.integer("keyFrameInterval", 1...1200)
        change.smartCodec = body.bool("smartCodec")
        try body.finish()
        guard !change.isEmpty else { return try answer(DeviceStreamAnswer(stream, options: StreamOptions())) }
        let changed = try await target.driver.change(stream, by: change)
        try await services.onboarding.refresh(target.device.record.id)
        return try answer(DeviceStreamAnswer(changed, options: (try? await target.driver.options(of: changed)) ?? StreamOptions()))
    }

    // MARK: Motion

    private func setMotion(_ request: Request, _ context: APIContext) async throws -> Response {
        let target = try await services.channelOnDevice(context)
        var motion = try await target.driver.motion(of: target.channel)
        let body = try await RequestBody.read(request)
        if let enabled = body.bool("enabled") { motion.enabled = enabled }
        if let sensitivity = body.integer("sensitivity", 0...100) { motion.sensitivity = sensitivity }
        // What a client got it may send back.
        _ = body.integer("columns", motion.columns...motion.columns)
        _ = body.integer("rows", motion.rows...motion.rows)
        if let cells = body.strings("cells", count: motion.rows...motion.rows) {
            if cells.allSatisfy({ $0.utf8.count == motion.columns && $0.utf8.allSatisfy { $0 == 48 || $0 == 49 } }) {
                motion.cells = cells
            } else {
                body.reject("cells", "cells must be \(motion.rows) texts of \(motion.columns) characters 0 or 1.")
            }
        }
        let schedule = body.object("schedule").map { $0.schedule(old: motion.schedule ?? .always) }
        let notifies = body.isNull("notifies") ? nil : body.bool("notifies")
        try body.finish()
        // What stays as it is need not be written.
        motion.schedule = schedule == motion.schedule ? nil : schedule
        motion.notifies = notifies == motion.notifies ? nil : notifies
        try await target.driver.setMotion(motion, of: target.channel)
        return try answer(DeviceMotionAnswer(try await target.driver.motion(of: target.channel)))
    }
}
