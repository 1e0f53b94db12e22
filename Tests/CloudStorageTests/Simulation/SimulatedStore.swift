import Core
import Crypto
import Foundation
import NIOCore
import Synchronization

@testable import CloudStorage

/// An object store in simulated time, which misbehaves by the seed.
final class SimulatedStore: ObjectStore {
    /// What may go wrong with a request.
    enum Fault: CaseIterable {
        /// 500.
        case internalError
        /// 503 with Retry-After.
        case slowDown
        /// 409.
        case conflict
        /// 412, though the key is free.
        case precondition
        /// The connection breaks before the request is read.
        case reset
        /// The connection breaks in the middle of the body.
        case truncated
        /// The request takes long, and succeeds.
        case slow
        /// The request is done and its answer lost.
        case lostAnswer
        /// The store says that the body's digest is wrong, or names another.
        case wrongDigest
        /// The store says that it has taken an object, and has not; or that it has none where it has one.
        case forgets
    }

    struct Object {
        let bytes: Int
        let sha256: String
        /// Where bytes are what they count for.
        let data: Data?
    }

    struct State {
        var objects: [String: Object] = [:]
        /// How often each key was given an object.
        var puts: [String: Int] = [:]
        /// Keys whose object was replaced though it must not be.
        var overwritten: [String] = []
        var requests = 0
        var failed = 0
    }

    let identity: String
    let state = Mutex(State())
    private let machine: SimulatedMachine
    private let line: SimulatedLine
    private let roundTrip: ClosedRange<Int>
    /// The share of requests that fail, now.
    private let faultRate: @Sendable () -> Double
    private let isAway: @Sendable () -> Bool
    /// Each byte of footage and pictures counts for so many on the line.
    private let scale: Int

    init(
        identity: String, machine: SimulatedMachine, line: SimulatedLine, roundTrip: ClosedRange<Int> = 20...200, scale: Int = 1,
        faultRate: @escaping @Sendable () -> Double, isAway: @escaping @Sendable () -> Bool
    ) {
        self.identity = identity
        self.machine = machine
        self.line = line
        self.roundTrip = roundTrip
        self.scale = scale
        self.faultRate = faultRate
        self.isAway = isAway
    }

    // MARK: Requests

    /// The way there: answers what will go wrong with the request.
    private func arrive() async throws -> Fault? {
        state.withLock { $0.requests += 1 }
        let rate = faultRate()
        let (fault, half, patience) = machine.draw { generator in
            let fault = generator.happens(rate) ? Fault.allCases[generator.number(0...Fault.allCases.count - 1)] : nil
            return (fault, generator.milliseconds(roundTrip) / 2, generator.milliseconds(1000...10_000))
        }
        if isAway() {
            try await machine.sleep(patience)
            throw fails(.unreachable, "no answer")
        }
        try await machine.sleep(fault == .slow ? patience * 6 : half)
        switch fault {
        case .internalError: throw fails(.busy, "500")
        case .slowDown: throw fails(.busy, "503", retryAfter: patience * 6)
        case .conflict: throw fails(.busy, "409")
        case .reset: throw fails(.unreachable, "reset")
        default: return fault
        }
    }

    /// The way back.
    private func answer() async throws {
        try await machine.sleep(machine.draw { $0.milliseconds(roundTrip) } / 2)
    }

    private func fails(_ kind: StoreError.Kind, _ sentence: String, retryAfter: Duration? = nil) -> StoreError {
        state.withLock { $0.failed += 1 }
        return StoreError(kind, sentence, retryAfter: retryAfter)
    }

    func put(_ upload: ObjectUpload, progress: @escaping @Sendable (UploadProgress) -> Void) async throws {
        let fault = try await arrive()
        if fault == .precondition { throw fails(.exists, "412") }
        if !upload.replaces, isTaken(upload.key) {
            try await answer()
            throw StoreError(.exists, "taken")
        }
        let data = try content(upload)
        try await receive(
            upload.contentType == "application/json" ? data.count : data.count * scale, upload, isCut: fault == .truncated, progress)
        guard fault != .wrongDigest, data.count == upload.bytes, Hexadecimal.text(SHA256.hash(data: data)) == upload.sha256 else {
            throw fails(.corrupted, "the body changed on its way")
        }
        do {
            try await answer()
        } catch {
            // The box ended with the whole body under way: the store may have it or not.
            if machine.draw({ $0.happens(0.5) }) { try commit(upload, data) }
            throw error
        }
        if fault == .forgets { return }
        try commit(upload, data)
        if fault == .lostAnswer {
            try await machine.sleep(.seconds(5))
            throw fails(.unreachable, "the answer was lost")
        }
    }

    private func isTaken(_ key: String) -> Bool { state.withLock { $0.objects[key] != nil } }

    private func content(_ upload: ObjectUpload) throws -> Data {
        switch upload.content {
        case .data(let data): return data
        case .file(let path):
            guard let data = FileManager.default.contents(atPath: path) else { throw FileError("open", path) }
            return data
        }
    }

    /// Takes the body in, piece by piece, at the pace that it is sent with.
    private func receive(
        _ bytes: Int, _ upload: ObjectUpload, isCut: Bool, _ progress: @Sendable (UploadProgress) -> Void
    ) async throws {
        var total = 0
        while total < bytes {
            let piece = min(128 << 10, bytes - total)
            try await upload.pace?(piece)
            try await line.carry(piece)
            if isAway() || isCut && total + piece >= bytes / 2 { throw fails(.unreachable, "broken in the middle") }
            total += piece
            progress(UploadProgress(piece: piece, total: total))
        }
    }

    private func commit(_ upload: ObjectUpload, _ data: Data) throws {
        try state.withLock { state in
            if !upload.replaces {
                guard state.objects[upload.key] == nil else { throw StoreError(.exists, "taken") }
            } else if upload.contentType != "application/json" {
                state.overwritten.append(upload.key)
            }
            state.puts[upload.key, default: 0] += 1
            state.objects[upload.key] = Object(bytes: upload.bytes, sha256: upload.sha256, data: scale == 1 ? data : nil)
        }
    }

    func head(_ key: String) async throws -> ObjectInfo? {
        let fault = try await arrive()
        let object = state.withLock { $0.objects[key] }
        try await answer()
        switch fault {
        case .lostAnswer, .truncated, .precondition: throw fails(.unreachable, "the answer was lost")
        case .forgets:
            state.withLock { $0.failed += 1 }
            return nil
        case .wrongDigest:
            state.withLock { $0.failed += 1 }
            return object.map { ObjectInfo(bytes: $0.bytes, sha256: String($0.sha256.reversed())) }
        default: return object.map { ObjectInfo(bytes: $0.bytes, sha256: $0.sha256) }
        }
    }

    func read(_ key: String, range: Range<Int>, to body: @Sendable (ByteBuffer) async throws -> Void) async throws {
        guard let data = state.withLock({ $0.objects[key]?.data }) else { throw StoreError(.unreachable, "no such object") }
        try await body(ByteBuffer(bytes: data[range]))
    }

    func list(_ prefix: String) async throws -> [ListedObject] {
        state.withLock { state in
            state.objects.filter { $0.key.hasPrefix(prefix) }.map {
                ListedObject(key: $0.key, bytes: $0.value.bytes, modified: machine.now)
            }.sorted { $0.key < $1.key }
        }
    }

    func delete(_ key: String) async throws {
        _ = try await arrive()
        state.withLock { _ = $0.objects.removeValue(forKey: key) }
    }

    func shutdown() async {}
}
