"""What browsers are told and what other web pages are refused: headers, origins, TLS."""

import socket
import ssl

from box import PASSWORD, USER
from case import Case

HEADERS = {
    "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin", "strict-transport-security": "max-age=31536000",
}
# What the page may load, and from where: nothing that stands in the page itself, nothing of others.
POLICY = ("default-src 'self'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "object-src 'none'")


class Web(Case):
    """A box with TLS."""

    @classmethod
    def setUpClass(cls):
        cls.made = cls.class_box(**{"http.tls": True})
        cls.made.claim()

    def test_headers(self):
        """Every answer, errors too, says what a browser may make of it; answers of the API are kept by nobody."""
        for path, token, status in (("/setup", None, 200), ("/system", "own", 200), ("/system", None, 401), ("/nothing", "own", 404)):
            answer = self.made.client.request("GET", path, token=token)
            with self.subTest(path=path, token=token):
                self.assertEqual(answer.status, status)
                self.assertEqual({name: answer.headers.get(name) for name in HEADERS}, HEADERS)
                self.assertEqual(answer.headers["cache-control"], "no-store")
                rules = [rule.strip() for rule in answer.headers["content-security-policy"].split(";")]
                self.assertEqual([rule for rule in POLICY if rule not in rules], [])
                self.assertNotIn("unsafe", answer.headers["content-security-policy"])

    def test_other_pages(self):
        """A change that comes from another web page is refused, signed in or not; the box's own page may, and programs, which have no page."""
        own = f"https://{self.made.client.host}:{self.made.client.port}"
        body = {"userName": USER, "password": PASSWORD}
        for origin in ("https://evil.example", "http://127.0.0.1", f"{own}.evil.example", "null", f"https://{self.made.client.host}:1"):
            for method, path, sent in (("POST", "/session", body), ("PATCH", "/system", {"name": "Taken"}), ("DELETE", "/session", None)):
                with self.subTest(origin=origin, path=path, method=method):
                    problem = self.made.client.request(method, path, sent, headers={"Origin": origin}).problem()
                    self.assertEqual((problem.status, problem.slug), (403, "other-origin"))
        self.assertNotEqual(self.made.get("/system")["name"], "Taken")
        self.assertEqual(self.made.client.request("POST", "/session", body, headers={"Origin": own}).status, 200)
        self.assertEqual(self.made.client.request("POST", "/session", body).status, 200)

    def test_cookie(self):
        """The cookie of a sign-in is no script's, no other page's, and goes by TLS alone."""
        cookie = self.made.client.request("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None).headers["set-cookie"].lower()
        for part in ("httponly", "samesite=strict", "secure", "path=/"):
            self.assertIn(part, [one.strip() for one in cookie.split(";")], cookie)

    def greet(self, least, most, ciphers=None):
        """The version and suite that the box takes from a client that knows these; None where it takes none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = least, most
        with socket.create_connection((self.made.client.host, self.made.client.port), 10) as connection:
            try:
                with context.wrap_socket(connection) as spoken:
                    return spoken.version(), spoken.cipher()[0]
            except (ssl.SSLError, ConnectionResetError):
                return None

    def test_tls(self):
        """TLS 1.3 and 1.2 with authenticated encryption and forward secrecy, and nothing before or beside."""
        version = ssl.TLSVersion
        self.assertEqual(self.greet(version.TLSv1_2, version.TLSv1_3)[0], "TLSv1.3")
        self.assertRegex(self.greet(version.TLSv1_2, version.TLSv1_2)[1], "^ECDHE-ECDSA-.*(GCM|CHACHA20)")
        for old in (version.TLSv1, version.TLSv1_1):
            self.assertIsNone(self.greet(old, old), old)
        for weak in ("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA256"):
            self.assertIsNone(self.greet(version.TLSv1_2, version.TLSv1_2, f"{weak}:@SECLEVEL=0"), weak)
