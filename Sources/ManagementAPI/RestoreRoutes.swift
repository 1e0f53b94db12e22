import Access
import Backup
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Synchronization

/// A new box begins with another one's backup: whoever has its set-up code says the passphrase and gets a ticket, with which they send the file.
final class RestoreRoutes: Sendable {
    private static let limit = 2 << 30
    private static let keptFree = 64_000_000
    private static let ticketLasts: TimeInterval = 600
    private static let opening = BlockingQueue(name: "restore", background: true)

    /// Good for one file; a newer one takes its place.
    private struct Ticket {
        let text: String
        let passphrase: String
        let expiresAt: Date
    }

    private let services: BoxServices
    private let ticket = Mutex<Ticket?>(nil)
    private let turns = Turns(1)

    init(services: BoxServices) { self.services = services }

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("setup/restore") { request, context in try await self.begin(request, context) }
        routes.put("setup/restore/:ticket") { request, context in try await self.restore(request, context) }
    }

    private func begin(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let code = body.string("setupCode", 1...32, required: true)
        let passphrase = body.string("passphrase", 1...256, required: true)
        try body.finish()
        guard let code, let passphrase else { return Response(status: .badRequest) }
        try await services.access.signIns.checkSetupCode(code, from: context.remoteAddress)
        let made = Ticket(
            text: (0..<32).map { _ in String(UInt8.random(in: 0...255), radix: 16) }.joined(), passphrase: passphrase,
            expiresAt: services.time.now().addingTimeInterval(Self.ticketLasts))
        ticket.withLock { $0 = made }
        return try answer(TicketAnswer(ticket: made.text, expiresAt: made.expiresAt), status: .created)
    }

    private func restore(_ request: Request, _ context: APIContext) async throws -> Response {
        let said = Array((context.parameters.get("ticket") ?? "").utf8)
        let now = services.time.now()
        try await services.access.signIns.checkIsFree()
        let taken = ticket.withLock { ticket -> Ticket? in
            guard let known = ticket, known.expiresAt > now, isSameSecret(Array(known.text.utf8), said) else { return nil }
            ticket = nil
            return known
        }
        guard let taken else {
            throw Problem(
                .forbidden, "ticket-over", "Over", "This upload may not begin any more. Enter the set-up code and the passphrase again.")
        }
        let path = "\(services.uploadFolder)/\(UUID().uuidString).backup"
        defer { unlink(path) }
        return try await turns.run {
            try await services.access.signIns.checkIsFree()
            let bytes = try await UploadedFile.save(
                request.body, to: path, limit: Self.limit,
                tooLarge: "A backup of more than \(Self.limit >> 20) MB is restored by gatehouse restore, on the box itself.")
            try checkRoom(for: bytes)
            return try await begin(with: path, taken, context)
        }
    }

    private func begin(with path: String, _ ticket: Ticket, _ context: APIContext) async throws -> Response {
        let folder = services.stateFolder
        let manifest: BackupManifest
        do {
            manifest = try await Self.opening.run { try BoxBackup.unpack(path, passphrase: ticket.passphrase, in: folder) }
        } catch let failure as BackupFailure {
            throw Problem(.unprocessableContent, "backup-refused", "Not a backup to begin with", failure.description)
        }
        do {
            // From here on nobody claims it, nor begins with another one.
            try await services.access.signIns.giveAway()
            try services.restoreBox(manifest, OperationNotes.byCode, context.remoteAddress)
        } catch {
            if (error as? AccessDenied) != .alreadyClaimed { try await services.access.signIns.keep() }
            BoxBackup.discard(in: folder)
            throw error
        }
        services.logger.notice("the box begins with a backup", metadata: ["of": "\(manifest.serialNumber)"])
        return try answer(
            RestoreAnswer(serialNumber: manifest.serialNumber, version: manifest.version, createdAt: manifest.createdAt),
            status: .accepted)
    }

    /// Besides the file, what is in it: once more as it comes, and once unpacked.
    private func checkRoom(for bytes: Int) throws {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: services.stateFolder)
        guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.intValue, free < 2 * bytes + Self.keptFree else { return }
        throw Problem.conflict("There is no room to unpack the backup.")
    }
}

private struct TicketAnswer: Encodable {
    let ticket: String
    let expiresAt: Date
}

private struct RestoreAnswer: Encodable {
    let serialNumber: String
    let version: String
    let createdAt: Date
}
