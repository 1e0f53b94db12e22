"""Addresses that the box must not be talked into connecting to (server-side request forgery): in every spelling, by names, by names that change.

A device may be anywhere in the site's networks. It may not be the box itself, a link-local address or a cloud's metadata service; only `devices.allow-local`
lets this machine through, for demonstrations and the other tests. The boxes here run as a real one does.
"""

import concurrent.futures
import os
import socket
import tempfile
import time
import unittest
from unittest import mock

from box import binary
from case import Case
from listeners import HeardServer, Listener
from name_server import NameServer, program
from waiting import wait_for

LOOPBACK = (
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "0.0.0.0", "0", "00", "0.0", "127.0.0.1.", "127.0.0.1..",
    "2130706433", "0x7f000001", "0X7F000001", "0x7f.0x0.0x0.0x1", "0x7f.1", "0177.0.0.1", "0177.1", "017700000001", "00000177.0.0.1", "127.0x0.0.1",
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "a.LOCALHOST.",
    "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]", "[::ffff:127.0.0.1]", "[::FFFF:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[::1%25lo]",
    # Other addresses that hold one of IPv4: local NAT64 (RFC 8215), 6to4 (RFC 3056), translated ones (RFC 2765).
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[::ffff:0:127.0.0.1]",
)
# Digits and dots of other writing; some libraries take them for the usual ones.
LOOKALIKES = ("127。0。0。1", "１２７.0.0.1", "①②⑦.⓪.⓪.①", "127.0.0．1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "١٢٧.٠.٠.١")
ELSEWHERE = (
    "169.254.169.254", "169.254.1.1", "169.16689662", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "0xa9.0xfe.0xa9.0xfe", "169.254.169.254.",
    "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[fd00:ec2::254]", "[fd00:0ec2:0:0:0:0:0:254]", "100.100.100.200",
    "[fe80::1]", "[fe80::1%25eth0]", "[febf::1]", "224.0.0.1", "239.255.255.250", "255.255.255.255", "[ff02::1]", "[ff05::c]",
)
# What is no address of a camera whatever its host is; {} is the listener's port.
NOT_RTSP = (
    "file:///etc/passwd", "gopher://127.0.0.1:{}/_x", "http://127.0.0.1:{}/", "https://127.0.0.1:{}/", "ftp://127.0.0.1:{}/", "dict://127.0.0.1:{}/", "tcp://127.0.0.1:{}",
    "udp://127.0.0.1:{}", "rtmp://127.0.0.1:{}/", "unix:/run/x", "concat:rtsp://127.0.0.1:{}/", "rtsp:127.0.0.1:{}/", "//127.0.0.1:{}/", "rtsp:///127.0.0.1:{}/",
    "rtsp://192.168.1.64:0/", "rtsp://192.168.1.64:65536/", "rtsp://192.168.1.64:-1/", "rtsp://192.168.1.64:{}:22/", "rtsp://192.168.1.64#@127.0.0.1:{}/",
    "rtsp://192.168.1.64\r\nHost: x/", "rtsp://192.168.1.64\t@127.0.0.1:{}/", "rtsp://192.168.1.64\\@127.0.0.1:{}/",
)
# Credentials that look like a harmless host, before a host that is none.
USERINFO = ("rtsp://192.168.1.64@127.0.0.1:{}/", "rtsp://192.168.1.64:554@127.0.0.1:{}/", "rtsp://192.168.1.64%2F@127.0.0.1:{}/", "rtsp://192.168.1.64%23@[::1]:{}/",
            "RTSP://a:b%40192.168.1.64@127.1:{}/", "rtsp://%31%39%32.168.1.64@localhost:{}/")
# An address that no rule forbids and where nobody is (RFC 5737).
HARMLESS = "203.0.113.9"
NAMES = {
    "loopback": ["127.0.0.1"], "loopback-six": ["::1"], "mapped": ["::ffff:127.0.0.1"], "wrapped": ["64:ff9b::7f00:1"], "six-to-four": ["2002:7f00:1::"], "zero": ["0.0.0.0"],
    "metadata": ["169.254.169.254"], "metadata-six": ["fd00:ec2::254"], "one-of-two": [HARMLESS, "127.0.0.1"], "one-of-three": [HARMLESS, "2001:db8::1", "::1"],
}


class Guarded(Case):
    """What the tests of one box have in common."""

    @classmethod
    def begin(cls, **more):
        """The listener, and a box as it is outside of tests with a device that harms nobody."""
        cls.listener = Listener()
        cls.addClassCleanup(cls.listener.close)
        cls.made = cls.class_box(**{"devices.allow-local": False, "storage.allow-http": False, "servers.allow-local": False, **more})
        cls.made.claim()
        cls.device = cls.made.add_device(f"rtsp://{HARMLESS}/main", "me", "secret")

    def setUp(self):
        self.listener.connections.clear()
        self.passed = []

    def refused(self, what, method, path, body, field, alone=True):
        """Note a vector that is not refused with a 4xx that names `field`, or, where it is tried `alone`, after which somebody came."""
        answer = self.made.client.request(method, path, body, timeout=60)
        problem = answer.problem() if answer.status >= 400 else None
        if not problem or problem.status >= 500 or field not in problem.fields or not problem.detail:
            self.passed.append(f"{what}: {method} {path}: {answer.status} {problem.fields if problem else answer.body[:160]!r}")
            self.undo(answer)
        if alone and self.listener.connections:
            self.passed.append(f"{what}: {method} {path}: somebody came from {set(self.listener.connections)}")
            self.listener.connections.clear()

    def undo(self, answer):
        """What one vector did must not be laid to the next."""
        known = answer.json.get("id") if answer.status in (200, 201) else None
        if known == self.device["id"]:
            self.made.call("PATCH", f"/devices/{known}", {"url": f"rtsp://{HARMLESS}/main", "subUrl": None})
        elif answer.status == 201:
            self.made.call("DELETE", f"/devices/{known}")

    def finish(self, count):
        """None passed, nothing was changed, and nobody comes a moment later, either."""
        print(f"{count} vectors", flush=True)
        time.sleep(0.5)  # nothing tells that something does not happen
        if self.passed:
            self.fail(f"{len(self.passed)} passed:\n" + "\n".join(self.passed))
        self.assertEqual(self.listener.connections, [])
        self.assertEqual([(one["id"], one["url"]) for one in self.made.get("/devices")["items"]], [(self.device["id"], f"rtsp://{HARMLESS}/main")])

    def try_host(self, host):
        """A host wherever a person may enter a device's."""
        url, bare = f"rtsp://{host}:{self.listener.port}/main", host.strip("[]").replace("%25", "%")
        known = f"/devices/{self.device['id']}"
        self.refused(host, "POST", "/devices", {"name": "x", "url": url}, "/url")
        self.refused(host, "POST", "/devices", {"name": "x", "url": f"rtsp://{HARMLESS}/main", "subUrl": url}, "/subUrl")
        self.refused(host, "POST", "/devices", {"name": "x", "address": bare, "port": self.listener.port}, "/address")
        self.refused(host, "PATCH", known, {"url": url}, "/url")
        self.refused(host, "PATCH", known, {"subUrl": url}, "/subUrl")
        self.refused(host, "PATCH", known, {"address": bare, "port": self.listener.port}, "/address")
        self.refused(host, "POST", "/discovery", {"seconds": 2, "addresses": [bare]}, "/addresses")
        self.try_camera(host, {"url": url})

    def try_camera(self, what, body):
        """Note a vector that a test of a camera, which tells its outcome in its answer, does not refuse."""
        answer = self.made.client.request("POST", "/devices/test", body, timeout=60)
        code = answer.json["code"] if answer.status == 200 else answer.problem().slug
        if code not in ("address-refused", "invalid-request"):
            self.passed.append(f"{what}: POST /devices/test: {code}")


class Spellings(Guarded):
    """Hosts and URLs, however they are written."""

    @classmethod
    def setUpClass(cls):
        cls.begin()

    def test_listener_counts(self):
        """The listener sees who comes by IPv4 and by IPv6, so that its silence means something."""
        for address in ("127.0.0.1", "127.1.2.3", "::1"):
            socket.create_connection((address, self.listener.port), 5).close()
        wait_for(lambda: len(self.listener.connections) == 3, 10, "three connections")

    def test_hosts_of_devices(self):
        """Loopback, link-local, multicast and metadata addresses are refused in every spelling, wherever a device's address is entered."""
        for host in LOOPBACK + ELSEWHERE:
            self.try_host(host)
        self.finish(len(LOOPBACK + ELSEWHERE))

    def test_lookalikes(self):
        """Digits and dots of other writing lead nowhere: they are refused, or names that nobody knows."""
        for host in LOOKALIKES:
            for body in ({"url": f"rtsp://{host}:{self.listener.port}/main"}, {"address": host, "port": self.listener.port}):
                answer = self.made.client.request("POST", "/devices/test", body, timeout=60)
                code = answer.json["code"] if answer.status == 200 else answer.problem().slug
                if code not in ("address-refused", "invalid-request", "unreachable"):
                    self.passed.append(f"{host}: {code}")
        self.finish(len(LOOKALIKES))

    def test_urls_of_devices(self):
        """Other schemes, ports that are none, and what looks like another host are refused."""
        for url in NOT_RTSP + USERINFO:
            url = url.replace("{}", str(self.listener.port))
            for name in ("url", "subUrl"):
                body = {"name": "x", "url": f"rtsp://{HARMLESS}/main", name: url}
                self.refused(url, "POST", "/devices", body, f"/{name}")
                self.refused(url, "PATCH", f"/devices/{self.device['id']}", {name: url}, f"/{name}")
            self.try_camera(url, {"url": url})
        self.finish(len(NOT_RTSP + USERINFO))

    def test_onboarding(self):
        """An onboarding tries none of these addresses, and says so of each device."""
        hosts = [host.strip("[]").replace("%25", "%") for host in LOOPBACK + ELSEWHERE]
        for some in (hosts[:60], hosts[60:]):
            entries = [{"address": host, "port": self.listener.port, "httpPort": self.listener.port} for host in some]
            answer = self.made.client.request("POST", "/onboardings", {"devices": entries, "userName": "admin", "password": "secret"})
            if answer.status >= 400:  # some are no hosts by their form: without these
                wrong = {int(field.split("/")[2]) for field in answer.problem().fields}
                entries = [entry for number, entry in enumerate(entries) if number not in wrong]
                answer = self.made.client.request("POST", "/onboardings", {"devices": entries, "userName": "admin", "password": "secret"})
            job = f"/onboardings/{answer.json['id']}"
            wait_for(lambda: self.made.get(job)["done"], 60, "the onboarding's end")
            for item in self.made.get(job)["items"]:
                if item["state"] != "failed" or item["failure"]["code"] != "address-refused":
                    self.passed.append(f"{item['address']}: POST /onboardings: {item['state']} {item['failure']}")
        self.finish(len(hosts))

    def test_routers(self):
        """A router's page is at a number of the site's network, by plain HTTP, and nowhere else."""
        urls = [f"http://{host}:{self.listener.port}/rootDesc.xml" for host in LOOPBACK + ELSEWHERE]
        urls += [url.replace("{}", str(self.listener.port)).replace("rtsp://", "http://") for url in USERINFO + NOT_RTSP if "http" not in url]
        urls += [f"https://192.168.1.1:{self.listener.port}/", "http://router.example.com/", "http://192.168.1.1.example.com/", f"http://{HARMLESS}/", "http://0300.0250.1.1/"]
        for url in urls:
            self.refused(url, "PUT", "/relay/reach", {"enabled": True, "routerUrl": url}, "/routerUrl")
        self.assertFalse(self.made.get("/relay/reach")["enabled"])
        self.finish(len(urls))

    def test_schemes_of_servers(self):
        """Servers for the box's name, checkers and stores are asked by HTTPS alone, and their addresses carry no credentials."""
        urls = ("file:///etc/passwd", "gopher://dyn.example.com/", "http://dyn.example.com/", "ftp://dyn.example.com/", "https://", "https:///x", "https://a@dyn.example.com/",
                "https://dyn.example.com@127.0.0.1:{}/", "https://dyn.example.com/#@127.0.0.1", "//dyn.example.com/", "https:dyn.example.com")
        store = {"kind": "s3", "region": "eu", "bucket": "clips", "accessKeyId": "KEY", "secretAccessKey": "an example"}
        for url in (url.replace("{}", str(self.listener.port)) for url in urls):
            self.refused(url, "PUT", "/relay/ddns", {"enabled": False, "serverUrl": url}, "/serverUrl")
            self.refused(url, "PUT", "/relay/reach", {"enabled": False, "checkerUrl": url}, "/checkerUrl")
            self.refused(url, "PUT", "/storage/target", {**store, "endpoint": url}, "/endpoint")
        self.finish(len(urls))

    def test_hosts_of_servers(self):
        """Servers for the box's name, checkers, STUN, TURN and both storages are neither on the box itself nor at a link-local or metadata address."""
        store = {"kind": "s3", "region": "eu", "bucket": "clips", "accessKeyId": "KEY", "secretAccessKey": "an example", "addressing": "path"}
        hosts = [host for host in LOOPBACK + ELSEWHERE if "%" not in host]

        def attempt(host):
            url = f"https://{host}:{self.listener.port}"
            for path, body, field in (
                    ("/relay/ice", {"stunUrl": f"stun:{host}:{self.listener.port}"}, "/stunUrl"),
                    ("/relay/ice", {"turnUrl": f"turn:{host}:{self.listener.port}?transport=tcp", "userName": "box", "credential": "an example"}, "/turnUrl"),
                    ("/relay/ddns", {"enabled": False, "serverUrl": url}, "/serverUrl"), ("/relay/reach", {"enabled": False, "checkerUrl": url}, "/checkerUrl"),
                    ("/storage/target", {**store, "endpoint": url}, "/endpoint"), ("/storage/second", {"target": {**store, "endpoint": url}}, "/target/endpoint")):
                self.refused(host, "PUT", path, body, field, alone=False)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(attempt, hosts))
        self.finish(6 * len(hosts))

    def test_hosts_of_stores(self):
        """A store is neither on the box itself nor at a link-local or metadata address, in no spelling."""
        store = {"kind": "s3", "region": "eu", "bucket": "clips", "accessKeyId": "KEY", "secretAccessKey": "an example", "addressing": "path"}
        hosts = [host for host in LOOPBACK + ELSEWHERE if "%" not in host]

        def attempt(host):
            endpoint = f"https://{host}:{self.listener.port}"
            self.refused(host, "POST", "/storage/test", {"target": {**store, "endpoint": endpoint}}, "/target/endpoint", alone=False)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(attempt, hosts))
        self.finish(len(hosts))


