// Exports owns footage that people take away: ranges cut out of what cloud, box and cameras have, as files, with a note that says what they are.
// No HTTP and no person's permission may enter it.

public import BoxDatabase
public import CloudStorage
public import Core
public import Foundation
import GRDB
public import Logging
public import MediaWorker
import Playback
import Synchronization

/// What exports need of the box.
public struct ExportEnvironment: Sendable {
    let box: String
    let version: String
    let publicKey: String
    /// Signs with the box's key; base64.
    let sign: @Sendable (Data) throws -> String
    let folder: String
    let read: ReadFootage
    let evidence: FootageEvidence
    let database: BoxDatabase
    let worker: TranscodeWorker
    /// Bytes that one export may take now.
    let room: @Sendable () -> Int
    let changed: @Sendable (ExportRecord) -> Void
    let time: TimeSource
    let logger: Logger

    public init(
        box: String, version: String, publicKey: String, sign: @escaping @Sendable (Data) throws -> String, folder: String,
        read: @escaping ReadFootage, evidence: FootageEvidence, database: BoxDatabase, worker: TranscodeWorker,
        room: @escaping @Sendable () -> Int, changed: @escaping @Sendable (ExportRecord) -> Void, time: TimeSource, logger: Logger
    ) {
        self.box = box
        self.version = version
        self.publicKey = publicKey
        self.sign = sign
        self.folder = folder
        self.read = read
        self.evidence = evidence
        self.database = database
        self.worker = worker
        self.room = room
        self.changed = changed
        self.time = time
        self.logger = logger
    }
}

/// Makes exports one after another, and keeps their files for a day.
public final class ExportQueue: Sendable {
    private struct State {
        var working: (id: ExportID, task: Task<Void, Never>)?
        /// For encrypted clips; in memory alone.
        var codes: [ExportID: VerificationCode] = [:]
    }

    /// What may be asked for.
    public static let mostChannels = 4
    public static let longestSpan = 86_400.0
    private static let kept = 86_400.0
    private static let mostKept = 50
    /// Progress is written down in steps of so much.
    private static let step = 0.02

    let environment: ExportEnvironment
    private let queue = BlockingQueue(name: "export-archive", background: true)
    private let state = Mutex(State())
    private let asked = Signal()

