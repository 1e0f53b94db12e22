"""Talking through a device: what is said is heard, one person at a time, and the loudspeaker is closed whatever happens."""

import base64
import os

from client import Problem
from devices import ControlCase
from waiting import wait_for

PIECE = 1200


class Talk(ControlCase):
    """A door station, a camera that takes A-law, and one without a loudspeaker."""

    KINDS = ("doorbell,name=door", "camera,name=yard,speaker=G.711alaw", "camera,name=mute")

    def heard(self, name):
        """What the device's loudspeaker was told."""
        return self.simulator[name].state()["isapi"]["talk"]

    def say(self, path, sound):
        """Send sound in pieces as a page does."""
        for at in range(0, len(sound), PIECE):
            answer = self.box_under_test.client.request("POST", f"{path}/sound", body=sound[at:at + PIECE])
            self.assertEqual(answer.status, 204, answer.body)

    def test_what_is_said_is_heard(self):
        """Every byte arrives in its order, in the device's own codec; afterwards the device is free."""
        for name, codec in (("door", "pcmu"), ("yard", "pcma")):
            with self.subTest(name):
                channel = self.channel(name)
                made = self.call("POST", f"{channel}/talk")
                self.assertEqual((made["codec"], made["sampleRate"]), (codec, 8000))
                before, sound = self.heard(name), os.urandom(12_000)
                self.assertTrue(before["open"])
                self.say(f"{channel}/talk/{made['id']}", sound)
                after = wait_for(lambda: (lambda now: now if now["bytes"] >= before["bytes"] + len(sound) else None)(self.heard(name)), 10, "the sound")
                self.assertEqual(base64.b64decode(after["tail"])[-len(sound):], sound)
                self.call("DELETE", f"{channel}/talk/{made['id']}")
                self.assertFalse(self.heard(name)["open"])
                self.assertEqual(self.box_under_test.client.request("POST", f"{channel}/talk/{made['id']}/sound", body=b"x").status, 404)

    def test_one_at_a_time(self):
        """Who comes second is told so; when the first says nothing any more the device is free by itself."""
        channel = self.channel("door")
        first = self.call("POST", f"{channel}/talk")
        with self.assertRaises(Problem) as found:
            self.call("POST", f"{channel}/talk")
        self.assertIn("talks through this device already", found.exception.detail)
        self.say(f"{channel}/talk/{first['id']}", b"\xff" * PIECE)
        wait_for(lambda: not self.heard("door")["open"], 15, "a loudspeaker that closes by itself")
        second = self.call("POST", f"{channel}/talk")
        self.call("DELETE", f"{channel}/talk/{second['id']}")

    def test_without_loudspeaker(self):
        """A camera that cannot be talked through says so beforehand and when asked."""
        for name, can in (("door", True), ("mute", False)):
            self.assertEqual("talk" in self.box_under_test.get(self.channel(name))["capabilities"], can)
        with self.assertRaises(Problem) as found:
            self.call("POST", f"{self.channel('mute')}/talk")
        self.assertEqual((found.exception.status, found.exception.slug), (409, "unsupported"))

    def test_too_much(self):
        """More than four seconds at once is refused, and the talk goes on."""
        channel = self.channel("yard")
        made = self.call("POST", f"{channel}/talk")
        path = f"{channel}/talk/{made['id']}"
        self.assertEqual(self.box_under_test.client.request("POST", f"{path}/sound", body=bytes(40_000)).status, 413)
        self.say(path, b"\xd5" * PIECE)
        self.call("DELETE", path)

    def test_device_goes_away(self):
        """A device that ends the talk is told of at the next word, and the loudspeaker can be opened again."""
        channel, device = self.channel("door"), self.simulator["door"]
        made = self.call("POST", f"{channel}/talk")
        path = f"{channel}/talk/{made['id']}"
        device.post("/reboot", seconds=1)
        wait_for(lambda: self.box_under_test.client.request("POST", f"{path}/sound", body=b"\xff" * PIECE).status != 204, 15, "an end")
        self.call("DELETE", path)

        def again():
            answer = self.box_under_test.client.request("POST", f"{channel}/talk", {})
            return answer.json if answer.status == 201 else None
        self.call("DELETE", f"{channel}/talk/{wait_for(again, 30, 'another talk', every=0.5)['id']}")
