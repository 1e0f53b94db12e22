"""How events become clips: extension, picture size, order of states, playing by range, and TLS, all with short recordings."""

import os
import socket
import ssl

from case import Case
from client import Problem
from clip_case import ClipCase
from footage import moment
from simulator import Line
from waiting import shorten, wait_for

ORDER = ("recording", "captured", "transcoding", "queued", "sending", "stored")


class Recording(ClipCase):
    """2 s before the event, 6 s long."""

    @classmethod
    def setUpClass(cls):
        cls.small = cls.class_small_cameras(2).cameras
        cls.wide = cls.class_simulator(no_sub=True, scene="office").camera
        cls.box_under_test = box = cls.class_box()
        box.claim()
        cls.channel, cls.other = (box.add_camera(camera) for camera in cls.small)
        cls.wide_channel = box.add_camera(cls.wide)
        box.link(cls.channel)
        box.link(cls.other, "custom", resolution="CIF", bitRate=160000)
        box.link(cls.wide_channel, "standard")
        box.await_past(2, cls.channel, cls.other, cls.wide_channel)

    def test_a_further_event_extends(self):
        """An event during a recording makes it longer, and both events have the same clip."""
        box = self.box_under_test
        first = box.trigger(self.other, "motion")
        wait_for(lambda: box.event(first)["state"] == "recording", 10, "the recording")
        wait_for(lambda: moment(box.get("/system")["now"]) - moment(first["startedAt"]) > 2.5, 10, "2.5 s")
        second = box.trigger(self.other, "input")
        clip = box.await_stored(second)
        self.assertEqual(box.event(first)["clipId"], clip["id"])
        self.assertEqual(sorted(clip["eventIds"]), sorted([first["id"], second["id"]]))
        self.assertEqual([box.event(event)["type"] for event in (first, second)], ["motion", "input"])
        between = moment(second["startedAt"]) - moment(first["startedAt"])
        self.check_beginning(clip, first, 2)
        self.assertAlmostEqual(clip["durationSeconds"], 6 + between, delta=0.15)
        self.check_video(self.stored_file(box, clip), clip, 352, 198, clip["frameRate"], 6 + between)

    def test_square_pixels(self):
        """16:9 goes into 704x576 without stretching: 704x396 with square pixels."""
        box = self.box_under_test
        clip = box.await_stored(box.trigger(self.wide_channel))
        footage = self.stored_file(box, clip)
        self.check_video(footage, clip, 704, 396, 10, 6)
        self.assertIn(footage.video.get("sample_aspect_ratio", "1:1"), ("1:1", "0:1", "N/A"))

    def test_never_larger(self):
        """A camera of 640x360 linked in high definition is not made larger."""
        box = self.box_under_test
        clip = box.await_stored(box.trigger(self.channel))
        self.assertEqual((clip["width"], clip["height"]), (640, 360))

    def test_states_come_in_order(self):
        """The stream of server-sent events tells each state of an event in its order, up to stored, and the clip's too."""
        box = self.box_under_test
        stream = box.client.stream()
        self.addCleanup(stream.close)
        self.assertTrue(stream.content_type.startswith("text/event-stream"), stream.content_type)
        event = box.trigger(self.other)
        seen = lambda: [one["state"] for one in stream.of("event") if one["id"] == event["id"]]
        wait_for(lambda: "stored" in seen(), 60, lambda: f"the event to be stored; it was {seen()}")
        ranks = [ORDER.index(state) for state in seen()]
        self.assertEqual(ranks, sorted(ranks), f"states went back: {seen()}")
        self.assertLessEqual({"recording", "queued", "stored"}, set(seen()) | {"queued"}, seen())
        clip = box.event(event)["clipId"]
        wait_for(lambda: [one for one in stream.of("clip") if one["id"] == clip and one["state"] == "stored"], 10,
                 lambda: f"the clip's last state on the stream: {[one['state'] for one in stream.of('clip') if one['id'] == clip]}")
        last = [one for one in stream.of("event") if one["id"] == event["id"]][-1]
        self.assertEqual(set(last), set(box.event(event)), "a message is the whole object as GET gives it")
        self.assertTrue(stream.of("channel"), "the channel's recording light was told")

    def test_many_listeners_and_sign_out(self):
        """Twenty listeners hear the same, and a listener that left leaves nothing behind."""
        box = self.box_under_test
        streams = [box.client.stream() for _ in range(20)]
        for stream in streams:
            self.addCleanup(stream.close)
        event = box.trigger(self.channel)
        for stream in streams:
            wait_for(lambda: [one for one in stream.of("event") if one["id"] == event["id"]], 15, "the event on each stream")
        for stream in streams[:10]:
            stream.close()
        box.await_stored(event)
        for stream in streams[10:]:
            wait_for(lambda: [one for one in stream.of("event") if one["id"] == event["id"] and one["state"] == "stored"], 15,
                     "the end on each remaining stream")

    def test_no_event_without_link_or_picture(self):
        """Where nothing can be recorded a trigger is refused with the reason."""
        box = self.box_under_test
        channel = box.channel(box.add_device("rtsp://127.0.0.1:9/nothing", name="Dead")["channelIds"][0])
        self.addCleanup(box.call, "DELETE", f"/devices/{channel['deviceId']}")
        with self.assertRaises(Problem) as caught:
            box.trigger(channel)
        self.assertEqual((caught.exception.status, bool(caught.exception.detail)), (409, True))
        box.link(channel)
        with self.assertRaises(Problem) as caught:
            box.trigger(channel)
        self.assertEqual(caught.exception.status, 409, caught.exception)
        self.assertTrue(caught.exception.detail)

    def test_armed_and_area(self):
        """What moves is kept only while the channel is armed and where the motion area is."""
        box, camera = self.box_under_test, self.small[0]
        path = f"/channels/{self.channel['id']}"
        self.addCleanup(box.call, "PATCH", path, {"armed": True, "motion": {"enabled": False, "cells": ["1" * 22] * 18}})
        listed = f"/events?channel={self.channel['id']}"
        newest = lambda: [one["id"] for one in box.get(listed)["items"] if one["type"] == "motion"][:1]

        def walk():
            times = camera.motion(2)["motions"]
            wait_for(lambda: camera.state()["motions"] == times and camera.state()["moving"], 10, "the figure")
            wait_for(lambda: not camera.state()["moving"], 10, "the figure's end")

        upper = ["1" * 22] * 6 + ["0" * 22] * 12
        for settings, expected in (({"armed": False}, False), ({"armed": True, "motion": {"cells": upper}}, False),
                                   ({"motion": {"cells": ["1" * 22] * 18}}, True)):
            with self.subTest(settings=settings):
                box.call("PATCH", path, {"motion": {"enabled": True}})
                box.call("PATCH", path, settings)
                before = newest()
                walk()
                if expected:
                    wait_for(lambda: newest() != before, 5, "an event")
                else:
                    self.assertEqual(newest(), before)

    def test_udp(self):
        """A camera received by UDP gives the same clip."""
        box = self.box(**{"recording.seconds-before": 1, "recording.seconds": 4})
        box.claim()
        channel = box.add_camera(self.small[1], transport="udp")
        box.link(channel, "custom", resolution="CIF", bitRate=160000)
        box.await_past(1, channel)
        clip = box.await_stored(box.trigger(channel))
        self.check_video(self.stored_file(box, clip), clip, 352, 198, 10, 4)

    def test_deleted_while_recording(self):
        """A camera that is deleted during an event takes nothing with it: what was recorded is stored, and the spool is empty."""
        box = self.box()
        box.claim()
        channel = box.add_camera(self.small[1])
        box.link(channel)
        box.await_past(2, channel)
        event = box.trigger(channel)
        wait_for(lambda: box.event(event)["state"] == "recording", 10, "the recording")
        box.call("DELETE", f"/devices/{channel['deviceId']}")
        box.await_drained(30)
        self.assertEqual(box.get("/devices")["items"], [])
        self.assertEqual([clip["state"] for clip in box.get("/clips")["items"]], ["stored"])

    def test_budget(self):
        """More than 16 megapixels cannot be linked; the refusal has the numbers."""
        box = self.box()
        box.claim()
        lines = [self.kept(Line(self.wide.rtsp)) for _ in range(9)]
        channels = [box.add_camera(self.wide.through(line), f"Wide {number}") for number, line in enumerate(lines)]
        box.await_picture(*channels, seconds=60)
        refused = None
        for number, channel in enumerate(channels):
            try:
                box.link(channel)
            except Problem as problem:
                refused = (number, problem)
                break
        self.assertIsNotNone(refused, "nine channels of 2 megapixels are more than 16")
        self.assertGreaterEqual(refused[0], 7)
        self.assertEqual((refused[1].status, refused[1].slug), (409, "over-budget"))
        self.assertRegex(refused[1].detail, r"\d")


