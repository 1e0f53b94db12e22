"""Visits to the page in one browser, each going on where the last one ended."""

import re

from box import PASSWORD, USER
from browser import PHONE, Browser
from case import Case
from waiting import wait_for

PLAYS = """
const video = document.querySelector(arguments[0]);
if (!video) return null;
return {time: video.currentTime, width: video.videoWidth, hidden: video.hidden, paused: video.paused,
        behind: video.buffered.length ? video.buffered.end(video.buffered.length - 1) - video.currentTime : null};
"""


class PageCase(Case):
    """Needs `browser`, `overflow` (what was too wide) and `failed` (None) of the class."""

    @classmethod
    def open_two(cls, box):
        """One browser at a desk, and one on a phone."""
        cls.browser, cls.phone = Browser(box.client.base), Browser(box.client.base)
        for browser in (cls.browser, cls.phone):
            cls.addClassCleanup(browser.close)
        cls.phone.size(*PHONE)
        cls.overflow, cls.failed = [], None

    def setUp(self):
        if self.failed:
            self.skipTest(f"goes on from {self.failed}, which failed")
        type(self).failed = self.id().rpartition(".")[2]

    def sign_in(self):
        """Open the page and sign in as the installer."""
        self.browser.open()
        self.browser.fill("sign-in-user", USER)
        self.browser.fill("sign-in-password", PASSWORD)
        self.browser.click("sign-in-submit")

    def quiet(self):
        """Wait until the page says the same as a moment before: what is fetched has come."""
        last = []

        def same():
            last.append(self.browser.script("return document.body.innerText.replace(/\\d/g, '')"))
            return len(last) > 2 and last[-1] == last[-2] == last[-3]
        wait_for(same, 20, "the page to be quiet", 0.3)

    def plays(self, selector, seconds=20, width=None, page=None):
        """Wait until a video moves on, by default in `browser`; what it is."""
        page, first = page or self.browser, {}

        def look():
            now = page.script(PLAYS, selector)
            if not now or now["hidden"] or not now["width"] or (width and now["width"] != width):
                return None
            first.setdefault("time", now["time"])
            return now if now["time"] > first["time"] + 0.5 else None

        return wait_for(look, seconds, lambda: f"{selector} to play: {page.script(PLAYS, selector)}", 0.1)

    def done(self, *expected_errors):
        """At the end of a good test: nothing in the console but what was provoked, nothing too wide."""
        errors = [error for error in self.browser.errors() if not any(re.search(one, error) for one in expected_errors)]
        self.browser.console.clear()
        too_wide = self.overflow[:]
        self.overflow.clear()
        type(self).failed = None  # the next visit can go on, whatever the console said
        self.assertFalse(errors, "the console has errors")
        self.assertFalse(too_wide)
