"""Exports: a time cut out of several cameras' footage, as files that play, that can be fetched in pieces, and that say what they are."""

import base64
import datetime
import hashlib
import io
import json
import os
import re
import subprocess
import time
import zipfile

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from box import PASSWORD, USER, binary
from case import Case
from client import Problem
from devices import DeviceCase
from footage import Footage, moment
from waiting import wait_for

QUICK = {"recording.seconds-before": 1, "recording.seconds": 6, "storage.checkpoint-seconds": 2}


def text(seconds):
    """A moment as the API takes it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Cutting:
    """Exports of the box `made`."""

    def cut(self, channels, from_, to, **more):
        """A finished export."""
        made = self.made.call("POST", "/exports", {"channelIds": [one["id"] for one in channels], "from": text(from_), "to": text(to), **more})
        self.addCleanup(self.made.client.request, "DELETE", f"/exports/{made['id']}")

        def look():
            found = self.made.get(f"/exports/{made['id']}")
            return found if found["state"] in ("ready", "failed") else None
        return wait_for(look, 60, "the export")

    def fetch(self, file, **headers):
        """A file's bytes."""
        return self.made.client.request("GET", file["url"].removeprefix("/api/v1"), headers=headers)

    def saved(self, file):
        """A file as footage."""
        path = os.path.join(self.folder(), file["name"])
        with open(path, "wb") as target:
            target.write(self.fetch(file).body)
        return Footage(path)


