"""Unbinding by possession: who knows a device's password and holds a code of the box before its lens has it in their hands."""

import base64
import json
import os
import sqlite3
import urllib.request

from devices import DeviceCase
from owners import Owner, hand_over
from qr_pictures import drawn, jpeg, photographed


def held(svg):
    """What a camera sees of a phone that shows this code."""
    return jpeg(photographed(drawn(svg)))


class Possession(DeviceCase):
    """A camera at a site that has an owner, which its provider wants at another site."""

    def setUp(self):
        self.simulated = self.devices("--device", "camera", "--device", "onvif")
        self.device, self.other = self.simulated.devices
        self.made = box = self.device_box()
        self.added = box.onboard(self.device)[0]
        self.shop = box.get("/sites")["items"][0]["id"]
        self.flat = box.call("POST", "/sites", {"name": "Flat", "timeZone": "Europe/Rome"})["id"]
        self.olga = Owner(box, "olga", hand_over(box, self.shop, "olga")["token"])

    def failed(self, **change):
        """The device, which cannot be added at the flat."""
        item = self.made.try_devices({**self.device.entry(), **change}, siteId=self.flat)[0]
        self.assertEqual((item["state"], item["failure"]["code"]), ("failed", "already-added"))
        return item

    @staticmethod
    def path(item):
        """Of its challenge."""
        return f"/onboardings/{item['onboardingId']}/devices/{item['index']}/challenge"

    def challenge(self, item):
        """The code that is to be shown."""
        answer = self.made.client.request("POST", self.path(item))
        self.assertEqual((answer.status, answer.headers["content-type"], answer.headers["cache-control"]), (201, "image/svg+xml", "no-store"))
        return answer.body

    def show(self, picture):
        """Hold a picture before the lens."""
        body = json.dumps({"picture": base64.b64encode(picture).decode() if picture else None}).encode()
        self.simulated.ask(urllib.request.Request(f"{self.simulated.control}/show?device={self.device.name}", method="POST", data=body))

    def look(self, item):
        """Whether the box sees it."""
        return self.made.call("POST", self.path(item) + "/check")["isSeen"]

    def test_who_has_it_unbinds_it(self):
        """Only the code of this challenge unbinds; the owner and who looked after it are told; then the device is added."""
        item = self.failed()
        self.assertEqual(self.made.client.request("POST", self.path(item) + "/check").problem().slug, "conflict")
        former = self.challenge(item)
        svg = self.challenge(item)
        self.assertFalse(self.look(item), "nothing is shown")
        self.show(held(former))
        self.assertFalse(self.look(item), "a code that another took the place of")
        self.assertEqual(self.olga.get(f"/devices/{self.added['id']}")["name"], self.added["name"])
        self.show(held(svg))
        self.assertTrue(self.look(item))
        self.assertEqual(self.olga.status("GET", f"/devices/{self.added['id']}"), (404, "not-found"))
        self.assertEqual(self.olga.get("/notices")["items"][0]["kind"], "unbound")
        self.assertEqual(self.made.client.request("POST", self.path(item) + "/check").problem().slug, "conflict")
        known = self.made.get("/unbindings")["items"][0]
        self.assertEqual((known["state"], known["onSite"], known["serialNumber"]), ("to-be-confirmed", True, self.device.serial))
        self.show(None)
        self.assertEqual(self.made.retry(item)["state"], "added")
        self.assertEqual(self.made.get(f"/unbindings/{known['id']}")["state"], "closed")
        self.assertIn("checkChallenge", [one["action"] for one in self.made.get("/operations")["items"]])

    def test_not_where_use_is_controlled(self):
        """What a tenant has allowed cannot be gone around."""
        item = self.failed()
        svg = self.challenge(item)
        self.show(held(svg))
        with sqlite3.connect(os.path.join(self.made.state, "box.sqlite")) as database:
            database.execute("UPDATE site SET controlsRemoteUse = 1")
        for path in (self.path(item), self.path(item) + "/check"):
            self.assertEqual(self.made.client.request("POST", path).problem().slug, "conflict")
        self.assertEqual(self.olga.get(f"/devices/{self.added['id']}")["name"], self.added["name"])

    def test_what_only_says_that_it_is_this_device(self):
        """What takes another password than the box knows for the device may be anything."""
        self.olga.client.call("PATCH", f"/devices/{self.added['id']}", {"password": "Another-2026"})
        item = self.failed()
        problem = self.made.client.request("POST", self.path(item)).problem()
        self.assertEqual((problem.status, problem.slug), (409, "conflict"))
        self.assertIn("another password", problem.detail)

    def test_not_from_elsewhere(self):
        """A proxy may pass on anybody's request."""
        item = self.failed()
        answer = self.made.client.request("POST", self.path(item), headers={"X-Forwarded-For": "203.0.113.7"})
        self.assertEqual(answer.problem().slug, "conflict")
