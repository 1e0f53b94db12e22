"""Encrypted footage: what lies in the store opens for nobody but who has the recovery file and the verification code."""

import base64
import os
import signal
import subprocess

import numpy as np

from accounts import Account, stored
from box import PASSWORD, binary
from browser import Browser
from case import Case
from client import Problem
from footage import Footage, is_jpeg
from page_case import PageCase
from stores import Folder
from waiting import wait_for

QUICK = {"recording.seconds-before": 1, "recording.seconds": 4}
CODE, OTHER = "Harbour-Lamp-2026", "Nine-Bells-at-0600"


def unpadded(text):
    """Bytes of Base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def written(key):
    """A key in every way in which it could be written down."""
    return key, key.hex().encode(), base64.b64encode(key), base64.urlsafe_b64encode(key).rstrip(b"=")


def piped(path, *arguments, before=()):
    """ffmpeg reading a file in its order: where it may seek, version 5.1 takes the description of another fragment's samples."""
    with open(path, "rb") as file:
        return subprocess.run(["ffmpeg", "-v", "error", *before, "-i", "pipe:", *arguments], stdin=file, capture_output=True, timeout=120)


class EncryptionCase(Case):
    """A box with one camera whose footage is encrypted."""

    @classmethod
    def setUpClass(cls):
        cls.camera = cls.class_simulator(size="640x360", rate=15, bitrate=500, key_interval=1).camera

    def fitted(self, camera=None, **settings):
        """A claimed box with a linked camera."""
        box = self.box(**{**QUICK, **settings})
        box.claim()
        box.camera_channel = box.add_camera(camera or self.camera)
        box.link(box.camera_channel)
        box.await_picture(box.camera_channel)
        return box

    def recovery(self, box, name="recovery.json"):
        """The recovery file, saved beside the box's folder."""
        path = os.path.join(box.folder, name)
        with open(path, "wb") as file:
            file.write(box.client.request("GET", "/storage/encryption/recovery-file").body)
        return path

    @staticmethod
    def decrypt(clip, recovery, code, output, *more):
        """gatehouse footage decrypt."""
        return subprocess.run([binary(), "footage", "decrypt", clip, "--recovery", recovery, "--code-file", "-", "--output", output, *more],
                              input=code + "\n", capture_output=True, text=True, timeout=120)


