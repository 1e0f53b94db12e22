import Foundation
import TestSupport
import Testing

@testable import Gatehouse

@Suite struct SettingsTests {
    private func file(_ text: String, in folder: TemporaryFolder) throws -> String {
        let path = folder.path + "/gatehouse.yaml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    @Test func flagsWinOverEnvironmentOverFile() async throws {
        let folder = try TemporaryFolder()
        let path = try file("http:\n  port: 1000\n  tls: false\nbox:\n  name: From file\nrecording:\n  seconds: 20\n", in: folder)
        let settings = try await Settings(
            file: path, flags: ["--http-port", "3000"],
            environment: ["GATEHOUSE_HTTP_PORT": "2000", "GATEHOUSE_BOX_NAME": "From environment"])
        #expect(settings.port == 3000)
        #expect(settings.boxName == "From environment")
        #expect(!settings.tls && settings.seconds == 20)
        #expect(settings.secondsBefore == 5)
    }

    @Test func unknownKeysAreRefusedByName() async throws {
        let folder = try TemporaryFolder()
        let path = try file("http:\n  prot: 1\n", in: folder)
        let error = await #expect(throws: SettingsError.self) { _ = try await Settings(file: path, flags: [], environment: [:]) }
        #expect(error?.description.contains("http.prot") == true)
        await #expect(throws: SettingsError.self) { _ = try await Settings(file: nil, flags: ["--no-such", "1"], environment: [:]) }
        await #expect(throws: SettingsError.self) { _ = try await Settings(file: nil, flags: ["--http-port"], environment: [:]) }
    }

    @Test func issuersOfPlansAreAListOrATextWithCommas() async throws {
        let (one, two) = ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=")
        let folder = try TemporaryFolder()
        let path = try file("plans:\n  issuers:\n    - \(one)\n    - \(two)\n", in: folder)
        #expect(try await Settings(file: path, flags: [], environment: [:]).planIssuers == [one, two])
        #expect(try await Settings(file: nil, flags: ["--plans-issuers", two], environment: [:]).planIssuers == [two])
        let environment = ["GATEHOUSE_PLANS_ISSUERS": "\(one),\(two)"]
        #expect(try await Settings(file: nil, flags: [], environment: environment).planIssuers == [one, two])
        #expect(try await Settings(file: nil, flags: [], environment: [:]).planIssuers.isEmpty)
    }

    @Test(arguments: [
        ["--plans-issuers", "nonsense"], ["--plans-issuers", "MTIz"], ["--http-port", "70000"], ["--http-port", "x"],
        ["--http-tls", "maybe"], ["--log-level", "loud"], ["--recording-seconds", "3"],
    ])
    func valuesThatAreNotRightAreRefused(flags: [String]) async {
        await #expect(throws: SettingsError.self) { _ = try await Settings(file: nil, flags: flags, environment: [:]) }
    }

    @Test func theExampleFileHoldsEverySetting() async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let path = root.appendingPathComponent("docs/gatehouse.yaml").path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        _ = try await Settings(file: path, flags: [], environment: [:])
        for key in SettingKey.all { #expect(text.contains("\(key.key.split(separator: ".").last ?? ""):")) }
    }
}