class Exports(Cutting, Case):
    """A box with two cameras, two clips of the first and one of the second."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(2, audio="pcma", key_interval=2)
        cls.made = box = cls.class_box(**QUICK)
        box.claim()
        cls.channels = [box.add_camera(camera, name=name, sub=False) for camera, name in zip(cls.cameras.cameras, ("Front", "Yard"), strict=True)]
        for channel in cls.channels:
            box.link(channel, "custom", resolution="CIF", bitRate=256_000)  # smaller than the camera's, so that all clips are encoded alike
        box.await_past(1, *cls.channels)
        clips = []
        for channel in (*cls.channels, cls.channels[0]):
            clips.append(box.await_stored(box.trigger(channel), seconds=90))
        cls.first, cls.other, cls.second = clips

    def span(self, clip):
        """When a clip begins and ends."""
        begin = moment(clip["startsAt"])
        return begin, begin + clip["durationSeconds"]

    def test_whole(self):
        """Both clips of a camera are in one file, one right after the other; every picture and the sound decode."""
        begin, end = self.span(self.first)[0], self.span(self.second)[1]
        made = self.cut(self.channels[:1], begin, end)
        self.assertEqual((made["state"], made["sentence"], made["progress"]), ("ready", None, 1))
        file, archive = made["files"]
        self.assertEqual((file["name"], file["contentType"], archive["contentType"]), ("front-1.mp4", "video/mp4", "application/zip"))
        self.assertEqual([piece["clipId"] for piece in file["pieces"]], [self.first["id"], self.second["id"]])
        footage = self.saved(file)
        self.assertEqual((footage.errors(), footage.sha256()), ("", file["sha256"]))
        lengths = sum(clip["durationSeconds"] for clip in (self.first, self.second))
        self.assertAlmostEqual(footage.length(), lengths, delta=0.3)
        self.assertEqual(footage.audio["codec_name"], "aac")
        self.assertAlmostEqual(file["pieces"][1]["startsAtSeconds"], self.first["durationSeconds"], delta=0.2)
        for piece, clip in zip(file["pieces"], (self.first, self.second), strict=True):
            self.assertAlmostEqual(moment(piece["from"]) - moment(clip["startsAt"]), 0, delta=0.2)

    def test_key_frame_and_exact(self):
        """As it is, footage begins at the key frame before; exactly, at the moment itself, with nothing of before in it."""
        begin = self.span(self.first)[0]
        wanted = begin + 3.2
        end = begin + 5.2
        plain, exact = (self.cut(self.channels[:1], wanted, end, exact=exact)["files"][0] for exact in (False, True))
        rough, fine = self.saved(plain), self.saved(exact)
        self.assertAlmostEqual(rough.length(), 3.2, delta=0.15)
        self.assertAlmostEqual(fine.length(), 2, delta=0.15)
        self.assertAlmostEqual(moment(exact["pieces"][0]["from"]) - wanted, 0, delta=0.11)
        for footage in (rough, fine):
            self.assertEqual(footage.errors(), "")
            times = footage.frame_times()
            self.assertLess(max(b - a for a, b in zip(times, times[1:])), 0.25)
        # The last second is of both the same pictures, not encoded anew.
        same = [hashlib.sha256(footage_packets).hexdigest() for footage_packets in (self.last_packets(rough), self.last_packets(fine))]
        self.assertEqual(*same)

    @staticmethod
    def last_packets(footage):
        """The bytes of the last five pictures, in the byte stream format without parameter sets."""
        found = subprocess.run(["ffmpeg", "-v", "error", "-i", footage.path, "-map", "0:v", "-c", "copy", "-bsf:v", "h264_mp4toannexb,filter_units=remove_types=6|7|8|9",
                                "-f", "framehash", "-"], capture_output=True, check=True, text=True)
        return "".join(line.rsplit(",", 1)[-1] for line in found.stdout.splitlines() if not line.startswith("#")).encode()[-5 * 65:]

    def test_pieces(self):
        """Files of a few seconds each, cut at key frames."""
        begin, end = self.span(self.first)
        made = self.cut(self.channels[:1], begin, end, pieceSeconds=10)
        self.assertEqual(len(made["files"]), 2)
        with self.assertRaises(Problem) as found:
            self.cut(self.channels[:1], begin, end, pieceSeconds=1)
        self.assertEqual(found.exception.slug, "invalid-request")

    def test_archive_and_evidence(self):
        """The ZIP of two cameras has their files, a note, and a manifest that the box signed and that the chain bears out."""
        begin, end = self.span(self.first)[0], self.span(self.second)[1]

        def verified():
            made = self.cut(self.channels, begin, end)
            pieces = [piece for file in made["files"] for piece in file["pieces"]]
            return made if all(piece["evidence"]["isVerified"] for piece in pieces) else None
        made = wait_for(verified, 60, "links in the signed record", every=1)
        archive = made["files"][-1]
        answer = self.fetch(archive)
        self.assertEqual((len(answer.body), hashlib.sha256(answer.body).hexdigest()), (archive["sizeBytes"], archive["sha256"]))
        with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
            self.assertIsNone(packed.testzip())
            self.assertEqual(set(packed.namelist()), {"note.txt", "manifest.json", "manifest.sig", "front-1.mp4", "yard-1.mp4"})
            manifest = packed.read("manifest.json")
            note, signature = packed.read("note.txt").decode(), base64.b64decode(packed.read("manifest.sig"))
            told = json.loads(manifest)
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.made.get("/storage/chain")["publicKey"]))
            key.verify(signature, manifest)
            with self.assertRaises(InvalidSignature):
                key.verify(signature, manifest.replace(b"front-1", b"front-2"))
            for file in told["files"]:
                self.assertEqual(hashlib.sha256(packed.read(file["name"])).hexdigest(), file["sha256"])
                self.assertIn(file["sha256"], note)
        self.assertIn(USER, note)
        self.assertEqual({piece["evidence"]["sha256"] for file in told["files"] for piece in file["pieces"]}, {self.first["sha256"], self.second["sha256"], self.other["sha256"]})

    def test_fetched_in_pieces(self):
        """A download that broke off goes on, and only with the same file."""
        file = self.cut(self.channels[:1], *self.span(self.first))["files"][0]
        whole = self.fetch(file)
        tag = whole.headers["etag"]
        self.assertEqual(tag, f'"{file["sha256"]}"')
        self.assertIn("attachment", whole.headers["content-disposition"])
        rest = self.fetch(file, **{"Range": "bytes=1000-", "If-Range": tag})
        self.assertEqual((rest.status, whole.body[:1000] + rest.body), (206, whole.body))
        self.assertEqual(self.fetch(file, **{"Range": "bytes=1000-", "If-Range": '"other"'}).status, 200)
        self.assertEqual(self.fetch(file, **{"Range": f"bytes={file['sizeBytes']}-"}).status, 416)
        for name in ("other.mp4", "..%2F..%2Fbox.sqlite", "%2e%2e"):
            self.assertIn(self.made.client.request("GET", f"{os.path.dirname(file['url'])}/{name}".removeprefix("/api/v1")).status, (400, 404))

    def test_nothing_there(self):
        """Where nothing was recorded the export fails with a sentence; what is removed is gone from the disk."""
        begin = self.span(self.first)[0] - 3 * 3600
        made = self.cut(self.channels[:1], begin, begin + 60)
        self.assertEqual((made["state"], made["sentence"]), ("failed", "There is no footage in this time."))
        folder = os.path.join(self.made.state, "exports")
        done = self.cut(self.channels[:1], *self.span(self.first))
        self.assertIn(done["id"], os.listdir(folder))
        self.made.call("DELETE", f"/exports/{done['id']}")
        self.assertNotIn(done["id"], os.listdir(folder))
        with self.assertRaises(Problem):
            self.made.get(f"/exports/{done['id']}")

    def test_bad_orders(self):
        """Too long, backwards, of no camera, of one twice."""
        begin, end = self.span(self.first)
        one = self.channels[0]["id"]
        for body in ({"channelIds": [one], "from": text(end), "to": text(begin)}, {"channelIds": [one], "from": text(begin - 2 * 86400), "to": text(end)},
                     {"channelIds": [one, one], "from": text(begin), "to": text(end)}, {"channelIds": [], "from": text(begin), "to": text(end)},
                     {"channelIds": [one], "from": "yesterday", "to": text(end)}, {"from": text(begin), "to": text(end)}):
            with self.subTest(body), self.assertRaises(Problem) as found:
                self.made.call("POST", "/exports", body)
            self.assertEqual(found.exception.slug, "invalid-request")
        with self.assertRaises(Problem) as found:
            self.made.call("POST", "/exports", {"channelIds": ["nobody"], "from": text(begin), "to": text(end)})
        self.assertEqual(found.exception.status, 404)

    def command(self, *arguments):
        """`gatehouse` with the box's address."""
        address = f"http://127.0.0.1:{self.made.client.port}"
        return subprocess.run([binary(), arguments[0], address, *arguments[1:], "--user", USER], capture_output=True, timeout=120,
                              env={**os.environ, "GATEHOUSE_PASSWORD": PASSWORD})

    def test_command_line(self):
        """`gatehouse export` asks, waits, fetches and compares; `gatehouse play` plays what was recorded, and live."""
        folder = self.folder()
        begin, end = self.span(self.first)
        done = self.command("export", "--cameras", "Front", "--from", text(begin), "--to", text(end), "--output", folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(Footage(os.path.join(folder, "front-1.mp4")).errors(), "")
        wrong = self.command("export", "--cameras", "Nobody", "--from", text(begin), "--to", text(end), "--output", folder)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn(b"There are: Front, Yard", wrong.stderr)
        played = self.command("play", "Front", "--at", text(begin))
        path = os.path.join(folder, "played.mp4")
        with open(path, "wb") as file:
            file.write(played.stdout)
        self.assertEqual((played.returncode, Footage(path).errors()), (0, ""))


class OfDeviceH265(Cutting, DeviceCase):
    """What a device has recorded in H.265, cut at the moment itself: two encoders' pictures in one file."""

    @classmethod
    def setUpClass(cls):
        cls.simulator = cls.class_devices("--device", "onvif,recordings=timing", "--codec", "h265")
        cls.made = cls.class_device_box()
        cls.channel = cls.made.channels_of(cls.made.onboard(cls.simulator.device)[0])[1]
        cls.made.await_picture(cls.channel)

    def test_exact(self):
        """It begins where it was asked to, is the camera's own from the next key frame on, and decodes without a word."""
        begin = time.time() // 2 * 2 - 600 + 0.7
        footage = self.exact(begin)
        # A device tells its clock in whole seconds, so where its key frames lie is known as well as that; one of two moments is not at one.
        if len(self.sequence_parameter_sets(footage)) == 1:
            footage = self.exact(begin + 0.5)
        self.assertEqual(len(self.sequence_parameter_sets(footage)), 2, "pictures of two encoders")
        # Little changes from one picture to the next: at a seam that decodes to something else much would.
        pictures = footage.pictures().astype(np.int16)
        self.assertLess(np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2)).max(), 8)
        self.assertGreater(pictures.std(axis=(1, 2)).min(), 10)

    def exact(self, begin):
        """Six seconds of it, which begin there."""
        made = self.cut([self.channel], begin, begin + 6, exact=True)
        self.assertEqual((made["state"], made["sentence"]), ("ready", None))
        footage = self.saved(made["files"][0])
        self.assertEqual((footage.video["codec_name"], footage.video["codec_tag_string"]), ("hevc", "hev1"))
        self.assertEqual(footage.errors(), "")
        self.assertAlmostEqual(footage.length(), 6, delta=0.15)
        self.assertAlmostEqual(moment(made["files"][0]["pieces"][0]["from"]) - begin, 0, delta=0.1)
        times = footage.frame_times()
        self.assertLess(max(after - before for before, after in zip(times, times[1:])), 0.2)
        return footage

    @staticmethod
    def sequence_parameter_sets(footage):
        """The different ones of a file (ITU-T H.265, 7.4.2.2: NAL unit type 33)."""
        stream = subprocess.run(["ffmpeg", "-v", "error", "-i", footage.path, "-map", "0:v", "-c", "copy", "-bsf:v", "hevc_mp4toannexb", "-f", "hevc", "-"],
                                capture_output=True, check=True).stdout
        units = [unit.rstrip(b"\0") for unit in re.split(rb"\x00\x00\x00?\x01", stream)[1:]]
        return {unit for unit in units if unit[0] >> 1 & 63 == 33}
