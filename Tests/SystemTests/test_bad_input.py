"""Bad input: wrong bodies, wrong addresses, no sign-in, wrong codes, too much, and junk."""

import json
import re
import socket

from box import PASSWORD, USER
from case import Case
from client import NotAProblem
from devices import DeviceCase
from good_bodies import CLAIM, GOOD, S3
from mutations import Document
from owners import Owner, hand_over, share
from waiting import wait_for

PUBLIC = {("GET", "/setup"), ("POST", "/setup/claim"), ("POST", "/session"), ("POST", "/setup/restore"), ("PUT", "/setup/restore/{ticket}"), ("POST", "/join"), ("POST", "/invitation"), ("POST", "/handover"), ("POST", "/handover/accept"), ("POST", "/handover/refuse"), ("POST", "/share"), ("POST", "/share/accept"), ("POST", "/share/refuse"), ("POST", "/session/reset"), ("POST", "/session/forgotten"), ("POST", "/session/new-password"), ("GET", "/openapi.json"), ("GET", "/live/stream.mp4"),
          ("GET", "/live/stream.mjpeg"), ("GET", "/live/hls/{file}"), ("POST", "/on-site/live"), ("GET", "/playback/stream.mp4"),
          ("GET", "/reach/echo"), ("POST", "/live/whep"), ("PATCH", "/live/whep/{session}"), ("DELETE", "/live/whep/{session}")}
PLACES = {"index": "0", "door": "1", "stream": "101", "preset": "1", "patrol": "1"}
SETTINGS = ("id", "name", "address", "port", "url", "subUrl", "userName", "hasPassword", "transport", "httpPort", "https", "allowBasic", "driver",
            "driverChosen", "channelIds")
OPTIONAL = ("/channels/{id}/trigger", "/storage/test", "/discovery")  # operations that take no body, too
LOCAL_HOSTS = (
    "127.0.0.1", "127.1", "127.255.255.254", "localhost", "LOCALHOST", "localhost.", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "0.0.0.0", "0", "[::]", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "169.254.169.254", "169.254.1.1",
    "[fe80::1]", "[fe80::1%25eth0]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "2852039166", "[64:ff9b::7f00:1]", "224.0.0.1",
    "255.255.255.255")


