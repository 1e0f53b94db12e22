public import Core
import Media
import MediaWorker

/// Encrypts a file of fragments that the box's own muxer wrote.
///
/// The box reads only the boxes that it wrote itself; nothing of the camera's is decoded.
struct FragmentEncryption {
    /// The largest box that is taken: a fragment holds a few seconds.
    private static let largest = 256 << 20

    private var encryption: CommonEncryption
    private let file: any FootageFile
    // A box may be large, and the cooperative threads are few.
    private let queue = BlockingQueue(name: "encrypt", background: true)
    /// Held until it is known whether an index follows, which is made anew: encrypted fragments are larger.
    private var header: [UInt8]?
    private var indexed: (writer: ClipFileWriter, rest: ArraySlice<SegmentIndex.Entry>)?

    /// Encrypts with `key`, into `file`.
    init(key: ClipKey, into file: any FootageFile) throws {
        encryption = try CommonEncryption(identifier: key.identifier, secret: key.secret)
        self.file = file
    }

    /// Encrypts all of `source`; the file is durable when it returns.
    mutating func encrypt(_ source: any FootageSource) async throws {
        var waiting: [UInt8] = []
        var inHeader = true
        while let bytes = try await source.next() {
            waiting += bytes
            guard waiting.count <= Self.largest else { throw MediaError("encrypt", kind: .invalidData) }
            while let end = MP4Stream.end(of: inHeader ? "moov" : "mdat", in: waiting) {
                let part = Array(waiting[..<end])
                waiting.removeFirst(end)
                if inHeader { header = try await changed(part, { try $0.header($1) }) } else { try await fragment(part) }
                inHeader = false
            }
        }
        guard header == nil, !inHeader else { throw MediaError("encrypt: no fragment", kind: .invalidData) }
        if let indexed { try await indexed.writer.finish() } else { try await file.synchronize() }
    }

    /// Does the work on a thread that may be blocked.
    private mutating func changed(
        _ bytes: [UInt8], _ body: @escaping @Sendable (inout CommonEncryption, [UInt8]) throws -> [UInt8]
    ) async throws -> [UInt8] {
        let before = encryption
        let (made, after) = try await queue.run {
            var encryption = before
            return (try body(&encryption, bytes), encryption)
        }
        encryption = after
        return made
    }

    private mutating func fragment(_ part: [UInt8]) async throws {
        if let header {
            self.header = nil
            if let index = try SegmentIndex(in: part) {
                let writer = ClipFileWriter(file: file)
                try await writer.header(header)
                indexed = (writer, index.entries[...])
            } else {
                try await file.append(header)
            }
        }
        guard let (writer, rest) = indexed else { return try await file.append(changed(part, { try $0.fragment($1) })) }
        guard let entry = rest.first, let start = try MP4Stream.start(of: "moof", in: part) else {
            throw MediaError("encrypt: index", kind: .invalidData)
        }
        indexed = (writer, rest.dropFirst())
        let info = FragmentInfo(start: entry.start, duration: entry.duration, startsWithKeyFrame: entry.startsWithKeyFrame)
        try await writer.fragment(info, changed(Array(part[start...]), { try $0.fragment($1) }))
    }
}

/// Encrypts clips that have waited for their upload since before their site's footage was to be encrypted.
public struct WaitingEncryption: UploadProtection {
    private let spool: any WaitingFootage
    private let protection: any FootageProtection

    public init(spool: any WaitingFootage, protection: any FootageProtection) {
        self.spool = spool
        self.protection = protection
    }

    public func mustEncrypt(_ manifest: ClipManifest) throws -> Bool {
        try manifest.encryption == nil && protection.isEncrypted(manifest.site)
    }

    public func encrypt(_ manifest: ClipManifest) async throws {
        guard let issued = try protection.issueKey(for: manifest.id, of: manifest.site) else { return }
        let source = try await spool.contents(of: manifest)
        var encryption = try FragmentEncryption(key: issued.key, into: try await spool.beginReplacement(of: manifest.id))
        try await encryption.encrypt(source)
        let picture = try await spool.picture(of: manifest).map {
            try protection.sealPicture($0, of: manifest.id, with: issued.key)
        }
        var done = manifest
        done.encryption = issued.encryption
        _ = try await spool.replace(done, picture: picture)
    }
}
