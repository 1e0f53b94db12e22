import BoxDatabase
import Cameras
import Core
import DeviceFirmware
import Devices
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// What is done with a device as a whole: its check, clock, restart, name, password, firmware, doors.
struct DeviceControlRoutes {
    private static let firmwareLimit = 256 << 20
    let services: BoxServices
    let maker: AnswerMaker

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("devices/:id/check") { _, context in
            let device = try device(context)
            services.onboarding.check(device.record.id)
            return try answer(try await maker.device(device.record.id), status: .accepted)
        }
        routes.post("devices/:id/look") { _, context in
            let device = try device(context)
            device.retryNow()
            await device.lookNow()
            return try answer(try await maker.device(device.record.id))
        }
        routes.get("devices/:id/time") { _, context in try answer(ClockAnswer(try await device(context).driver.clock())) }
        routes.put("devices/:id/time") { request, context in try await setTime(request, context) }
        routes.post("devices/:id/reboot") { _, context in
            try await device(context).driver.reboot()
            return Response(status: .accepted)
        }
        routes.put("devices/:id/name") { request, context in
            let device = try device(context)
            let body = try await RequestBody.read(request)
            let name = body.string("name", 1...32, required: true)
            try body.finish()
            try await device.driver.rename(name ?? "")
            try await services.onboarding.refresh(device.record.id)
            return try answer(try await maker.device(device.record.id))
        }
        routes.put("devices/:id/password") { request, context in try await setPassword(request, context) }
        routes.post("devices/:id/firmware") { request, context in try await upgrade(request, context) }
        routes.post("devices/:id/doors/:door") { request, context in
            let device = try device(context)
            let body = try await RequestBody.read(request)
            let command = body.word("command", DoorCommand.self, required: true)
            try body.finish()
            guard let door = context.parameters.get("door").flatMap({ Int($0) }), device.description?.doors.contains(door) == true else {
                throw Problem.notFound("door")
            }
            if let command { try await device.driver.command(command, door: door) }
            return Response(status: .noContent)
        }
    }

    private func device(_ context: APIContext) throws -> DeviceAtWork {
        let id: DeviceID = try context.identifier("camera")
        guard let device = services.devices[id] else { throw Problem.notFound("camera") }
        return device
    }

    private func setTime(_ request: Request, _ context: APIContext) async throws -> Response {
        let device = try device(context)
        let body = try await RequestBody.read(request)
        var zone: TimeZone?
        if let name = body.string("zone", 1...64) {
            zone = TimeZone(identifier: name)
            if zone == nil { body.reject("zone", "zone must be a time zone such as Europe/Berlin.") }
        }
        let server = body.string("networkTimeServer", 1...253)
        if let server, !DeviceEntry.isHost(server) {
            body.reject("networkTimeServer", "networkTimeServer must be a host name or an IP address.")
        }
        try body.finish()
        if zone == nil { zone = TimeZone(identifier: try await services.catalogue.site(device.record.siteId).timeZone) }
        try await device.driver.setClock(ClockChange(zone: zone, networkTimeServer: server))
        await device.lookNow()
        return try answer(ClockAnswer(try await device.driver.clock()))
    }

    private func setPassword(_ request: Request, _ context: APIContext) async throws -> Response {
        let device = try device(context)
        let body = try await RequestBody.read(request)
        let password = body.string("password", 1...128, required: true)
        if let password, let reason = ISAPIActivation.weakness(of: password) { body.reject("password", reason) }
        try body.finish()
        try await services.onboarding.changePassword(of: device.record.id, to: password ?? "")
        return try answer(try await maker.device(device.record.id))
    }

    /// Takes the file to disk first: a device reads slowly, and what it is sent must be whole.
    private func upgrade(_ request: Request, _ context: APIContext) async throws -> Response {
        let device = try device(context)
        guard device.description?.capabilities.contains(.firmwareUpgrade) == true else {
            throw DeviceFailure.unsupported("firmware upgrades from here")
        }
        if let upgrade = device.view.upgrade, upgrade.stage != .done {
            throw Problem.conflict("An upgrade of this device goes on. Wait until it is done.")
        }
        try await refusing { try await services.deviceUpgrader.mayUpgradeByHand(device.record.id) }
        let path = "\(services.uploadFolder)/\(UUID().uuidString)"
        let bytes = try await UploadedFile.save(request.body, to: path, limit: Self.firmwareLimit, tooLarge: "Firmware has at most 256 MB.")
        do {
            try await refusing { try await services.deviceUpgrader.upgradeByHand(device.record.id, file: path, bytes: bytes) }
        } catch {
            unlink(path)
            throw error
        }
        return try answer(try await maker.device(device.record.id), status: .accepted)
    }

    private func refusing(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let refusal as DeviceUpgradeRefusal { throw Problem.conflict(refusal.description) }
    }
}
