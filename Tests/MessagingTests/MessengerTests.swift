import Core
import Foundation
import Logging
import SystemPackage
import TestSupport
import Testing

@testable import Messaging

/// With a program that keeps what it is given.
@Suite struct MessengerTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func messenger(_ script: String) throws -> Messenger {
        let path = folder.path + "/sendmail"
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return Messenger(
            mail: .init(path: FilePath(path), from: "box@example.com"), gateway: nil, time: .system, logger: Logger(label: "test"))
    }

    @Test func anEmailIsGivenToTheProgram() async throws {
        let messenger = try messenger("cat > \(folder.path)/message; echo \"$@\" > \(folder.path)/arguments")
        try await messenger.mail(
            to: "olga@example.com", subject: "Casa di Olga: perché no\nBcc: x@example.com", text: "Grüße à tous.\n.\nEnd")
        let message = try String(contentsOf: URL(filePath: folder.path + "/message"), encoding: .utf8)
        #expect(
            try String(contentsOf: URL(filePath: folder.path + "/arguments"), encoding: .utf8)
                == "-i -f box@example.com -- olga@example.com\n")
        let (head, body) = try #require(message.range(of: "\n\n").map { (message[..<$0.lowerBound], message[$0.upperBound...]) })
        #expect(!head.contains("\nBcc:") && head.contains("\nTo: olga@example.com\n"))
        #expect(head.utf8.allSatisfy { $0 < 0x80 })
        let text = Data(base64Encoded: String(body), options: .ignoreUnknownCharacters).map { String(decoding: $0, as: UTF8.self) }
        #expect(text == "Grüße à tous.\n.\nEnd")
    }

    @Test(arguments: ["-oQ/tmp@example.com", "a@example.com\nBcc: b@example.com", "a b@example.com", "ä@example.com", ""])
    func addressesThatAreNone(_ address: String) async throws {
        let messenger = try messenger("touch \(folder.path)/called")
        await #expect(throws: MessagingFailure.self) { try await messenger.mail(to: address, subject: "x", text: "x") }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/called"))
    }

    @Test func aProgramThatFailsIsTold() async throws {
        let messenger = try messenger("echo no route >&2; exit 75")
        await #expect(throws: MessagingFailure.self) { try await messenger.mail(to: "a@example.com", subject: "x", text: "x") }
        let none = Messenger(mail: nil, gateway: nil, time: .system, logger: Logger(label: "test"))
        let failure = await #expect(throws: MessagingFailure.self) { try await none.mail(to: "a@example.com", subject: "x", text: "x") }
        #expect(failure?.sentence.contains("mail.program") ?? false)
    }
}
