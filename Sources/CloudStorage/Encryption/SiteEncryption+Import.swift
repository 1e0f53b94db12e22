import BoxDatabase
public import Core
public import Foundation
import GRDB
import Synchronization

/// A key of footage that came with a recovery file: it opens clips of another box, or of this one in an earlier life, and is used for no new ones.
public struct ImportedKey: Codable, Sendable, Equatable {
    /// The name by which manifests name the key.
    public let siteKey: String
    /// The serial number of the box that made it.
    public let box: String
    public let siteName: String
    /// When the verification code was set that opens it here.
    public let codeSetAt: Date
    let key: LockedSiteKey

    init(_ file: RecoveryFile) {
        (siteKey, box, siteName, codeSetAt, key) = (file.siteKey, file.box, file.siteName, file.codeSetAt, file.key)
    }
}

/// What became of a recovery file.
public enum RecoveryOutcome: String, Codable, Sendable, CaseIterable {
    /// The site had no key: it has this one now, and new clips are encrypted for it too.
    case adopted
    /// The site has another key: this one opens what was encrypted for it.
    case added
    /// The site's key is this very one.
    case known

    /// What that means for the owner.
    public func sentence(_ file: RecoveryFile) -> String {
        let whose = "of box \(file.box)\(file.siteName.isEmpty ? "" : ", \(file.siteName)")"
        return switch self {
        case .adopted: "Clips \(whose) open with the code of the file; new clips are encrypted for the same key."
        case .added: "Clips \(whose) open with the code of the file. New clips keep the key and the code of this box."
        case .known: "The box has this key already; nothing was changed."
        }
    }
}

extension SiteEncryption {
    static let importedKey = "encryption.imported"
    /// Guesses at files that are brought count together, whatever is in them.
    private static let guesses = "import"

    /// Takes the key out of an owner's recovery file, so that the box opens the footage that was encrypted for it.
    ///
    /// `code` must open the file. A site without a key gets this one, and its footage is encrypted from then on; `site` is nil where the
    /// box has none yet.
    public func importKey(_ file: RecoveryFile, code: VerificationCode, into site: SiteID?) async throws -> RecoveryOutcome {
        // More would let a file from elsewhere take all memory.
        guard file.key.isUsual else { throw EncryptionRefusal.key(.damaged("recovery file")) }
        let text = String(decoding: try GatehouseJSON.encoder.encode(file.key), as: UTF8.self)
        let opened = try await open(Lock(name: Self.guesses, text: text), code)
        let key: SiteKey
        do throws(FootageKeyError) { key = try opened.get() } catch {
            throw EncryptionRefusal.key(error == .wrongCode ? error : .damaged("recovery file"))
        }
        return try await changing.run { [self] in
            if let site {
                guard let present = record(of: site) else {
                    try await adopt(key, lockedKey: text, codeSetAt: file.codeSetAt, by: site)
                    return .adopted
                }
                if present.publicKey == key.publicKey { return .known }
            }
            try await add(ImportedKey(file))
            return .added
        }
    }

    /// The site of the box; nil where it is not claimed yet.
    public func site() async throws -> SiteID? {
        try await database.read { try SiteRecord.fetchOne($0)?.id }
    }

    private func add(_ key: ImportedKey) async throws {
        let all = importedKeys.filter { $0.siteKey != key.siteKey } + [key]
        try await database.write { try $0.set(Self.importedKey, to: all) }
        state.withLock { $0.imported = Dictionary(uniqueKeysWithValues: all.map { ($0.siteKey, $0) }) }
    }

    /// The keys that came with recovery files, apart from the site's own.
    public var importedKeys: [ImportedKey] { state.withLock { $0.imported.values.sorted { $0.siteKey < $1.siteKey } } }

    /// What a verification code opens, of a site's key or of one that came with a recovery file; nil where the key is not here.
    func lock(named name: String) throws -> Lock? {
        let (records, imported) = state.withLock { ($0.records ?? [:], $0.imported[name]) }
        if let record = records.values.first(where: { SiteKey.name(of: $0.publicKey) == name }) { return Lock(record) }
        return try imported.map { Lock(name: name, text: String(decoding: try GatehouseJSON.encoder.encode($0.key), as: UTF8.self)) }
    }
}