class Bodies(DeviceCase):
    """Request bodies."""

    @classmethod
    def setUpClass(cls):
        cls.new = cls.class_box()
        cls.claimed = cls.class_device_box(**{"storage.allow-http": False})
        simulator = cls.class_devices("--device", "ptz", "--device", "camera,quirk=not-activated")
        cls.lens = cls.claimed.onboard(simulator.device)[0]
        channel = cls.claimed.channel(cls.lens["channelIds"][0])
        cls.claimed.link(channel, "standard")
        cls.claimed.await_past(1, channel)
        cls.clip = cls.claimed.await_stored(cls.claimed.trigger(channel))
        cls.failed = cls.claimed.try_devices(simulator.devices[1].entry())[0]
        cls.device = cls.claimed.add_device("rtsp://127.0.0.1:9/main", "me", "secret")
        cls.site = cls.claimed.get("/sites")["items"][0]["id"]
        cls.tenants = cls.claimed.call("POST", "/sites", {"name": "Tenants", "timeZone": "Europe/Rome"})["id"]
        cls.owner = Owner(cls.claimed, "olga", hand_over(cls.claimed, cls.tenants, "olga", [{"permission": "configuration"}], allowRemoteUseControl=True)["token"])
        cls.share = share(cls.claimed, cls.tenants, "mia", "maintenance", ["configuration"])["id"]
        cls.document = Document(cls.claimed.get("/openapi.json", token=None))

    def known(self):
        """What bad requests must leave as it is."""
        box, channel = self.claimed, self.device["channelIds"][0]
        system = box.get("/system")
        settings = {key: value for key, value in box.channel(channel).items() if key not in ("state", "snapshotAt")}
        devices = [{key: one[key] for key in SETTINGS} for one in box.get("/devices")["items"]]
        return [devices, settings, box.get("/storage")["target"], system["name"], system["site"], system["logLevel"]]

    def place(self, method, path):
        """Who asks, and the real path for an operation."""
        client = self.new.client if path == "/setup/claim" else self.owner.client if (method, path) in (("POST", "/sites/{id}/permissions"), ("POST", "/sites/{id}/provider-invitations")) else self.claimed.client
        handed_over = re.search("permissions|provider-invitations|applications|owner-use|shares/", path)
        onboarding = path.startswith("/onboardings")
        device = self.lens if "device-" in path or "/lens" in path or "/notification" in path or path.count("/") > 2 else self.device
        names = {**PLACES, "share": self.share, "id": (self.tenants if handed_over else self.site) if path.startswith("/sites") else self.failed["onboardingId"] if onboarding else self.clip["id"] if path.startswith("/clips") else device["channelIds"][0] if path.startswith("/channels") else device["id"]}
        return client, re.sub(r"{(\w+)}", lambda match: names[match.group(1)], path)

    def bodies(self):
        """(method, path, operation's schema, good body) of all operations that take one."""
        for method, path, operation in self.document.operations():
            schema = self.document.body_schema(operation)
            if schema is not None:
                path = path.removeprefix("/api/v1")
                self.assertIn((method, path), GOOD, "an operation that this test does not know; add a good body for it")
                for good in GOOD[method, path]:
                    yield method, path, schema, good

    def test_every_field(self):
        """Each property with a wrong type, size or range gets a 4xx that names it, and changes nothing."""
        before, count, wrong = self.known(), 0, []
        for method, path, schema, good in self.bodies():
            client, place = self.place(method, path)
            for name, what, body in self.document.mutations(schema, good):
                count += 1
                answer = client.request(method, place, body)
                try:
                    problem = answer.problem() if answer.status >= 400 else None
                except NotAProblem as error:
                    wrong.append(str(error))
                    continue
                named = problem and (any(f"/{name}" in field for field in problem.fields) or name in problem.detail)
                if not problem or not 400 <= problem.status < 500 or not named:
                    wrong.append(f"{method} {path}: {name}: {what}: {answer.status} {answer.body[:160]!r}")
                    if answer.status < 300 and method == "POST" and path == "/devices":
                        client.call("DELETE", f"/devices/{answer.json['id']}")
        print(f"{count} wrong bodies", flush=True)
        self.assertGreater(count, 200, "the document describes too little")
        self.assertFalse(wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:60]))
        self.assertEqual(self.known(), before)

    def test_not_json(self):
        """A body that is no JSON object is a 4xx problem."""
        junk = (b"", b"{", b"null", b"[]", b'"text"', b"\xff\xfe\x00", b"{'a':1}", b"{}{}", b"[" * 5000,
                b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"name":"\xc3\x28"}', b'{"name":"\\ud800"}')
        for method, path, _, good in self.bodies():
            client, place = self.place(method, path)
            for body in junk:
                if body == b"" and path in OPTIONAL:
                    continue
                with self.subTest(operation=f"{method} {path}", body=body[:20]):
                    problem = client.request(method, place, body).problem()
                    self.assertIn(problem.status, (400, 413, 415, 422))
            with self.subTest(operation=f"{method} {path}", type="text/plain"):
                problem = client.request(method, place, json.dumps(good).encode(), {"Content-Type": "text/plain"}).problem()
                self.assertIn(problem.status, (400, 415))

    def test_queries(self):
        """Wrong query parameters are a 4xx that names them."""
        for path in ("/events", "/clips"):
            for query in ("limit=0", "limit=201", "limit=x", "limit=-1", "limit=1e9", "state=zebra", "limit=99999999999999999999"):
                with self.subTest(path=path, query=query):
                    problem = self.claimed.client.request("GET", f"{path}?{query}").problem()
                    self.assertTrue(400 <= problem.status < 500, problem)
                    self.assertIn(query.partition("=")[0], problem.detail + "".join(problem.fields))
        for query in ("from=yesterday", "to=2026-13-45T00:00:00.000Z", "from=1"):
            with self.subTest(query=query):
                problem = self.claimed.client.request("GET", f"/clips?{query}").problem()
                self.assertIn(query.partition("=")[0], problem.detail + "".join(problem.fields))

    def test_queries_of_recordings(self):
        """Wrong ranges and months are a 4xx that names them."""
        place, good = f"/channels/{self.lens['channelIds'][0]}/recordings", "from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z"
        for query, name in (("", "from"), ("from=2026-11-01T00:00:00Z", "to"), (good.replace("11-02", "12-03"), "to"),
                            (good.replace("from", "x").replace("to", "from").replace("x", "to"), "to"), (good + "&type=zebra", "type"),
                            (good + "&limit=0", "limit"), (good + "&limit=1001", "limit"), (good + "&zebra=1", "zebra")):
            for path in ("", "/download"):
                with self.subTest(query=query, path=path):
                    problem = self.claimed.client.request("GET", f"{place}{path}?{query}").problem()
                    self.assertEqual((problem.status, problem.fields[:1]), (422, [f"/{name}"]), problem)
        for month in ("", "month=2026", "month=2026-13", "month=1999-01", "month=2026-1-1", "month=x-y"):
            with self.subTest(month=month):
                problem = self.claimed.client.request("GET", f"{place}/days?{month}").problem()
                self.assertEqual((problem.status, problem.fields), (422, ["/month"]), problem)

    def test_nobody_to_add(self):
        """An onboarding without devices, or with one that has neither address nor URL, is refused."""
        for devices, field in (([], "/devices"), ([{}], "/devices/0/url"), ([{"url": None, "address": None}], "/devices/0/url"),
                               ([{"address": "x", "url": "rtsp://x/y"}], "/devices/0/address"), (None, "/devices")):
            with self.subTest(devices=devices):
                problem = self.claimed.client.request("POST", "/onboardings", {"devices": devices}).problem()
                self.assertEqual((problem.status, problem.fields), (422, [field]), problem)

    def test_wrong_names_and_methods(self):
        """Identifiers that do not exist or are no identifiers are 404; other methods 405; other paths 404: problems all."""
        for name in ("nothing", "%2e%2e", "..%2f..%2fetc%2fpasswd", "a" * 300, "%00", "x'--", "%F0%9F%92%A9"):
            for path in (f"/devices/{name}", f"/channels/{name}", f"/clips/{name}", f"/clips/{name}/video", f"/events/{name}"):
                with self.subTest(path=path):
                    problem = self.claimed.client.request("GET", path).problem()
                    self.assertIn(problem.status, (400, 404), problem)
        for method, path in (("DELETE", "/system"), ("POST", "/clips"), ("PUT", "/devices"), ("PATCH", "/setup")):
            with self.subTest(path=path, method=method):
                problem = self.claimed.client.request(method, path, {}).problem()
                self.assertIn((problem.status, problem.slug), ((405, "method-not-allowed"), (404, "not-found")), problem)
        self.assertEqual(self.claimed.client.request("GET", "/zebra").problem().slug, "not-found")

    def test_too_large(self):
        """A body that is too large is refused with 413 before it has all come, with and without a stated length."""
        for extra in ("Content-Length: 50000000", "Transfer-Encoding: chunked"):
            with self.subTest(header=extra), socket.create_connection((self.claimed.client.host, self.claimed.client.port), 20) as peer:
                peer.sendall(f"POST /api/v1/devices HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.claimed.token}\r\n"
                             f"Content-Type: application/json\r\n{extra}\r\n\r\n".encode())
                chunk = b"[" * 65536
                if "chunked" in extra:
                    chunk = b"10000\r\n" + chunk + b"\r\n"
                try:
                    for _ in range(40):
                        peer.sendall(chunk)
                except OSError:
                    pass  # it had enough
                try:
                    answer = peer.recv(4096)
                except ConnectionResetError:
                    continue
                self.assertIn(b" 413 ", answer.split(b"\r\n")[0])

    def test_junk_on_the_socket(self):
        """Bytes that are no HTTP, endless headers and half requests do not disturb the box."""
        client = self.claimed.client
        for junk in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"G" * 100000, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000,
                     b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", b"POST /api/v1/session HTTP/1.1\r\nContent-Length: -5\r\n\r\n"):
            with socket.create_connection((client.host, client.port), 5) as peer:
                try:
                    peer.sendall(junk)
                    peer.settimeout(0.5)
                    answer = peer.recv(65536)
                    self.assertNotIn(b"root:", answer)
                    self.assertNotIn(b" 500 ", answer.split(b"\r\n")[0])
                except OSError:
                    pass
        idle = [socket.create_connection((client.host, client.port), 5) for _ in range(200)]
        self.assertTrue(self.claimed.get("/system"))
        for peer in idle:
            peer.close()


