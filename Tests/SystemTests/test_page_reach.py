"""The cards by which the internet finds the box, in a real browser."""

from browser import Browser
from names import NameServer
from page_case import PageCase
from router import Router
from waiting import wait_for

SECRET = "Harbour-Lamp-2026"


class PageReach(PageCase):
    """One visit to the Box page."""

    @classmethod
    def setUpClass(cls):
        cls.box_under_test = box = cls.class_box(**{"http.tls": True, "reach.allow-http": True})
        box.claim()
        cls.router, cls.names = Router(), NameServer()
        cls.addClassCleanup(cls.router.close)
        cls.addClassCleanup(cls.names.close)
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def test_1_open(self):
        """What it means is said; what is wrong is said beside the field; the address is shown, and what the test found."""
        page = self.browser
        self.sign_in()
        page.find("nav-box")
        page.open("#/box")
        page.await_text("Everybody on the internet can then try to sign in")
        page.choose("reach-enabled-on")
        page.fill("reach-router", "http://203.0.113.1/x")
        page.click("reach-save")
        page.await_text("with an address of the site's network")
        page.shoot("box-reach-wrong", self.overflow, "reach-form")
        page.fill("reach-router", self.router.url)
        page.click("reach-save")
        port = self.box_under_test.client.port
        page.await_text(f"https://127.0.0.9:{port}/")
        page.click("reach-test")
        page.await_text("The box was reached through the router itself.")
        page.shoot("box-reach", self.overflow, "reach-state")
        self.done("422")

    def test_2_name(self):
        """The name's server is told, and its word is shown; a wrong password is told as such."""
        page = self.browser
        self.names.answer = "badauth"
        page.choose("ddns-enabled-on")
        page.fill("ddns-name", "box.example.com")
        page.fill("ddns-server", self.names.url)
        page.fill("ddns-user", "me")
        page.click("ddns-save")
        page.await_text("Enter the password.")
        page.fill("ddns-password", SECRET)
        page.click("ddns-save")
        page.await_text("The server does not take this user name and password.")
        page.shoot("box-ddns-wrong", self.overflow, "ddns-state")
        self.names.answer = None
        page.fill("ddns-password", SECRET + "!")
        page.click("ddns-save")
        page.await_text("box.example.com leads to 127.0.0.9.")
        page.await_text("The present one stays when this is empty.")
        page.shoot("box-ddns", self.overflow, "ddns-state")
        self.done("422")

    def test_3_closed(self):
        """Closed again, the address is gone, and so is the port."""
        page = self.browser
        page.choose("reach-enabled-off")
        page.click("reach-save")
        wait_for(lambda: not self.router.mappings, 15, "the port's end")
        wait_for(lambda: f"https://127.0.0.9:{self.box_under_test.client.port}/" not in page.text(), 15, "the address to go")
        self.done()
