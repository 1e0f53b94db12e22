"""The page's way of a device to another site: asked for by the installer, approved by the owner on a phone."""

from owners import WORDS, Owner, hand_over
from page_case import PageCase


class PageMoves(PageCase):
    """A box with a camera at the first of two sites of one owner."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(1, key_interval=1)
        cls.made = box = cls.class_box()
        box.claim()
        cls.channel = box.add_camera(cls.cameras.cameras[0], name="Door", sub=False)
        cls.shop = box.get("/sites")["items"][0]["id"]
        cls.flat = box.call("POST", "/sites", {"name": "Flat", "timeZone": "Europe/Rome"})["id"]
        allowed = [{"permission": "configuration"}, {"permission": "live-view"}]
        cls.owner = Owner(box, "olga", hand_over(box, cls.shop, "olga", allowed)["token"])
        token = hand_over(box, cls.flat, "olga", allowed)["token"]
        cls.owner.client.call("POST", "/handover/accept", {"token": token, "userName": "olga", "password": WORDS, "hasAccount": True})
        cls.open_two(box)

    def test_a_asked_for(self):
        """The installer chooses device and site, says why, and sees that the owner is asked."""
        page = self.browser
        self.sign_in()
        page.find("watch-live")
        page.open(f"#/sites/{self.shop}")
        page.click("move")
        page.click("move-submit")
        page.await_text("Choose at least one device.")
        page.choose("move-Door")
        page.fill("move-remarks", "It hangs in the flat now.")
        page.shoot("move-form", self.overflow)
        page.click("move-submit")
        page.find("move-back")
        page.await_text("Door: from Test house to Flat")
        # Taken back and asked for again: nothing is chosen nor typed again.
        page.click("move-back")
        page.click("move-again")
        self.assertEqual((page.find("move-Door").is_selected(), page.find("move-remarks").get_attribute("value")), (True, "It hangs in the flat now."))
        page.shoot("move-again", self.overflow, at="moves")
        page.narrow("move-again", self.overflow)
        page.click("move-submit")
        page.find("move-back")
        self.done()

    def test_b_approved(self):
        """The owner reads why on a phone, approves, and finds the camera at the flat."""
        page, phone = self.browser, self.phone
        phone.open()
        phone.fill("sign-in-user", "olga")
        phone.fill("sign-in-password", WORDS)
        phone.click("sign-in-submit")
        phone.open("#/notices")
        phone.find("[data-kind='move-asked']")
        phone.open(f"#/sites/{self.shop}")
        phone.await_text("It hangs in the flat now.")
        phone.shoot("move-asked", self.overflow)
        phone.click("move-approve")
        phone.find("[data-testid=moves] [data-state=moved]")
        self.assertEqual(self.made.get(f"/devices/{self.channel['deviceId']}")["siteId"], self.flat)
        phone.open(f"#/sites/{self.flat}")
        phone.await_text("Door")
        self.assertFalse(phone.errors())
        page.open("#/notices")
        page.find("[data-kind='devices-moved']")
        self.done()
