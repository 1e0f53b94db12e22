// CloudStorage owns the way of finished footage: spool, queue, uploader, object stores, retention.
// Nothing that decodes video or speaks to cameras may enter it.

import BoxDatabase
public import Core
public import Foundation
public import Logging
import Synchronization

/// How much the spool may take.
public struct SpoolLimits: Sendable, Equatable {
    /// All clip directories together.
    public var bytes: Int
    /// What must stay free on the file system.
    public var freeBytes: Int

    public init(bytes: Int, freeBytes: Int) {
        self.bytes = bytes
        self.freeBytes = freeBytes
    }
}

/// The clip directories on disk, where footage waits until the store has it, and their rows.
public final class Spool: FootageSpool, Sendable {
    private struct State {
        /// Clips whose source still grows.
        var recording: Set<ClipID> = []
        /// What each directory occupies; measured anew at each step, so that an error ends with its clip.
        private var sizes: [ClipID: Int] = [:]
        /// The sum of all sizes, kept because it is asked for with each piece that is written.
        private(set) var bytes = 0

        mutating func setSize(_ size: Int?, of id: ClipID) {
            bytes += (size ?? 0) - (sizes[id] ?? 0)
            sizes[id] = size
        }

        mutating func grow(_ id: ClipID, by growth: Int) { setSize((sizes[id] ?? 0) + growth, of: id) }
    }

    public let path: String
    public let index: FootageIndex
    public let limits: SpoolLimits
    let time: TimeSource
    let logger: Logger
    let queue = BlockingQueue(name: "spool")
    private let state = Mutex(State())
    let late: LateWrites
    /// Raised when a clip waits for a worker.
    public let captured = Signal()
    /// Raised when a clip waits for the uploader.
    let queued = Signal()