class Addresses(Case):
    """Addresses that no camera has."""

    def test_local_addresses_are_refused(self):
        """Loopback, link-local, unspecified and metadata addresses are refused in every spelling, when adding, changing, testing."""
        box = self.box(**{"devices.allow-local": False})
        box.claim()
        device = box.add_device("rtsp://192.0.2.10/main", "me", "secret")
        accepted = []
        for host in LOCAL_HOSTS:
            url = f"rtsp://{host}:8554/main"
            for method, path, body in (("POST", "/devices", {"name": "x", "url": url}), ("PATCH", f"/devices/{device['id']}", {"url": url}),
                                       ("PATCH", f"/devices/{device['id']}", {"subUrl": url})):
                answer = box.client.request(method, path, body)
                problem = answer.problem() if answer.status >= 400 else None
                if not problem or problem.slug not in ("address-refused", "invalid-request") or not problem.detail:
                    accepted.append(f"{method} {path} {body}: {answer.status} {answer.body[:120]!r}")
            answer = box.client.request("POST", "/devices/test", {"url": url})
            code = answer.json["code"] if answer.status == 200 else answer.problem().slug
            if code not in ("address-refused", "invalid-request"):
                accepted.append(f"POST /devices/test {url}: {code}")
        for host in ("127.0.0.1", "localhost", "169.254.169.254", "::1"):
            answer = box.client.request("POST", "/devices", {"name": "x", "address": host, "port": 554})
            if answer.status < 400 or answer.problem().slug not in ("address-refused", "invalid-request"):
                accepted.append(f"POST /devices address {host}: {answer.status} {answer.body[:120]!r}")
        self.assertFalse(accepted, "\n".join(accepted))
        self.assertEqual([one["id"] for one in box.get("/devices")["items"]], [device["id"]])

    def test_other_schemes(self):
        """Only rtsp addresses are cameras: files, web pages and pipes are refused."""
        box = self.box()
        box.claim()
        for url in ("file:///etc/passwd", "http://192.0.2.1/", "concat:/etc/passwd|/etc/hosts", "rtmp://192.0.2.1/", "/etc/passwd",
                    "pipe:0", "rtsp://", "rtsp:///path", "rtsp://a b/", "rtsp://host:99999/", "rtsp://host\r\nX: y/",
                    "subfile,,start,0,end,0,,:/etc/passwd"):
            with self.subTest(url=url):
                problem = box.client.request("POST", "/devices", {"name": "x", "url": url}).problem()
                self.assertIn("/url", problem.fields, problem)

    def test_plain_http_store(self):
        """A plain-http S3 endpoint is refused unless the configuration allows it."""
        box = self.box(**{"storage.allow-http": False})
        box.claim()
        problem = box.client.request("PUT", "/storage/target", {**S3, "endpoint": "http://192.0.2.1:9000"}).problem()
        self.assertIn("/endpoint", problem.fields, problem)


