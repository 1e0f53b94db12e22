import Core
import Foundation
import NIOCore

// What the spool gave away long ago, and needs once more for a second copy.
extension Spool {
    /// Whether there is so much room that what is in a store may lie here for a while.
    var hasRoomToSpare: Bool {
        bytes < limits.bytes / 2 && freeBytes > limits.freeBytes + min(limits.bytes / 5, 512 << 20)
    }

    /// Brings a stored clip back with its picture and description, as they were; durable when it returns.
    ///
    /// A directory that was not finished names no clip that waits, and goes at the next start.
    /// - Throws: `StoreError`, of kind `gone` or `corrupted` where the store does not have the clip as it should; `SpoolRefusal`.
    func fetch(_ manifest: ClipManifest, from store: any ObjectStore) async throws {
        guard let clip = manifest.clip, let info = try await store.head(manifest.sidecarKey) else {
            throw StoreError(.gone, "The storage does not have the clip any more.")
        }
        try admit(clip.bytes + (manifest.thumbnail?.bytes ?? 0) + info.bytes)
        let sidecar = try await store.data(ListedObject(key: manifest.sidecarKey, bytes: info.bytes, modified: .distantPast))
        guard let described = try? GatehouseJSON.decoder.decode(ClipManifest.self, from: sidecar), described.id == manifest.id,
            described.clip == clip, described.thumbnail == manifest.thumbnail
        else { throw StoreError(.corrupted, "The clip's description in the storage is another's.") }
        defer { measure(manifest.id) }
        do {
            try await queue.run { [self] in
                directory(manifest.id).remove()
                guard mkdir(directory(manifest.id).path, 0o700) == 0 else { throw FileError("mkdir", directory(manifest.id).path) }
            }
            try await fetch(clip, manifest.objectKey, of: manifest.id, from: store)
            if let picture = manifest.thumbnail { try await fetch(picture, manifest.thumbnailKey, of: manifest.id, from: store) }
            try await queue.run { [self] in
                try DurableFile.write(sidecar, to: directory(manifest.id).file(ClipDirectory.manifestName))
                try DurableFile.synchronizeDirectory(path)
            }
        } catch {
            await free(manifest.id)
            throw error
        }
    }

    private func fetch(_ file: ClipManifest.File, _ key: String, of id: ClipID, from store: any ObjectStore) async throws {
        let path = directory(id).file(file.name)
        let written = try await queue.run { [self] in try SpoolFile(path: path) { [self] in grown(id, by: $0) } }
        try await store.read(key, range: 0..<file.bytes) { piece in try await written.append(Array(piece.readableBytesView)) }
        try await written.synchronize()
        guard await queue.run({ file.isAt(path) }) else {
            throw StoreError(.corrupted, "The clip in the storage is not what the box stored.")
        }
    }
}
