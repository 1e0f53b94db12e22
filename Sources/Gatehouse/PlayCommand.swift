import ArgumentParser
import AsyncHTTPClient
import Core
import Foundation
import NIOCore
import NIOHTTP1

/// Writes a camera's pictures to standard output, live or from a moment on.
struct PlayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "play",
        abstract: "Writes a camera's pictures as MP4 to standard output, live or from a moment on: for ffplay, VLC, or a file.",
        discussion: "gatehouse play https://192.168.1.5:8443 front --user anna | ffplay -")

    @OptionGroup var place: BoxArguments

    @Argument(help: "The camera, by name or identifier.")
    var camera: String

    @Flag(help: "The sub stream: smaller pictures.")
    var sub = false

    @Option(help: "Play what was recorded from this moment on: 2026-11-27T08:15:00Z")
    var at: String?

    private struct Live: Encodable {
        let stream: String
    }

    private struct Playback: Encodable {
        let from: Date
    }

    private struct Begun: Decodable {
        let id: String
        let mp4Url: String
    }

    func run() async throws {
        let moment = try at.map { text in
            guard let date = GatehouseJSON.date(text) else { throw ValidationError("--at must be a time such as 2026-11-27T08:15:00Z.") }
            return date
        }
        let client = try await place.connect()
        do {
            let channel = try await client.channel(camera)
            let begun: Begun =
                if let moment {
                    try await client.call(.POST, "/channels/\(channel.id)/playback", Playback(from: moment))
                } else {
                    try await client.call(.POST, "/channels/\(channel.id)/live", Live(stream: sub ? "sub" : "main"))
                }
            for try await piece in try await client.open(begun.mp4Url).body {
                try FileHandle.standardOutput.write(contentsOf: piece.readableBytesView)
            }
        } catch {
            await client.close()
            // A player that was closed is no failure.
            if (error as NSError).domain == NSPOSIXErrorDomain { return }
            throw error
        }
        await client.close()
    }
}
