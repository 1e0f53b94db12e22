import Access
import BoxDatabase
import Core
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The operation log.
struct OperationRoutes {
    let services: BoxServices
    private var log: OperationLog { services.access.log }

    private static let usual = 50
    private static let most = 200
    private static let atOnce = 500

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("operations") { request, _ in try await list(request) }
        routes.get("sites/:id/operations") { request, context in
            // What was done before it was somebody's is not theirs to know.
            let site = try await services.access.sites.one(try context.identifier("site")).record
            guard let handedOverAt = site.handedOverAt else { return try answer(ListAnswer<OperationAnswer>(items: [])) }
            return try await list(request, of: site.id, handedOverAt)
        }
        routes.get("operations/export") { request, _ in try export(request) }
    }

    private func list(_ request: Request, of site: SiteID? = nil, _ handedOverAt: Date = .distantPast) async throws -> Response {
        let filters = site == nil ? Self.filters : Self.filters.subtracting(["siteId"])
        var words = QueryWords(request, known: filters.union(["before", "limit"]))
        var filter = Self.filter(&words)
        if let site {
            filter.site = site
            // By number, whatever the clock said; by the clock alone where that line is no longer kept.
            filter.first = try await log.handover(of: site)
            if filter.first == nil { filter.from = max(handedOverAt, filter.from ?? handedOverAt) }
        }
        filter.before = words.number("before", 1...Int.max)
        let limit = words.number("limit", 1...Self.most) ?? Self.usual
        try words.finish()
        let lines = try await log.lines(filter, limit: limit + 1)
        let page = lines.prefix(limit)
        let next = lines.count > limit ? page.last.map { String($0.number) } : nil
        return try answer(ListAnswer(items: page.map(OperationAnswer.init), next: Nullable(next)))
    }

    private static let filters: Set<String> = ["person", "action", "subject", "siteId", "from", "to", "result"]

    private static func filter(_ words: inout QueryWords) -> OperationFilter {
        var filter = OperationFilter()
        (filter.person, filter.action, filter.subject) = (words.text("person"), words.text("action"), words.text("subject"))
        (filter.site, filter.from, filter.to) = (words.identifier("siteId"), words.date("from"), words.date("to"))
        filter.failed = words.value("result", "failed") { $0 == "failed" ? true : nil } ?? false
        return filter
    }

    /// The lines that are wanted, the oldest first, each as a JSON object with its digests (JSON lines).
    private func export(_ request: Request) throws -> Response {
        var words = QueryWords(request, known: Self.filters)
        let filter = Self.filter(&words)
        try words.finish()
        let body = ResponseBody { writer in
            var next = 0
            while true {
                let lines = try await log.lines(filter, from: next, limit: Self.atOnce)
                guard let last = lines.last else { break }
                var bytes = ByteBuffer()
                for line in lines {
                    bytes.writeBytes(try GatehouseJSON.encoder.encode(line))
                    bytes.writeInteger(UInt8(ascii: "\n"))
                }
                try await writer.write(bytes)
                next = last.number + 1
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-ndjson",
                .contentDisposition: "attachment; filename=\"gatehouse-log-\(services.identity.serialNumber).ndjson\"",
            ], body: body)
    }
}

private struct OperationAnswer: Encodable {
    let number: Int
    let at: Date
    let clock: String
    let personId: Nullable<PersonID>
    let person: String
    let role: Nullable<String>
    let action: String
    let subject: Nullable<String>
    let siteId: Nullable<SiteID>
    let subjectName: Nullable<String>
    /// JSON objects, as texts: their fields are those of the operation.
    let before: Nullable<String>
    let after: Nullable<String>
    let address: String
    let result: String

    init(_ line: OperationRecord) {
        number = line.number
        at = line.at
        clock = line.clock
        personId = Nullable(line.personId)
        person = line.person
        role = Nullable(line.role)
        action = line.action
        subject = Nullable(line.subject)
        siteId = Nullable(line.siteId)
        subjectName = Nullable(line.subjectName)
        before = Nullable(line.before)
        after = Nullable(line.after)
        address = line.address
        result = line.result
    }
}
