"""The signed record of the footage in the store: verified and restored by command, from a folder and from buckets."""

import json
import os
import subprocess
import urllib.request

from accounts import stored
from box import binary
from stores import ACCESS_KEY, BUCKET, FaultyS3, Folder, Moto, REGION, SECRET_KEY
from test_storage import StorageCase
from waiting import wait_for

EVERY = {"storage.checkpoint-seconds": 1}


def footage(*arguments, keys=None):
    """Run `gatehouse footage`; answers what it ended with, said, and complained of."""
    environment = {**os.environ, **({"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1]} if keys else {})}
    done = subprocess.run([binary(), "footage", *arguments], capture_output=True, text=True, timeout=120, env=environment)
    return done.returncode, done.stdout, done.stderr


class RecordCase(StorageCase):
    """Boxes with a record that is told every second."""

    cameras_wanted = 1

    def recorded(self, box, links):
        """Wait until the store was told of so many links; answers the record."""
        def look():
            chain = box.get("/storage/chain")
            return sum(item["links"] for item in chain["chains"]) >= links and not any(item["waiting"] for item in chain["chains"]) and chain["checkpointAt"]
        wait_for(look, 60, f"a record of {links} links")
        first = box.get("/storage/chain")["checkpointAt"]
        wait_for(lambda: box.get("/storage/chain")["checkpointAt"] > first, 30, "a checkpoint after that")
        return box.get("/storage/chain")

    def filled(self, box, events=2):
        """Stored events."""
        for _ in range(events):
            box.await_stored(box.trigger(box.channels[0]))

    def verify(self, *place, keys=None, **more):
        """Run `footage verify` as JSON."""
        options = [part for name, value in more.items() for part in (f"--{name.replace('_', '-')}", value)]
        code, out, err = footage("verify", *place, "--json", *options, keys=keys)
        return code, json.loads(out) if out else err


class Record(RecordCase):
    """What the box says of its footage, and what a command makes of it without the box."""

    def test_folder(self):
        """Whole footage has no findings; a changed, a missing and a foreign clip are named; another key is not believed."""
        box = self.fitted(**EVERY)
        self.filled(box)
        record = self.recorded(box, 2)
        code, found = self.verify("--folder", box.store, public_key=record["publicKey"])
        self.assertEqual((code, found["findings"], found["clips"], found["links"]), (0, [], 2, 2), found)
        self.assertGreater(found["seconds"], 5)
        code, out, _ = footage("verify", "--folder", box.store)
        self.assertEqual(code, 0)
        self.assertIn("Everything is as the box stored it.", out)
        store = Folder(box.store)
        videos = [os.path.join(box.store, key) for key in store.keys(".mp4")]
        with open(videos[0], "r+b") as file:
            whole = file.read()
            file.seek(len(whole) // 2)
            file.write(bytes([whole[len(whole) // 2] ^ 1]))
        os.rename(videos[1], videos[1] + ".away")
        code, found = self.verify("--folder", box.store)
        self.assertEqual(code, 1)
        kinds = {(finding["kind"], finding["key"]) for finding in found["findings"]}
        self.assertIn(("changed", os.path.relpath(videos[0], box.store)), kinds)
        self.assertIn(("missing", os.path.relpath(videos[1], box.store)), kinds)
        os.rename(videos[1] + ".away", videos[1])
        with open(videos[0], "wb") as file:
            file.write(whole)
        self.assertEqual(self.verify("--folder", box.store)[0], 0)
        code, found = self.verify("--folder", box.store, public_key="A" * 43 + "=")
        self.assertEqual((code, [finding["kind"] for finding in found["findings"]]), (1, ["unsigned"]))

    def test_a_store_of_another_key(self):
        """A box that was reset cannot go on with its old record: its health says so, with what to do, until it has a store of its own."""
        box = self.fitted(**EVERY)
        self.filled(box, 1)
        self.recorded(box, 1)
        document = os.path.join(box.store, box.get("/system")["serialNumber"], "box.json")
        box.stop()
        with open(document) as file:
            own = file.read()
        with open(document, "w") as file:
            json.dump({**json.loads(own), "publicKey": "A" * 43 + "="}, file)
        box.start()
        told = lambda: [one["sentence"] for one in box.get("/health")["problems"] if "record that proves footage" in one["sentence"]]
        wait_for(told, 30, "the box to say that its record is not stored")
        self.assertIn("Give it a bucket or a folder of its own.", told()[0])
        with open(document, "w") as file:
            file.write(own)
        wait_for(lambda: not told(), 60, "the record to be stored")
        self.recorded(box, 1)

    def test_after_kills(self):
        """The record goes on after the box was killed at every step of it: no link twice, none missing."""
        box = self.fitted(**EVERY)
        for number, point in enumerate(["upload.verified", "upload.row-stored", "chain.segment"], 1):
            with self.subTest(point=point):
                box.stop()
                box.start({"GATEHOUSE_CRASH_AT": point})
                box.await_picture(*box.channels)
                box.trigger(box.channels[0])
                box.await_death(60, f"the box's end at {point}")
                box.start()
                box.await_picture(*box.channels)
                wait_for(lambda: len(stored(Folder(box.store))) == number, 60, f"{number} clips in the store")
                self.recorded(box, number)
                code, found = self.verify("--folder", box.store)
                self.assertEqual((code, found["findings"], found["links"]), (0, [], number), found)

    def test_replaced_box(self):
        """A new box knows the old one's footage from the bucket alone, and plays it."""
        store = self.kept(FaultyS3())
        box = self.fitted(store, **EVERY, **{"storage.allow-http": True})
        self.filled(box, 3)
        self.recorded(box, 3)
        clips = {clip["id"]: clip for clip in (box.clip(event["clipId"]) for event in box.get("/events")["items"])}
        box.stop()
        store.page = 4  # several pages of the list
        place = ["--bucket", BUCKET, "--endpoint", store.endpoint, "--region", REGION]
        keys = (ACCESS_KEY, SECRET_KEY)
        code, found = self.verify(*place, keys=keys)
        self.assertEqual((code, found["clips"]), (0, 3), found)
        new = self.box(**EVERY, **{"storage.allow-http": True})
        new.claim()
        new.call("PUT", "/storage/target", store.target())
        new.stop()
        code, out, err = footage("restore", *place, "--state", new.state, keys=keys)
        self.assertEqual(code, 0, err)
        self.assertIn("3 clips and 3 events restored", out)
        new.start()
        restored = {clip["id"]: clip for clip in (new.clip(event["clipId"]) for event in new.get("/events")["items"])}
        self.assertEqual(set(restored), set(clips))
        for name, clip in restored.items():
            self.assertEqual((clip["state"], clip["sha256"], clip["startsAt"]), ("stored", clips[name]["sha256"], clips[name]["startsAt"]))
        code, _, err = footage("verify", *place, keys=(ACCESS_KEY, "wrong" * 8))
        self.assertEqual(code, 2)
        self.assertIn("secret key", err)

    def test_moto(self):
        """The same in a bucket of another make."""
        try:
            moto = self.kept(Moto())
        except (OSError, subprocess.SubprocessError) as error:
            self.skipTest(f"moto cannot be installed: {error}")
        urllib.request.urlopen(urllib.request.Request(f"{moto.endpoint}/{BUCKET}", method="PUT"), timeout=30).close()
        box = self.fitted(storage__folder=None, **EVERY)
        box.call("PUT", "/storage/target", FaultyS3.target(moto, region="us-east-1", prefix="box-one/"))
        self.filled(box, 1)
        record = self.recorded(box, 1)
        code, found = self.verify("--bucket", BUCKET, "--endpoint", moto.endpoint, "--prefix", "box-one", public_key=record["publicKey"],
                                  keys=(ACCESS_KEY, SECRET_KEY))
        self.assertEqual((code, found["findings"], found["clips"]), (0, [], 1), found)
