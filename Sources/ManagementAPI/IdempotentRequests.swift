import Access
import BoxDatabase
import Core
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Requests that a program may send again when it does not know whether they arrived: they are done once, and answered again
/// (draft-ietf-httpapi-idempotency-key-header-07).
///
/// A key is its person's, and remembered for a day. What was refused for who asked, was not there, or failed in the box, is not remembered.
struct IdempotentRequests: Sendable {
    /// Headers and body of an answer.
    private struct Kept: Codable {
        let headers: [String: String]
        let body: String
    }

    static let header = "Idempotency-Key"
    private static let kept: TimeInterval = 24 * 3600
    /// Of one person.
    private static let most = 2_000
    private static let mostBytes = 8 << 20
    private static let longestKey = 255
    private static let largest = 64 << 10

    let database: BoxDatabase
    let sealer: SecretSealer
    let time: TimeSource
    let logger: Logger

    /// Does what is asked, or gives the answer of the first time; `admit` decides once more whether the caller may.
    func once(
        _ request: Request, _ context: APIContext, admit: () async throws -> Void, _ body: (Request) async throws -> Response
    ) async throws -> Response {
        guard request.method == .post, let name = HTTPField.Name(Self.header), let said = request.headers[name], let caller = context.caller
        else { return try await body(request) }
        var request = request
        let record = try await record(&request, said, caller, now: time.now())
        if let former = try await begin(record) {
            try await admit()
            return try answer(former, to: record)
        }
        let response: Response
        do { response = try await body(request) } catch is CancellationError {
            // Nobody knows how far it came; the key stays taken.
            throw CancellationError()
        } catch {
            if let answered = try Problem.of(error)?.response(from: request, context: context) {
                _ = await keep(answered, record)
            } else {
                try? await forget(record)
            }
            throw error
        }
        return await keep(response, record)
    }

    private func record(_ request: inout Request, _ said: String, _ caller: Caller, now: Date) async throws
        -> IdempotentRequestRecord
    {
        // A structured string or a bare token (RFC 9651, section 3.3.3).
        let key = said.count >= 2 && said.hasPrefix("\"") && said.hasSuffix("\"") ? String(said.dropFirst().dropLast()) : said
        guard (1...Self.longestKey).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Self.wrongKey("The Idempotency-Key must have 1 to \(Self.longestKey) characters, without spaces.")
        }
        var asked = Data("\(request.method.rawValue) \(request.uri.string)\n".utf8)
        if let json = try await request.json(upTo: Self.largest) {
            asked.append(contentsOf: json.readableBytesView)
        } else if request.headers[.contentLength] ?? "0" != "0" || request.headers[.transferEncoding] != nil {
            throw Self.wrongKey("An Idempotency-Key is for requests with JSON or with nothing; this one has a file.")
        }
        return IdempotentRequestRecord(
            key: sealer.fingerprint(of: Data("\(caller.id):\(key)".utf8), context: "idempotency key"), personId: caller.id,
            fingerprint: sealer.fingerprint(of: asked, context: "idempotent request"), createdAt: now)
    }

    private static func wrongKey(_ sentence: String) -> Problem { Problem(.badRequest, "invalid-request", "Not valid", sentence) }

    /// Takes the key; nil where it is new, else the request that had it first.
    private func begin(_ record: IdempotentRequestRecord) async throws -> IdempotentRequestRecord? {
        try await database.write { database in
            try IdempotentRequestRecord.filter(Column("createdAt") < record.createdAt.addingTimeInterval(-Self.kept)).deleteAll(database)
            if let former = try IdempotentRequestRecord.fetchOne(database, key: record.key) { return former }
            try Self.makeRoom(for: record.personId, database)
            try record.insert(database)
            return nil
        }
    }

    /// Of each person so much is kept, whatever others ask; what nobody knows the end of stays.
    private static func makeRoom(for person: PersonID, _ database: Database) throws {
        let own = IdempotentRequestRecord.filter(Column("personId") == person)
        if try own.fetchCount(database) >= most {
            try own.filter(Column("status") != nil).order(Column("createdAt")).limit(most / 10).deleteAll(database)
            guard try own.fetchCount(database) < most else {
                throw Problem.conflict("\(most) requests with an Idempotency-Key are not answered.")
            }
        }
        let kept = "SELECT COALESCE(SUM(LENGTH(answer)), 0) FROM idempotentRequest WHERE personId = ?"
        guard try Int.fetchOne(database, sql: kept, arguments: [person]) ?? 0 > mostBytes else { return }
        try database.execute(
            sql: """
                UPDATE idempotentRequest SET answer = NULL WHERE key IN (
                    SELECT key FROM idempotentRequest WHERE personId = ? AND answer IS NOT NULL ORDER BY createdAt LIMIT ?)
                """, arguments: [person, most / 10])
    }

    /// Remembers an answer. What was done is never forgotten: where its answer cannot be kept, it is remembered without.
    private func keep(_ response: Response, _ record: IdempotentRequestRecord) async -> Response {
        var (response, done) = (response, record)
        let code = response.status.code
        do {
            // What may be refused for who asked, or for what there is not yet, may be granted an hour later.
            guard code < 500, ![401, 403, 404, 429].contains(code) else {
                try await forget(record)
                return response
            }
            done.status = code
            if let length = response.body.contentLength, length <= Self.largest {
                let bytes = try await response.bytes()
                response.body = ResponseBody(byteBuffer: bytes)
                if let body = String(validating: bytes.readableBytesView, as: UTF8.self) {
                    let names = [HTTPField.Name.contentType, .location]
                    let headers = names.compactMap { name in response.headers[name].map { (name.canonicalName, $0) } }
                    let kept = Kept(headers: Dictionary(uniqueKeysWithValues: headers), body: body)
                    let text = String(decoding: try JSONEncoder().encode(kept), as: UTF8.self)
                    done.answer = try sealer.seal(text, context: Self.context(record))
                }
            }
            try await database.write { [done] in try done.upsert($0) }
        } catch {
            // The key stays taken, as that of a request of which nobody knows how far it came.
            logger.error("an answer could not be kept for whoever asks again", metadata: ["error": "\(error)"])
        }
        return response
    }

    private func forget(_ record: IdempotentRequestRecord) async throws {
        _ = try await database.write { try record.delete($0) }
    }

    private func answer(_ former: IdempotentRequestRecord, to record: IdempotentRequestRecord) throws -> Response {
        guard former.fingerprint == record.fingerprint else {
            throw Problem(
                .unprocessableContent, "key-used", "Key used already", "Another request was sent with this Idempotency-Key. Use a new one.")
        }
        guard let status = former.status else {
            throw Problem(
                .conflict, "not-answered-yet", "Not answered yet",
                "The first request with this Idempotency-Key is not answered: it is being done, or the box was restarted meanwhile. Wait, then look whether it was done."
            )
        }
        guard let sealed = former.answer else {
            throw Problem(
                .conflict, "answer-not-kept", "Answer not kept",
                "The first request with this Idempotency-Key was answered with status \(status); its answer is not kept. Look whether it was done."
            )
        }
        let text = try sealer.unseal(sealed, context: Self.context(former))
        let kept = try JSONDecoder().decode(Kept.self, from: Data(text.utf8))
        var headers = HTTPFields()
        for (name, value) in kept.headers { if let name = HTTPField.Name(name) { headers[name] = value } }
        if let name = HTTPField.Name("Idempotent-Replayed") { headers[name] = "true" }
        return Response(status: .init(code: status), headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: kept.body)))
    }

    private static func context(_ record: IdempotentRequestRecord) -> String { "idempotent \(record.key)" }
}
