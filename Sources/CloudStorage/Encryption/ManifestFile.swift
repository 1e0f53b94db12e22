public import Core

extension ClipManifest.File {
    /// Whether the file at `path` is the one that is meant, by size and SHA-256; blocks.
    public func isAt(_ path: String) -> Bool {
        guard let digest = try? DurableFile.digest(path) else { return false }
        return digest.bytes == bytes && digest.sha256 == sha256
    }
}
