import Core
import Foundation
import Logging

/// Writes the log to standard error, a line an entry: time, level, message, what belongs to it.
struct BoxLog: LogHandler {
    let level: LogLevel
    /// The last lines, for whoever helps with the box.
    var keeper: LogKeeper?
    var metadata: Logger.Metadata = [:]
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    var logLevel: Logger.Level {
        get { Logger.Level(rawValue: level.name) ?? .info }
        set { level.name = newValue.rawValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let pairs = all.sorted { $0.key < $1.key }.map { " \($0.key)=\(Self.quoted("\($0.value)"))" }.joined()
        let line = "\(Date().formatted(Self.style)) \(event.level.rawValue) \(Self.plain("\(event.message)"))\(pairs)\n"
        FileHandle.standardError.write(Data(line.utf8))
        keeper?.add(line)
    }

    /// Cameras and clients may not forge lines.
    private static func plain(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }

    private static func quoted(_ text: String) -> String {
        let plain = plain(text)
        return plain.contains(" ") || plain.contains("\"") ? "\"\(plain.replacing("\"", with: "'"))\"" : plain
    }
}