class Access(Case):
    """Who is let in."""

    def test_without_sign_in(self):
        """Every path but the public ones answers 401 to those who are not signed in, whatever token they bring."""
        box = self.box()
        box.claim()
        document = Document(box.get("/openapi.json", token=None))
        seen = 0
        for method, path, _ in document.operations():
            path = path.removeprefix("/api/v1")
            if (method, path) in PUBLIC:
                continue
            seen += 1
            for token in (None, "zebra", box.token[:-1], box.token + "x"):
                with self.subTest(operation=f"{method} {path}", token=token):
                    body = None if method in ("GET", "DELETE") else {}
                    answer = box.client.request(method, re.sub("{.*?}", "1", path), body, token=token, timeout=10)
                    self.assertEqual((answer.status, answer.problem().slug), (401, "not-signed-in"))
        self.assertGreater(seen, 30)
        self.assertEqual(box.client.request("GET", "/metrics", token=None).status, 401)
        self.assertEqual(box.client.request("GET", "/setup", token=None).status, 200)

    def test_sign_in_and_out(self):
        """A sign-in works by cookie and by token until it is signed out; nothing secret is in any answer or log."""
        box = self.box()
        box.claim()
        answer = box.client.request("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None)
        cookie = answer.headers["set-cookie"]
        self.assertTrue(cookie.startswith("gatehouse_session="), cookie)
        for part in ("httponly", "samesite=strict"):
            self.assertIn(part, cookie.lower())
        jar = {"Cookie": cookie.split(";")[0]}
        self.assertEqual(box.client.request("GET", "/session", token=None, headers=jar).json["user"]["name"], USER)
        self.assertEqual(box.client.request("DELETE", "/session", token=None, headers=jar).status, 204)
        self.assertEqual(box.client.request("GET", "/session", token=None, headers=jar).status, 401)
        self.assertEqual(box.get("/session")["user"]["name"], USER)
        device = box.add_device("rtsp://tom:s3cretpass@192.0.2.1/main")
        self.assertEqual(device["url"].replace(":554", ""), "rtsp://192.0.2.1/main")
        self.assertEqual((device["userName"], device["hasPassword"]), ("tom", True))
        for text in (json.dumps(box.get("/devices")), json.dumps(device), box.log(), box.client.request("GET", "/metrics").body.decode()):
            for secret in ("s3cretpass", PASSWORD, box.token):
                self.assertNotIn(secret, text)

    def test_claim_only_once(self):
        """A wrong set-up code is refused, the right one works once."""
        box = self.box()
        code = box.setup_code
        self.assertRegex(code, r"^[A-Z0-9]{4}-[A-Z0-9]{4}$")
        wrong = box.client.request("POST", "/setup/claim", {**CLAIM, "setupCode": "ZZZZ-ZZZZ"}, token=None).problem()
        self.assertTrue(400 <= wrong.status < 500 and "code" in wrong.detail, wrong)
        self.assertFalse(box.get("/setup", token=None)["claimed"])
        early = box.client.request("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None).problem()
        self.assertEqual((early.status, early.slug), (409, "not-claimed"))
        box.claim(code.lower())
        again = box.client.request("POST", "/setup/claim", {**CLAIM, "setupCode": code}, token=None).problem()
        self.assertEqual((again.status, again.slug), (409, "already-claimed"))
        box.restart()
        self.assertIsNone(box.setup_code, "the code is not shown any more")
        self.assertTrue(box.get("/session"))

    def test_guessing_is_throttled(self):
        """Guessing passwords or set-up codes ends in 429 with Retry-After, while those who are signed in go on."""
        claimed, new = self.box(), self.box()
        claimed.claim()
        for box, path, body in ((claimed, "/session", {"userName": USER, "password": "wrong wrong wrong"}),
                                (new, "/setup/claim", {**CLAIM, "setupCode": "ZZZZ-ZZZZ"})):
            def guess():
                answer = box.client.request("POST", path, body, token=None)
                return answer.problem() if answer.status == 429 else None
            with self.subTest(path=path):
                problem = wait_for(guess, 30, "429 after many guesses", every=0)
                self.assertEqual(problem.slug, "too-many-attempts")
                self.assertGreater(int(problem.headers["retry-after"]), 0)
        self.assertTrue(claimed.get("/session"))
