import Core

/// A source of which no more is asked than a line may carry.
struct PacedSource: ReleaseSource {
    let inner: any ReleaseSource
    /// Greater than 0.
    let bytesPerSecond: Double
    let time: TimeSource

    func file(_ path: String, atMost limit: Int) async throws -> [UInt8] {
        let bytes = try await inner.file(path, atMost: limit)
        // What came is paid for, not what might have come.
        try await time.sleep(.seconds(Double(bytes.count) / bytesPerSecond))
        return bytes
    }

    func close() async { await inner.close() }
}
