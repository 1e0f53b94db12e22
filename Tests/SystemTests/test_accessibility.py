"""The page for everybody: axe-core looks at every page, on a phone and at a desk, light and dark; words over pictures, and enlarged ones."""

import subprocess
import unittest

import axe
from box import PASSWORD, USER
from browser import DESK, NARROWEST, PHONE, Browser
from devices import QUICK, DeviceSimulator
from over_pictures import unreadable
from owners import WORDS, Owner, Partner, hand_over, share
from page_case import PageCase
from waiting import wait_for

# The distances that readers may want (WCAG 2.1, 1.4.12).
SPACED = """
const sheet = new CSSStyleSheet();
sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; } p { margin-bottom: 2em !important; }');
document.adoptedStyleSheets = [sheet];
"""
PAGES = ("cameras", "live", "add/find", "add/address", "add/url", "add/code", "events", "cut-outs", "cloud", "sites", "take-over", "people", "log", "health", "box", "account", "notices", "clips/none")
OTHERS_PAGES = ("cameras", "live", "events", "sites", "health", "box", "account", "notices")  # an owner's, and a partner's


class Accessibility(PageCase):
    """A box with a device, its provider, an owner and a partner."""

    @classmethod
    def setUpClass(cls):
        try:
            cls.engine = axe.source()
        except (subprocess.SubprocessError, OSError) as error:
            raise unittest.SkipTest(f"axe-core cannot be had: {error}") from None
        cls.devices = DeviceSimulator("--device", "ptz,name=yard")
        cls.addClassCleanup(cls.devices.close)
        cls.made = box = cls.class_box(**{"http.tls": True, "recording.seconds-before": 2, "recording.seconds": 6, **QUICK})
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed, cls.slight = [], None, {}

    @classmethod
    def tearDownClass(cls):
        """List what fails no test."""
        for (rule, impact), places in sorted(cls.slight.items()):
            print(f"not grave: {rule} ({impact}) on {', '.join(sorted(places))}")

    def look(self, name):
        """Let axe-core look at the page as it stands, in both sizes and colours; what is grave fails the test."""
        page, grave = self.browser, []
        for size_name, size in (("phone", PHONE), ("desk", DESK)):
            page.size(*size)
            for scheme, rules in (("light", None), ("dark", axe.OF_COLOURS)):
                page.colours(scheme)
                for one in axe.look(page, self.engine, rules):
                    places = [f"{node['html']} at {node['at']}: {node['why']}" for node in one["nodes"]]
                    if axe.is_grave(one):
                        grave.append(f"{name}, {size_name}, {scheme}: {one['rule']} ({one['impact']}), {len(places)} times: " + "; ".join(places[:2]))
                    else:
                        self.slight.setdefault((one["rule"], one["impact"]), set()).add(name)
        page.colours("light")
        page.size(*NARROWEST)
        page.measure(name, NARROWEST[0], self.overflow)
        page.script(SPACED)
        for width, height in (PHONE, DESK):
            page.size(width, height)
            page.measure(f"{name}, with letters wide apart,", width, self.overflow)
        page.script("document.adoptedStyleSheets = []")
        self.assertFalse(grave, "\n" + "\n".join(grave))

    def visit(self, place):
        """Look at a page with everything opened that opens."""
        page = self.browser
        page.open(f"#/{place}")
        wait_for(lambda: page.all("#content h1"), 20, f"{place} to be drawn")
        page.script("for (const one of document.querySelectorAll('#content details')) one.open = true")
        self.quiet()
        with self.subTest(place):
            self.look(place)

    def enter(self, name, password):
        """Sign in as somebody else."""
        page = self.browser
        page.driver.get("about:blank")
        page.open()
        page.driver.delete_all_cookies()
        page.driver.refresh()
        page.fill("sign-in-user", name)
        page.fill("sign-in-password", password)
        page.click("sign-in-submit")
        page.find("nav-sites")

    def test_a_before_signing_in(self):
        """Claiming the box, signing in, and what a link leads to."""
        page, box = self.browser, self.made
        page.open()
        page.click("claim-submit")
        page.find("[aria-invalid=true]")
        with self.subTest("claim"):
            self.look("claim")
        box.claim()
        page.driver.refresh()
        page.click("sign-in-submit")
        page.find("[aria-invalid=true]")
        with self.subTest("sign-in"):
            self.look("sign-in")
        for name, shown in (("on-site", "on-site-back"), ("forgotten", "forgotten-user")):
            page.click(name)
            page.find(shown)
            with self.subTest(name):
                self.look(name)
            page.driver.refresh()
            page.find("sign-in-form")
        site = box.get("/sites")["items"][0]["id"]
        links = {"partner": share(box, site, "ivan", "installation")["path"]}
        links["accept"] = hand_over(box, site, "olga", [{"permission": "live-view", "hours": 8}])["path"]
        links["join"] = box.call("POST", "/invitations", {"name": "Carla", "roleId": box.get("/roles")["items"][0]["id"]})["path"]
        for name, path in links.items():
            page.driver.get("about:blank")
            page.open(path.lstrip("/"))
            page.find(f"{name}-submit")
            with self.subTest(name):
                self.look(name)
        type(self).tokens = {name: path.rpartition("/")[2] for name, path in links.items()}
        self.done()

    def test_b_the_provider(self):
        """Every page of the company that looks after the box, while it is the partner's, too."""
        box = self.made
        job = box.call("POST", "/onboardings", {"devices": [self.devices["yard"].entry()]})
        wait_for(lambda: box.get(f"/onboardings/{job['id']}")["done"], 60, "the device to be added")
        type(self).channel = channel = box.get("/channels")["items"][0]
        box.await_picture(channel)
        box.link(channel, "standard")
        type(self).clip = box.await_stored(box.trigger(channel, "manual"), 90)
        Partner(box, "ivan", self.tokens["partner"])
        self.enter(USER, PASSWORD)
        for place in (*PAGES, f"sites/{box.get('/sites')['items'][0]['id']}", f"onboarding/{job['id']}"):
            self.visit(place)
        self.done("404", "401")

    def test_c_a_camera(self):
        """A camera with its settings, its lens, its recordings, a clip, a device, and the dialogs."""
        page, channel = self.browser, self.channel
        for place in (f"cameras/{channel['id']}", f"cameras/{channel['id']}/playback", f"device/{channel['deviceId']}", f"clips/{self.clip['id']}"):
            self.visit(place)
        page.click("clip-cut")
        page.find("cut-out")
        with self.subTest("cut out"):
            self.look("cut out")
        page.open(f"#/cameras/{channel['id']}")
        page.driver.refresh()
        page.click("lens-toggle")
        self.quiet()
        with self.subTest("lens"):
            self.look("lens")
        page.open(f"#/device/{channel['deviceId']}")
        page.click("delete-device")
        page.find("ask")
        with self.subTest("ask"):
            self.look("ask")
        page.click("ask-cancel")
        self.done()

    def test_d_over_pictures(self):
        """Words over pictures can be read when the picture is white, which axe-core cannot know."""
        page, camera = self.browser, f"cameras/{self.channel['id']}"
        for place, shown in (("cameras", "camera-tile"), ("live", "wall-tile"), (camera, "live-video"), (f"{camera}/playback", "playback-video")):
            for size in (PHONE, DESK):
                page.size(*size)
                page.open(f"#/{place}")
                page.driver.refresh()
                page.find(shown)
                if place == camera:
                    page.click("lens-toggle")
                self.quiet()
                page.script("scrollTo(0, 0)")
                with self.subTest(place=place, size=size):
                    bad, words = unreadable(page)
                    self.assertTrue(words)
                    self.assertEqual(bad, [])
        page.size(*DESK)
        self.done()

    def test_e_a_partner(self):
        """What a partner sees."""
        self.others("ivan")

    def test_f_an_owner(self):
        """What an owner sees."""
        Owner(self.made, "olga", self.tokens["accept"])
        self.others("olga")

    def others(self, name):
        """The pages of somebody who is not the provider."""
        self.enter(name, WORDS)
        for place in (*OTHERS_PAGES, f"sites/{self.made.get('/sites')['items'][0]['id']}", f"cameras/{self.channel['id']}", f"cameras/{self.channel['id']}/playback"):
            self.visit(place)
        self.done("401", "403", "404")
