"""The box's TLS as testssl.sh sees it: protocols, suites, certificate, headers, and the known holes."""

import json
import os
import re
import subprocess

from case import Case

# -p protocols, -s suites by strength, -E suites of each protocol, -f forward secrecy, -S the certificate, -h headers, -U the known holes.
SECTIONS = ("-p", "-s", "-E", "-f", "-S", "-h", "-U")
BAD = ("MEDIUM", "HIGH", "CRITICAL", "FATAL", "WARN")  # WARN is testssl's own word for what it could not look at
# What is as it is meant to be, each with its reason.
MEANT = {
    "cert_chain_of_trust": "the box has an authority of its own: no other signs for addresses of a local network",
    "cert_validityPeriod": "397 days, as long as browsers allow; it is renewed by itself a month before",
    "cert_revocation": "nobody but the box could revoke it, and there is nowhere to ask",
    "engine_problem": "of this machine's OpenSSL, which has no GOST; the box is not asked for it",
}


class TLS(Case):
    """A box with TLS, looked at once."""

    @classmethod
    def setUpClass(cls):
        cls.made = box = cls.class_box(**{"http.tls": True})
        box.claim()
        report = os.path.join(box.folder, "testssl.json")
        done = subprocess.run(["testssl", "--quiet", "--warnings", "off", "--color", "0", "--nodns", "none", "--jsonfile", report, *SECTIONS,
                               f"https://{box.client.host}:{box.client.port}/"],
                              check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=box.folder, timeout=220)
        try:
            with open(report, encoding="utf-8") as file:
                cls.findings = json.load(file)
        except (OSError, ValueError):
            raise AssertionError(f"testssl has no report: {done.stdout[-3000:]}") from None

    def said(self, name):
        """What was found under this name."""
        return [one["finding"] for one in self.findings if one["id"] == name]

    def test_nothing_bad(self):
        """Nothing that testssl calls medium or worse, but what a certificate of one's own implies."""
        bad = [f"{one['severity']} {one['id']}: {one['finding']}" for one in self.findings if one["severity"] in BAD and one["id"] not in MEANT]
        self.assertEqual(bad, [])
        self.assertEqual(self.said("cert_chain_of_trust"), ["failed (self signed CA in chain)."])

    def test_versions(self):
        """TLS 1.2 and 1.3 and nothing before them."""
        for name in ("SSLv2", "SSLv3", "TLS1", "TLS1_1"):
            self.assertEqual(self.said(name), ["not offered"], name)
        for name in ("TLS1_2", "TLS1_3"):
            self.assertRegex(self.said(name)[0], "^offered", name)

    def test_suites(self):
        """Encryption is authenticated, in TLS 1.2 too."""
        for name in ("NULL", "aNULL", "EXPORT", "LOW", "3DES_IDEA", "AVERAGE"):  # the average ones are those of CBC
            self.assertEqual(self.said(f"cipherlist_{name}"), ["not offered"], name)
        suites = [one["finding"] for one in self.findings if one["id"].startswith("cipher-tls1_2_")]
        self.assertTrue(suites)
        self.assertEqual([suite for suite in suites if not re.search(r"GCM|CHACHA20", suite)], [])
