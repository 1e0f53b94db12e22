import Core
import Crypto
public import Foundation
public import NIOCore
import Synchronization

/// One object on its way up.
public struct ObjectUpload: Sendable {
    public enum Content: Sendable {
        case file(String)
        case data(Data)
    }

    public let key: String
    public let content: Content
    public let bytes: Int
    /// Lower-case hexadecimal; the store checks the body against it.
    public let sha256: String
    public let contentType: String
    /// Names and values that the store shows beside the object, where it takes any: for rules and bills of its own.
    public var tags: [String: String] = [:]
    /// What lies under the key gives way; footage never does.
    public var replaces = false
    /// Asked before each piece of so many bytes goes; waits until it may.
    public var pace: (@Sendable (Int) async throws -> Void)?

    public init(
        key: String, content: Content, bytes: Int, sha256: String, contentType: String, pace: (@Sendable (Int) async throws -> Void)? = nil
    ) {
        self.pace = pace
        self.key = key
        self.content = content
        self.bytes = bytes
        self.sha256 = sha256
        self.contentType = contentType
    }
}

/// How far an upload is.
public struct UploadProgress: Sendable, Equatable {
    /// Bytes that have just gone.
    public let piece: Int
    /// Bytes of the object that are up, those of an earlier attempt included.
    public let total: Int

    public init(piece: Int, total: Int) {
        self.piece = piece
        self.total = total
    }
}

/// What a store says of an object.
public struct ObjectInfo: Sendable, Equatable {
    public let bytes: Int
    /// Lower-case hexadecimal; nil where another program put the object.
    public let sha256: String?

    public init(bytes: Int, sha256: String?) {
        self.bytes = bytes
        self.sha256 = sha256
    }
}

/// An object as a store lists it.
public struct ListedObject: Sendable, Equatable {
    public let key: String
    public let bytes: Int
    public let modified: Date

    public init(key: String, bytes: Int, modified: Date) {
        self.key = key
        self.bytes = bytes
        self.modified = modified
    }
}

/// Why a store did not do as asked, and what a person can do about it.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// No connection, a broken one, or no answer in time.
        case unreachable
        /// The store asks for patience (429, 503) or is at fault (5xx).
        case busy
        /// Credentials, permissions, clock or certificate: only a person can help.
        case refused
        /// The bucket or folder is not there.
        case noBucket
        /// Something is under the key already.
        case exists
        /// What was begun in parts is not there any more.
        case gone
        /// The body arrived changed.
        case corrupted
        /// No room in the store.
        case full
        /// An answer that is not a store's.
        case nonsense
    }

    public let kind: Kind
    /// What happened and what to do.
    public let sentence: String
    /// The store asked to wait this long.
    public let retryAfter: Duration?
    public var description: String { sentence }

    public init(_ kind: Kind, _ sentence: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.sentence = sentence
        self.retryAfter = retryAfter
    }
}

/// A place where objects lie under keys.
public protocol ObjectStore: Sendable {
    /// Tells one store's place from another's; nothing of it is secret.
    var identity: String { get }
    /// Whether what goes there goes over the box's uplink: what a folder takes says something of its disk alone.
    var usesUplink: Bool { get }
    /// Puts an object under a key that must be free; `progress` is told of each piece.
    /// - Throws: `StoreError`, of kind `exists` where the key is taken.
    func put(_ upload: ObjectUpload, progress: @escaping @Sendable (UploadProgress) -> Void) async throws
    /// What lies under `key`, or nil.
    func head(_ key: String) async throws -> ObjectInfo?
    /// The bytes of `range` of the object, handed over piece by piece.
    func read(_ key: String, range: Range<Int>, to body: @Sendable (ByteBuffer) async throws -> Void) async throws
    /// What lies under keys that begin with `prefix`, in no order.
    func list(_ prefix: String) async throws -> [ListedObject]
    /// Removes the object; nothing there is well too.
    func delete(_ key: String) async throws
    /// An address under which whoever has it may read the object for `span`; nil where the store has no such thing.
    func link(to key: String, validFor span: Duration) throws -> String?
    /// Where such addresses lie, as a browser names it: scheme, host and port.
    var origin: String? { get }
    /// Clears away what was begun under `prefix` and never completed; answers how many.
    func clearLeftovers(under prefix: String) async throws -> Int
    /// Ends the store's connections.
    func shutdown() async
}

extension ObjectStore {
    public var usesUplink: Bool { true }
    public func link(to key: String, validFor span: Duration) throws -> String? { nil }
    public var origin: String? { nil }
    public func clearLeftovers(under prefix: String) async throws -> Int { 0 }

    /// Whether these very bytes lie under `key`.
    func has(_ key: String, bytes: Int, sha256: String) async throws -> Bool {
        guard let info = try await head(key), info.bytes == bytes else { return false }
        return try await has(info, key, sha256: sha256)
    }

    /// The same of an object of which `info` was said; where it has no digest, which some stores drop, it is read.
    func has(_ info: ObjectInfo, _ key: String, sha256: String) async throws -> Bool {
        if let known = info.sha256 { return known == sha256 }
        return try await digest(key, bytes: info.bytes).sha256 == sha256
    }

    /// What an object that is to have so many bytes has, read whole.
    func digest(_ key: String, bytes: Int) async throws -> (bytes: Int, sha256: String) {
        let hasher = Mutex((SHA256(), 0))
        if bytes > 0 {
            try await read(key, range: 0..<bytes) { piece in
                hasher.withLock { state in
                    piece.withUnsafeReadableBytes { state.0.update(bufferPointer: $0) }
                    state.1 += piece.readableBytes
                }
            }
        }
        return hasher.withLock { (bytes: $0.1, sha256: Hexadecimal.text($0.0.finalize())) }
    }

    /// A small object whole; nil where nothing lies under the key.
    /// - Throws: `StoreError`, also where it has more than `limit` bytes.
    func data(_ key: String, limit: Int = 4 << 20) async throws -> Data? {
        guard let info = try await head(key) else { return nil }
        return try await data(ListedObject(key: key, bytes: info.bytes, modified: .distantPast), limit: limit)
    }

    /// The same of an object that was listed.
    func data(_ object: ListedObject, limit: Int = 4 << 20) async throws -> Data {
        guard object.bytes <= limit else { throw StoreError(.nonsense, "The object \(object.key) is larger than such an object can be.") }
        let collected = Mutex(Data())
        if object.bytes > 0 {
            try await read(object.key, range: 0..<object.bytes) { piece in
                collected.withLock { $0.append(contentsOf: piece.readableBytesView) }
            }
        }
        return collected.withLock { $0 }
    }
}
