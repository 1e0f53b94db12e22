"""The card of the box's own program, in a real browser: what is newer, an upgrade from its beginning to its end, and what became of it."""

from browser import Browser
from field_case import FieldCase
from page_case import PageCase


class PageFirmware(FieldCase, PageCase):
    """One box that is upgraded on its page."""

    settings = {"http.tls": True}
    browser, overflow, failed = None, [], None

    def setUp(self):
        super().setUp()
        self.begin()
        type(self).browser = self.kept(Browser(self.upgraded.client.base))
        self.sign_in()
        self.browser.find("watch-live")
        self.browser.open("#/box")
        self.browser.find("firmware-check")
        self.quiet()

    def test_an_upgrade(self):
        """The page finds a version, says what is new, asks before it begins, shows what goes on, and comes back with the new version by itself."""
        page = self.browser
        page.click("firmware-check")
        page.await_text("There is no newer version for this box.")
        self.offer("1.1.0")
        page.click("firmware-check")
        page.await_text("Version 1.1.0 is there.")
        page.await_text("What is new in 1.1.0.")
        page.shoot("firmware-found", self.overflow)
        page.click("firmware-upgrade")
        page.await_text("Once it has begun it cannot be stopped.")
        page.shoot("firmware-asked", self.overflow)
        page.click("ask-confirm")
        page.await_text("The new version runs and proves itself", 60)
        page.shoot("firmware-trial", self.overflow)
        self.await_version("1.1.0", phases=("idle",))
        page.click("firmware-past")
        page.await_text("1.0.0 → 1.1.0 stayed")
        page.shoot("firmware-past", self.overflow)
        # The box was away for a moment.
        self.done("Failed to load resource", "ERR_", "502", "401")

    def test_when_and_from_a_file(self):
        """The hours are set; a file that is none is refused in words."""
        page = self.browser
        page.click("firmware-policy")
        for name, value in (("firmware-from", "01:30"), ("firmware-channel", "candidate")):
            page.script("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change', {bubbles: true}))", page.find(name), value)
        page.click("firmware-save")
        page.await_text("Saved.")
        self.assertEqual((self.firmware()["channel"], self.firmware()["windowFrom"]), ("candidate", "01:30"))
        page.shoot("firmware-when", self.overflow)
        path = self.at("camera.dav")
        with open(path, "wb") as file:
            file.write(b"SWKH" + bytes(5000))
        page.find("firmware-file", visible=False).send_keys(path)
        page.await_text("This is firmware of a Hikvision camera or recorder")
        page.shoot("firmware-wrong-file", self.overflow)
        self.done("422")
