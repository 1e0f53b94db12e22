import Foundation
import Tar

/// The file for whoever helps with the box: a tar of what the box says of itself.
enum SupportBundle {
    /// What its README says.
    static let intro = """
        What a Gatehouse box says of itself, for whoever helps with it. Each .json is an answer of its API as the person who made this file
        may see it; log.txt are the last lines of its log; crashes are of earlier lives, where there were some. Passwords, keys and footage are not in it.

        """

    /// Writes it to a new file, which is open.
    /// - Throws: `Problem`.
    static func write(_ files: [(name: String, bytes: Data)], to path: String) throws -> FileHandle {
        do {
            return try writeWhole(files, to: path)
        } catch is TarFailure {
            throw noRoom
        } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
            throw noRoom
        }
    }

    private static let noRoom = Problem.conflict("The box has no room for the file.")

    private static func writeWhole(_ files: [(name: String, bytes: Data)], to path: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let file = FileHandle(forUpdatingAtPath: path)
        else { throw noRoom }
        let tar = try TarWriter { try file.write(contentsOf: $0) }
        for one in files { try tar.add("gatehouse-support/\(one.name)", one.bytes) }
        try tar.finish()
        return file
    }
}
