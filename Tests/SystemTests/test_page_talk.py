"""Talking through a camera by the page, with a microphone that beeps; and moving a lens on its own picture."""

import base64

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from browser import Browser
from devices import ControlCase
from page_case import PageCase
from waiting import wait_for


class PageTalk(PageCase, ControlCase):
    """A door station and a dome."""

    KINDS = ("doorbell,name=door", "ptz,name=dome")

    @classmethod
    def class_device_box(cls, **settings):
        return super().class_device_box(**{"http.tls": True, **settings})

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser(cls.box_under_test.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def camera(self, name):
        """Open the camera's page and wait for its live picture."""
        self.browser.open("#" + self.channel(name).replace("/channels/", "/cameras/"))
        wait_for(lambda: self.browser.script("return document.querySelector('[data-testid=live-video]')?.currentTime > 0.3"), 30, "a live picture")

    def heard(self):
        """What the loudspeaker was told."""
        return self.simulator["door"].state()["isapi"]["talk"]

    def test_a_talk(self):
        """A tap opens the loudspeaker, the microphone's beeps are heard, another tap closes it."""
        page = self.browser
        self.sign_in()
        page.find("watch-live")
        self.camera("door")
        page.find("talk").send_keys(Keys.ENTER)
        wait_for(lambda: page.find("talk").get_attribute("aria-pressed") == "true", 15, "a pressed button")

        def beeps():
            now = self.heard()
            tail = base64.b64decode(now["tail"])
            # Mu-law's silence is 0xFF and 0x7F; a beep has many values.
            return now["bytes"] > 12_000 and len(set(tail)) > 30
        wait_for(beeps, 20, lambda: f"beeps; {len(set(base64.b64decode(self.heard()['tail'])))} values")
        page.shoot("talk", self.overflow)
        page.find("talk").send_keys(Keys.ENTER)
        wait_for(lambda: not self.heard()["open"], 10, "a closed loudspeaker")
        self.done()

    def test_b_joystick(self):
        """Dragging on a lens' picture moves it the same way, and letting go stops it."""
        page = self.browser
        self.camera("dome")
        before = self.simulator["dome"].state()["ptz"]
        page.click("lens-toggle")
        page.find("lens-pad")
        video = page.find("live-video")
        ActionChains(page.driver).move_to_element_with_offset(video, -200, -120).click_and_hold().move_by_offset(90, -10).perform()
        wait_for(lambda: self.simulator["dome"].state()["ptz"]["moving"], 10, "the movement")
        page.shoot("joystick", self.overflow)
        ActionChains(page.driver).release().perform()
        after = wait_for(lambda: (lambda now: now if not now["moving"] else None)(self.simulator["dome"].state()["ptz"]), 10, "the stop")
        self.assertGreater(after["position"][0], before["position"][0])
        self.done()
