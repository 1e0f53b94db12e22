"""The certificate that the box shows: its own, one that is installed, one that was asked for, and files that somebody else renews."""

import os
import ssl
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from authorities import Authority, alternative_names, digest, fingerprint, handshake, key_pem, new_key, pem, shown
from case import Case
from client import Problem
from owners import Owner, hand_over
from people import Person
from waiting import wait_for

TLS = {"http.tls": True}
NAME = "cameras.example.com"
FOLLOWED = 20  # seconds within which files that were replaced are shown; the box looks every 5
LONGEST = timedelta(days=398)  # that browsers take


class Certificates(Case):
    """What is the same in both ways to bring a certificate."""

    def certificate(self, box):
        """As the API tells it; the next connection must be shown the same."""
        told = box.get("/certificate")
        self.assertEqual(told["fingerprint"], shown(box.client))
        return told

    def problems(self, box):
        """What the health says of the certificate."""
        return [one["sentence"] for one in box.get("/health")["problems"] if one["subject"]["kind"] == "certificate"]


class Installed(Certificates):
    """A box with its own certificate, and what is installed in its place."""

    def setUp(self):
        self.made = self.box(**TLS)
        self.made.claim()
        self.own = self.certificate(self.made)
        self.authority = Authority("Example authority")

    def install(self, chain, key):
        """Install a chain with its key (objects, text, or none)."""
        body = {"certificate": chain if isinstance(chain, str) else pem(*chain)}
        if key is not None:
            body["key"] = key if isinstance(key, str) else key_pem(key)
        return self.made.call("PUT", "/certificate", body)

    def test_its_own(self):
        """Whoever trusts the box's authority is not warned, by name nor by address; of names it can vouch for those of local networks alone, and anybody who is signed in may have it."""
        box = self.made
        self.assertEqual((self.own["source"], self.own["isRequested"], self.own["isConfigured"], self.own["trouble"]), ("own", False, False, None))
        answer = box.client.request("GET", "/certificate/authority")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/x-x509-ca-cert"))
        self.assertRegex(answer.headers["content-disposition"], r"^attachment;.*\.crt")
        authority = answer.body.decode()
        for name in ("127.0.0.1", "localhost"):
            self.assertEqual(fingerprint(handshake(box.client, authority, name)), self.own["fingerprint"])
            self.assertIn(name, self.own["names"])
        with self.assertRaises(ssl.SSLCertVerificationError):
            handshake(box.client, authority, NAME)
        root = x509.load_pem_x509_certificate(answer.body)
        constraints = root.extensions.get_extension_for_class(x509.NameConstraints)
        self.assertTrue(constraints.critical)
        permitted = {name.value for name in constraints.value.permitted_subtrees}
        self.assertLessEqual({"local", "lan", "localhost"}, permitted)
        self.assertFalse([name for name in permitted if name.endswith(("com", "org", "net")) or not name], permitted)
        leaf = handshake(box.client)
        self.assertLess(leaf.not_valid_after - leaf.not_valid_before, LONGEST)
        self.assertEqual(datetime.fromisoformat(self.own["validUntil"]).replace(tzinfo=None, microsecond=0), leaf.not_valid_after)
        owner = Owner(box, "olga", hand_over(box, box.get("/sites")["items"][0]["id"], "olga")["token"])
        self.assertEqual(owner.client.request("GET", "/certificate/authority").body, answer.body)
        self.assertEqual(box.client.request("GET", "/certificate/authority", token=None).status, 401)
        # It outlives the process, and so does the certificate.
        box.restart()
        self.assertEqual(self.certificate(box)["fingerprint"], self.own["fingerprint"])
        self.assertEqual(box.client.request("GET", "/certificate/authority").body, answer.body)

    def test_another_in_its_place(self):
        """It is shown from the next connection on, with its chain, while connections that are open stay; it is kept, and taken away again."""
        box, below = self.made, Authority("Example issuer", self.authority)
        leaf, key = below.issue(NAME, "127.0.0.1", name="Shop")
        connection = box.client.connect()
        self.addCleanup(connection.close)
        self.assertEqual(self.asked(connection), 200)
        pid, socket = box.pid, connection.sock
        told = self.install((leaf, below.certificate), key)
        self.assertEqual((told["source"], told["names"], told["trouble"], told["fingerprint"]), ("installed", [NAME, "127.0.0.1"], None, fingerprint(leaf)))
        self.assertIn("Shop", told["subject"])
        self.assertIn("Example issuer", told["issuer"])
        self.assertEqual(self.certificate(box), told)
        self.assertEqual(fingerprint(handshake(box.client, pem(self.authority.certificate), NAME)), told["fingerprint"])
        self.assertEqual((self.asked(connection), connection.sock is socket, box.pid), (200, True, pid))
        box.restart()
        self.assertEqual(self.certificate(box)["fingerprint"], told["fingerprint"])
        self.assertIsNone(box.call("DELETE", "/certificate"))
        self.assertEqual(self.certificate(box), self.own)

    @staticmethod
    def asked(connection):
        """The status of one request over a connection that stays open."""
        connection.request("GET", "/api/v1/setup")
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def test_refused(self):
        """What browsers would not take is refused at its place, and nothing is changed by it."""
        trusted, other, box = self.authority, Authority("Another authority"), self.made
        leaf, key = trusted.issue(NAME)
        self.install((leaf,), key)
        before, folder = self.certificate(box), os.path.join(box.state, "tls")
        files = {name: digest(os.path.join(folder, name)) for name in os.listdir(folder)}
        expired, of_expired = trusted.issue(NAME, begins=-90, days=80)
        coming, of_coming = trusted.issue(NAME, begins=5)
        nameless, of_nameless = trusted.issue()
        visitor, of_visitor = trusted.issue(NAME, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
        bad = {
            "another's key": ((leaf,), new_key(), "/key"), "an encrypted key": ((leaf,), key_pem(key, b"secret words"), "/key"), "no key": ((leaf,), None, "/key"),
            "a key that is none": ((leaf,), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "/key"), "a certificate for a key": ((leaf,), pem(leaf), "/key"),
            "expired": ((expired,), of_expired, "/certificate"), "not yet": ((coming,), of_coming, "/certificate"),
            "an authority's": ((trusted.certificate,), trusted.key, "/certificate"), "a broken chain": ((leaf, other.certificate), key, "/certificate"),
            "for no name": ((nameless,), of_nameless, "/certificate"), "not for servers": ((visitor,), of_visitor, "/certificate"),
            "no certificate": ("Dear box,\n", key, "/certificate"), "a request": ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key, "/certificate"),
            "too many": ((leaf, *[trusted.certificate] * 30), key, "/certificate"),
        }
        for what, (chain, its_key, field) in bad.items():
            with self.subTest(what), self.assertRaises(Problem) as found:
                self.install(chain, its_key)
            with self.subTest(what):
                self.assertEqual((found.exception.status, found.exception.slug, found.exception.fields), (422, "invalid-request", [field]))
                self.assertNotIn("PRIVATE KEY", str(found.exception.document))
        self.assertEqual(self.certificate(box), before)
        self.assertEqual({name: digest(os.path.join(folder, name)) for name in os.listdir(folder)}, files)

    def test_asked_for(self):
        """The box makes a key and a request; the authority's answer is installed without a key, and the key never leaves the box."""
        box = self.made
        for names, field in (([], "/names"), ([f"a{number}.example.com" for number in range(21)], "/names"), (["not a name!"], "/names"), (["x" * 300], "/names")):
            with self.subTest(names[:1]), self.assertRaises(Problem) as found:
                box.call("POST", "/certificate/request", {"names": names})
            with self.subTest(names[:1]):
                self.assertEqual(found.exception.status, 422)
                self.assertTrue(all(one.startswith(field) for one in found.exception.fields), found.exception.fields)
        former = box.call("POST", "/certificate/request", {"names": ["former.example.com"]})["request"]
        request = box.call("POST", "/certificate/request", {"names": [NAME, "127.0.0.1"]})["request"]
        self.assertTrue(box.get("/certificate")["isRequested"])
        self.assertEqual(self.certificate(box)["source"], "own")
        leaf, asked, names = self.authority.answer(request)
        self.assertEqual((asked.is_signature_valid, names), (True, [NAME, "127.0.0.1"]))
        self.assertEqual(asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value, alternative_names([NAME, "127.0.0.1"]))
        with self.assertRaises(Problem) as found:  # the request before is void
            self.install((self.authority.answer(former)[0],), None)
        self.assertEqual((found.exception.status, found.exception.fields), (422, ["/key"]))
        box.restart()  # the answer may take days
        told = self.install((leaf,), None)
        self.assertEqual((told["source"], told["isRequested"], told["fingerprint"]), ("installed", False, fingerprint(leaf)))
        handshake(box.client, pem(self.authority.certificate), NAME)
        self.nothing_secret(os.path.join(box.state, "tls"))

    def nothing_secret(self, folder, *others):
        """No key of the box's is anywhere but in its own file, which nobody else reads."""
        keys = list(others)
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            with open(path) as file:
                text = file.read()
            if "PRIVATE KEY" in text:
                self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)
                keys.append(text)
        lines = {line for key in keys for line in key.splitlines() if len(line) >= 40 and "-----" not in line}
        self.assertTrue(lines)
        box = self.made
        told = {"log": box.log().encode(), "operations": box.client.request("GET", "/operations/export").body, "certificate": box.client.request("GET", "/certificate").body}
        box.stop()  # so that the database is whole
        for path, _, names in os.walk(box.state):
            for name in names if path != folder else []:
                with open(os.path.join(path, name), "rb") as file:
                    told[os.path.join(path, name)] = file.read()
        for place, data in told.items():
            self.assertFalse([line for line in lines if line.encode() in data], place)

    def test_written_down_without_the_key(self):
        """Who changed the certificate is in the log; the key is neither there nor in the database, and only who may set the box may do it."""
        box = self.made
        leaf, key = self.authority.issue(NAME)
        body = {"certificate": pem(leaf), "key": key_pem(key)}
        dora = Person(box, "dora", "Site Manager")
        self.assertEqual(dora.client.request("GET", "/certificate").status, 200)
        for method, path, sent in (("PUT", "/certificate", body), ("DELETE", "/certificate", None), ("POST", "/certificate/request", {"names": [NAME]})):
            self.assertEqual(dora.status(method, path, sent), (403, "not-permitted"))
            self.assertEqual(box.client.request(method, path, sent, token=None).status, 401)
        self.assertEqual(self.certificate(box)["source"], "own")
        self.install((leaf,), key)
        box.call("POST", "/certificate/request", {"names": [NAME]})
        self.install((leaf,), key_pem(key) + pem(leaf))  # keys and certificates often stand in one text
        with self.assertRaises(Problem):
            self.install(key_pem(key), key)  # and are put in the wrong place
        done = [one["action"] for one in box.get("/operations?limit=50")["items"] if one["result"] == "done"]
        self.assertLessEqual({"installCertificate", "requestCertificate"}, set(done))
        self.nothing_secret(os.path.join(box.state, "tls"), key_pem(key))


