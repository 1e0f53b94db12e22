public import Core
import Foundation

/// What a box last told the updater, which upgrades it where it cannot do so itself any more: `updater.json` beside the releases.
public struct UpdaterBrief: Codable, Sendable, Equatable {
    /// Where releases come from.
    public struct Server: Codable, Sendable, Equatable {
        public let place: HTTPSource.Place
        /// Whether it may be on the box itself; for demonstrations.
        public let allowsLocal: Bool
        /// What releases may take of the line at its narrowest hour of the week; nil: the whole, 0: nothing.
        public let bytesPerSecond: Double?

        public init(_ place: HTTPSource.Place, allowsLocal: Bool, bytesPerSecond: Double? = nil) {
            self.place = place
            self.allowsLocal = allowsLocal
            self.bytesPerSecond = bytesPerSecond
        }
    }

    /// A box says so often that it lives, once it has lived as long.
    static let every = Duration.seconds(900)
    /// One that has said nothing for as long, while the machine ran, is taken to be unable to upgrade itself.
    static let longestSilence = Duration.seconds(3600)

    public var server: Server
    public var serialNumber: String
    public var model: String
    public var channel: ReleaseOffer.Channel
    public var process: ProcessIdentity
    /// When it last lived, and could have upgraded itself.
    public var lived: MachineMoment
    /// Seconds that it had not lived when somebody ended it; nil where nobody has since it began.
    public var silenceAtEnd: Double?

    static func read(_ folder: URL) -> UpdaterBrief? {
        (try? Data(contentsOf: place(folder))).flatMap { try? GatehouseJSON.decoder.decode(UpdaterBrief.self, from: $0) }
    }

    func write(to folder: URL) throws {
        try DurableFile.write(GatehouseJSON.encoder.encode(self), to: Self.place(folder).path, permissions: 0o600)
    }

    /// The box has no server of releases any more.
    static func remove(_ folder: URL) { try? FileManager.default.removeItem(at: place(folder)) }

    private static func place(_ folder: URL) -> URL { folder.appending(path: "updater.json") }

    /// What a life of the box begins with: one that died has not lived since, however often it was started; while somebody had ended it no time passed.
    mutating func begin(after last: UpdaterBrief?) {
        guard let last else { return }
        if let silence = last.silenceAtEnd {
            lived.seconds -= silence
        } else if last.lived.boot == lived.boot {
            lived = last.lived
        }
    }

    /// Somebody ends the box.
    mutating func end(at now: MachineMoment) { silenceAtEnd = silence(at: now).seconds }

    /// How long the box has said nothing while the machine ran.
    func silence(at now: MachineMoment) -> Duration {
        .seconds(lived.boot == now.boot ? now.seconds - lived.seconds : now.seconds)
    }
}

/// A moment by the machine's own count, which no clock that is set changes; a suspended machine counts on.
public struct MachineMoment: Codable, Sendable, Equatable {
    /// The kernel's name of this run of the machine.
    public let boot: String
    /// Since it began.
    public var seconds: Double

    public init(boot: String, seconds: Double) {
        self.boot = boot
        self.seconds = seconds
    }

    public static var now: MachineMoment {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return MachineMoment(boot: TimeSource.bootID, seconds: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
    }
}

/// One process, and not another that has its number by now. A program that takes a process over has its identity.
public struct ProcessIdentity: Codable, Sendable, Equatable {
    public let number: Int32
    /// By the kernel's count (proc(5), /proc/pid/stat, field 22).
    let start: UInt64

    /// Nil where there is no such process.
    public init?(_ number: Int32) {
        guard let text = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8),
            // The second field is the program's name in parentheses, with whatever it has in it.
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", let start = UInt64(fields[19]) else { return nil }
        self.number = number
        self.start = start
    }

    public var runs: Bool { Self(number) == self }

    /// Ends it: in order, and after a while in any case. Returns at once where it does not run.
    public func end(patience: Duration, time: TimeSource) async throws {
        for (signal, wait) in [(SIGTERM, patience), (SIGKILL, .seconds(5))] {
            guard runs else { return }
            kill(number, signal)
            let limit = time.uptime() + wait
            while runs, time.uptime() < limit { try await time.sleep(.milliseconds(100)) }
        }
    }
}
