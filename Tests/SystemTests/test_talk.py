"""Talking through a device: what is said is heard, one person at a time, and the loudspeaker is closed whatever happens."""

import base64
import os

from client import Problem
from devices import ControlCase
from waiting import wait_for

PIECE = 1200


class TalkCase(ControlCase):
    """Devices that can be talked through."""

    def say(self, path, sound):
        """Send sound in pieces as a page does."""
        for at in range(0, len(sound), PIECE):
            answer = self.box_under_test.client.request("POST", f"{path}/sound", body=sound[at:at + PIECE])
            self.assertEqual(answer.status, 204, answer.body)

    def talks_again(self, channel):
        """Wait until the loudspeaker can be opened once more, and close it."""
        def again():
            answer = self.box_under_test.client.request("POST", f"{channel}/talk", {})
            return answer.json if answer.status == 201 else None
        self.call("DELETE", f"{channel}/talk/{wait_for(again, 30, 'another talk', every=0.5)['id']}")

    def refused(self, channel):
        """The problem with which a talk does not begin."""
        with self.assertRaises(Problem) as found:
            self.call("POST", f"{channel}/talk")
        return found.exception


class TheSameByEachWay:
    """What holds whether a device is talked through by ISAPI or by a back channel."""

    def test_one_at_a_time(self):
        """Who comes second is told so; when the first says nothing any more the device is free by itself."""
        channel = self.channel("door")
        first = self.call("POST", f"{channel}/talk")
        self.assertIn("talks through this device already", self.refused(channel).detail)
        self.say(f"{channel}/talk/{first['id']}", b"\xff" * PIECE)
        wait_for(lambda: not self.heard("door")["open"], 15, "a loudspeaker that closes by itself")
        second = self.call("POST", f"{channel}/talk")
        self.call("DELETE", f"{channel}/talk/{second['id']}")

    def test_too_much(self):
        """More than four seconds at once is refused, and the talk goes on."""
        channel = self.channel("yard")
        made = self.call("POST", f"{channel}/talk")
        path = f"{channel}/talk/{made['id']}"
        self.assertEqual(self.box_under_test.client.request("POST", f"{path}/sound", body=bytes(40_000)).status, 413)
        self.say(path, b"\xd5" * PIECE)
        self.call("DELETE", path)


class Talk(TheSameByEachWay, TalkCase):
    """A door station, a camera that takes A-law, and one without a loudspeaker, by ISAPI."""

    KINDS = ("doorbell,name=door", "camera,name=yard,speaker=G.711alaw", "camera,name=mute")

    def heard(self, name):
        """What the device's loudspeaker was told."""
        return self.simulator[name].state()["isapi"]["talk"]

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

    def test_without_loudspeaker(self):
        """A camera that cannot be talked through says so beforehand and when asked."""
        for name, can in (("door", True), ("mute", False)):
            self.assertEqual("talk" in self.box_under_test.get(self.channel(name))["capabilities"], can)
        with self.assertRaises(Problem) as found:
            self.call("POST", f"{self.channel('mute')}/talk")
        self.assertEqual((found.exception.status, found.exception.slug), (409, "unsupported"))

    def test_device_goes_away(self):
        """A device that ends the talk is told of at the next word, and the loudspeaker can be opened again."""
        channel, device = self.channel("door"), self.simulator["door"]
        made = self.call("POST", f"{channel}/talk")
        path = f"{channel}/talk/{made['id']}"
        device.post("/reboot", seconds=1)
        wait_for(lambda: self.box_under_test.client.request("POST", f"{path}/sound", body=b"\xff" * PIECE).status != 204, 15, "an end")
        self.call("DELETE", path)
        self.talks_again(channel)


