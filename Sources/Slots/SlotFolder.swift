import CLinux
import Glibc

/// Why the folder of releases cannot be used.
public enum SlotError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is nothing that could be started.
    case nothingToStart
    case noSuchSlot(String)
    /// It was tried before, and was bad.
    case bad(String, reason: String)
    /// There is no release before this one that could be started.
    case nothingBefore(String)
    /// What the system said of a file.
    case file(String, Int32)

    public var description: String {
        switch self {
        case .nothingToStart: "No release is here that could be started. Install the box's package again."
        case .noSuchSlot(let slot): "The release \(slot) is not here."
        case .bad(let slot, let reason): "The release \(slot) was tried before and was bad: \(reason)"
        case .nothingBefore(let slot): "There is no release before \(slot) that could be started."
        case .file(let path, let code): "\(path) could not be written or read: \(String(cString: strerror(code)))."
        }
    }
}

/// The releases that a box has on its disk, and which of them it starts.
///
///     slots/<name>/         a release, whole and never changed, with its program at bin/gatehouse
///     current               a link to the one that is started; its rename is the only moment in which anything changes
///     previous              a link to the one before
///     trial-<name>-<n>      that one is on trial, and may be started n times more; a start that ended with the machine, or in order, does not count
///     starts                the last start of one on trial: its name, the run of the machine, how many starts did not count
///     bad/<name>            why that one is not tried again
///
/// Whatever moment the power goes, `launch` finds either the old or the new release, and what it finds is whole. Every step that matters is on the
/// disk before the next one is taken.
public struct SlotFolder: Sendable {
    /// So many starts a release has to be confirmed.
    public static let trials = 3
    /// So many starts of one on trial do not count: after them it is the release's doing where the machine ends, or somebody ends it.
    static let mostUncounted = 5

    private let folder: String
    /// The name of this run of the machine, where it is not the kernel's.
    private let boot: String?
    /// Called before each step that changes something; tests end here.
    private let step: @Sendable (String) throws -> Void

    /// - Parameters:
    ///   - folder: The folder's path; it exists, with `slots` in it.
    ///   - boot: The name of this run of the machine, in place of the kernel's.
    public init(_ folder: String, boot: String? = nil, step: @escaping @Sendable (String) throws -> Void = { _ in }) {
        self.folder = folder
        self.boot = boot
        self.step = step
    }

    /// Whether the folder is another user's, who could not change any more what this one makes there.
    public var isSomebodyElses: Bool {
        var status = stat()
        return stat(folder, &status) == 0 && status.st_uid != geteuid()
    }

    // MARK: What there is

    /// The release that is started; nil where there is none yet.
    public var current: String? { link("current") }
    /// The one before.
    public var previous: String? { link("previous") }

    /// A release that is not confirmed yet.
    public struct Trial: Sendable, Equatable {
        public let slot: String
        /// So often it may be started still.
        public let startsLeft: Int

        var name: String { "trial-\(slot)-\(startsLeft)" }
    }

    /// The trial of the release that is started; nil where it is confirmed.
    public var trial: Trial? { trials.first { $0.slot == current } }

    /// Of what began and did not come to anything there may be more than one.
    private var trials: [Trial] {
        names(in: folder).compactMap { name in
            let parts = name.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == "trial", let dash = parts[1].lastIndex(of: "-"),
                let left = Int(parts[1][parts[1].index(after: dash)...]), (0...Self.trials).contains(left)
            else { return nil }
            return Trial(slot: String(parts[1][..<dash]), startsLeft: left)
        }
        .sorted { $0.startsLeft < $1.startsLeft }
    }

    /// Why a release is not tried again; nil where nothing is known against it.
    public func reasonAgainst(_ slot: String) -> String? {
        Self.isPlain(slot) ? Self.text(in: "\(folder)/bad/\(slot)") : nil
    }

    /// The last start of a release on trial.
    private struct Start {
        /// In place of the run of the machine, where it ended in order: no run is called so.
        static let inOrder = "-"

        let slot: String
        let boot: String
        let uncounted: Int

        /// Nil where the text tells of none.
        static func read(_ text: String) -> Start? {
            let parts = text.split(separator: " ")
            guard parts.count == 3, let ends = Int(parts[2]), ends >= 0 else { return nil }
            return Start(slot: String(parts[0]), boot: String(parts[1]), uncounted: ends)
        }

        var text: String { "\(slot) \(boot) \(uncounted)" }
    }

