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
        routes.get("operations/export") { _, _ in export() }
    }

    private func list(_ request: Request) async throws -> Response {
        let query = request.uri.queryParameters
        var filter = OperationFilter()
        var errors: [Problem.FieldError] = []
        func text(_ name: String) -> String? { query[name[...]].map(String.init) }
        func wrong(_ name: String, _ what: String) { errors.append(.init(field: "/\(name)", detail: "\(name) must be \(what).")) }
        func date(_ name: String) -> Date? {
            guard let given = text(name) else { return nil }
            let date = GatehouseJSON.date(given)
            if date == nil { wrong(name, "a time such as 2026-11-27T08:15:00Z") }
            return date
        }
        func number(_ name: String, _ range: ClosedRange<Int>) -> Int? {
            guard let given = text(name) else { return nil }
            guard let number = Int(given), range.contains(number) else {
                wrong(name, "\(range.lowerBound) to \(range.upperBound)")
                return nil
            }
            return number
        }
        let known = ["person", "action", "subject", "from", "to", "result", "before", "limit"]
        for name in Set(query.map { String($0.key) }).subtracting(known) {
            errors.append(.init(field: "/\(name.prefix(64))", detail: "\(name.prefix(64)) is not known here."))
        }
        (filter.person, filter.action, filter.subject) = (text("person"), text("action"), text("subject"))
        (filter.from, filter.to) = (date("from"), date("to"))
        filter.before = number("before", 1...Int.max)
        let limit = number("limit", 1...Self.most) ?? Self.usual
        if let result = text("result") {
            if result != "failed" { wrong("result", "failed") }
            filter.failed = true
        }
        guard errors.isEmpty else { throw Problem.invalid(errors) }
        let lines = try await log.lines(filter, limit: limit + 1)
        let page = lines.prefix(limit)
        let next = lines.count > limit ? page.last.map { String($0.number) } : nil
        return try answer(ListAnswer(items: page.map(OperationAnswer.init), next: Nullable(next)))
    }

    /// All lines, the oldest first, each as a JSON object with its digests (JSON lines).
    private func export() -> Response {
        let body = ResponseBody { writer in
            var next = 0
            while true {
                let lines = try await log.lines(from: next, limit: Self.atOnce)
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
        subjectName = Nullable(line.subjectName)
        before = Nullable(line.before)
        after = Nullable(line.after)
        address = line.address
        result = line.result
    }
}
