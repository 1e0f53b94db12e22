"""The way into the store: every fault of a store, a long outage, wrong keys, a full disk, eight events at once, other peers."""

import hashlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from accounts import Account, stored
from case import Case
from client import Problem
from stores import ACCESS_KEY, BUCKET, FAULTS, FaultyS3, Folder, Moto, SECRET_KEY
from waiting import holds_for, shorten, wait_for

QUICK = {"recording.seconds-before": 1, "recording.seconds": 3}


class StorageCase(Case):
    """Small cameras and boxes that are linked to a store."""

    cameras_wanted = 2

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(cls.cameras_wanted).cameras

    def fitted(self, store=None, cameras=None, **settings):
        """A claimed box with linked cameras whose pictures are there."""
        box = self.box(**{**QUICK, **settings})
        box.claim()
        if store:
            box.call("PUT", "/storage/target", store.target())
        box.channels = [box.add_camera(camera) for camera in cameras or self.cameras]
        for channel in box.channels:
            box.link(channel)
        box.await_picture(*box.channels)
        return box


class StoreFaults(StorageCase):
    """A store that fails."""

    def test_every_fault(self):
        """Whatever a store does wrong, nothing is lost, nothing is stored twice, and the box does not ask in a hot loop."""
        store = self.kept(FaultyS3())
        box = self.fitted(store)
        account = Account(box, store)
        events, rates = [], {}
        for fault in FAULTS:
            with self.subTest(fault=fault):
                store.fault(fault, retry_after=1 if fault == "503" else None)
                began, known = time.monotonic(), account.sample()
                events += [box.trigger(channel) for channel in box.channels]
                wait_for(lambda: account.sample() > known, 30, "an accepted clip")
                if fault == "refuse":
                    wait_for(lambda: box.get("/storage")["state"]["code"] == "unreachable", 30,
                             lambda: f"storage state unreachable: {box.get('/storage')['state']}")
                else:
                    wanted = 1 if fault == "hang" else 2
                    wait_for(lambda: len(store.requests_since(began)) >= wanted, 30, f"{wanted} attempts")
                holds_for(box.is_running, 2, "a running box")
                seconds = time.monotonic() - began
                rates[fault] = round(len(store.requests_since(began)) / seconds, 1)
                if fault != "commit-drop":  # there what is committed makes way for the next request
                    self.assertLess(len(store.requests_since(began)), 8 + 4 * seconds, f"a hot loop: {store.requests_since(began)[-20:]}")
        print(f"requests a second while failing: {rates}", flush=True)
        store.fault(None)
        found = account.settle()
        held = json.dumps(found)
        self.assertFalse([event["id"] for event in events if event["id"] not in held], "events without a stored clip")
        self.assertGreaterEqual(len(found), len(FAULTS))

    def test_what_the_state_says(self):
        """While a store fails the storage's state says what is wrong in a sentence, and the clip's last error does too."""
        store = self.kept(FaultyS3())
        store.fault("refuse")
        box = self.fitted(store)
        event = box.trigger(box.channels[0])
        wanted = {"refuse": {"unreachable"}, "403": {"refused"}, "500": {"waiting", "unreachable"},
                  "html": {"waiting", "unreachable", "refused"}}
        for fault, codes in wanted.items():
            with self.subTest(fault=fault):
                store.fault(fault)
                state = lambda: box.get("/storage")["state"]
                wait_for(lambda: state()["code"] in codes and state()["sentence"], 40, lambda: f"storage state {codes}: {state()}")
                self.assertIn(state()["severity"], ("attention", "trouble"))
        clip = box.clip(box.event(event)["clipId"])
        self.assertTrue(clip["lastError"], clip)
        self.assertGreaterEqual(clip["attempts"], 1)
        self.assertGreater(box.get("/storage")["backlog"]["clips"], 0)
        self.assertNotEqual(box.get("/health")["status"], "ok")
        store.fault(None)
        box.await_stored(event, 30)
        wait_for(lambda: box.get("/storage")["state"]["code"] == "ok", 20, lambda: f"storage state ok: {box.get('/storage')['state']}")

    def test_away_for_long(self):
        """A long outage is waited for with few requests, the backlog is told, and then it drains, each clip once."""
        store = self.kept(FaultyS3())
        box = self.fitted(store, upload__longest_wait_seconds=3)
        account = Account(box, store)
        store.fault("503")
        events = []
        began = time.monotonic()
        while len(events) < 6:
            events += [box.trigger(channel) for channel in box.channels]
            wait_for(lambda: not any(box.channel(channel)["recording"] for channel in box.channels), 20, "the recordings' end")
        wait_for(lambda: account.sample() >= 6, 20, lambda: f"six accepted clips: {account.sample()}")
        wait_for(lambda: time.monotonic() - began > 20, 21, "a long outage")
        storage = box.get("/storage")
        self.assertGreaterEqual(storage["backlog"]["clips"], 6)
        self.assertGreater(storage["backlog"]["bytes"], 0)
        self.assertGreater(storage["backlog"]["oldestSeconds"], 5)
        requests = store.requests_since(began)
        self.assertLess(len(requests), 30, f"{len(requests)} requests in {time.monotonic() - began:.0f} s: {requests[-10:]}")
        store.fault(None)
        self.assertGreaterEqual(len(account.settle()), 6)

    def test_wrong_secret(self):
        """With a wrong secret the state is "refused" with a sentence, nothing is lost, and the right secret drains the spool."""
        store = self.kept(FaultyS3(session_token="a session's token"))
        box = self.fitted(storage__folder=None)
        target = store.target(sessionToken="a session's token")
        box.call("PUT", "/storage/target", {**target, "secretAccessKey": "wrong" * 8})
        tried = box.call("POST", "/storage/test", {})
        self.assertFalse(tried["ok"])
        self.assertTrue(tried["sentence"])
        event = box.trigger(box.channels[0])
        state = wait_for(lambda: (box.get("/storage")["state"] if box.get("/storage")["state"]["code"] == "refused" else None), 40,
                         lambda: f"storage state refused: {box.get('/storage')['state']}")
        self.assertIn("secret", state["sentence"].lower())
        self.assertNotIn(box.event(event)["state"], ("stored", "dropped"))
        answer = box.call("PUT", "/storage/target", target)
        self.assertTrue(answer["target"]["hasSecret"] and answer["target"]["hasSessionToken"])
        self.assertNotIn(SECRET_KEY, json.dumps(box.get("/storage")))
        self.assertTrue(box.call("POST", "/storage/test", {})["ok"])
        self.assertFalse([key for key in store.keys("") if "trial" in key], "the test left its object behind")
        clip = box.await_stored(event, 30)
        self.assertEqual(stored(store)[clip["id"]]["clip"]["sha256"], clip["sha256"])
        video = box.client.request("GET", clip["videoUrl"].removeprefix("/api/v1"), headers={"Range": "bytes=0-99"})
        self.assertEqual((video.status, len(video.body)), (206, 100), "a stored clip plays from the bucket")

    def test_own_authority(self):
        """A store whose certificate nobody knows is refused in words; with its authority's certificate clips go up by TLS."""
        store = self.kept(FaultyS3(tls_folder=self.folder()))
        box = self.fitted(storage__folder=None)
        box.call("PUT", "/storage/target", store.target())
        event = box.trigger(box.channels[0])
        bad = lambda: box.get("/storage")["state"]
        wait_for(lambda: bad()["code"] in ("refused", "unreachable"), 40, lambda: f"trouble with the certificate: {bad()}")
        self.assertIn("certificate", bad()["sentence"].lower())
        box.call("PUT", "/storage/target", store.target(caCertificate=store.certificate))
        clip = box.await_stored(event, 30)
        self.assertEqual(stored(store)[clip["id"]]["clip"]["sha256"], clip["sha256"])

    def test_parts(self):
        """A large clip goes up in parts as small as the store takes; after a break, and after a kill, only what is missing goes up."""
        store = self.kept(FaultyS3())
        camera = self.simulator(size="1280x720", bitrate=3000).cameras[0]
        box = self.box(**QUICK)
        box.claim()
        box.call("PUT", "/storage/target", store.target())
        tried = box.call("POST", "/storage/test", {})
        self.assertTrue(tried["ok"], tried)
        abilities = {one["name"]: one for one in tried["abilities"]}
        self.assertEqual({name for name, one in abilities.items() if one["ok"]}, {"clock", "conditions", "checksum", "tags", "parts", "rules"}, abilities)
        self.assertIn("256 KiB", abilities["parts"]["sentence"])
        self.assertEqual((store.keys(".bin"), store.parts.uploads), ([], {}), "the trial is cleaned up")
        channel = box.add_camera(camera)
        box.link(channel, "custom", resolution="720P", bitRate=6_000_000)
        box.await_picture(channel)
        store.parts.received.clear()
        store.parts.break_after = 2
        event = box.trigger(channel)
        wait_for(lambda: len(store.parts.received) == 2 and box.get("/storage")["state"]["code"] == "waiting", 60,
                 lambda: f"two parts and a break: {store.parts.received} {box.get('/storage')['state']}")
        begun = dict(store.parts.uploads)
        self.assertEqual(len(begun), 1)
        box.kill()
        box.start()
        store.parts.break_after = None
        clip = box.await_stored(event, seconds=60)
        body = store.read(clip["objectKey"])
        self.assertEqual(hashlib.sha256(body).hexdigest(), clip["sha256"])
        numbers = [number for _, number, _ in store.parts.received]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)), "no part came twice")
        self.assertGreater(len(numbers), 3)
        self.assertEqual((store.parts.uploads, store.written_twice()), ({}, {}))
        tags = dict(urllib.parse.parse_qsl(begun.popitem()[1].headers["x-amz-tagging"]))
        self.assertEqual((tags["channel"], tags["retention-days"]), (channel["id"], "7"))

    def test_address_in_the_storage(self):
        """A stored clip has an address in the storage itself, valid without a sign-in and for that clip alone; keys may come from a file."""
        store = self.kept(FaultyS3())
        box = self.fitted(store)
        keys = os.path.join(box.folder, "keys")
        with open(keys, "w") as file:
            file.write(f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        target = {key: value for key, value in store.target().items() if "ccess" not in key}
        answer = box.call("PUT", "/storage/target", {**target, "credentialsFile": keys, "encryption": "aes256"})["target"]
        self.assertEqual((answer["credentialsFile"], answer["encryption"], answer["hasSecret"]), (keys, "aes256", False))
        event = box.trigger(box.channels[0])
        with self.assertRaises(Problem):
            box.get(f"/clips/{wait_for(lambda: box.event(event)['clipId'], 20, 'a clip')}/link")
        clip = box.await_stored(event)
        url = box.get(f"/clips/{clip['id']}/link")["url"]
        with urllib.request.urlopen(url, timeout=10) as reply:
            self.assertEqual(hashlib.sha256(reply.read()).hexdigest(), clip["sha256"])
        for wrong in (url.replace(clip["id"], "0" * 32), url[:-1] + ("0" if url[-1] != "0" else "1"), url.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999")):
            with self.assertRaises(urllib.error.HTTPError):
                urllib.request.urlopen(wrong, timeout=10)
        self.assertIn(f"media-src 'self' blob: {store.endpoint};", box.client.request("GET", "/system").headers["content-security-policy"])

    def test_line(self):
        """The line is measured with real uploads that are removed again; what footage may take holds; nothing else is believed."""
        store = self.kept(FaultyS3())
        box = self.fitted(store)
        self.assertEqual(box.get("/storage/line/test"), {"progress": None, "failure": None, "note": None, "results": []})
        box.call("POST", "/storage/line/test")
        result = wait_for(lambda: (lambda now: now["results"] if not now["progress"] else None)(box.get("/storage/line/test")), 60, "the test's end")[0]
        self.assertGreater(result["uploadBitsPerSecond"], 1_000_000)
        self.assertGreater(result["latencyMilliseconds"], 0)
        self.assertEqual(result["measured"], "line")
        self.assertLessEqual(result["bytes"], 24 << 20)
        self.assertEqual(store.keys(".bin"), [])
        line = box.get("/storage/line")
        self.assertEqual(line["capacityBitsPerSecond"], result["uploadBitsPerSecond"])
        self.assertEqual({one["definition"] for one in line["advice"]["channels"]}, {"high"}, line["advice"])
        self.assertEqual((line["advice"]["mostChannels"], line["advice"]["standardChannels"]), (8, 8))
        self.assertIn("8 is the most that a box records for the cloud, whatever the line carries.", line["advice"]["sentence"])
        line = box.call("PUT", "/storage/line", {"cap": {"kind": "paused"}, "testHour": 3})
        self.assertEqual((line["limitBitsPerSecond"], line["cap"], line["testHour"]), (0, {"kind": "paused", "value": None}, 3))
        box.trigger(box.channels[0])
        wait_for(lambda: box.get("/storage")["backlog"]["clips"], 60, "a clip that waits")
        holds_for(lambda: not store.keys(".mp4"), 3, "nothing going up while paused")
        weekly = {"schedule": {"always": True}, "cap": {"kind": "bits-per-second", "value": 64_000}}
        line = box.call("PUT", "/storage/line", {"cap": None, "windows": [weekly]})
        self.assertEqual((line["limitBitsPerSecond"], line["testHour"]), (64_000, 3))
        box.restart()
        self.assertEqual(box.get("/storage/line")["windows"][0]["cap"], {"kind": "bits-per-second", "value": 64_000})
        box.call("PUT", "/storage/line", {"windows": []})
        wait_for(lambda: store.keys(".mp4"), 60, "the clip going up")

    def test_store_without_headers(self):
        """A store that refuses a header of ours is tried without it, and clips go up; its secrets go to no other place."""
        store = self.kept(FaultyS3())
        store.refuses = ("x-amz-checksum-sha256", "If-None-Match")
        box = self.fitted(storage__folder=None)
        box.call("PUT", "/storage/target", store.target())
        tried = box.call("POST", "/storage/test", {})
        steps = {step["name"]: step["ok"] for step in tried["steps"]}
        self.assertEqual((steps.get("write"), steps.get("read"), steps.get("delete")), (True, True, True), tried)
        self.assertFalse({step["name"]: step["ok"] for step in tried["abilities"]}["conditions"])
        box.await_stored(box.trigger(box.channels[0]))
        elsewhere = {name: value for name, value in store.target(endpoint="http://127.0.0.1:9").items() if name != "secretAccessKey"}
        with self.assertRaises(Problem) as refused:
            box.call("POST", "/storage/test", {"target": elsewhere})
        self.assertIn("secretAccessKey", str(refused.exception))

    def test_moto(self):
        """Clips reach somebody else's S3 server."""
        try:
            moto = self.kept(Moto())
        except (OSError, subprocess.SubprocessError) as error:
            self.skipTest(f"moto cannot be installed: {error}")
        urllib.request.urlopen(urllib.request.Request(f"{moto.endpoint}/{BUCKET}", method="PUT"), timeout=30).close()
        box = self.fitted(storage__folder=None)
        box.call("PUT", "/storage/target", FaultyS3.target(moto, region="us-east-1", prefix="box-one/"))
        tried = box.call("POST", "/storage/test", {})
        self.assertTrue([step for step in tried["steps"] if step["name"] == "write"][0]["ok"], tried)
        clip = box.await_stored(box.trigger(box.channels[0]))
        body = moto.read("box-one/" + clip["objectKey"].removeprefix("box-one/"))
        self.assertEqual(hashlib.sha256(body).hexdigest(), clip["sha256"])


class DiskFull(StorageCase):
    """A disk that fills."""

    def test_pause_gap_and_resume(self):
        """On a full disk recording pauses, what is lost is a gap with its reason, and it goes on by itself when there is room."""
        image = self.file_system(64)
        box = self.fitted(state=os.path.join(image.path, "state"), spool__free_megabytes=12)
        account = Account(box, Folder(box.store))
        channel, ballast = box.channels[0], os.path.join(image.path, "ballast")
        box.await_stored(box.trigger(channel))
        gaps = len(box.get("/storage/gaps")["items"])
        with open(ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, image.free - (8 << 20)))
        wait_for(lambda: box.get("/storage")["spool"]["paused"], 20, lambda: f"a pause: {box.get('/storage')}")
        lost = self.try_trigger(box, channel)
        gap = wait_for(lambda: box.get("/storage/gaps")["items"][gaps:], 30, "a gap")[0]
        self.assertTrue(gap["reason"])
        self.assertEqual(gap["channelId"], channel["id"])
        if lost:
            wait_for(lambda: box.event(lost)["state"] == "dropped", 20, lambda: f"the event to be dropped: {box.event(lost)}")
            self.assertTrue(box.event(lost)["stateSentence"])
        self.assertNotEqual(box.get("/health")["status"], "ok")
        os.remove(ballast)
        wait_for(lambda: not box.get("/storage")["spool"]["paused"], 20, lambda: f"the end of the pause: {box.get('/storage')}")
        clip = box.await_stored(box.trigger(channel))
        self.assertFalse(clip["interrupted"])
        account.settle()

    def test_full_to_the_last_byte(self):
        """A disk that is filled to the last byte while footage is recorded ends neither the box nor the clips that are accepted."""
        image = self.file_system(64)
        store = self.kept(FaultyS3())
        box = self.fitted(store, state=os.path.join(image.path, "state"), storage__folder=None, spool__free_megabytes=12)
        account, ballast = Account(box, store), os.path.join(image.path, "ballast")
        store.fault("refuse")
        box.trigger(box.channels[0])
        wait_for(lambda: account.sample() == 1, 30, "an accepted clip")
        box.trigger(box.channels[1])
        with open(ballast, "wb", buffering=0) as file:
            block = b"\0" * 65536
            while block:
                try:
                    while file.write(block) == len(block):
                        pass
                except OSError:
                    pass
                block = block[:len(block) // 4]
            holds_for(box.is_running, 5, "a box that lives")
        account.sample()
        os.remove(ballast)
        store.fault(None)
        wait_for(lambda: not box.get("/storage")["spool"]["paused"], 30, lambda: f"the end of the pause: {box.get('/storage')}")
        box.await_stored(box.trigger(box.channels[0]))
        account.settle()

    @staticmethod
    def try_trigger(box, channel):
        """The event, or None where the box refuses to make one."""
        try:
            return box.trigger(channel)
        except Problem as problem:
            if problem.status != 409:
                raise
            return None


class EightAtOnce(StorageCase):
    """A burst."""

    cameras_wanted = 8

    def test_eight_events_at_once(self):
        """Eight events at the same time, all to be transcoded, on two cores: none is lost and nothing locks up."""
        box = self.box(**{**QUICK, "recording.seconds": 6})
        box.claim()
        channels = [box.add_camera(camera) for camera in self.cameras]
        for channel in channels:
            box.link(channel, "custom", resolution="CIF", bitRate=160000)
        box.await_past(1, *channels)
        account = Account(box, Folder(box.store))
        events = [box.trigger(channel) for channel in channels]
        began = time.monotonic()
        clips = [box.await_stored(event, 90) for event in events]
        print(f"eight clips stored {time.monotonic() - began:.1f} s after their events", flush=True)
        self.assertEqual(len({clip["id"] for clip in clips}), 8)
        for clip in clips:
            self.assertEqual((clip["way"], clip["asItCame"], clip["interrupted"]), ("software", False, False), shorten(clip))
            self.assertLessEqual(abs(clip["durationSeconds"] - 6), 1 / clip["frameRate"] + 0.05, shorten(clip))
        account.settle()
