import ArgumentParser
import BoxDatabase
import Core
import Foundation
import Refill

/// Lists the times in which channels could not be recorded, of a box that does not run.
struct RefillsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refills",
        abstract: "Lists when channels could not be recorded, and what was refilled from their devices. The box must not run.")

    @Option(help: "The box's state folder.")
    var state = "/var/lib/gatehouse"

    @Option(help: "How many, the newest first.")
    var limit = 100

    func run() async throws {
        guard FileManager.default.fileExists(atPath: state + "/box.sqlite") else {
            throw ValidationError("There is no box in \(state). Give the box's state folder with --state.")
        }
        guard (1...AbsenceList.most).contains(limit) else { throw ValidationError("The limit must be 1 to \(AbsenceList.most).") }
        let box = try BoxState.ofCommand(state)
        let absences = try await AbsenceList.newest(limit, in: BoxDatabase(path: box.databasePath))
        for absence in absences {
            let to = absence.to.map(GatehouseJSON.text) ?? "now"
            print("\(GatehouseJSON.text(absence.from))  \(to)  \(absence.state.rawValue)  \(absence.channelName)")
            print("    \(absence.reason) \(absence.whatBecameOfIt)")
        }
        print("\(absences.count) absences")
    }
}
