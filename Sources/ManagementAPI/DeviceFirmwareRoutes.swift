import Access
import BoxDatabase
import Cameras
import Core
import DeviceFirmware
import Devices
import Foundation
import HTTPTypes
import Hummingbird

/// The firmware of the devices behind the box: which is newer, and how they come to it, one after the other.
struct DeviceFirmwareRoutes {
    private static let mostAtOnce = 256
    let services: BoxServices
    private var upgrader: DeviceUpgrader { services.deviceUpgrader }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("device-firmware") { _, context in try answer(try await state(context)) }
        routes.post("device-firmware/check") { _, context in
            try await refusing { try await upgrader.check() }
            return try answer(try await state(context))
        }
        routes.post("device-firmware/upgrades") { request, context in try await upgrade(request, context) }
        routes.delete("device-firmware/upgrades/:id") { _, context in
            let id: DeviceID = try context.identifier("camera")
            guard await upgrader.upgrade(of: id) != nil else { throw Problem.notFound("upgrade") }
            try await refusing { try await upgrader.cancel(id) }
            return Response(status: .noContent)
        }
        routes.get("device-firmware/upgrades/:id/file") { _, context in
            guard let upgrade = await upgrader.upgrade(of: try context.identifier("camera")), let path = upgrade.file,
                let bytes = DurableFile.size(path)
            else { throw Problem.notFound("file") }
            let name = String(
                (path as NSString).lastPathComponent.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
            return Response(
                status: .ok,
                headers: [.contentType: "application/octet-stream", .contentDisposition: "attachment; filename=\"\(name)\""],
                body: FileBody.body(path, 0..<bytes))
        }
    }

    private func state(_ context: APIContext) async throws -> DeviceFirmwareAnswer {
        let known = Dictionary(try await upgrader.devices().map { ($0.id, $0) }) { first, _ in first }
        var items: [DeviceFirmwareAnswer.Item] = []
        for (record, _) in try await services.catalogue.devices() where context.rights.allow(.viewSite, at: record.place) {
            guard let device = known[record.id] else { continue }
            let upgrade = await upgrader.upgrade(of: record.id)
            let progress =
                upgrade?.state == .running ? DeviceFirmwareAnswer.Progress(await upgrader.step, services.devices[record.id]) : nil
            items.append(.init(record, device, await upgrader.available(for: device.identity), upgrade, progress))
        }
        return DeviceFirmwareAnswer(
            hasSource: upgrader.hasSource, isChecking: await upgrader.isChecking, checkedAt: Nullable(await upgrader.checkedAt),
            trouble: Nullable(await upgrader.trouble), items: items)
    }

    private func upgrade(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let texts = body.strings("deviceIds", count: 1...Self.mostAtOnce)
        if !body.has("deviceIds") { body.reject("deviceIds", "deviceIds is missing.") }
        let ids = (texts ?? []).compactMap { DeviceID($0) }
        if let texts, Set(ids).count != texts.count { body.reject("deviceIds", "deviceIds must be identifiers of devices, each once.") }
        try body.finish()
        guard let caller = context.caller else { return Response(status: .badRequest) }
        for id in ids {
            let place = try await services.catalogue.device(id).0.place
            context.notes.note(site: place.site)
            guard context.rights.see(place) else { throw Problem.notFound("camera") }
            guard context.rights.allow(.configure, at: place) else { throw AccessGate.refusal(.configure) }
        }
        try await refusing { try await upgrader.upgrade(ids, by: caller.name) }
        return try answer(try await state(context), status: .accepted)
    }

    private func refusing(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let refusal as DeviceUpgradeRefusal { throw Problem.conflict(refusal.description) }
    }
}

/// The devices that the caller may see, and the firmware that there is for them.
struct DeviceFirmwareAnswer: Encodable {
    struct Available: Encodable {
        let version: String
        let notes: String
        let bytes: Int
        /// Where its maker has it.
        let page: Nullable<String>
    }

    /// How far it is; a share where there is one.
    struct Progress: Encodable {
        let step: String
        let share: Nullable<Double>

        init?(_ step: DeviceUpgrader.Step?, _ device: DeviceAtWork?) {
            switch step {
            case .fetching(let done, let total):
                self.step = "fetching"
                share = Nullable(total > 0 ? Double(done) / Double(total) : nil)
            case .waiting: (self.step, share) = ("waiting", Nullable(nil))
            case .sending:
                let said = device?.view.upgrade
                self.step = said?.stage.rawValue ?? "sending"
                share = Nullable(said?.share)
            case .verifying: (self.step, share) = ("verifying", Nullable(nil))
            case nil: return nil
            }
        }
    }

    struct Upgrade: Encodable {
        let from: Nullable<String>
        let to: String
        let by: String
        let askedAt: Date
        let endedAt: Nullable<Date>
        let state: String
        let reason: Nullable<String>
        let progress: Nullable<Progress>
        /// Whether the box has its file for people.
        let hasFile: Bool

        init(_ upgrade: DeviceUpgrade, _ progress: Progress?) {
            from = Nullable(upgrade.from)
            to = upgrade.to
            by = upgrade.by
            askedAt = upgrade.askedAt
            endedAt = Nullable(upgrade.endedAt)
            state = upgrade.state.rawValue
            reason = Nullable(upgrade.reason)
            self.progress = Nullable(progress)
            hasFile = upgrade.file != nil
        }
    }

    struct Item: Encodable {
        let deviceId: DeviceID
        let deviceName: String
        let siteId: SiteID
        let make: Nullable<String>
        let model: Nullable<String>
        let installed: Nullable<String>
        /// Newer than what is installed.
        let available: Nullable<Available>
        /// Why it is not given from here.
        let obstacle: Nullable<String>
        let upgrade: Nullable<Upgrade>

        init(
            _ record: DeviceRecord, _ device: DeviceUpgrader.Device, _ available: DeviceUpgrader.Available?, _ upgrade: DeviceUpgrade?,
            _ progress: Progress?
        ) {
            deviceId = record.id
            deviceName = record.name
            siteId = record.siteId
            make = Nullable(device.identity.make)
            model = Nullable(device.identity.model)
            installed = Nullable(device.identity.firmware)
            self.available = Nullable(
                available.map { Available(version: $0.version, notes: $0.notes, bytes: $0.bytes, page: Nullable($0.page)) })
            obstacle = Nullable(available == nil ? nil : DeviceUpgrader.obstacle(device))
            self.upgrade = Nullable(upgrade.map { Upgrade($0, progress) })
        }
    }

    let hasSource: Bool
    let isChecking: Bool
    let checkedAt: Nullable<Date>
    let trouble: Nullable<String>
    let items: [Item]
}
