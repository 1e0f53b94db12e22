import CameraProtocols
import Testing

@Suite struct HTTPChallengeTests {
    @Test func readsSeveralInOneLineAndInSeveral() {
        let one = HTTPChallenge.parse(headers: [
            #"Digest realm="DS-2CD2386G2", qop="auth,auth-int",nonce="n,=1" ,algorithm="MD5", Basic realm="a \"b\"""#
        ])
        #expect(
            one == [
                HTTPChallenge(
                    scheme: "digest", parameters: ["realm": "DS-2CD2386G2", "qop": "auth,auth-int", "nonce": "n,=1", "algorithm": "MD5"]),
                HTTPChallenge(scheme: "basic", parameters: ["realm": #"a "b""#]),
            ])
        let several = HTTPChallenge.parse(headers: [
            "  DIGEST  Realm = IP Camera(12345) ,  nonce=abc,stale=FALSE", "Negotiate YII==, NTLM", #"Basic realm="x"#,
        ])
        #expect(several.map(\.scheme) == ["digest", "negotiate", "ntlm", "basic"])
        #expect(several.first?.parameters == ["realm": "IP Camera(12345)", "nonce": "abc", "stale": "FALSE"])
        #expect(several.last?.parameters == ["realm": "x"])
    }

    @Test func survivesNonsense() {
        for text in [
            "", ",,,", "=", "\"", "Digest ===,\"\"", String(repeating: "a ", count: 50_000), String(repeating: "a=b,", count: 9000),
        ] {
            #expect(HTTPChallenge.parse(headers: [text]).count <= 32)
        }
    }
}

@Suite struct HTTPAuthenticatorTests {
    private func authenticator(
        _ header: String, user: String = "admin", password: String = "pass", allowsBasic: Bool = false, cnonce: String = "c1"
    ) throws -> HTTPAuthenticator {
        try HTTPAuthenticator(
            challenges: HTTPChallenge.parse(headers: [header]), credentials: DigestCredentials(username: user, password: password),
            allowsBasic: allowsBasic
        ) { cnonce }
    }

    private func fields(_ value: String) -> [String: String] { HTTPChallenge.parse(headers: [value]).first?.parameters ?? [:] }

    /// RFC 2617, section 3.5.
    @Test func answersTheExampleOfRFC2617() throws {
        var authenticator = try authenticator(
            #"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#,
            user: "Mufasa", password: "Circle Of Life", cnonce: "0a4f113b")
        let fields = fields(authenticator.authorization(method: "GET", uri: "/dir/index.html"))
        #expect(fields["response"] == "6629fae49393a05397450978507c4ef1")
        #expect(fields["opaque"] == "5ccc069c403ebaf9f0171e9517f40e41")
        #expect(fields["nc"] == "00000001")
        #expect(fields["qop"] == "auth")
        #expect(fields["algorithm"] == nil)
    }

