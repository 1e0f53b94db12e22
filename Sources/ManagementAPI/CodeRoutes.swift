import Access
import BoxDatabase
import Cameras
import Codes
import Core
import Devices
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Media
import MediaWorker
import NIOCore
import Synchronization

/// QR codes of devices and sites: made, and read from pictures.
struct CodeRoutes {
    let services: BoxServices

    private static let largestPicture = 8 << 20
    private static let longestText = 4_096
    private static let passwordLength = 4...64
    private static let mostReading = 4
    private static let reading = Mutex(0)
    /// Deriving a key takes 64 MB.
    private static let deriving = Turns(1)
    private static let work = BlockingQueue(name: "codes", background: true)

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("devices/:id/code") { request, context in
            let password = try await password(request)
            let (device, _) = try await services.catalogue.device(try context.identifier("device"))
            context.notes.note(subject: device.id.text, name: device.name)
            return try await code(.device(Self.facts(device)), password)
        }
        routes.post("sites/:id/code") { request, context in
            let password = try await password(request)
            let site = try await services.catalogue.site(try context.identifier("site"))
            context.notes.note(subject: site.id.text, name: site.name)
            let company = try await services.database.read { database in
                try site.companyId.flatMap { try CompanyRecord.fetchOne(database, key: $0)?.name }
            }
            return try await code(.site(.init(id: site.id.text, name: site.name, company: company)), password)
        }
        routes.post("codes/read") { request, _ in try await read(request) }
        routes.post("codes/open") { request, context in try await open(request, context) }
    }

    private func password(_ request: Request) async throws -> String? {
        let body = try await RequestBody.read(request)
        let password = body.string("password", Self.passwordLength)
        try body.finish()
        return password
    }

    private static func facts(_ device: DeviceRecord) -> CodeContent.DeviceFacts {
        .init(
            name: device.name, driver: device.driver, host: device.host,
            port: device.driverKind == .rtsp ? device.rtspPort : device.httpPort, https: device.https,
            model: device.description?.identity.model,
            serialNumber: device.serialNumber, macAddress: device.macAddress)
    }

    private func code(_ content: CodeContent, _ password: String?) async throws -> Response {
        try Self.drawing(try await Self.derived { try CodeText.make(content, password: password) })
    }

    private static func derived<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await deriving.run { try await work.run(body) }
    }

    /// A code of this text, drawn.
    static func drawing(_ text: String, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status, headers: [.contentType: "image/svg+xml", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: try QRCode(text).svg)))
    }

    // MARK: Reading

    /// Of pictures no more than a few are in memory at a time.
    private func read(_ request: Request) async throws -> Response {
        let mayRead = Self.reading.withLock { count in
            defer { count = min(count + 1, Self.mostReading) }
            return count < Self.mostReading
        }
        guard mayRead else { throw Problem.tooManyAttempts("Other codes are being read. Try again in a moment.", retryAfter: 3) }
        defer { Self.reading.withLock { $0 -= 1 } }
        let buffer: ByteBuffer
        do { buffer = try await request.body.collect(upTo: Self.largestPicture) } catch {
            throw Problem(.contentTooLarge, "too-large", "Too large", "A picture may have at most \(Self.largestPicture >> 20) MB.")
        }
        let texts = try await services.texts(in: Array(buffer.readableBytesView))
        guard let text = texts.first else {
            throw Problem(
                .unprocessableContent, "no-code", "No QR code", "There is no QR code in this picture, or it is too small or not sharp.")
        }
        return try answer(CodeTextAnswer(content: String(text.prefix(Self.longestText))))
    }

    private func open(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let content = body.string("content", 1...Self.longestText, required: true, multiline: true)
        let password = body.string("password", 1...Self.passwordLength.upperBound)
        try body.finish()
        guard let content else { return Response(status: .badRequest) }
        do {
            switch try await opened(content, password, from: context.remoteAddress) {
            case .device(let facts): return try answer(CodeAnswer(kind: "device", device: Nullable(.init(facts)), site: Nullable(nil)))
            case .site(let facts): return try answer(CodeAnswer(kind: "site", device: Nullable(nil), site: Nullable(.init(facts))))
            }
        } catch CodeText.Refusal.other {
            return try answer(CodeAnswer(kind: "other", device: Nullable(nil), site: Nullable(nil)))
        } catch CodeText.Refusal.passwordNeeded {
            throw Problem(.conflict, "password-needed", "Closed with a password", "This code is closed with a password. Enter it.")
        } catch AccessDenied.tooManyAttempts(let seconds) {
            throw Problem.tooManyAttempts("Too many passwords were wrong.", retryAfter: seconds)
        } catch AccessDenied.wrongPassword {
            throw Problem.invalid([.init(field: "/password", detail: "This is not the code's password.")])
        }
    }

    /// What a code says; wrong passwords are counted.
    private func opened(_ content: String, _ password: String?, from address: String) async throws -> CodeContent {
        guard let password else { return try CodeText.open(content, password: nil) }
        var opened: Result<CodeContent, any Error>?
        try await services.access.signIns.guess(of: "code", from: address) {
            do {
                opened = .success(try await Self.derived { try CodeText.open(content, password: password) })
            } catch CodeText.Refusal.wrongPassword {
                return false
            } catch {
                opened = .failure(error)
            }
            return true
        }
        guard let opened else { throw AccessDenied.wrongPassword }
        return try opened.get()
    }
}

extension BoxServices {
    /// The texts of the QR codes in a JPEG or PNG.
    func texts(in picture: [UInt8]) async throws -> [String] {
        guard let type = UnbindingRoutes.mediaType(Data(picture)), type.hasPrefix("image/") else {
            throw Problem(.unsupportedMediaType, "invalid-request", "Not such a file", "Send a picture as JPEG or PNG.")
        }
        do {
            return try await codes.texts(in: picture, codec: type == "image/png" ? .png : .mjpeg)
        } catch CodeWorker.Refusal.notInstalled {
            throw Problem.conflict("This box cannot read QR codes: libzbar0 is not installed.")
        } catch is CodeWorker.Refusal, is WorkerFailure {
            return []
        }
    }
}

private struct CodeTextAnswer: Encodable {
    let content: String
}

private struct CodeAnswer: Encodable {
    let kind: String
    let device: Nullable<Device>
    let site: Nullable<Site>

    struct Device: Encodable {
        let name: String
        let driver: Nullable<String>
        let host: String
        let port: Nullable<Int>
        let https: Nullable<Bool>
        let model: Nullable<String>
        let serialNumber: Nullable<String>
        let macAddress: Nullable<String>

        init(_ facts: CodeContent.DeviceFacts) {
            (name, host) = (facts.name, facts.host)
            (driver, port, https) = (Nullable(facts.driver), Nullable(facts.port), Nullable(facts.https))
            (model, serialNumber, macAddress) = (Nullable(facts.model), Nullable(facts.serialNumber), Nullable(facts.macAddress))
        }
    }

    struct Site: Encodable {
        let id: String
        let name: String
        let company: Nullable<String>

        init(_ facts: CodeContent.SiteFacts) {
            (id, name, company) = (facts.id, facts.name, Nullable(facts.company))
        }
    }
}