    /// Where a release's program lies.
    public func program(of slot: String) -> String { "\(folder)/slots/\(slot)/bin/gatehouse" }

    // MARK: What is done

    /// Puts a release that is whole on trial: the next start is its. The one of now becomes the one before, unless it is on trial itself.
    ///
    /// - Throws: `SlotError.noSuchSlot`, `.bad` where it was tried before, `.file`.
    public func beginTrial(of slot: String) throws {
        guard isWhole(slot) else { throw SlotError.noSuchSlot(slot) }
        if let reason = reasonAgainst(slot) { throw SlotError.bad(slot, reason: reason) }
        guard current != slot else { return }
        try synchronizeFiles(of: slot)
        for old in trials where old.slot == slot { try remove(old.name) }
        if let current, isWhole(current), trial == nil { try point("previous", to: current) }
        try write("", to: Trial(slot: slot, startsLeft: Self.trials).name)
        try point("current", to: slot)
        for old in trials where old.slot != slot { try remove(old.name) }
    }

    /// A release proved itself: it stays. One that is not started, or not any more, cannot have.
    public func confirm(_ slot: String) throws {
        guard current == slot else { return }
        for trial in trials { try remove(trial.name) }
    }

    /// Goes back from a release to the one before, and remembers why.
    ///
    /// - Returns: What is started from now on.
    /// - Throws: `SlotError.nothingBefore` where there is nothing to go back to; the release stays then. `.file`.
    @discardableResult
    public func rollBack(from slot: String, because reason: String) throws -> String {
        guard current == slot else { return current ?? slot }
        guard let previous, previous != slot, isWhole(previous), reasonAgainst(previous) == nil else { throw SlotError.nothingBefore(slot) }
        // A disk that is full takes no reason, and may take a link still.
        do {
            try makeFolder("bad")
            try write(reason, to: "bad/\(slot)")
        } catch is SlotError {}
        try point("current", to: previous)
        for trial in trials { try remove(trial.name) }
        return previous
    }

    /// What to start now. One that is on trial has one start less afterwards; one that had its last, or is damaged, is given up. A start in whose
    /// midst the machine ended, or that ended in order, says nothing of the release, and is made again.
    ///
    /// - Throws: `SlotError.nothingToStart`. A disk on which nothing can be written is no reason to start nothing.
    public func launch() throws -> String {
        guard let current else {
            // The disk was repaired, or somebody was at it: what is whole is better than nothing.
            guard let previous, isWhole(previous) else { throw SlotError.nothingToStart }
            return previous
        }
        guard isWhole(current) else { return try leave(current, because: "It is damaged.") }
        // The power went while it was left.
        if let reason = reasonAgainst(current) { return try leave(current, because: reason) }
        guard let trial else { return current }
        let last = lastStart(of: current)
        let (uncounted, boot) = (last?.uncounted ?? 0, boot ?? Self.kernelsBoot)
        if let last, let boot, last.boot != boot, uncounted < Self.mostUncounted,
            try note(Start(slot: current, boot: boot, uncounted: uncounted + 1))
        {
            return current
        }
        guard trial.startsLeft > 0 else { return try leave(current, because: Self.neverRanWell(uncounted: uncounted)) }
        if let boot, last?.boot != boot { _ = try note(Start(slot: current, boot: boot, uncounted: uncounted)) }
        do {
            try move(trial.name, to: Trial(slot: current, startsLeft: trial.startsLeft - 1).name)
        } catch is SlotError {
            // A start that is not counted is not made: the release would be on trial for ever.
            return try leave(current, because: "Its starts could not be counted.")
        }
        return current
    }

    /// A release that is on trial ran, and ended because somebody wanted it to: like a start in whose midst the machine ended, this one says nothing
    /// of it. One that is not on trial has nothing to say.
    ///
    /// - Throws: `SlotError.file`.
    public func endInOrder(_ slot: String) throws {
        guard trial?.slot == slot else { return }
        try write(Start(slot: slot, boot: Start.inOrder, uncounted: lastStart(of: slot)?.uncounted ?? 0).text, to: "starts")
    }

    private func lastStart(of slot: String) -> Start? {
        Self.text(in: "\(folder)/starts").flatMap(Start.read).flatMap { $0.slot == slot ? $0 : nil }
    }

    /// As proc(5) has it; nil where the kernel says none. The launcher has nothing of `TimeSource`, which needs Foundation.
    private static var kernelsBoot: String? {
        text(in: "/proc/sys/kernel/random/boot_id")?.split(separator: "\n").first.map(String.init)
    }

