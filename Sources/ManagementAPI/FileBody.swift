import Core
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// A file of the box as an answer.
enum FileBody {
    private static let reading = BlockingQueue(name: "footage")
    private static let pieceBytes = 1 << 17

    /// The bytes of `range` of the file at `path`.
    static func body(_ path: String, _ range: Range<Int>) -> ResponseBody {
        ResponseBody(contentLength: range.count) { writer in
            try await send(path, range, to: &writer)
            try await writer.finish(nil)
        }
    }

    /// The whole of a file that is open, and closed with the answer.
    static func body(_ file: FileHandle, bytes: Int) -> ResponseBody {
        ResponseBody(contentLength: bytes) { writer in
            defer { try? file.close() }
            try await send(file.fileDescriptor, 0..<bytes, to: &writer)
            try await writer.finish(nil)
        }
    }

    private static func send(_ path: String, _ range: Range<Int>, to writer: inout any ResponseBodyWriter) async throws {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw Problem.notFound("file") }
        defer { try? handle.close() }
        try await send(handle.fileDescriptor, range, to: &writer)
    }

    private static func send(_ descriptor: Int32, _ range: Range<Int>, to writer: inout any ResponseBodyWriter) async throws {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let (start, count) = (offset, min(pieceBytes, range.upperBound - offset))
            let piece = await reading.run { () -> [UInt8] in
                var buffer = [UInt8](repeating: 0, count: count)
                let got = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(start)) }
                return got > 0 ? Array(buffer[..<got]) : []
            }
            guard !piece.isEmpty else { throw Problem.notFound("file") }
            try await writer.write(ByteBuffer(bytes: piece))
            offset += piece.count
        }
    }
}

/// What of a file a request asks for, and the headers of the answer (RFC 9110, section 14; of section 13 `If-Range` alone).
struct RangedAnswer {
    let range: Range<Int>
    let status: HTTPResponse.Status
    let headers: HTTPFields

    /// A file of `bytes` bytes that `sha256` tells from all others; `what` names it where the range does not lie in it.
    /// - Throws: `Problem` with status 416.
    init(_ request: Request, bytes: Int, sha256: String, contentType: String, what: String, disposition: String? = nil) throws {
        var headers: HTTPFields = [.contentType: contentType, .acceptRanges: "bytes", .cacheControl: "private, max-age=3600"]
        headers[.eTag] = "\"\(sha256)\""
        headers[.contentDisposition] = disposition
        // A part of another version would spoil what the client has.
        let stale = request.headers[.ifRange].map { $0 != "\"\(sha256)\"" } ?? false
        switch ByteRange(header: stale ? nil : request.headers[.range], size: bytes) {
        case .unsatisfiable:
            var problem = Problem(.rangeNotSatisfiable, "range-not-satisfiable", "Not in the \(what)", "The \(what) has \(bytes) bytes.")
            problem.headers[.contentRange] = "bytes */\(bytes)"
            throw problem
        case .whole: (range, status) = (0..<bytes, .ok)
        case .part(let part):
            headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(bytes)"
            (range, status) = (part, .partialContent)
        }
        self.headers = headers
    }
}
