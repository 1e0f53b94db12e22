"""QR codes of devices and sites: made, read from pictures, opened with their password, and pictures and texts that are hostile."""

import base64
import json

from PIL import Image

from devices import QUICK, DeviceBox, DeviceCase
from owners import Owner, hand_over
from people import Person
from qr_pictures import drawn, empty, huge_png, jpeg, photographed, png

SECRET = "lamp-7731"
JPEG, PNG = {"Content-Type": "image/jpeg"}, {"Content-Type": "image/png"}
LARGEST = 8 << 20


class Codes(DeviceCase):
    """A box with a device at a site of an owner, and somebody who looks after no site."""

    @classmethod
    def setUpClass(cls):
        cls.simulated = cls.class_devices("--device", "camera")
        cls.device = cls.simulated.devices[0]
        cls.made = box = DeviceBox(start=False, **QUICK)
        cls.addClassCleanup(box.clean)
        box.start().claim()
        cls.added = box.onboard(cls.device)[0]
        cls.site = box.get("/sites")["items"][0]
        cls.olga = Owner(box, "olga", hand_over(box, cls.site["id"], "olga", [{"permission": "live-view"}, {"permission": "configuration"}])["token"])
        cls.dora = Person(box, "dora", "Site Manager", [])

    def made_code(self, path, password=None, client=None):
        """The drawing of a code; it must be kept by nobody."""
        answer = (client or self.made.client).request("POST", path, {"password": password})
        self.assertEqual((answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")), (200, "image/svg+xml", "no-store"), answer.body[:300])
        return answer.body

    def read(self, picture, headers=None, client=None):
        """What the box answers to a picture."""
        return (client or self.made.client).request("POST", "/codes/read", picture, headers or JPEG)

    def text(self, picture, headers=None):
        """The text that the box finds in a picture."""
        answer = self.read(picture, headers)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["content"]

    def open(self, content, password=None, client=None):
        """What the box answers to a text."""
        return (client or self.made.client).request("POST", "/codes/open", {"content": content, "password": password})

    @property
    def device_path(self):
        """Where the device's code is made."""
        return f"/devices/{self.added['id']}/code"

    @property
    def site_path(self):
        """Where the site's code is made."""
        return f"/sites/{self.site['id']}/code"

    def test_of_a_device(self):
        """What is needed to add it is in the code, its sign-in is not; anybody who is signed in can read it."""
        content = self.text(png(drawn(self.made_code(self.device_path))), PNG)
        opened = self.open(content, client=self.dora.client)
        self.assertEqual((opened.status, opened.json["kind"], opened.json["site"]), (200, "device", None))
        found, device = opened.json["device"], self.device
        self.assertEqual({name: found[name] for name in ("name", "driver", "host", "port", "https", "model", "serialNumber")},
                         {"name": self.added["name"], "driver": self.added["driver"], "host": device.address, "port": device.http, "https": False,
                          "model": device.model, "serialNumber": device.serial})
        bare = lambda address: (address or "").lower().replace(":", "").replace("-", "")
        self.assertEqual(bare(found["macAddress"]), bare(device.mac))
        said = content + json.dumps(opened.json) + "".join(self.unpacked(content))
        for secret in (device.password, base64.b64encode(device.password.encode()).decode()):
            self.assertNotIn(secret, said)
        self.assertNotIn("userName", said)
        # What was read is enough to try it.
        item = self.made.try_devices({"address": found["host"], "httpPort": found["port"], "userName": device.user, "password": device.password, "driver": found["driver"]})[0]
        self.assertEqual(item["failure"]["code"], "already-added")

    @staticmethod
    def unpacked(content):
        """The last part of a text, which is base64url, decoded."""
        part = content.rpartition(":")[2]
        yield base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode(errors="replace")

    def test_of_a_site(self):
        """The site's ID, its name and who looks after it."""
        opened = self.open(self.text(png(drawn(self.made_code(self.site_path))), PNG)).json
        self.assertEqual((opened["kind"], opened["device"]), ("site", None))
        self.assertEqual(opened["site"], {"id": self.site["id"], "name": self.site["name"], "company": "Service provider"})

    def test_closed_with_a_password(self):
        """Nobody opens it without; a wrong password is said at its field; the same content is closed differently each time."""
        contents = [self.text(png(drawn(self.made_code(self.device_path, SECRET))), PNG) for _ in range(2)]
        self.assertNotEqual(*contents)
        said = "".join(contents) + "".join(text for content in contents for text in self.unpacked(content))
        for known in (self.device.address, self.device.serial, self.added["name"], SECRET):
            self.assertNotIn(known, said)
        answer = self.open(contents[0])
        self.assertEqual((answer.status, answer.problem().slug), (409, "password-needed"))
        for wrong in (SECRET.upper(), SECRET + " ", "none"):
            problem = self.open(contents[0], wrong).problem()
            self.assertEqual((problem.status, problem.slug, problem.fields), (422, "invalid-request", ["/password"]))
        self.assertEqual([self.open(one, SECRET).json["device"]["serialNumber"] for one in contents], [self.device.serial] * 2)
        # One that is not needed does no harm.
        self.assertEqual(self.open(self.text(png(drawn(self.made_code(self.site_path))), PNG), SECRET).json["kind"], "site")
        for bad in ("abc", "x" * 65, 7, ["a"]):
            problem = self.made.client.request("POST", self.device_path, {"password": bad}).problem()
            self.assertEqual((problem.status, problem.fields), (422, ["/password"]), bad)

    def test_passwords_are_not_guessed(self):
        """Whoever tries many passwords has to wait."""
        content = self.text(png(drawn(self.made_code(self.site_path, SECRET))), PNG)
        person = Person(self.made, "gus", "Site Manager", [])
        statuses = [self.open(content, f"guess {number}", person.client).status for number in range(40)]
        self.assertEqual(statuses[0], 422)
        self.assertIn(429, statuses)

    def test_as_phones_see_it(self):
        """Turned, small, in bad light, not quite sharp, badly compressed, dark in a corner of a large picture: it is read."""
        svg = self.made_code(self.site_path)
        clear = drawn(svg)
        wanted = self.text(png(clear), PNG)
        large = Image.new("L", (1600, 1200), 90)
        large.paste(clear.resize((420, 420), Image.LANCZOS), (1100, 700))
        pictures = {"turned": jpeg(photographed(clear)), "upside down": jpeg(photographed(clear, degrees=180)), "sideways": jpeg(photographed(clear, degrees=97)),
                    "as JPEG": jpeg(clear, 40), "small": png(drawn(svg, 4)), "in a corner": jpeg(large)}
        for what, picture in pictures.items():
            with self.subTest(what):
                self.assertEqual(self.text(picture, PNG if picture.startswith(b"\x89PNG") else JPEG), wanted)

    def test_no_code(self):
        """A picture without a code is said to be one; what is no picture is refused, and what is too large."""
        for picture, headers in ((jpeg(empty()), JPEG), (png(Image.new("L", (1, 1), 255)), PNG), (png(Image.new("RGB", (640, 480), "white")), PNG)):
            problem = self.read(picture, headers).problem()
            self.assertEqual((problem.status, problem.slug), (422, "no-code"))
        svg = self.made_code(self.site_path)
        bodies = [(svg, {"Content-Type": "image/svg+xml"}), (svg, PNG), (b"GIF89a" + bytes(100), JPEG), (b"%PDF-1.7", JPEG), (b"", JPEG), (b'{"a": 1}', {"Content-Type": "application/json"})]
        for body, headers in bodies:
            with self.subTest(body[:12]):
                self.assertEqual(self.read(body, headers).status, 415)
        self.assertEqual(self.read(png(drawn(svg)) + bytes(LARGEST), PNG).status, 413)

    def test_hostile_pictures(self):
        """Cut, changed and monstrous pictures give no code and no harm."""
        good = png(drawn(self.made_code(self.site_path)))
        photo = jpeg(empty((320, 240)))
        bomb = huge_png(30_000)  # 900 million pixels in some kilobytes
        self.assertLess(len(bomb), LARGEST)
        bodies = [good[:number] for number in (8, 33, len(good) // 2, len(good) - 5)] + [photo[:number] for number in (3, 20, len(photo) // 2)]
        bodies += [good[:16] + b"\xff\xff\xff\xff\xff\xff\xff\xff" + good[24:], good[:16] + bytes(8) + good[24:], b"\x89PNG\r\n\x1a\n" + bytes(5000), b"\xff\xd8\xff\xe0" + b"\xff" * 5000, bomb]
        for number, body in enumerate(bodies):
            with self.subTest(number):
                answer = self.read(body, PNG if body.startswith(b"\x89PNG") else JPEG)
                self.assertIn((answer.status, answer.problem().slug if answer.status >= 400 else ""), [(422, "no-code"), (415, "invalid-request"), (200, "")])
        self.assertTrue(self.made.is_running())
        self.assertEqual(self.read(good, PNG).status, 200)

    def test_other_texts(self):
        """What is not the box's own is told to be other, however much it looks like it."""
        good = self.text(png(drawn(self.made_code(self.site_path))), PNG)
        coded = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
        texts = ["https://example.com/", "WIFI:S:shop;T:WPA;P:secret;;", good[:-8], good.replace(":1:", ":9:"), "gatehouse:1:", "gatehouse:1:!!!", "gatehouse:1s:", "gatehouse:1s:AAAA",
                 "gatehouse:1s:" + "A" * 200, *(f"gatehouse:1:{coded(value)}" for value in ({}, [], {"device": {}}, {"device": {"name": 7, "host": []}}, {"site": {"id": None}}))]
        for text in texts:
            with self.subTest(text[:40]):
                answer = self.open(text, SECRET)
                self.assertIn((answer.status, answer.json.get("kind")), [(200, "other"), (422, None)])
        for bad in (None, "", 7, "x" * 5_000):
            problem = self.open(bad).problem()
            self.assertEqual((problem.status, problem.fields), (422, ["/content"]))

    def test_who_may(self):
        """Codes are made by who may set the device, or see the site; they are read by whoever is signed in."""
        self.made_code(self.device_path, client=self.olga.client)
        self.made_code(self.site_path, client=self.olga.client)
        for path in (self.device_path, self.site_path):
            self.assertEqual(self.dora.status("POST", path, {}), (404, "not-found"))
            self.assertEqual(self.made.client.request("POST", path, {}, token=None).status, 401)
        picture = png(drawn(self.made_code(self.site_path)))
        self.assertEqual(self.read(picture, PNG, self.dora.client).status, 200)
        self.assertEqual(self.made.client.request("POST", "/codes/read", picture, PNG, token=None).status, 401)
        self.assertEqual(self.made.client.request("POST", "/codes/open", {"content": "x"}, token=None).status, 401)
        done = {one["action"] for one in self.made.get("/operations?limit=200")["items"]}
        self.assertLessEqual({"makeDeviceCode", "makeSiteCode"}, done)
        self.assertNotIn(SECRET, self.made.client.request("GET", "/operations/export").body.decode())
