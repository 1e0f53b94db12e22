"""The name that leads to the box from the internet, and the test from outside of name and port."""

import os

from client import Problem
from names import NameServer
from ports import free_port
from reaching import ROUTER, ReachCase
from router import Counter
from waiting import holds_for, wait_for

SECRET = "Harbour-Lamp-2026"


class Outside(ReachCase):
    """The test from outside."""

    def test_results(self):
        """This box, another one, nobody; and what a checker says."""
        port = self.switch_on()["openPort"]
        checker = self.kept(NameServer())
        test = lambda: self.made.call("POST", "/relay/reach/test")["code"]
        self.assertEqual(test(), "reachable")
        self.router.lead_elsewhere(port, ("127.0.0.1", self.kept(Counter("127.0.0.1")).server_address[1]))
        self.assertEqual(test(), "another-box-answered")
        other = self.box(**{"http.tls": True})
        self.router.lead_elsewhere(port, ("127.0.0.1", other.client.port))
        self.assertEqual(test(), "another-box-answered")
        self.router.forwards.pop(port).close()
        self.assertEqual(test(), "cannot-tell")
        self.made.call("PUT", "/relay/reach", {"checkerUrl": f"{checker.url}/check"})
        self.await_state("mapped")
        self.router.forwards.pop(port).close()
        self.assertEqual(test(), "not-reachable")
        checker.word = {"reachable": True}
        self.assertEqual(test(), "reachable")
        checker.word = {"reachable": True, "digest": "0" * 64}
        self.assertEqual(test(), "another-box-answered")
        checker.word = ["junk"]
        self.assertEqual(test(), "cannot-tell")
        checker.word = None
        self.router.forward(port)
        told = self.made.call("POST", "/relay/reach/test")
        self.assertEqual((told["code"], told["severity"]), ("reachable", "ok"))
        look = checker.looks[-1]
        self.assertEqual((look["host"], look["port"], look["path"]), (ROUTER, str(port), "/api/v1/reach/echo"))

    def test_echo(self):
        """The open route answers nonces and nothing else, the same to the same, as long as the box runs."""
        ask = lambda nonce: self.made.client.request("GET", f"/reach/echo?nonce={nonce}", token=None)
        one = ask("ab" * 16).json
        self.assertRegex(one["digest"], "^[0-9a-f]{64}$")
        self.assertEqual((ask("ab" * 16).json, list(one)), (one, ["digest"]))
        self.assertNotEqual(ask("ac" * 16).json, one)
        for wrong in ("", "abc", "x" * 32, "a" * 65, "a" * 100_00):
            self.assertEqual(ask(wrong).problem().status, 422)


class Name(ReachCase):
    """The name that leads to the box."""

    def setUp(self):
        super().setUp()
        self.names = self.kept(NameServer())
        self.body = {"enabled": True, "serverUrl": self.names.url, "hostName": "Box.Example.com", "userName": "me", "password": SECRET}

    def await_name(self, code, seconds=20, box=None):
        """Wait until the name is so."""
        box = box or self.made
        def look():
            now = box.get("/relay/ddns")
            return now if now["state"]["code"] == code else None
        return wait_for(look, seconds, lambda: f"{code}; it is {box.get('/relay/ddns')}")

    def test_follows_the_address(self):
        """The server is told the router's address, and the next one when it changes, no more often."""
        self.router.lease_limit = 2
        self.switch_on()
        for wrong, field in (({"enabled": True}, "/serverUrl"), ({"serverUrl": "ftp://x"}, "/serverUrl"), ({"hostName": "box"}, "/hostName"),
                             ({"hostName": "-a.b"}, "/hostName"), ({"userName": "a:b"}, "/userName")):
            with self.assertRaises(Problem) as caught:
                self.made.call("PUT", "/relay/ddns", wrong)
            self.assertEqual((caught.exception.status, field in caught.exception.fields), (422, True), wrong)
        answer = self.made.call("PUT", "/relay/ddns", self.body)
        self.assertEqual((answer["hasPassword"], "password" in answer, answer["hostName"]), (True, False, "box.example.com"))
        self.assertEqual(self.await_name("ok")["address"], ROUTER)
        self.assertEqual([(one["path"], one["hostname"], one["myip"], one["user"]) for one in self.names.updates],
                         [("/nic/update", "box.example.com", ROUTER, f"me:{SECRET}")])
        self.assertRegex(self.names.updates[0]["agent"], r"^Gatehouse/\d")
        seen = self.router.asked.count("AddPortMapping")
        wait_for(lambda: self.router.asked.count("AddPortMapping") > seen + 1, 20, "prolonging")
        self.assertEqual(len(self.names.updates), 1)
        self.router.outside = "203.0.113.9"
        wait_for(lambda: self.made.get("/relay/ddns")["address"] == "203.0.113.9", 20, "the other address")
        self.assertEqual([one["myip"] for one in self.names.updates], [ROUTER, "203.0.113.9"])
        self.assertNotIn(SECRET, self.made.log())
        self.assertNotIn(SECRET.encode(), b"".join(open(os.path.join(folder, name), "rb").read() for folder, _, files in os.walk(self.made.state) for name in files))

    def test_private_address(self):
        """A router without a public address leaves the name as it is."""
        self.router.outside = "100.64.0.9"
        self.switch_on("private-address")
        self.made.call("PUT", "/relay/ddns", self.body)
        self.await_name("private-address")
        self.assertEqual(self.names.updates, [])

    def test_refused_for_good(self):
        """What a server refuses for good is asked once, over a new start too, until it is set anew."""
        box = self.box(**{"http.tls": True, "reach.allow-http": True})
        box.claim()
        for answer, code in (("badauth", "wrong-credentials"), ("nohost", "no-such-name"), ("abuse", "blocked")):
            with self.subTest(answer=answer):
                self.names.answer, self.names.updates = answer, []
                box.call("PUT", "/relay/ddns", {**self.body, "serverUrl": self.names.url})
                self.await_name(code, 40, box)
                self.assertEqual(len(self.names.updates), 1)
        box.restart()
        self.await_name("blocked", box=box)
        holds_for(lambda: len(self.names.updates) == 1, 2, "silence")
        self.names.answer = None
        box.call("PUT", "/relay/ddns", {"userName": "other"})
        self.await_name("ok", 40, box)
        self.assertEqual(self.names.updates[-1]["user"], f"other:{SECRET}")

    def test_trouble(self):
        """A server with trouble of its own, one that stops in the middle, one that is away and one that is none."""
        for answer, code in (("911", "server-trouble"), ("dnserr", "server-trouble"), ("<html>", "nonsense"), ("x" * 100_000, "nonsense")):
            with self.subTest(answer=answer[:20]):
                self.names.answer = answer
                self.made.call("PUT", "/relay/ddns", self.body)
                self.await_name(code, 40)
        self.names.stalls = True
        self.made.call("PUT", "/relay/ddns", self.body)
        self.await_name("unreachable", 40)
        self.made.call("PUT", "/relay/ddns", {"serverUrl": self.made.client.base})
        self.await_name("certificate", 40)
        self.made.call("PUT", "/relay/ddns", {"serverUrl": f"http://127.0.0.1:{free_port()}"})
        self.await_name("unreachable", 40)
        self.made.call("PUT", "/relay/ddns", {"serverUrl": self.made.client.base})
        self.await_name("certificate", 40)
