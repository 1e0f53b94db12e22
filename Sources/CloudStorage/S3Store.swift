import AsyncHTTPClient
public import Core
import Foundation
public import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL

/// An S3-compatible bucket.
///
/// One PUT an object, signed with its SHA-256, `If-None-Match: *`; the digest is kept in the object's metadata, for comparison later.
public final class S3Store: ObjectStore {
    private static let digestHeader = "x-amz-meta-sha256"

    private let target: S3Target
    private let signer: SignatureV4
    private let base: URLComponents
    private let client: HTTPClient
    private let time: TimeSource
    private let timeout: Duration

    /// A store at `target`. `timeout` is the longest wait for an answer to a small request.
    /// - Throws: `StoreError` when the endpoint or certificate cannot be read.
    public init(target: S3Target, credentials: S3Credentials, time: TimeSource, timeout: Duration = .seconds(30)) throws {
        guard var base = URLComponents(string: target.endpoint), let host = base.host, ["http", "https"].contains(base.scheme) else {
            throw StoreError(.refused, "The endpoint must be an address such as https://s3.example.com.")
        }
        if target.addressing == .virtualHost { base.host = "\(target.bucket).\(host)" }
        base.path = ""
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(10)
        configuration.timeout.read = .seconds(60)
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        if let pem = target.caCertificate {
            guard let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)), !certificates.isEmpty else {
                throw StoreError(.refused, "The CA certificate is not a PEM certificate.")
            }
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates(certificates)
            configuration.tlsConfiguration = tls
        }
        self.target = target
        self.base = base
        self.time = time
        self.timeout = timeout
        signer = SignatureV4(
            accessKeyID: target.accessKeyId, secretAccessKey: credentials.secretAccessKey, sessionToken: credentials.sessionToken,
            region: target.region)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    public func shutdown() async {
        try? await client.shutdown()
    }

    public func put(_ upload: ObjectUpload, progress: @escaping @Sendable (Int) -> Void) async throws {
        let headers = [
            "content-type": upload.contentType, "if-none-match": "*", Self.digestHeader: upload.sha256,
            "x-amz-checksum-sha256": Self.base64(hexadecimal: upload.sha256),
        ]
        var request = request(.PUT, key: upload.key, headers: headers, bodySHA256: upload.sha256)
        switch upload.content {
        case .data(let data): request.body = .bytes(ByteBuffer(data: data))
        case .file(let path):
            request.body = .stream(try FilePieces(path: path, progress: progress), length: .known(Int64(upload.bytes)))
        }
        // At the slowest line that is worth having, 8 KB/s.
        let response = try await execute(request, allowing: timeout + .seconds(upload.bytes / 8_000))
        try await expect(response, [200, 201, 204])
    }

    public func head(_ key: String) async throws -> ObjectInfo? {
        let response = try await execute(request(.HEAD, key: key), allowing: timeout)
        if response.status.code == 404 { return nil }
        try await expect(response, [200])
        guard let length = response.headers.first(name: "content-length").flatMap(Int.init) else {
            throw StoreError(.nonsense, "The storage answered without a length; it may not be S3-compatible.")
        }
        return ObjectInfo(bytes: length, sha256: response.headers.first(name: Self.digestHeader))
    }

    public func read(_ key: String, range: Range<Int>, to body: @Sendable (ByteBuffer) async throws -> Void) async throws {
        let headers = ["range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)"]
        let response = try await execute(request(.GET, key: key, headers: headers), allowing: timeout + .seconds(range.count / 8_000))
        try await expect(response, [206])
        for try await piece in response.body { try await body(piece) }
    }

    public func delete(_ key: String) async throws {
        let response = try await execute(request(.DELETE, key: key), allowing: timeout)
        try await expect(response, [200, 204, 404])
    }

    private func request(
        _ method: HTTPMethod, key: String, headers: [String: String] = [:], bodySHA256: String = S3Store.emptySHA256
    ) -> HTTPClientRequest {
        let path = (target.addressing == .path ? "/\(target.bucket)" : "") + "/\(target.prefix)\(key)"
        var named = headers
        named["host"] = base.port.map { "\(base.host ?? ""):\($0)" } ?? base.host ?? ""
        let signed = signer.sign(method: method.rawValue, path: path, headers: named, bodySHA256: bodySHA256, at: time.now())
        var url = base
        url.percentEncodedPath = SignatureV4.encode(path, keepingSlashes: true)
        var request = HTTPClientRequest(url: url.string ?? "")
        request.method = method
        for (name, value) in signed where name != "host" { request.headers.add(name: name, value: value) }
        request.headers.replaceOrAdd(name: "host", value: named["host"] ?? "")
        return request
    }

    private func execute(_ request: HTTPClientRequest, allowing limit: Duration) async throws -> HTTPClientResponse {
        do {
            return try await client.execute(request, timeout: .nanoseconds(Int64(limit.seconds * 1_000_000_000)))
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as NIOSSLError {
            throw StoreError(
                .refused, "The storage's certificate was not accepted. If it has its own authority, enter that certificate. (\(error))")
        } catch let error as NIOSSLExtraError {
            throw StoreError(.refused, "The storage's certificate does not fit its name. Check the endpoint. (\(error))")
        } catch let error as HTTPClientError {
            throw StoreError(
                .unreachable, "The storage at \(base.host ?? "") did not answer (\(error.shortDescription)). Footage waits here.")
        } catch {
            throw StoreError(.unreachable, "No connection to the storage at \(base.host ?? ""). Footage waits here. (\(error))")
        }
    }

    private func expect(_ response: HTTPClientResponse, _ codes: Set<UInt>) async throws {
        if codes.contains(response.status.code) {
            // A captive portal answers 200 with its own page, which has no entity tag; a store's answers have one.
            let isPage = response.headers.first(name: "content-type")?.hasPrefix("text/html") ?? false
            if isPage, response.headers.first(name: "etag") == nil {
                throw StoreError(.nonsense, "A web page answered in place of the storage. Is the network behind a sign-in page?")
            }
            return
        }
        let body = try? await response.body.collect(upTo: 64 << 10)
        throw S3Answer(status: response.status.code, body: body.map { String(buffer: $0) } ?? "", headers: response.headers).error
    }

    static let emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private static func base64(hexadecimal: String) -> String {
        var bytes = Data()
        var rest = hexadecimal[...]
        while rest.count >= 2 {
            bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes.base64EncodedString()
    }
}

/// What an S3 store answered when it did not do as asked, put into words.
struct S3Answer {
    let error: StoreError

    init(status: UInt, body: String, headers: HTTPHeaders) {
        let code = Self.element("Code", in: body) ?? ""
        let retryAfter = headers.first(name: "retry-after").flatMap(Int.init).map { Duration.seconds(min(3600, max(0, $0))) }
        error =
            switch (status, code) {
            case (412, _), (409, "ConditionalRequestConflict"): StoreError(.exists, "Something is stored under this key already.")
            case (_, "SignatureDoesNotMatch"):
                StoreError(.refused, "The storage refuses the secret key. Enter it again.")
            case (_, "InvalidAccessKeyId"): StoreError(.refused, "The storage does not know the access key. Enter it again.")
            case (_, "RequestTimeTooSkewed"):
                StoreError(.refused, "The box's clock is too far from the storage's. Check the box's time.")
            case (_, "ExpiredToken"), (_, "InvalidToken"): StoreError(.refused, "The session token has expired. Enter a new one.")
            case (_, "AuthorizationHeaderMalformed"), (_, "PermanentRedirect"), (301, _), (307, _):
                StoreError(.refused, "The bucket is in another region. Enter the bucket's region or endpoint.")
            case (_, "NoSuchBucket"): StoreError(.noBucket, "The bucket does not exist. Check its name.")
            case (_, "BadDigest"), (_, "XAmzContentSHA256Mismatch"), (_, "InvalidDigest"):
                StoreError(.corrupted, "The object changed on its way.")
            case (_, "QuotaExceeded"), (507, _): StoreError(.full, "The storage is full. Free some room or enlarge it.")
            case (401, _), (403, _):
                StoreError(.refused, "The storage refuses the box (\(code.isEmpty ? String(status) : code)). Check keys and permissions.")
            case (404, _): StoreError(.noBucket, "The storage does not find the bucket. Check endpoint and bucket.")
            case (408, _), (409, _), (429, _), (500...599, _):
                StoreError(.busy, "The storage asks to try again later (\(status) \(code)).", retryAfter: retryAfter)
            default: StoreError(.nonsense, "The storage answered \(status) \(code); it may not be S3-compatible.")
            }
    }

    /// The text of the first `<name>`; S3's errors are flat, so no parser has to look at them.
    private static func element(_ name: String, in body: String) -> String? {
        guard let start = body.firstRange(of: "<\(name)>"), let end = body[start.upperBound...].firstRange(of: "</\(name)>") else {
            return nil
        }
        return String(body[start.upperBound..<end.lowerBound].prefix(64))
    }
}

/// A file's content, piece by piece, for a request's body.
struct FilePieces: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    private let path: String
    private let progress: @Sendable (Int) -> Void

    init(path: String, progress: @escaping @Sendable (Int) -> Void) throws {
        guard DurableFile.size(path) != nil else { throw FileError("stat", path) }
        self.path = path
        self.progress = progress
    }

    final class AsyncIterator: AsyncIteratorProtocol {
        private let handle: FileHandle?
        private let queue = BlockingQueue(name: "upload")
        private let progress: @Sendable (Int) -> Void
        private var sent = 0

        init(path: String, progress: @escaping @Sendable (Int) -> Void) {
            handle = FileHandle(forReadingAtPath: path)
            self.progress = progress
        }

        func next() async throws -> ByteBuffer? {
            guard let descriptor = handle?.fileDescriptor else { throw StoreError(.corrupted, "The clip's file cannot be read.") }
            let piece = try await queue.run { () throws -> [UInt8] in
                var buffer = [UInt8](repeating: 0, count: 1 << 17)
                let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
                guard count >= 0 else { throw FileError("read", "upload") }
                buffer.removeLast(buffer.count - count)
                return buffer
            }
            guard !piece.isEmpty else {
                try? handle?.close()
                return nil
            }
            sent += piece.count
            progress(sent)
            return ByteBuffer(bytes: piece)
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(path: path, progress: progress)
    }
}
