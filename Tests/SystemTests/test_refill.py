"""Refill: what a device recorded while it was away, or the box was off, becomes clips afterwards, each once."""

import datetime
import os
import time

from footage import Footage, moment
from refill_case import RefillCase
from waiting import holds_for, wait_for


class Refills(RefillCase):
    """From the device's absence to the clip in the store."""

    def test_camera_away(self):
        """What a camera recorded while it could not be reached is in the store afterwards, once, with its clock's error taken out."""
        simulator, box, (channel,) = self.set_up("camera,recordings=events")
        device = simulator.device
        device.post("/clock", seconds=120)
        device.fault("stop")
        self.await_absence(box, channel)
        began = self.record(device, type="linedetection")
        device.fault("none")
        done = self.await_done(box, channel)
        self.assertEqual([(one["state"], one["clips"]) for one in done], [("refilled", 1)], done)
        event = self.check_clip(box, channel, began)
        self.assertEqual(event["type"], "line-crossing")
        self.assertEqual(device.state()["counts"]["downloads"], 1)
        holds_for(lambda: len(box.everything(f"/clips?channel={channel['id']}")) == 1, 3, "one clip")
        box.stop()
        told = self.command(box, "refills")
        self.assertIn("1 clip was refilled from the device.", told)

    @staticmethod
    def command(box, *arguments):
        """What the command line says of the stopped box."""
        from box import binary
        from footage import run
        return run(binary(), *arguments, "--state", box.state).decode()

    def off_meanwhile(self, kind):
        """A device records while the box is killed and off; simulator, box, channel, when it began, and the absences once they are done."""
        simulator, box, (channel,) = self.set_up(kind)
        box.kill()
        began = self.record(simulator.device)
        box.start()
        return simulator, box, channel, began, self.await_done(box, channel)

    def test_box_off(self):
        """What a camera recorded while the box was killed and off is in the store afterwards, once."""
        _, box, channel, began, done = self.off_meanwhile("camera,recordings=events,download=ps")
        self.assertEqual([(one["state"], one["clips"], one["reason"]) for one in done], [("refilled", 1, "The box was off.")], done)
        self.assertEqual(self.check_clip(box, channel, began)["type"], "motion")

    def test_played(self):
        """What a device does not give as a file is played from it, at its pace, and is a clip all the same."""
        simulator, box, channel, began, done = self.off_meanwhile("camera,recordings=events,download=none")
        self.assertEqual([(one["state"], one["clips"]) for one in done], [("refilled", 1)], done)
        self.check_clip(box, channel, began)
        self.assertEqual(simulator.device.state()["counts"]["downloads"], 0)

    def test_not_possible(self):
        """Devices without storage, or whose recordings say nothing, are told of in a sentence."""
        simulator, box, channels = self.set_up("camera,name=empty,recordings=none", "camera,name=always,recordings=timing", "onvif,name=onvif,recordings=none",
                                               "onvif,name=player,recordings=events,quirk=replay-status:455")
        for device in simulator.devices:
            device.fault("stop")
        for channel in channels:
            self.await_absence(box, channel)
        simulator["player"].post("/record", ago=5, seconds=10)
        for device in simulator.devices:
            device.fault("none")
        empty, always, onvif, player = (self.await_done(box, channel)[0] for channel in channels)
        self.assertIn("no card or disk", empty["sentence"])
        self.assertIn("do not say whether something happened", always["sentence"])
        self.assertIn("no card or disk", onvif["sentence"])
        self.assertIn("does not play them by time", player["sentence"])
        self.assertEqual([one["clips"] for one in (empty, always, onvif, player)], [0, 0, 0, 0])


