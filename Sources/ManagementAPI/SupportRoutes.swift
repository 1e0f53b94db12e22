import Access
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOFoundationCompat

/// What somebody needs who helps with the box from afar: its log, and all that it says of itself in one file.
struct SupportRoutes {
    /// What goes into the file, each as whoever asks may see it.
    private static let looks = [
        "system", "health", "storage", "storage/line", "storage/line/history", "storage/gaps", "firmware", "firmware/history",
        "device-firmware", "devices",
        "channels", "onboardings", "certificate", "relay/reach", "plans",
    ]
    private static let writing = BlockingQueue(name: "support", background: true)

    let services: BoxServices
    let viewer: ResourceViewer

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("support") { _, _ in try answer(await supportAnswer()) }
        routes.put("support") { request, context in try await set(request, context) }
        routes.get("support/bundle") { request, context in try await bundle(request, context) }
    }

    private func set(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let collects = body.bool("collectsLog", required: true)
        // A null is refused, where nothing said means a day.
        _ = body.value("hours", required: false, nullable: false)
        let hours = body.integer("hours", 1...168) ?? 24
        try body.finish()
        let end = collects ?? false ? services.time.now().addingTimeInterval(Double(hours) * 3600) : nil
        try await services.logCollection.set(end, in: services.database)
        services.logger.notice(
            "collecting of the log set",
            metadata: ["until": "\(end.map(GatehouseJSON.text) ?? "off")", "by": "\(context.caller?.name ?? "")"])
        return try answer(await supportAnswer())
    }

    private var crashes: CrashReports { CrashReports(state: services.stateFolder) }

    private func supportAnswer() async throws -> SupportAnswer {
        SupportAnswer(services.logCollection, await Self.writing.run { [crashes] in crashes.reports })
    }

    private func bundle(_ request: Request, _ context: APIContext) async throws -> Response {
        var files: [(name: String, bytes: Data)] = [("README.txt", Data(SupportBundle.intro.utf8))]
        for look in Self.looks {
            guard let json = try? await viewer.json(at: "/api/v1/\(look)", as: request, context: context) else { continue }
            files.append(("\(look.replacing("/", with: "-")).json", Data(buffer: json)))
        }
        files += await Self.writing.run { [crashes] in
            crashes.reports.compactMap { report in crashes.text(report).map { ("crashes/\(report.name)", $0) } }
        }
        files.append(("log.txt", Data(services.logCollection.keeper.lines.joined().utf8)))
        let path = "\(services.uploadFolder)/\(UUID().uuidString).support"
        defer { unlink(path) }
        let file = try await Self.writing.run { [files] in try SupportBundle.write(files, to: path) }
        let name = "gatehouse-\(services.identity.serialNumber)-\(GatehouseJSON.text(services.time.now()).prefix(10)).support.tar"
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-tar", .contentDisposition: "attachment; filename=\"\(name)\"", .cacheControl: "no-store",
            ],
            body: FileBody.body(file, bytes: Int(try file.seekToEnd())))
    }
}

struct SupportAnswer: Encodable {
    let collectsLog: Bool
    let until: Nullable<Date>
    struct Crash: Encodable {
        let at: Date
        let version: String
        let signal: String
        /// Another process sent it: the watchdog, where the box hung.
        let wasSent: Bool
    }

    /// Of earlier lives, the newest first.
    let crashes: [Crash]
    /// Of the log, as they are kept now.
    let lines: Int
    let bytes: Int

    init(_ collection: LogCollection, _ crashes: [CrashReports.Report]) {
        self.crashes = crashes.map { .init(at: $0.at, version: $0.version, signal: $0.signal, wasSent: $0.wasSent) }
        collectsLog = collection.endsAt != nil
        until = Nullable(collection.endsAt)
        (lines, bytes) = collection.keeper.size
    }
}
