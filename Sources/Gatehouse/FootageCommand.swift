import ArgumentParser
import BoxDatabase
import CloudStorage
import Core
import Foundation
import ManagementAPI

/// Works on footage as it lies in a bucket, without a box.
struct FootageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "footage", abstract: "Works on footage as it lies in a bucket, without a box.",
        subcommands: [Verify.self, Restore.self, FootageDecrypt.self, FootageImportKey.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compares all footage of a box with its signed record.",
            discussion:
                "Finds what is missing, changed, swapped, put in or cut off. Ends with 1 where something is not as the box said, with 2 where it could not look."
        )

        @OptionGroup var place: FootagePlace

        @Option(help: "The box's serial number, where there are several.")
        var box: String?

        @Option(help: "The box's public key, as its page shows it. Without it the key that lies in the storage is believed.")
        var publicKey: String?

        @Flag(help: "The box does not run any more: an old checkpoint is no finding.")
        var retired = false

        @Flag(help: "Print the findings as JSON.")
        var json = false

        func run() async throws {
            do {
                let findings = try await place.use { store in
                    try await FootageVerification(store: store, isRunning: !retired, time: .system).run(
                        box: try await place.box(box, in: store), publicKey: publicKey)
                }
                if json {
                    print(String(decoding: try GatehouseJSON.encoder.encode(findings), as: UTF8.self))
                } else {
                    tell(findings)
                }
                if !findings.findings.isEmpty { throw ExitCode(1) }
            } catch let error as StoreError {
                NewFile.note(error.sentence)
                throw ExitCode(2)
            }
        }

        private func tell(_ findings: FootageFindings) {
            for finding in findings.findings { print("\(finding.kind.rawValue)  \(finding.key)  \(finding.sentence)") }
            print(
                "Box \(findings.box), key \(findings.publicKey)\(publicKey == nil ? " (as the storage says; compare it with the box's page)" : "")"
            )
            print(
                "\(findings.clips) clips of \(findings.channels) channels compared: \(findings.objects) objects, \(findings.bytes) bytes, \(Int(findings.seconds)) s of footage"
            )
            print(
                "\(findings.links) links; \(findings.expired) clips whose retention has ended; \(findings.dropped) given up; \(findings.pending) objects newer than the last checkpoint"
            )
            if let checkpoint = findings.checkpoint { print("Last checkpoint \(GatehouseJSON.text(checkpoint))") }
            print(findings.verdict)
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Rebuilds a replaced box's index of stored footage from the bucket alone. The box must not run.",
            discussion: "What the new box knows already stays as it is; clips whose retention has ended are left out.")

        @OptionGroup var place: FootagePlace

        @Option(help: "The serial number of the box whose footage it is, where there are several.")
        var box: String?

        @Option(help: "The new box's state folder.")
        var state = "/var/lib/gatehouse"

        @Option(help: "The owner's recovery file, where the footage is encrypted: the new box then opens it with the file's code.")
        var recovery: String?

        @OptionGroup var code: VerificationCodeOption

        func run() async throws {
            do {
                let opened = try BoxState.ofCommand(state)
                if let recovery { print(try await FootageImportKey.importKey(recovery, code: try code.read(), into: opened)) }
                let index = FootageIndex(database: try BoxDatabase(path: opened.databasePath))
                let key = try opened.footageKey()
                let report = try await place.use { store in
                    let box = try await place.box(box, in: store)
                    return try await FootageRestore(store: store, index: index, time: .system).run(
                        box: box, key: box == opened.identity.serialNumber ? key : nil)
                }
                for fault in report.faults { print("record   \(fault)") }
                for key in report.damaged { print("damaged  \(key)") }
                print(
                    "\(report.clips) clips and \(report.events) events restored, \(report.gaps) gaps, \(report.chains) chains taken up, \(report.unattested) clips in no record; \(report.expired) clips had expired, \(report.damaged.count) cannot be read"
                )
            } catch let error as StoreError {
                NewFile.note(error.sentence)
                throw ExitCode(2)
            }
        }
    }
}
