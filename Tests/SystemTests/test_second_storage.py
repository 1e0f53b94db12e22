"""A second storage beside the first: a mirror, where clips go meanwhile, and what lies in a storage of before."""

import hashlib
import os

from accounts import stored
from browser import Browser
from client import Problem
from page_case import PageCase
from stores import FaultyS3
from test_record import EVERY, RecordCase
from waiting import wait_for


def place(store):
    """How the box names a test's bucket."""
    target = store.target()
    return f"{target['endpoint']}/{target['bucket']}/{target.get('prefix', '')}"


class SecondStorage(RecordCase):
    """Two buckets of which either may be away."""

    def two(self, role, **more):
        """A box with two buckets."""
        first, second = self.kept(FaultyS3()), self.kept(FaultyS3())
        box = self.fitted(first, **EVERY, **{"storage.allow-http": True, "upload.longest-wait-seconds": 1})
        box.call("PUT", "/storage/second", {"role": role, "target": second.target(), **more})
        return box, first, second

    def whole(self, box, store, clips):
        """A bucket has so many clips, and its record no finding."""
        wait_for(lambda: len(stored(store, under_way=True)) == clips, 60, lambda: f"{clips} clips; there are {len(stored(store, under_way=True))}")
        self.assertEqual(store.written_twice(), {})
        target = store.target()

        def look():
            code, found = self.verify("--bucket", target["bucket"], "--endpoint", target["endpoint"], "--region", target["region"],
                                      keys=(target["accessKeyId"], target["secretAccessKey"]))
            return code == 0 and found["links"] == clips and found or None
        self.assertEqual(wait_for(look, 60, f"a record of {clips} clips in the bucket", every=1)["findings"], [])
        self.assertTrue(box.is_running())

    def test_mirror(self):
        """Each clip is in both; a mirror that is away delays nothing, and gets what it lacks, also after kills at each step."""
        box, first, second = self.two("mirror")
        clip = box.await_stored(box.trigger(box.channels[0]))
        wait_for(lambda: len(box.clip(clip["id"])["storedIn"]) == 2, 60, "the clip's copy")
        self.assertEqual(box.clip(clip["id"])["storedIn"], [place(first), place(second)])
        self.assertIn("both", box.clip(clip["id"])["stateSentence"])
        second.fault("refuse")
        clip = box.await_stored(box.trigger(box.channels[0]))
        wait_for(lambda: box.get("/storage")["second"]["state"]["code"] == "unreachable", 30, lambda: f"a second storage away: {box.get('/storage')['second']}")
        state = box.get("/storage")
        self.assertEqual((state["state"]["code"], state["second"]["waiting"], state["second"]["clips"]), ("ok", 1, 1), state)
        self.assertIn("its copy for the second waits", box.clip(clip["id"])["stateSentence"])
        self.assertIn("second-storage", [problem["subject"]["kind"] for problem in box.get("/health")["problems"]])
        for number, point in enumerate(("copy.verified", "copy.row-stored"), 2):
            with self.subTest(point=point):
                box.stop()
                second.fault(None)
                # A copy that waits may be made, and be the end, before the box has said that it is ready.
                box.launch({"GATEHOUSE_CRASH_AT": point})
                if number == 3:
                    box.await_ready()
                    box.await_picture(*box.channels)
                    box.trigger(box.channels[0])
                box.await_death(60, f"the box's end at {point}")
                box.start()
                # Stored, and known to be: otherwise the next box comes to its named step by this clip.
                wait_for(lambda: len(stored(second, under_way=True)) == number and box.get("/storage")["second"]["waiting"] == 0, 60,
                         f"{number} clips in the second storage")
        self.whole(box, first, 3)
        self.whole(box, second, 3)
        wait_for(lambda: box.get("/storage")["spool"]["bytes"] == 0, 30, "an empty spool")
        first.fault("refuse")
        box.await_picture(*box.channels)
        box.trigger(box.channels[0])
        wait_for(lambda: box.get("/storage")["state"]["code"] == "unreachable", 60, "a first storage away")
        self.assertEqual(len(box.client.request("GET", f"/clips/{clip['id']}/video").body), clip["sizeBytes"], "read from the mirror")

    def test_reading_goes_on_in_the_mirror(self):
        """A clip is whole though the first storage breaks before, or in the middle of, its bytes; where none answers the answer says so."""
        box, first, second = self.two("mirror")
        clip = box.await_stored(box.trigger(box.channels[0]))
        wait_for(lambda: len(box.clip(clip["id"])["storedIn"]) == 2, 60, "the clip's copy")
        picture, video = (second.read(clip["objectKey"][:-4] + ending) for ending in (".jpg", ".mp4"))
        self.assertEqual(hashlib.sha256(video).hexdigest(), clip["sha256"])
        for fault in ("truncate", "403", "503", "html", "refuse"):
            with self.subTest(fault=fault):
                first.fault(fault)
                self.assertEqual(box.client.request("GET", f"/clips/{clip['id']}/video").body, video)
                self.assertEqual(box.client.request("GET", f"/clips/{clip['id']}/video", headers={"Range": "bytes=100-199"}).body, video[100:200])
                self.assertEqual(box.client.request("GET", f"/clips/{clip['id']}/thumbnail").body, picture)
        for fault, status, slug in (("refuse", 503, "storage-away"), ("503", 503, "storage-away"), ("403", 502, "storage-failed")):
            with self.subTest(both=fault):
                for store in (first, second):
                    store.fault(fault)
                for what in ("video", "thumbnail"):
                    problem = box.client.request("GET", f"/clips/{clip['id']}/{what}").problem()
                    self.assertEqual((problem.status, problem.slug), (status, slug), problem)
                    self.assertIn("The clip lies in the cloud storage", problem.detail)

    def test_clips_of_before_a_mirror(self):
        """What was stored before there was a mirror is copied from the first storage, also when the box is killed in between; both records are whole."""
        first, second = self.kept(FaultyS3()), self.kept(FaultyS3())
        box = self.fitted(first, **EVERY, **{"storage.allow-http": True, "upload.longest-wait-seconds": 1})
        clips = [box.await_stored(box.trigger(box.channels[0])) for _ in range(2)]
        second.fault("refuse")
        box.call("PUT", "/storage/second", {"role": "mirror", "target": second.target()})
        self.assertEqual(box.get("/storage")["second"]["waiting"], 2)
        self.assertRegex(box.clip(clips[0]["id"])["stateSentence"], "its copy for the second (is made when|waits)")
        box.stop()
        second.fault(None)
        for point in ("copy.fetched", "copy.verified"):
            box.launch({"GATEHOUSE_CRASH_AT": point})
            box.await_death(60, f"the box's end at {point}")
        box.start()
        wait_for(lambda: all(len(box.clip(clip["id"])["storedIn"]) == 2 for clip in clips), 60, "the copies")
        wait_for(lambda: not os.listdir(box.spool), 30, "an empty spool")
        for clip in clips:
            self.assertEqual(second.read(clip["objectKey"]), first.read(clip["objectKey"]))
        self.whole(box, first, 2)
        self.whole(box, second, 2)

    def test_fallback(self):
        """While the first does not work clips go to the second, stay there, and play; then the first has the next ones."""
        box, first, second = self.two("fallback", afterMinutes=0)
        box.await_stored(box.trigger(box.channels[0]))
        self.whole(box, first, 1)
        first.fault("refuse")
        clip = box.await_stored(box.trigger(box.channels[0]))
        self.assertEqual(clip["storedIn"], [place(second)])
        self.assertEqual(clip["stateSentence"], "In the second cloud storage.")
        state = box.get("/storage")
        self.assertTrue(state["second"]["inUse"])
        self.assertIn("Footage goes to the second storage meanwhile.", state["state"]["sentence"])
        first.fault(None)
        clips = 1

        def returned():
            nonlocal clips
            clips += 1
            box.await_stored(box.trigger(box.channels[0]))
            return not box.get("/storage")["second"]["inUse"]
        wait_for(returned, 60, "the first storage in use again")
        last = box.await_stored(box.trigger(box.channels[0]))
        self.assertEqual(last["storedIn"], [place(first)])
        there = box.get("/storage")["second"]["clips"]
        self.whole(box, second, there)
        self.whole(box, first, clips + 2 - there)
        self.assertEqual(len(box.client.request("GET", f"/clips/{clip['id']}/video").body), clip["sizeBytes"])
        self.assertIn(second.endpoint, box.get(f"/clips/{clip['id']}/link")["url"])

    def test_storage_of_before(self):
        """Clips in a storage that another took the place of are still played, until that is forgotten."""
        old, new = self.kept(FaultyS3()), self.kept(FaultyS3())
        box = self.fitted(old, **{"storage.allow-http": True})
        clip = box.await_stored(box.trigger(box.channels[0]))
        box.call("PUT", "/storage/target", new.target())
        self.assertEqual(box.get("/storage")["former"], [{"place": place(old), "clips": 1, "bytes": clip["sizeBytes"]}])
        for _ in range(2):
            self.assertEqual(len(box.client.request("GET", f"/clips/{clip['id']}/video").body), clip["sizeBytes"])
            box.stop()
            box.start()
        self.assertEqual(box.clip(clip["id"])["stateSentence"], "In the former cloud storage.")
        box.call("DELETE", "/storage/former")
        self.assertEqual(box.get("/storage")["former"], [])
        with self.assertRaises(Problem) as caught:
            box.call("GET", f"/clips/{clip['id']}/video")
        self.assertEqual(caught.exception.status, 409)

    def test_same_place(self):
        """The second storage is another place than the first, and comes after it."""
        box, first, _ = self.two("mirror")
        for method, path, body in (("PUT", "/storage/second", {"role": "mirror", "target": first.target()}),
                                   ("PUT", "/storage/target", box_second(box)), ("PUT", "/storage/second", {"role": "mirror", "afterMinutes": 5, "target": first.target()})):
            with self.subTest(path=path, body=body):
                with self.assertRaises(Problem) as caught:
                    box.call(method, path, body)
                self.assertEqual(caught.exception.status, 422)
        box.call("DELETE", "/storage/second")
        self.assertIsNone(box.get("/storage")["second"])