class PlayedByTime(RefillCase):
    """ONVIF devices (profile G), which play what they recorded by time."""

    def away(self, *kinds, seconds=10, before=lambda device: None):
        """Each device records an event while it cannot be reached: simulator, box, channels, and when each recording began by the device's clock."""
        simulator, box, channels = self.set_up(*kinds)
        for device in simulator.devices:
            before(device)
            device.fault("stop")
        for channel in channels:
            self.await_absence(box, channel)
        began = []
        for device in simulator.devices:
            # Key frames are at even seconds, so that each device has to begin earlier than it is asked.
            wait_for(lambda: time.time() % 2 > 1.1 and time.time() % 1 < 0.7, 3, lambda: "an odd second")
            began.append(datetime.datetime.fromisoformat(device.post("/record", ago=0, seconds=seconds)["begin"] + "+01:00").timestamp())
            self.assertEqual(began[-1] % 2, 1)
        for device in simulator.devices:
            wait_for(lambda device=device: device.state()["recordings"]["lasting"] == 0, seconds + 5, lambda: "the recordings' end")
            device.fault("none")
        return simulator, box, channels, began

    def check_time(self, box, event, began):
        """The clip begins when the recording began by the device's clock, for its marks and beeps are where it showed them: at each fifth second."""
        footage = Footage(os.path.join(box.store, box.await_stored(event)["objectKey"]))
        marks, beeps = footage.marks(), footage.beeps()
        self.assertGreaterEqual(len(marks), 1)
        self.assertGreaterEqual(len(beeps), 1)
        for before, first, _ in marks:
            second = round((began + first) / 5) * 5
            self.assertLess(began + before - 0.07, second, f"a mark before its time: {began} {marks}")
            self.assertGreater(began + first + 0.07, second, f"a mark after its time: {began} {marks}")
        for beep in beeps:
            self.assertAlmostEqual(began + beep, round((began + beep) / 5) * 5, delta=0.08, msg=f"{began} {beeps}")

    def test_camera_away(self):
        """What an ONVIF camera recorded while it could not be reached is in the store afterwards, once, at its true time; it was asked by time."""
        simulator, box, (channel,), (began,) = self.away("onvif,recordings=events", before=lambda device: device.post("/clock", seconds=120))
        done = self.await_done(box, channel)
        self.assertEqual([(one["state"], one["clips"]) for one in done], [("refilled", 1)], done)
        # Its clock, which ONVIF tells in whole seconds, was two minutes ahead.
        event = self.check_clip(box, channel, began - 120)
        self.assertEqual(event["type"], "motion")
        self.check_time(box, event, began)
        replay = simulator.device.state()["replay"]
        plays = [one for one in replay["requests"] if one["method"] == "PLAY"]
        self.assertEqual([(one["require"], one["rate-control"], one["range"][:6]) for one in plays], [("onvif-replay", "no", "clock=")], plays)
        self.assertEqual(replay["requests"][-1]["method"], "TEARDOWN")
        wait_for(lambda: simulator.device.state()["replay"]["sessions"] == 0, 5, lambda: "the end of the session")

    def test_every_end(self):
        """However a device ends what it plays, and whether or not it says when its frames are of, the clip is whole."""
        ends = ("silence+sha256", "close", "mark")
        kinds = [f"onvif,name={end.partition('+')[0]},recordings=events,quirk=replay-end:{end}" for end in ends]
        _, box, channels, began = self.away(*kinds, "onvif,name=unstamped,recordings=events,quirk=replay-unstamped")
        for channel, start, kind in zip(channels, began, (*ends, "unstamped")):
            with self.subTest(kind=kind):
                done = self.await_done(box, channel, 150)
                self.assertEqual([(one["state"], one["clips"]) for one in done], [("refilled", 1)], done)
                event = next(one for one in box.events_of(channel) if one["clipId"])
                clip = box.await_stored(event)
                self.assertTrue(clip["refilled"])
                self.assertAlmostEqual(moment(clip["startsAt"]), start, delta=1.1)
                footage = Footage(os.path.join(box.store, clip["objectKey"]))
                self.assertEqual(footage.errors(), "")
                self.assertAlmostEqual(footage.length(), 10, delta=0.5)
                if kind != "unstamped":
                    self.check_time(box, event, start)

    def test_not_what_was_asked(self):
        """A device that plays another time, breaks off or has nothing any more makes no clip, and a sentence says why."""
        def before(device):
            device.post("/record", ago=4000, seconds=10)
        _, box, channels, _ = self.away("onvif,name=another,recordings=events,quirk=replay-ignores-range", "onvif,name=gone,recordings=events,quirk=replay-status:457",
                                        "onvif,name=broken,recordings=events,quirk=replay-breaks-off:3", seconds=25, before=before)
        another, gone = (self.await_done(box, channel, 120)[0] for channel in channels[:2])
        self.assertEqual((another["state"], gone["state"]), ("impossible", "impossible"))
        self.assertIn("plays another time", another["sentence"])
        self.assertIn("no recording of this time any more", gone["sentence"])

        def broke_off():
            found = self.refills(box, channels[2])
            return found and "broke off" in (found[0]["sentence"] or "")
        wait_for(broke_off, 90, lambda: f"the word that it broke off: {self.refills(box, channels[2])}")
        for channel in channels:  # what broke off is tried again, so another try may be under way
            self.assertEqual([clip for clip in box.everything(f"/clips?channel={channel['id']}") if clip["state"] != "recording"], [])
