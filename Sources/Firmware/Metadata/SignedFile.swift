import Core
import Crypto
import Foundation

/// A file of metadata: what is signed, and who says so.
struct SignedFile: Sendable, Equatable {
    struct Signature: Codable, Sendable, Equatable {
        /// Identifier of the key.
        let keyid: String
        /// Lower-case hexadecimal.
        let sig: String
    }

    private struct Form: Codable {
        var signed: JSONValue
        var signatures: [Signature]
    }

    let signed: JSONValue
    private(set) var signatures: [Signature]

    init(signed: JSONValue, signatures: [Signature] = []) {
        self.signed = signed
        self.signatures = signatures
    }

    /// - Parameter name: What it is called where it cannot be read.
    init(_ bytes: [UInt8], name: String) throws(ReleaseRefusal) {
        guard let form = try? JSONDecoder().decode(Form.self, from: Data(bytes)) else { throw .unreadable(name) }
        signed = form.signed
        signatures = form.signatures
    }

    /// As it is written: in the canonical order, so that the same metadata is the same file.
    var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        // Encoding values that are JSON already cannot fail.
        guard let data = try? encoder.encode(Form(signed: signed, signatures: signatures)) else { return [] }
        return Array(data) + [0x0A]
    }

    /// Adds a key's signature; one that it had made before is replaced.
    mutating func sign(_ key: Curve25519.Signing.PrivateKey) throws {
        let identifier = MetadataKey(key.publicKey).identifier
        let signature = Hexadecimal.text(try key.signature(for: Data(signed.canonical)))
        signatures = signatures.filter { $0.keyid != identifier } + [Signature(keyid: identifier, sig: signature)]
    }

    /// How many of these keys have signed; a key counts once, by whatever names it goes.
    func signers(among keys: [String: MetadataKey], allowed: [String]) -> Int {
        let content = Data(signed.canonical)
        var found: Set<Data> = []
        for signature in signatures where allowed.contains(signature.keyid) {
            guard let key = keys[signature.keyid]?.key, let bytes = Hexadecimal.bytes(signature.sig),
                key.isValidSignature(Data(bytes), for: content)
            else { continue }
            found.insert(key.rawRepresentation)
        }
        return found.count
    }
}