def box_second(box):
    """The target of the second storage, as it would be entered."""
    known = box.get("/storage")["second"]["target"]
    return {**{key: value for key, value in known.items() if key not in ("hasSecret", "hasSessionToken") and value is not None}, "secretAccessKey": "other"}


class SecondStoragePage(PageCase):
    """The card on the Cloud page."""

    @classmethod
    def setUpClass(cls):
        first = FaultyS3()
        cls.addClassCleanup(first.close)
        box = cls.box_under_test = cls.class_box(**{"storage.allow-http": True})
        box.claim()
        box.call("PUT", "/storage/target", first.target())
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def test_card(self):
        """A mirror is added, changed to a fallback, tested and removed."""
        page, second = self.browser, self.kept(FaultyS3())
        box = self.box_under_test
        self.sign_in()
        page.click("nav-cloud")
        page.click("second-add")
        page.choose("second-role-fallback")
        page.fill("second-after", "abc")
        target = second.target()
        page.fill("storage-endpoint", target["endpoint"])
        page.fill("storage-region", target["region"])
        page.fill("storage-bucket", target["bucket"])
        page.fill("storage-accessKeyId", target["accessKeyId"])
        page.fill("storage-secret", target["secretAccessKey"])
        page.click("storage-save")
        page.await_text("Enter 0 to 1440 minutes.")
        page.fill("second-after", "15")
        page.shoot("second-form", self.overflow, at="second")
        page.click("storage-save")
        page.find("second-change")
        page.await_text("Fallback after 15 minutes")
        self.assertEqual(box.get("/storage")["second"]["afterMinutes"], 15)
        page.click("second-test")
        page.find("storage-test-result")
        page.await_text("The storage works.")
        page.shoot("second", self.overflow, at="second")
        page.click("second-change")
        page.choose("second-role-mirror")
        page.click("storage-save")
        page.await_text("Every clip goes there too.")
        self.assertEqual(box.get("/storage")["second"]["role"], "mirror")
        self.done()
