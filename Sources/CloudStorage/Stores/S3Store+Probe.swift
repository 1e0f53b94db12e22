import AsyncHTTPClient
import Core
import Crypto
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import XML

// What a bucket can do, by trying: each ability once, with objects of a few bytes under a key of its own, which are removed again.
extension S3Store {
    /// What a trial of the bucket's abilities found, with a sentence each.
    public struct Probe: Sendable, Equatable {
        public var abilities: StoreAbilities
        public var steps: [StorageTrial.Step] = []
    }

    /// The smallest part that is worth having.
    private static let smallPart = 256 << 10
    /// Beyond this S3 refuses signatures (15 minutes), and long before it clips' times are wrong.
    private static let clockTolerance = 60.0

    /// Tries what the bucket can. A step that fails is an ability that is missing, not a fault.
    /// - Throws: `StoreError` when the store cannot be reached at all.
    public func probe(under prefix: String) async throws -> Probe {
        var probe = Probe(abilities: abilities)
        let key = "\(prefix)/\(ClipID.timeOrdered(at: time.now()))"
        try await probeClock(&probe)
        try await probeConditions(&probe, key + "-c")
        try await probeChecksum(&probe, key + "-s")
        try await probeTags(&probe, key + "-t")
        try await probeParts(&probe, key + "-p")
        try await probeRules(&probe)
        return probe
    }

    private func small(_ text: String) -> Body {
        let data = Data(text.utf8)
        return Body(content: .bytes(ByteBuffer(data: data)), bytes: data.count, sha256: Hexadecimal.text(SHA256.hash(data: data)))
    }

    private func isDone(_ response: HTTPClientResponse) -> Bool { (200...204).contains(response.status.code) }

    /// Asks, and takes no passing trouble of the store for an answer.
    private func ask(
        _ method: HTTPMethod, _ key: String, query: [(String, String)] = [], headers: [String: String] = [:], body: Body? = nil,
        allowing limit: Duration? = nil
    ) async throws -> HTTPClientResponse {
        let response = try await send(method, key, query: query, headers: headers, body: body, allowing: limit)
        let status = response.status.code
        guard status != 429, status < 500 || status == 501 else { throw await refusal(response) }
        return response
    }

    private func probeClock(_ probe: inout Probe) async throws {
        let before = time.now()
        let response = try await send(.GET, "", query: [("list-type", "2"), ("max-keys", "1")])
        _ = try? await response.body.collect(upTo: 1 << 20)
        guard let stated = response.headers.first(name: "date").flatMap(Self.httpDate) else { return }
        let offset = stated.timeIntervalSince(before)
        probe.abilities.clockOffset = offset
        probe.note(
            "clock", abs(offset) <= Self.clockTolerance, ok: "The box's clock and the storage's agree.",
            missing: "The storage's clock is \(Int(abs(offset))) s \(offset > 0 ? "ahead of" : "behind") the box's. Check the box's time.")
    }

    private func probeConditions(_ probe: inout Probe, _ key: String) async throws {
        let plain = try await ask(.PUT, key, body: small("first"))
        // Who may not write at all learns nothing of what the bucket can.
        guard isDone(plain) else { throw await refusal(plain) }
        let again = try await ask(.PUT, key, headers: ["if-none-match": "*"], body: small("second"))
        probe.abilities.conditionalPut = again.status.code == 412 || again.status.code == 409
        probe.note(
            "conditions", probe.abilities.conditionalPut, ok: "The storage itself keeps an object from being overwritten.",
            missing: "The storage lets objects be overwritten, so the box looks before each upload.")
        try await delete(key)
    }

    private func probeChecksum(_ probe: inout Probe, _ key: String) async throws {
        let wrong = Self.base64(hexadecimal: Self.emptySHA256)
        let response = try await ask(.PUT, key, headers: ["x-amz-checksum-sha256": wrong], body: small("not empty"))
        let refuses = response.status.code == 400
        // A store that does not know the header may ignore it, which does no harm, or refuse it whatever it says.
        let right = Hexadecimal.text(SHA256.hash(data: Data("whole".utf8)))
        let honest = try await ask(
            .PUT, key + "2", headers: ["x-amz-checksum-sha256": Self.base64(hexadecimal: right)], body: small("whole"))
        probe.abilities.checksum = isDone(honest)
        probe.note(
            "checksum", refuses && isDone(honest), ok: "The storage checks each object's SHA-256 as it arrives.",
            missing: "The storage does not check SHA-256 checksums; the signature of each upload holds its digest all the same.")
        try await delete(key)
        try await delete(key + "2")
    }

