"""A real router (miniupnpd with nftables) between the box and somebody outside, in network namespaces."""

import os
import shutil
import subprocess
import tempfile
import unittest

from case import Case
from client import Client
from test_discovery import Networks
from waiting import wait_for

INSIDE, BOX, PUBLIC, OUTSIDE = "10.79.0.1", "10.79.0.2", "11.0.0.1", "11.0.0.9"
# What Debian's scripts prepare for miniupnpd.
RULES = """
table inet filter {
    chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "cable" accept; jump miniupnpd; }
    chain miniupnpd { }
    chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
    chain postrouting { type nat hook postrouting priority 100; policy accept; oifname "behind" masquerade; jump postrouting_miniupnpd; }
    chain prerouting_miniupnpd { }
    chain postrouting_miniupnpd { }
}
"""
SETTINGS = f"""
ext_ifname=behind
listening_ip=cable
port=5000
enable_upnp=yes
enable_natpmp=no
secure_mode=yes
system_uptime=yes
uuid=773df6ba-3f10-4faf-a6d5-1994796f4349
allow 1024-65535 10.79.0.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""


class Line(Networks):
    """The box's network, the router (in the place of the devices), and the internet."""

    def build(self):
        """Make them."""
        for name in self.all:
            self.run("ip", "netns", "add", name)
            self.run("ip", "-n", name, "link", "set", "lo", "up")
        self.run("ip", "-n", self.devices, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.box)
        self.run("ip", "-n", self.devices, "link", "add", "behind", "type", "veth", "peer", "name", "cable", "netns", self.far)
        for name, address, cable in ((self.devices, INSIDE, "cable"), (self.devices, PUBLIC, "behind"), (self.box, BOX, "cable"), (self.far, OUTSIDE, "cable")):
            self.run("ip", "-n", name, "address", "add", f"{address}/24", "dev", cable)
            self.run("ip", "-n", name, "link", "set", cable, "up")
        self.run("ip", "-n", self.box, "route", "add", "default", "via", INSIDE)
        self.run("ip", "netns", "exec", self.devices, "sysctl", "-q", "net.ipv4.ip_forward=1")
        subprocess.run(["ip", "netns", "exec", self.devices, "nft", "-f", "-"], input=RULES.encode(), check=True, capture_output=True, timeout=20)

    def rules(self):
        """What the router passes on now."""
        return subprocess.run(["ip", "netns", "exec", self.devices, "nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd"],
                              check=True, capture_output=True, text=True, timeout=20).stdout


class RealRouter(Case):
    """The box behind it."""

    @classmethod
    def setUpClass(cls):
        for program in ("miniupnpd", "nft"):
            if not shutil.which(program):
                raise unittest.SkipTest(f"{program} is not installed")
        if os.geteuid():
            raise unittest.SkipTest("needs root, to make network namespaces")
        try:
            cls.line = Line()
        except (OSError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"network namespaces with nftables cannot be made here: {getattr(error, 'stderr', error)}") from None
        cls.addClassCleanup(cls.line.close)
        folder = tempfile.TemporaryDirectory(prefix="gatehouse-test-")
        cls.addClassCleanup(folder.cleanup)
        settings = os.path.join(folder.name, "miniupnpd.conf")
        with open(settings, "w") as file:
            file.write(SETTINGS)
        with cls.line.inside(cls.line.devices):
            cls.router = subprocess.Popen(["miniupnpd", "-d", "-f", settings, "-P", os.path.join(folder.name, "pid")],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.router.wait, 10)
        cls.addClassCleanup(cls.router.terminate)
        cls.line.stay(cls.line.box)
        cls.made = cls.class_box(**{"http.tls": True, "http.address": "0.0.0.0", "devices.allow-local": False})
        cls.made.claim()

    def visit(self, port, method="GET", path="/setup", body=None):
        """An answer of the box's to somebody outside."""
        with self.line.inside(self.line.far):
            return Client(f"https://{PUBLIC}:{port}", timeout=5).request(method, path, body, token=None)

    def test_opened_and_closed(self):
        """The router is found, opens a port that leads to the box, with an end that is put off; nobody outside is at the site; off, it is closed."""
        self.made.call("PUT", "/relay/reach", {"enabled": True})
        look = lambda: (lambda now: now if now["state"]["code"] == "mapped" else None)(self.made.get("/relay/reach"))
        now = wait_for(look, 40, lambda: f"the port; {self.made.get('/relay/reach')}")
        port = now["openPort"]
        self.assertEqual((now["outsideAddress"], now["routerAddress"]), (PUBLIC, INSIDE))
        self.assertIsNotNone(now["openUntil"])
        self.assertEqual(self.visit(port).status, 200)
        body = {"device": "192.0.2.1", "userName": "a", "password": "b"}
        self.assertEqual(self.visit(port, "POST", "/on-site/live", body).problem().slug, "not-on-site")
        # Now with the router's own address in place of the visitor's.
        self.line.run("ip", "netns", "exec", self.line.devices, "nft", "add", "rule", "inet", "filter", "postrouting", "oifname", "cable", "masquerade")
        self.assertEqual(self.visit(port, "POST", "/on-site/live", body).problem().slug, "not-on-site")
        # This router does not lead its own network back in.
        self.assertEqual(self.made.call("POST", "/relay/reach/test")["code"], "cannot-tell")
        self.made.call("PUT", "/relay/reach", {"enabled": False})
        self.assertNotIn(str(port), self.line.rules())
        with self.assertRaises(OSError):
            self.visit(port)
