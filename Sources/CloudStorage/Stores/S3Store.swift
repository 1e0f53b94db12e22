import AsyncHTTPClient
public import Core
import Foundation
public import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL
public import Outbound

/// An S3-compatible bucket.
///
/// Small objects go up in one PUT, large ones in parts that are taken up again after a break; every body is signed with its SHA-256. The digest of
/// the whole object is kept in its metadata, for comparison later: that of the store's own for objects in parts is another.
public final class S3Store: ObjectStore {
    static let digestHeader = "x-amz-meta-sha256"
    static let emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    let target: S3Target
    let abilities: StoreAbilities
    let uploads: MultipartUploads?
    let time: TimeSource
    let timeout: Duration
    private let keys: S3KeySource
    private let base: URLComponents
    private let client: HTTPClient
    private let servers: AddressPolicy
    private let line: Line

    /// What a store follows of the line.
    public struct Line: Sendable {
        /// Bytes of a part, given the smallest that the store takes.
        let partBytes: @Sendable (Int) -> Int
        /// What a new connection may hold, nil for the system's choice.
        let sendBuffer: @Sendable () -> SendBuffer?

        public init(
            partBytes: @escaping @Sendable (Int) -> Int = { max($0, 8 << 20) }, sendBuffer: @escaping @Sendable () -> SendBuffer? = { nil }
        ) {
            self.partBytes = partBytes
            self.sendBuffer = sendBuffer
        }
    }

