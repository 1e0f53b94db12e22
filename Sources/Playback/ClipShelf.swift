import BoxDatabase
import CloudStorage
import Core
import Foundation
import GRDB
import Media
import Refill
import Synchronization

/// The box's clips of a channel: which there are, and readers of them.
final class ClipShelf: Sendable {
    /// No clip is longer than this, with much to spare.
    private static let longest: TimeInterval = 3600
    /// A clip of which it is not known yet is taken for as long as recordings usually are.
    private static let usual = 30.0
    private static let mostHeads = 64

    private struct HeadKey: Hashable {
        let clip: ClipID
        let sha256: String
    }

    private let spool: Spool
    private let targets: StorageTargets
    private let encryption: SiteEncryption
    private let time: TimeSource
    /// Beginnings of clips' files, so that seeking within one reads nothing twice; what was used last is last.
    private let heads = Mutex<[(key: HeadKey, head: ClipReader.Head)]>([])

    init(spool: Spool, targets: StorageTargets, encryption: SiteEncryption, time: TimeSource) {
        self.spool = spool
        self.targets = targets
        self.encryption = encryption
        self.time = time
    }

    private static func query(_ channel: ChannelID, _ span: Span) -> QueryInterfaceRequest<ClipRecord> {
        ClipRecord.filter(Column("channelId") == channel && Column("state") != ClipState.dropped.rawValue)
            .filter(Column("startsAt") > span.from.addingTimeInterval(-longest) && Column("startsAt") < span.to)
            .order(Column("startsAt"))
    }

    /// The clips of a time, in order; at most `limit`.
    func clips(of channel: ChannelID, in span: Span, limit: Int) async throws -> [ChannelTimeline.Footage] {
        let now = time.now()
        let records = try await spool.index.database.read { try Self.query(channel, span).limit(limit).fetchAll($0) }
        return records.filter { $0.expiresAt.map { $0 > now } ?? true }.map { Self.footage($0, now: now) }
            .filter { $0.piece.span.overlaps(span) }
    }

    private static func footage(_ record: ClipRecord, now: Date) -> ChannelTimeline.Footage {
        let manifest = record.manifest
        let length = record.state == .recording ? max(1, now.timeIntervalSince(record.startsAt)) : manifest.footage?.duration ?? usual
        return ChannelTimeline.Footage(
            piece: FootagePiece(
                place: record.state == .stored ? .cloud : .box, kind: .event, clip: record.id,
                span: Span(from: record.startsAt, to: record.startsAt.addingTimeInterval(min(length, longest)))),
            isPlayable: manifest.clip != nil && manifest.footage != nil, isEncrypted: manifest.encryption != nil,
            category: manifest.events.first?.category)
    }

    /// When the clips of a month are; without reading more of them.
    func spans(of channel: ChannelID, in span: Span) async throws -> [Span] {
        let now = time.now()
        return try await spool.index.database.read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT startsAt, COALESCE(json_extract(manifest, '$.footage.duration'), ?) AS seconds FROM clip
                    WHERE channelId = ? AND state <> 'dropped' AND startsAt > ? AND startsAt < ? AND COALESCE(expiresAt > ?, 1)
                    """,
                arguments: [Self.usual, channel, span.from.addingTimeInterval(-Self.longest), span.to, now])
            var spans: [Span] = []
            while let row = try rows.next() {
                let start: Date = row["startsAt"]
                spans.append(Span(from: start, to: start.addingTimeInterval(min(row["seconds"], Self.longest))))
            }
            return spans
        }
    }

    /// What is known to be missing of a channel: footage that was given up, and times in which it could not be recorded.
    func gaps(of channel: ChannelID, in span: Span) async throws -> [ChannelTimeline.Gap] {
        let now = time.now()
        return try await spool.index.database.read { database in
            let dropped = try GapRecord.filter(Column("channelId") == channel && Column("from") < span.to && Column("to") > span.from)
                .limit(ChannelTimeline.most).fetchAll(database)
            let absences = try AbsenceRecord.filter(Column("channelId") == channel && Column("from") < span.to)
                .filter(Column("to") == nil || Column("to") > span.from).limit(ChannelTimeline.most).fetchAll(database)
            return dropped.map { ChannelTimeline.Gap(span: Span(from: $0.from, to: $0.to), reason: $0.reason) }
                + absences.map {
                    ChannelTimeline.Gap(span: Span(from: $0.from, to: $0.to ?? now), reason: $0.reason, outcome: $0.whatBecameOfIt)
                }
        }
    }

    // MARK: Reading

    /// A reader of a clip, with when its file begins.
    /// - Throws: `PlaybackFailure`, `EncryptionRefusal`, `StoreError`.
    func open(_ id: ClipID, code: VerificationCode?) async throws -> (reader: ClipReader, startsAt: Date) {
        guard let record = try await spool.index.clip(id), let file = record.manifest.clip else {
            throw PlaybackFailure(.away, "The clip is not there any more.")
        }
        var secret: [UInt8]?
        if let sealed = record.manifest.encryption {
            guard let code else {
                throw PlaybackFailure(.locked, "This footage is encrypted. Enter the verification code to watch it.")
            }
            secret = try await encryption.key(of: id, sealed, code: code).secret
        }
        let bytes = try bytes(of: record, file)
        let key = HeadKey(clip: id, sha256: file.sha256)
        let head: ClipReader.Head
        if let known = remembered(key) {
            head = known
        } else {
            head = try await ClipReader.head(of: bytes)
            remember(head, key)
        }
        return (ClipReader(bytes, head: head, secret: secret), record.startsAt)
    }

    private func bytes(of record: ClipRecord, _ file: ClipManifest.File) throws -> any ClipBytes {
        if let path = spool.localFile(record.manifest, file) { return SpoolBytes(path: path, count: file.bytes) }
        guard record.state == .stored else {
            throw PlaybackFailure(.away, "The footage is not here any more: \(record.lastError ?? "")")
        }
        if let end = record.expiresAt, end <= time.now() {
            throw PlaybackFailure(.away, "The time for which this footage is kept is over.")
        }
        let stores = targets.stores(of: record)
        guard !stores.isEmpty else {
            throw PlaybackFailure(.away, "The clip lies in a cloud storage that is not set any more. Set the storage again.")
        }
        return StoreBytes(key: record.manifest.objectKey, count: file.bytes, stores: stores, time: time)
    }

    private func remembered(_ key: HeadKey) -> ClipReader.Head? {
        heads.withLock { heads in
            guard let index = heads.firstIndex(where: { $0.key == key }) else { return nil }
            let found = heads.remove(at: index)
            heads.append(found)
            return found.head
        }
    }

    private func remember(_ head: ClipReader.Head, _ key: HeadKey) {
        heads.withLock { heads in
            heads.append((key, head))
            if heads.count > Self.mostHeads { heads.removeFirst() }
        }
    }
}
