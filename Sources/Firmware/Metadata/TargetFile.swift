/// A file that the list of targets names: where it lies, and what it must be.
struct TargetFile: Sendable, Equatable {
    let path: String
    let length: Int
    let sha256: String

    init(_ path: String, _ target: TargetsMetadata.Target) throws(ReleaseRefusal) {
        guard let sha256 = target.hashes["sha256"], Digest.isOne(sha256), ReleasePath.isPlain(path), target.length >= 0 else {
            throw .unreadable(path)
        }
        self.path = path
        self.sha256 = sha256
        length = target.length
    }

    /// Where it lies: under its digest, so that a file of the same name cannot be in its place.
    var place: String {
        let parts = path.split(separator: "/")
        return (["targets"] + parts.dropLast().map(String.init) + ["\(sha256).\(parts.last ?? "")"]).joined(separator: "/")
    }

    /// - Throws: `ReleaseRefusal.altered`, or what the source throws.
    func bytes(from source: any ReleaseSource) async throws -> [UInt8] {
        let bytes = try await source.file(place, atMost: min(length, ReleaseManifest.limit))
        guard bytes.count == length, Digest.text(bytes) == sha256 else { throw ReleaseRefusal.altered(path) }
        return bytes
    }
}