    /// A store at `target`, spoken to where `servers` lets it be. `uploads` remembers what was begun in parts; without it objects go up whole. `timeout` is the longest wait for
    /// an answer to a small request.
    /// - Throws: `StoreError` when the endpoint, the certificate or the keys cannot be read.
    public init(
        target: S3Target, credentials: S3Credentials?, abilities: StoreAbilities = StoreAbilities(), uploads: MultipartUploads? = nil,
        line: Line = Line(), servers: AddressPolicy, time: TimeSource, timeout: Duration = .seconds(30)
    ) throws {
        self.target = target
        self.abilities = abilities
        self.uploads = uploads
        self.line = line
        self.servers = servers
        self.time = time
        self.timeout = timeout
        keys = try S3KeySource(target: target, credentials: credentials)
        base = try Self.base(of: target)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: try Self.configuration(target, line, servers))
    }

    private static func base(of target: S3Target) throws -> URLComponents {
        guard var base = URLComponents(string: target.endpoint), let host = base.host, ["http", "https"].contains(base.scheme) else {
            throw StoreError(.refused, "The endpoint must be an address such as https://s3.example.com.")
        }
        if target.addressing == .virtualHost { base.host = "\(target.bucket).\(host)" }
        base.path = ""
        return base
    }

    private static func configuration(_ target: S3Target, _ line: Line, _ servers: AddressPolicy) throws -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(10)
        configuration.timeout.read = .seconds(60)
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        // What a socket holds has left our hands: with a large buffer on a weak line nothing newer could go before it.
        configuration.http1_1ConnectionDebugInitializer = { channel in
            servers.admit(channel).flatMap { SendBuffer.bound(channel, by: line.sendBuffer()) }
        }
        if let pem = target.caCertificate {
            guard let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)), !certificates.isEmpty else {
                throw StoreError(.refused, "The CA certificate is not a PEM certificate.")
            }
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates(certificates)
            configuration.tlsConfiguration = tls
        }
        return configuration
    }

    public func shutdown() async {
        try? await client.shutdown()
    }

    deinit {
        // One that was never used, or that nobody ended, must end its connections too; a second time changes nothing.
        client.shutdown { _ in }
    }

    // MARK: Objects

    public func put(_ upload: ObjectUpload, progress: @escaping @Sendable (UploadProgress) -> Void) async throws {
        if !upload.replaces, !abilities.conditionalPut, try await head(upload.key) != nil {
            throw StoreError(.exists, "Something is stored under this key already.")
        }
        let part = line.partBytes(abilities.minimumPartBytes)
        if case .file(let path) = upload.content, let uploads, abilities.multipart, upload.bytes > part, !upload.replaces {
            return try await putInParts(upload, path: path, partBytes: part, uploads: uploads, progress: progress)
        }
        var headers = headers(of: upload)
        if abilities.conditionalPut, !upload.replaces { headers["if-none-match"] = "*" }
        if abilities.checksum { headers["x-amz-checksum-sha256"] = Self.base64(hexadecimal: upload.sha256) }
        let whole = 0..<upload.bytes
        let response = try await send(
            .PUT, upload.key, headers: headers,
            body: try body(of: upload.content, whole, sha256: upload.sha256, pace: upload.pace) { piece, total in
                progress(UploadProgress(piece: piece, total: total))
            })
        try await finish(response, [200, 201, 204])
    }

    /// What an object bears whichever way it goes up.
    func headers(of upload: ObjectUpload) -> [String: String] {
        var headers = ["content-type": upload.contentType, Self.digestHeader: upload.sha256]
        switch target.encryption {
        case nil: break
        case .aes256: headers["x-amz-server-side-encryption"] = "AES256"
        case .kms(let key):
            headers["x-amz-server-side-encryption"] = "aws:kms"
            if let key { headers["x-amz-server-side-encryption-aws-kms-key-id"] = key }
        }
        if abilities.tags, !upload.tags.isEmpty {
            headers["x-amz-tagging"] = upload.tags.sorted { $0.key < $1.key }
                .map { "\(SignatureV4.encode($0.key))=\(SignatureV4.encode($0.value))" }.joined(separator: "&")
        }
        return headers
    }

    public func head(_ key: String) async throws -> ObjectInfo? {
        let response = try await send(.HEAD, key)
        if response.status.code == 404 {
            // Whatever it says, some with a page.
            _ = try? await response.body.collect(upTo: 64 << 10)
            return nil
        }
        try await finish(response, [200])
        guard let length = response.headers.first(name: "content-length").flatMap(Int.init) else {
            throw StoreError(.nonsense, "The storage answered without a length; it may not be S3-compatible.")
        }
        return ObjectInfo(bytes: length, sha256: response.headers.first(name: Self.digestHeader))
    }

    public func read(_ key: String, range: Range<Int>, to body: @Sendable (ByteBuffer) async throws -> Void) async throws {
        let headers = ["range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)"]
        let response = try await send(.GET, key, headers: headers, allowing: timeout + .seconds(range.count / 8_000))
        try await expect(response, [206])
        var left = range.count
        var pieces = response.body.makeAsyncIterator()
        while let piece = try await Self.next(&pieces) {
            left -= piece.readableBytes
            guard left >= 0 else { throw StoreError(.corrupted, "The storage sent more than was asked for.") }
            try await body(piece)
        }
        guard left == 0 else { throw StoreError(.corrupted, "The storage sent less than was asked for.") }
    }

    /// The next piece of an answer, with the store's failure told apart from the reader's.
    private static func next(_ pieces: inout HTTPClientResponse.Body.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await pieces.next()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw StoreError(.unreachable, "The connection to the storage broke in the middle of its answer. (\(error))")
        }
    }

    public func delete(_ key: String) async throws {
        let response = try await send(.DELETE, key)
        try await finish(response, [200, 204, 404])
    }

    public func link(to key: String, validFor span: Duration) throws -> String? {
        let signer = try signer()
        // A session token would stand in the address.
        guard signer.sessionToken == nil else { return nil }
        let host = host
        let query = signer.presign(path: path(key), host: host, validFor: span, at: time.now())
        var url = base
        url.percentEncodedPath = SignatureV4.encode(path(key), keepingSlashes: true)
        url.percentEncodedQuery = query
        return url.string
    }

    public var origin: String? { base.string }
    public var identity: String { target.identity }

    // MARK: Requests

    /// A body with its digest; the time that it may take follows from its length.
    struct Body {
        var content: HTTPClientRequest.Body
        var bytes: Int
        var sha256: String
    }

    /// A span of an upload's content. `sent` is told bytes of a piece and of all pieces so far.
    func body(
        of content: ObjectUpload.Content, _ span: Range<Int>, sha256: String, pace: (@Sendable (Int) async throws -> Void)?,
        sent: @escaping @Sendable (Int, Int) -> Void
    ) throws -> Body {
        switch content {
        case .data(let data): return Body(content: .bytes(ByteBuffer(data: data)), bytes: data.count, sha256: sha256)
        case .file(let path):
            guard DurableFile.size(path) != nil else { throw FileError("stat", path) }
            let total = Counter()
            let size = line.sendBuffer()?.piece ?? FilePieces.largest
            let pieces = FilePieces(path: path, span: span, piece: size, pace: pace) { piece in sent(piece, total.add(piece)) }
            return Body(content: .stream(pieces, length: .known(Int64(span.count))), bytes: span.count, sha256: sha256)
        }
    }

    private var host: String { base.port.map { "\(base.host ?? ""):\($0)" } ?? base.host ?? "" }

    private func path(_ key: String) -> String {
        (target.addressing == .path ? "/\(target.bucket)" : "") + (key.isEmpty ? "/" : "/\(target.prefix)\(key)")
    }

    private func signer() throws -> SignatureV4 {
        let keys = try keys.keys()
        return SignatureV4(
            accessKeyID: keys.accessKeyID, secretAccessKey: keys.secretAccessKey, sessionToken: keys.sessionToken, region: target.region)
    }

    /// Sends one signed request; an empty key means the bucket itself. `allowing` bounds the time; a body gets as long as a bound of the rate
    /// of 2 KB/s takes for it, for it may be held back: a dead line is told by the kernel, a minute after nobody takes what was sent.
    func send(
        _ method: HTTPMethod, _ key: String, query: [(String, String)] = [], headers: [String: String] = [:], body: Body? = nil,
        allowing limit: Duration? = nil
    ) async throws -> HTTPClientResponse {
        var named = headers
        named["host"] = host
        let signed = try signer().sign(
            method: method.rawValue, path: path(key), query: query, headers: named, bodySHA256: body?.sha256 ?? Self.emptySHA256,
            at: time.now())
        var url = base
        url.percentEncodedPath = SignatureV4.encode(path(key), keepingSlashes: true)
        if !query.isEmpty {
            url.percentEncodedQuery = query.map { "\(SignatureV4.encode($0.0))=\(SignatureV4.encode($0.1))" }.joined(separator: "&")
        }
        var request = HTTPClientRequest(url: url.string ?? "")
        request.method = method
        for (name, value) in signed where name != "host" { request.headers.add(name: name, value: value) }
        request.headers.replaceOrAdd(name: "host", value: host)
        request.body = body?.content
        return try await execute(request, allowing: limit ?? (timeout + .seconds((body?.bytes ?? 0) / 2_000)))
    }

    private func execute(_ request: HTTPClientRequest, allowing limit: Duration) async throws -> HTTPClientResponse {
        do {
            return try await client.execute(request, timeout: .nanoseconds(Int64(limit.seconds * 1_000_000_000)))
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as StoreError {
            throw error
        } catch let error as FileError {
            throw error
        } catch let refusal as AddressRefusal {
            throw StoreError(.refused, refusal.sentence)
        } catch let error as NIOSSLError {
            throw await certificateFailure(
                "The storage's certificate was not accepted. If it has its own authority, enter that certificate. (\(error))")
        } catch let error as NIOSSLExtraError {
            throw await certificateFailure("The storage's certificate does not fit its name. Check the endpoint. (\(error))")
        } catch let error as HTTPClientError {
            throw StoreError(
                .unreachable, "The storage at \(base.host ?? "") did not answer (\(error.shortDescription)).")
        } catch {
            throw StoreError(.unreachable, "No connection to the storage at \(base.host ?? ""). (\(error))")
        }
    }

    /// Whoever is where no storage may be says nothing of themselves, not even by their certificate.
    private func certificateFailure(_ sentence: String) async -> StoreError {
        do { try await servers.check(host: base.host ?? "") } catch {
            return StoreError(error.code == "address-refused" ? .refused : .unreachable, error.sentence)
        }
        return StoreError(.refused, sentence)
    }

    func expect(_ response: HTTPClientResponse, _ codes: Set<UInt>) async throws {
        guard codes.contains(response.status.code) else { throw await refusal(response) }
        // A captive portal answers 200 with its own page, which has no entity tag; a store's answers have one.
        let isPage = response.headers.first(name: "content-type")?.hasPrefix("text/html") ?? false
        if isPage, response.headers.first(name: "etag") == nil {
            throw StoreError(.nonsense, "A web page answered in place of the storage. Is the network behind a sign-in page?")
        }
    }

    /// The same where the answer's body says nothing; it is read to its end, or the connection could not be used again.
    func finish(_ response: HTTPClientResponse, _ codes: Set<UInt>) async throws {
        try await expect(response, codes)
        do {
            _ = try await response.body.collect(upTo: 64 << 10)
        } catch is NIOTooManyBytesError {
            throw StoreError(.nonsense, "The storage answered with a body where there should be none.")
        } catch {
            throw StoreError(
                .unreachable, "The connection to the storage broke in the middle of its answer. (\(error))")
        }
    }

    /// Why the store did not do as asked.
    func refusal(_ response: HTTPClientResponse) async -> StoreError {
        let body = try? await response.body.collect(upTo: 64 << 10)
        return S3Answer(status: response.status.code, body: body.map { String(buffer: $0) } ?? "", headers: response.headers).error
    }

    static func base64(hexadecimal: String) -> String {
        var bytes = Data()
        var rest = hexadecimal[...]
        while rest.count >= 2 {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes.base64EncodedString()
    }
}
