import AsyncHTTPClient
import Core
public import Foundation
import NIOCore
import NIOHTTP1
public import Outbound

/// What a box tells its vendor of an upgrade that ended. Nothing in it is of people, cameras or footage.
public struct UpgradeReport: Codable, Sendable, Equatable {
    public let serialNumber: String
    public let model: String
    /// As Debian calls it.
    public let architecture: String
    public let from: ReleaseVersion
    public let to: ReleaseVersion
    /// What the release is called on boxes: its version and the beginning of its digest.
    public let release: String
    public let origin: String
    public let outcome: Upgrade.Outcome
    /// A sentence, in English.
    public let reason: String?
    public let startedAt: Date
    public let endedAt: Date

    /// Nil where the upgrade goes on.
    init?(_ upgrade: Upgrade, serialNumber: String, model: String, architecture: String) {
        guard let endedAt = upgrade.endedAt else { return nil }
        self.serialNumber = serialNumber
        self.model = model
        self.architecture = architecture
        from = upgrade.from
        to = upgrade.to
        release = upgrade.slot
        origin = upgrade.origin.rawValue
        outcome = upgrade.outcome
        reason = upgrade.reason
        self.startedAt = upgrade.startedAt
        self.endedAt = endedAt
    }

    /// Where it lies below the address of reports: the same each time that it is sent.
    var path: String { "\(release)/\(serialNumber)-\(Int(startedAt.timeIntervalSince1970)).json" }
}

/// A place that takes reports by PUT (RFC 9110, section 9.3.4): a bucket that lets boxes write, or a web server.
public struct ReportPlace: Sendable {
    private static let patience = TimeAmount.seconds(60)

    private let place: HTTPSource.Place
    private let servers: AddressPolicy

    public init(_ place: HTTPSource.Place, servers: AddressPolicy) {
        self.place = place
        self.servers = servers
    }

    /// - Throws: `SourceFailure` where it was not taken.
    public func put(_ report: UpgradeReport) async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: HTTPSource.configuration(place, servers))
        do {
            var request = HTTPClientRequest(url: "\(place.url)/\(report.path)")
            request.method = .PUT
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(try GatehouseJSON.encoder.encode(report))
            let status = try await client.execute(request, timeout: Self.patience).status.code
            guard (200..<300).contains(status) else { throw SourceFailure("It answers with status \(status).", isPassing: true) }
        } catch {
            try? await client.shutdown()
            throw error
        }
        try await client.shutdown()
    }
}
