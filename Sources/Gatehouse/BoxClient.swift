import ArgumentParser
import AsyncHTTPClient
import Core
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOPosix
import NIOSSL

/// How a box is reached, for every command that asks one.
struct BoxArguments: ParsableArguments {
    @Argument(help: "The box's page: https://192.168.1.5:8443")
    var box: String

    @Option(help: "The user name; the password is asked for, or taken from the environment (GATEHOUSE_PASSWORD).")
    var user: String

    @Option(help: "The box's certificate in a PEM file; as `openssl s_client -showcerts` shows it.")
    var certificate: String?

    @Flag(help: "Take whatever certificate the box has. Whoever is in between can read the password.")
    var insecure = false

    /// A client that has signed in: with `password`, else with the one that `readPassword` gives.
    func connect(password: String? = nil) async throws -> BoxClient {
        try await BoxClient.connect(to: box, user: user, password: password, certificate: certificate, insecure: insecure)
    }

    /// What `body` does with a client that has signed in, which is closed afterwards.
    func withClient(_ body: (BoxClient) async throws -> Void) async throws {
        let client = try await connect()
        do {
            try await body(client)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }
}

extension BoxClient {
    /// The password in GATEHOUSE_PASSWORD, else as it is typed when asked for.
    static func readPassword(of user: String) throws -> String {
        if let given = ProcessInfo.processInfo.environment["GATEHOUSE_PASSWORD"] { return given }
        guard isatty(STDIN_FILENO) == 1, let typed = getpass("Password of \(user): ") else {
            throw ValidationError("Give the password in the environment as GATEHOUSE_PASSWORD.")
        }
        return String(cString: typed)
    }

    /// A client that has signed in: with `password`, else with the one that `readPassword` gives.
    static func connect(to box: String, user: String, password: String? = nil, certificate: String?, insecure: Bool) async throws
        -> BoxClient
    {
        guard let url = URL(string: box), let scheme = url.scheme, ["http", "https"].contains(scheme), url.host != nil else {
            throw ValidationError("\(box) is no address of a box such as https://192.168.1.5:8443.")
        }
        let password = try password ?? readPassword(of: user)
        var tls = TLSConfiguration.makeClientConfiguration()
        if let certificate {
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(certificate))
            // The box has many names, and its certificate is known.
            tls.certificateVerification = .noHostnameVerification
        }
        if insecure { tls.certificateVerification = .none }
        let client = BoxClient(base: box.hasSuffix("/") ? String(box.dropLast()) : box, tls: tls)
        do {
            try await client.signIn(user: user, password: password)
        } catch {
            await client.close()
            throw error
        }
        return client
    }
}

/// What a box answers that is not what was asked for; a sentence.
struct BoxFailure: Error, CustomStringConvertible {
    let description: String
}

/// Speaks to a box through its API.
struct BoxClient {
    static let patience = TimeAmount.seconds(30)
    /// A box asks a server of releases that answers nothing several times.
    static let patienceOfCheck = TimeAmount.seconds(150)
    private static let largestAnswer = 16 << 20
    private static let pieceBytes = 1 << 20
    private static let untrusted =
        "The box's certificate is not trusted. Give it with --certificate (the box keeps it as tls/certificate.pem in its state folder), "
        + "or take whatever answers with --insecure."

    private struct Problem: Decodable {
        let detail: String?
    }

    private struct SignedIn: Decodable {
        let token: String
    }

    private let base: String
    private let client: HTTPClient
    private let token = Token()

    private actor Token {
        var text: String?
        func set(_ text: String) { self.text = text }
    }

