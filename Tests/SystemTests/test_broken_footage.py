"""Footage of devices that are away or break off: what can be had is given, and what is missing is told."""

import time

from footage import moment
from refill_case import RefillCase
from test_exports import Cutting
from test_playback import Playing
from waiting import wait_for


class Exported(Cutting, RefillCase):
    """Exports."""

    def use(self, *kinds):
        """A box with such devices; their channels."""
        self.sim, self.made, channels = self.set_up(*kinds)
        return channels

    def clip(self, channel):
        """A clip in the store, with footage on the device behind it; when it starts and ends."""
        clip = self.made.await_stored(self.made.trigger(channel, "manual"))
        start = moment(clip["startsAt"])
        wait_for(lambda: time.time() > start + clip["durationSeconds"] + 4, 20, "footage on the device behind the clip")
        return start, start + clip["durationSeconds"]

    def test_export_of_a_device_that_is_away(self):
        """The camera was taken away; its clip is in the cloud: that is what one gets, with a word on the rest, and the other camera's whole range."""
        away, there = self.use("onvif,recordings=timing", "camera,recordings=timing")
        start, end = self.clip(away)
        self.sim.devices[0].fault("stop")
        self.await_absence(self.made, away)
        made = self.cut([away], start - 4, end + 3)
        self.assertEqual(made["state"], "ready", made)
        self.assertEqual(made["sentence"].count("is missing"), 2, made["sentence"])
        (file,) = [one for one in made["files"] if one["channelId"]]
        self.assertEqual([round(moment(piece["from"]) - start, 1) for piece in file["pieces"]], [0])
        self.assertAlmostEqual(self.saved(file).length(), end - start, delta=0.6)
        both = self.cut([away, there], start - 4, end + 3)
        self.assertEqual(both["state"], "ready", both)
        self.assertEqual({file["channelId"] for file in both["files"] if file["channelId"]}, {away["id"], there["id"]})
        self.assertIn(f"{away['name']}, ", both["sentence"])
        self.assertNotIn(f"{there['name']}, ", both["sentence"])
        # Where there is nothing at all it fails, and says why.
        none = self.cut([away], start - 40, start - 20)
        self.assertEqual(none["state"], "failed")
        self.assertIn("is missing", none["sentence"])

    def test_device_that_breaks_off(self):
        """It closes the connection each 20 s: the rest is asked for, and nothing is left out."""
        (channel,) = self.use("onvif,recordings=timing,quirk=replay-breaks-off:20")
        begin = time.time() // 2 * 2 - 600
        made = self.cut([channel], begin, begin + 50)
        self.assertEqual((made["state"], made["sentence"]), ("ready", None))
        footage = self.saved(made["files"][0])
        times = footage.frame_times()
        self.assertAlmostEqual(footage.length(), 50, delta=2.5)  # from the key frame before
        self.assertLess(max(after - before for before, after in zip(times, times[1:])), 0.3)

    def test_device_that_gives_no_more(self):
        """Where it never comes beyond a second an export is of what there was, and says where the rest is missing."""
        (channel,) = self.use("onvif,recordings=timing,quirk=replay-breaks-off:1")
        begin = time.time() // 2 * 2 - 600
        made = self.cut([channel], begin, begin + 40)
        self.assertEqual(made["state"], "ready", made)
        self.assertRegex(made["sentence"], r"\d\d:\d\d:\d\d to \d\d:\d\d:\d\d UTC is missing: ")
        self.assertLess(self.saved(made["files"][0]).length(), 5)


class Played(Playing, RefillCase):
    """Playback."""

    def test_device_that_breaks_off(self):
        """It closes the connection each 20 s: the rest is asked for, and no minute is jumped over."""
        _, box, (channel,) = self.set_up("onvif,recordings=timing,quirk=replay-breaks-off:20")
        begin = time.time() // 2 * 2 - 70
        times = self.played_through(box, self.begin(box, channel, begin, source="device"), begin + 60)
        self.assertLess(max(after - before for before, after in zip(times, times[1:])), 0.3)
