import Core
import Foundation

/// One clip's directory in the spool, which describes itself. All calls block.
///
/// Invariant: `clip.json` is replaced whole, after the files it names are durable; a file that it does not name does not count.
struct ClipDirectory: Sendable {
    static let manifestName = "clip.json"
    static let clipName = "clip.mp4"
    static let thumbnailName = "thumbnail.jpg"
    static let sourceName = "source.mov"
    /// Of a cloud copy that was encrypted while it waited.
    static let encryptedName = "clip-encrypted.mp4"
    static let encryptedThumbnailName = "thumbnail.jpg.enc"
    static let unfinished = ".part"
    /// What a cloud copy and its picture may be called.
    static let copyNames: [(clip: String, thumbnail: String)] = [
        (clipName, thumbnailName), (encryptedName, encryptedThumbnailName), (sourceName, thumbnailName),
    ]

    let path: String

    init(spool: String, id: ClipID) {
        path = spool + "/" + id.text
    }

    func file(_ name: String) -> String { path + "/" + name }

    /// Makes the directory with its first manifest; durable when it returns.
    func create(_ manifest: ClipManifest) throws {
        guard mkdir(path, 0o700) == 0 else { throw FileError("mkdir", path) }
        try DurableFile.synchronizeDirectory((path as NSString).deletingLastPathComponent)
        try write(manifest)
    }

    /// Replaces the manifest; durable when it returns.
    func write(_ manifest: ClipManifest) throws {
        try DurableFile.write(GatehouseJSON.encoder.encode(manifest), to: file(Self.manifestName))
    }

    /// The manifest, or nil where none was completed.
    func readManifest() -> ClipManifest? {
        guard let data = FileManager.default.contents(atPath: file(Self.manifestName)), data.count < 1 << 20 else { return nil }
        return try? GatehouseJSON.decoder.decode(ClipManifest.self, from: data)
    }

    /// Whether there certainly is no manifest: anything else that keeps it from being read is no reason to remove footage.
    var lacksManifest: Bool { access(file(Self.manifestName), F_OK) != 0 && errno == ENOENT }

    /// Completes the recording: the source is durable and named in the manifest.
    func capture(_ manifest: ClipManifest) throws -> ClipManifest {
        let descriptor = open(file(Self.sourceName), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", file(Self.sourceName)) }
        let code = fsync(descriptor)
        close(descriptor)
        guard code == 0 else { throw FileError("fsync", file(Self.sourceName)) }
        CrashPoint.reach("capture.source-durable")
        let digest = try DurableFile.digest(file(Self.sourceName))
        var captured = manifest
        captured.stage = .captured
        captured.source = .init(name: Self.sourceName, bytes: digest.bytes, sha256: digest.sha256)
        try write(captured)
        CrashPoint.reach("capture.manifest-durable")
        return captured
    }

    /// Completes the cloud copy: the clip and its picture are durable and named, then the source goes.
    func ready(_ manifest: ClipManifest, thumbnail: [UInt8]?) throws -> ClipManifest {
        let part = file(Self.clipName + Self.unfinished)
        guard rename(part, file(Self.clipName)) == 0 else { throw FileError("rename", part) }
        let digest = try DurableFile.digest(file(Self.clipName))
        var done = manifest
        done.clip = .init(name: Self.clipName, bytes: digest.bytes, sha256: digest.sha256)
        if let thumbnail, !thumbnail.isEmpty {
            try DurableFile.write(Data(thumbnail), to: file(Self.thumbnailName))
            let digest = try DurableFile.digest(file(Self.thumbnailName))
            done.thumbnail = .init(name: Self.thumbnailName, bytes: digest.bytes, sha256: digest.sha256)
        }
        CrashPoint.reach("ready.files-durable")
        done.stage = .ready
        try write(done)
        CrashPoint.reach("ready.manifest-durable")
        unlink(file(Self.sourceName))
        return done
    }

    /// Another file takes the place of the cloud copy: under another name, so that at each moment the manifest names files that are whole.
    func replace(_ manifest: ClipManifest, picture: [UInt8]?) throws -> ClipManifest {
        let part = file(Self.encryptedName + Self.unfinished)
        guard rename(part, file(Self.encryptedName)) == 0 else { throw FileError("rename", part) }
        let digest = try DurableFile.digest(file(Self.encryptedName))
        var done = manifest
        done.openClip = manifest.clip
        done.clip = .init(name: Self.encryptedName, bytes: digest.bytes, sha256: digest.sha256)
        done.thumbnail = nil
        if let picture {
            try DurableFile.write(Data(picture), to: file(Self.encryptedThumbnailName))
            let digest = try DurableFile.digest(file(Self.encryptedThumbnailName))
            done.thumbnail = .init(name: Self.encryptedThumbnailName, bytes: digest.bytes, sha256: digest.sha256)
        }
        CrashPoint.reach("encrypt.files-durable")
        try write(done)
        CrashPoint.reach("encrypt.manifest-durable")
        return done
    }

    /// The source becomes the cloud copy under the clip's name.
    func readyAsItCame(_ manifest: ClipManifest) throws -> ClipManifest {
        guard let source = manifest.source else { throw FileError("no source in", path) }
        var done = manifest
        done.asItCame = true
        done.clip = .init(name: Self.sourceName, bytes: source.bytes, sha256: source.sha256)
        done.stage = .ready
        try write(done)
        return done
    }

    /// Removes what the manifest does not name.
    func removeUnnamed(_ manifest: ClipManifest) {
        var named: Set<String> = [Self.manifestName]
        if manifest.stage != .ready { named.insert(Self.sourceName) }
        for file in [manifest.clip, manifest.thumbnail] { if let file { named.insert(file.name) } }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where !named.contains(name) { unlink(file(name)) }
    }

    /// Removes the directory with everything in it: the manifest first, for a directory without one counts for nothing.
    func remove() {
        unlink(file(Self.manifestName))
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] { unlink(file(name)) }
        rmdir(path)
    }

    /// Whether a file that the manifest names is there, by its size.
    func has(_ named: ClipManifest.File) -> Bool { DurableFile.size(file(named.name)) == named.bytes }

    /// What the directory occupies.
    var bytes: Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.reduce(0) { $0 + (DurableFile.size(file($1)) ?? 0) }
    }
}
