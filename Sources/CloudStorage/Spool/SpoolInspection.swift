public import Core
import Foundation

/// Looks at a spool's directories without a box: for the command line and for tests.
public enum SpoolInspection {
    /// The manifests of all clips, oldest first.
    public static func manifests(in spool: String) -> [ClipManifest] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: spool)) ?? []
        return names.sorted().compactMap { name in
            ClipID(name).flatMap { ClipDirectory(spool: spool, id: $0).readManifest() }
        }
    }

    /// What a comparison with the digests found.
    public struct Findings: Sendable, Equatable {
        public var files = 0
        /// A sentence for each file that is missing or changed.
        public var wrong: [String] = []
    }

    /// Compares every file that the manifests name with its size and SHA-256.
    public static func verify(_ manifests: [ClipManifest], in spool: String) throws -> Findings {
        var findings = Findings()
        for manifest in manifests {
            let directory = ClipDirectory(spool: spool, id: manifest.id)
            let named = [manifest.stage == .captured ? manifest.source : nil, manifest.clip, manifest.thumbnail].compactMap { $0 }
            for file in named {
                findings.files += 1
                guard DurableFile.size(directory.file(file.name)) != nil else {
                    findings.wrong.append("\(manifest.id)/\(file.name) is missing.")
                    continue
                }
                let digest = try DurableFile.digest(directory.file(file.name))
                if digest.bytes != file.bytes || digest.sha256 != file.sha256 {
                    findings.wrong.append("\(manifest.id)/\(file.name) is not what it was: \(digest.bytes) bytes, \(digest.sha256).")
                }
            }
        }
        return findings
    }
}
