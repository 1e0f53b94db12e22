"""What tests of refilling have in common: a device that records, and a box that was away."""

import os
import time

from devices import DeviceCase
from footage import Footage, moment
from waiting import shorten, wait_for

DONE = ("refilled", "nothing", "impossible")


class RefillCase(DeviceCase):
    """A box with a device that only records events, and one channel that is linked."""

    def set_up(self, *kinds, **settings):
        """The simulator, the box, and the devices' channels."""
        simulator = self.devices(*(part for kind in kinds for part in ("--device", kind)))
        box = self.device_box(**settings)
        devices = box.onboard(*simulator.devices)
        channels = [box.channels_of(device)[1] for device in devices]
        for channel in channels:
            box.call("PATCH", f"/channels/{channel['id']}", {"motion": {"enabled": False}})
            box.link(channel, "custom", resolution="CIF", bitRate=160000)
        for device in devices:
            box.await_events(device)
        box.await_picture(*channels)
        return simulator, box, channels

    @staticmethod
    def refills(box, channel):
        """The channel's absences, the newest first."""
        return [one for one in box.get("/storage/refills")["items"] if one["channelId"] == channel["id"]]

    def await_absence(self, box, channel, seconds=40):
        """Wait until it is taken down that the channel is away."""
        wait_for(lambda: any(one["state"] == "lasting" for one in self.refills(box, channel)), seconds,
                 lambda: f"an absence: {self.refills(box, channel)} {box.channel(channel)['state']}")

    def await_done(self, box, channel, seconds=90):
        """Wait until all absences of the channel are done; they."""
        def look():
            found = self.refills(box, channel)
            return found if found and all(one["state"] in DONE for one in found) else None
        return wait_for(look, seconds, lambda: f"the end of refilling: {self.refills(box, channel)} {box.log_end(1500)}", 0.25)

    @staticmethod
    def record(device, **more):
        """Let a device record an event of ten seconds, to its end; when it began."""
        began = time.time()
        device.post("/record", ago=0, seconds=10, **more)
        wait_for(lambda: device.state()["recordings"]["lasting"] == 0, 15, lambda: f"the recording's end: {device.state()['recordings']}")
        return began

    def check_clip(self, box, channel, began):
        """There is one event, with one stored refilled clip of ten seconds that began then; the event."""
        events = [one for one in box.events_of(channel) if one["clipId"]]
        self.assertEqual(len(events), 1, shorten(box.events_of(channel)))
        event = events[0]
        self.assertTrue(event["refilled"])
        clip = box.await_stored(event)
        self.assertTrue(clip["refilled"])
        self.assertEqual([one["id"] for one in box.everything(f"/clips?channel={channel['id']}")], [clip["id"]])
        self.assertAlmostEqual(moment(clip["startsAt"]), began, delta=2)
        footage = Footage(os.path.join(box.store, clip["objectKey"]))
        self.assertEqual(footage.errors(), "")
        self.assertAlmostEqual(footage.length(), 10, delta=1)
        self.assertEqual(sum(name.endswith(".mp4") for _, _, names in os.walk(box.store) for name in names), 1, "nothing lies in the store twice")
        return event
