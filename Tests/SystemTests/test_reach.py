"""The box's way in from the internet: a port of the router, the name that leads to it, and the test of both; with a router that goes wrong."""

import os

from case import Case
from client import Client, Problem
from names import NameServer
from ports import free_port
from router import Counter, Router
from waiting import holds_for, wait_for

ROUTER = "127.0.0.9"
SECRET = "Harbour-Lamp-2026"


def memory(pid):
    """Resident bytes of a process."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class ReachCase(Case):
    """One box with TLS, and a router for each test."""

    @classmethod
    def setUpClass(cls):
        cls.made = cls.class_box(**{"http.tls": True, "reach.allow-http": True})
        cls.made.claim()

    def setUp(self):
        self.router = self.kept(Router(ROUTER))
        self.addCleanup(self.off)

    def off(self, box=None):
        """Switch everything off, as it was before."""
        box = box or self.made
        if box.is_running():
            box.call("PUT", "/relay/ddns", {"enabled": False})
            box.call("PUT", "/relay/reach", {"enabled": False, "outsidePort": None, "routerUrl": None, "interface": None, "checkerUrl": None})

    def state(self, box=None):
        """How the mapping is now."""
        return (box or self.made).get("/relay/reach")

    def await_state(self, code, seconds=20, box=None):
        """Wait until the mapping is so."""
        def look():
            now = self.state(box)
            return now if now["state"]["code"] == code else None
        return wait_for(look, seconds, lambda: f"{code}; it is {self.state(box)['state']}")

    def switch_on(self, code="mapped", seconds=20, box=None, **more):
        """Open a port, and wait."""
        (box or self.made).call("PUT", "/relay/reach", {"enabled": True, "routerUrl": self.router.url, **more})
        return self.await_state(code, seconds, box)

    def visit(self, port, **more):
        """The status of the box's open page, as somebody outside sees it."""
        return Client(f"https://{ROUTER}:{port}").request("GET", "/setup", token=None, **more).status


