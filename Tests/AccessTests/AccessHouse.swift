import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport

@testable import Access

/// A new box as Access sees it.
struct AccessHouse {
    static let password = "correct horse battery"

    let time = ManualTime()
    let database: BoxDatabase
    let path: String
    let services: AccessServices
    private let folder: TemporaryFolder

    var signIns: SignIns { services.signIns }

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path + "/box.sqlite"
        database = try BoxDatabase(path: path)
        services = AccessServices(
            database: database, sealer: try SecretSealer(keyFile: folder.path + "/key"), setupCode: SetupCode(stored: "ABCD-EFGH"),
            resetPermit: ResetPermit(path: folder.path + "/reset-password", time: time.source),
            time: time.source, rounds: 16, clock: { "synchronized" }, tell: { _, _ in })
    }

    func claim(code: String = "ABCD-EFGH", from address: String = "10.0.0.1") async throws -> SignIn {
        try await signIns.claim(
            code: code, userName: "anna", password: Self.password, siteName: "Shop", timeZone: "Europe/Rome",
            from: .init(address: address, client: "test"))
    }

    func signIn(
        _ name: String, _ password: String = Self.password, oneTimePassword: String? = nil, from address: String = "10.0.0.1"
    ) async throws -> SignIn {
        try await signIns.signIn(
            userName: name, password: password, oneTimePassword: oneTimePassword, from: .init(address: address, client: "test"))
    }

    /// The first site.
    func site() async throws -> SiteID {
        try await database.read { try SiteRecord.fetchOne($0)?.id } ?? .timeOrdered(at: .distantPast)
    }

    /// The installer admin.
    func administrator() async throws -> Caller { try await signIn("anna").caller }

    func role(_ kind: RoleRecord.Predefined) async throws -> RoleID {
        try await services.roles.all().first { $0.role.predefined == kind }?.role.id ?? .timeOrdered(at: .distantPast)
    }

    /// Somebody who was invited by the installer admin.
    func join(_ name: String, _ kind: RoleRecord.Predefined) async throws -> SignIn { try await join(name, role: try await role(kind)) }

    func join(_ name: String, role: RoleID) async throws -> SignIn {
        let (_, token) = try await services.people.invite(name, role: role, by: try await administrator())
        return try await services.people.join(
            token: token, userName: name, fullName: nil, password: Self.password, from: .init(address: "10.0.0.1", client: "test"))
    }
}

extension AccessHouse {
    /// A device with one channel at a site.
    func device(at site: SiteID, _ name: String = "Door") async throws -> Place {
        let now = time.source.now()
        let device = DeviceRecord(
            id: .timeOrdered(at: now), siteId: site, name: name, driver: "rtsp", host: name, userName: nil, sealedPassword: nil,
            transport: "tcp", createdAt: now)
        let channel = ChannelRecord(
            id: .timeOrdered(at: now), deviceId: device.id, siteId: site, name: name, url: "rtsp://\(name)/1", retentionDays: 7,
            armed: true,
            motion: .standard, schedule: .always, createdAt: now)
        try await database.write { database in
            try device.insert(database)
            try channel.insert(database)
        }
        return Place(site: site, device: device.id, channel: channel.id)
    }

    func send(_ site: SiteID, _ wishes: [PermissionWish] = [], control: Bool = false) async throws -> String {
        try await services.handovers.send(
            site, way: .email, to: "olga@example.com", remarks: nil, wishes: wishes, asksRemoteUseControl: control,
            by: try await administrator()
        ).token
    }

    func accept(_ token: String, as name: String = "olga") async throws -> Caller {
        try await services.handovers.accept(
            token, .new(userName: name, fullName: nil, password: Self.password), from: .init(address: "10.0.0.9", client: "test")
        ).caller
    }

    /// Somebody of another company.
    func partner(_ name: String, company: String) async throws -> Caller {
        let now = time.source.now()
        let hash = try await signIns.hash(Self.password, names: [name])
        try await database.write { database in
            let company = CompanyRecord(id: .timeOrdered(at: now), name: company, createdAt: now)
            try company.insert(database)
            try PersonRecord(
                id: .timeOrdered(at: now), companyId: company.id, roleId: nil, userName: name, passwordHash: hash, createdAt: now
            ).insert(database)
        }
        return try await signIn(name).caller
    }
}