    /// RFC 2069, section 2.4, as corrected: without `qop`.
    @Test func answersTheExampleOfRFC2069() throws {
        var authenticator = try authenticator(
            #"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093""#, user: "Mufasa", password: "CircleOfLife")
        let fields = fields(authenticator.authorization(method: "GET", uri: "/dir/index.html"))
        #expect(fields["response"] == "1949323746fe6a43ef61f9606e7febea")
        #expect(fields["nc"] == nil && fields["cnonce"] == nil && fields["qop"] == nil)
    }

    /// RFC 7616, section 3.9.1: the same resource with both algorithms.
    @Test(arguments: [
        (["SHA-256"], "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        (["MD5"], "8ca523f5e9506fed4657c9700eebdbec"),
        (["MD5", "SHA-256"], "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ]) func answersTheExampleOfRFC7616(algorithms: [String], response: String) throws {
        let header = algorithms.map {
            #"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=\#($0), nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#
        }.joined(separator: ", ")
        var authenticator = try authenticator(
            "Basic realm=x, " + header, user: "Mufasa", password: "Circle of Life", allowsBasic: true,
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
        #expect(fields(authenticator.authorization(method: "GET", uri: "/dir/index.html"))["response"] == response)
    }

    @Test func aSessionsKeyIsMadeOnceAndTheCountGoesUp() throws {
        var names = ["c2", "c1"]
        nonisolated(unsafe) let take = { names.popLast() ?? "" }
        var md5 = try HTTPAuthenticator(
            challenges: HTTPChallenge.parse(headers: [#"Digest realm="cam", nonce="n1", qop="auth", algorithm="MD5-sess""#]),
            credentials: DigestCredentials(username: "admin", password: "pass"), allowsBasic: false, makeClientNonce: { take() })
        #expect(fields(md5.authorization(method: "GET", uri: "/x"))["response"] == "dcefc37912c8a9f70559ebe9e54281e6")
        #expect(fields(md5.authorization(method: "GET", uri: "/x"))["response"] == "50f0b33e0ef790e6b152b5bc09e0bc0f")
        var sha = try authenticator(#"Digest realm="cam", nonce="n1", qop="auth", algorithm=SHA-256-sess"#)
        #expect(
            fields(sha.authorization(method: "GET", uri: "/x"))["response"]
                == "1305f20abd6cc143b2112b36a0042bb411c1af179b8acd4d1ec818ed1ab9ab33")
        let second = fields(sha.authorization(method: "GET", uri: "/x"))
        #expect(second["response"] == "657a3c3d03bb87dd831ce4c62b06313af87bd3037f4f8a55f3221ea048059f43")
        #expect(second["nc"] == "00000002")
    }

    @Test func protectsTheBodyWhereOnlyThatIsOffered() throws {
        var authenticator = try authenticator(#"Digest realm="cam", nonce="n1", qop="auth-int""#)
        let fields = fields(authenticator.authorization(method: "PUT", uri: "/x", body: Array("body".utf8)))
        #expect(fields["response"] == "84ff94ad5b0fbbf4c4ccc920fed046ec")
    }

    @Test func sendsThePasswordInTheClearOnlyWhereAllowed() throws {
        #expect(throws: HTTPAuthenticationRefusal.basicNotAllowed) { try authenticator(#"Basic realm="x""#) }
        var allowed = try authenticator(#"Basic realm="x""#, user: "Aladdin", password: "open sesame", allowsBasic: true)
        #expect(allowed.authorization(method: "GET", uri: "/") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        #expect(throws: HTTPAuthenticationRefusal.unknownScheme(["ntlm", "digest SHA-512-256"])) {
            try authenticator(#"NTLM, Digest nonce="x", algorithm=SHA-512-256"#, allowsBasic: true)
        }
        #expect(throws: HTTPAuthenticationRefusal.unknownScheme([])) { try authenticator("") }
    }

    @Test func repeatsOnlyWhenTheNonceWasOld() throws {
        let first = #"Digest realm="cam", nonce="n1", qop="auth""#
        var authenticator = try authenticator(first)
        _ = authenticator.authorization(method: "GET", uri: "/")
        // A new nonce at the first attempt: the password is wrong.
        #expect(try !authenticator.isWorthRepeating(after: HTTPChallenge.parse(headers: [#"Digest realm="cam", nonce="n2", qop="auth""#])))
        _ = authenticator.authorization(method: "GET", uri: "/")
        #expect(try authenticator.isWorthRepeating(after: HTTPChallenge.parse(headers: [#"Digest realm="cam", nonce="n3", stale=TRUE"#])))
        _ = authenticator.authorization(method: "GET", uri: "/")
        _ = authenticator.authorization(method: "GET", uri: "/")
        // Asked twice and refused twice: that is no nonce that became old.
        var refused = authenticator
        #expect(try !refused.isWorthRepeating(after: HTTPChallenge.parse(headers: [#"Digest realm="cam", nonce="n4""#])))
        // It worked with the old one, and the device forgets to say `stale`.
        authenticator.accepted()
        #expect(try authenticator.isWorthRepeating(after: HTTPChallenge.parse(headers: [#"Digest realm="cam", nonce="n4""#])))
        #expect(fields(authenticator.authorization(method: "GET", uri: "/"))["nonce"] == "n4")
        #expect(try !authenticator.isWorthRepeating(after: HTTPChallenge.parse(headers: [#"Digest realm="cam", nonce="n4", stale=true"#])))
    }

    @Test func aNameCannotBreakOutOfTheHeader() throws {
        var authenticator = try authenticator(#"Digest realm="a\"b", nonce="n", qop=auth"#, user: "a\"\r\nX: y\\")
        let value = authenticator.authorization(method: "GET", uri: "/")
        #expect(!value.utf8.contains(10) && !value.utf8.contains(13))
        #expect(fields(value)["username"] == "a\"X: y\\")
        #expect(fields(value)["realm"] == "a\"b")
    }
}