class Mapping(ReachCase):
    """The port of the router."""

    def test_off_by_default(self):
        """A new box asks no router; wrong settings are refused beside their field."""
        box = self.box(**{"http.tls": True, "devices.allow-local": False})
        box.claim()
        first = self.state(box)
        self.assertEqual((first["enabled"], first["state"]["code"], first["openPort"], first["outsideAddress"], first["test"]), (False, "off", None, None, None))
        for body, field in (({"routerUrl": self.router.url}, "/routerUrl"), ({"routerUrl": "http://203.0.113.1/x"}, "/routerUrl"),
                            ({"routerUrl": "http://169.254.169.254/x"}, "/routerUrl"), ({"outsidePort": 0}, "/outsidePort"), ({"interface": "a/b"}, "/interface"),
                            ({"checkerUrl": "http://check.example.com/"}, "/checkerUrl"), ({"checkerUrl": "file:///etc/passwd"}, "/checkerUrl")):
            with self.assertRaises(Problem) as caught:
                box.call("PUT", "/relay/reach", body)
            self.assertEqual((caught.exception.status, field in caught.exception.fields), (422, True), body)
        with self.assertRaises(Problem) as caught:
            box.call("POST", "/relay/reach/test")
        self.assertEqual(caught.exception.status, 409)
        self.assertEqual(self.router.asked, [])

    def test_not_without_tls(self):
        """No port is opened to a page that is served in the open."""
        box = self.box()
        box.claim()
        self.switch_on("not-encrypted", box=box)
        self.assertEqual((self.router.asked, self.router.mappings), ([], {}))

    def test_open_and_closed(self):
        """The port leads to the page, the test tells that it is this box, and after it is switched off nobody answers."""
        on = self.switch_on()
        port = on["openPort"]
        self.assertEqual((on["outsideAddress"], on["routerAddress"], port), (ROUTER, ROUTER, self.made.client.port))
        self.assertEqual(self.router.mappings[port]["text"], "Gatehouse")
        self.assertEqual(self.visit(port), 200)
        self.assertEqual(self.made.call("POST", "/relay/reach/test")["code"], "reachable")
        self.assertEqual(self.state()["test"]["code"], "reachable")
        self.off()
        self.assertEqual(self.router.mappings, {})
        with self.assertRaises(OSError):
            self.visit(port)
        off = self.state()
        self.assertEqual((off["state"]["code"], off["openPort"], off["openUntil"]), ("off", None, None))

    def test_chosen_port(self):
        """The port that the owner chose is opened; another one closes the first."""
        first, second = free_port(), free_port()
        self.assertEqual(self.switch_on(outsidePort=first)["openPort"], first)
        self.made.call("PUT", "/relay/reach", {"outsidePort": second})
        wait_for(lambda: self.state()["openPort"] == second, 20, "the other port")
        self.assertEqual(list(self.router.mappings), [second])
        self.assertEqual(self.visit(second), 200)

    def test_conflicts(self):
        """A port of somebody else is left alone, whether the router says so or would overwrite it; a chosen one is told of."""
        own = self.made.client.port
        entry = {"client": "10.0.0.7", "port": 80, "text": "other", "lease": 0, "at": 0}
        self.router.mappings[own], self.router.forwarding = dict(entry), True
        self.router.conflicts = lambda port: port == 8443
        on = self.switch_on()
        self.assertNotIn(on["openPort"], (own, 8443))
        self.assertEqual(self.router.mappings[own], entry)
        self.assertEqual(self.visit(on["openPort"]), 200)
        self.made.call("PUT", "/relay/reach", {"outsidePort": own})
        told = self.await_state("refused")
        self.assertIn(str(own), told["state"]["sentence"])
        self.assertEqual(self.router.mappings, {own: entry})

    def test_only_for_ever(self):
        """A router that gives ports only for ever gives one; it is closed all the same."""
        self.router.permanent_only = True
        on = self.switch_on()
        self.assertIsNone(on["openUntil"])
        self.assertEqual(self.router.mappings[on["openPort"]]["lease"], 0)
        self.off()
        self.assertEqual(self.router.mappings, {})

    def test_prolonged(self):
        """A short lease is prolonged before it runs out, and a router that forgot everything is told again."""
        self.router.lease_limit = 3
        first = self.switch_on()
        wait_for(lambda: self.router.asked.count("AddPortMapping") >= 3, 20, "prolonging")
        self.assertGreater(self.state()["openUntil"], first["openUntil"])
        for port in list(self.router.mappings):
            del self.router.mappings[port]
            self.router.forward(port)
        wait_for(lambda: self.router.mappings, 10, "the port after the router's new start")
        self.assertEqual(self.visit(first["openPort"]), 200)

    def test_private_addresses(self):
        """A router whose own address is shared or private is told as what it is: nobody reaches it."""
        for address, word in (("100.64.3.4", "shares"), ("192.168.7.2", "second router"), ("10.0.0.1", "second router")):
            with self.subTest(address=address):
                self.router.outside = address
                told = self.switch_on("private-address")
                self.assertEqual((told["outsideAddress"], told["state"]["severity"]), (address, "trouble"))
                self.assertIn(word, told["state"]["sentence"])
                self.off()

    def test_refusals(self):
        """What the router refuses is told, with its code for support; without an address on the internet no port is asked for."""
        for fault, code in ((606, "refused"), (501, "refused"), (728, "refused")):
            with self.subTest(fault=fault):
                self.router.faults = {"AddPortMapping": fault}
                told = self.switch_on(code)
                self.assertIn(str(fault), told["state"]["detail"])
                self.off()
        self.router.faults, self.router.outside = {}, "0.0.0.0"
        self.switch_on("not-connected")
        self.assertEqual(self.router.mappings, {})

    def test_search(self):
        """Without an address the router is found by SSDP."""
        self.router.answer_searches()
        self.made.call("PUT", "/relay/reach", {"enabled": True, "routerUrl": None, "interface": "127.0.0.1"})
        on = self.await_state("mapped")
        self.assertEqual(on["routerAddress"], ROUTER)
        self.assertTrue(self.router.searched)

    def test_nobody_there(self):
        """Where no router answers it says so, and what to do."""
        self.made.call("PUT", "/relay/reach", {"enabled": True, "routerUrl": None, "interface": "127.0.0.1"})
        self.assertIn("UPnP", self.await_state("no-router", 40)["state"]["sentence"])
        gone = Router(ROUTER)
        gone.close()
        self.made.call("PUT", "/relay/reach", {"routerUrl": gone.url})
        self.await_state("no-router", 40)

    def test_passed_on(self):
        """While the port is open, whoever comes from the router's own address is not at the site; before and after, the network's trust holds."""
        body = {"device": "192.0.2.1", "userName": "a", "password": "b"}
        self.router.masquerades = True
        port = self.switch_on()["openPort"]
        outside = Client(f"https://{ROUTER}:{port}")
        self.assertEqual(outside.request("POST", "/on-site/live", body, token=None).problem().slug, "not-on-site")
        self.assertEqual(self.made.client.request("POST", "/on-site/live", body, token=None).problem().slug, "wrong-password")
        self.off()
        forward = Router("127.0.0.8")
        self.kept(forward)
        forward.masquerades = True
        forward.add(port, {"NewLeaseDuration": "0", "NewInternalClient": "127.0.0.1", "NewInternalPort": str(self.made.client.port), "NewPortMappingDescription": "x"})
        again = Client(f"https://127.0.0.8:{port}")
        self.assertEqual(again.request("POST", "/on-site/live", body, token=None).problem().slug, "wrong-password")

    def test_life_and_death(self):
        """A box that ends closes the port; after kill -9 the next life goes on with the same port, or closes it where it is switched off."""
        box = self.box(**{"http.tls": True, "http.port": free_port()})
        box.claim()
        port = self.switch_on(box=box)["openPort"]
        box.stop()
        self.assertEqual(self.router.mappings, {})
        box.start()
        self.await_state("mapped", box=box)
        box.kill()
        self.assertEqual(list(self.router.mappings), [port])
        box.start()
        self.assertEqual(self.await_state("mapped", box=box)["openPort"], port)
        self.router.faults = {"DeletePortMapping": 501}
        box.call("PUT", "/relay/reach", {"enabled": False})
        self.await_state("not-closed", box=box)
        box.kill()
        self.router.faults = {}
        box.start()
        wait_for(lambda: not self.router.mappings, 20, "the port's end")
        self.await_state("off", box=box)


