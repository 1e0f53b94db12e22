"""People on the page: invited, joined, limited by their role; one's own account; what was done."""

import base64
import datetime
import hashlib
import hmac
import re
import struct
import subprocess
import time
import zoneinfo

from box import PASSWORD, USER, binary
from browser import Browser
from page_case import PageCase
from people import WORDS
from waiting import wait_for

NEW = "eleven green boats on land"


def one_time_password(secret, at):
    """RFC 6238 as an app does it."""
    code = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(at // 30)), hashlib.sha1).digest()
    offset = code[-1] & 15
    return f"{(struct.unpack('>I', code[offset:offset + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


class PagePeople(PageCase):
    """One visit of the installer, and one of somebody who was invited."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras()
        cls.box_under_test = box = cls.class_box(**{"http.tls": True})
        box.claim()
        cls.channel = box.add_camera(cls.cameras.cameras[0])
        box.await_picture(cls.channel)
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed, cls.link = [], None, None

    def test_a_role_and_an_invitation(self):
        """A role of one's own; somebody is invited, and the link is shown once."""
        page = self.browser
        self.sign_in()
        page.find("watch-live")
        page.click("nav-sites")
        page.click("to-people")
        page.find("people")
        page.click("role-new")
        page.fill("role-name", "Office")
        page.click("role-submit")
        page.await_text("Choose at least one permission.")
        page.choose("permission-manage-service-package-and-order")
        page.click("role-submit")
        page.find("[data-role=Office]")
        page.fill("invite-name", "Carla Conti")
        page.click("invite-submit")
        link = page.find("invite-link").text
        self.assertIn("Carla Conti", page.find("invitations").text)
        page.shoot("site-people", self.overflow)
        type(self).link = link
        # Another one is invited to a site at once.
        page.fill("invite-name", "Dora Dini")
        page.script("document.querySelector('[data-testid=invite-' + arguments[0] + ']').previousElementSibling.click()", self.box_under_test.get("/sites")["items"][0]["id"])
        page.await_text("Manages 1 site")
        page.script("document.querySelector('[data-testid=invite-' + arguments[0] + ']').previousElementSibling.click()", self.box_under_test.get("/sites")["items"][0]["id"])
        page.await_text("Manages 0 sites")
        page.choose(f"invite-{self.box_under_test.get('/sites')['items'][0]['id']}")
        page.await_text("Manages 1 site")
        page.shoot("invite-to-a-site", self.overflow)
        page.click("invite-submit")
        page.await_text("Send this link to Dora Dini")
        self.assertEqual({one["name"]: len(one["siteIds"]) for one in self.box_under_test.get("/invitations")["items"]}, {"Carla Conti": 0, "Dora Dini": 1})
        page.open("#/cameras")
        page.open("#/people")
        page.find("people")
        self.assertNotIn(link.rpartition("/")[2], page.text())
        self.done()

    def test_b_somebody_joins(self):
        """Who was invited makes an account by the link, sees no camera until the site is theirs, and nothing that is not for them."""
        page, box = self.browser, self.box_under_test
        other = Browser(box.client.base)
        try:
            other.open("#" + self.link.partition("#")[2])
            offered = other.find("join-offer").text
            self.assertTrue("invites you" in offered and "Site Manager" in offered, offered)
            self.assertEqual(other.find("join-name").get_property("value"), "Carla Conti")
            other.fill("join-user", "carla")
            other.fill("join-password", "password1234")
            other.click("join-submit")
            other.await_text("among the first that are tried")
            other.fill("join-password", WORDS)
            other.shoot("join", self.overflow)
            other.click("join-submit")
            other.await_place("/cameras")
            other.find("account")
            self.assertNotIn(self.channel["name"], other.text())
            page.open("#/cameras")
            page.open("#/people")
            page.choose("manages-carla")
            wait_for(lambda: any(one["siteIds"] for one in box.get("/people")["items"]), 10, "the site to be carla's")
            other.driver.refresh()
            other.await_text(self.channel["name"])
            other.open("#/box")
            other.find("box-facts")
            self.assertFalse(other.all("box-form") or other.all("rtsp-form"), "a site manager is offered the box's settings")
            other.shoot("box-site-manager", self.overflow)
            other.open("#/people")
            other.await_text("Service provider")
            self.assertFalse(other.all("invite-submit") or other.all("people"))
            # The installer disables the account: the next thing that is asked for leads to the sign-in.
            page.click("disable-carla")
            page.await_text("disabled")
            other.open("#/account")
            other.find("sign-in-submit")
        finally:
            errors = [error for error in other.errors() if not re.search("401|422", error)]
            other.close()
        self.assertFalse(errors)
        self.done()

    def test_c_the_second_factor(self):
        """An app's one-time password is set up, asked for at the sign-in, and switched off."""
        page, box = self.browser, self.box_under_test
        page.open("#/account")
        page.find("sessions")
        page.fill("factor-password", PASSWORD)
        page.click("factor-submit")
        secret = page.find("factor-secret").text
        page.fill("factor-code", "000000")
        page.click("factor-confirm")
        page.await_text("The one-time password is wrong.")
        page.shoot("account-factor", self.overflow)
        now = self.clock()
        page.fill("factor-code", one_time_password(secret, now))
        page.click("factor-confirm")
        page.await_text("One-time passwords are asked for when you sign in.")
        page.click("sign-out")
        self.sign_in()
        page.find("sign-in-code")
        page.shoot("sign-in-one-time", self.overflow)
        # The next one: that of before was taken.
        page.fill("sign-in-code", one_time_password(secret, now + 30))
        page.click("sign-in-submit")
        page.find("watch-live")
        page.open("#/account")
        page.fill("factor-password", PASSWORD)
        page.click("factor-submit")
        page.await_text("an app on your telephone")
        self.assertFalse(box.get("/session")["user"]["asksOneTimePassword"])
        self.done("403", "401")

    @staticmethod
    def clock():
        """Now, at least three seconds before the next half minute."""
        while time.time() % 30 > 27:
            time.sleep(0.2)
        return time.time()

    def test_d_password_and_key(self):
        """Another password, and a key for a program."""
        page, box = self.browser, self.box_under_test
        page.fill("password-current", PASSWORD)
        page.fill("password-new", NEW)
        page.click("password-save")
        page.await_text("Changed. All other sign-ins and keys have ended.")
        box.token = box.client.token = box.client.call("POST", "/session", {"userName": USER, "password": NEW})["token"]
        page.click("key-new")
        page.fill("key-name", "backup")
        page.choose("key-play-back")
        page.fill("key-password", NEW)
        page.click("key-submit")
        key = page.find("key-made").text
        self.assertEqual(box.client.request("GET", "/clips", token=key).status, 200)
        self.assertEqual(box.client.request("GET", "/storage", token=key).status, 403)
        page.shoot("account", self.overflow)
        self.done()

    def test_e_a_lost_password(self):
        """Without a press of the button the set-up code is worth nothing; after it the installer admin has a new password, and is signed in."""
        page, box = self.browser, self.box_under_test
        page.click("sign-out")
        page.click("forgotten")
        page.click("reset-at-the-box")
        page.fill("reset-code", box.setup_code)
        page.fill("reset-password", PASSWORD)
        page.click("reset-submit")
        page.await_text("Somebody at the box has to allow it first")
        page.shoot("reset", self.overflow)
        unknown = subprocess.run([binary(), "reset-password", "--state", box.state, "--user", "nobody"], capture_output=True, text=True, timeout=30)
        self.assertEqual((unknown.returncode != 0, "Nobody has the user name nobody" in unknown.stderr), (True, True))
        pressed = subprocess.run([binary(), "reset-password", "--state", box.state], capture_output=True, text=True, timeout=30)
        self.assertEqual(pressed.returncode, 0, pressed.stderr)
        page.click("reset-submit")
        page.find("sessions")
        self.assertEqual(box.client.request("GET", "/session").status, 401)
        self.done("403")

    def test_f_what_was_done(self):
        """All of it is in the log, where it can be looked for."""
        page = self.browser
        page.open("#/log")
        page.await_text("installer: change password")
        page.shoot("log", self.overflow)
        page.fill("log-person", "CARLA")
        page.click("log-show")
        page.await_text("carla: join")
        wait_for(lambda: "installer:" not in page.find("operations").text, 10, "what carla did alone")
        page.fill("log-person", "")
        page.script("const s = document.querySelector('[data-testid=log-result]'); s.value = 'failed'; s.dispatchEvent(new Event('change'))")
        page.click("log-show")
        page.await_text("whoever has the link: join")
        wait_for(lambda: "done" not in (results := page.read("[data-testid=operations] > li", "data-result")) and results, 10, "what was refused alone")
        self.done()

    def test_g_when_and_what(self):
        """The log is read of some days, and of one action, in what opens below the other filters."""
        page, box = self.browser, self.box_under_test
        page.script("const s = document.querySelector('[data-testid=log-result]'); s.value = ''")
        page.click("log-filters")
        actions = page.script("return [...arguments[0].options].map((one) => one.textContent)", page.find("log-action"))
        self.assertEqual(actions[1:], sorted(actions[1:]))
        token = box.client.call("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None)["token"]
        today = datetime.datetime.now(zoneinfo.ZoneInfo(box.client.get("/sites", token=token)["items"][0]["timeZone"])).date()
        days = lambda first, last: page.script("[document.querySelector('[data-testid=log-first]').value, document.querySelector('[data-testid=log-last]').value] = arguments", *(
            "" if day is None else str(today + datetime.timedelta(days=day)) for day in (first, last)))
        # In one go: lines are drawn anew meanwhile.
        actions_shown = lambda: page.script("return [...document.querySelectorAll('[data-testid=operations] > li[data-action]')].map((one) => one.dataset.action)")
        days(0, -1)
        page.click("log-show")
        page.await_text("It is before the first day.")
        days(None, -1)
        page.click("log-show")
        page.await_text("Nothing like that was done.")
        days(-1, 0)
        page.click("log-show")
        wait_for(lambda: len(actions_shown()) > 5, 10, "what was done in two days")
        page.script("arguments[0].value = 'invite'", page.find("log-action"))
        page.click("log-show")
        wait_for(lambda: actions_shown() == ["invite"] * 2, 10, "the invitations alone")
        page.shoot("log-filters", self.overflow)
        page.narrow("log-filters", self.overflow)
        self.done()
