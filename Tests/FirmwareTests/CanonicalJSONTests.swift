import Crypto
import Foundation
import Testing

@testable import Firmware

/// What is signed has one form.
@Suite struct CanonicalJSONTests {
    private func canonical(_ text: String) throws -> String {
        String(decoding: try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)).canonical, as: UTF8.self)
    }

    @Test(arguments: [
        (#"{ "b" : 2, "a": [ 1, -3 ] }"#, #"{"a":[1,-3],"b":2}"#),
        (#"{"é":true,"z":false,"Z":null}"#, #"{"Z":null,"z":false,"é":true}"#),
        (#""a\u0022b\\c\/d""#, #""a\"b\\c/d""#),
        (#"{"\ud83d\ude00":1,"\uff5e":2}"#, "{\"\u{FF5E}\":2,\"😀\":1}"),
        ("[]", "[]"), ("{}", "{}"), (#"["9007199254740993", 9007199254740993]"#, #"["9007199254740993",9007199254740993]"#),
    ]) func hasOneForm(text: String, form: String) throws {
        #expect(try canonical(text) == form)
    }

    @Test(arguments: ["1.5", #""\n""#, #"{"\u0000":1}"#, #""\u007f""#, "1e400", "{", "99999999999999999999"])
    func refusesWhatHasNone(text: String) {
        #expect(throws: (any Error).self) { try canonical(text) }
    }

    /// The key of RFC 8410, section 10.
    @Test func readsAKeyAsOpenSSLWritesIt() throws {
        let text =
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"
        let key = try SigningKey(pem: text, name: "key")
        #expect(key.pem == text)
        #expect(key.key.publicKey.rawRepresentation.base64EncodedString() == "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
        #expect(try MetadataKey(text: key.publicKey.text, name: "key.pub") == key.publicKey)
    }

    @Test(arguments: [
        "", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ])
    func refusesOtherKeys(text: String) {
        #expect(throws: ReleaseRefusal.unreadable("key")) { try SigningKey(pem: text, name: "key") }
    }
}