class Backchannel(TheSameByEachWay, TalkCase):
    """Cameras that are talked through by the back channel of a stream, as ONVIF has it."""

    KINDS = ("onvif,name=door,backchannel=PCMU", "onvif,name=yard,backchannel=DYNAMIC", "onvif,name=aac,backchannel=AAC", "onvif,name=mute",
             "onvif,name=asked,backchannel=PCMU,quirk=unknown-operation:GetAudioOutputs", "onvif,name=told,backchannel=PCMU,quirk=outputs-in-profiles+talk-no-track",
             "onvif,name=unsaid,quirk=unknown-operation:GetAudioOutputs")

    def heard(self, name):
        """What the device's loudspeaker was told."""
        return self.simulator[name].state()["backchannel"]

    def test_what_is_said_is_heard(self):
        """Every byte arrives in its order, in packets that follow one another, and afterwards the device is free."""
        for name, codec, kind in (("door", "pcmu", 0), ("yard", "pcma", 97)):
            with self.subTest(name):
                channel, sound = self.channel(name), os.urandom(12_000)
                made = self.call("POST", f"{channel}/talk")
                self.assertEqual((made["codec"], made["sampleRate"]), (codec, 8000))
                before = self.heard(name)
                self.assertTrue(before["open"])
                self.say(f"{channel}/talk/{made['id']}", sound)
                after = wait_for(lambda: (lambda now: now if now["bytes"] >= before["bytes"] + len(sound) else None)(self.heard(name)), 15, "the sound")
                self.assertEqual(base64.b64decode(after["tail"])[-len(sound):], sound)
                packets = after["packets"][before["packetCount"] - after["packetCount"]:]
                self.assertEqual({packet[3] for packet in packets}, {kind})
                self.assertTrue(packets[0][0], "the first packet is not marked")
                for one, other in zip(packets, packets[1:]):
                    self.assertEqual((one[1] + 1) & 0xFFFF, other[1])
                    if not other[0]:
                        self.assertEqual((one[2] + one[4]) & 0xFFFFFFFF, other[2])
                self.call("DELETE", f"{channel}/talk/{made['id']}")
                wait_for(lambda: not self.heard(name)["open"], 10, "a loudspeaker that is closed")
                asked = [one["method"] for one in self.heard(name)["requests"]]
                self.assertEqual(asked[-1], "TEARDOWN")

    def test_kept_alive(self):
        """A talk that lasts longer than the device's session goes on, and ends by itself when nothing is said any more."""
        channel = self.channel("door")
        made = self.call("POST", f"{channel}/talk")
        began = len(self.heard("door")["requests"])
        deadline = lambda: [one["method"] for one in self.heard("door")["requests"][began:]].count("GET_PARAMETER") >= 3
        wait_for(lambda: self.say(f"{channel}/talk/{made['id']}", b"\xff" * PIECE) or deadline(), 30, "three signs of life", every=0.15)
        self.assertTrue(self.heard("door")["open"])
        wait_for(lambda: not self.heard("door")["open"], 20, "a loudspeaker that closes by itself")

    def test_without_loudspeaker(self):
        """One that has none says so beforehand, whether it lists its loudspeakers, tells of them in profiles, or has to be asked for the track."""
        for name, can in (("door", True), ("yard", True), ("mute", False), ("asked", True), ("told", True), ("unsaid", False)):
            self.assertEqual("talk" in self.box_under_test.get(self.channel(name))["capabilities"], can, name)
        found = self.refused(self.channel("mute"))
        self.assertEqual((found.status, found.slug), (409, "unsupported"))
        self.assertIn("MPEG4-GENERIC", self.refused(self.channel("aac")).detail, "one that takes AAC alone says so when asked")

    def test_signed_with_sha256(self):
        """A device that takes the password by SHA-256 alone is talked through as any other."""
        channel, device = self.channel("door"), self.simulator["door"]
        device.fault("sha256")
        try:
            made, before = self.call("POST", f"{channel}/talk"), self.heard("door")["bytes"]
            self.say(f"{channel}/talk/{made['id']}", b"\xff" * PIECE)
            wait_for(lambda: self.heard("door")["bytes"] >= before + PIECE, 10, "the sound")
            self.call("DELETE", f"{channel}/talk/{made['id']}")
        finally:
            device.fault("none")

    def test_faults(self):
        """A device that knows no back channel, has no track for it, does not answer, or takes no password is told of in a sentence."""
        channel, device = self.channel("yard"), self.simulator["yard"]
        for fault, slug in (("talk-unsupported", "unsupported"), ("talk-no-track", "unsupported"), ("talk-silent", "silent"), ("wrong-password", "wrong-password")):
            with self.subTest(fault):
                device.fault(fault)
                try:
                    found = self.refused(channel).slug
                    self.assertTrue(found.endswith(slug), found)
                finally:
                    device.fault("none")
        self.talks_again(channel)

    def test_device_goes_away(self):
        """A device that breaks off is told of at the next word, and the loudspeaker can be opened again."""
        channel, device = self.channel("door"), self.simulator["door"]
        device.fault("talk-breaks-off")
        made = self.call("POST", f"{channel}/talk")
        path = f"{channel}/talk/{made['id']}"
        wait_for(lambda: self.box_under_test.client.request("POST", f"{path}/sound", body=b"\xff" * PIECE).status != 204, 15, "an end")
        device.fault("none")
        self.call("DELETE", path)
        self.talks_again(channel)