    private func probeTags(_ probe: inout Probe, _ key: String) async throws {
        let response = try await ask(.PUT, key, headers: ["x-amz-tagging": "site=trial"], body: small("tagged"))
        probe.abilities.tags = isDone(response)
        probe.note(
            "tags", probe.abilities.tags, ok: "Objects may bear tags.", missing: "Objects cannot bear tags here; footage goes up without.")
        try await delete(key)
    }

    private func probeParts(_ probe: inout Probe, _ key: String) async throws {
        guard let id = try await begin(key) else {
            probe.abilities.multipart = false
            return probe.note("parts", false, ok: "", missing: "Objects cannot go up in parts; a broken upload begins anew.")
        }
        probe.abilities.multipart = true
        // Two at a time, the first of them smaller than Amazon takes.
        let (first, second) = try await concurrently {
            try await self.putPart(1, key, id, bytes: Self.smallPart)
        } _: {
            try await self.putPart(2, key, id, bytes: 1024)
        }
        let tags = [first, second]
        probe.abilities.parallelParts = tags.allSatisfy { $0 != nil }
        let accepted = try await finish(key, id, tags.compactMap { $0 })
        probe.abilities.minimumPartBytes = accepted ? Self.smallPart : 5 << 20
        probe.note(
            "parts", true,
            ok: accepted
                ? "Objects may go up in parts as small as 256 KiB, so a broken upload loses little."
                : "Objects may go up in parts of at least 5 MiB.", missing: "")
        if !accepted { try await abort(key, id) }
        try await delete(key)
    }

    private func begin(_ key: String) async throws -> String? {
        let response = try await ask(.POST, key, query: [("uploads", "")])
        return try? await document(response, named: "InitiateMultipartUploadResult")["UploadId"]?.word
    }

    private func putPart(_ number: Int, _ key: String, _ id: String, bytes: Int) async throws -> String? {
        let data = Data(repeating: UInt8(number), count: bytes)
        let body = Body(content: .bytes(ByteBuffer(data: data)), bytes: bytes, sha256: Hexadecimal.text(SHA256.hash(data: data)))
        let response = try await ask(.PUT, key, query: [("partNumber", String(number)), ("uploadId", id)], body: body)
        return isDone(response) ? response.headers.first(name: "etag") : nil
    }

    private func finish(_ key: String, _ id: String, _ tags: [String]) async throws -> Bool {
        let parts = tags.enumerated().map { index, tag in
            XMLTree("Part", children: [XMLTree("PartNumber", text: String(index + 1)), XMLTree("ETag", text: tag)])
        }
        let body = small(XMLTree("CompleteMultipartUpload", children: parts).document)
        let response = try await ask(.POST, key, query: [("uploadId", id)], body: body, allowing: timeout + .seconds(30))
        return (try? await document(response, named: "CompleteMultipartUploadResult")) != nil
    }

    private func probeRules(_ probe: inout Probe) async throws {
        let lock = try await send(.GET, "", query: [("object-lock", "")])
        probe.abilities.objectLock = lock.status.code == 200 ? true : lock.status.code == 404 ? false : nil
        _ = try? await lock.body.collect(upTo: 1 << 20)
        let rules = try await send(.GET, "", query: [("lifecycle", "")])
        let document = rules.status.code == 200 ? try? await document(rules, named: "LifecycleConfiguration") : nil
        probe.abilities.lifecycle = document.map { !$0.all("Rule").isEmpty } ?? (rules.status.code == 404 ? false : nil)
        probe.note(
            "rules", true,
            ok: probe.abilities.lifecycle == true
                ? "The bucket has rules of its own that remove objects; check that none removes footage before its retention ends."
                : "The box removes footage itself when its retention ends.", missing: "")
    }

    /// RFC 9110's date, as all servers write it.
    static func httpDate(_ text: String) -> Date? {
        let words = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 6, let day = Int(words[1]), let month = months.firstIndex(of: String(words[2])), let year = Int(words[3])
        else {
            return nil
        }
        let clock = words[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3 else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(
            from: DateComponents(year: year, month: month + 1, day: day, hour: clock[0], minute: clock[1], second: clock[2]))
    }
}

extension S3Store.Probe {
    fileprivate mutating func note(_ name: String, _ has: Bool, ok: String, missing: String) {
        steps.append(StorageTrial.Step(name: name, ok: has, sentence: has ? ok : missing))
    }
}
