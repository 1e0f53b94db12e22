import AsyncHTTPClient
import Core
import Crypto
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import XML

// Objects in parts: begun, remembered, gone on with after a break, completed, and cleared away when nothing became of them.
extension S3Store {
    /// A part that the store has.
    private struct Part: Equatable {
        let number: Int
        let tag: String
        let bytes: Int
    }

    /// Leftovers older than this are cleared away.
    private static let leftoverAge = 2 * 86_400.0
    private static let mostParts = 10_000

    func putInParts(
        _ upload: ObjectUpload, path: String, partBytes: Int, uploads: MultipartUploads,
        progress: @escaping @Sendable (UploadProgress) -> Void
    ) async throws {
        var (begun, parts) = try await takeUp(upload, uploads)
        if begun == nil {
            let bytes = max(partBytes, (upload.bytes + Self.mostParts - 1) / Self.mostParts)
            begun = try await begin(upload, partBytes: bytes, uploads)
            parts = []
        }
        guard let begun else { return }
        let count = (upload.bytes + begun.partBytes - 1) / begun.partBytes
        var tags: [String] = []
        for number in 1...count {
            let span = (number - 1) * begun.partBytes..<min(upload.bytes, number * begun.partBytes)
            let digests = try await Self.digests(of: path, span)
            if let part = parts.first(where: { $0.number == number }), part.bytes == span.count, Self.fits(part.tag, md5: digests.md5) {
                progress(UploadProgress(piece: 0, total: span.upperBound))
                tags.append(part.tag)
            } else {
                tags.append(try await put(number, of: begun, span, sha256: digests.sha256, path: path, upload, progress: progress))
                CrashPoint.reach("upload.part")
            }
        }
        do {
            try await complete(begun, tags: tags)
        } catch let error as StoreError where [.exists, .gone, .corrupted].contains(error.kind) {
            // What is there of it will never become the object: nothing of it must stay.
            try? await abort(upload.key, begun.uploadId)
            try await uploads.end(upload.key)
            throw error
        }
        try await uploads.end(upload.key)
    }

    /// An upload that was begun before, with the parts that the store has of it.
    private func takeUp(_ upload: ObjectUpload, _ uploads: MultipartUploads) async throws -> (MultipartUploads.Upload?, [Part]) {
        guard let begun = try await uploads.find(upload.key, store: target.identity, sha256: upload.sha256) else { return (nil, []) }
        do {
            return (begun, try await listParts(of: begun))
        } catch let error as StoreError where [.gone, .noBucket].contains(error.kind) {
            // Completed with the answer lost, or cleared away.
            try await uploads.end(upload.key)
            if try await head(upload.key) != nil { throw StoreError(.exists, "Something is stored under this key already.") }
            return (nil, [])
        }
    }

    private func begin(_ upload: ObjectUpload, partBytes: Int, _ uploads: MultipartUploads) async throws -> MultipartUploads.Upload {
        let response = try await send(.POST, upload.key, query: [("uploads", "")], headers: headers(of: upload))
        let answer = try await document(response, named: "InitiateMultipartUploadResult")
        guard let id = answer["UploadId"]?.word else { throw Self.nonsense }
        let begun = MultipartUploads.Upload(
            objectKey: upload.key, uploadId: id, partBytes: partBytes, sha256: upload.sha256, store: target.identity, startedAt: time.now())
        try await uploads.begin(begun)
        return begun
    }

    private func put(
        _ number: Int, of begun: MultipartUploads.Upload, _ span: Range<Int>, sha256: String, path: String, _ upload: ObjectUpload,
        progress: @escaping @Sendable (UploadProgress) -> Void
    ) async throws -> String {
        let body = try body(of: .file(path), span, sha256: sha256, pace: upload.pace) { piece, total in
            progress(UploadProgress(piece: piece, total: span.lowerBound + total))
        }
        let response = try await send(
            .PUT, upload.key, query: [("partNumber", String(number)), ("uploadId", begun.uploadId)], body: body)
        try await expect(response, [200])
        guard let tag = response.headers.first(name: "etag") else { throw Self.nonsense }
        return tag
    }

    private func listParts(of begun: MultipartUploads.Upload) async throws -> [Part] {
        var parts: [Part] = []
        var marker = "0"
        while true {
            let response = try await send(
                .GET, begun.objectKey, query: [("part-number-marker", marker), ("uploadId", begun.uploadId)])
            let answer = try await document(response, named: "ListPartsResult")
            for part in answer.all("Part") {
                guard let number = part["PartNumber"]?.integer, let tag = part["ETag"]?.word, let bytes = part["Size"]?.integer else {
                    continue
                }
                parts.append(Part(number: number, tag: tag, bytes: bytes))
            }
            guard answer["IsTruncated"]?.flag == true, let next = answer["NextPartNumberMarker"]?.integer,
                next > (Int(marker) ?? 0), parts.count <= Self.mostParts
            else { return parts }
            marker = String(next)
        }
    }

