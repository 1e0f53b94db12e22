import Access
import Backup
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Logging

/// A copy of everything that the box knows, encrypted with a passphrase; and the end of all that it knows.
struct BackupRoutes {
    private static let making = BlockingQueue(name: "backup", background: true)
    private static let turns = Turns(1)

    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("backup") { request, context in try await make(request, context) }
        routes.post("system/factory-reset") { request, context in try await reset(request, context) }
    }

    private func reset(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let password = body.string("password", 1...256, required: true)
        let serialNumber = body.string("serialNumber", 1...64, required: true)
        try body.finish()
        guard let password, let caller = context.caller else { return Response(status: .badRequest) }
        guard serialNumber == services.identity.serialNumber else {
            throw Problem.invalid([.init(field: "/serialNumber", detail: "This is not the serial number of this box.")])
        }
        try await context.confirm(password, services.access)
        services.logger.notice("the box is reset to what it was in the factory", metadata: ["by": "\(caller.name)"])
        try services.resetBox()
        return Response(status: .accepted)
    }

    private func make(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let password = body.string("password", 1...256, required: true)
        let passphrase = body.string("passphrase", 1...256, required: true)
        try body.finish()
        guard let password, let passphrase, let caller = context.caller else { return Response(status: .badRequest) }
        if let sentence = PasswordRules.refusal(of: passphrase, names: [caller.name, services.identity.serialNumber]) {
            throw Problem.invalid([.init(field: "/passphrase", detail: sentence)])
        }
        try await context.confirm(password, services.access)
        let path = "\(services.uploadFolder)/\(UUID().uuidString).backup"
        let manifest = BackupManifest(
            serialNumber: services.identity.serialNumber, version: services.identity.version, createdAt: services.time.now())
        do {
            try await Self.turns.run {
                try await Self.making.run { [services] in
                    try BoxBackup.make(
                        of: services.stateFolder, services.database, manifest, to: path, passphrase: passphrase,
                        keyCredential: services.keyCredential)
                }
            }
        } catch {
            unlink(path)
            throw error
        }
        try await tellOwners(caller)
        let name = "gatehouse-\(services.identity.serialNumber)-\(GatehouseJSON.text(manifest.createdAt).prefix(10)).backup"
        return try answer(fileThatIsGone: path, name: name)
    }

    /// The file goes from the folder at once and lives as long as it is read.
    private func answer(fileThatIsGone path: String, name: String) throws -> Response {
        guard let file = FileHandle(forReadingAtPath: path) else { throw Problem.internalFailure }
        unlink(path)
        let bytes = Int(try file.seekToEnd())
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/octet-stream", .contentDisposition: "attachment; filename=\"\(name)\"",
                .cacheControl: "no-store",
            ],
            body: FileBody.body(file, bytes: bytes))
    }

    /// The keys of their footage are in it.
    private func tellOwners(_ caller: Caller) async throws {
        for site in try await services.access.sites.owned() {
            try await services.access.notices.tell(.backedUp, about: site, to: .owner, ["person": caller.name])
        }
    }
}
