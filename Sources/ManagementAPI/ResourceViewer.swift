import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Looks at a thing by its own route, as the caller sees it.
final class ResourceViewer: Sendable {
    private let responder = Mutex<(any HTTPResponder<APIContext>)?>(nil)

    /// Looks by these routes.
    func look(by responder: any HTTPResponder<APIContext>) { self.responder.withLock { $0 = responder } }

    /// What `GET` at the request's address answers as JSON; nil where there is no such route, or nothing that the caller may see.
    /// - Throws: a problem where it cannot be looked at now.
    func json(at request: Request, context: APIContext) async throws -> ByteBuffer? {
        try await json(at: request.head.path ?? "/", as: request, context: context)
    }

    /// The same at another address.
    func json(at path: String, as request: Request, context: APIContext) async throws -> ByteBuffer? {
        guard let responder = responder.withLock({ $0 }) else { return nil }
        var head = request.head
        head.method = .get
        head.path = path
        for name in [HTTPField.Name.ifMatch, .ifNoneMatch] { head.headerFields[name] = nil }
        var context = context
        context.isLook = true
        let response: Response
        do {
            response = try await responder.respond(to: Request(head: head, body: .init(buffer: ByteBuffer())), context: context)
        } catch {
            guard let problem = Problem.of(error), problem.status.code < 500 else { throw error }
            return nil
        }
        return response.status == .ok && response.isJSON ? try await response.bytes() : nil
    }
}

extension Response {
    var isJSON: Bool { headers[.contentType]?.hasPrefix("application/json") ?? false }

    /// The whole body.
    func bytes() async throws -> ByteBuffer {
        let bytes = BodyBytes()
        try await body.write(bytes)
        return bytes.buffer
    }
}

/// Collects an answer's body.
private final class BodyBytes: ResponseBodyWriter {
    private(set) var buffer = ByteBuffer()

    func write(_ buffer: ByteBuffer) async throws { self.buffer.writeImmutableBuffer(buffer) }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

extension Request {
    /// Its JSON, which stays to be read where it belongs; nil where it has none.
    /// - Throws: the problem `too-large`.
    mutating func json(upTo most: Int) async throws -> ByteBuffer? {
        guard headers[.contentType]?.lowercased().hasPrefix("application/json") ?? false else { return nil }
        let buffer: ByteBuffer
        do { buffer = try await body.collect(upTo: most) } catch {
            throw Problem(.contentTooLarge, "too-large", "Too large", "The request is larger than \(most / 1024) KiB.")
        }
        body = .init(buffer: buffer)
        return buffer
    }
}
