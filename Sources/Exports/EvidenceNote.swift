import BoxDatabase
import Core
import Foundation

/// What lies beside exported footage: who took it out, when, what it is, and what the box's signed record says of it.
struct EvidenceNote: Codable, Sendable, Equatable {
    struct Box: Codable, Sendable, Equatable {
        let serialNumber: String
        let version: String
        /// Ed25519, base64: who has it can compare the record in the storage with the footage, by `gatehouse footage verify`.
        let publicKey: String
    }

    var schema = 1
    let box: Box
    let export: ExportID
    let person: String
    let askedAt: Date
    let madeAt: Date
    let from: Date
    let to: Date
    let exact: Bool
    let timeZone: String
    let channels: [ExportRecord.Channel]
    let files: [ExportedFile]
    /// What is to be known of it, in sentences.
    let remarks: [String]

    /// The same for people.
    var text: String {
        let style = Date.VerbatimFormatStyle.clock(timeZone)
        var lines = [
            "FOOTAGE TAKEN OUT OF GATEHOUSE \(box.serialNumber) (version \(box.version))", "",
            "By:        \(person)", "Asked for: \(askedAt.formatted(style))", "Made:      \(madeAt.formatted(style))",
            "Range:     \(from.formatted(style)) to \(to.formatted(style)) (\(timeZone))",
            "Cut:       "
                + (exact
                    ? "at the moments asked for; the pictures before the first key frame were encoded anew, all others are as they were"
                    : "at key frames; all pictures are as they were"),
            "Cameras:   \(channels.map { "\($0.name) (\($0.id))" }.joined(separator: ", "))", "",
        ]
        for file in files { lines += describe(file, style) + [""] }
        lines += remarks
        lines += [
            "", "The SHA-256 of a file is compared by `sha256sum`. The box's signed record lies in the cloud storage beside the footage;",
            "`gatehouse footage verify` compares all of it. The box signs with this key (Ed25519, base64):", box.publicKey,
            "manifest.json says the same for programs; manifest.sig is its signature by that key.", "",
        ]
        return lines.joined(separator: "\n")
    }

    private func describe(_ file: ExportedFile, _ style: Date.VerbatimFormatStyle) -> [String] {
        var lines = ["\(file.name)  \(file.bytes) bytes", "  SHA-256 \(file.sha256)"]
        for piece in file.pieces {
            let begins = String(format: "%.3f", piece.startsAt)
            lines.append("  from \(begins) s: \(piece.from.formatted(style)) to \(piece.to.formatted(style)), from the \(piece.source)")
            guard let evidence = piece.evidence else {
                lines.append("    The camera's own recording: the signed record does not speak of it.")
                continue
            }
            lines += ["    \(evidence.objectKey)", "    SHA-256 of the clip \(evidence.sha256)", "    \(evidence.sentence)"]
        }
        return lines
    }
}

extension Date.VerbatimFormatStyle {
    /// 2026-11-27 08:15:04 by the clock of `zone`.
    fileprivate static func clock(_ zone: String) -> Self {
        Self(
            format:
                "\(year: .defaultDigits)-\(month: .twoDigits)-\(day: .twoDigits) \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits)",
            timeZone: TimeZone(identifier: zone) ?? .gmt, calendar: Calendar(identifier: .gregorian))
    }
}
