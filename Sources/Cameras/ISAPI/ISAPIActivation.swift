import CameraProtocols
import Core
import Crypto
import CryptoExtras
import Foundation
import XML

/// Gives a new Hikvision device its first password.
///
/// The password goes under a key that the device sends for an RSA key of ours. The device prescribes the forms: 1024 bits, PKCS #1 v1.5,
/// AES-128 in ECB; they protect against a listener, not against one who stands between. It is done on the site's LAN only.
public struct ISAPIActivation: Sendable {
    private let client: DeviceClient

    public init(client: DeviceClient) {
        self.client = client
    }

    /// Whether the device has a password; nil where it does not tell.
    public func isActivated() async throws(DeviceFailure) -> Bool? {
        let answer = try await client.request("GET", "/SDK/activateStatus", limit: 64 << 10, within: .seconds(5), signsIn: false)
        guard answer.status == 200, let tree = try? XMLTree(parsing: answer.body) else { return nil }
        return (tree.name == "Activated" ? tree : tree.first("Activated"))?.flag
    }

    /// Activates the device with the administrator's `password`.
    public func activate(password: String) async throws(DeviceFailure) {
        if let reason = Self.weakness(of: password) { throw DeviceFailure(.deviceError, reason) }
        let key: _RSA.Encryption.PrivateKey
        let modulus: [UInt8]
        do {
            key = try _RSA.Encryption.PrivateKey(unsafeKeySize: _RSA.Signing.KeySize(bitCount: 1024))
            modulus = Array(try key.publicKey.getKeyPrimitives().modulus)
        } catch {
            throw .deviceError("no key: \(error)")
        }
        var request = XMLTree("PublicKey")
        request.set("key", to: Data(Self.hex(modulus).utf8).base64EncodedString())
        let answer = try await send("POST", "/ISAPI/Security/challenge", request)
        guard let text = answer?.first("key")?.text, let coded = Data(base64Encoded: text),
            let sealed = Self.bytes(hex: String(decoding: coded, as: UTF8.self)),
            let opened = try? key.decrypt(Data(sealed), padding: ._WEAK_AND_INSECURE_PKCS_V1_5)
        else { throw .nonsense("Security/challenge") }
        var activation = XMLTree("ActivateInfo")
        activation.set("password", to: try Self.seal(password, challenge: String(decoding: opened, as: UTF8.self)))
        _ = try await send("PUT", "/ISAPI/System/activate", activation)
    }

    private func send(_ method: String, _ path: String, _ tree: XMLTree) async throws(DeviceFailure) -> XMLTree? {
        let answer = try await client.request(method, path, body: DeviceClient.Body(xml: tree.document), signsIn: false)
        return answer.status == 200 && answer.body.isEmpty ? nil : try ISAPIDriver.document(answer, of: path)
    }

    /// The challenge's first half and the password, each a block, under the challenge as a key.
    static func seal(_ password: String, challenge: String) throws(DeviceFailure) -> String {
        guard let key = bytes(hex: challenge), key.count == 16, password.utf8.count <= 16 else { throw .nonsense("challenge") }
        var blocks = [Array(challenge.utf8.prefix(16)), Array(password.utf8) + Array(repeating: 0, count: 16 - password.utf8.count)]
        do {
            for index in blocks.indices { try AES.permute(&blocks[index], key: SymmetricKey(data: key)) }
        } catch {
            throw .nonsense("challenge")
        }
        return Data(hex(blocks.flatMap { $0 }).utf8).base64EncodedString()
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private static func bytes(hex: String) -> [UInt8]? {
        let digits = hex.compactMap(\.hexDigitValue)
        guard digits.count == hex.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// Why a device would not take a password; nil for a strong one.
    public static func weakness(of password: String) -> String? {
        let kinds = [
            password.contains(where: \.isLowercase), password.contains(where: \.isUppercase), password.contains(where: \.isNumber),
            password.contains { !$0.isLetter && !$0.isNumber },
        ].count { $0 }
        guard password.utf8.count >= 8, password.utf8.count <= 16, password.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return "The password must have 8 to 16 letters, digits and signs, without spaces."
        }
        guard kinds >= 2 else { return "Mix at least two kinds: small letters, capitals, digits, signs." }
        let lower = password.lowercased()
        guard !["admin", "password", "12345", "abcde", "qwerty"].contains(where: lower.contains), Set(password).count >= 4 else {
            return "The password is too easy to guess. Choose another."
        }
        return nil
    }
}
