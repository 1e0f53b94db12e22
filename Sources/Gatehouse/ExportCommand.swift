import ArgumentParser
import AsyncHTTPClient
import Core
import Crypto
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Cuts a time out of the footage of cameras, by way of the box, and fetches the files.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Cuts a time out of the footage of up to four cameras and fetches it as MP4 files.",
        discussion:
            "The password is asked for, or taken from the environment (GATEHOUSE_PASSWORD). A download that broke off is gone on with; each file's SHA-256 is "
            + "compared.")

    @OptionGroup var place: BoxArguments

    @Option(parsing: .upToNextOption, help: "The cameras, by name or identifier.")
    var cameras: [String]

    @Option(help: "The beginning: 2026-11-27T08:15:00Z")
    var from: String

    @Option(help: "The end: 2026-11-27T08:17:00Z")
    var to: String

    @Flag(help: "Begin at the moment, not at the key frame before; pictures before the first key frame are encoded anew.")
    var exact = false

    @Option(help: "Begin another file after so many seconds.")
    var pieceSeconds: Int?

    @Flag(help: "Fetch the one ZIP file with the note and its signature in place of the files.")
    var zip = false

    @Option(help: "The folder for the files.")
    var output = "."

    private static let looksEvery = Duration.milliseconds(500)
    private static let attempts = 5

    private struct Order: Encodable {
        let channelIds: [String]
        let from: Date
        let to: Date
        let exact: Bool
        let pieceSeconds: Int?
        let code: String?
    }

    private struct Export: Decodable {
        struct File: Decodable {
            let name: String
            let url: String
            let sizeBytes: Int
            let sha256: String
            let contentType: String
        }

        let id: String
        let state: String
        let progress: Double
        let sentence: String?
        let files: [File]
    }

    func run() async throws {
        guard let begin = GatehouseJSON.date(from), let end = GatehouseJSON.date(to), begin < end else {
            throw ValidationError("--from and --to must be times such as 2026-11-27T08:15:00Z, the first before the second.")
        }
        // Better now than when the cut-out has been made.
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        let client = try await place.connect()
        do {
            try await run(client, begin, end)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    private func run(_ client: BoxClient, _ begin: Date, _ end: Date) async throws {
        var ids: [String] = []
        for camera in cameras { ids.append(try await client.channel(camera).id) }
        let code = ProcessInfo.processInfo.environment["GATEHOUSE_VERIFICATION_CODE"]
        var export: Export = try await client.call(
            .POST, "/exports",
            Order(channelIds: ids, from: begin, to: end, exact: exact, pieceSeconds: pieceSeconds, code: code))
        while export.state == "waiting" || export.state == "working" {
            Self.tell("\rCutting out: \(Int(export.progress * 100)) %")
            try await TimeSource.system.sleep(Self.looksEvery)
            export = try await client.call(.GET, "/exports/\(export.id)")
        }
        Self.tell("\r")
        if let sentence = export.sentence { Self.tell("\(sentence)\n") }
        guard export.state == "ready" else { throw ExitCode(1) }
        for file in export.files where (file.contentType == "application/zip") == zip { try await fetch(file, client) }
    }

    private static func tell(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    /// Goes on where an earlier attempt broke off.
    private func fetch(_ file: Export.File, _ client: BoxClient) async throws {
        guard !file.name.contains("/"), !file.name.hasPrefix(".") else { throw BoxFailure(description: "The box names a file strangely.") }
        let path = "\(output)/\(file.name)"
        let part = "\(path).\(file.sha256.prefix(8)).part"
        if !FileManager.default.fileExists(atPath: part) { _ = FileManager.default.createFile(atPath: part, contents: nil) }
        guard let handle = FileHandle(forUpdatingAtPath: part) else { throw BoxFailure(description: "\(part) cannot be written.") }
        defer { try? handle.close() }
        var offset = Int(try handle.seekToEnd())
        var attempt = 0
        while offset < file.sizeBytes {
            attempt += 1
            do {
                for try await piece in try await client.open(file.url, from: offset).body {
                    try handle.write(contentsOf: Data(buffer: piece))
                    offset += piece.readableBytes
                    Self.tell("\r\(file.name): \(offset / 1_000_000) of \(file.sizeBytes / 1_000_000) MB")
                }
            } catch let failure as BoxFailure {
                throw failure
            } catch  where attempt < Self.attempts {
                try await TimeSource.system.sleep(.seconds(attempt))
            }
        }
        try handle.seek(toOffset: 0)
        var hasher = SHA256()
        while let data = try handle.read(upToCount: 1 << 18), !data.isEmpty { hasher.update(data: data) }
        let digest = hasher.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        guard digest == file.sha256 else {
            try? FileManager.default.removeItem(atPath: part)
            throw BoxFailure(description: "\(file.name) did not arrive as it was sent. Fetch it again.")
        }
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: part, toPath: path)
        Self.tell("\r")
        print("\(path)  \(file.sizeBytes) bytes  SHA-256 \(file.sha256)")
    }
}
