"""The page in Italian: as the browser asks for it, everywhere, and as the person chooses."""

import json
import os
import re

from box import PASSWORD, USER
from browser import NARROWEST, PHONE, Browser
from devices import QUICK, DeviceSimulator
from owners import hand_over, share
from page_case import PageCase
from page_words import WEB
from waiting import wait_for

# What is read or heard on the page; time zones are called as everywhere.
SAID = """
const said = [document.title];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) if (!walk.currentNode.parentElement.closest('script, style, noscript, pre, optgroup')) said.push(walk.currentNode.nodeValue);
for (const el of document.querySelectorAll('[aria-label], [title], [placeholder], [alt], optgroup')) {
  for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'label']) if (el.hasAttribute(name)) said.push(el.getAttribute(name));
}
return said.map((text) => text.trim()).filter(Boolean);
"""
CUT_OFF = """
return [...document.querySelectorAll('button, a, h1, h2, h3, label, legend, dt, .nav-label, .option-name, .stat-name, .chip')].filter((el) => el.offsetParent && el.scrollWidth > el.clientWidth + 1
  && getComputedStyle(el).overflowX !== 'visible' && !el.querySelector('input, select')).map((el) => el.textContent.trim());
"""
PAGES = ("cameras", "live", "add/find", "add/address", "add/url", "add/code", "events", "cut-outs", "cloud", "sites", "people", "log", "health", "box", "account", "notices", "unbindings", "take-over")


