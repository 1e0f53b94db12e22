// Messaging brings words to people who are not at the page: by e-mail through a sendmail-compatible program, by text message through an HTTP gateway.
// What is told, and to whom, is decided above; how it is said in each language, the profiles know (MessageTexts).

import AsyncHTTPClient
public import Core
import Foundation
public import Logging
import NIOCore
import NIOHTTP1
import Subprocess
public import SystemPackage

/// Why a message did not go; a sentence.
public struct MessagingFailure: Error, Sendable, Equatable {
    public let sentence: String
}

/// Sends e-mails and text messages.
public struct Messenger: Sendable {
    /// The program that takes e-mails as sendmail does: `-i -f from -- to`, the message as its input (msmtp, Postfix, Exim, OpenSMTPD).
    public struct MailProgram: Sendable {
        public let path: FilePath
        /// Who the e-mails are from.
        public let from: String

        public init(path: FilePath, from: String) {
            self.path = path
            self.from = from
        }
    }

    /// An HTTP service that takes `{"to": …, "text": …}` by POST.
    public struct MessageGateway: Sendable {
        public let url: String
        /// Sent as `Authorization: Bearer`.
        public let token: String?

        public init(url: String, token: String?) {
            self.url = url
            self.token = token
        }
    }

    private static let patience = Duration.seconds(60)
    /// Nothing of the box's own.
    private static let environment: [Environment.Key: String] = [
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": ProcessInfo.processInfo.environment["HOME"] ?? "/",
    ]

    private let mail: MailProgram?
    private let gateway: MessageGateway?
    private let time: TimeSource
    private let logger: Logger

    public init(mail: MailProgram?, gateway: MessageGateway?, time: TimeSource, logger: Logger) {
        self.mail = mail
        self.gateway = gateway
        self.time = time
        self.logger = logger
    }

    public var hasMail: Bool { mail != nil }
    public var hasGateway: Bool { gateway != nil }

    // MARK: E-mail

    /// Sends an e-mail.
    /// - Throws: `MessagingFailure`.
    public func mail(to recipient: String, subject: String, text: String) async throws(MessagingFailure) {
        guard let mail else { throw MessagingFailure(sentence: "This box sends no e-mail: mail.program is not configured.") }
        guard Self.isSafe(recipient), Self.isSafe(mail.from) else { throw MessagingFailure(sentence: "The address cannot be right.") }
        let message = Self.message(from: mail.from, to: recipient, subject: subject, text: text, at: time.now())
        do {
            let outcome = try await Deadline.run(Self.patience, time: time) {
                let input = try Self.file(of: message)
                return try await Subprocess.run(
                    .path(mail.path), arguments: ["-i", "-f", mail.from, "--", recipient], environment: .custom(Self.environment),
                    input: .fileDescriptor(input, closeAfterSpawningProcess: true),
                    output: .discarded, error: .string(limit: 2048))
            }
            guard outcome.terminationStatus.isSuccess else {
                logger.warning("an e-mail did not go", metadata: ["said": "\(outcome.standardError)"])
                throw MessagingFailure(sentence: "The mail program did not take the e-mail (\(outcome.terminationStatus)).")
            }
        } catch let failure as MessagingFailure {
            throw failure
        } catch {
            logger.warning("an e-mail did not go", metadata: ["error": "\(error)"])
            throw MessagingFailure(sentence: "The mail program could not be run, or took too long.")
        }
    }

    /// A file without a name that holds these bytes: a program that ends before it has read all of a pipe is an error that swift-subprocess does
    /// not survive.
    private static func file(of bytes: [UInt8]) throws -> SystemPackage.FileDescriptor {
        let path = FilePath(NSTemporaryDirectory()).appending("gatehouse-mail-\(UUID().uuidString)")
        let descriptor = try SystemPackage.FileDescriptor.open(
            path, .readWrite, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
        unlink(path.string)
        try descriptor.writeAll(bytes)
        try descriptor.seek(offset: 0, from: .start)
        return descriptor
    }

    /// Nothing that a header or a program's argument could take for something else.
    static func isSafe(_ address: String) -> Bool {
        !address.hasPrefix("-") && (3...254).contains(address.utf8.count) && address.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// The message (RFC 5322), in UTF-8 as base64 (RFC 2045), its subject as encoded words (RFC 2047).
    static func message(from: String, to: String, subject: String, text: String, at now: Date) -> [UInt8] {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = .gmt
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss Z"
        let words = subject.filter { !$0.isNewline }
        let encoded = stride(from: 0, to: words.count, by: 30).map { start in
            let piece = String(words.dropFirst(start).prefix(30))
            return "=?utf-8?B?\(Data(piece.utf8).base64EncodedString())?="
        }
        let body = Data(text.utf8).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
        let lines = [
            "From: \(from)", "To: \(to)", "Subject: \(encoded.joined(separator: "\n "))", "Date: \(format.string(from: now))",
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64",
            "Auto-Submitted: auto-generated",
            "", body, "",
        ]
        return Array(lines.joined(separator: "\n").utf8)
    }

    // MARK: Text messages

    /// Sends a text message.
    /// - Throws: `MessagingFailure`.
    public func message(to number: String, text: String) async throws(MessagingFailure) {
        guard let gateway else { throw MessagingFailure(sentence: "This box sends no text messages: sms.url is not configured.") }
        do {
            var request = HTTPClientRequest(url: gateway.url)
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/json")
            if let token = gateway.token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
            request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(["to": number, "text": text])))
            var configuration = HTTPClient.Configuration()
            configuration.redirectConfiguration = .disallow
            configuration.timeout.connect = .seconds(10)
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            let asked = request
            let status = await Result {
                try await Deadline.run(.seconds(30), time: .system) { try await client.execute(asked, timeout: .seconds(30)).status.code }
            }
            try? await client.shutdown()
            guard case .success(let code) = status, (200..<300).contains(code) else {
                throw MessagingFailure(sentence: "The gateway for text messages did not take it.")
            }
        } catch let failure as MessagingFailure {
            throw failure
        } catch {
            throw MessagingFailure(sentence: "The gateway for text messages could not be reached.")
        }
    }
}

extension Result where Failure == any Error {
    /// What `body` gives or throws.
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
