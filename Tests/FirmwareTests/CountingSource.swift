import Foundation
import Synchronization

@testable import Firmware

/// Counts what is fetched, and breaks off where it is told to.
final class CountingSource: ReleaseSource {
    struct Broken: Error {}

    private let source: any ReleaseSource
    private let breakAfter: Int
    private let fetched = Mutex((files: 0, bytes: 0))

    init(_ source: any ReleaseSource, breakAfter: Int = .max) {
        self.source = source
        self.breakAfter = breakAfter
    }

    var bytes: Int { fetched.withLock { $0.bytes } }

    func file(_ path: String, atMost limit: Int) async throws -> [UInt8] {
        let number = fetched.withLock { fetched in
            fetched.files += 1
            return fetched.files
        }
        guard number <= breakAfter else { throw Broken() }
        let bytes = try await source.file(path, atMost: limit)
        fetched.withLock { $0.bytes += bytes.count }
        return bytes
    }
}
