import Access
import ArgumentParser
import AsyncHTTPClient
import Backup
import BoxDatabase
import Core
import Foundation
import NIOCore
import NIOFoundationCompat

/// The passphrase of a backup, from a file or typed.
struct PassphraseOption: ParsableArguments {
    @Option(help: "A file with the passphrase, or - for the standard input; otherwise it is asked for.")
    var passphraseFile: String?

    /// - Parameter isNew: it is typed twice.
    func read(isNew: Bool) throws -> String {
        let text: String?
        switch passphraseFile {
        case "-"?: text = readLine()
        case let path?: text = String(decoding: try RecoveryInput.read(path), as: UTF8.self)
        case nil:
            text = getpass("Passphrase: ").map { String(cString: $0) }
            if isNew, text != getpass("The same again: ").map({ String(cString: $0) }) {
                throw ValidationError("The two are not the same.")
            }
        }
        let typed = text?.trimmingCharacters(in: .newlines) ?? ""
        guard !typed.isEmpty else {
            throw ValidationError("There is no passphrase. Give it with --passphrase-file, or type it when asked.")
        }
        return typed
    }
}

/// `gatehouse backup`: a copy of everything that a box knows.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Save what a box knows (people, sites, devices, settings, keys) to an encrypted file.",
        discussion: """
            Footage is not in it, but the index of what is in the cloud and the keys that open it. Whoever has the file and its passphrase has \
            everything: keep both apart. It is a tar encrypted as `age` does it, so that `age -d` opens it as well.
            """)

    @OptionGroup var arguments: BoxArguments

    @Argument(help: "The file to make.")
    var file: String

    @OptionGroup var passphrase: PassphraseOption

    func run() async throws {
        guard !FileManager.default.fileExists(atPath: file) else { throw ValidationError("\(file) is there already. Choose another file.") }
        let passphrase = try passphrase.read(isNew: true)
        let password = try BoxClient.readPassword(of: arguments.user)
        let box = try await arguments.connect(password: password)
        do {
            let response = try await box.take("/backup", ["password": password, "passphrase": passphrase])
            let bytes = try await Self.save(response.body, to: file)
            print("\(file): \(bytes) bytes.")
            await box.close()
        } catch {
            await box.close()
            throw error
        }
    }

    private static func save(_ body: some AsyncSequence<ByteBuffer, any Error>, to path: String) async throws -> Int {
        let temporary = path + ".part"
        guard FileManager.default.createFile(atPath: temporary, contents: nil, attributes: [.posixPermissions: 0o600]),
            let handle = FileHandle(forWritingAtPath: temporary)
        else { throw ValidationError("\(path) cannot be made. Choose another file.") }
        defer { unlink(temporary) }
        var bytes = 0
        for try await piece in body {
            try handle.write(contentsOf: Data(buffer: piece))
            bytes += piece.readableBytes
        }
        try handle.synchronize()
        try handle.close()
        guard link(temporary, path) == 0 else { throw ValidationError("\(path) cannot be made: \(String(cString: strerror(errno))).") }
        return bytes
    }
}

/// `gatehouse restore`: a box begins with what another knew.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Let a box begin with a backup. The box must not run.",
        discussion: """
            The box becomes the one that was backed up: it has its serial number, its people and its keys. The other one must not run any more. \
            The set-up code stays this box's own.
            """)

    @Argument(help: "The backup.")
    var file: String

    @OptionGroup var passphrase: PassphraseOption

    @Option(help: "The box's state folder.")
    var state = "/var/lib/gatehouse"

    @Flag(help: "There is a box in the folder; what it knew is kept in a folder former-… in it.")
    var replace = false

    func run() async throws {
        guard FileManager.default.fileExists(atPath: file) else { throw ValidationError("\(file) cannot be read.") }
        let passphrase = try passphrase.read(isNew: false)
        // Of a folder that root makes nobody knows whose box it is to be.
        if geteuid() == 0, !FileManager.default.fileExists(atPath: state) {
            print("\(state) did not exist: it is root's now. Give it to the user who runs the box (chown -R).")
        }
        try BoxLock.take(state)
        do {
            let manifest = try BoxBackup.restore(file, passphrase: passphrase, into: state, replaces: replace, now: Date())
            StagedRestore.forget(in: state)
            try await Self.takeDown(manifest, state)
            print(
                "\(state) is box \(manifest.serialNumber) now, as it was on \(GatehouseJSON.text(manifest.createdAt)). Start it, and not the other one."
            )
        } catch let failure as BackupFailure {
            throw ValidationError(failure.description + (failure.description.hasPrefix("There is a box") ? " Use --replace." : ""))
        }
    }

    private static func takeDown(_ manifest: BackupManifest, _ state: String) async throws {
        let log = OperationLog(
            database: try BoxDatabase(path: state + "/box.sqlite"), time: .system, clock: { ClockState.word }, tell: { _, _ in })
        try await StagedRestore.takeDown(manifest, by: "at the box", from: "local", log)
    }
}
