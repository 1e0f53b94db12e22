public import Core
import Foundation

// What waits for its upload and is encrypted meanwhile.
extension Spool: WaitingFootage {
    public func contents(of manifest: ClipManifest) async throws -> any FootageSource {
        let name = manifest.clip?.name ?? ClipDirectory.clipName
        return try await queue.run { [self] in
            try SpoolSource(path: directory(manifest.id).file(name), time: time, mayGrow: { false })
        }
    }

    public func picture(of manifest: ClipManifest) async throws -> [UInt8]? {
        guard let file = manifest.thumbnail else { return nil }
        return try await queue.run { [self] in
            let path = directory(manifest.id).file(file.name)
            guard let data = FileManager.default.contents(atPath: path) else { throw FileError("read", path) }
            return Array(data)
        }
    }

    public func beginReplacement(of id: ClipID) async throws -> any FootageFile {
        try await change(id) { [self] directory in
            // It may use the reserve: what it takes is free again in a moment.
            try SpoolFile(path: directory.file(ClipDirectory.encryptedName + ClipDirectory.unfinished)) { [self] growth in
                grown(id, by: growth)
            }
        }
    }

    public func replace(_ manifest: ClipManifest, picture: [UInt8]?) async throws -> ClipManifest {
        try await change(manifest.id) { directory in
            let done = try directory.replace(manifest, picture: picture)
            directory.removeUnnamed(done)
            return done
        }
    }
}
