import Access
import BoxDatabase
import Core
import Crypto
import Devices
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Logging
import Media
import Recording
import Relay

/// "I am at the site": whoever is in the box's own network and knows a device's password may watch its cameras without a sign-in. They could open the
/// device itself as well.
struct OnSiteRoutes {
    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("on-site/live") { request, context in try await begin(request, context) }
    }

    private func begin(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let place = body.string("device", 1...255, required: true)
        let userName = body.string("userName", 1...64, required: true)
        let password = body.string("password", 1...128, required: true)
        let number = body.integer("channel", 1...512) ?? 1
        let wanted = body.word("stream", StreamRole.self) ?? .sub
        try body.finish()
        guard services.isAtSite(context.remoteAddress, request.headers) else {
            throw Problem(.forbidden, "not-on-site", "Not at the site", "Only a device in the box's own network may watch this way.")
        }
        guard let place, let userName, let password else { return Response(status: .badRequest) }
        context.notes.person = "\(OperationNotes.byDevice) (\(userName))"
        let device = try await device(place, userName, password, from: context.remoteAddress)
        context.notes.note(subject: device.id.text, name: device.name)
        guard let record = try await services.catalogue.channelRecords(of: device.id).first(where: { $0.number == number }),
            let channel = services.channels[record.id]
        else { throw Problem.notFound("channel") }
        let role = channel.hasSub || wanted != .sub ? wanted : .main
        let (session, secret) = try services.live.sessions.begin(
            record.id, role, person: "at the site (\(userName))", address: context.remoteAddress, isLocal: true, limit: nil,
            permission: .init(key: "on-site/\(device.id)") { [services] in await Self.holds(device, services) })
        services.logger.notice(
            "somebody at the site watches",
            metadata: [
                "address": "\(context.remoteAddress)", "device": "\(device.name)", "channel": "\(record.name)", "user": "\(userName)",
            ])
        return try answer(
            LiveBegunAnswer(
                LiveSessionAnswer(session, channelName: record.name), token: secret, streams: channel.watchable.map(\.rawValue)),
            status: .created)
    }

    /// The device of an address, a serial number or a hardware address, if that is its password.
    private func device(_ place: String, _ userName: String, _ password: String, from address: String) async throws -> DeviceRecord {
        let records = try await services.database.read { try DeviceRecord.fetchAll($0) }
        let wanted = place.trimmingCharacters(in: .whitespaces).lowercased()
        var found: DeviceRecord?
        do {
            try await services.access.signIns.guess(from: address) {
                found = try records.first { record in
                    guard [record.host, record.serialNumber, record.macAddress].contains(where: { $0?.lowercased() == wanted }) else {
                        return false
                    }
                    let known = try services.catalogue.password(of: record) ?? ""
                    return Self.isSame(record.userName ?? "", userName) && Self.isSame(known, password)
                }
                return found != nil
            }
        } catch let denied as AccessDenied {
            switch denied {
            case .tooManyAttempts(let seconds): throw Problem.tooManyAttempts("Too many passwords were wrong.", retryAfter: seconds)
            default: break
            }
        }
        guard let found else {
            throw Problem(
                .forbidden, "wrong-password", "Not this password",
                "No device of this box has this address with this user name and password.")
        }
        return found
    }

    /// In a time that does not tell how much of it is right.
    private static func isSame(_ text: String, _ given: String) -> Bool {
        !text.isEmpty && SHA256.hash(data: Data(text.utf8)) == SHA256.hash(data: Data(given.utf8))
    }

    /// The device is here still, with the same password.
    private static func holds(_ device: DeviceRecord, _ services: BoxServices) async -> Bool {
        guard let record = try? await services.database.read({ try DeviceRecord.fetchOne($0, key: device.id) }) else { return false }
        return record.sealedPassword == device.sealedPassword && record.userName == device.userName
    }
}