    /// Whether it is on the disk.
    private func note(_ start: Start) throws -> Bool {
        do {
            try write(start.text, to: "starts")
            return true
        } catch is SlotError {
            return false
        }
    }

    private static func neverRanWell(uncounted: Int) -> String {
        if uncounted == 0 { return "It was started \(trials) times and never ran well." }
        return "It was started \(trials + uncounted) times, of which \(uncounted) ended with the machine or in order, and never ran well."
    }

    /// What to start in place of a release that is given up; itself, where it is all that there is.
    private func leave(_ slot: String, because reason: String) throws -> String {
        do {
            return try rollBack(from: slot, because: reason)
        } catch is SlotError {
            if let previous, previous != slot, isWhole(previous), reasonAgainst(previous) == nil { return previous }
            guard isWhole(slot) else { throw SlotError.nothingToStart }
            return slot
        }
    }

    /// The releases that are here and neither started, nor the one before: they can go.
    public var spare: [String] {
        names(in: "\(folder)/slots").filter { $0 != current && $0 != previous && Self.isPlain($0) }.sorted()
    }

    // MARK: Files

    /// A name that is a name and leads nowhere.
    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 100 && name.utf8.first != UInt8(ascii: ".")
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || [0x2D, 0x2E, 0x5F].contains(byte)
            }
    }

    private func isWhole(_ slot: String) -> Bool {
        var status = stat()
        guard Self.isPlain(slot), stat(program(of: slot), &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFREG && status.st_size > 0 && access(program(of: slot), X_OK) == 0
    }

    /// Whoever put the release there may have left it in memory.
    private func synchronizeFiles(of slot: String) throws {
        let place = "\(folder)/slots/\(slot)"
        let descriptor = try Self.opened(place, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        guard gatehouse_sync_file_system(descriptor) == 0 else { throw SlotError.file(place, errno) }
    }

    private func link(_ name: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer -> String? in
            guard let base = buffer.baseAddress else { return nil }
            let count = readlink("\(folder)/\(name)", base, buffer.count)
            guard count > 0, count < buffer.count else { return nil }
            let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let slot = path.split(separator: "/", omittingEmptySubsequences: false)
            guard slot.count == 2, slot[0] == "slots", Self.isPlain(String(slot[1])) else { return nil }
            return String(slot[1])
        }
    }

    private func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// What a small file says; nil where there is none.
    private static func text(in path: String) -> String? {
        guard let descriptor = try? opened(path, O_RDONLY) else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { buffer in
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        }
    }

    private static func opened(_ path: String, _ flags: Int32) throws(SlotError) -> Int32 {
        let descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw .file(path, errno) }
        return descriptor
    }

    /// A link is made beside and renamed: there is no moment without it.
    private func point(_ name: String, to slot: String) throws {
        let part = "\(folder)/.\(name).part"
        try step("link \(name)")
        unlink(part)
        guard symlink("slots/\(slot)", part) == 0 else { throw SlotError.file(part, errno) }
        try synchronize(folder)
        try move(".\(name).part", to: name)
    }

    private func write(_ text: String, to name: String) throws {
        let part = "\(folder)/.written.part"
        try step("write \(name)")
        unlink(part)
        let descriptor = try Self.opened(part, O_WRONLY | O_CREAT | O_EXCL)
        defer { close(descriptor) }
        let bytes = Array(text.utf8.prefix(1000))
        errno = ENOSPC  // of a file that is only written in part
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else { throw SlotError.file(part, errno) }
        try move(".written.part", to: name)
    }

    private func makeFolder(_ name: String) throws {
        try step("make \(name)")
        guard mkdir("\(folder)/\(name)", 0o755) == 0 || errno == EEXIST else { throw SlotError.file(name, errno) }
        try synchronize(folder)
    }

    private func move(_ name: String, to other: String) throws {
        try step("rename \(name) \(other)")
        guard rename("\(folder)/\(name)", "\(folder)/\(other)") == 0 else { throw SlotError.file(name, errno) }
        try synchronize(folder)
        if other.contains("/") { try synchronize("\(folder)/\(other.split(separator: "/")[0])") }
    }

    private func remove(_ name: String) throws {
        try step("remove \(name)")
        guard unlink("\(folder)/\(name)") == 0 || errno == ENOENT else { throw SlotError.file(name, errno) }
        try synchronize(folder)
    }

    private func synchronize(_ path: String) throws {
        let descriptor = try Self.opened(path, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SlotError.file(path, errno) }
    }
}