class Playing(Case):
    """GET /clips/ID/video and its ranges (RFC 9110), from the spool's successor, the store."""

    @classmethod
    def setUpClass(cls):
        camera = cls.class_small_cameras(1).camera
        cls.box_under_test = box = cls.class_box(http__tls=True)
        box.claim()
        channel = box.add_camera(camera)
        box.link(channel)
        box.await_picture(channel)
        event = box.trigger(channel)
        early = box.event(event)
        cls.early = box.client.request("GET", f"/clips/{early['clipId']}/video") if early["clipId"] else None
        cls.clip = box.await_stored(event)
        cls.whole = cls.read()

    @classmethod
    def read(cls, method="GET", headers=None, query=""):
        """The answer to a request for the video."""
        return cls.box_under_test.client.request(method, f"/clips/{cls.clip['id']}/video{query}", headers=headers)

    def test_whole(self):
        """Without a range the whole clip comes, as MP4, and says that ranges are welcome."""
        self.assertEqual((self.whole.status, self.whole.headers["content-type"]), (200, "video/mp4"))
        self.assertEqual((len(self.whole.body), self.whole.headers["accept-ranges"]), (self.clip["sizeBytes"], "bytes"))
        self.assertEqual(int(self.whole.headers["content-length"]), self.clip["sizeBytes"])

    def test_ranges(self):
        """First, middle, suffix, open, last byte, longer than the rest: each gives 206 with exactly its bytes."""
        body, size = self.whole.body, len(self.whole.body)
        for text, start, end in (("bytes=0-0", 0, 1), ("bytes=100-299", 100, 300), ("bytes=-500", size - 500, size),
                                 (f"bytes={size - 10}-", size - 10, size), ("bytes=0-", 0, size),
                                 (f"bytes={size - 1}-{size + 900}", size - 1, size),
                                 (f"bytes=-{size + 5}", 0, size), (f"bytes=5-{10 ** 18}", 5, size)):
            with self.subTest(range=text):
                answer = self.read(headers={"Range": text})
                self.assertEqual(answer.status, 206)
                self.assertEqual(answer.headers["content-range"], f"bytes {start}-{end - 1}/{size}")
                self.assertEqual(answer.body, body[start:end])

    def test_unsatisfiable(self):
        """A range beyond the end is 416 with the size; so is a suffix of nothing."""
        size = len(self.whole.body)
        for text in (f"bytes={size}-", f"bytes={size + 100}-{size + 200}", "bytes=-0"):
            with self.subTest(range=text):
                answer = self.read(headers={"Range": text})
                self.assertEqual((answer.status, answer.headers.get("content-range")), (416, f"bytes */{size}"))
                self.assertEqual(answer.problem().slug, "range-not-satisfiable")

    def test_invalid_is_ignored(self):
        """What is no byte range at all is ignored: 200 with the whole."""
        for text in ("bytes=5-2", "bytes=a-b", "bytes", "chickens=0-5", "bytes=", "bytes=-", "bytes=0x0-0x5"):
            with self.subTest(range=text):
                answer = self.read(headers={"Range": text})
                self.assertEqual((answer.status, len(answer.body)), (200, len(self.whole.body)))

    def test_head_and_download(self):
        """HEAD tells the size without a body; download=1 gives a file name."""
        head = self.read("HEAD")
        self.assertEqual((head.status, head.headers["content-length"], head.body), (200, str(len(self.whole.body)), b""))
        saved = self.read(query="?download=1", headers={"Range": "bytes=0-9"})
        self.assertRegex(saved.headers.get("content-disposition", ""), r'^attachment; filename.*\.mp4"?')

    def test_too_early(self):
        """While it is still being recorded the video is 409 with the reason."""
        if self.early is None:
            self.skipTest("the clip had no identifier yet when it was asked for")
        self.assertEqual(self.early.status, 409)
        self.assertTrue(self.early.problem().detail)

    def test_lists(self):
        """Events and clips are listed newest first, in pages, by channel, state and time; a thumbnail is a JPEG."""
        box, clip = self.box_under_test, self.clip
        self.assertEqual([one["id"] for one in box.get(f"/clips?channel={clip['channelId']}&state=stored")["items"]], [clip["id"]])
        self.assertEqual(box.get("/clips?state=dropped")["items"], [])
        self.assertEqual(box.get(f"/clips?to={clip['startsAt']}&from=2020-01-01T00:00:00.000Z")["items"][1:], [])
        self.assertEqual(box.get("/clips?from=2099-01-01T00:00:00.000Z")["items"], [])
        picture = box.client.request("GET", clip["thumbnailUrl"].removeprefix("/api/v1"))
        self.assertEqual((picture.headers["content-type"], picture.body[:2]), ("image/jpeg", b"\xff\xd8"))
        for path in ("/clips/nothing", "/clips/nothing/video", "/clips/nothing/thumbnail", "/events/nothing"):
            with self.subTest(path=path):
                self.assertEqual(box.client.request("GET", path).problem().slug, "not-found")
        self.assertGreater(clip["expiresAt"], clip["storedAt"], shorten(clip))


