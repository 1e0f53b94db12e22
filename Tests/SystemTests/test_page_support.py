"""The card for whoever helps with the box, in a real browser: more of the log, and how earlier lives ended."""

import os
import signal

from browser import Browser
from page_case import PageCase


class PageSupport(PageCase):
    """One box that hung in an earlier life."""

    browser, overflow, failed = None, [], None

    def test_open(self):
        """A crash is told with its time and version; more of the log is kept when somebody says so."""
        # As systemd's watchdog does it; the toolchain's own look at a crash would take long.
        box = self.box(start=False, **{"http.tls": True}).start({"SWIFT_BACKTRACE": "enable=no"})
        box.claim()
        os.kill(box.pid, signal.SIGABRT)
        box.process.wait(20)
        box.start()
        type(self).browser = page = self.kept(Browser(box.client.base))
        self.sign_in()
        page.find("nav-box")
        page.open("#/box")
        self.quiet()
        self.assertEqual(bool(page.all("clock-unknown")), not box.get("/system")["timeKnown"])
        version = box.get("/system")["version"]
        self.assertRegex(page.find("support-crashes").text, rf"version {version}: it hung, and was ended")
        page.click("support-collect")
        page.await_text("Until ")
        self.assertTrue(box.get("/support")["collectsLog"])
        page.shoot("support", self.overflow, at="support")
        page.shoot("this-box", self.overflow)
        self.done()
