import Cameras
import Foundation
import TestSupport
import Testing

@Suite struct CameraProfileTests {
    private var folder: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
            + "/Profiles/cameras"
    }

    @Test func theProfilesOfTheBoxAreSound() throws {
        let profiles = try CameraProfiles(folders: [folder])
        let makes = Set(profiles.profiles.filter { $0.streams != nil }.map(\.name))
        #expect(makes.count >= 16)
        for path in profiles.knownPaths {
            #expect(RTSPAddress(host: "192.168.1.64", port: 554, path: path.main) != nil, "\(path.make)")
            #expect(path.sub.map { RTSPAddress(host: "192.168.1.64", port: 554, path: $0) != nil } ?? true, "\(path.make)")
        }
    }

    @Test func whatSaysMoreWins() throws {
        let profiles = try CameraProfiles(folders: [folder])
        #expect(profiles.profile(make: "Hikvision", model: "DS-2CD2146G2-ISU", firmware: "V5.7.17").name == "Hikvision")
        #expect(profiles.profile(make: "Hikvision", model: "DS-7616NI-K2", firmware: "V4.74.210").name == "Hikvision recorders")
        #expect(profiles.profile(make: "HIKVISION", model: "DS-2CD2532F-IWS", firmware: "V5.2.0 build 140721").firmwareAdvice != nil)
        #expect(profiles.profile(make: "Nobody", model: nil, firmware: nil) == .unknown)
    }

    @Test func aFileOfTheUsersOwnWins() throws {
        let own = try TemporaryFolder()
        try Data("- { name: Mine, match: { make: hikvision, model: DS-7* }, eventEndsAfter: 20 }".utf8)
            .write(to: URL(fileURLWithPath: own.path + "/mine.yaml"))
        let profiles = try CameraProfiles(folders: [own.path, folder])
        let profile = profiles.profile(make: "Hikvision", model: "DS-7616NI-K2", firmware: nil)
        #expect(profile.name == "Mine" && profile.eventEndSeconds == 20)
    }

    @Test(arguments: [
        ("- { name: A, match: {}, colour: red }", "colour"), ("- { match: {} }", "name"), ("name: A", "list"),
        ("- { name: A, match: {}, driver: telepathy }", "driver"), ("- { name: A, match: {}, streams: [{ sub: /x }] }", "main"),
    ])
    func aMistakeIsNamedWithItsFile(yaml: String, word: String) throws {
        let own = try TemporaryFolder()
        try Data(yaml.utf8).write(to: URL(fileURLWithPath: own.path + "/wrong.yaml"))
        let mistake = #expect(throws: ProfileMistake.self) { try CameraProfiles(folders: [own.path]) }
        #expect(
            mistake?.description.contains("wrong.yaml") == true && mistake?.description.contains(word) == true,
            "\(mistake?.description ?? "")")
    }
}
