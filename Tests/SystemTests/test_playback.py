"""Playback by a time bar: what there is of a channel, and its pictures from any moment on, wherever they lie."""

import datetime
import json
import os
import subprocess
import time
import urllib.parse
import zoneinfo

from box import PASSWORD, USER
from case import Case
from client import Problem
from footage import Footage, moment, run
from refill_case import RefillCase
from test_live import Viewer
from waiting import wait_for


def text(seconds):
    """Seconds since 1970 as the API writes them."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Playing:
    """What tests of playback need of a box."""

    @staticmethod
    def timeline(box, channel, since, until):
        """What there is between two moments."""
        return box.get(f"/channels/{channel['id']}/timeline?from={text(since)}&to={text(until)}")

    @staticmethod
    def begin(box, channel, since, **more):
        """Begin a playback."""
        return box.call("POST", f"/channels/{channel['id']}/playback", {"from": text(since), **more})

    @staticmethod
    def fetch(box, session, **query):
        """An answer with all its bytes."""
        address = session["mp4Url"].removeprefix("/api/v1") + "".join(f"&{key}={urllib.parse.quote(str(value))}" for key, value in query.items())
        return box.client.request("GET", address, token=None, timeout=120)

    def played(self, box, session, **query):
        """What is played, as a file that ffmpeg decodes without a complaint; its pictures as (real time, kind)."""
        answer = self.fetch(box, session, **query)
        self.assertEqual(answer.status, 200, answer.body[:300])
        self.assertRegex(answer.headers["content-type"], r'^video/mp4; codecs="avc1\.[0-9a-f]{6}(, mp4a\.40\.2)?"$')
        path = os.path.join(self.folder(), "played.mp4")
        with open(path, "wb") as file:
            file.write(answer.body)
        footage = Footage(path)
        # At a rate that varies: pictures of a millisecond, for the decoder's sake alone, would fall on one another in the null muxer's constant one.
        decoded = subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", path, "-map", "0", "-fps_mode", "vfr", "-f", "null", "-"],
                                 capture_output=True, text=True, timeout=300)
        self.assertEqual(decoded.stderr, "")
        found = run("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time,pict_type", "-of", "json", path)
        origin = moment(session["origin"])
        pictures = [(origin + float(one["pts_time"]), one["pict_type"]) for one in json.loads(found)["frames"]]
        times = [at for at, _ in pictures]
        self.assertEqual(times, sorted(set(times)), "times rise")
        return footage, pictures


    def played_through(self, box, session, until):
        """The times of all pictures up to a moment, as a player gets them: where an answer ends, it asks for what follows."""
        times, query = [], {}
        while not times or times[-1] < until:
            more = [at for at, _ in self.played(box, session, **query)[1] if not times or at > times[-1]]
            self.assertTrue(more, f"nothing behind {times[-1:]}")
            times += more
            query = {"from": text(times[-1] + 0.07)}
        return times


class Clips(Playing, Case):
    """Two clips in the store with a gap between them, of a camera with G.711 sound."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(size="640x360", rate=15, bitrate=500, key_interval=2, sub="320x180", audio="pcma")
        cls.made = box = cls.class_box()
        box.claim()
        cls.channel = box.add_camera(cls.cameras.cameras[0])
        box.call("PATCH", f"/channels/{cls.channel['id']}", {"motion": {"enabled": False}})
        box.link(cls.channel, "custom", resolution="CIF", bitRate=160000)
        box.await_past(3, cls.channel)
        cls.clips = []
        for _ in range(2):
            clip = box.await_stored(box.trigger(cls.channel, "manual"))
            cls.clips.append(clip)
            # The next one begins two seconds before its event.
            wait_for(lambda clip=clip: time.time() > moment(clip["startsAt"]) + clip["durationSeconds"] + 5, 20, "a gap")
        cls.starts = [moment(clip["startsAt"]) for clip in cls.clips]
        cls.ends = [start + clip["durationSeconds"] for start, clip in zip(cls.starts, cls.clips)]
        assert cls.starts[1] > cls.ends[0] + 1, "there is a gap between the clips"

    def test_timeline(self):
        """The time line has both clips where they are, as events in the cloud; the day is marked in the site's zone."""
        line = self.timeline(self.made, self.channel, self.starts[0] - 60, self.ends[1] + 60)
        self.assertEqual([(one["kind"], one["source"], one["clipId"], one["type"], one["playable"], one["encrypted"]) for one in line["spans"]],
                         [("event", "cloud", clip["id"], "manual", True, False) for clip in self.clips])
        for one, start, end in zip(line["spans"], self.starts, self.ends):
            self.assertAlmostEqual(moment(one["from"]), start, delta=0.002)
            self.assertAlmostEqual(moment(one["to"]), end, delta=0.002)
        self.assertIsNone(line["sentence"])
        day = datetime.datetime.fromtimestamp(self.starts[0], zoneinfo.ZoneInfo("Europe/Berlin"))
        days = self.made.get(f"/channels/{self.channel['id']}/timeline/days?month={day:%Y-%m}")
        self.assertIn(day.day, days["days"])
        self.assertEqual(days["timeZone"], "Europe/Berlin")
        self.assertEqual(self.made.get(f"/channels/{self.channel['id']}/timeline/days?month=2020-02")["days"], [])

    def test_wrong_queries(self):
        """Times that are none, too many days, months that are none."""
        path = f"/channels/{self.channel['id']}/timeline"
        for query in ("", "?from=x&to=y", f"?from={text(0)}&to={text(86400 * 32)}", f"?from={text(10)}&to={text(5)}", f"?from={text(0)}&to={text(9)}&a=b",
                      "/days?month=2026-13", "/days?month=x", "/days"):
            with self.subTest(query=query), self.assertRaises(Problem) as caught:
                self.made.get(path + query)
            self.assertEqual(caught.exception.status, 422)

    def test_plays_through_the_gap(self):
        """One answer has both clips whole, picture and sound, on one rising time line that jumps where the gap is."""
        session = self.begin(self.made, self.channel, self.starts[0] - 5)
        self.assertEqual((session["action"], session["local"], session["endsAt"]), ("playback", True, None))
        footage, pictures = self.played(self.made, session)
        times = [at for at, _ in pictures]
        self.assertEqual(len(times), sum(len(Footage(os.path.join(self.made.store, clip["objectKey"])).frame_times()) for clip in self.clips))
        self.assertAlmostEqual(times[0], self.starts[0], delta=0.01)
        self.assertAlmostEqual(times[-1], self.ends[1], delta=0.25)
        jumps = [(before, after) for before, after in zip(times, times[1:]) if after - before > 0.5]
        self.assertEqual(len(jumps), 1, jumps)
        self.assertAlmostEqual(jumps[0][0], self.ends[0], delta=0.25)
        self.assertAlmostEqual(jumps[0][1], self.starts[1], delta=0.01)
        self.assertEqual(footage.audio["codec_name"], "aac")
        sound = [moment(session["origin"]) + at for at in footage.packet_times("a")]
        self.assertEqual(sound, sorted(sound))
        self.assertLess(abs(sound[0] - times[0]), 0.3)
        self.assertFalse([at for at in sound if self.ends[0] + 0.3 < at < self.starts[1] - 0.05], "sound in the gap")

    def test_seeks(self):
        """From any moment: the answer begins with the key frame at or before it."""
        session = self.begin(self.made, self.channel, self.starts[0])
        for start, into in ((self.starts[1], 3.3), (self.starts[0], 4.7), (self.starts[0], 0.4)):
            with self.subTest(into=into):
                _, pictures = self.played(self.made, session, **{"from": text(start + into)})
                self.assertEqual(pictures[0][1], "I")
                self.assertLessEqual(pictures[0][0], start + into + 0.001)
                self.assertGreater(pictures[0][0], start + into - 4.2)

    def test_key_frames_only(self):
        """Above four times the pace only key frames come, without sound, at their true times."""
        session = self.begin(self.made, self.channel, self.starts[0], speed=8)
        footage, pictures = self.played(self.made, session)
        self.assertIsNone(footage.audio)
        self.assertEqual({kind for _, kind in pictures}, {"I"})
        self.assertGreaterEqual(len(pictures), 4)
        self.assertAlmostEqual(pictures[0][0], self.starts[0], delta=0.01)
        self.assertTrue(any(abs(at - self.starts[1]) < 0.01 for at, _ in pictures))
        _, slow = self.played(self.made, session, speed=2)
        self.assertGreater(len(slow), len(pictures) * 3)

    def test_nothing_there(self):
        """Where nothing was recorded any more, and where a source has nothing, that is said."""
        session = self.begin(self.made, self.channel, self.ends[1] + 1)
        answer = self.fetch(self.made, session)
        self.assertEqual((answer.status, answer.problem().slug), (404, "nothing-recorded"))
        session = self.begin(self.made, self.channel, self.starts[0], source="device")
        answer = self.fetch(self.made, session)
        self.assertEqual((answer.status, answer.problem().slug), (404, "nothing-recorded"))
        for query in ({"from": "x"}, {"speed": 17}, {"speed": "x"}, {"from": text(0)}, {"other": 1}):
            with self.subTest(query=query):
                self.assertEqual(self.fetch(self.made, session, **query).status, 422)

    def test_tokens(self):
        """A token is good for playback of its channel alone, while its session lasts; forged ones and those of live views are none."""
        session = self.begin(self.made, self.channel, self.starts[0])
        live = self.made.call("POST", f"/channels/{self.channel['id']}/live", {})
        for path in ("/playback/stream.mp4?token=", "/playback/stream.mp4?token=" + "A" * 43, "/playback/stream.mp4", f"/playback/stream.mp4?token={live['token']}",
                     f"/live/stream.mp4?token={session['token']}", f"/live/hls/index.m3u8?token={session['token']}", f"/live/stream.mjpeg?token={session['token']}"):
            with self.subTest(path=path):
                answer = self.made.client.request("GET", path, token=None)
                self.assertEqual((answer.status, answer.problem().slug), (403, "live-over"))
        listed = {one["id"]: one["action"] for one in self.made.get("/live")["items"]}
        self.assertEqual((listed[session["id"]], listed[live["id"]]), ("playback", "live"))
        self.assertEqual(self.fetch(self.made, session).status, 200)
        self.made.call("DELETE", f"/live/{session['id']}")
        self.assertEqual(self.fetch(self.made, session).status, 403)
        self.made.call("DELETE", f"/live/{live['id']}")

    def test_ends_with_the_sign_in(self):
        """The session ends with the sign-in that began it; viewers from afar have the limit of live views."""
        other = self.made.call("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None)["token"]
        session = self.made.call("POST", f"/channels/{self.channel['id']}/playback", {"from": text(self.starts[0])}, token=other,
                                 headers={"X-Forwarded-For": "203.0.113.7"})
        self.assertEqual(round(moment(session["endsAt"]) - moment(session["startedAt"])), 300)
        self.assertEqual(self.fetch(self.made, session).status, 200)
        self.made.call("DELETE", "/session", token=other)
        wait_for(lambda: self.fetch(self.made, session).status == 403, 5, "the playback's end")


class Encrypted(Playing, Case):
    """Clips of a site whose footage is encrypted."""

    def test_opens_with_the_code(self):
        """Without the code nothing comes, with a wrong one neither, with the right one pictures and sound."""
        simulator = self.simulator(size="320x240", rate=10, bitrate=200, key_interval=2, audio="pcma")
        box = self.box()
        box.claim()
        code = box.call("PUT", "/storage/encryption", {"enabled": True})["code"]
        channel = box.add_camera(simulator.camera)
        box.call("PATCH", f"/channels/{channel['id']}", {"motion": {"enabled": False}})
        box.link(channel, "custom", resolution="CIF", bitRate=160000)
        box.await_past(3, channel)
        clip = box.await_stored(box.trigger(channel, "manual"))
        start = moment(clip["startsAt"])
        self.assertTrue(self.timeline(box, channel, start - 10, start + 60)["spans"][0]["encrypted"])
        for body, slug in (({}, "footage-locked"), ({"code": "AAAA-BBBB-CCCC-DDDD"}, "wrong-code")):
            answer = self.fetch(box, self.begin(box, channel, start, **body))
            self.assertEqual((answer.status, answer.problem().slug), (403, slug))
        footage, pictures = self.played(box, self.begin(box, channel, start + 3.2, code=code))
        self.assertGreater(len(pictures), 20)
        self.assertEqual(footage.audio["codec_name"], "aac")


class BothSources(Playing, RefillCase):
    """A range that is part in the cloud and part on the device."""

    def await_clip(self, box, channel):
        """A clip in the store with ten seconds on the device before and some behind it; when it starts and ends."""
        clip = box.await_stored(box.trigger(channel, "manual"))
        start = moment(clip["startsAt"])
        end = start + clip["durationSeconds"]
        wait_for(lambda: time.time() > end + 6, 20, "footage on the device behind the clip")
        return start, end

    def check(self, kind):
        """Plays from the device's recording through the clip into the device's recording again; simulator, box, channel, times."""
        simulator, box, (channel,) = self.set_up(f"{kind},recordings=timing")
        start, end = self.await_clip(box, channel)
        line = self.timeline(box, channel, start - 30, end + 1)
        self.assertEqual([(one["kind"], one["source"]) for one in line["spans"]], [("time", "device"), ("event", "cloud")], line)
        self.assertIsNone(line["sentence"])
        session = self.begin(box, channel, start - 4)
        return simulator, box, channel, (start, end), session

    def test_onvif(self):
        """By time, at true times; the clip's sound is another than the recordings', so that each is an answer of its own."""
        simulator, box, channel, (start, end), session = self.check("onvif")
        times = self.played_through(box, session, end + 3)
        self.assertLessEqual(times[0], start - 4 + 0.1)
        self.assertGreater(times[0], start - 4 - 2.3)
        self.assertLess(max(after - before for before, after in zip(times, times[1:])), 0.7)
        fast = [at for at, _ in self.played(box, self.begin(box, channel, start - 20, speed=16))[1]]
        self.assertGreaterEqual(sum(at < start for at in fast), 8)
        self.assertIn("intra", [one.get("frames") for one in simulator.device.state()["replay"]["requests"] if one["method"] == "PLAY"])
        wait_for(lambda: simulator.device.state()["replay"]["sessions"] == 0, 10, lambda: "the end of the sessions")

    def test_isapi(self):
        """By the address of a track, at the device's pace, all in one answer."""
        _, box, _, (start, end), session = self.check("camera")
        times = [at for at, _ in self.played(box, session)[1]]
        self.assertLess(max(after - before for before, after in zip(times, times[1:])), 0.7)
        # The device is asked by whole seconds, begins with a key frame, and says no times.
        self.assertLess(abs(times[0] - (start - 4)), 1)
        self.assertGreater(times[-1], end + 2)

    def test_ended_session_ends_the_answer(self):
        """An answer that goes on ends within seconds with its session, and the device's session with it."""
        simulator, box, (channel,) = self.set_up("camera,recordings=timing")
        session = self.begin(box, channel, time.time() - 600, source="device")
        viewer = self.kept(Viewer(box.client, session))
        self.assertEqual(viewer.status, 200)
        viewer.await_bytes(1000)
        box.call("DELETE", f"/live/{session['id']}")
        self.assertTrue(viewer.over.wait(5), "the pictures go on")

    def test_device_away(self):
        """A device that is not there: the box's clips are told of and played, and a sentence says what is missing, soon."""
        simulator, box, (channel,) = self.set_up("onvif,recordings=timing")
        start, end = self.await_clip(box, channel)
        simulator.device.fault("stop")
        self.await_absence(box, channel)
        began = time.monotonic()
        line = self.timeline(box, channel, start - 30, time.time() + 60)
        self.assertLess(time.monotonic() - began, 12)
        self.assertEqual([one["source"] for one in line["spans"]], ["cloud"])
        self.assertIn("device", line["sentence"])
        self.assertTrue(any(one["reason"] for one in line["gaps"]), line)
        _, pictures = self.played(box, self.begin(box, channel, start + 1, source="box"))
        self.assertAlmostEqual(pictures[-1][0], end, delta=0.3)
        answer = self.fetch(box, self.begin(box, channel, start + 1))
        self.assertEqual(answer.status, 200)
        answer = self.fetch(box, self.begin(box, channel, end + 1))
        self.assertEqual((answer.status, answer.problem().slug), (503, "footage-away"))
