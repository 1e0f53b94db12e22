"""Checks of a stored clip: what it is, how long, in sync, where it begins."""

import os

from accounts import stored
from case import Case
from footage import Footage, is_jpeg, moment
from stores import Folder

FRAME = 0.1  # seconds between frames of a cloud copy at 10 frames a second
SYNC = 0.04  # seconds that sound and picture may be apart


class ClipCase(Case):
    """Checks of clips in the folder store."""

    def stored_file(self, box, clip):
        """The clip's file in the store; its digest, size and JSON agree with the API."""
        manifest = stored(Folder(box.store), under_way=True)[clip["id"]]
        footage = Footage(os.path.join(box.store, clip["objectKey"]))
        self.assertEqual(footage.sha256(), clip["sha256"])
        self.assertEqual(manifest["clip"]["sha256"], clip["sha256"])
        self.assertEqual(os.path.getsize(footage.path), clip["sizeBytes"])
        parts = clip["objectKey"].split("/")
        serial = box.get("/system")["serialNumber"]
        day = clip["startsAt"][:10].split("-")
        self.assertEqual((parts[0], parts[2:6], parts[6]), (serial, [clip["channelId"], *day], clip["id"] + ".mp4"))
        with open(footage.path[:-4] + ".jpg", "rb") as file:
            self.assertTrue(is_jpeg(file.read()), "the thumbnail is a JPEG")
        return footage

    def check_video(self, footage, clip, width, height, rate, seconds):
        """Size, codec, rate and length of the pictures; nothing for ffmpeg to complain about."""
        self.assertEqual(footage.errors(), "")
        self.assertEqual((footage.video["codec_name"], footage.video["width"], footage.video["height"]), ("h264", width, height))
        self.assertEqual((clip["videoCodec"], clip["width"], clip["height"]), ("h264", width, height))
        times = footage.frame_times()
        self.assertEqual(times, sorted(set(times)), "times go up")
        self.assertAlmostEqual((len(times) - 1) / (times[-1] - times[0]), rate, delta=rate * 0.02)
        self.assertLessEqual(max(b - a for a, b in zip(times, times[1:])), 2.01 / rate, "no hole in the picture")
        self.assertAlmostEqual(footage.length(), seconds, delta=1 / rate + 0.005)
        self.assertAlmostEqual(clip["durationSeconds"], seconds, delta=1 / rate + 0.005)
        self.assertAlmostEqual(times[0], 0, delta=0.05)

    def check_sound(self, footage, clip, seconds):
        """AAC, as long as the picture, in sync by the camera's marks and beeps."""
        self.assertEqual((footage.audio["codec_name"], clip["audioCodec"]), ("aac", "aac"))
        times = footage.packet_times("a")
        self.assertEqual(times, sorted(times))
        self.assertAlmostEqual(times[0], 0, delta=0.13)
        self.assertAlmostEqual(times[-1] + times[-1] - times[-2], seconds, delta=0.25, msg="the sound's end and the picture's")
        marks, beeps = footage.marks(), footage.beeps()
        self.assertTrue(marks, "a sync mark in the clip")
        for before, first, _ in marks:
            near = [beep for beep in beeps if abs(beep - first) < 1]
            if near or 0.5 < first < seconds - 0.5:
                self.assertEqual(len(near), 1, f"one beep for the mark at {first}; beeps: {beeps}")
                self.assertGreater(near[0], before - SYNC, f"sound early: beep {near[0]}, mark after {before} up to {first}")
                self.assertLess(near[0], first + SYNC, f"sound late: beep {near[0]}, mark {first}")
        return marks, beeps

    def check_beginning(self, clip, event, before):
        """The first frame is within one frame interval of `before` seconds ahead of the event."""
        ahead = moment(event["startedAt"]) - moment(clip["startsAt"])
        self.assertAlmostEqual(ahead, before, delta=FRAME + 0.005)
