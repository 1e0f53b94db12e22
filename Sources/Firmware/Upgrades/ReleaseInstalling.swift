public import Core
public import Foundation
import Slots

/// Brings a release onto the box's disk, beside those that are there. Nothing that is started changes by it.
///
///     slots/.<name>.part     a release that is not whole yet; what it has is used when it is fetched again
///     slots/<name>           one that is
///     manifests/<name>.json  what it consists of, so that the next one is fetched without what it shares with it
public struct ReleaseInstalling: Sendable {
    private static let disk = BlockingQueue(name: "releases", background: true)

    private let folder: URL
    private let slots: SlotFolder
    private let source: any ReleaseSource
    private let reserve: Int
    private let freeBytes: @Sendable (URL) -> Int

    /// - Parameters:
    ///   - folder: That of the launcher.
    ///   - reserve: Bytes that stay free: a box that cannot write records nothing.
    ///   - freeBytes: What a folder's disk has left.
    public init(
        from source: any ReleaseSource, into folder: URL, reserve: Int,
        freeBytes: @escaping @Sendable (URL) -> Int = { DurableFile.freeBytes($0.path) }
    ) {
        self.source = source
        self.folder = folder
        self.reserve = reserve
        self.freeBytes = freeBytes
        slots = SlotFolder(folder.path)
    }

    /// Fetches and verifies a release. What is there of an earlier attempt is used; releases that are neither started nor the one before go, for their room.
    ///
    /// - Parameter progress: Told how many bytes of the release's files are there, and how many they are.
    /// - Returns: The name of its slot, for `SlotFolder.beginTrial`.
    /// - Throws: `ReleaseRefusal`, or what the source or the file system throws. It can be tried again then.
    public func install(_ release: ListedRelease, progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }) async throws -> String {
        let manifest = try await release.manifest(from: source)
        try manifest.checkProgram()
        let name = release.slot
        let (part, whole) = (place("slots/.\(name).part"), place("slots/\(name)"))
        let isThere = try await Self.disk.run {
            if FileManager.default.fileExists(atPath: whole.path) { return true }
            try makeRoom(for: manifest, keeping: part)
            try FileManager.default.createDirectory(at: part, withIntermediateDirectories: true)
            return false
        }
        if isThere { return name }
        try await unpacking().unpack(manifest, into: part) { progress($0, manifest.size) }
        try await Self.disk.run {
            try FileManager.default.createDirectory(at: place("manifests"), withIntermediateDirectories: true)
            try DurableFile.write(Data(try manifest.bytes), to: place("manifests/\(name).json").path, permissions: 0o644)
            guard rename(part.path, whole.path) == 0 else { throw FileError("rename", part.path) }
            try DurableFile.synchronizeDirectory(place("slots").path)
        }
        return name
    }

    /// Bytes that would be fetched for a release.
    public func missing(of manifest: ReleaseManifest) -> Int { unpacking().missing(of: manifest) }

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
        // What cannot be taken away, as where somebody else put it there, is no reason to go without the new one.
        for name in names where name.hasSuffix(".part") && name != part.lastPathComponent {
            try? FileManager.default.removeItem(at: place("slots/\(name)"))
        }
        // What is taken away is not whole from its first moment on: the power may go while it is.
        for spare in slots.spare {
            let going = place("slots/.\(spare).part")
            guard rename(place("slots/\(spare)").path, going.path) == 0 else { continue }
            try DurableFile.synchronizeDirectory(place("slots").path)
            try? FileManager.default.removeItem(at: going)
            try? FileManager.default.removeItem(at: place("manifests/\(spare).json"))
        }
        let needed = manifest.size - Self.bytes(in: part) + reserve
        guard freeBytes(folder) >= needed else { throw ReleaseRefusal.noRoom(needed) }
    }

    private static func bytes(in folder: URL) -> Int {
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
        return paths.reduce(0) { sum, path in
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder.appending(path: path).path)
            return sum + (attributes?[.type] as? FileAttributeType == .typeRegular ? attributes?[.size] as? Int ?? 0 : 0)
        }
    }
}