class Followed(Certificates):
    """Files that the configuration names, and that somebody else renews."""

    def setUp(self):
        folder = self.folder()
        self.files = {"certificate": os.path.join(folder, "fullchain.pem"), "key": os.path.join(folder, "privkey.pem")}
        self.authority = Authority("Example authority")
        self.first = self.authority.issue(NAME)
        self.write(*self.first)
        self.made = self.box(**{**TLS, "http.certificate": self.files["certificate"], "http.certificate-key": self.files["key"]})
        self.made.claim()

    def write(self, leaf=None, key=None):
        """Replace the files, as programs do: written beside, and renamed."""
        for path, text in ((self.files["certificate"], leaf and pem(leaf)), (self.files["key"], key and key_pem(key))):
            if text:
                with open(path + ".new", "w") as file:
                    file.write(text)
                os.replace(path + ".new", path)

    def await_trouble(self, is_there):
        """Wait until the certificate has trouble, or none any more; the health must say the same."""
        wait_for(lambda: bool(self.made.get("/certificate")["trouble"]) == is_there, FOLLOWED, lambda: f"trouble, or its end: {self.made.get('/certificate')}")
        wait_for(lambda: bool(self.problems(self.made)) == is_there, FOLLOWED, lambda: f"the health to say so: {self.made.get('/health')}")

    def test_renewed(self):
        """A new pair is shown from the next connection on; half of one changes nothing and is said, nor does one that is no good; nothing is installed meanwhile."""
        box = self.made
        told = self.certificate(box)
        self.assertEqual((told["source"], told["isConfigured"], told["names"], told["fingerprint"]), ("files", True, [NAME], fingerprint(self.first[0])))
        second = self.authority.issue(NAME, "shop.example.com")
        for method, path, body in (("PUT", "/certificate", {"certificate": pem(second[0]), "key": key_pem(second[1])}), ("DELETE", "/certificate", None)):
            self.assertEqual(box.client.request(method, path, body).problem().slug, "conflict")
        self.write(leaf=second[0])
        self.await_trouble(True)
        self.assertEqual(self.certificate(box)["fingerprint"], fingerprint(self.first[0]))
        self.write(key=second[1])
        wait_for(lambda: shown(box.client) == fingerprint(second[0]), FOLLOWED, "the new certificate")
        self.await_trouble(False)
        self.assertEqual(self.certificate(box)["names"], [NAME, "shop.example.com"])
        os.remove(self.files["key"])
        self.await_trouble(True)
        self.assertEqual(self.certificate(box)["fingerprint"], fingerprint(second[0]))
        self.write(*self.authority.issue(NAME, begins=-90, days=80))
        self.await_trouble(True)
        self.assertEqual(self.certificate(box)["fingerprint"], fingerprint(second[0]))
        third = self.authority.issue(NAME)
        self.write(*third)
        wait_for(lambda: shown(box.client) == fingerprint(third[0]), FOLLOWED, "the third certificate")
        self.await_trouble(False)

    def test_none_that_is_good_at_the_start(self):
        """A box whose files are no good starts all the same, with its own certificate, and says so; one that expires soon is shown, and said."""
        box = self.made
        box.stop()
        self.write(key=new_key())
        box.start()
        self.assertEqual(self.certificate(box)["source"], "own")
        self.await_trouble(True)
        soon = self.authority.issue(NAME, days=6)
        self.write(*soon)
        wait_for(lambda: shown(box.client) == fingerprint(soon[0]), FOLLOWED, "the certificate that expires soon")
        self.assertIn("expires", self.certificate(box)["trouble"])
        self.await_trouble(True)


class WithoutTLS(Case):
    """A box behind somebody's proxy."""

    def test_there_is_none(self):
        """The proxy shows a certificate, and the box has none."""
        box = self.box()
        box.claim()
        self.assertEqual(box.client.request("GET", "/certificate").problem().slug, "conflict")
        self.assertFalse([one for one in box.get("/health")["problems"] if one["subject"]["kind"] == "certificate"])