class Named(Guarded):
    """A box that asks a name server of the test."""

    more = {}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="gatehouse-test-")
        cls.addClassCleanup(folder.cleanup)
        script = program(folder.name, binary())
        if not script:
            raise unittest.SkipTest("needs root, to give the box a name server of its own")
        cls.server = NameServer()
        cls.addClassCleanup(cls.server.close)
        with mock.patch.dict(os.environ, GATEHOUSE_BINARY=script):
            cls.begin(**cls.more)

    def changing(self, kind, first):
        """A name that leads to a harmless address the first times, and to this machine afterwards."""
        name = f"{kind}-{first}.example.com"
        self.server.names[name] = lambda count: [HARMLESS] if count < first else ["127.0.0.1"]
        return name


class Names(Named):
    """Names that lead to where they must not."""

    def test_names(self):
        """A name is as good as the worst of its addresses, with and without a dot at its end, in capital letters too."""
        for name, addresses in NAMES.items():
            self.server.names[f"{name}.example.com"] = addresses
            for host in (f"{name}.example.com", f"{name}.example.com.", f"{name}.EXAMPLE.com"):
                self.try_host(host)
        self.finish(3 * len(NAMES))

    def test_changing_names_when_tested(self):
        """What was looked up is what is connected to: a name that changes between the two leads nowhere (DNS rebinding)."""
        for first in range(1, 4):
            name = self.changing("tested", first)
            self.made.call("POST", "/devices/test", {"url": f"rtsp://{name}:{self.listener.port}/main"}, timeout=60)
            self.note(name)
        self.finish(3)

    def test_changing_names_when_onboarded(self):
        """The same where a device is onboarded, by HTTP and RTSP."""
        names = [self.changing("onboarded", first) for first in range(1, 6)]
        entries = [{"address": name, "port": self.listener.port, "httpPort": self.listener.port} for name in names]
        job = f"/onboardings/{self.made.call('POST', '/onboardings', {'devices': entries, 'userName': 'admin', 'password': 'secret'})['id']}"
        wait_for(lambda: self.made.get(job)["done"], 120, "the onboarding's end")
        self.note(", ".join(names))
        self.finish(len(names))

    def test_changing_names_at_work(self):
        """The same where a device is at work, and is connected to again and again."""
        names = [self.changing("working", first) for first in range(1, 6)]
        devices = [self.made.add_device(f"rtsp://{name}:{self.listener.port}/main", name=name)["id"] for name in names]
        wait_for(lambda: all(self.server.asked.get(name, 0) > first + 2 for first, name in enumerate(names, 1)), 90, "names that were looked up often enough")
        for device in devices:
            self.made.call("DELETE", f"/devices/{device}")
        self.note(", ".join(names))
        self.finish(len(names))

    def note(self, what):
        """Note that somebody came."""
        if self.listener.connections:
            self.passed.append(f"{what}: {len(self.listener.connections)} came")
            self.listener.connections.clear()


class NamesOfServers(Named):
    """Names of storages that lead elsewhere once they were looked at: whoever is there hears nothing."""

    more = {"storage.allow-http": True}

    def test_changing_names_of_stores(self):
        """A bucket gets no request where its name leads to this machine, and the box says why."""
        inside = self.kept(HeardServer())
        target = {"kind": "s3", "region": "eu", "bucket": "clips", "accessKeyId": "KEY", "secretAccessKey": "an example", "addressing": "path",
                  "endpoint": f"http://{self.changing('tried', 1)}:{inside.port}"}
        answer = self.made.call("POST", "/storage/test", {"target": target}, timeout=90)
        self.assertEqual([answer["ok"], "loopback" in str(answer)], [False, True], answer)
        self.assertEqual([inside.heard, bool(inside.connections)], [[], True])
