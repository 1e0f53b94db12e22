public import Foundation

/// A file of a clip that is being written.
public protocol FootageFile: Sendable {
    /// Adds bytes at the end; not yet durable.
    /// - Throws: `SpoolRefusal.full` when the disk or the spool's limit leaves no room.
    func append(_ bytes: [UInt8]) async throws
    /// Replaces bytes that were written.
    func overwrite(_ bytes: [UInt8], at offset: Int) async throws
    /// Returns when everything written will survive a power cut.
    func synchronize() async throws
}

/// The bytes of a clip's source, from its beginning; waits while the source may still grow.
public protocol FootageSource: Sendable {
    /// The next bytes, or nil at the end.
    func next() async throws -> [UInt8]?
}

/// Why the spool takes nothing.
public enum SpoolRefusal: Error, Sendable, Equatable {
    /// No room; the sentence has the numbers.
    case full(String)
}

/// What recording needs of the place where footage waits for its upload.
///
/// A clip goes `begin` -> `capture` (from here on it is accepted: it survives anything) -> `ready`.
public protocol FootageSpool: Sendable {
    /// Makes a clip's directory and its source file.
    func begin(_ manifest: ClipManifest) async throws -> any FootageFile
    /// Rewrites the manifest of a clip that is still recorded.
    func update(_ manifest: ClipManifest) async throws
    /// The source is complete: makes it durable and accepts the clip; what cannot be done now is done later.
    /// - Throws: of a refilled clip, why it is not accepted now.
    func capture(_ manifest: ClipManifest) async throws
    /// Nothing usable came: removes the clip.
    func abandon(_ id: ClipID) async
    /// Takes down an event, with its clip or the reason for having none.
    func record(_ event: CameraEvent, channelName: String, clip: ClipID?, dropReason: String?) async
    /// Takes down an event of which nothing is recorded, without waiting until that is durable.
    func note(_ event: CameraEvent, channelName: String, dropReason: String?) async
    /// An event ended, by its device's word; not waited for either.
    func end(_ event: EventID, at time: Date) async
    /// Takes down footage that should be there and is not.
    func recordGap(channel: ChannelID, from: Date, to: Date, bytes: Int?, reason: String) async

    /// Whether clips wait for a worker, those that `excluding` names apart; captured ones first, oldest first.
    func nextToTranscode(excluding: Set<ClipID>, followRecording: Bool) async throws -> ClipManifest?
    /// How many clips are recorded or wait for a worker.
    func activeClips() async -> Int
    /// The source of a clip; follows one that is still recorded.
    func source(of id: ClipID) async throws -> any FootageSource
    /// The manifest as it is now; nil when the clip is gone.
    func manifest(of id: ClipID) async throws -> ClipManifest?
    /// Shows that a worker is at the clip.
    func transcoding(_ id: ClipID, progress: Double) async
    /// Makes the file for the cloud copy, replacing an unfinished one.
    func beginClip(_ id: ClipID) async throws -> any FootageFile
    /// The cloud copy is complete: makes it durable, frees the source and queues the clip.
    func ready(_ manifest: ClipManifest, thumbnail: [UInt8]?) async throws
    /// The source itself becomes the cloud copy.
    func readyAsItCame(_ manifest: ClipManifest) async throws
}
