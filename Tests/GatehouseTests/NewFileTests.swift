import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import Gatehouse

/// Files that commands write, such as of `Encryption`.
@Suite struct EncryptionNewFileTests {
    private struct Failure: Error {}

    @Test func aFailureLeavesNothingAndASuccessIsNeverReplaced() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/open.mp4"
        let names = { try FileManager.default.contentsOfDirectory(atPath: folder.path) }
        #expect(throws: Failure.self) {
            try NewFile.make(path, permissions: 0o600) { file in
                try file.write(contentsOf: Data("half".utf8))
                throw Failure()
            }
        }
        #expect(try names().isEmpty)
        try NewFile.write("whole", to: path, permissions: 0o600)
        #expect(throws: ValidationError.self) { try NewFile.write("other", to: path, permissions: 0o600) }
        #expect(throws: ValidationError.self) { try NewFile.write("other", to: folder.path + "/none/file", permissions: 0o600) }
        #expect(try names() == ["open.mp4"])
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "whole")
    }

    @Test func whoeverWasQuickerKeepsTheName() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/file"
        #expect(throws: ValidationError.self) {
            try NewFile.make(path, permissions: 0o600) { _ in try Data("first".utf8).write(to: URL(filePath: path)) }
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "first")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
    }
}