class Hostile(ReachCase):
    """Routers that are broken, or none."""

    def test_wrong_answers(self):
        """Garbage, endless and oversized answers at every step are told as trouble; the box stays small and leaves nothing behind."""
        before, codes = memory(self.made.pid), ("no-router", "nonsense", "silent", "not-connected", "refused")
        for where in ("description", "GetExternalIPAddress", "AddPortMapping"):
            for fault in ("garbage", "endless", "large"):
                with self.subTest(where=where, fault=fault):
                    self.router.faults, self.router.wrong = {where: fault}, 0
                    self.made.call("PUT", "/relay/reach", {"enabled": True, "routerUrl": self.router.url})
                    told = wait_for(lambda: (now := self.state())["state"]["code"] != "looking" and now, 60, "an end of looking")
                    self.assertIn(told["state"]["code"], codes)
                    self.assertEqual((told["state"]["severity"], told["openPort"]), ("trouble", None))
                    self.assertGreater(self.router.wrong, 0)
                    self.off()
        self.assertLess(memory(self.made.pid), before + 60_000_000)
        wait_for(lambda: not self.helpers(), 10, "the helpers' end")

    def helpers(self):
        """Processes that are with the router."""
        return [pid for pid in self.made.workers() if self.is_helper(pid)]

    @staticmethod
    def is_helper(pid):
        """Whether it is one of them."""
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return file.read().split(b"\0")[1:2] == [b"router"]
        except OSError:
            return False

    def test_slow(self):
        """A router that drips its answer is given up, and the box can be switched off meanwhile."""
        self.router.faults = {"GetExternalIPAddress": "slow"}
        self.made.call("PUT", "/relay/reach", {"enabled": True, "routerUrl": self.router.url})
        wait_for(lambda: self.router.wrong, 20, "the slow answer")
        self.assertEqual(self.state()["state"]["code"], "looking")
        self.await_state("silent", 60)
        wait_for(lambda: not self.helpers(), 10, "the helper's end")

    def test_foreign_addresses(self):
        """Commands go only to the site's network, wherever a description or a redirect points."""
        box = self.box(**{"http.tls": True})
        box.claim()
        other = self.kept(Counter("127.0.0.1"))
        self.router.foreign = f"http://127.0.0.1:{other.server_address[1]}/rootDesc.xml"
        self.router.faults = {"description": "redirect"}
        self.switch_on("no-router", 40, box)
        self.assertEqual(other.visits, 0)
        for control in ("http://203.0.113.1/control", "http://169.254.169.254/latest", "http://localhost:1/", "http://127.0.0.9@203.0.113.1/"):
            with self.subTest(control=control):
                self.router.faults, self.router.control = {}, control
                self.switch_on("nonsense", 40, box)
                self.assertEqual(self.router.mappings, {})
                box.call("PUT", "/relay/reach", {"enabled": False})


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
        """A server with trouble of its own, one that is away and one that is none."""
        for answer, code in (("911", "server-trouble"), ("dnserr", "server-trouble"), ("<html>", "nonsense"), ("x" * 100_000, "nonsense")):
            with self.subTest(answer=answer[:20]):
                self.names.answer = answer
                self.made.call("PUT", "/relay/ddns", self.body)
                self.await_name(code, 40)
        self.made.call("PUT", "/relay/ddns", {"serverUrl": f"http://127.0.0.1:{free_port()}"})
        self.await_name("unreachable", 40)
        self.made.call("PUT", "/relay/ddns", {"serverUrl": self.made.client.base})
        self.await_name("certificate", 40)
