import ArgumentParser
import AsyncHTTPClient
import Core
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Fetches what a box says of itself, for whoever helps with it.
struct SupportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "support-bundle",
        abstract: "Saves what a box says of itself, with the end of its log; without passwords, keys and footage.",
        discussion: "With --collect the box keeps more of its log for 24 hours, and then no more by itself: make the file afterwards.")

    @OptionGroup var box: BoxArguments

    @Argument(help: "Where the file goes (tar); nothing is replaced.", completion: .file())
    var file: String?

    @Flag(help: "Keep more of the log from now on.")
    var collect = false

    private struct Support: Decodable {
        let until: Date?
    }

    private struct Change: Encodable {
        let collectsLog = true
    }

    func validate() throws {
        guard collect != (file != nil) else { throw ValidationError("Give the file, or --collect.") }
    }

    func run() async throws {
        try await box.withClient { try await run($0) }
    }

    private func run(_ client: BoxClient) async throws {
        guard let file else {
            let support: Support = try await client.call(.PUT, "/support", Change())
            print("The log is collected until \(support.until.map(GatehouseJSON.text) ?? "it is ended").")
            return
        }
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw ValidationError("\(file) is there already, or cannot be written.") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let response = try await client.open("/api/v1/support/bundle")
        for try await piece in response.body { try handle.write(contentsOf: Data(buffer: piece)) }
        try handle.close()
        print("\(file) is saved.")
    }
}