    init(base: String, tls: TLSConfiguration) {
        self.base = base
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls, timeout: .init(connect: .seconds(10)))
        // A certificate that is not trusted will not be a moment later.
        configuration.connectionPool.retryConnectionEstablishment = false
        // Over HTTP/2 an answer that comes before all of a file was sent never ended (AsyncHTTPClient 1.37).
        configuration.httpVersion = .http1Only
        client = HTTPClient(configuration: configuration)
    }

    func close() async { try? await client.shutdown() }

    func signIn(user: String, password: String) async throws {
        let answer: SignedIn = try await call(.POST, "/session", ["userName": user, "password": password])
        await token.set(answer.token)
    }

    /// Calls an operation and reads its answer, which comes within `patience`.
    func call<Answer: Decodable>(
        _ method: HTTPMethod, _ path: String, _ body: (any Encodable)? = nil, patience: TimeAmount = Self.patience
    ) async throws -> Answer {
        let response = try await send(method, "\(base)/api/v1\(path)", body, patience: patience)
        let bytes = try await bytes(of: response)
        return try GatehouseJSON.decoder.decode(Answer.self, from: Data(buffer: bytes))
    }

    /// Sends a file, and reads the answer.
    func call<Answer: Decodable>(_ method: HTTPMethod, _ path: String, file: String) async throws -> Answer {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), !isFolder.boolValue,
            let handle = FileHandle(forReadingAtPath: file)
        else { throw BoxFailure(description: "\(file) cannot be read.") }
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: 0)
        let pieces = AsyncThrowingStream<ByteBuffer, any Error> {
            guard let piece = try handle.read(upToCount: Self.pieceBytes), !piece.isEmpty else { return nil }
            return ByteBuffer(data: piece)
        }
        let response = try await send(
            method, "\(base)/api/v1\(path)", nil, content: .stream(pieces, length: .known(Int64(size))), isEndless: true)
        let bytes = try await bytes(of: response)
        return try GatehouseJSON.decoder.decode(Answer.self, from: Data(buffer: bytes))
    }

    /// Begins to read what lies at `path` (as answers name it), from byte `offset` on.
    func open(_ path: String, from offset: Int = 0) async throws -> HTTPClientResponse {
        try await send(.GET, base + path, nil, offset: offset, isEndless: true)
    }

    /// Sends something and reads what comes, which may be large.
    func take(_ path: String, _ body: any Encodable) async throws -> HTTPClientResponse {
        try await send(.POST, "\(base)/api/v1\(path)", body, isEndless: true)
    }

    private func send(
        _ method: HTTPMethod, _ url: String, _ body: (any Encodable)?, content: HTTPClientRequest.Body? = nil, offset: Int = 0,
        isEndless: Bool = false, patience: TimeAmount = Self.patience
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url)
        request.method = method
        if let token = await token.text { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if offset > 0 { request.headers.add(name: "Range", value: "bytes=\(offset)-") }
        if let content {
            request.headers.add(name: "Content-Type", value: "application/octet-stream")
            request.body = content
        } else if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(data: try GatehouseJSON.encoder.encode(body)))
        }
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, deadline: isEndless ? .distantFuture : .now() + patience)
        } catch is NIOSSLError {
            throw BoxFailure(description: Self.untrusted)
        } catch is NIOSSLExtraError {
            throw BoxFailure(description: Self.untrusted)
        } catch {
            throw trouble(error)
        }
        guard (200..<300).contains(response.status.code) else {
            let bytes = try? await response.body.collect(upTo: Self.largestAnswer)
            let problem = bytes.flatMap { try? JSONDecoder().decode(Problem.self, from: Data(buffer: $0)) }
            throw BoxFailure(description: problem?.detail ?? "The box answers \(response.status.code).")
        }
        return response
    }

    /// Why there is no answer, for who typed the command.
    private func trouble(_ error: any Error) -> BoxFailure {
        let away: Set<Int32> = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ETIMEDOUT]
        let back = "A box that begins with a release is back in some seconds."
        switch error {
        case let error as NIOConnectionError where error.connectionErrors.isEmpty:
            return BoxFailure(description: "No address is known for \(base).")
        // An address that was given as numbers has no more of an error than the system's.
        case let error as IOError where away.contains(error.errnoCode):
            return BoxFailure(description: "Nothing answers at \(base). \(back)")
        case is NIOConnectionError:
            return BoxFailure(description: "Nothing answers at \(base). \(back)")
        case let error as HTTPClientError where error == .connectTimeout:
            return BoxFailure(description: "Nothing answers at \(base). \(back)")
        case let error as HTTPClientError where [.deadlineExceeded, .readTimeout].contains(error):
            return BoxFailure(description: "\(base) gives no answer in time.")
        default:
            return BoxFailure(description: "\(base) breaks off. \(back)")
        }
    }

    /// All of an answer that is not endless.
    private func bytes(of response: HTTPClientResponse) async throws -> ByteBuffer {
        do {
            return try await response.body.collect(upTo: Self.largestAnswer)
        } catch {
            throw trouble(error)
        }
    }

    struct Channel: Decodable {
        let id: String
        let name: String
    }

    private struct Channels: Decodable {
        let items: [Channel]
    }

    /// The channel of a name or an identifier.
    func channel(_ wanted: String) async throws -> Channel {
        let all: Channels = try await call(.GET, "/channels")
        let found = all.items.filter { $0.id == wanted || $0.name.lowercased() == wanted.lowercased() }
        guard let one = found.first, found.count == 1 else {
            let names = all.items.map(\.name).sorted().joined(separator: ", ")
            throw BoxFailure(
                description: found.isEmpty
                    ? "There is no camera \(wanted). There are: \(names)." : "Several cameras are called \(wanted). Give the identifier.")
        }
        return one
    }
}