class Encryption(EncryptionCase):
    """From switching on to the investigator."""

    def test_from_event_to_investigator(self):
        """A clip in the bucket is noise without the key, and opens from bucket, recovery file and code alone."""
        box = self.fitted()
        account = Account(box, Folder(box.store))
        plain = box.await_stored(box.trigger(box.camera_channel))
        self.assertIsNone(plain["encryption"])
        self.assertEqual(box.get("/storage/encryption")["enabled"], False)
        on = box.call("PUT", "/storage/encryption", {"enabled": True, "code": CODE})
        self.assertEqual((on["enabled"], on["code"]), (True, None))
        recovery = self.recovery(box)
        clips = [box.await_stored(box.trigger(box.camera_channel)) for _ in range(2)]
        self.assertEqual({clip["encryption"]["siteKey"] for clip in clips}, {on["siteKey"]})
        self.assertEqual(len({clip["encryption"]["kid"] for clip in clips}), 2, "a key of its own for each clip")
        keys = [box.call("POST", f"/clips/{clip['id']}/key", {"code": CODE})["keys"][0] for clip in clips]
        self.assertEqual([unpadded(key["kid"]).hex() for key in keys], [clip["encryption"]["kid"] for clip in clips])
        account.settle()
        self.assertEqual(stored(Folder(box.store))[clips[0]["id"]]["encryption"]["scheme"], "cenc")
        self.search(box, [unpadded(key["k"]) for key in keys])
        for clip, key in zip(clips, keys):
            path = os.path.join(box.store, clip["objectKey"])
            output = os.path.join(box.folder, clip["id"] + "-open.mp4")
            picture = output[:-4] + ".jpg"
            done = self.decrypt(path, recovery, CODE, output, "--picture", picture)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            opened = Footage(output)
            self.assertEqual(opened.errors(), "")
            self.assertAlmostEqual(opened.length(), clip["durationSeconds"], delta=0.15)
            self.assertEqual(opened.video["width"], clip["width"])
            with open(picture, "rb") as file:
                self.assertTrue(is_jpeg(file.read()))
            self.closed_without_key(path, opened)
            self.same_by_ffmpeg(path, opened, unpadded(key["k"]).hex())
        for code, file in ((OTHER, recovery), (CODE, __file__)):
            done = self.decrypt(path, file, code, os.path.join(box.folder, "never.mp4"))
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertRegex(done.stderr, "not the right one|damaged")
        done = self.decrypt(path, recovery, CODE, output)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("cannot be made: File exists", done.stderr)
        self.assertFalse([name for name in os.listdir(box.folder) if name.endswith(".part")])
        self.assertFalse(os.path.exists(os.path.join(box.folder, "never.mp4")))

    def closed_without_key(self, path, opened, picture=True):
        """Without the key decoders find noise, and the bytes of samples are others."""
        self.assertTrue(piped(path, "-map", "0:v", "-f", "null", "-").stderr, "ffmpeg plays the clip without the key")
        packets = lambda file: piped(file, "-map", "0:v", "-c", "copy", "-f", "rawvideo", "-").stdout
        closed, clear = (np.frombuffer(packets(file), np.uint8) for file in (path, opened.path))
        self.assertEqual(len(closed), len(clear))
        # The encoder's remarks and the units' headers stay.
        self.assertLess((closed == clear).mean(), 0.12)
        with open(path, "rb") as file:
            body = file.read()
        self.assertIn(b"encv", body)
        if picture:
            with open(path[:-4] + ".jpg.enc", "rb") as file:
                self.assertFalse(is_jpeg(file.read()))
        self.assertFalse(os.path.exists(path[:-4] + ".jpg"))

    def same_by_ffmpeg(self, path, opened, key):
        """FFmpeg with the key sees what the command wrote."""
        frames = lambda file, *before: piped(file, "-map", "0:v", "-f", "framemd5", "-", before=before).stdout.decode().splitlines()
        digests = lambda lines: [line.split(",")[-1] for line in lines if not line.startswith("#")]
        self.assertEqual(digests(frames(path, "-decryption_key", key)), digests(frames(opened.path)))

    def search(self, box, keys):
        """Neither the store nor the box's files and logs have a clip's key or the code in the open."""
        wanted = [look for key in keys for look in written(key)] + [CODE.encode()]
        for folder in (box.store, box.state):
            for path, _, names in os.walk(folder):
                for name in names:
                    with open(os.path.join(path, name), "rb") as file:
                        body = file.read()
                    self.assertFalse([look for look in wanted if look in body], f"a key in {name}")
        log = box.log().encode()
        self.assertFalse([look for look in wanted if look in log], "a key in the log")

    def test_as_it_came(self):
        """A clip on which workers die goes up as the camera sent it, H.264 or H.265 with G.711, and encrypted all the same."""
        other = self.simulator(size="640x360", rate=15, bitrate=500, key_interval=1, codec="h265", audio="pcma", no_sub=True).camera
        for camera, codec in ((self.camera, "h264"), (other, "hevc")):
            with self.subTest(codec=codec):
                self.as_it_came(camera, codec)

    def as_it_came(self, camera, codec):
        """One clip of a camera, whose workers are killed."""
        box = self.fitted(camera)
        box.call("PUT", "/storage/encryption", {"enabled": True, "code": CODE})
        recovery = self.recovery(box)
        event = box.trigger(box.camera_channel)

        def kill_until_kept():
            for pid in box.workers():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            return box.event(event)["state"] in ("queued", "sending", "stored")
        wait_for(kill_until_kept, 60, lambda: f"the clip to be kept: {box.event(event)}", every=0.005)
        clip = box.await_stored(event)
        self.assertTrue(clip["asItCame"], clip)
        self.assertEqual(clip["encryption"]["scheme"], "cenc")
        path, output = os.path.join(box.store, clip["objectKey"]), os.path.join(box.folder, "open.mp4")
        done = self.decrypt(path, recovery, CODE, output)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        opened = Footage(output)
        self.assertEqual((opened.errors(), opened.video["codec_name"]), ("", codec))
        self.assertAlmostEqual(opened.length(), clip["durationSeconds"], delta=2, msg="a source begins at the key frame before")
        self.closed_without_key(path, opened, picture=False)

    def test_codes(self):
        """A wrong code is refused, counted, and shut out; a new code opens old clips; weak codes and other clips are refused."""
        box = self.fitted()
        drawn = box.call("PUT", "/storage/encryption", {"enabled": True})["code"]
        self.assertRegex(drawn, "^([A-Z2-9]{4}-){3}[A-Z2-9]{4}$")
        first = self.recovery(box)
        clip = box.await_stored(box.trigger(box.camera_channel))
        key = box.call("POST", f"/clips/{clip['id']}/key", {"code": drawn.lower().replace("-", "")})
        self.assertEqual(key["type"], "temporary")
        for weak in ("short", "aaaaaaaaaaaaaaa", "password1234"):
            with self.assertRaises(Problem) as caught:
                box.call("PUT", "/storage/encryption", {"enabled": True, "code": weak})
            self.assertEqual((caught.exception.status, caught.exception.fields), (422, ["/code"]))
        for right, status, fields in (({}, 422, ["/currentCode"]), ({"currentCode": OTHER}, 403, ["/currentCode"]), ({"password": "not the password"}, 403, ["/password"])):
            with self.assertRaises(Problem) as caught:
                box.call("PUT", "/storage/encryption", {"enabled": True, "code": CODE, **right})
            self.assertEqual((caught.exception.status, caught.exception.fields), (status, fields))
        box.call("PUT", "/storage/encryption", {"enabled": True, "code": OTHER, "password": PASSWORD})
        box.call("PUT", "/storage/encryption", {"enabled": True, "code": CODE, "currentCode": OTHER})
        self.assertEqual(box.call("POST", f"/clips/{clip['id']}/key", {"code": CODE}), key)
        box.restart()
        self.assertEqual(box.call("POST", f"/clips/{clip['id']}/key", {"code": CODE}), key)
        statuses = []
        for code in [drawn] + [f"wrong {number}" for number in range(10)]:
            with self.assertRaises(Problem) as caught:
                box.call("POST", f"/clips/{clip['id']}/key", {"code": code})
            statuses.append(caught.exception.status)
        self.assertEqual(statuses, [403] * 10 + [429])
        # Neither the right code of who watches nor a wrong one that is known counts.
        self.assertEqual(box.call("POST", f"/clips/{clip['id']}/key", {"code": CODE}), key)
        with self.assertRaises(Problem) as caught:
            box.call("POST", f"/clips/{clip['id']}/key", {"code": drawn})
        self.assertEqual(caught.exception.status, 403)
        second = self.recovery(box, "second.json")
        path = os.path.join(box.store, clip["objectKey"])
        for number, (file, code) in enumerate(((first, drawn), (second, CODE))):
            output = os.path.join(box.folder, f"open-{number}.mp4")
            done = self.decrypt(path, file, code, output)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(Footage(output).errors(), "")
        box.call("PUT", "/storage/encryption", {"enabled": False})
        clear = box.await_stored(box.trigger(box.camera_channel))
        self.assertIsNone(clear["encryption"])
        with self.assertRaises(Problem) as caught:
            box.call("POST", f"/clips/{clear['id']}/key", {"code": CODE})
        self.assertEqual(caught.exception.status, 409)


