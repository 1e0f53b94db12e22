"""What the box says of its storages: in which words, since when, and in the form that its document promises."""

import datetime
import os
import subprocess
import time
import zoneinfo

from answers import Schemas
from client import Problem
from stores import FaultyS3
from test_storage import StorageCase
from waiting import wait_for


class StorageState(StorageCase):
    """States and tests of buckets and folders."""

    def test_folder_is_no_line(self):
        """A test with a folder says that it measured a disk, and neither it nor clips make advice about the line."""
        box = self.fitted()
        box.await_stored(box.trigger(box.channels[0]))
        self.assertIn("not the line", box.call("POST", "/storage/line/test")["note"])
        result = wait_for(lambda: (lambda now: now["results"] if not now["progress"] else None)(box.get("/storage/line/test")), 60, "the test's end")[0]
        self.assertEqual(result["measured"], "disk")
        line = box.get("/storage/line")
        self.assertIn("measures its disk, not the line", line["note"])
        self.assertEqual((line["capacityBitsPerSecond"], line["advice"], line["rateBitsPerSecond"], box.get("/storage")["line"]), (None, None, None, {"bytesPerSecond": None, "pausedUntil": None}))
        store = self.kept(FaultyS3())
        box.call("PUT", "/storage/target", store.target())
        self.assertEqual((box.get("/storage/line")["note"], box.get("/storage/line")["capacityBitsPerSecond"]), (None, None), "nothing was learned of the disk")

    def test_since_when(self):
        """When a storage began to fail, or to work, is known after the box was started anew."""
        store = self.kept(FaultyS3())
        box = self.fitted(store, upload__longest_wait_seconds=1)
        state = lambda: box.get("/storage")["state"]

        def lasts(code):
            """The state has the code, and the same time once the box was started anew and has asked the store again."""
            began = wait_for(lambda: state()["code"] == code and state()["since"], 30, lambda: f"a storage that is {code}: {state()}")
            box.restart()
            box.await_picture(*box.channels)
            asked = time.monotonic()
            box.trigger(box.channels[0])
            if code == "ok":
                wait_for(lambda: any(request.status == 200 for request in store.requests_since(asked)), 60, "a request that works")
            wait_for(lambda: state()["code"] == code and state()["since"] == began, 60, lambda: f"{code} since {began}: {state()}")
            return began
        box.await_stored(box.trigger(box.channels[0]))
        works = lasts("ok")
        store.fault("refuse")
        box.trigger(box.channels[0])
        failed = lasts("unreachable")
        self.assertGreater(failed, works)
        store.fault(None)
        wait_for(lambda: state()["code"] == "ok" and state()["since"] > failed, 60, lambda: f"a storage that works: {state()}")

    def test_paused(self):
        """Footage that is paused by the week says until when, in the storage's state and the clip's; nothing of it is a fault."""
        store = self.kept(FaultyS3())
        box = self.fitted(store)
        box.call("PUT", "/storage/line", {"windows": [{"schedule": {"always": True}, "cap": {"kind": "paused"}}]})
        found = box.get("/storage")
        self.assertEqual((found["state"]["code"], found["state"]["severity"], found["line"]["pausedUntil"]), ("paused", "off", None))
        self.assertIn("Footage is paused, as is set", found["state"]["sentence"])
        days = [{"day": day, "from": "00:00", "to": "24:00"} for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")]
        today = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Berlin")).strftime("%A").lower()
        nights = [day if day["day"] != today else {**day, "to": "23:59"} for day in days]
        box.call("PUT", "/storage/line", {"windows": [{"schedule": {"always": False, "periods": nights}, "cap": {"kind": "paused"}}]})
        found = box.get("/storage")
        self.assertIn("paused until 23:59", found["state"]["sentence"])
        self.assertTrue(found["line"]["pausedUntil"])
        event = box.trigger(box.channels[0])
        wait_for(lambda: "paused until 23:59" in box.event(event)["stateSentence"], 60, lambda: f"a clip that waits: {box.event(event)}")
        self.assertNotIn("storage", [problem["subject"]["kind"] for problem in box.get("/health")["problems"]])
        box.call("PUT", "/storage/line", {"windows": []})
        box.await_stored(event)
        self.assertEqual(box.get("/storage")["state"]["code"], "ok")

    def test_folders_that_cannot_be(self):
        """A folder that cannot be used is refused in words of the box's own, whatever is wrong with it."""
        box = self.box()
        box.claim()
        plain = os.path.join(box.folder, "a file")
        with open(plain, "w"):
            pass
        os.symlink(os.path.join(box.folder, "round"), os.path.join(box.folder, "round"))
        wanted = {f"{plain}/clips": "is a file and no folder", plain: "is a file and no folder", f"{box.folder}/round/clips": "circle of links",
                  f"{box.folder}/{'x' * 300}": "too long", "/proc/clips": "is not there|may not write"}
        for path, words in wanted.items():
            with self.subTest(path=path[-60:]):
                for method, place, body in (("PUT", "/storage/target", {"kind": "folder", "path": path}), ("POST", "/storage/test", {"target": {"kind": "folder", "path": path}})):
                    try:
                        said = box.call(method, place, body)["sentence"]
                    except Problem as problem:
                        said = problem.detail
                    self.assertRegex(said, words)
                    self.assertNotRegex(said, "Cocoa|NSError|errno|Error Domain")
        only_read = self.folder()
        for options in (["--bind", only_read], ["-o", "remount,bind,ro"]):
            if subprocess.run(["mount", *options, only_read], capture_output=True).returncode:
                self.skipTest("needs root, to mount a folder that can only be read")
        self.addCleanup(subprocess.run, ["umount", only_read])
        box.call("PUT", "/storage/target", {"kind": "folder", "path": only_read})
        self.assertIn("can only be read", box.call("POST", "/storage/test", {})["sentence"])

    def test_answers_are_as_documented(self):
        """What the box answers about storage and plans has the form and the words of its OpenAPI document, of a bucket, a folder and a failure."""
        store = self.kept(FaultyS3())
        box = self.fitted(store)
        box.call("PUT", "/storage/second", {"role": "mirror", "target": self.kept(FaultyS3()).target()})
        box.await_stored(box.trigger(box.channels[0]))
        schemas = Schemas(box.get("/openapi.json", token=None))

        def compare(method, path, body=None, status=200):
            answer = box.client.request(method, path, body)
            self.assertEqual(answer.status, status, answer.body)
            self.assertEqual(schemas.mistakes(method, path, answer), [])
            return answer.json
        compare("POST", "/storage/line/test", status=202)
        wait_for(lambda: not box.get("/storage/line/test")["progress"], 60, "the test's end")
        for path in ("/storage", "/storage/line", "/storage/line/test", "/storage/line/history", "/storage/gaps", "/storage/refills", "/storage/chain", "/plans",
                     "/clips", "/events", "/health", "/storage/encryption", "/system"):
            with self.subTest(path=path):
                compare("GET", path)
        names = {ability["name"] for ability in compare("POST", "/storage/test")["abilities"]}
        self.assertEqual(names, {"clock", "conditions", "checksum", "tags", "parts", "rules"})
        store.fault("403")
        self.assertEqual([ability["name"] for ability in compare("POST", "/storage/test")["abilities"]], ["abilities"])
        compare("POST", "/storage/test", {"target": {"kind": "folder", "path": box.store}})
        compare("POST", "/storage/test", {"target": {"kind": "folder", "path": "/proc/nowhere"}})
        compare("GET", "/storage")
