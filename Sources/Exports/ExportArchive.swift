import BoxDatabase
import Core
import Foundation

/// The ZIP file of an export: its files, the note and its signature.
enum ExportArchive {
    static let name = "export.zip"

    /// Writes the archive beside the files in `folder`. Blocks.
    static func write(_ note: EvidenceNote, sign: (Data) throws -> String, in folder: String) throws -> ExportedFile {
        let path = "\(folder)/\(name)"
        let manifest = try GatehouseJSON.encoder.encode(note)
        do {
            var archive = try ZIPArchive(path: path)
            try archive.add("note.txt", Data(note.text.utf8), modified: note.madeAt)
            try archive.add("manifest.json", manifest, modified: note.madeAt)
            try archive.add("manifest.sig", Data((try sign(manifest) + "\n").utf8), modified: note.madeAt)
            for file in note.files { try archive.add(file.name, file: "\(folder)/\(file.name)", modified: note.madeAt) }
            try archive.finish()
        } catch let failure as ZIPArchive.Failure {
            throw ExportFailure(failure.sentence)
        }
        let (bytes, sha256) = try FootageFiles.digest(path)
        return ExportedFile(name: name, bytes: bytes, sha256: sha256, contentType: "application/zip")
    }
}
