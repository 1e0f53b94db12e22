import ArgumentParser
import MediaWorker

/// The command line.
struct GatehouseCommand: AsyncParsableCommand {
    static let version = "0.1.0"
    /// Not the parser's own: that one answers wherever a command has an option of that name and something else is wrong.
    static let versionFlag = "--version"
    static let configuration = CommandConfiguration(
        commandName: "gatehouse",
        abstract: "Turns the cameras of a site into cloud cameras.",
        discussion:
            "Run `gatehouse serve` to start the box. Each command explains itself with --help; `gatehouse --version` says which this is.",
        subcommands: [
            ServeCommand.self, ProbeCommand.self, DiscoverCommand.self, DeviceCommand.self, ClipCommand.self, TranscodeCommand.self,
            SpoolCommand.self, RefillsCommand.self, PlanCommand.self, FootageCommand.self, LogCommand.self, ResetPasswordCommand.self,
            FactoryResetCommand.self, LabelCommand.self,
            BackupCommand.self, RestoreCommand.self, PlayCommand.self, ExportCommand.self, RestreamCommand.self, UpgradeCommand.self,
            DeviceFirmwareCommand.self,
            SupportCommand.self,
            ReleaseCommand.self,
            WorkerCommand.self,
        ]
    )
}

/// Decodes and encodes for the box; started by it, never by a person.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Decodes and encodes for the box, over standard input and output.", shouldDisplay: false)

    func run() throws {
        throw ExitCode(WorkerMain.run())
    }
}
