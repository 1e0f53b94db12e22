"""Devices go from one site of an owner to another: asked for and approved, at once by the owner, with all that was set for them void."""

from case import Case
from owners import WORDS, Owner, hand_over

ALL = [{"permission": one} for one in ("configuration", "live-view", "playback")]


class Moves(Case):
    """A box with a camera at its first site, and a second site."""

    def setUp(self):
        self.cameras = self.simulator(size="320x180", rate=10, bitrate=200, key_interval=1, no_sub=True)
        self.made = box = self.box(**{"recording.seconds-before": 1, "recording.seconds": 3})
        box.claim()
        self.channel = box.add_camera(self.cameras.cameras[0], name="Door", sub=False)
        box.await_past(1, self.channel)
        self.shop = box.get("/sites")["items"][0]["id"]
        self.flat = box.call("POST", "/sites", {"name": "Flat", "timeZone": "Asia/Tokyo"})["id"]
        box.link(self.channel, "custom", resolution="CIF", bitRate=256_000)
        self.clip = box.await_stored(box.trigger(self.channel))
        box.call("PATCH", f"/channels/{self.channel['id']}", {"motion": {"sensitivity": 90}, "retentionDays": 30, "armed": False})

    def moved(self, client, to, **more):
        """Ask for the camera to be moved; the answer."""
        return client.call("POST", "/device-moves", {"deviceIds": [self.channel["deviceId"]], "siteId": to, **more})

    def check_as_new(self):
        """Nothing is set for the camera any more, and it is at work at the other site as a new channel, which has nothing of the former's footage."""
        former = self.channel
        self.channel = channel = self.made.channel(self.made.get(f"/devices/{former['deviceId']}")["channelIds"][0])
        self.assertNotEqual(channel["id"], former["id"])
        self.assertEqual(self.made.client.request("GET", f"/channels/{former['id']}").status, 404)
        self.assertEqual((channel["siteId"], channel["linked"], channel["retentionDays"], channel["armed"], channel["motion"]["sensitivity"]),
                         (self.flat, False, 7, True, 60))
        self.made.await_past(1, self.channel)

    def test_before_the_handover(self):
        """The provider moves by itself; the camera goes on, in the other site's zone."""
        answer = self.moved(self.made.client, self.flat)
        self.assertEqual((answer["state"], answer["from"], answer["to"]), ("moved", "Test house", "Flat"))
        self.check_as_new()
        self.assertEqual(self.made.get(f"/clips/{self.clip['id']}")["channelName"], "Door")
        self.assertEqual(self.made.get(f"/channels/{self.channel['id']}/timeline/days?month=2026-11")["timeZone"], "Asia/Tokyo")
        again = self.made.client.request("POST", "/device-moves", {"deviceIds": [self.channel["deviceId"]], "siteId": self.flat})
        self.assertEqual((again.status, list(again.problem().fields)), (409, ["/siteId"]))

    def test_asked_for_and_approved(self):
        """After the handover the owner is asked, refuses, is asked again, approves; permissions for the device are void; the owner moves it back at once."""
        box = self.made
        olga = Owner(box, "olga", hand_over(box, self.shop, "olga", [*ALL, {"permission": "live-view", "deviceId": self.channel["deviceId"]}])["token"])
        token = hand_over(box, self.flat, "olga", ALL[:1])["token"]
        olga.client.call("POST", "/handover/accept", {"token": token, "userName": "olga", "password": WORDS, "hasAccount": True})
        first = self.moved(box.client, self.flat, remarks="It hangs in the flat now.")
        self.assertEqual(first["state"], "pending")
        self.assertEqual(olga.get("/notices")["items"][0]["kind"], "move-asked")
        self.assertEqual(box.client.request("POST", f"/device-moves/{first['id']}/approve").problem().slug, "not-permitted")
        olga.client.call("POST", f"/device-moves/{first['id']}/refuse")
        self.assertEqual(box.get("/notices")["items"][0]["kind"], "move-refused")
        self.assertEqual(olga.status("POST", f"/device-moves/{first['id']}/approve"), (409, "conflict"))
        second = self.moved(box.client, self.flat)
        self.assertEqual(olga.client.call("POST", f"/device-moves/{second['id']}/approve")["state"], "moved")
        self.check_as_new()
        self.assertEqual([one["deviceId"] for one in olga.get(f"/sites/{self.shop}/permissions")["items"] if one["deviceId"]], [])
        # The clip is of the shop, as before: the provider may play back there, and not at the flat.
        self.assertEqual(box.client.request("GET", f"/clips/{self.clip['id']}").status, 200)
        # At the flat the provider may configure and not watch.
        self.assertEqual(box.client.request("POST", f"/channels/{self.channel['id']}/live", {"stream": "main"}).status, 403)
        third = self.moved(box.client, self.shop)
        box.call("DELETE", f"/device-moves/{third['id']}")
        self.assertEqual(self.moved(olga.client, self.shop)["state"], "moved")
        self.assertEqual([one["state"] for one in box.get(f"/sites/{self.shop}/device-moves")["items"]], ["moved", "withdrawn", "moved", "refused"])
        # Whoever is nothing to the sites knows of nothing.
        other = box.call("POST", "/sites", {"name": "Elsewhere", "timeZone": "Europe/Rome"})["id"]
        otto = Owner(box, "otto", hand_over(box, other, "otto")["token"])
        self.assertEqual(otto.status("POST", f"/device-moves/{first['id']}/refuse"), (404, "not-found"))
        self.assertEqual(otto.status("GET", f"/sites/{self.shop}/device-moves"), (404, "not-found"))
