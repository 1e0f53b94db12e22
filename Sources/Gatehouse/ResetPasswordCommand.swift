import Access
import ArgumentParser
import Core
import Foundation

/// What stands for the box's button: lets a password be set anew on the page, with the set-up code.
struct ResetPasswordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset-password", abstract: "Let a password be set anew on the page, with the set-up code.",
        discussion: """
            Run on the box; good once, for ten minutes. The box may run meanwhile. The set-up code is on its label. Without --user it is the \
            installer admin's password; with it that of an owner, a partner or an employee who has no other way back.
            """)

    @Option(help: "The box's state folder.")
    var state = "/var/lib/gatehouse"

    @Option(help: "The user name of the account; the installer admin's where it is not given.")
    var user: String?

    func run() async throws {
        guard FileManager.default.fileExists(atPath: state + "/box.sqlite") else {
            throw ValidationError("There is no box in \(state). Give the box's state folder with --state.")
        }
        if let user, try !People.isKnown(user, inDatabase: state + "/box.sqlite") {
            throw ValidationError("Nobody has the user name \(user). Nothing is changed.")
        }
        try ResetPermit(path: BoxState.resetPermitPath(in: state), time: .system).give(for: user)
        let name = user.map { ", the user name \($0)" } ?? ""
        print(
            "Within ten minutes: open the box's page, choose “Forgotten your password?”, and enter the set-up code\(name) and a new password."
        )
    }
}
