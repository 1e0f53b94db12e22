"""What people do in several steps on the page, at a desk or on a telephone: for a story in which several take part."""

import datetime
import re

from page_case import PageCase
from waiting import wait_for

NOT_ALLOWED, ENDED = "You may not see this camera live: the permission for it is missing.", "The live view has ended: its permission is over or was taken back."


class StoryCase(PageCase):
    """Needs `all`, the browsers of those who take part, as well."""

    def sites(self, page):
        """To the list of sites, as one gets there at a desk and on a telephone."""
        page.find("nav-sites", visible=False)
        if page.all("nav-sites")[0].is_displayed():
            page.click("nav-sites")
        else:
            page.click("nav-box")
            page.click("#content a[href='#/sites']")
        page.find("sites")

    def site(self, page, name):
        """To the page of a site."""
        self.sites(page)
        page.click(f"[data-site='{name}'] a")
        page.find("site-id")

    def camera(self, page, name):
        """To the page of a camera."""
        page.click("nav-cameras")
        page.await_text(name)
        next(tile for tile in page.all("camera-tile") if name in tile.text).click()
        page.await_place(r"/cameras/[^/]+")

    def notice(self, page, kind, *told):
        """Read a notice and follow it."""
        self.sites(page)
        page.click("#content a[href='#/notices']")
        sentence = page.find(f"[data-kind='{kind}']").text
        for word in told:
            self.assertIn(word, sentence)
        return sentence

    def add_camera(self, page, name, camera):
        """From the site's page: a camera by its URL, tested, with its picture, added."""
        page.click("#content a[href^='#/add/find?site=']")
        page.choose("by-url")
        for field, text in (("device-name", name), ("device-url", camera.rtsp), ("device-user", camera.user), ("device-password", camera.password)):
            page.fill(field, text)
        page.click("test-camera")
        page.find("#app img.test-picture", seconds=30)

    def confirm(self, page, *told):
        """Agree to what is asked, which says these."""
        text = page.find("ask").text
        for word in told:
            self.assertIn(word, text)
        page.click("ask-confirm")

    def until(self, page, field):
        """Choose a moment, the next whole minute that is at least fifteen seconds away, as the browser's own calendar does it."""
        moment = datetime.datetime.now() + datetime.timedelta(seconds=75)
        page.script("arguments[0].value = arguments[1]; for (const kind of ['input', 'change']) arguments[0].dispatchEvent(new Event(kind, {bubbles: true}))",
                    page.find(field), moment.strftime("%Y-%m-%dT%H:%M"))

    def select(self, page, field, label):
        """Choose from a list."""
        page.find(field).send_keys(label)
        wait_for(lambda: page.script("return document.querySelector(`[data-testid=${arguments[0]}]`).selectedOptions[0].textContent", field) == label, 5, f"{label} to be chosen")

    def permissions(self, page):
        """What the list of permissions says."""
        return [one.text for one in page.all("[data-testid=permissions] > li")]

    def over(self, page):
        """Wait until the live picture has ended and the page says why."""
        wait_for(lambda: page.script("return document.querySelector('.live-word').textContent") == ENDED, 20, lambda: f"the reason: {page.text()[:600]}")
        self.assertFalse(page.find("live-video", visible=False).is_displayed(), "the last picture may not be seen any more")
        self.assertFalse(page.find(".live-badge", visible=False).is_displayed(), "what has ended is called live")

    def done(self, *expected_errors):
        """At the end of a good step: no console has errors but what was provoked, and nothing is too wide."""
        errors = {index: [one for one in page.errors() if not any(re.search(this, one) for this in expected_errors)] for index, page in enumerate(self.all)}
        for page in self.all:
            page.console.clear()
        too_wide = self.overflow[:]
        self.overflow.clear()
        type(self).failed = None
        self.assertFalse(any(errors.values()), f"consoles have errors: {errors}")
        self.assertFalse(too_wide)

    def log(self, page):
        """The lines of the log that are shown, all that there are."""
        while page.all("log-more"):
            count = len(page.all("[data-testid=operations] > li"))
            page.click("log-more")
            wait_for(lambda: len(page.all("[data-testid=operations] > li")) > count, 10, "more of the log")
        return page.read("[data-testid=operations] > li")
