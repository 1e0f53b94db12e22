public import Foundation
import Slots

/// Brings a release onto the box's disk, beside those that are there. Nothing that is started changes by it.
///
///     slots/.<name>.part     a release that is not whole yet; what it has is used when it is fetched again
///     slots/<name>           one that is
///     manifests/<name>.json  what it consists of, so that the next one is fetched without what it shares with it
public struct ReleaseInstalling: Sendable {
    /// Bytes that stay free: a box that cannot write records nothing.
    static let reserve = 64 << 20

    private let folder: URL
    private let slots: SlotFolder
    private let source: any ReleaseSource
    private let freeBytes: @Sendable (URL) throws -> Int

    /// - Parameters:
    ///   - folder: That of the launcher.
    ///   - freeBytes: What a folder's disk has left.
    public init(
        from source: any ReleaseSource, into folder: URL, freeBytes: @escaping @Sendable (URL) throws -> Int = Self.freeBytes
    ) {
        self.source = source
        self.folder = folder
        self.freeBytes = freeBytes
        slots = SlotFolder(folder.path)
    }

    /// What is left for this program on a folder's disk.
    public static func freeBytes(_ folder: URL) throws -> Int {
        var status = statvfs()
        guard statvfs(folder.path, &status) == 0 else { throw POSIXError.last }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    /// Fetches and verifies a release. What is there of an earlier attempt is used; releases that are neither started nor the one before go, for their room.
    ///
    /// - Returns: The name of its slot, for `SlotFolder.beginTrial`.
    /// - Throws: `ReleaseRefusal`, or what the source or the file system throws. It can be tried again then.
    public func install(_ release: ListedRelease) async throws -> String {
        let manifest = try await release.manifest(from: source)
        guard manifest.files.contains(where: { $0.path == "bin/gatehouse" && $0.executable }) else {
            throw ReleaseRefusal.unsafe("The release has no program.")
        }
        let name = release.slot
        let (part, whole) = (place("slots/.\(name).part"), place("slots/\(name)"))
        if FileManager.default.fileExists(atPath: whole.path) { return name }
        try makeRoom(for: manifest, keeping: part)
        try FileManager.default.createDirectory(at: part, withIntermediateDirectories: true)
        try await unpacking().unpack(manifest, into: part)
        try FileManager.default.createDirectory(at: place("manifests"), withIntermediateDirectories: true)
        try DurableFile.write(try manifest.bytes, to: place("manifests/\(name).json"))
        guard rename(part.path, whole.path) == 0 else { throw POSIXError.last }
        try DurableFile.synchronize(folder: place("slots"))
        return name
    }

    private func place(_ path: String) -> URL { folder.appending(path: path) }

    /// With what the release that is started has already.
    private func unpacking() -> ReleaseUnpacking {
        guard let current = slots.current, let bytes = try? Data(contentsOf: place("manifests/\(current).json")),
            let manifest = try? ReleaseManifest(Array(bytes), name: current)
        else { return ReleaseUnpacking(from: source) }
        return ReleaseUnpacking(from: source, having: manifest, in: place("slots/\(current)"))
    }

    private func makeRoom(for manifest: ReleaseManifest, keeping part: URL) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: place("slots").path)
        for name in names where name.hasSuffix(".part") && name != part.lastPathComponent {
            try FileManager.default.removeItem(at: place("slots/\(name)"))
        }
        // What is taken away is not whole from its first moment on: the power may go while it is.
        for spare in slots.spare {
            let going = place("slots/.\(spare).part")
            guard rename(place("slots/\(spare)").path, going.path) == 0 else { throw POSIXError.last }
            try DurableFile.synchronize(folder: place("slots"))
            try FileManager.default.removeItem(at: going)
            try? FileManager.default.removeItem(at: place("manifests/\(spare).json"))
        }
        let needed = manifest.size - Self.bytes(in: part) + Self.reserve
        guard try freeBytes(folder) >= needed else { throw ReleaseRefusal.noRoom(needed) }
    }

    private static func bytes(in folder: URL) -> Int {
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
        return paths.reduce(0) { sum, path in
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder.appending(path: path).path)
            return sum + (attributes?[.type] as? FileAttributeType == .typeRegular ? attributes?[.size] as? Int ?? 0 : 0)
        }
    }
}
