"""Cameras that misbehave: the channel's state says what is wrong, the box lives, the others go on, memory stays flat."""

import os
import socketserver
import threading
import time

from case import Case
from footage import Footage, moment
from ports import free_port
from simulator import Line, OddCamera
from waiting import holds_for, resident_megabytes, shorten, wait_for

RECONNECTS = int(os.environ.get("GATEHOUSE_RECONNECTS", "60"))
LOST = ("refused", "unreachable", "lost", "silent", "connecting", "camera-busy", "camera-error", "no-video")


class CameraCase(Case):
    """One box with two good cameras of which one is made bad."""

    @classmethod
    def setUpClass(cls):
        cls.simulator = cls.class_small_cameras(2)
        cls.bad, cls.good = cls.simulator.cameras
        cls.box_under_test = box = cls.class_box(**{"recording.seconds-before": 1, "recording.seconds": 4})
        box.claim()
        cls.channel, cls.other = box.add_camera(cls.bad, "Bad"), box.add_camera(cls.good, "Good")
        for channel in (cls.channel, cls.other):
            box.link(channel, "custom", resolution="CIF", bitRate=160000)
        box.await_past(1, cls.channel, cls.other)

    def setUp(self):
        self.simulator.heal()
        self.box_under_test.await_picture(self.channel, self.other)
        self.addCleanup(self.others_go_on)
        self.addCleanup(self.simulator.heal)

    def others_go_on(self):
        """After each test: the same process lives, and the other camera never lost its picture."""
        box = self.box_under_test
        self.assertTrue(box.is_running(), box.log_end())
        self.assertEqual(box.starts, 1)
        self.assertEqual(box.channel(self.other)["state"]["code"], "ok", box.channel(self.other)["state"])

    def good_clip(self, event, seconds=60):
        """The stored clip of an event, playable from end to end."""
        box = self.box_under_test
        clip = box.await_stored(event, seconds)
        footage = Footage(os.path.join(box.store, clip["objectKey"]))
        self.assertEqual(footage.errors(), "", shorten(clip))
        times = footage.frame_times()
        self.assertEqual(times, sorted(set(times)), "times go up")
        return clip, footage


class Lost(CameraCase):
    """A camera that goes away and comes back."""

    def gone_and_back(self, fault, codes, **parameters):
        """Trouble while the fault is on, and a clip after it is off, all by itself."""
        box = self.box_under_test
        self.bad.fault(fault, **parameters)
        state = box.await_state(self.channel, codes)
        self.assertEqual(state["severity"], "trouble", state)
        self.assertTrue(state["sentence"].strip())
        clip = self.good_clip(box.trigger(self.other))[0]
        self.assertFalse(clip["interrupted"], "the other camera's recording was disturbed")
        self.bad.fault("none")
        box.await_state(self.channel, "ok")
        self.good_clip(box.trigger(self.channel))

    def test_unplugged(self):
        """A camera that refuses connections."""
        self.gone_and_back("stop", ("refused", "unreachable"))

    def test_hung(self):
        """A camera that keeps its connections and says nothing."""
        self.gone_and_back("hang", ("silent",))

    def test_sound_without_picture(self):
        """A camera that sends sound and no picture is down, and is told so."""
        self.gone_and_back("audio-only", ("no-video",))

    def test_returns_with_sound_only(self):
        """A camera that comes back from a restart with sound alone is down; when the picture comes it is up."""
        self.bad.fault("restart", seconds=1)
        self.bad.fault("audio-only")
        self.box_under_test.await_state(self.channel, ("no-video",), 40)
        self.bad.fault("none")
        self.box_under_test.await_state(self.channel, "ok")

    def test_picture_without_sound(self):
        """A camera whose sound ends goes on with the picture."""
        self.bad.fault("video-only")
        clip, footage = self.good_clip(self.box_under_test.trigger(self.channel))
        self.assertAlmostEqual(footage.length(), 4, delta=0.15)
        self.assertFalse(clip["asItCame"])

    def test_restart_during_an_event(self):
        """What was recorded before a camera's restart is kept, as far as it came."""
        box = self.box_under_test
        event = box.trigger(self.channel)
        wait_for(lambda: box.event(event)["state"] == "recording", 10, "the recording")
        wait_for(lambda: moment(box.get("/system")["now"]) - moment(event["startedAt"]) > 1.2, 10, "a second")
        self.bad.fault("restart", seconds=2)
        clip, footage = self.good_clip(event)
        self.assertGreater(footage.length(), 1.5)
        self.assertLess(footage.length(), 4.3)
        box.await_state(self.channel, "ok")
        self.assertTrue(clip["interrupted"] or footage.length() > 3.8, shorten(clip))


