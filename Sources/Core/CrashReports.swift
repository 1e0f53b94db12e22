import CLinux
public import Foundation

/// What is left of the box's crashes: for each the signal, the thread and where it was, by the addresses that the debug symbols give names to.
///
///     current.txt                         open while the box runs; something is in it where the box crashed
///     000017-20261130T031500Z-1.4.0.txt   of an earlier life; the number goes up, whatever the clock says
public struct CrashReports: Sendable {
    public struct Report: Sendable, Equatable {
        public let name: String
        public let at: Date
        /// The release that crashed.
        public let version: String
        /// `SIGSEGV`
        public let signal: String
        /// Another process sent it, such as a watchdog that had waited too long.
        public let wasSent: Bool
    }

    /// So many are kept.
    static let most = 16
    /// Of one; what else is in a file nobody wrote here.
    private static let largest = 256 << 10
    private static let signals = [
        SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGILL: "SIGILL", SIGFPE: "SIGFPE", SIGABRT: "SIGABRT", SIGTRAP: "SIGTRAP", SIGSYS: "SIGSYS",
    ]

    private let folder: URL
    private var current: URL { folder.appending(path: "current.txt") }

    /// - Parameter state: The box's folder.
    public init(state: String) {
        folder = URL(filePath: state, directoryHint: .isDirectory).appending(path: "crashes", directoryHint: .isDirectory)
    }

    /// Keeps what an earlier life left, and lets this process leave as much. Called once, for it changes how the process takes signals.
    ///
    /// - Returns: How the earlier life ended, where it crashed.
    /// - Throws: What the file system throws; nothing of a crash is kept then.
    public func begin(version: String) throws -> Report? {
        let last = try keepLast()
        var head = "version: \(version)\n"
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 65) { place in
            guard let start = place.baseAddress else { return }
            gatehouse_build_number(start)
            head += "build: \(String(cString: start))\n"
        }
        let descriptor = open(current.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError("open", current.path) }
        try DurableFile.writeAll(Data(head.utf8), to: descriptor, path: current.path)
        gatehouse_tell_crashes(descriptor)
        return last
    }

    /// - Returns: How the last life ended, where it crashed.
    func keepLast() throws -> Report? {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        guard let last = read("current.txt") else { return nil }
        let style = Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted)
        let version = String(last.version.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? $0 : "-" })
        let number = (names.last.flatMap { Int($0.prefix { $0 != "-" }) } ?? 0) + 1
        let name = "\(String(String(1_000_000 + number % 1_000_000).dropFirst()))-\(last.at.formatted(style))-\(version).txt"
        guard rename(current.path, folder.appending(path: name).path) == 0 else { throw FileError("rename", current.path) }
        for old in names.dropLast(Self.most) { try FileManager.default.removeItem(at: folder.appending(path: old)) }
        return last
    }

    /// The newest first.
    public var reports: [Report] { names.reversed().compactMap(read) }

    /// All of a report.
    public func text(_ report: Report) -> Data? { bytes(report.name) }

    /// The oldest first.
    private var names: [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return all.filter { $0.hasSuffix(".txt") && $0 != "current.txt" }.sorted()
    }

    private func bytes(_ name: String) -> Data? {
        guard let file = try? FileHandle(forReadingFrom: folder.appending(path: name)) else { return nil }
        defer { try? file.close() }
        return try? file.read(upToCount: Self.largest)
    }

    /// Nil where no crash is told in it.
    private func read(_ name: String) -> Report? {
        guard let bytes = bytes(name) else { return nil }
        var fields: [Substring: Substring] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).prefix(while: {
            !$0.isEmpty
        }) {
            guard let colon = line.firstRange(of: ": ") else { continue }
            fields[line[..<colon.lowerBound]] = line[colon.upperBound...]
        }
        guard let signal = fields["signal"].flatMap({ Int32($0) }), let time = fields["time"].flatMap({ TimeInterval($0) }),
            let version = fields["version"]
        else { return nil }
        return Report(
            name: name, at: Date(timeIntervalSince1970: time), version: String(version), signal: Self.signals[signal] ?? "signal \(signal)",
            wasSent: fields["from-process"] != nil)
    }
}
