import Cameras
import Core
import Foundation
import MediaWorker
import Synchronization

/// A device's recording in a temporary file of bounded size, without which no worker can look at it twice.
final class DownloadedRecording: Sendable {
    static let mostBytes = 256 << 20

    enum Failure: Error {
        case tooLarge
        case disk(String)
    }

    let recording: DeviceRecording
    private let path: String
    private let bytes = Mutex(0)

    private init(_ recording: DeviceRecording, path: String) {
        self.recording = recording
        self.path = path
    }

    deinit { unlink(path) }

    /// Fetches `recording` into a file at `path`, which goes with the value.
    static func fetch(_ recording: DeviceRecording, from driver: any CameraDriver, to path: String) async throws -> DownloadedRecording {
        let made = DownloadedRecording(recording, path: path)
        let queue = BlockingQueue(name: "refill", background: true)
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure.disk(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        let failure = Mutex<Failure?>(nil)
        do throws(DeviceFailure) {
            try await driver.download(recording) { piece in
                let total = made.bytes.withLock { bytes in
                    bytes += piece.count
                    return bytes
                }
                let result: Failure? =
                    total > mostBytes ? .tooLarge : await queue.run { write(piece, to: descriptor) }
                if let result {
                    failure.withLock { $0 = result }
                    throw result
                }
            }
        } catch {
            // What kept us from taking it is no failure of the device.
            throw failure.withLock { $0 } ?? error as any Error
        }
        guard made.bytes.withLock({ $0 }) > 0 else { throw DeviceFailure(.deviceError, "The device sends nothing of this recording.") }
        return made
    }

    private static func write(_ piece: [UInt8], to descriptor: Int32) -> Failure? {
        var done = 0
        while done < piece.count {
            let count = piece.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return .disk(String(cString: strerror(errno))) }
            done += count
        }
        return nil
    }

    /// Its bytes, for a worker.
    func source() throws -> any TranscodeSource {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw Failure.disk("The downloaded recording is gone.") }
        return Source(handle: handle)
    }

    private struct Source: TranscodeSource {
        // FileHandle closes its file when it goes.
        let handle: FileHandle
        let queue = BlockingQueue(name: "refill-source", background: true)

        func next() async throws -> [UInt8]? {
            try await queue.run { [handle] in
                guard let data = try handle.read(upToCount: 256 << 10), !data.isEmpty else { return nil }
                return Array(data)
            }
        }
    }
}
