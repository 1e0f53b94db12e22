import ArgumentParser
import Firmware
import Foundation
import ManagementAPI

/// Starts the box.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Starts the box.",
        discussion: """
            Settings come from flags, from environment variables (GATEHOUSE_HTTP_PORT for http.port) and from a YAML file; flags win over the \
            environment, the environment wins over the file. Each setting is a flag with a value, for instance --http-port 8443:

            \(SettingKey.all.map { "  \($0.flag)\n        \($0.help)" }.joined(separator: "\n"))

            docs/gatehouse.yaml is an example of the file with all settings.
            """)

    @Option(help: "The configuration file.")
    var config: String?

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var settings: [String] = []

    private func beginsAnew(_ folder: String) -> Bool { FactoryReset.isAsked(in: folder) || StagedRestore.isAsked(in: folder) }

    /// The same program with the same settings, as though somebody had started it again.
    private func beginAnew() throws {
        NextProgram.start("/proc/self/exe", CommandLine.arguments)
        FileHandle.standardError.write(Data("gatehouse: the box cannot begin anew (errno \(errno)). Start it.\n".utf8))
        throw ExitCode(71)
    }

    func run() async throws {
        let manager = ServiceManager(ProcessInfo.processInfo.environment)
        manager?.begin()
        do {
            let settings = try await Settings(file: config, flags: settings, environment: ProcessInfo.processInfo.environment)
            let launcher = LauncherProcess(ProcessInfo.processInfo.environment)
            let restart = RestartRequest()
            let box = try Box(settings: settings, launcher: launcher, restart: restart, manager: manager)
            // What was asked for in an earlier life is done by now, or the box does not come to life: it is not tried again and again.
            try await box.takeRestoringDown()
            do { try await box.run() } catch  where beginsAnew(settings.state) || restart.isAsked {
                FileHandle.standardError.write(Data("gatehouse: the box did not end in order: \(error)\n".utf8))
            }
            // Where that fails the box ends, and whoever looks after it starts the launcher.
            if restart.isAsked { launcher?.start() }
            if beginsAnew(settings.state) { try beginAnew() }
            if box.wasReady { launcher?.place.endInOrder() }
        } catch let error as SettingsError {
            FileHandle.standardError.write(Data("gatehouse: \(error)\n".utf8))
            throw ExitCode(78)
        } catch let error as ServerFailure {
            FileHandle.standardError.write(Data("gatehouse: \(error)\n".utf8))
            throw ExitCode(71)
        }
    }
}
