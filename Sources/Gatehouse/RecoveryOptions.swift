import ArgumentParser
import BoxDatabase
import CloudStorage
import Core
import Foundation
import ManagementAPI

/// The owner's recovery file and its verification code, for commands that open footage.
struct VerificationCodeOption: ParsableArguments {
    @Option(help: "A file with the verification code, or - for the standard input; otherwise it is asked for.")
    var codeFile: String?

    /// The code, as it was typed.
    func read() throws -> VerificationCode {
        let text: String?
        switch codeFile {
        case "-"?: text = readLine()
        case let path?: text = String(decoding: try RecoveryInput.read(path), as: UTF8.self)
        case nil: text = getpass("Verification code: ").map { String(cString: $0) }
        }
        let typed = text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
        guard !typed.isEmpty else {
            throw ValidationError("There is no verification code. Give it with --code-file, or type it when asked.")
        }
        return VerificationCode(typed: typed)
    }
}

/// Files that the owner gives.
enum RecoveryInput {
    static func read(_ path: String) throws -> Data {
        guard let data = FileManager.default.contents(atPath: path) else { throw ValidationError("\(path) cannot be read.") }
        return data
    }
}

/// Brings the key of a recovery file into a box's state folder.
struct FootageImportKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import-key", abstract: "Gives a box the key of an owner's recovery file. The box must not run.",
        discussion: """
            The box then opens the clips that were encrypted for that key, with the code that was in force when the file was saved. Where its \
            site has no key yet, new clips are encrypted for this one too. The Cloud page does the same while the box runs.
            """)

    @Option(help: "The recovery file.")
    var recovery: String

    @OptionGroup var code: VerificationCodeOption

    @Option(help: "The box's state folder.")
    var state = "/var/lib/gatehouse"

    func run() async throws {
        print(try await Self.importKey(recovery, code: try code.read(), into: try BoxState.ofCommand(state)))
    }

    /// Does it, and says what was done.
    /// - Throws: `ExitCode`, once it has said why not.
    static func importKey(_ path: String, code: VerificationCode, into state: BoxState) async throws -> String {
        do {
            let file = try RecoveryFile.read(try RecoveryInput.read(path))
            let database = try BoxDatabase(path: state.databasePath)
            let encryption = SiteEncryption(
                box: state.identity.serialNumber, database: database, sealer: try state.sealer(), time: .system)
            try await encryption.load()
            return try await encryption.importKey(file, code: code, into: try await encryption.site()).sentence(file)
        } catch let error as FootageKeyError {
            throw refused(error.sentence)
        } catch EncryptionRefusal.key(let error) {
            throw refused(error.sentence)
        } catch let error as ValidationError {
            throw refused(error.message)
        }
    }

    private static func refused(_ sentence: String) -> ExitCode {
        NewFile.note(sentence)
        return ExitCode(1)
    }
}
