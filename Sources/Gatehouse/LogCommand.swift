import Access
import ArgumentParser
import AsyncHTTPClient
import BoxDatabase
import Core
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// `gatehouse log`: what was done on a box, and whether what is written of it is whole.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Show the operation log of a box, and verify it.", subcommands: [Show.self, Verify.self],
        defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what was done, the newest last.",
            discussion: "gatehouse log https://192.168.1.5:8443 --user anna --certificate authority.pem")

        @OptionGroup var arguments: BoxArguments

        @Option(help: "So many lines.")
        var limit = 50

        @Option(help: "Only what this user did.")
        var person: String?

        @Flag(help: "Only what was refused or failed.")
        var failed = false

        private struct Page: Decodable {
            struct Line: Decodable {
                let number: Int
                let at: Date
                let person: String
                let action: String
                let subjectName: String?
                let subject: String?
                let address: String
                let result: String
            }
            let items: [Line]
        }

        func validate() throws {
            guard (1...200).contains(limit) else { throw ValidationError("--limit is 1 to 200.") }
        }

        func run() async throws {
            let box = try await arguments.connect()
            do {
                var query = "limit=\(limit)" + (failed ? "&result=failed" : "")
                if let person = person?.addingPercentEncoding(withAllowedCharacters: .alphanumerics) { query += "&person=\(person)" }
                let page: Page = try await box.call(.GET, "/operations?\(query)")
                for line in page.items.reversed() {
                    let what = line.subjectName ?? line.subject ?? ""
                    print(
                        "\(line.number)  \(GatehouseJSON.text(line.at))  \(line.person) (\(line.address))  \(line.action)"
                            + (what.isEmpty ? "" : "  \(what)") + "  \(line.result)")
                }
            } catch {
                await box.close()
                throw error
            }
            await box.close()
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look whether no line of a box's operation log was changed or taken out.",
            discussion: "Of a file that was fetched before (GET /api/v1/operations/export), or of a box.")

        @Argument(help: "A file of JSON lines, or the box's page: https://192.168.1.5:8443")
        var source: String

        @Option(help: "The user name, where it is a box; the password is asked for, or taken from the environment (GATEHOUSE_PASSWORD).")
        var user: String?

        @Option(help: "The box's certificate in a PEM file.")
        var certificate: String?

        @Flag(help: "Take whatever certificate the box has.")
        var insecure = false

        @Option(help: "A line and its digest as the box's own log told them, NUMBER:DIGEST: the chain has to go through it.")
        var expect: String?

        func run() async throws {
            var chain = OperationChain()
            let wanted = try expect.map(Self.checkpoint)
            var digests: [Int: String] = [:]
            do {
                try await lines { text in
                    let line = try GatehouseJSON.decoder.decode(OperationRecord.self, from: Data(text))
                    try chain.check(line)
                    if line.number == wanted?.number { digests[line.number] = line.digest }
                }
            } catch let found as OperationChain.Break {
                throw BoxFailure(description: found.sentence)
            } catch is DecodingError {
                throw BoxFailure(description: "After line \(chain.last) comes what is no line of an operation log.")
            }
            if let wanted, wanted.number < chain.first {
                throw BoxFailure(description: "Line \(wanted.number) is no longer kept; expect a later one.")
            }
            if let wanted, digests[wanted.number] != wanted.digest {
                throw BoxFailure(
                    description:
                        "Line \(wanted.number) \(digests[wanted.number] == nil ? "is not there" : "has another digest than it had").")
            }
            guard chain.last > 0 else { throw BoxFailure(description: "There are no lines.") }
            print("Lines \(chain.first) to \(chain.last) follow one another unchanged. Digest of line \(chain.last): \(chain.digest)")
            if chain.first > 1 { print("Lines before \(chain.first) are no longer kept.") }
        }

        private static func checkpoint(_ text: String) throws -> (number: Int, digest: String) {
            let parts = text.split(separator: ":")
            guard parts.count == 2, let number = Int(parts[0]), parts[1].count == 64 else {
                throw ValidationError("--expect is NUMBER:DIGEST, the digest of 64 hexadecimal digits.")
            }
            return (number, String(parts[1]))
        }

        private func lines(_ body: (Data) throws -> Void) async throws {
            guard source.hasPrefix("http://") || source.hasPrefix("https://") else {
                guard let data = FileManager.default.contents(atPath: source) else {
                    throw BoxFailure(description: "\(source) cannot be read.")
                }
                for line in data.split(separator: UInt8(ascii: "\n")) { try body(Data(line)) }
                return
            }
            guard let user else { throw ValidationError("Say who you are with --user.") }
            let box = try await BoxClient.connect(to: source, user: user, certificate: certificate, insecure: insecure)
            do {
                let response = try await box.open("/api/v1/operations/export")
                var rest = Data()
                for try await buffer in response.body {
                    rest.append(contentsOf: buffer.readableBytesView)
                    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                        try body(Data(rest[rest.startIndex..<end]))
                        rest = Data(rest[rest.index(after: end)...])
                    }
                }
                if !rest.isEmpty { try body(rest) }
            } catch {
                await box.close()
                throw error
            }
            await box.close()
        }
    }
}