class WrongPassword(Case):
    """A password that the camera refuses."""

    def test_one_attempt_then_wait(self):
        """One attempt with a wrong password, then none until a person enters another; then the picture comes."""
        camera = self.simulator(cameras=1, size="640x360", rate=15, bitrate=500, key_interval=1, no_sub=True).camera
        line = self.kept(Line(camera.rtsp))
        box = self.box()
        box.claim()
        device = box.add_device(line.replaced(camera.rtsp), camera.user, "wrong")
        channel = box.channel(device["channelIds"][0])
        state = box.await_state(channel, "wrong-password")
        self.assertEqual(state["severity"], "trouble")
        self.assertIn("password", state["sentence"])
        attempts, refusals = line.connections, line.refusals
        self.assertEqual(attempts, 1, "one connection")
        self.assertLessEqual(refusals, 2, "one refusal without and one with the password")
        holds_for(lambda: line.connections == attempts, 6, "no further attempt")
        tried = box.call("POST", f"/devices/{device['id']}/test")
        self.assertEqual((tried["ok"], tried["code"]), (False, "wrong-password"), tried)
        failed = [step["name"] for step in tried["steps"] if step["ok"] is False]
        self.assertEqual(failed, ["sign-in"], tried["steps"])
        box.call("PATCH", f"/devices/{device['id']}", {"password": camera.password})
        box.await_state(channel, "ok")
        camera.fault("password", value="changed")
        line.cut()
        box.await_state(channel, "wrong-password")
        camera.fault("none")
        box.call("PATCH", f"/devices/{device['id']}", {"password": camera.password})
        box.await_state(channel, "ok")


class WrongAddress(Case):
    """Addresses behind which no stream is that the box can use."""

    def test_each_is_named(self):
        """A missing path, another codec, a closed port and something that is not RTSP each have their own code and sentence."""
        camera = self.simulator(cameras=1, size="640x360", rate=15, bitrate=500, key_interval=1, no_sub=True).camera
        odd = self.kept(OddCamera())
        box = self.box()
        box.claim()
        web = box.client.base.replace("http://", "rtsp://") + "/"
        signed_in = {"userName": camera.user, "password": camera.password}
        channels = {}
        for code, url, more in (("no-such-path", camera.rtsp + "-of-nobody", signed_in), ("unsupported-codec", odd.rtsp, {}),
                                ("refused", f"rtsp://127.0.0.1:{free_port()}/main", {}), ("not-rtsp", web, {})):
            with self.subTest(code=code):
                tried = box.call("POST", "/devices/test", {"url": url, **more}, timeout=60)
                self.assertEqual((tried["ok"], tried["code"]), (False, code), tried)
                self.assertTrue(tried["sentence"].strip())
                self.assertIsNone(tried["picture"])
                channels[code] = box.channel(box.call("POST", "/devices", {"name": code, "url": url, **more})["channelIds"][0])
        for code, channel in channels.items():  # and the same as the channel's state
            with self.subTest(state=code):
                codes = (code,) if code != "not-rtsp" else ("not-rtsp", "camera-error", "silent", "lost")
                state = box.await_state(channel, codes)
                self.assertEqual(state["severity"], "trouble", state)
                self.assertTrue(state["sentence"].strip())


