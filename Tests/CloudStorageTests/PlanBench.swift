import BoxDatabase
import Core
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import CloudStorage

/// A claimed box with cameras, an issuer and a clock that stands still.
struct PlanBench {
    static let serialNumber = "GH0123456789"

    let folder: TemporaryFolder
    let database: BoxDatabase
    let time = ManualTime()
    let issuer = IssuerKey()
    let store: FolderStore
    let ledger: PlanLedger
    let front: ChannelID
    let back: ChannelID
    /// Not linked to the cloud.
    let shed: ChannelID
    let changes = Changes()

    /// The channels that were told of, in order.
    final class Changes: Sendable {
        let list = Mutex<[ChannelID]>([])
    }

    enum Reach { case folder, none, failing }

    init(box: String = serialNumber, zone: String = "Europe/Berlin", reach: Reach = .folder, sharing other: PlanBench? = nil) async throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        database = try BoxDatabase(path: folder.path + "/box.sqlite")
        try FolderStore.prepare(root: folder.path + "/store")
        let store = other?.store ?? FolderStore(root: folder.path + "/store")
        self.store = store
        let now = time.source.now()
        let site = SiteRecord(id: .timeOrdered(at: now), name: "Shop", timeZone: zone, companyId: nil, createdAt: now)
        let device = DeviceRecord(
            id: .timeOrdered(at: now), siteId: site.id, name: "Recorder", driver: "rtsp", host: "cam.lan", userName: nil,
            sealedPassword: nil,
            transport: "tcp", createdAt: now)
        let definition = Definition(kind: .high, resolution: "1080P", width: 1, height: 1, bitRate: 1)
        let channels = ["Front", "Back", "Shed"].enumerated().map { index, name in
            ChannelRecord(
                id: .timeOrdered(at: now), deviceId: device.id, siteId: site.id, name: name, number: index + 1,
                url: "rtsp://cam.lan/\(index)",
                definition: name == "Shed" ? nil : definition, retentionDays: 11, armed: true, motion: .standard, schedule: .always,
                createdAt: now)
        }
        (front, back, shed) = (channels[0].id, channels[1].id, channels[2].id)
        try await database.write { database in
            try site.insert(database)
            try device.insert(database)
            for channel in channels { try channel.insert(database) }
        }
        let failing = FakeStore()
        failing.set(.fails(StoreError(.unreachable, "The storage does not answer.")))
        let issuers = [other?.issuer.publicText ?? issuer.publicText]
        ledger = PlanLedger(
            box: box, issuers: issuers, database: database,
            store: {
                switch reach {
                case .folder: store
                case .none: nil
                case .failing: failing
                }
            }, time: time.source, logger: quiet, changed: { [changes] ids in changes.list.withLock { $0 += ids } })
        try await ledger.load()
    }

    func voucher(
        _ keys: [ServiceKey] = [], _ package: PlanPackage = .sevenDaysMonth, until: CalendarDay? = nil, box: String? = serialNumber,
        stock: [Voucher.Stock] = []
    ) throws -> Voucher {
        try Voucher.issue(
            keys: keys.map { Voucher.Key(sha256: $0.sha256, package: package, redeemUntil: until, box: box) }, packages: stock, by: issuer,
            at: time.source.now())
    }

    /// Puts packages into the stock.
    func stock(_ package: PlanPackage, _ count: Int) async throws {
        try await ledger.take(try voucher(stock: [.init(package: package, count: count, box: Self.serialNumber)]))
    }

    /// Why `body` is refused.
    func refusal(_ body: () async throws -> Void) async throws -> PlanRefusal {
        try #require(await #expect(throws: PlanRefusal.self) { try await body() })
    }

    func channel(_ id: ChannelID) async throws -> ChannelRecord {
        try #require(try await database.read { try ChannelRecord.fetchOne($0, key: id) })
    }

    func state(of channel: ChannelID) -> PlanState { ledger.plan(of: channel).state(at: time.source.now()) }

    /// The last day that is paid for.
    func lastDay(of channel: ChannelID) -> String? {
        ledger.plan(of: channel).until.map { ChannelPlan.lastDay($0, in: ledger.zone).text }
    }

    /// Moves the clock to a time.
    func goTo(_ text: String) throws {
        let wanted = try #require(GatehouseJSON.date(text))
        time.jumpWall(by: wanted.timeIntervalSince(time.source.now()))
    }

    /// Kinds of the history, oldest first.
    func history() async throws -> [PlanHistoryRecord] { try await ledger.books().history.reversed() }
}
