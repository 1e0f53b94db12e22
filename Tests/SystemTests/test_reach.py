"""The box's way in from the internet by a port of the router, with a router that goes wrong."""

import os

from client import Client, Problem
from ports import free_port
from reaching import ROUTER, ReachCase
from router import Counter, Router
from waiting import wait_for


def memory(pid):
    """Resident bytes of a process."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


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
