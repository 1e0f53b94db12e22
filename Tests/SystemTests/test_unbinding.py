"""A device that is bound to another site is asked for where it could not be added, unbound by who may, and added then."""

from devices import DeviceCase
from owners import Owner, hand_over

JPEG = b"\xff\xd8\xff\xe0 a photograph of a label \xff\xd9"
PICTURE = {"Content-Type": "image/jpeg"}


class Unbinding(DeviceCase):
    """A box with a device at a site that has an owner, whose provider wants it at another site."""

    def setUp(self):
        self.simulated = self.devices("--device", "camera")
        self.device = self.simulated.devices[0]
        self.made = box = self.device_box()
        self.added = box.onboard(self.device)[0]
        self.shop = box.get("/sites")["items"][0]["id"]
        box.call("PATCH", f"/sites/{self.shop}", {"city": "Torino"})
        self.flat = box.call("POST", "/sites", {"name": "Flat", "timeZone": "Europe/Rome"})["id"]
        self.olga = Owner(box, "olga", hand_over(box, self.shop, "olga")["token"])

    def failed(self):
        """The device, which cannot be added at the flat."""
        item = self.made.try_devices(self.device.entry(), siteId=self.flat)[0]
        self.assertEqual((item["state"], item["failure"]["code"]), ("failed", "already-added"))
        self.assertNotIn(self.added["name"], item["failure"]["sentence"])
        return item

    def asked(self, item, client=None):
        """A request with the photograph of the label."""
        client = client or self.made.client
        path = f"/onboardings/{item['onboardingId']}/devices/{item['index']}/unbinding"
        request = client.call("POST", path, {"remarks": "Bought with the shop."})
        self.assertEqual((request["state"], request["missing"], request["onSite"]), ("in-progress", ["label"], True))
        sent = client.request("PUT", f"/unbindings/{request['id']}/label", JPEG, PICTURE).json
        self.assertEqual((sent["missing"], sent["proofs"], sent["site"], sent["owner"]), ([], ["label"], None, None))
        return sent

    def notices(self, client):
        """The kinds of somebody's notices, the newest first."""
        return [one["kind"] for one in client.get("/notices")["items"]]

    def test_the_owner_unbinds(self):
        """The failed adding says which device it is; the owner sees the request with its proof and unbinds; the device is added and the request closed."""
        item = self.failed()
        self.assertEqual((item["boundDevice"]["serialNumber"], item["boundDevice"]["model"]), (self.device.serial, self.device.model))
        request = self.asked(item)
        path = f"/unbindings/{request['id']}"
        self.assertEqual(self.made.client.request("POST", path + "/unbind").problem().slug, "beyond-own-rights")
        self.assertEqual((self.notices(self.olga)[0], self.notices(self.made).count("unbinding-asked")), ("unbinding-asked", 0))
        seen = self.olga.get("/unbindings?region=tor")["items"][0]
        self.assertEqual((seen["device"], seen["site"], seen["city"], seen["mayDecide"], seen["company"], seen["serialNumber"]),
                         (self.added["name"], "Test house", "Torino", True, "Service provider", self.device.serial))
        label = self.olga.client.request("GET", path + "/label")
        self.assertEqual((label.body, label.headers["content-type"], label.headers["x-content-type-options"]), (JPEG, "image/jpeg", "nosniff"))
        self.assertEqual(self.olga.client.call("POST", path + "/unbind")["state"], "to-be-confirmed")
        self.assertEqual(self.olga.status("GET", f"/devices/{self.added['id']}"), (404, "not-found"))
        self.assertEqual(self.notices(self.olga)[0], "unbound")
        self.assertEqual(self.notices(self.made)[:2].count("unbinding-done"), 1)
        self.assertEqual(self.made.retry(item)["state"], "added")
        self.assertEqual(self.made.get(path)["state"], "closed")
        log = [one["action"] for one in self.made.get("/operations")["items"]]
        self.assertLessEqual({"askForUnbinding", "sendUnbindingLabel", "unbindDevice"}, set(log))
        self.made.restart()
        self.assertEqual(self.made.get("/unbindings?state=closed")["items"][0]["id"], request["id"])

    def test_refused(self):
        """What is refused says why to who asked; the device stays, and another request is possible."""
        request = self.asked(self.failed())
        path = f"/unbindings/{request['id']}"
        self.assertEqual(self.olga.client.call("POST", path + "/refuse", {"reason": "It hangs in my shop."})["state"], "refused")
        told = self.made.get(path)
        self.assertEqual((told["reason"], told["decidedBy"], told["site"]), ("It hangs in my shop.", None, None))
        self.assertIn("It hangs in my shop.", self.made.get("/notices")["items"][0]["sentence"])
        self.assertEqual(self.olga.status("POST", path + "/unbind"), (409, "conflict"))
        self.assertEqual(self.olga.get(f"/devices/{self.added['id']}")["name"], self.added["name"])
        again = self.asked(self.failed())
        self.made.call("DELETE", f"/unbindings/{again['id']}")
        self.assertEqual(self.olga.get(f"/unbindings/{again['id']}")["state"], "withdrawn")

    def test_what_is_sent(self):
        """Only pictures are photographs, only so large ones are taken, and who is not concerned finds nothing."""
        item, box = self.failed(), self.made.client
        request = box.call("POST", f"/onboardings/{item['onboardingId']}/devices/{item['index']}/unbinding", {})
        path = f"/unbindings/{request['id']}"
        document = {"Content-Type": "application/xml"}
        self.assertEqual(self.olga.status("GET", path), (404, "not-found"))
        self.assertEqual(box.request("PUT", path + "/label", b"<svg onload=alert(1)>", PICTURE).status, 415)
        self.assertEqual(box.request("PUT", path + "/label", JPEG + bytes(5 << 20), PICTURE).status, 413)
        self.assertEqual(box.request("PUT", path + "/device-file", b"<serial>another</serial>", document).status, 409)
        exported = f"<serial>{self.device.serial}</serial><script>alert(1)</script>".encode()
        self.assertEqual(box.request("PUT", path + "/device-file", exported, document).status, 200)
        self.assertEqual(box.request("PUT", path + "/label", JPEG, PICTURE).status, 200)
        # Who decides has seen it.
        self.assertEqual(box.request("PUT", path + "/label", JPEG + b"another", PICTURE).problem().slug, "conflict")
        file = self.olga.client.request("GET", path + "/device-file")
        self.assertTrue(file.headers["content-type"].startswith("text/plain"))
        otto = Owner(self.made, "otto", hand_over(self.made, self.flat, "otto")["token"])
        self.assertEqual((otto.get("/unbindings")["items"], otto.status("GET", path), otto.status("GET", path + "/label")),
                         ([], (404, "not-found"), (404, "not-found")))
        self.assertEqual(otto.status("POST", path + "/unbind"), (404, "not-found"))
