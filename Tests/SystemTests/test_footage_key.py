"""Footage that was encrypted late, and footage of a box that is lost: what waited goes up closed, and a new box opens what the old one closed."""

import http.client
import os
import subprocess

from accounts import stored
from box import binary
from browser import Browser
from client import Problem
from footage import Footage
from page_case import PageCase
from stores import ACCESS_KEY, BUCKET, FaultyS3, REGION, SECRET_KEY
from test_encryption import CODE, OTHER, QUICK, EncryptionCase
from waiting import wait_for


def restore(state, store, *more, code=CODE):
    """gatehouse footage restore with a recovery file's code; the process, done."""
    return subprocess.run([binary(), "footage", "restore", "--bucket", BUCKET, "--endpoint", store.endpoint, "--region", REGION, "--state", state, *more],
                          input=code + "\n", capture_output=True, text=True, timeout=120,
                          env={**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY})


class LateEncryption(EncryptionCase):
    """Clips that waited when encryption was switched on."""

    def test_what_waits_goes_up_encrypted(self):
        """Clips that wait in the open, also one that a box was killed at, are encrypted before they go up, whole and with their index."""
        store = self.kept(FaultyS3())
        box = self.fitted(**{"storage.allow-http": True, "upload.longest-wait-seconds": 1})
        box.call("PUT", "/storage/target", store.target())
        box.call("PUT", "/storage/line", {"cap": {"kind": "paused"}})
        event = box.trigger(box.camera_channel)
        wait_for(lambda: box.event(event)["state"] == "queued", 60, lambda: f"a clip that waits: {box.event(event)}")
        was = box.clip(box.event(event)["clipId"])
        self.assertIsNone(was["encryption"])
        box.call("PUT", "/storage/encryption", {"enabled": True, "code": CODE})
        recovery = self.recovery(box)
        box.restart({"GATEHOUSE_CRASH_AT": "encrypt.files-durable"})
        try:
            box.call("PUT", "/storage/line", {"cap": None})
        except (OSError, http.client.HTTPException):
            pass  # it ended before it could answer
        box.await_death(60, "the box's end before the manifest was written")
        box.launch({"GATEHOUSE_CRASH_AT": "encrypt.manifest-durable"})
        box.await_death(60, "the box's end after the manifest was written")
        box.start()
        clip = box.await_stored(event)
        self.assertEqual((clip["encryption"]["scheme"], clip["asItCame"]), ("cenc", False))
        self.assertNotEqual(clip["sha256"], was["sha256"])
        self.assertEqual(len(stored(store, under_way=True)), 1)
        self.assertEqual(store.written_twice(), {})
        self.assertFalse([key for key in store.keys(".jpg") if clip["id"] in key], "a picture in the open")
        path, output = os.path.join(box.folder, "closed.mp4"), os.path.join(box.folder, "open.mp4")
        for ending, name in ((".mp4", path), (".json", path[:-4] + ".json"), (".jpg.enc", path[:-4] + ".jpg.enc")):
            with open(name, "wb") as file:
                file.write(store.read(clip["objectKey"][:-4] + ending))
        with open(path, "rb") as file:
            body = file.read()
        self.assertIn(b"encv", body)
        self.index_fits(body)
        done = self.decrypt(path, recovery, CODE, output, "--picture", output[:-4] + ".jpg")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        opened = Footage(output)
        self.assertEqual(opened.errors(), "")
        self.assertAlmostEqual(opened.length(), clip["durationSeconds"], delta=0.15)
        wait_for(lambda: not os.listdir(box.spool), 30, "an empty spool")

    def index_fits(self, body):
        """The segment index names fragments that are there: each begins with a moof, the last ends with the file."""
        at, number = body.index(b"sidx") - 4, lambda offset, size=4: int.from_bytes(body[offset:offset + size], "big")
        place = at + number(at) + number(at + 28, 8)
        for entry in range(number(at + 38, 2)):
            self.assertEqual(body[place + 4:place + 8], b"moof")
            place += number(at + 40 + 12 * entry) & 0x7FFFFFFF
        self.assertEqual(place, len(body))


