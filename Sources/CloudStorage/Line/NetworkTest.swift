public import Core
import Crypto
import Foundation
import Synchronization

/// What a test of the line found.
public struct NetworkTestResult: Codable, Sendable, Equatable {
    /// What the bytes went over.
    public enum Measured: String, Codable, Sendable {
        case line
        /// A folder is written without the line: how fast is a matter of its disk.
        case disk
    }

    /// Bits a second of real uploads to the target, several at a time.
    public var uploadBitsPerSecond: Int
    /// Median time of a small request and its answer, milliseconds.
    public var latencyMilliseconds: Double
    /// Share of packets that the kernel sent again meanwhile, 0 to 1; nil where it does not tell.
    public var loss: Double?
    /// Bytes that the test sent.
    public var bytes: Int
    public var seconds: Double
    /// Nil in results of before a folder was told apart.
    public var measured: Measured?
}

/// How far a test of the line is.
public struct NetworkTestProgress: Sendable, Equatable {
    public enum Stage: String, Sendable {
        case latency, upload, cleaning
    }
    public let stage: Stage
    public let bytes: Int
    public let bitsPerSecond: Int?
}

/// Measures the line to the real target with real uploads: bounded in bytes and time, and cleaned up behind itself.
public struct NetworkTest: Sendable {
    /// No test sends more.
    public static let mostBytes = 24 << 20
    private static let span = Duration.seconds(10)
    private static let atATime = 3
    private static let smallest = 128 << 10
    private static let largest = 4 << 20

    private let store: any ObjectStore
    private let prefix: String
    private let time: TimeSource

    /// A test that puts its objects under `prefix`.
    public init(store: any ObjectStore, prefix: String, time: TimeSource) {
        self.store = store
        self.prefix = prefix
        self.time = time
    }

    private final class Tally: Sendable {
        private let state = Mutex((bytes: 0, reserved: 0, keys: [String]()))

        /// Takes bytes out of what the test may send; answers false where they are too many.
        func reserve(_ bytes: Int) -> Bool {
            state.withLock { state in
                guard state.reserved + bytes <= NetworkTest.mostBytes else { return false }
                state.reserved += bytes
                return true
            }
        }

        func add(_ bytes: Int) -> Int {
            state.withLock { state in
                state.bytes += bytes
                return state.bytes
            }
        }
        var bytes: Int { state.withLock { $0.bytes } }
        func made(_ key: String) { state.withLock { $0.keys.append(key) } }
        var keys: [String] { state.withLock { $0.keys } }
    }

    /// Runs the test; what it put is removed whatever happens.
    /// - Throws: `StoreError`, `CancellationError`.
    public func run(progress: @escaping @Sendable (NetworkTestProgress) -> Void) async throws -> NetworkTestResult {
        let tally = Tally()
        let result: Result<NetworkTestResult, any Error>
        do {
            result = .success(try await measure(tally, progress))
        } catch {
            result = .failure(error)
        }
        progress(NetworkTestProgress(stage: .cleaning, bytes: tally.bytes, bitsPerSecond: nil))
        let (store, keys) = (store, tally.keys)
        // In a task of its own, so that a test that was cancelled is cleaned up too.
        await Task { for key in keys { try? await store.delete(key) } }.value
        return try result.get()
    }

    private func measure(
        _ tally: Tally, _ progress: @escaping @Sendable (NetworkTestProgress) -> Void
    ) async throws -> NetworkTestResult {
        progress(NetworkTestProgress(stage: .latency, bytes: 0, bitsPerSecond: nil))
        let latency = try await latency()
        // Nothing on the way can make it smaller.
        let noise = (0..<Self.largest / 8).map { _ in UInt64.random(in: .min ... .max) }.withUnsafeBytes { Data($0) }
        let before = PacketCounts.now()
        let began = time.uptime()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for stream in 0..<Self.atATime {
                group.addTask { try await upload(stream, noise, tally, began, progress) }
            }
            try await group.waitForAll()
        }
        let seconds = max(0.001, (time.uptime() - began).seconds)
        return NetworkTestResult(
            uploadBitsPerSecond: Int(Double(tally.bytes) * 8 / seconds), latencyMilliseconds: latency * 1000,
            loss: PacketCounts.loss(before, PacketCounts.now()), bytes: tally.bytes, seconds: seconds,
            measured: store.usesUplink ? .line : .disk)
    }

    private func latency() async throws -> Double {
        var times: [Double] = []
        for _ in 0..<7 {
            let began = time.uptime()
            _ = try await store.head("\(prefix)/latency")
            times.append((time.uptime() - began).seconds)
        }
        // The first one opens the connection.
        times.removeFirst()
        return times.sorted()[times.count / 2]
    }

    /// One of several streams of uploads, each object as large as the line carries in about two seconds.
    private func upload(
        _ stream: Int, _ noise: Data, _ tally: Tally, _ began: Duration, _ progress: @escaping @Sendable (NetworkTestProgress) -> Void
    ) async throws {
        var size = Self.smallest
        var number = 0
        // One of each stream goes however busy the box is.
        while number == 0 || time.uptime() - began < Self.span, tally.reserve(size) {
            try Task.checkCancellation()
            number += 1
            let key = "\(prefix)/\(ClipID.timeOrdered(at: time.now()))-\(stream)-\(number).bin"
            let data = noise.prefix(size)
            tally.made(key)
            let started = time.uptime()
            try await store.put(
                ObjectUpload(
                    key: key, content: .data(data), bytes: size, sha256: Sidecar.sha256(data), contentType: "application/octet-stream")
            ) { _ in }
            let now = time.uptime()
            let bytes = tally.add(size)
            progress(
                NetworkTestProgress(stage: .upload, bytes: bytes, bitsPerSecond: Int(Double(bytes) * 8 / max(0.001, (now - began).seconds)))
            )
            let rate = Double(size) / max(0.001, (now - started).seconds)
            size = min(Self.largest, max(Self.smallest, Int(rate * 2)))
        }
    }
}

/// The kernel's counts of TCP segments, of the whole box.
struct PacketCounts: Equatable {
    let sent: Int
    let again: Int

    static func now() -> PacketCounts? {
        (try? String(contentsOfFile: "/proc/net/snmp", encoding: .utf8)).flatMap(parse)
    }

    /// Reads the table of `/proc/net/snmp` (RFC 1213's names).
    static func parse(_ text: String) -> PacketCounts? {
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("Tcp:") }.map { $0.split(separator: " ") }
        guard rows.count == 2, rows[0].count == rows[1].count, let sent = rows[0].firstIndex(of: "OutSegs"),
            let again = rows[0].firstIndex(of: "RetransSegs"), let out = Int(rows[1][sent]), let repeated = Int(rows[1][again])
        else { return nil }
        return PacketCounts(sent: out, again: repeated)
    }

    static func loss(_ before: PacketCounts?, _ after: PacketCounts?) -> Double? {
        guard let before, let after, after.sent > before.sent else { return nil }
        return min(1, Double(max(0, after.again - before.again)) / Double(after.sent - before.sent))
    }
}