class Serving(Case):
    """TLS, HTTP/2 and the metrics."""

    def test_tls_and_http_2(self):
        """With a certificate made at first start the box speaks TLS, HTTP/2 where it is asked for, and keeps the certificate."""
        box = self.box(**{"http.tls": True})
        certificates = []
        for _ in range(2):
            for wanted, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1")):
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.set_alpn_protocols(wanted)
                with socket.create_connection((box.client.host, box.client.port), 10) as peer, context.wrap_socket(peer) as secure:
                    self.assertEqual(secure.selected_alpn_protocol(), chosen)
                    self.assertIn(secure.version(), ("TLSv1.2", "TLSv1.3"))
                    certificates.append(secure.getpeercert(binary_form=True))
            box.restart()
        self.assertEqual(len(set(certificates)), 1)
        key = [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(box.state, "tls")) for name in names]
        self.assertTrue(key)
        for path in [*key, os.path.join(box.state, "secret.key")]:
            self.assertFalse(os.stat(path).st_mode & 0o077 and "cert" not in path, f"{path} can be read by others")
        claimed = box.client.request("POST", "/setup/claim", {
            "setupCode": box.setup_code, "userName": "me", "password": "nine pink rafts", "siteName": "Here", "timeZone": "UTC"}, token=None)
        self.assertIn("secure", claimed.headers["set-cookie"].lower())

    def test_metrics(self):
        """Prometheus text for those who are signed in or have the metrics token."""
        box = self.box(**{"metrics.token": "a token for metrics"})
        box.claim()
        for token in (box.token, "a token for metrics"):
            answer = box.client.request("GET", "/metrics", token=token)
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.headers["content-type"].startswith("text/plain"), answer.headers)
        samples = [line for line in answer.body.decode().splitlines() if line and not line.startswith("#")]
        self.assertGreater(len(samples), 5)
        for line in samples:
            self.assertRegex(line, r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^}]*\})? [-+0-9.eEInfNa]+$')
        self.assertEqual(box.client.request("GET", "/system", token="a token for metrics").status, 401)
