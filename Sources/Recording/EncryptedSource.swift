import Core
import Media

/// Makes the cloud copy of a clip on which workers failed, where it must be encrypted: the source as it came, but encrypted.
///
/// The box reads only the boxes that its own muxer wrote; nothing of the camera's is decoded.
struct EncryptedSource {
    /// The largest box that is taken: a fragment holds a few seconds.
    private static let largest = 256 << 20

    let spool: any FootageSpool
    let issued: IssuedClipKey

    func make(of manifest: ClipManifest) async throws {
        var encryption = try CommonEncryption(identifier: issued.key.identifier, secret: issued.key.secret)
        let source = try await spool.source(of: manifest.id)
        let file = try await spool.beginClip(manifest.id)
        var waiting: [UInt8] = []
        var inHeader = true
        // A box may be large, and the cooperative threads are few.
        let queue = BlockingQueue(name: "encrypt-source", background: true)
        while let bytes = try await source.next() {
            waiting += bytes
            guard waiting.count <= Self.largest else { throw MediaError("encrypt source", kind: .invalidData) }
            while let end = MP4Stream.end(of: inHeader ? "moov" : "mdat", in: waiting) {
                let part = Array(waiting[..<end])
                waiting.removeFirst(end)
                let (before, isHeader) = (encryption, inHeader)
                let (made, after) = try await queue.run {
                    var encryption = before
                    let made = isHeader ? try encryption.header(part) : try encryption.fragment(part)
                    return (made, encryption)
                }
                encryption = after
                try await file.append(made)
                inHeader = false
            }
        }
        try await file.synchronize()
        var done = manifest
        done.asItCame = true
        done.encryption = issued.encryption
        try await spool.ready(done, thumbnail: nil)
    }
}