class PageLanguages(PageCase):
    """One visit of somebody whose browser asks for Italian."""

    @classmethod
    def setUpClass(cls):
        cls.devices = DeviceSimulator("--device", "ptz,name=yard")
        cls.addClassCleanup(cls.devices.close)
        cls.box_under_test = box = cls.class_box(**{"http.tls": True, "recording.seconds-before": 2, "recording.seconds": 6, **QUICK})
        cls.browser = Browser(box.client.base, language="it-IT")
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None
        with open(os.path.join(WEB, "languages", "it.json"), encoding="utf-8") as file:
            words = json.load(file)
        plain = {key.partition("|")[0].strip(): text for key, text in words.items() if isinstance(text, str)}
        ours = {text.strip() for text in plain.values()}
        cls.english = {key for key, text in plain.items() if key != text and key not in ours and "{0}" not in key}
        # A sentence with something put in is known by its longest words.
        known = [re.split(r"(\\{\d\\})", re.escape(key)) for key, text in words.items() if "{0}" in key and re.search(r"[a-z]{4}.*[a-z]{4}", re.sub(r"\{\d\}", "", key))]
        cls.patterns = [re.compile("".join(".+" if part.startswith("\\{") else part for part in parts)) for parts in known]

    def english_left(self, *of_the_box):
        """What the page still says in English; what the box or a person said may be named."""
        return [text for text in self.browser.script(SAID) if text not in of_the_box and (text in self.english or any(one.fullmatch(text) for one in self.patterns))]

    def visit(self, name, place, *of_the_box):
        """Look at a page in both sizes, with everything opened."""
        page = self.browser
        page.open(f"#/{place}")
        wait_for(lambda: page.all("#content h1"), 20, f"{name} to be drawn")
        page.script("for (const one of document.querySelectorAll('#content details')) one.open = true")
        self.quiet()
        self.assertFalse(self.english_left(*of_the_box), f"{name} has English")
        self.assertEqual(re.search("Non è stato possibile mostrare questa pagina|Non è qui", page.text()) is not None, name == "lost", page.text()[:500])
        page.shoot(f"it-{name}", self.overflow)
        for size in (PHONE, (360, 780), NARROWEST):
            page.size(*size)
            self.assertFalse(page.script(CUT_OFF), f"{name} has texts that do not fit at {size[0]} px")
            page.measure(name, size[0], self.overflow)
        page.size(1440, 900)

    def test_a_before_signing_in(self):
        """A new box is claimed in Italian; English is a tap away, and stays."""
        page, box = self.browser, self.box_under_test
        page.open()
        page.find("claim-form")
        self.assertEqual(page.script("return [document.documentElement.lang, document.title]"), ["it", "Configura - Gatehouse"])
        self.assertFalse(self.english_left())
        page.shoot("it-claim", self.overflow)
        page.click("language-en")
        page.await_text("Make this box mine")
        page.driver.refresh()
        page.await_text("Make this box mine")
        self.assertEqual(page.script("return document.documentElement.lang"), "en-GB")
        page.click("language-it")
        page.await_text("Prendi possesso di questo gateway")
        for field, text in (("claim-code", box.setup_code), ("claim-user", USER), ("claim-password", PASSWORD), ("claim-password-again", PASSWORD), ("claim-site", "Panificio")):
            page.fill(field, text)
        page.click("claim-submit")
        page.await_text("Qui compariranno le telecamere")
        box.token = box.client.token = box.client.call("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None)["token"]
        self.assertFalse(self.english_left())
        self.done()

    def test_b_every_page(self):
        """No page has English of its own; what people call things stays as they call it."""
        box = self.box_under_test
        job = box.call("POST", "/onboardings", {"devices": [self.devices["yard"].entry()]})
        wait_for(lambda: box.get(f"/onboardings/{job['id']}")["done"], 60, "the device to be added")
        channel = box.get("/channels")["items"][0]
        box.call("PATCH", f"/channels/{channel['id']}", {"name": "Off"})
        box.await_picture(channel)
        box.link(channel, "standard")
        event = box.trigger(channel, "manual")
        clip = box.await_stored(event, 90)
        named = ("Off", "Gatehouse box", "Service provider", "bytes", "person")  # the camera, the box, the company, and what the log has of requests
        for place in PAGES:
            with self.subTest(place):
                self.visit(place.replace("/", "-"), place, *named)
        for name, place in (("camera", f"cameras/{channel['id']}"), ("playback", f"cameras/{channel['id']}/playback"), ("device", f"device/{channel['deviceId']}"),
                            ("clip", f"clips/{clip['id']}"), ("site", f"sites/{box.get('/sites')['items'][0]['id']}"), ("onboarding", f"onboarding/{job['id']}"), ("lost", "clips/none")):
            with self.subTest(name):
                self.visit(name, place, *named)
        self.browser.open("#/cameras")
        self.browser.await_text("Off")
        self.done("404")

    def test_c_the_choice(self):
        """On the account's page another language is chosen; dates and numbers follow, and it holds when signed out."""
        page, box = self.browser, self.box_under_test
        page.open("#/events")
        page.await_text("Oggi")
        page.open("#/account")
        page.find("page-language")
        page.script("const s = document.querySelector('[data-testid=page-language]'); s.value = 'en'; s.dispatchEvent(new Event('change'))")
        page.await_text("Where you are signed in")
        page.open("#/events")
        page.await_text("Today")
        page.click("sign-out")
        page.find("sign-in-form")
        page.await_text("Forgotten your password?")
        page.click("language-it")
        page.await_text("Password dimenticata?")
        self.assertFalse(self.english_left())
        page.shoot("it-sign-in", self.overflow)
        site = box.get("/sites")["items"][0]["id"]
        links = {"partner": share(box, site, "paolo", "installation")["path"]}
        links["accept"] = hand_over(box, site, "olga", [{"permission": "live-view", "hours": 8}])["path"]
        links["join"] = box.call("POST", "/invitations", {"name": "Carla", "roleId": box.get("/roles")["items"][0]["id"]})["path"]
        for name, path in links.items():
            page.driver.get("about:blank")
            page.open(path.lstrip("/"))
            page.find(f"{name}-submit")
            self.assertFalse(self.english_left("Service provider"), name)
            page.shoot(f"it-{name}", self.overflow)
        page.driver.get("about:blank")
        page.open()
        for name in ("on-site", "forgotten"):
            page.click(name)
            page.find("on-site-back" if name == "on-site" else "forgotten-user")
            self.assertFalse(self.english_left(), name)
            page.driver.refresh()
            page.find("sign-in-form")
        self.done("401")
