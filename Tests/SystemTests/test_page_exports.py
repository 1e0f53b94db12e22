"""Cutting footage out, in a real browser; and watching at the site without a sign-in."""

from browser import Browser
from page_case import PageCase
from waiting import wait_for


class PageExports(PageCase):
    """From a clip to its file."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(user="admin", password="Harbour-2026")
        cls.box_under_test = box = cls.class_box(**{"http.tls": True, "recording.seconds-before": 1, "recording.seconds": 4})
        box.claim()
        cls.channel = box.add_camera(cls.cameras.cameras[0], sub=False)
        box.link(cls.channel)
        box.await_past(1, cls.channel)
        cls.clip = box.await_stored(box.trigger(cls.channel), seconds=90)
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def test_cut_out(self):
        """The form takes the clip's times; the files appear by themselves, and say what they are."""
        page = self.browser
        self.sign_in()
        page.find("watch-live")
        page.open(f"#/clips/{self.clip['id']}")
        page.click("clip-cut")
        page.find("cut-from")
        page.shoot("cut-out-form", self.overflow)
        page.click("cut-make")
        page.find("cut-file", seconds=60)
        page.await_text("camera-1.mp4" if not self.channel["name"].isascii() else self.channel["name"])
        page.shoot("cut-outs", self.overflow)
        page.click("cut-remove")
        page.click("ask-confirm")
        page.await_text("Nothing cut out")
        page.shoot("cut-outs-empty", self.overflow)
        self.done()


class PageOnSite(PageExports):
    """The same box, not signed in."""

    test_cut_out = None

    def test_watch(self):
        """By the camera's own address and password, and by no other."""
        page, camera = self.browser, self.cameras.cameras[0]
        page.open("")
        page.click("on-site")
        page.fill("on-site-device", "127.0.0.1")
        page.fill("on-site-user", "admin")
        page.fill("on-site-password", "wrong")
        page.click("on-site-watch")
        page.await_text("No device of this box has this address")
        page.shoot("on-site-wrong", self.overflow)
        page.fill("on-site-password", "Harbour-2026")
        page.click("on-site-watch")
        wait_for(lambda: page.script("return document.querySelector('[data-testid=live-video]')?.currentTime > 0.5"), 30, "a moving picture")
        page.shoot("on-site", self.overflow)
        self.assertTrue(camera)
        self.done("403")