class RedirectingCamera(socketserver.ThreadingTCPServer):
    """Answers each request of RTSP with another address, where `elsewhere` counts who comes."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.elsewhere, self.asked = Line(f"rtsp://127.0.0.1:{free_port()}/main"), []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    class Handler(socketserver.StreamRequestHandler):
        """One connection."""

        def handle(self):
            while line := self.rfile.readline():
                method, headers = line.split(b" ")[0].decode(), {}
                while (header := self.rfile.readline().strip()):
                    name, _, value = header.decode().partition(":")
                    headers[name.lower()] = value.strip()
                self.server.asked.append(method)
                port = self.server.elsewhere.port
                answer = "RTSP/1.0 200 OK\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY" if method == "OPTIONS" else (
                    f"RTSP/1.0 302 Moved Temporarily\r\nLocation: rtsp://127.0.0.1:{port}/main")
                self.wfile.write(f"{answer}\r\nCSeq: {headers.get('cseq', '0')}\r\nContent-Length: 0\r\n\r\n".encode())

    def close(self):
        """End it."""
        self.shutdown()
        self.server_close()
        self.elsewhere.close()


class Redirected(Case):
    """A camera that sends the box elsewhere."""

    def test_is_not_followed(self):
        """By TCP and by UDP, tried and onboarded: the box says so, and never goes to the address that a camera names, where its password would go too."""
        box = self.box()
        box.claim()
        for transport in ("tcp", "udp"):
            with self.subTest(transport=transport):
                camera = self.kept(RedirectingCamera())
                more = {"url": f"rtsp://127.0.0.1:{camera.server_address[1]}/main", "transport": transport, "userName": "viewer",
                        "password": "a password of its own"}
                tried = box.call("POST", "/devices/test", more, timeout=60)
                self.assertEqual((tried["ok"], tried["code"]), (False, "redirected"), tried)
                channel = box.channel(box.call("POST", "/devices", {"name": transport, **more})["channelIds"][0])
                state = box.await_state(channel, "redirected")
                self.assertIn("another address", state["sentence"])
                tries = camera.asked.count("DESCRIBE")
                wait_for(lambda: camera.asked.count("DESCRIBE") > tries, 20, "another try")
                self.assertEqual(camera.elsewhere.connections, 0)


class BadStreams(CameraCase):
    """Streams that come, and are not as they should be."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for channel in (cls.channel, cls.other):  # spoiled pictures look like motion
            cls.box_under_test.call("PATCH", f"/channels/{channel['id']}", {"motion": {"enabled": False}})

    def test_backward_timestamps(self):
        """Times that jump back 3 s and forward again do not spoil a clip."""
        self.bad.fault("backward-timestamps")
        began = time.monotonic()
        lengths = []
        while time.monotonic() - began < 12:  # a jump each way
            _, footage = self.good_clip(self.box_under_test.trigger(self.channel))
            lengths.append(footage.length())
        for length in lengths:
            self.assertAlmostEqual(length, 4, delta=0.5, msg=str(lengths))

    def test_corrupt_packets(self):
        """Packets with flipped bytes end neither the box nor the clip."""
        box = self.box_under_test
        self.bad.fault("corrupt", share=0.02)
        for _ in range(2):
            event = box.trigger(self.channel)
            other = box.trigger(self.other)
            clip = box.await_stored(event)
            footage = Footage(os.path.join(box.store, clip["objectKey"]))
            if not clip["asItCame"]:
                self.assertEqual(footage.errors(), "", "what was encoded anew is whole")
                self.assertAlmostEqual(footage.length(), 4, delta=1)
            self.assertFalse(self.good_clip(other)[0]["asItCame"])

    def test_resolution_changes_during_an_event(self):
        """A picture that changes its size in the middle of an event is kept whole, in one playable clip or in two."""
        box = self.box_under_test
        event = box.trigger(self.channel)
        wait_for(lambda: box.event(event)["state"] == "recording", 10, "the recording")
        self.bad.fault("resolution", size="480x270")
        parts = lambda: [one for one in box.everything(f"/clips?channel={self.channel['id']}") if event["id"] in one["eventIds"]]
        def whole():
            found = parts()  # once: another may come meanwhile
            return all(one["state"] == "stored" for one in found) and sum(one["durationSeconds"] for one in found) > 3.5
        wait_for(whole, 30, lambda: f"all of the event: {shorten([(one['state'], one['durationSeconds']) for one in parts()])}")
        self.assertAlmostEqual(sum(one["durationSeconds"] for one in parts()), 4, delta=0.4)
        for clip in parts():
            self.assertFalse(clip["asItCame"], shorten(clip))
            self.assertEqual(Footage(os.path.join(box.store, clip["objectKey"])).errors(), "")
        self.assertIn(box.event(event)["clipId"], [one["id"] for one in parts()])
        wait_for(lambda: box.channel(self.channel)["streams"][0]["width"] == 480, 20,
                 lambda: f"the new size in the API: {box.channel(self.channel)['streams']}")
        self.good_clip(box.trigger(self.channel))


