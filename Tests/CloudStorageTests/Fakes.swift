import BoxDatabase
import Core
import Foundation
import Logging
import NIOCore
import Outbound
import Synchronization
import TestSupport

@testable import CloudStorage

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A store in memory that misbehaves as told.
final class FakeStore: ObjectStore {
    enum Mode: Sendable {
        case well
        case fails(StoreError)
        /// Takes the object and loses the answer.
        case commitsAndFails
        /// Takes one object, loses the answer, and is away from then on.
        case commitsOnceAndIsAway
        /// Takes the object and does not have it.
        case forgets
    }

    struct State {
        var objects: [String: (bytes: Int, sha256: String)] = [:]
        var mode = Mode.well
        var puts: [String: Int] = [:]
        var overwritten = 0
        var requests = 0
        /// Keys of objects that another program put.
        var withoutDigest: Set<String> = []
    }

    let state = Mutex(State())
    /// It does not remove anything.
    let forgetful = Mutex(false)
    /// Its keys may not remove anything.
    let keepsAll = Mutex(false)
    let identity: String

    init(_ identity: String = "fake") { self.identity = identity }

    func put(_ upload: ObjectUpload, progress: @escaping @Sendable (UploadProgress) -> Void) async throws {
        try state.withLock { state in
            state.requests += 1
            if case .fails(let error) = state.mode { throw error }
            guard state.objects[upload.key] == nil else { throw StoreError(.exists, "taken") }
            if case .forgets = state.mode { return }
            state.puts[upload.key, default: 0] += 1
            state.objects[upload.key] = (upload.bytes, upload.sha256)
            if case .commitsAndFails = state.mode { throw StoreError(.unreachable, "the answer was lost") }
            if case .commitsOnceAndIsAway = state.mode {
                let error = StoreError(.unreachable, "the answer was lost")
                state.mode = .fails(error)
                throw error
            }
        }
    }
    func head(_ key: String) async throws -> ObjectInfo? {
        try state.withLock { state in
            state.requests += 1
            if case .fails(let error) = state.mode { throw error }
            return state.objects[key].map { ObjectInfo(bytes: $0.bytes, sha256: state.withoutDigest.contains(key) ? nil : $0.sha256) }
        }
    }
    func read(_ key: String, range: Range<Int>, to body: @Sendable (ByteBuffer) async throws -> Void) async throws {}
    func list(_ prefix: String) async throws -> [ListedObject] { [] }
    func delete(_ key: String) async throws {
        if forgetful.withLock({ $0 }) { throw StoreError(.unreachable, "away") }
        if keepsAll.withLock({ $0 }) { throw StoreError(.refused, "no right to delete") }
        state.withLock { _ = $0.objects.removeValue(forKey: key) }
    }
    func shutdown() async {}

    func set(_ mode: Mode) { state.withLock { $0.mode = mode } }
}

/// A spool in a folder of its own, with clips made of a few bytes.
struct SpoolBench {
    let folder: TemporaryFolder
    let time = ManualTime()
    let spool: Spool
    let channel = ChannelID.timeOrdered(at: Date())

    init(folder: TemporaryFolder? = nil, limits: SpoolLimits = SpoolLimits(bytes: 1 << 30, freeBytes: 0), freshDatabase: Bool = false)
        throws
    {
        self.folder = try folder ?? TemporaryFolder()
        if freshDatabase {
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: self.folder.path + "/box.sqlite" + suffix) }
        }
        spool = try Spool(
            path: self.folder.path + "/spool", limits: limits,
            index: FootageIndex(database: try BoxDatabase(path: self.folder.path + "/box.sqlite")), time: time.source, logger: quiet)
    }

    func manifest(events: Int = 1, retentionDays: Int = 7) -> ClipManifest {
        let now = time.source.now()
        let plan = TranscodePlan(way: .software, reason: "", width: 1, height: 1, frameRate: 10, bitRate: 1, encoder: nil)
        let made = (0..<events).map { _ in CameraEvent(channel: channel, category: .motion, source: .box, time: time.source) }
        time.advance(.milliseconds(5))
        return ClipManifest(
            id: .timeOrdered(at: now), box: "GH1", site: .timeOrdered(at: now), channel: channel, channelName: "Front", startsAt: now,
            startsUptime: 1, events: made.map(ClipManifest.Event.init),
            definition: Definition(kind: .high, resolution: "1080P", width: 1, height: 1, bitRate: 1),
            retentionDays: retentionDays, plan: plan, sourceStart: 0)
    }

    /// A fragment as recovery knows it: a `moof` and an `mdat`.
    static func fragment(_ bytes: Int) -> [UInt8] {
        func box(_ name: String, _ payload: Int) -> [UInt8] {
            withUnsafeBytes(of: UInt32(payload + 8).bigEndian) { Array($0) } + Array(name.utf8) + [UInt8](repeating: 7, count: payload)
        }
        return box("moof", 16) + box("mdat", bytes)
    }

    /// Brings a clip as far as the queue.
    @discardableResult
    func queueClip(retentionDays: Int = 7) async throws -> ClipManifest {
        let manifest = manifest(retentionDays: retentionDays)
        let source = try await spool.begin(manifest)
        try await source.append(Self.fragment(1000))
        try await spool.capture(manifest)
        return try await transcode(manifest.id)
    }

    /// The same with a clip of a little more than so many bytes.
    func queueLarge(_ bytes: Int) async throws -> ClipManifest {
        let manifest = manifest()
        let source = try await spool.begin(manifest)
        try await source.append(Self.fragment(1000))
        try await spool.capture(manifest)
        return try await transcode(manifest.id, bytes: bytes)
    }

    @discardableResult
    func transcode(_ id: ClipID, bytes: Int = 0) async throws -> ClipManifest {
        let clip = try await spool.beginClip(id)
        try await clip.append(Array("clip \(id)".utf8) + [UInt8](repeating: 7, count: bytes))
        try await clip.synchronize()
        guard var done = try await spool.manifest(of: id) else { throw CancellationError() }
        done.footage = .init(width: 1, height: 1, frameRate: 10, videoCodec: "h264", audioCodec: nil, duration: 30)
        try await spool.ready(done, thumbnail: [0xFF, 0xD8])
        return try require(await spool.manifest(of: id))
    }

    /// Runs `body` while the uploader works and the clock runs by itself, a step at a time.
    func run(_ uploader: Uploader, step: Duration, _ body: @Sendable () async throws -> Void) async throws {
        let task = Task { await uploader.run() }
        let clock = Task {
            while !Task.isCancelled {
                time.advance(step)
                try? await ContinuousClock().sleep(for: .microseconds(200))
            }
        }
        defer {
            task.cancel()
            clock.cancel()
        }
        try await body()
    }

    func state(of id: ClipID) async throws -> ClipState? { try await spool.index.clip(id)?.state }

    /// The targets of a box whose clips `uploader` brings up.
    func targets(_ uploader: Uploader) throws -> StorageTargets {
        StorageTargets(
            database: spool.index.database, sealer: try SecretSealer(keyFile: folder.path + "/key"), uploader: uploader,
            servers: AddressPolicy(allowsLocal: true, target: .server), time: time.source, allowsHTTP: false)
    }

    func retention(_ uploader: Uploader) throws -> Retention {
        Retention(box: "GH1", targets: try targets(uploader), time: time.source, logger: quiet)
    }

    var directories: [String] { (try? FileManager.default.contentsOfDirectory(atPath: spool.path)) ?? [] }
}

private func require(_ manifest: ClipManifest?) throws -> ClipManifest {
    guard let manifest else { throw CancellationError() }
    return manifest
}
