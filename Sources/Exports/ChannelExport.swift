import BoxDatabase
import CloudStorage
import Core
import Foundation
import Media
import MediaWorker
public import Playback
import Refill
import Synchronization

/// Hands over the footage that a request names, step by step.
public typealias ReadFootage = @Sendable (FootageRequest, @escaping @Sendable (FootageStep) async throws -> Void) async throws -> Void

/// Makes the files of one channel of an export.
actor ChannelExport {
    /// A group of pictures that begins before the export, until the next key frame.
    private struct Edge {
        var group: [Sample] = []
        var sound: [Sample] = []
        var bytes = 0
    }

    private static let mostEdge = 64 << 20
    private static let batchBytes = 1 << 20

    private let order: ExportRecord
    private let code: VerificationCode?
    private let read: ReadFootage
    private let encoder: EdgeEncoder
    private let channel: ChannelID
    private let queue = BlockingQueue(name: "export", background: true)
    private let files: Mutex<FootageFiles>
    private let progressed: @Sendable (Double) async throws -> Void

    /// The piece whose first picture has not come yet.
    private var coming: (footage: FootagePiece, audio: StreamFormat?)?
    private var piece: ExportedPiece?
    private var edge: Edge?
    private var isFirst = true
    private var converted: StreamFormat?
    private var batch: [Sample] = []
    private var batchBytes = 0
    private(set) var sentences: [String] = []

    init(
        _ order: ExportRecord, channel: ExportRecord.Channel, code: VerificationCode?, name: String, folder: String, most: Int,
        read: @escaping ReadFootage, encoder: EdgeEncoder, progressed: @escaping @Sendable (Double) async throws -> Void
    ) {
        self.order = order
        self.code = code
        self.read = read
        self.encoder = encoder
        self.channel = channel.id
        self.progressed = progressed
        files = Mutex(
            FootageFiles(
                folder: folder, name: name, title: channel.name, channel: channel.id, zero: order.from, pieceSeconds: order.pieceSeconds,
                most: most))
    }

    /// Reads all that there is and answers the files.
    func run() async throws -> [ExportedFile] {
        do {
            try await read(FootageRequest(channel: channel, from: order.from, to: order.to, code: code, goesOnWithout: true)) {
                try await self.take($0)
            }
        } catch let failure as PlaybackFailure where failure.code == .nothing {
            return []
        }
        try await endPiece()
        return try await write {
            try $0.close()
            return $0.files
        }
    }

    /// `14:05:09`
    private static func clock(_ date: Date) -> String { String(GatehouseJSON.text(date).dropFirst(11).prefix(8)) }

    private func write<Result: Sendable>(_ body: @escaping @Sendable (inout FootageFiles) throws -> Result) async throws -> Result {
        try await queue.run { [self] in try files.withLock { try body(&$0) } }
    }

    private func take(_ step: FootageStep) async throws {
        switch step {
        case .missing(let span, let sentence):
            sentences.append("\(Self.clock(span.from)) to \(Self.clock(span.to)) UTC is missing: \(sentence)")
        case .begins(let footage, let audio):
            try await endPiece()
            coming = (footage, audio)
            let done = footage.span.from.timeIntervalSince(order.from) / order.to.timeIntervalSince(order.from)
            try await progressed(min(1, max(0, done)))
        case .samples(let samples):
            for sample in samples { try await take(sample) }
            if let last = samples.last {
                try await progressed(min(1, max(0, (last.time - .zero).seconds / order.to.timeIntervalSince(order.from))))
            }
        }
    }

    private func take(_ sample: Sample) async throws {
        if let coming {
            guard sample.format.kind == .video else { return }
            try await begin(ExportedPiece(footage: coming.footage, video: sample.format, audio: coming.audio), first: sample)
        }
        if edge != nil {
            guard sample.format.kind == .video, sample.isKeyFrame, edge?.group.isEmpty == false else { return try keep(sample) }
            // Only the group in which the export begins is encoded anew.
            guard sample.time >= .zero else {
                edge = Edge()
                return try keep(sample)
            }
            try await encodeEdge(before: sample)
        }
        try await add(sample)
    }

    private func begin(_ piece: ExportedPiece, first: Sample) async throws {
        coming = nil
        self.piece = piece
        converted = nil
        edge = order.exact && isFirst && first.time < .zero ? Edge() : nil
        isFirst = false
        if edge == nil { try await write { try $0.begin(piece) } }
    }

    private func keep(_ sample: Sample) throws {
        edge?.bytes += sample.count
        guard let bytes = edge?.bytes, bytes <= Self.mostEdge else {
            throw ExportFailure("The footage has too few key frames for an exact beginning.")
        }
        if sample.format.kind == .video { edge?.group.append(sample) } else { edge?.sound.append(sample) }
    }

    private func encodeEdge(before next: Sample? = nil) async throws {
        guard let kept = edge, var piece else { return }
        edge = nil
        let isNeeded = kept.group.last.map { $0.time >= .zero } ?? false
        let made = isNeeded ? try await encoder.encode(kept.group, from: .zero, before: next) : nil
        if let made {
            piece.video = made.format
            (self.piece, converted) = (piece, made.format)
        }
        let begun = piece
        try await write { try $0.begin(begun) }
        if made == nil, isNeeded {
            sentences.append("The beginning lies at the key frame before: only H.264 and H.265 can be cut exactly.")
        }
        let pictures = made?.samples ?? (isNeeded ? kept.group : [])
        let sound = isNeeded ? kept.sound.filter { made == nil || $0.time >= .zero } : []
        for sample in (pictures + sound).sorted(by: { $0.decodeTime < $1.decodeTime }) { try await put(sample) }
    }

    private func add(_ sample: Sample) async throws {
        guard let converted, sample.format.kind == .video else { return try await put(sample) }
        guard let same = try MergedParameterSets.byteStream(sample, as: converted) else {
            throw ExportFailure("The footage's pictures are not in the form that they say.")
        }
        try await put(same)
    }

    private func put(_ sample: Sample) async throws {
        batch.append(sample)
        batchBytes += sample.count
        if batchBytes >= Self.batchBytes { try await flush() }
    }

    private func flush() async throws {
        let samples = batch
        (batch, batchBytes) = ([], 0)
        guard !samples.isEmpty else { return }
        try await write { files in for sample in samples { try files.take(sample) } }
    }

    /// A piece may end within its first group of pictures.
    private func endPiece() async throws {
        if edge?.group.isEmpty == false { try await encodeEdge() }
        edge = nil
        coming = nil
        try await flush()
        piece = nil
    }
}
