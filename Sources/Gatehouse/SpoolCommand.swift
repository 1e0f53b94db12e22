import ArgumentParser
import BoxDatabase
import CloudStorage
import Core
import Foundation
import Logging

/// Looks after the spool of a box that does not run.
struct SpoolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spool", abstract: "Lists, verifies or rebuilds the footage that waits on a box.",
        subcommands: [List.self, Verify.self, Rebuild.self])

    struct Place: ParsableArguments {
        @Option(help: "The box's state folder.")
        var state = "/var/lib/gatehouse"

        var manifests: [ClipManifest] {
            get throws {
                guard FileManager.default.fileExists(atPath: state + "/spool") else {
                    throw ValidationError("There is no spool in \(state). Give the box's state folder with --state.")
                }
                return SpoolInspection.manifests(in: state + "/spool")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the clips in the spool.")
        @OptionGroup var place: Place

        func run() async throws {
            let manifests = try place.manifests
            for manifest in manifests {
                let bytes = (manifest.clip ?? manifest.source)?.bytes ?? 0
                print(
                    "\(manifest.id)  \(GatehouseJSON.text(manifest.startsAt))  \(manifest.stage.rawValue)  \(bytes) bytes  \(manifest.channelName)"
                )
            }
            print("\(manifests.count) clips")
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Compares every file in the spool with its SHA-256.")
        @OptionGroup var place: Place

        func run() async throws {
            let findings = try SpoolInspection.verify(try place.manifests, in: place.state + "/spool")
            for finding in findings.wrong { print(finding) }
            print("\(findings.files) files compared, \(findings.wrong.count) wrong")
            if !findings.wrong.isEmpty { throw ExitCode(1) }
        }
    }

    struct Rebuild: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes the database's rows of the spool anew from the clip directories. The box must not run.")
        @OptionGroup var place: Place

        func run() async throws {
            let logger = Logger(label: "spool") { _ in SwiftLogNoOpLogHandler() }
            let state = try BoxState.ofCommand(place.state)
            let spool = try Spool(
                path: state.spoolPath, limits: SpoolLimits(bytes: .max / 2, freeBytes: 0),
                index: FootageIndex(database: try BoxDatabase(path: state.databasePath)), time: .system, logger: logger)
            let report = try await spool.recover()
            print("\(report.clips) clips, \(report.interrupted) of them cut short; \(report.removed) removed, \(report.damaged) damaged")
        }
    }
}