    public init(_ environment: ExportEnvironment) throws {
        self.environment = environment
        try FileManager.default.createDirectory(
            atPath: environment.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    // MARK: Orders

    /// Takes an order; nil where there are too many already. `code` opens encrypted clips.
    public func order(_ record: ExportRecord, code: VerificationCode?) async throws -> ExportRecord? {
        let taken = try await environment.database.write { database in
            guard try ExportRecord.fetchCount(database) < Self.mostKept else { return false }
            try record.insert(database)
            return true
        }
        guard taken else { return nil }
        state.withLock { $0.codes[record.id] = code }
        environment.changed(record)
        asked.raise()
        return record
    }

    /// An order made now, kept for a day.
    public func record(
        person: String, from: Date, to: Date, channels: [ExportRecord.Channel], exact: Bool, pieceSeconds: Int?
    ) -> ExportRecord {
        let now = environment.time.now()
        return ExportRecord(
            id: .timeOrdered(at: now), person: person, createdAt: now, from: from, to: to, channels: channels, exact: exact,
            pieceSeconds: pieceSeconds, expiresAt: now.addingTimeInterval(Self.kept))
    }

    /// All that there are, the newest first.
    public func all(
        in state: ExportRecord.State? = nil, _ page: NewestPage = NewestPage(),
        where admits: @escaping @Sendable (ExportRecord) -> Bool = { _ in true }
    ) async throws -> ListPart<ExportRecord> {
        try await environment.database.read { database in
            let wanted = state.map { ExportRecord.filter(Column("state") == $0.rawValue) } ?? ExportRecord.all()
            return try page.cut(wanted, \.id, database) { admits($0) ? $0 : nil }
        }
    }

    public func export(_ id: ExportID) async throws -> ExportRecord? {
        try await environment.database.read { try ExportRecord.fetchOne($0, key: id) }
    }

    /// Where a file of a finished export lies.
    public func path(of file: ExportedFile, in export: ExportRecord) -> String { "\(folder(export.id))/\(file.name)" }

    /// Ends an export that is being made, and removes its files.
    public func remove(_ id: ExportID) async throws {
        try await environment.database.write { _ = try ExportRecord.deleteOne($0, key: id) }
        let working = state.withLock { $0.working?.id == id ? $0.working?.task : nil }
        working?.cancel()
        await working?.value
        await removeFolder(id)
    }

    private func folder(_ id: ExportID) -> String { "\(environment.folder)/\(id)" }

    private func removeFolder(_ id: ExportID) async {
        let path = folder(id)
        await queue.run { try? FileManager.default.removeItem(atPath: path) }
    }

    // MARK: Work

    /// Makes what was asked for until cancelled. What a restart interrupted is made anew.
    public func run() async {
        await removeStrangers()
        while !Task.isCancelled {
            await removeExpired()
            if let next = await next() {
                await work(on: next)
                // Its end could not be written down, on a full disk for instance.
                if await self.next()?.id == next.id { try? await environment.time.sleep(.seconds(10)) }
            } else {
                await asked.wait(atMost: .seconds(60), time: environment.time)
            }
        }
    }

    private func next() async -> ExportRecord? {
        try? await environment.database.read { database in
            try ExportRecord.filter(["waiting", "working"].contains(Column("state"))).order(Column("id")).fetchOne(database)
        }
    }

    private func work(on order: ExportRecord) async {
        let task = Task { await make(order) }
        state.withLock { $0.working = (order.id, task) }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        state.withLock { state in
            state.working = nil
            state.codes[order.id] = nil
        }
    }

    private func make(_ order: ExportRecord) async {
        do {
            await removeFolder(order.id)
            try FileManager.default.createDirectory(
                atPath: folder(order.id), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try await update(order.id) { $0.state = .working }
            let (files, remarks) = try await files(of: order)
            try await update(order.id) {
                $0.state = .ready
                $0.progress = 1
                $0.files = files
                $0.sentence = remarks.isEmpty ? nil : remarks.joined(separator: " ")
            }
        } catch is CancellationError {
            // Made anew after a restart; one that was removed is gone.
        } catch {
            environment.logger.warning("an export failed", metadata: ["export": "\(order.id)", "reason": "\(error)"])
            await removeFolder(order.id)
            try? await update(order.id) {
                $0.state = .failed
                $0.sentence = Self.sentence(error)
            }
        }
    }

    private static func sentence(_ error: any Error) -> String {
        switch error {
        case let failure as ExportFailure: failure.sentence
        case let failure as PlaybackFailure: failure.sentence
        case let error as StoreError: error.sentence
        case is EncryptionRefusal: "Clips of this time are encrypted, and the verification code that was given does not open them."
        default: "The footage could not be read or written: \(error)"
        }
    }

    private func files(of order: ExportRecord) async throws -> ([ExportedFile], [String]) {
        var (files, remarks): ([ExportedFile], [String]) = ([], [])
        let names = Self.names(order.channels)
        let code = state.withLock { $0.codes[order.id] }
        // The archive holds them all once more.
        let most = environment.room() / 2
        for (number, channel) in order.channels.enumerated() {
            let before = (Double(number), Double(order.channels.count))
            let export = ChannelExport(
                order, channel: channel, code: code, name: names[number], folder: folder(order.id),
                most: most - files.reduce(0) { $0 + $1.bytes },
                read: environment.read, encoder: EdgeEncoder(worker: environment.worker),
                progressed: { try await self.progressed(order.id, (before.0 + $0) / before.1 * 0.95) })
            let made = try await export.run()
            if made.isEmpty { remarks.append("There is no footage of \(channel.name) in this time.") }
            remarks += await export.sentences.map { order.channels.count > 1 ? "\(channel.name), \($0)" : $0 }
            files += made
        }
        let isOnlyEmpty = remarks.count == order.channels.count
        guard !files.isEmpty else {
            throw ExportFailure(isOnlyEmpty ? "There is no footage in this time." : remarks.joined(separator: " "))
        }
        files = try await evident(files)
        let note = try await note(order, files, remarks)
        let (folder, sign) = (folder(order.id), environment.sign)
        let archive = try await queue.run { try ExportArchive.write(note, sign: sign, in: folder) }
        return (files + [archive], remarks)
    }

    /// Puts to each piece what the signed record says of its clip.
    private func evident(_ files: [ExportedFile]) async throws -> [ExportedFile] {
        let ids = Set(files.flatMap { $0.pieces.compactMap(\.clip) })
        let clips = try await environment.database.read { database in
            try ids.compactMap { try ClipRecord.fetchOne(database, key: $0) }
        }
        let found = await environment.evidence.evidence(of: clips)
        return files.map { file in
            var file = file
            for index in file.pieces.indices { file.pieces[index].evidence = file.pieces[index].clip.flatMap { found[$0] } }
            return file
        }
    }

    private func note(_ order: ExportRecord, _ files: [ExportedFile], _ remarks: [String]) async throws -> EvidenceNote {
        let zone =
            try await environment.database.read { database in
                let site = try order.channels.first.flatMap { try ChannelRecord.fetchOne(database, key: $0.id)?.siteId }
                return try (site.map { try SiteRecord.fetchOne(database, key: $0) } ?? SiteRecord.fetchOne(database))?.timeZone
            } ?? "UTC"
        return EvidenceNote(
            box: .init(serialNumber: environment.box, version: environment.version, publicKey: environment.publicKey), export: order.id,
            person: order.person, askedAt: order.createdAt, madeAt: environment.time.now(), from: order.from, to: order.to,
            exact: order.exact, timeZone: zone, channels: order.channels, files: files, remarks: remarks)
    }

    /// Names for files, of letters that every system takes, each once.
    static func names(_ channels: [ExportRecord.Channel]) -> [String] {
        var used: Set<String> = []
        return channels.enumerated().map { number, channel in
            let letters = channel.name.lowercased().unicodeScalars.map { scalar in
                scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(Character(scalar))) ? Character(scalar) : "-"
            }
            let plain = String(letters).split(separator: "-").joined(separator: "-").prefix(40)
            let others = ((number + 1)...).lazy.map { "camera-\($0)" }
            let name = !plain.isEmpty && !used.contains(String(plain)) ? String(plain) : others.first { !used.contains($0) } ?? ""
            used.insert(name)
            return name
        }
    }

    private func progressed(_ id: ExportID, _ progress: Double) async throws {
        try await update(id) { if progress - $0.progress >= Self.step { $0.progress = progress } }
    }

    /// Changes the row; an export that was removed is not made any further.
    private func update(_ id: ExportID, _ change: @escaping @Sendable (inout ExportRecord) -> Void) async throws {
        let record = try await environment.database.write { database -> ExportRecord? in
            guard var record = try ExportRecord.fetchOne(database, key: id) else { return nil }
            let before = record
            change(&record)
            if record != before { try record.update(database) }
            return record
        }
        guard let record else { throw CancellationError() }
        environment.changed(record)
    }

    // MARK: Room

    private func removeExpired() async {
        let now = environment.time.now()
        let gone = try? await environment.database.write { database in
            let expired = ExportRecord.filter(Column("expiresAt") <= now)
            let ids = try ExportID.fetchAll(database, expired.select(Column("id")))
            try expired.deleteAll(database)
            return ids
        }
        for id in gone ?? [] { await removeFolder(id) }
    }

    /// Folders of exports that no row names.
    private func removeStrangers() async {
        guard let known = try? await environment.database.read({ try Set(ExportID.fetchAll($0, ExportRecord.select(Column("id")))) })
        else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: environment.folder)) ?? []
        for name in names {
            guard let id = ExportID(name), !known.contains(id) else { continue }
            await removeFolder(id)
        }
    }
}