    private func complete(_ begun: MultipartUploads.Upload, tags: [String]) async throws {
        let parts = tags.enumerated().map { index, tag in
            XMLTree("Part", children: [XMLTree("PartNumber", text: String(index + 1)), XMLTree("ETag", text: tag)])
        }
        let text = Data(XMLTree("CompleteMultipartUpload", children: parts).document.utf8)
        let body = Body(content: .bytes(ByteBuffer(data: text)), bytes: text.count, sha256: Hexadecimal.text(SHA256.hash(data: text)))
        let response = try await send(
            .POST, begun.objectKey, query: [("uploadId", begun.uploadId)],
            headers: abilities.conditionalPut ? ["if-none-match": "*"] : [:], body: body, allowing: timeout + .seconds(60))
        // A store that fails after it has begun to answer says so in a document under a 200.
        _ = try await document(response, named: "CompleteMultipartUploadResult")
    }

    /// Clears away what was begun in parts under the prefix, is not remembered, and is older than two days; answers how many.
    public func clearLeftovers(under prefix: String) async throws -> Int {
        guard abilities.multipart, let uploads else { return 0 }
        let kept = try await uploads.identifiers(store: target.identity)
        let response = try await send(.GET, "", query: [("prefix", target.prefix + prefix), ("uploads", "")])
        var cleared = 0
        for upload in try await document(response, named: "ListMultipartUploadsResult").all("Upload") {
            guard let key = upload["Key"]?.word, let id = upload["UploadId"]?.word, !kept.contains(id),
                key.hasPrefix(target.prefix + prefix),
                let begun = upload["Initiated"]?.word.flatMap(GatehouseJSON.date), time.now().timeIntervalSince(begun) > Self.leftoverAge
            else { continue }
            try await abort(String(key.dropFirst(target.prefix.count)), id)
            cleared += 1
        }
        return cleared
    }

    func abort(_ key: String, _ uploadID: String) async throws {
        try await finish(try await send(.DELETE, key, query: [("uploadId", uploadID)]), [200, 204, 404])
    }

    // MARK: Documents

    static let nonsense = StoreError(.nonsense, "The storage's answer lacks what an S3 store's has; it may not be S3-compatible.")

    /// The XML document of an answer.
    /// - Throws: `StoreError`, also where the document is an error under a 200.
    func document(_ response: HTTPClientResponse, named name: String) async throws -> XMLTree {
        guard response.status.code == 200 else { throw await refusal(response) }
        let body = try await response.body.collect(upTo: 4 << 20)
        guard let document = try? XMLTree(parsing: body.readableBytesView) else { throw Self.nonsense }
        if document.name == "Error" {
            throw S3Answer(status: 500, body: String(buffer: body), headers: response.headers).error
        }
        guard document.name == name else { throw Self.nonsense }
        return document
    }

    /// Digests of a span of a file: SHA-256 for the signature, MD5 because that is what stores name parts by.
    private static func digests(of path: String, _ span: Range<Int>) async throws -> (sha256: String, md5: String) {
        try await BlockingQueue(name: "digest").run {
            guard let handle = FileHandle(forReadingAtPath: path) else { throw FileError("open", path) }
            defer { try? handle.close() }
            try handle.seek(toOffset: UInt64(span.lowerBound))
            var (sha256, md5) = (SHA256(), Insecure.MD5())
            var left = span.count
            while left > 0, let piece = try handle.read(upToCount: min(left, 1 << 18)), !piece.isEmpty {
                sha256.update(data: piece)
                md5.update(data: piece)
                left -= piece.count
            }
            guard left == 0 else { throw StoreError(.corrupted, "The clip's file is shorter than it should be.") }
            return (Hexadecimal.text(sha256.finalize()), Hexadecimal.text(md5.finalize()))
        }
    }

    /// Whether a part in the store is ours: its tag is the MD5 of our bytes, or no MD5 at all, as where the store encrypts.
    private static func fits(_ tag: String, md5: String) -> Bool {
        let bare = tag.filter { $0 != "\"" }.lowercased()
        let isDigest = bare.count == 32 && bare.allSatisfy(\.isHexDigit)
        return !isDigest || bare == md5
    }
}
