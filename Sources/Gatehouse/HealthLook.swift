import AsyncHTTPClient
import BoxDatabase
import CloudStorage
import Core
import Firmware
import Foundation
import ManagementAPI
import NIOCore
import NIOHTTP1
import NIOSSL
import Recording
import Synchronization

/// Looks how the box does, for releases that are on trial: as somebody does who uses it.
struct HealthLook: Sendable {
    /// The port that is served, once it is.
    final class Port: Sendable {
        private let number = Mutex<Int?>(nil)
        var value: Int? { number.withLock { $0 } }
        func set(_ port: Int) { number.withLock { $0 = port } }
    }

    private static let setting = "health.lookedAt"
    private static let patience = TimeAmount.seconds(10)
    private static let largestAnswer = 64 << 10

    let port: Port
    let address: String
    let isEncrypted: Bool
    let database: BoxDatabase
    let channels: ChannelRegistry
    let uploader: Uploader
    let time: TimeSource

    func now() async -> BoxHealth {
        BoxHealth(
            answers: await answers(), writes: await writes(), camerasStreaming: channels.channels.count { $0.reception.hasPicture },
            uploads: uploader.failure == nil, memoryBytes: Self.memoryBytes, descriptors: Self.descriptors)
    }

    private func answers() async -> Bool {
        guard let port = port.value else { return false }
        let host = ["0.0.0.0", "::"].contains(address) ? "127.0.0.1" : address.contains(":") ? "[\(address)]" : address
        var configuration = HTTPClient.Configuration()
        var tls = TLSConfiguration.makeClientConfiguration()
        // It is the box itself.
        tls.certificateVerification = .none
        configuration.tlsConfiguration = tls
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let request = HTTPClientRequest(url: "\(isEncrypted ? "https" : "http")://\(host):\(port)/api/v1/setup")
        var isGood = false
        if let response = try? await client.execute(request, timeout: Self.patience) {
            let bytes = try? await response.body.collect(upTo: Self.largestAnswer)
            isGood = response.status == .ok && bytes != nil
        }
        try? await client.shutdown()
        return isGood
    }

    private func writes() async -> Bool {
        let now = time.now()
        return (try? await database.write { try $0.set(Self.setting, to: now) }) != nil
    }

    /// Resident (proc(5), statm).
    private static var memoryBytes: Int {
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
    }

    private static var descriptors: Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }
}