class ReplacedBox(EncryptionCase):
    """A box in the place of one that is lost."""

    def lost(self, store):
        """An encrypted clip in the bucket, and the recovery file of a box that is gone."""
        box = self.fitted(**{"storage.allow-http": True})
        box.call("PUT", "/storage/target", store.target())
        box.call("PUT", "/storage/encryption", {"enabled": True, "code": CODE})
        clip = box.await_stored(box.trigger(box.camera_channel))
        recovery = self.recovery(box)
        box.stop()
        return box, clip, recovery

    def test_by_command_and_by_api(self):
        """Restored with the recovery file the new box opens the old clip; without it it says what is missing, and takes the file later."""
        store = self.kept(FaultyS3())
        _, clip, recovery = self.lost(store)
        new = self.box(**QUICK, **{"storage.allow-http": True})
        new.claim()
        new.call("PUT", "/storage/target", store.target())
        new.stop()
        refused = restore(new.state, store, "--recovery", recovery, "--code-file", "-", code=OTHER)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("not the right one", refused.stderr)
        done = restore(new.state, store)
        self.assertEqual(done.returncode, 0, done.stderr)
        new.start()
        with self.assertRaises(Problem) as caught:
            new.call("POST", f"/clips/{clip['id']}/key", {"code": CODE})
        self.assertEqual(caught.exception.status, 409)
        self.assertIn("Import that key's recovery file", caught.exception.detail)
        with open(recovery) as file:
            text = file.read()
        for body, status, field in (({"recoveryFile": text, "code": OTHER}, 403, "/code"), ({"recoveryFile": text.replace("scrypt", "none"), "code": CODE}, 422, "/recoveryFile"),
                                    ({"recoveryFile": "{}", "code": CODE}, 422, "/recoveryFile")):
            with self.assertRaises(Problem) as caught:
                new.call("POST", "/storage/encryption/recovery-file", body)
            self.assertEqual((caught.exception.status, caught.exception.fields), (status, [field]))
        own = new.call("PUT", "/storage/encryption", {"enabled": True, "code": OTHER})
        told = new.call("POST", "/storage/encryption/recovery-file", {"recoveryFile": text, "code": CODE})
        self.assertEqual((told["outcome"], told["encryption"]["siteKey"]), ("added", own["siteKey"]))
        self.assertEqual([key["box"] for key in told["encryption"]["importedKeys"]], [clip["objectKey"].split("/")[0]])
        self.assertTrue(new.call("POST", f"/clips/{clip['id']}/key", {"code": CODE})["keys"])
        fresh = self.box(**QUICK, **{"storage.allow-http": True})
        fresh.claim()
        fresh.call("PUT", "/storage/target", store.target())
        fresh.stop()
        done = restore(fresh.state, store, "--recovery", recovery, "--code-file", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("new clips are encrypted for the same key", done.stdout)
        fresh.start()
        self.assertTrue(fresh.call("POST", f"/clips/{clip['id']}/key", {"code": CODE})["keys"])
        self.assertEqual(fresh.get("/storage/encryption")["siteKey"], clip["encryption"]["siteKey"])
        fresh.stop()
        again = subprocess.run([binary(), "footage", "import-key", "--recovery", recovery, "--code-file", "-", "--state", fresh.state], input=CODE + "\n",
                               capture_output=True, text=True, timeout=60)
        self.assertEqual((again.returncode, again.stdout), (0, "The box has this key already; nothing was changed.\n"), again.stderr)


class ReplacedBoxPage(PageCase, EncryptionCase):
    """The same on the page."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.store = FaultyS3()
        cls.addClassCleanup(cls.store.close)
        box = cls.box_under_test = cls.class_box(**QUICK, **{"storage.allow-http": True})
        box.claim()
        box.call("PUT", "/storage/target", cls.store.target())
        cls.overflow, cls.failed = [], None

    def test_old_clips_play(self):
        """The recovery file is imported on the Cloud page, and a clip of the lost box plays by its code."""
        box = self.box_under_test
        _, clip, recovery = ReplacedBox.lost(self, self.store)
        box.stop()
        self.assertEqual(restore(box.state, self.store).returncode, 0)
        box.start()
        page = self.browser = self.kept(Browser(box.client.base))
        self.sign_in()
        page.open("#/cloud")
        page.find("recovery-import", visible=False).send_keys(recovery)
        page.fill("recovery-code", OTHER)
        page.click("recovery-save")
        page.await_text("not the right one")
        page.shoot("recovery-import", self.overflow, at="encryption")
        page.fill("recovery-code", CODE)
        page.click("recovery-save")
        page.find("encryption-off")
        self.assertEqual(box.get("/storage/encryption")["siteKey"], clip["encryption"]["siteKey"])
        page.open(f"#/clips/{clip['id']}")
        page.fill("clip-code", CODE)
        page.click("clip-code-submit")
        page.find("clip-video")
        page.script("document.querySelector('[data-testid=clip-video]').play()")
        wait_for(lambda: page.script("return document.querySelector('[data-testid=clip-video]').currentTime") > 0.8, 20, lambda: f"the clip to play: {page.text()[:900]}")
        self.done("recovery-file.*403")
