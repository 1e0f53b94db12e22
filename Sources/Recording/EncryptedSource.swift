import Core

/// Makes the cloud copy of a clip on which workers failed, where it must be encrypted: the source as it came, but encrypted.
struct EncryptedSource {
    let spool: any FootageSpool
    let issued: IssuedClipKey

    func make(of manifest: ClipManifest) async throws {
        let source = try await spool.source(of: manifest.id)
        var encryption = try FragmentEncryption(key: issued.key, into: try await spool.beginClip(manifest.id))
        try await encryption.encrypt(source)
        var done = manifest
        done.asItCame = true
        done.encryption = issued.encryption
        try await spool.ready(done, thumbnail: nil)
    }
}
