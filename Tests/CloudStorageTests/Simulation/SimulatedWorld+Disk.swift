import BoxDatabase
import Core
import Foundation
import GRDB
import Synchronization

@testable import CloudStorage

// The disk of a run: a folder for each life, in memory where there is such a place.
extension SimulatedWorld {
    /// Where folders of runs are made.
    static let place: String = {
        let memory = "/dev/shm"
        let place = access(memory, W_OK) == 0 ? memory : FileManager.default.temporaryDirectory.path
        return place + "/gatehouse-simulation-\(ProcessInfo.processInfo.processIdentifier)"
    }()

    /// Runs go on at the same time, each in a folder of its own.
    static let number = Counter()

    /// A database as the box begins with.
    private static let freshDatabase = Result {
        let path = place + "-template.sqlite"
        defer { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }
        try? FileManager.default.removeItem(atPath: path)
        // Closed at once, so that all of it is in the one file.
        try BoxDatabase(path: path).queue.close()
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    /// Where the present life's disk is.
    var root: String { folder + "/\(state.withLock { $0.lives })" }

    /// Makes a disk of a box that has not done anything yet.
    func makeDisk() throws {
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        try makeDatabase(in: root)
    }

    private func makeDatabase(in root: String) throws {
        if let reused { return try reused.clear() }
        try Self.freshDatabase.get().write(to: URL(fileURLWithPath: root + "/box.sqlite"))
    }

    /// The database of the disk in `root`, as a life finds it.
    func database(in root: String) throws -> BoxDatabase {
        if let reused { return reused.database }
        return try BoxDatabase(path: root + "/box.sqlite")
    }

    func removeDisk() { try? FileManager.default.removeItem(atPath: folder) }

    /// A life has ended: its disk, as it is at this moment, is the next one's.
    func takeOver(from old: String, at place: String) {
        noteAccepted(in: old)
        let isFirst = state.withLock { state in
            state.lives += 1
            state.crashes.append(place)
            for index in state.recorded.keys { state.recorded[index]?.isOver = true }
            return state.lives == 1
        }
        let root = root
        do {
            mkdir(root, 0o700)
            if isFirst, plan.losesDatabase {
                state.withLock { $0.hasLostDatabase = true }
                try makeDatabase(in: root)
            } else if reused == nil {
                for suffix in ["", "-wal"] { try Self.copy(old + "/box.sqlite" + suffix, to: root + "/box.sqlite" + suffix) }
            }
            mkdir(root + "/spool", 0o700)
            for directory in try FileManager.default.contentsOfDirectory(atPath: old + "/spool") {
                mkdir(root + "/spool/" + directory, 0o700)
                for file in try FileManager.default.contentsOfDirectory(atPath: old + "/spool/" + directory) {
                    try Self.copy(old + "/spool/\(directory)/\(file)", to: root + "/spool/\(directory)/\(file)")
                }
            }
        } catch {
            complain("the disk could not be taken over: \(error)")
        }
    }

    private static func copy(_ old: String, to new: String) throws {
        guard let data = FileManager.default.contents(atPath: old) else { return }
        try data.write(to: URL(fileURLWithPath: new))
    }

    /// Takes down which clips' directories say that they are accepted.
    func noteAccepted(in root: String) {
        let recorded = state.withLock { $0.recorded }
        for (index, clip) in recorded where !clip.isAccepted {
            let directory = ClipDirectory(spool: root + "/spool", id: clip.manifest.id)
            guard let manifest = directory.readManifest(), manifest.stage != .recording else { continue }
            state.withLock { $0.recorded[index]?.isAccepted = true }
        }
    }
}
