import ArgumentParser

/// Works on footage as it lies in a bucket, without a box.
struct FootageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "footage", abstract: "Works on footage as it lies in a bucket, without a box.",
        subcommands: [FootageDecrypt.self])
}
