"""The page's way of a site to a partner: shared, accepted on a phone, worked on, left."""

from owners import WORDS, Owner, Partner, hand_over, share
from page_case import PageCase
from waiting import wait_for


class PagePartners(PageCase):
    """A box with a camera; an installer at a desk, a partner with a phone."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(1, key_interval=1)
        cls.made = box = cls.class_box()
        box.claim()
        cls.channel = box.add_camera(cls.cameras.cameras[0], name="Door", sub=False)
        box.await_picture(cls.channel)
        cls.site = box.get("/sites")["items"][0]["id"]
        cls.open_two(box)

    def test_a_shared(self):
        """The installer shares the site and gets a link, once; the partner names the company, makes an account on a phone, and accepts."""
        page, phone = self.browser, self.phone
        self.sign_in()
        page.find("watch-live")
        page.open(f"#/sites/{self.site}")
        page.click("share")
        page.fill("share-recipient", "ivan")
        page.click("share-submit")
        page.await_text("recipient must be an e-mail address.")
        page.fill("share-recipient", "ivan@example.com")
        page.fill("share-remarks", "Two more cameras, please.")
        page.click("share-submit")
        link = page.find("share-link").text
        page.shoot("share-sent", self.overflow)
        phone.open("#" + link.partition("#")[2])
        phone.await_text("asks you to help with this site")
        phone.await_text("Two more cameras, please.")
        phone.fill("partner-user", "ivan")
        phone.fill("partner-password", WORDS)
        phone.click("partner-submit")
        phone.await_text("Enter your company’s name.")
        phone.fill("partner-company", "Night Watch Srl")
        phone.shoot("share-accept", self.overflow)
        phone.click("partner-submit")
        phone.await_place("/sites")
        phone.find("[data-site='Test house']")
        phone.open("#/cameras")
        phone.await_text("Door")
        errors = [error for error in phone.errors() if "422" not in error]
        self.assertFalse(errors)
        page.open("#/sites")
        page.open(f"#/sites/{self.site}")
        page.await_text("Night Watch Srl")
        page.shoot("site-shared", self.overflow)
        self.done("422")

    def test_b_left(self):
        """The partner sees no people, no handing over, no further sharing; leaves; the installer is told."""
        page, phone = self.browser, self.phone
        phone.open("#/sites")
        phone.open(f"#/sites/{self.site}")
        phone.find("site-leave")
        for testid in ("share", "handover-submit", "site-delete", "nav-people"):
            self.assertFalse(phone.all(testid), testid)
        phone.shoot("site-partner", self.overflow)
        phone.click("site-leave")
        phone.click("ask-confirm")
        phone.await_text("You have left Test house.")
        wait_for(lambda: not phone.all("[data-site='Test house']"), 10, "the site to be gone")
        phone.open("#/cameras")
        phone.await_text("No cameras for you yet")
        # Whoever has no site signs in all the same, and is told so.
        phone.driver.refresh()
        phone.await_text("No cameras for you yet")
        phone.shoot("no-site", self.overflow)
        page.open("#/notices")
        page.find("[data-kind='partner-left']")
        page.open(f"#/sites/{self.site}")
        page.find("[data-state=ended]")
        self.assertFalse([error for error in phone.errors() if "404" not in error and "403" not in error])
        self.done()

    def test_c_changed(self):
        """After the handover a maintenance partner gets another permission and loses one, as it is ticked; none at all is refused."""
        page, box = self.browser, self.made
        Owner(box, "olga", hand_over(box, self.site, "olga", [{"permission": "configuration"}, {"permission": "live-view"}])["token"])
        Partner(box, "mia", share(box, self.site, "mia", "maintenance", ["live-view"])["token"])
        page.open("#/sites")
        page.open(f"#/sites/{self.site}")
        page.click("[data-state=accepted] [data-testid=share-change]")
        page.choose("change-live-view")
        page.click("change-submit")
        page.await_text("Choose what the partner may do.")
        page.choose("change-configuration")
        page.shoot("share-change", self.overflow, at="[data-state=accepted]")
        page.narrow("share-change", self.overflow)
        page.click("change-submit")
        page.await_text("Changed.")
        self.assertEqual(next(one for one in box.get(f"/sites/{self.site}/shares")["items"] if one["state"] == "accepted")["permissions"], ["configuration"])
        wait_for(lambda: "Configuration" in page.find("shares").text and "Live view" not in page.find("shares").text, 10, lambda: page.find("shares").text)
        self.done()