class EncryptionPage(PageCase):
    """The page: switching on, the code, an encrypted clip played by Clear Key."""

    @classmethod
    def setUpClass(cls):
        camera = cls.class_simulator(size="640x360", rate=15, bitrate=500, key_interval=1).camera
        box = cls.box_under_test = cls.class_box(**QUICK)
        box.claim()
        box.camera_channel = box.add_camera(camera)
        box.link(box.camera_channel)
        box.await_picture(box.camera_channel)
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def test_a_switch_on(self):
        """Encryption is switched on with a code that is shown once, and the recovery file is offered."""
        page, box = self.browser, self.box_under_test
        self.sign_in()
        page.click("nav-cloud")
        page.find("encryption-on")
        page.shoot("encryption-off", self.overflow, at="encryption")
        page.click("encryption-on")
        page.click("encryption-save")
        type(self).code = page.find("encryption-drawn").text
        page.find("recovery-file")
        page.shoot("encryption-code", self.overflow, at="encryption")
        page.click("encryption-done")
        page.find("encryption-off")
        page.shoot("encryption-on", self.overflow, at="encryption")
        self.assertTrue(box.get("/storage/encryption")["enabled"])
        self.assertNotIn(self.code, page.text())
        self.done()

    def test_b_watch(self):
        """An encrypted clip asks for the code, says that a wrong one is wrong, and plays; the next one plays without asking."""
        page, box = self.browser, self.box_under_test
        first, second = (box.await_stored(box.trigger(box.camera_channel)) for _ in range(2))
        page.open(f"#/clips/{first['id']}")
        page.find("clip-code-form")
        page.shoot("clip-encrypted", self.overflow)
        page.fill("clip-code", "not this one")
        page.click("clip-code-submit")
        page.await_text("not the right one")
        page.fill("clip-code", self.code.lower())
        page.click("clip-code-submit")
        self.plays(first)
        page.shoot("clip-encrypted-open", self.overflow)
        page.open(f"#/clips/{second['id']}")
        wait_for(lambda: second["id"] in page.place(), 5, "the next clip")
        self.plays(second)
        self.assertFalse(page.all("clip-code-form"))
        page.open("#/events")
        wait_for(lambda: page.script("return [...document.querySelectorAll('[data-testid=event-row] img')].some((i) => i.src.startsWith('blob:') && i.naturalWidth > 0)"),
                 15, "a picture in the list, opened")
        page.shoot("events-encrypted", self.overflow)
        self.done("key.*403")

    def test_c_change_code(self):
        """Another code needs the present one; where that is lost, the password."""
        page, box = self.browser, self.box_under_test
        page.open("#/cloud")
        page.click("encryption-change-code")
        page.fill("encryption-present", OTHER)
        page.fill("encryption-code", CODE)
        page.click("encryption-save")
        page.await_text("The present code is another one")
        page.shoot("encryption-change", self.overflow, at="encryption")
        page.fill("encryption-present", self.code)
        page.click("encryption-save")
        page.click("encryption-done")
        page.click("encryption-change-code")
        page.script("document.querySelector('[data-testid=encryption-proof-lost]').click()")
        page.fill("encryption-password", PASSWORD)
        page.fill("encryption-code", OTHER)
        page.click("encryption-save")
        page.click("encryption-done")
        box.call("PUT", "/storage/encryption", {"enabled": True, "code": CODE, "currentCode": OTHER})
        self.done("encryption.*403")

    def test_d_another_site(self):
        """Where the box serves several sites each is encrypted for itself, with a code of its own."""
        page, box = self.browser, self.box_under_test
        first = box.get("/sites")["items"][0]["id"]
        flat = box.call("POST", "/sites", {"name": "Flat", "timeZone": "Europe/Rome"})["id"]
        page.open("#/events")
        page.driver.refresh()
        page.open("#/cloud")
        page.find("encryption-off")
        page.script("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', { bubbles: true }))", page.find("encryption-site"), flat)
        page.await_text("Clips go up as they are")
        page.click("encryption-on")
        page.click("encryption-save")
        page.find("encryption-drawn")
        page.click("encryption-done")
        page.find("encryption-off")
        page.shoot("encryption-of-a-site", self.overflow, at="encryption")
        one, other = (box.get(f"/storage/encryption?siteId={site}") for site in (first, flat))
        self.assertTrue(one["enabled"] and other["enabled"])
        self.assertNotEqual(one["siteKey"], other["siteKey"])
        self.assertIn(flat, page.find("recovery-file").get_attribute("href"))
        self.done()

    def plays(self, clip):
        """The video moves, by the keys of Encrypted Media Extensions, and is as long as the clip."""
        page = self.browser
        page.find("clip-video")
        page.script("document.querySelector('[data-testid=clip-video]').play()")
        wait_for(lambda: page.script("return document.querySelector('[data-testid=clip-video]').currentTime") > 0.8, 20,
                 lambda: f"the clip to play: {page.text()[:900]}")
        found = page.script("""
            const video = document.querySelector('[data-testid=clip-video]');
            return [video.videoWidth, video.error && video.error.message, video.mediaKeys !== null, video.duration];""")
        self.assertEqual(found[:3], [clip["width"], None, True])
        self.assertAlmostEqual(found[3], clip["durationSeconds"], delta=0.3)
