import Foundation
import Synchronization

/// The keys that sign requests: those that were entered, or those in a file that another program keeps up to date.
final class S3KeySource: Sendable {
    /// One set of keys.
    struct Keys: Sendable, Equatable {
        var accessKeyID: String
        var secretAccessKey: String
        var sessionToken: String?
    }

    private struct Read {
        var keys: Keys
        var changed: Date?
    }

    private static let mostBytes = 64 << 10

    private let path: String?
    private let fixed: Keys?
    private let read = Mutex<Read?>(nil)

    /// Keys that were entered, or from the file where the target names one.
    init(target: S3Target, credentials: S3Credentials?) throws {
        path = target.credentialsFile
        fixed = credentials.map {
            Keys(accessKeyID: target.accessKeyId, secretAccessKey: $0.secretAccessKey, sessionToken: $0.sessionToken)
        }
        guard path != nil || fixed != nil else { throw StoreError(.refused, "The secret access key is missing.") }
    }

    /// The keys as they are now.
    /// - Throws: `StoreError` when the file cannot be read or has no keys.
    func keys() throws -> Keys {
        guard let path else { return fixed ?? Keys(accessKeyID: "", secretAccessKey: "") }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        let changed = attributes?[.modificationDate] as? Date
        let known = read.withLock { $0 }
        if let known, known.changed == changed { return known.keys }
        guard attributes?[.type] as? FileAttributeType == .typeRegular, (attributes?[.size] as? Int).map({ $0 <= Self.mostBytes }) ?? false,
            let text = try? String(contentsOfFile: path, encoding: .utf8)
        else {
            throw StoreError(.refused, "The file with the storage's keys, \(path), cannot be read. Check its name and its permissions.")
        }
        guard let keys = Self.parse(text) else {
            // While the file is being written its former keys are good.
            if let known { return known.keys }
            throw StoreError(.refused, "The file \(path) has no aws_access_key_id and aws_secret_access_key under [default].")
        }
        read.withLock { $0 = Read(keys: keys, changed: changed) }
        return keys
    }

    /// The keys of the section `default` of AWS's shared credentials file.
    static func parse(_ text: String) -> Keys? {
        var section = "default"
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.drop { $0.isWhitespace }
            if line.hasPrefix("[") {
                section = String(line.dropFirst().prefix { $0 != "]" })
            } else if section == "default", !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") {
                let name = line[..<equals].filter { !$0.isWhitespace }.lowercased()
                let value = line[line.index(after: equals)...].filter { !$0.isWhitespace }
                values[name] = value
            }
        }
        guard let id = values["aws_access_key_id"], let secret = values["aws_secret_access_key"], !id.isEmpty, !secret.isEmpty else {
            return nil
        }
        return Keys(accessKeyID: id, secretAccessKey: secret, sessionToken: values["aws_session_token"])
    }
}