class SparseKeys(Case):
    """A smart codec that sends a key frame each 20 s."""

    def test_sparse_keys(self):
        """The channel warns of 20 s between key frames, and its clip is none the worse for it."""
        camera = self.simulator(cameras=1, size="640x360", rate=15, bitrate=500, key_interval=20, no_sub=True).camera
        box = self.box()
        box.claim()
        channel = box.add_camera(camera)
        box.link(channel, "custom", resolution="CIF", bitRate=160000)
        box.await_picture(channel, seconds=60)
        def warned():
            found = box.channel(channel)
            return found if found["state"]["severity"] == "attention" and found["streams"][0]["warnings"] else None
        found = wait_for(warned, 60, lambda: f"a warning: {box.channel(channel)['state']} {box.channel(channel)['streams']}")
        self.assertIn("key", (found["state"]["sentence"] + found["streams"][0]["warnings"][0]).lower())
        keys = camera.state()["streams"]["main"]["key_frames_sent"]
        event = box.trigger(channel)
        clip = box.await_stored(event)
        footage = Footage(os.path.join(box.store, clip["objectKey"]))
        self.assertEqual(footage.errors(), "")
        self.assertAlmostEqual(footage.length(), 6, delta=0.12)
        self.assertAlmostEqual(moment(event["startedAt"]) - moment(clip["startsAt"]), 2, delta=0.12)
        self.assertLessEqual(camera.state()["streams"]["main"]["key_frames_sent"], keys + 1, "the camera was made to send key frames")


class Reconnects(Case):
    """Many lost connections."""

    def test_memory_stays_flat(self):
        """Over many lost connections the box's memory and threads do not grow, and each time the picture comes back."""
        cameras = self.simulator(cameras=4, size="640x360", rate=15, bitrate=500, key_interval=1, no_sub=True).cameras
        lines = [self.kept(Line(camera.rtsp)) for camera in cameras]
        box = self.box(**{"log.level": "info"})
        box.claim()
        channels = [box.add_camera(camera.through(line)) for camera, line in zip(cameras, lines)]
        box.await_picture(*channels)
        rounds, figures = max(5, RECONNECTS // len(lines)), []
        for number in range(rounds):
            before = [(line.connections, line.answered) for line in lines]
            for line in lines:
                line.cut()
            for index, line in enumerate(lines):
                wait_for(lambda: (line.connections, line.answered) > before[index], 20, "a new connection")
            box.await_picture(*channels)
            figures.append((resident_megabytes(box.pid), len(os.listdir(f"/proc/{box.pid}/task")), len(os.listdir(f"/proc/{box.pid}/fd"))))
        early, late = figures[len(figures) // 5], figures[-1]
        print(f"{rounds * len(lines)} reconnects: resident {early[0]:.0f} MB after a fifth, {late[0]:.0f} MB at the end; "
              f"threads {early[1]}, {late[1]}; files {early[2]}, {late[2]}", flush=True)
        self.assertLess(late[0], early[0] * 1.1 + 6, f"memory grows: {[round(figure[0]) for figure in figures]}")
        self.assertLessEqual(late[1], early[1] + 4, "threads are left")
        self.assertLessEqual(late[2], early[2] + 6, "files are left open")

    test_memory_stays_flat.limit = 60 + RECONNECTS * 2
