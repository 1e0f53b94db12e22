"""The box's main job, end to end: a camera is added, linked, something moves, and the clip is in the store as promised."""

import base64

from clip_case import FRAME, SYNC, ClipCase
from footage import is_jpeg, moment
from waiting import shorten, wait_for

class MainJob(ClipCase):
    """5 s before the event, 30 s long, from three kinds of cameras in one run, so that their half minutes pass together."""

    @classmethod
    def setUpClass(cls):
        cls.front = cls.class_simulator(no_sub=True).camera
        cls.old = cls.class_simulator(size="1280x720", rate=10, audio="pcma", scene="office", no_sub=True).camera
        cls.modern = cls.class_simulator(codec="h265", scene="office", no_sub=True).camera
        cls.double = cls.class_simulator(scene="office").camera
        cls.box_under_test = box = cls.class_box(recording__seconds_before=5, recording__seconds=30)
        box.claim()
        tried = box.call("POST", "/devices/test", {"url": cls.front.rtsp, "userName": cls.front.user, "password": cls.front.password})
        cls.tried = tried
        cls.channels = {}
        for name, camera, sub, kind in (("front", cls.front, False, "high"), ("old", cls.old, False, "high"),
                                        ("modern", cls.modern, False, "high"), ("second", cls.double, True, "standard")):
            cls.channels[name] = channel = box.add_camera(camera, name.title(), sub=sub)
            box.link(channel, kind)
        box.await_past(5, *cls.channels.values())
        second = lambda: box.channel(cls.channels["second"])
        wait_for(lambda: second()["plan"]["way"] == "copy-sub", 15, lambda: f"a plan that copies the sub stream: {second()['plan']}")
        cls.linked = {name: box.channel(channel) for name, channel in cls.channels.items()}
        cls.front.motion(6)
        cls.events = {name: box.trigger(channel) for name, channel in cls.channels.items() if name != "front"}
        path = f"/events?channel={cls.channels['front']['id']}"
        cls.events["front"] = wait_for(lambda: box.get(path)["items"], 15, "the motion's event")[-1]
        cls.began_moving = cls.front.state()["moving_began"]
        cls.next_mark = cls.front.state()["next_sync_mark"]

    def clip_of(self, name):
        """The stored clip of a camera's event, and its file."""
        clip = self.box_under_test.await_stored(self.events[name], 120)
        return clip, self.stored_file(self.box_under_test, clip)

    def test_the_live_test(self):
        """The live test of a good camera says what it sends, with a picture, and every step is done."""
        tried = self.tried
        self.assertTrue(tried["ok"], tried["sentence"])
        self.assertEqual(tried["code"], "ok")
        self.assertEqual([(step["name"], step["ok"]) for step in tried["steps"]],
                         [(name, True) for name in ("reach", "sign-in", "streams", "picture")])
        stream = tried["streams"][0]
        self.assertEqual((stream["codec"], stream["width"], stream["height"]), ("h264", 1920, 1080))
        self.assertAlmostEqual(stream["frameRate"], 25, delta=1.5)
        self.assertEqual(stream["audio"]["codec"], "aac")
        self.assertTrue(is_jpeg(base64.b64decode(tried["picture"].removeprefix("data:image/jpeg;base64,"))))

    def test_what_moves_is_kept(self):
        """Motion on a 1080p25 camera becomes a 1080p clip at 10 frames/s, 30 s long from 5 s before the event, sound in sync."""
        event = self.events["front"]
        self.assertEqual((event["type"], event["source"]), ("motion", "box"))
        # Motion is looked for in key frames, which come every 2 s.
        self.assertGreater(moment(event["startedAt"]), self.began_moving - 0.2)
        self.assertLess(moment(event["startedAt"]), self.began_moving + 4.5)
        clip, footage = self.clip_of("front")
        self.assertEqual((clip["way"], clip["asItCame"], clip["interrupted"]), ("software", False, False))
        self.check_video(footage, clip, 1920, 1080, 10, 30)
        self.check_sound(footage, clip, 30)
        self.check_beginning(clip, event, 5)

    def test_the_beginning_is_true(self):
        """The clip's starting time is the first frame's: the camera's sync mark is where its wall time says."""
        clip, footage = self.clip_of("front")
        at = self.next_mark - moment(clip["startsAt"])
        marks = [first for _, first, _ in footage.marks() if abs(first - at) < 5]
        self.assertEqual(len(marks), 1, f"a mark was shown at {at} s; marks: {footage.marks()}")
        self.assertAlmostEqual(marks[0], at, delta=FRAME + 0.2)  # the way from the camera's clock to the box takes a little

    def test_the_figure_is_in_it(self):
        """The clip shows the still scene, then what moved; the figure sets out where its time says."""
        clip, footage = self.clip_of("front")
        pictures = footage.pictures().astype(int)
        still = pictures[:10].mean(0)
        changed = (abs(pictures - still) > 40).sum((1, 2)) > 12
        began = next((index for index in range(len(changed)) if changed[index:index + 5].all()), None)
        self.assertIsNotNone(began, "nothing moves in the clip")
        self.assertAlmostEqual(footage.frame_times()[began], self.began_moving - moment(clip["startsAt"]), delta=0.6)

    def test_g711(self):
        """A camera with G.711 gets AAC sound, in sync within 40 ms (each of its frames is kept, so this is told exactly)."""
        self.assertEqual(self.linked["old"]["streams"][0]["audio"]["codec"], "pcm_alaw", self.linked["old"]["streams"])
        clip, footage = self.clip_of("old")
        self.check_video(footage, clip, 1280, 720, 10, 30)
        marks, beeps = self.check_sound(footage, clip, 30)
        for _, first, _ in marks:
            for beep in beeps:
                if abs(beep - first) < 1:
                    self.assertAlmostEqual(beep, first, delta=SYNC)
        self.check_beginning(clip, self.events["old"], 5)

    def test_h265(self):
        """An H.265 main stream becomes H.264."""
        self.assertEqual(self.linked["modern"]["streams"][0]["codec"], "hevc")
        clip, footage = self.clip_of("modern")
        self.check_video(footage, clip, 1920, 1080, 10, 30)
        self.check_sound(footage, clip, 30)
        self.check_beginning(clip, self.events["modern"], 5)

    def test_copy_of_the_sub_stream(self):
        """Standard definition takes a sub stream that fits as it comes, from T-5 s, in sync within 40 ms."""
        plan = self.linked["second"]["plan"]
        self.assertEqual(plan["way"], "copy-sub", plan)
        self.assertTrue(plan["reason"])
        clip, footage = self.clip_of("second")
        self.assertEqual(clip["way"], "copy-sub")
        self.check_video(footage, clip, 640, 360, 15, footage.length())
        # A copy can only begin at a key frame, which come every 2 s; the rest is as promised.
        ahead = moment(self.events["second"]["startedAt"]) - moment(clip["startsAt"])
        self.assertGreater(ahead, 5 - FRAME)
        self.assertLess(ahead, 5 + 2 + FRAME)
        self.assertAlmostEqual(footage.length() - ahead, 25, delta=0.2)
        marks, beeps = self.check_sound(footage, clip, footage.length())
        for _, first, _ in marks:
            for beep in beeps:
                if abs(beep - first) < 1:
                    self.assertAlmostEqual(beep, first, delta=SYNC)

    def test_channels_say_what_comes(self):
        """A channel tells its streams, its plan with the reason, and gives a snapshot."""
        for name, channel in self.linked.items():
            with self.subTest(channel=name):
                self.assertTrue(channel["plan"]["reason"].strip(), channel["plan"])
                self.assertTrue(channel["state"]["sentence"].strip())
                main = next(stream for stream in channel["streams"] if stream["role"] == "main")
                self.assertGreater(main["bitRate"], 10000, main)
                snapshot = wait_for(lambda: self.snapshot(channel), 20, f"a snapshot of {name}")
                self.assertTrue(is_jpeg(snapshot))
        budget = self.box_under_test.get("/system")["budget"]
        self.assertEqual(budget["linkedChannels"], 4, budget)
        self.assertGreater(budget["usedMegapixels"], 6, shorten(budget))

    def snapshot(self, channel):
        """The channel's picture, or None while there is none."""
        answer = self.box_under_test.client.request("GET", f"/channels/{channel['id']}/snapshot")
        return answer.body if answer.status == 200 else None