    /// Opens the spool in the directory `path`, which is made if needed. Call `recover` before anything else.
    public init(path: String, limits: SpoolLimits, index: FootageIndex, time: TimeSource, logger: Logger) throws {
        self.path = path
        self.limits = limits
        self.index = index
        self.time = time
        self.logger = logger
        late = LateWrites(logger: logger)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    // MARK: Room

    /// Bytes that the clip directories occupy.
    public var bytes: Int { state.withLock { $0.bytes } }
    /// Free bytes of the file system.
    public var freeBytes: Int { DurableFile.freeBytes(path) }
    /// Recording is paused because there is no room.
    public var isPaused: Bool {
        (try? admit(64 << 10)) == nil
    }

    /// What should go of that which need not be here, so that the next recordings have room; nothing where it is not positive.
    var excessBytes: Int {
        max(bytes - limits.bytes / 10 * 8, limits.freeBytes + min(limits.bytes / 10, 256 << 20) - freeBytes)
    }

    /// Throws when `growth` more bytes would leave too little room.
    func admit(_ growth: Int) throws {
        let (used, limit) = (bytes, limits.bytes)
        guard used + growth <= limit else {
            throw SpoolRefusal.full("The spool holds \(used / 1_000_000) of its \(limit / 1_000_000) MB.")
        }
        let free = freeBytes
        guard free - growth >= limits.freeBytes else {
            throw SpoolRefusal.full("Only \(free / 1_000_000) MB are free on the disk; \(limits.freeBytes / 1_000_000) MB must stay free.")
        }
    }

    private func grow(_ id: ClipID, _ bytes: Int) throws {
        try admit(bytes)
        state.withLock { $0.grow(id, by: bytes) }
    }

    /// Counts bytes that are written whether there is room or not.
    func grown(_ id: ClipID, by bytes: Int) { state.withLock { $0.grow(id, by: bytes) } }

    /// Takes down what the directory of `id` occupies now; nothing when it is gone.
    func measure(_ id: ClipID) {
        let bytes = directory(id).bytes
        state.withLock { $0.setSize(bytes == 0 ? nil : bytes, of: id) }
    }

    func directory(_ id: ClipID) -> ClipDirectory { ClipDirectory(spool: path, id: id) }

    /// Runs blocking work on the directory of `id`, and keeps the account of its size.
    func change<Result: Sendable>(_ id: ClipID, _ body: @escaping @Sendable (ClipDirectory) throws -> Result) async throws -> Result {
        try await queue.run { [self] in
            let directory = directory(id)
            defer { measure(id) }
            do {
                return try body(directory)
            } catch let error as FileError where error.isFull {
                throw SpoolRefusal.full("The disk is full.")
            }
        }
    }

    // MARK: Recording

    public func begin(_ manifest: ClipManifest) async throws -> any FootageFile {
        // A clip that could not be finished would be worth less than the gap that says so.
        try admit(4 << 20)
        let file = try await change(manifest.id) { [self] directory in
            try directory.create(manifest)
            return try SpoolFile(path: directory.file(ClipDirectory.sourceName)) { try self.grow(manifest.id, $0) }
        }
        state.withLock { _ = $0.recording.insert(manifest.id) }
        try await index.put(manifest, state: .recording, spoolBytes: 0)
        captured.raise()
        return file
    }

    public func update(_ manifest: ClipManifest) async throws {
        try await change(manifest.id) { try $0.write(manifest) }
        try await index.put(manifest, state: .recording, spoolBytes: 0)
    }

    public func capture(_ manifest: ClipManifest) async throws {
        defer {
            state.withLock { _ = $0.recording.remove(manifest.id) }
            captured.raise()
        }
        do {
            // Of a recording that was cut short, what could not be written does not count.
            try await finishCapture(manifest) { try manifest.interrupted ? Self.salvage(manifest, in: $0) : $0.capture(manifest) }
        } catch {
            // The device still has it: it is fetched again, by whom this is told.
            if manifest.refilled == true { throw error }
            // What is durable of it is completed when there is room again, or at the next start.
            logger.error("clip waits for its completion", metadata: ["clip": "\(manifest.id)", "error": "\(error)"])
            late.append("clip \(manifest.id)") { [self] in
                try await finishCapture(manifest) { try Self.salvage(manifest, in: $0) }
                captured.raise()
            }
        }
    }

    private func finishCapture(_ manifest: ClipManifest, _ capture: @escaping @Sendable (ClipDirectory) throws -> ClipManifest?)
        async throws
    {
        guard let done = try await change(manifest.id, capture) else {
            try await index.noteDropped(
                manifest.id, reason: "The disk was full before the recording had its first two seconds.", at: time.now())
            try await change(manifest.id) { $0.remove() }
            return
        }
        // The directory has accepted the clip; its row may follow, when the clip may be long past this step.
        await late.write("accepted clip \(manifest.id)") { [index] in try await index.putAccepted(done) }
    }

    /// Accepts what was durable of a recording that was cut short; nil where there is not one whole fragment.
    static func salvage(_ manifest: ClipManifest, in directory: ClipDirectory) throws -> ClipManifest? {
        let source = directory.file(ClipDirectory.sourceName)
        guard let length = FragmentedFile.wholeLength(path: source) else { return nil }
        guard truncate(source, off_t(length)) == 0 else { throw FileError("truncate", source) }
        var salvaged = manifest
        salvaged.interrupted = true
        return try directory.capture(salvaged)
    }

    public func abandon(_ id: ClipID) async {
        state.withLock { _ = $0.recording.remove(id) }
        try? await change(id) { $0.remove() }
        await late.write("abandoned clip \(id)") { [index] in try await index.remove(id) }
    }

    public func record(_ event: CameraEvent, channelName: String, clip: ClipID?, dropReason: String?) async {
        await late.write("event \(event.id)") { [index] in
            try await index.put(event, channelName: channelName, clip: clip, dropReason: dropReason)
        }
    }

    public func note(_ event: CameraEvent, channelName: String, dropReason: String?) async {
        let what = "event \(event.id)"
        await index.note(event, channelName: channelName, dropReason: dropReason) { [late, index] error in
            late.failed(what, error) { try await index.put(event, channelName: channelName, clip: nil, dropReason: dropReason) }
        }
    }

    public func end(_ event: EventID, at time: Date) async {
        await index.end(event, at: time) { [self] error in
            late.failed("end of event \(event)", error) { [self] in await end(event, at: time) }
        }
    }

    public func recordGap(channel: ChannelID, from: Date, to: Date, bytes: Int?, reason: String) async {
        await late.write("gap of \(channel)") { [index] in
            try await index.put(GapRecord(channelId: channel, from: from, to: to, bytes: bytes, reason: reason))
        }
    }

    /// Writes the rows that could not be written before, until cancelled.
    public func run() async {
        await late.run(time: time)
    }

    // MARK: Transcoding

    public func nextToTranscode(excluding: Set<ClipID>, followRecording: Bool) async throws -> ClipManifest? {
        let states: [ClipState] = followRecording ? [.captured, .transcoding, .recording] : [.captured, .transcoding]
        for id in try await index.waitingForWorker(states) where !excluding.contains(id) {
            guard let manifest = try await manifest(of: id) else {
                if directory(id).lacksManifest { try await dropLost(id) }
                continue
            }
            // Made ready without its row having been written, on a full disk for instance.
            if manifest.stage == .ready {
                try await enqueue(manifest)
            } else if manifest.stage == .captured || manifest.refilled != true && state.withLock({ $0.recording.contains(id) }) {
                return manifest
            }
        }
        return nil
    }

    /// Gives up an accepted clip of which nothing is left; one that went on meanwhile is let be.
    private func dropLost(_ id: ClipID) async throws {
        try await index.noteDropped(
            id, reason: "The clip's directory is missing; the disk may be failing.", at: time.now(), ifStill: [.captured, .transcoding])
    }

    public func activeClips() async -> Int {
        (try? await index.waitingForWorker([.recording, .captured, .transcoding]).count) ?? 0
    }

    public func source(of id: ClipID) async throws -> any FootageSource {
        try await queue.run { [self] in
            try SpoolSource(path: directory(id).file(ClipDirectory.sourceName), time: time) { [self] in
                state.withLock { $0.recording.contains(id) }
            }
        }
    }

    public func manifest(of id: ClipID) async throws -> ClipManifest? {
        await queue.run { [self] in directory(id).readManifest() }
    }

    public func transcoding(_ id: ClipID, progress: Double) async {
        index.setProgress(progress, of: id)
        guard !state.withLock({ $0.recording.contains(id) }) else { return }
        _ = try? await index.move(id, from: [.captured], to: .transcoding)
    }

    public func beginClip(_ id: ClipID) async throws -> any FootageFile {
        try await change(id) { [self] directory in
            // The cloud copy of an accepted clip may use the reserve: it frees more than it takes.
            try SpoolFile(path: directory.file(ClipDirectory.clipName + ClipDirectory.unfinished)) { [self] growth in
                grown(id, by: growth)
            }
        }
    }

    public func ready(_ manifest: ClipManifest, thumbnail: [UInt8]?) async throws {
        let done = try await change(manifest.id) { directory in
            let done = try directory.ready(manifest, thumbnail: thumbnail)
            directory.removeUnnamed(done)
            return done
        }
        try await enqueue(done)
    }

    public func readyAsItCame(_ manifest: ClipManifest) async throws {
        let done = try await change(manifest.id) { directory in
            let done = try directory.readyAsItCame(manifest)
            directory.removeUnnamed(done)
            return done
        }
        try await enqueue(done)
    }

    private func enqueue(_ manifest: ClipManifest) async throws {
        index.setProgress(nil, of: manifest.id)
        try await index.put(manifest, state: .queued, spoolBytes: manifest.readyBytes)
        queued.raise()
    }

    /// Lets a clip whose row was lost wait again, where its directory has it.
    func takeUpAnew(_ manifest: ClipManifest) async throws {
        switch manifest.stage {
        case .recording: break
        case .captured:
            try await index.put(manifest, state: .captured, spoolBytes: manifest.source?.bytes ?? 0)
            captured.raise()
        case .ready: try await enqueue(manifest)
        }
    }

    /// Takes up a clip that waits as its row says, without reading its manifest; answers false where its files are others.
    func takeUp(_ id: ClipID, bytes: Int) -> Bool {
        let directory = directory(id)
        func size(_ name: String) -> Int { DurableFile.size(directory.file(name)) ?? 0 }
        let isAsItsRowSays = ClipDirectory.copyNames.contains { names in
            let clip = size(names.clip)
            return clip > 0 && clip + size(names.thumbnail) == bytes
        }
        guard isAsItsRowSays, let manifest = DurableFile.size(directory.file(ClipDirectory.manifestName)) else { return false }
        state.withLock { $0.setSize(bytes + manifest, of: id) }
        return true
    }

    // MARK: After the upload

    /// Frees a clip that the store has.
    func free(_ id: ClipID) async {
        try? await change(id) { $0.remove() }
    }

    /// The manifest's bytes as they were made durable.
    func manifestData(of id: ClipID) async throws -> Data {
        try await queue.run { [self] in
            let path = directory(id).file(ClipDirectory.manifestName)
            guard let data = FileManager.default.contents(atPath: path) else { throw FileError("read", path) }
            return data
        }
    }

    /// The path of a clip's file; nil where it certainly is not there, or is another.
    /// - Throws: `FileError` where that cannot be told.
    func fileToSend(_ manifest: ClipManifest, _ file: ClipManifest.File) throws -> String? {
        let path = directory(manifest.id).file(file.name)
        if DurableFile.size(path) == file.bytes { return path }
        guard access(path, F_OK) == 0 || errno == ENOENT else { throw FileError("stat", path) }
        return nil
    }

    /// The path of a clip's file while the spool still has it.
    public func localFile(_ manifest: ClipManifest, _ file: ClipManifest.File) -> String? {
        let path = directory(manifest.id).file(file.name)
        return DurableFile.size(path) == file.bytes ? path : nil
    }
}

extension ClipManifest {
    /// What a clip that is ready occupies, its description apart.
    var readyBytes: Int { (clip?.bytes ?? 0) + (thumbnail?.bytes ?? 0) }
}
