"""The page by keyboard alone: signing in, a camera, dialogs; the focus is always seen, and never lost."""

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from box import PASSWORD, USER
from browser import Browser
from page_case import PageCase
from waiting import wait_for

# What has the focus: its test id, whether it is in the view and not beneath something, and whether its outline (or that of the label for which it stands) is seen.
FOCUSED = """
const el = document.activeElement;
const shown = [el, el.nextElementSibling, el.closest('.frame')].filter(Boolean);
const outlined = shown.some((one) => { const s = getComputedStyle(one); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; });
const seen = shown.map((one) => one.getBoundingClientRect()).find((r) => r.width > 1 && r.height > 1);
const inside = seen && seen.bottom > 0 && seen.top < innerHeight && seen.right > 0 && seen.left < innerWidth;
const top = inside && document.elementFromPoint(Math.max(0, Math.min(innerWidth - 1, seen.left + seen.width / 2)), Math.max(0, Math.min(innerHeight - 1, seen.top + Math.min(seen.height, 40) / 2)));
const covered = !top || ![...shown, el.parentElement].some((one) => one.contains(top) || top.contains(one));
return {testid: el.dataset?.testid ?? '', tag: el.tagName, text: (el.getAttribute('aria-label') ?? el.textContent).trim().slice(0, 60), outlined, inside: Boolean(inside), covered, body: el === document.body};
"""


class PageKeyboard(PageCase):
    """A box with a camera; nobody has a mouse."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(1, key_interval=1)
        cls.made = box = cls.class_box()
        box.claim()
        cls.channel = box.add_camera(cls.cameras.cameras[0], name="Door", sub=False)
        box.await_picture(cls.channel)
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.browser.colours("light")
        cls.overflow, cls.failed = [], None

    def press(self, *keys):
        """Press keys, one after the other."""
        ActionChains(self.browser.driver).send_keys(*keys).perform()

    def focused(self):
        """What has the focus."""
        return self.browser.script(FOCUSED)

    def stop(self):
        """What has the focus, which is seen."""
        now = self.focused()
        if not now["body"]:  # between the last of the page and the first
            self.assertTrue(now["outlined"] and now["inside"] and not now["covered"], f"the focus is not seen: {now}")
        return now

    def tab_to(self, testid, most=60, back=False):
        """Press Tab until this has the focus; every stop on the way is seen."""
        way = []
        for _ in range(most):
            if back:
                ActionChains(self.browser.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
            else:
                self.press(Keys.TAB)
            now = self.stop()
            way.append(now["testid"] or now["text"])
            if now["testid"] == testid:
                return
        self.fail(f"Tab does not lead to {testid}: {way}")

    def await_focus(self, testid):
        """Wait until this has the focus."""
        wait_for(lambda: self.focused()["testid"] == testid, 10, lambda: f"the focus at {testid}; it is at {self.focused()}")

    def await_title(self):
        """Wait until the page's title has the focus, from where Tab goes on."""
        wait_for(lambda: self.focused()["tag"] == "H1", 10, lambda: f"the focus at the title; it is at {self.focused()}")

    def round(self):
        """Press Tab through the whole page; the stops, all seen."""
        stops = []
        self.browser.script("document.activeElement?.blur()")
        for _ in range(200):
            self.press(Keys.TAB)
            now = self.stop()
            if now["body"] and stops:
                return stops
            stops.append(now["testid"] or now["text"])
        self.fail(f"Tab does not come around: {stops}")

    def test_a_sign_in(self):
        """The first field has the focus; a wrong password leads back to its field, a right one to the cameras."""
        page = self.browser
        page.open()
        page.find("sign-in-form")
        self.await_focus("sign-in-user")
        self.press(USER, Keys.TAB, "wrong words here", Keys.ENTER)
        page.find("[data-testid=sign-in-password][aria-invalid=true]")
        self.await_focus("sign-in-password")
        self.press(PASSWORD, Keys.ENTER)
        page.find("camera-tile")
        self.done("401")

    def test_b_a_camera(self):
        """The skip link leads to the content, Tab to the camera, Enter opens it: its title has the focus."""
        page = self.browser
        page.driver.refresh()
        page.find("camera-tile")
        self.press(Keys.TAB)
        self.assertEqual(self.stop()["text"], "To the content")
        self.press(Keys.ENTER)
        wait_for(lambda: page.script("return document.activeElement.id") == "content", 10, "the focus in the content")
        self.tab_to("camera-tile")
        self.press(Keys.ENTER)
        page.await_place("/cameras/[^/]+")
        self.await_title()
        self.done()

    def test_c_a_dialog(self):
        """A dialog keeps the focus to itself; Escape closes it, nothing is done, and the focus is where it was."""
        page = self.browser
        page.script("document.querySelector('[data-testid=section-device]').open = false")
        self.tab_to_summary()
        self.press(Keys.ENTER)
        self.tab_to("delete-camera")
        self.press(Keys.ENTER)
        page.find("ask")
        self.await_focus("ask-cancel")
        self.stop()
        for _ in range(4):
            self.press(Keys.TAB)
            self.assertIn(self.stop()["testid"], ("ask-confirm", "ask-cancel", ""))
        self.press(Keys.ESCAPE)
        wait_for(lambda: not page.all("ask"), 10, "the dialog to be gone")
        self.await_focus("delete-camera")
        self.assertEqual(len(self.made.get("/channels")["items"]), 1)
        page.open("#/cut-outs")
        page.find("cut-new")
        self.await_title()
        self.tab_to("cut-new")
        self.press(Keys.ENTER)
        page.find("cut-out")
        self.tab_to("cut-make")
        self.press(Keys.ESCAPE)
        wait_for(lambda: not page.all("cut-out"), 10, "the dialog to be gone")
        self.await_focus("cut-new")
        self.done()

    def tab_to_summary(self):
        """Press Tab until the device's section has the focus."""
        for _ in range(60):
            self.press(Keys.TAB)
            self.stop()
            if self.browser.script("return document.activeElement.closest('[data-testid=section-device]') !== null"):
                return
        self.fail("Tab does not lead to the device's section")

    def test_d_everywhere(self):
        """Tab goes once around every page, and is seen at every stop, on a phone too."""
        page = self.browser
        for width, height in ((1440, 900), (390, 844)):
            page.size(width, height)
            for place in ("cameras", "live", f"cameras/{self.channel['id']}", f"cameras/{self.channel['id']}/playback", "add/find", "add/url", "events", "cloud", "sites", "people", "health", "box", "account"):
                page.open(f"#/{place}")
                wait_for(lambda: page.all("#content h1"), 20, f"{place} to be drawn")
                self.quiet()
                with self.subTest(place=place, width=width):
                    self.assertTrue(self.round())
        self.done()
