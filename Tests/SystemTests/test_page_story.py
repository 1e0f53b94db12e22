"""The whole story of sites and people, on the page alone: from the claim of a new box to the log in which all of it stands."""

import os
import subprocess

from box import PASSWORD, USER, binary
from browser import PHONE, Browser
from owners import WORDS as OWNERS_WORDS
from people import WORDS as PEOPLES_WORDS
from story_case import NOT_ALLOWED, StoryCase
from waiting import wait_for

VIDEO = '[data-testid="live-video"]'
PARTNERS_WORDS = "four brown mills on hills"
# What a browser notes when the box refuses what may not be (any more): pictures, views and addresses of what was just taken.
REFUSALS = r"/api/v1/(channels|devices|live|sites|device-moves)\S* - .* (403|404|410)|stream\.mp4|live/whep"


class PageStory(StoryCase):
    """The installer at a desk, the employee Carla, the owner Olga and the partner Ivan on telephones of their own; each step goes on from the one before."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(cameras=3, size="320x240", rate=10, bitrate=200, key_interval=1, no_sub=True)
        cls.made = box = cls.class_box()
        cls.browser, cls.carla, cls.olga, cls.ivan = cls.all = [Browser(box.client.base) for _ in range(4)]
        for browser in cls.all:
            cls.addClassCleanup(browser.close)
        for browser in cls.all[1:]:
            browser.size(*PHONE)
        cls.overflow, cls.failed = [], None

    def test_a_claimed(self):
        """A new box is claimed by its set-up code, and the company is named."""
        page, box = self.browser, self.made
        page.open()
        page.find("claim-form")
        page.keep("01-a-new-box", self.overflow)
        for field, text in (("claim-code", box.setup_code), ("claim-user", USER), ("claim-password", PASSWORD), ("claim-password-again", PASSWORD), ("claim-site", "Warehouse")):
            page.fill(field, text)
        page.keep("01-claim-filled", self.overflow)
        page.click("claim-submit")
        page.await_text("Your cameras will be here")
        page.keep("01-claimed", self.overflow)
        self.sites(page)
        page.click("to-people")
        page.fill("company-name", "Alarm & Eye Srl")
        page.click("company-save")
        page.await_text("Saved.")
        page.driver.refresh()
        self.assertEqual(page.find("company-name").get_attribute("value"), "Alarm & Eye Srl")
        self.assertIn("installer admin", page.find("people").text)
        page.keep("01-company", self.overflow)
        box.token = box.client.token = box.client.call("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None)["token"]
        box.await_picture(box.add_camera(self.cameras.cameras[0], name="Gate", sub=False))  # at the Warehouse: nobody else's
        self.done()

    def test_b_joined(self):
        """An employee is invited, joins by the link in a browser of her own, and signs in."""
        page, carla = self.browser, self.carla
        page.fill("invite-name", "Carla Conti")
        self.assertEqual(page.script("return document.querySelector('[data-testid=invite-role]').selectedOptions[0].textContent"), "Site Manager")
        page.click("invite-submit")
        link = page.find("invite-link").text
        self.assertIn("Carla Conti", page.find("invitations").text)
        page.keep("02-invited", self.overflow, at="invite-link")
        carla.driver.get(link)
        carla.fill("join-user", "carla")
        carla.fill("join-name", "Carla Conti")
        carla.fill("join-password", PEOPLES_WORDS)
        carla.keep("02-join", self.overflow)
        carla.click("join-submit")
        carla.await_text("No cameras for you yet")
        carla.keep("02-joined", self.overflow)
        carla.click("nav-box")
        carla.click("#content a[href='#/account']")
        carla.click("account-sign-out")
        carla.fill("sign-in-user", "carla")
        carla.fill("sign-in-password", PEOPLES_WORDS)
        carla.keep("02-sign-in", self.overflow)
        carla.click("sign-in-submit")
        carla.click("nav-cameras")
        carla.await_text("No cameras for you yet")
        carla.driver.get(link)  # pasted into the page that is open
        carla.await_text("This invitation is no longer good.")
        carla.keep("02-link-used", self.overflow)
        carla.click("join-sign-in")
        carla.await_text("No cameras for you yet")
        self.done("invitation - .* 4")

    def test_c_assigned(self):
        """A site is added and assigned to the employee, who finds it."""
        page, carla = self.browser, self.carla
        self.sites(page)
        page.fill("site-name", "Bakery")
        page.fill("site-address", "Mill Lane 7")
        page.click("site-add")
        page.await_text("Bakery has been added.")
        page.await_text("Not handed over")
        page.keep("03-site-added", self.overflow)
        self.sites(page)
        page.click("to-people")
        page.click("sites-carla")
        page.click("manages-carla-Bakery")
        wait_for(lambda: page.find("manages-carla-Bakery").get_attribute("aria-checked") == "true" and page.find("manages-carla-Bakery").is_enabled(), 10, "the site to be assigned")
        self.assertEqual(page.find("sites-carla").text, "Manages 1 site")
        page.keep("03-assigned", self.overflow, at="people")
        carla.driver.refresh()
        carla.await_text("Your cameras will be here")
        carla.keep("03-carla-has-a-site", self.overflow)
        self.sites(carla)
        self.assertEqual([one.get_attribute("data-site") for one in carla.all("[data-site]")], ["Bakery"])
        carla.keep("03-carlas-sites", self.overflow)
        self.site(carla, "Bakery")
        self.assertEqual(carla.find("site-address").get_attribute("value"), "Mill Lane 7")
        carla.keep("03-carlas-site", self.overflow)
        self.done()

    def test_d_cameras(self):
        """The employee adds two cameras to the site, and sees a live picture."""
        carla = self.carla
        for name, camera in zip(("Door", "Till"), self.cameras.cameras[1:], strict=True):
            self.site(carla, "Bakery")
            self.add_camera(carla, name, camera)
            carla.keep(f"04-tested-{name}", self.overflow, at="test-result")
            carla.click("add-camera-confirm")
            carla.await_place(r"/cameras/[^/]+/link")
            carla.await_text(f"{name} has been added.")
            carla.find("cloud-form")
            carla.keep(f"04-added-{name}", self.overflow)
        self.camera(carla, "Door")
        self.plays(VIDEO, 30, page=carla)
        carla.keep("04-live", self.overflow)
        carla.click("nav-cameras")
        carla.await_text("2 cameras")
        self.assertNotIn("Gate", carla.text())
        carla.keep("04-cameras", self.overflow)
        self.done(REFUSALS)

    def test_e_handed_over(self):
        """The site is handed over with permissions asked for; the owner reads them on a telephone, makes an account and accepts."""
        carla, olga = self.carla, self.olga
        self.site(carla, "Bakery")
        carla.fill("handover-recipient", "olga@example.com")
        carla.fill("handover-remarks", "Two cameras, at the door and at the till.")
        carla.click("handover-live-view")  # ticked before; the owner is asked for it when there is a reason
        carla.keep("05-handover-form", self.overflow, at="handover-recipient")
        carla.click("handover-submit")
        link = carla.find("handover-link").text
        carla.keep("05-handover-sent", self.overflow, at="handover-link")
        olga.driver.get(link)
        for told in ("Alarm & Eye Srl hands this site over to you.", "Two cameras, at the door and at the till.", "Mill Lane 7", "Door, Till", "Configuration of the whole site, for good"):
            olga.await_text(told)
        self.assertNotIn("Live view", olga.text())
        olga.keep("05-handover-offer", self.overflow)
        olga.fill("accept-user", "olga")
        olga.fill("accept-password", OWNERS_WORDS)
        olga.keep("05-handover-account", self.overflow, at="accept-user")
        olga.click("accept-submit")
        olga.await_place("/sites")
        olga.find("[data-site='Bakery']")
        self.assertFalse(olga.all("nav-cloud") or olga.all("to-people") or olga.all("[data-site='Warehouse']"))
        olga.keep("05-owners-sites", self.overflow)
        self.site(olga, "Bakery")
        self.assertEqual([one.splitlines()[0] for one in self.permissions(olga)], ["Configuration of the whole site"])
        olga.keep("05-owners-site", self.overflow)
        self.camera(olga, "Door")
        self.plays(VIDEO, 30, page=olga)
        olga.keep("05-owner-live", self.overflow)
        self.notice(carla, "handover-accepted", "Bakery")
        carla.keep("05-accepted-notice", self.overflow)
        self.done(REFUSALS)

    def test_f_asked_for_and_taken_back(self):
        """The employee may not look, asks for it and says why; the owner grants it for an hour, and takes it back while she looks on."""
        carla, olga = self.carla, self.olga
        self.camera(carla, "Door")
        carla.await_text(NOT_ALLOWED)
        carla.keep("06-no-live-view", self.overflow)
        carla.click(".live-bar a")  # "Ask the owner"
        carla.find("site-id")
        carla.click("apply")
        self.select(carla, "apply-hours", "1 hour")
        carla.fill("apply-remarks", "The oven alarm went off: I want to look whether there is smoke.")
        carla.keep("06-application-form", self.overflow, at="apply")
        carla.click("apply-submit")
        carla.await_text("waits for the owner")
        carla.keep("06-application-sent", self.overflow, at="applications")
        self.notice(olga, "applied", "Bakery")
        olga.keep("06-application-notice", self.overflow)
        olga.click("[data-kind='applied'] a")
        olga.await_text("Live view of the whole site, for 1 hour")
        olga.await_text("I want to look whether there is smoke.")
        olga.keep("06-application", self.overflow, at="applications")
        olga.click("approve")
        olga.find("[data-permission=live-view]")
        self.assertIn("until", next(one for one in self.permissions(olga) if "Live view" in one))
        olga.keep("06-granted", self.overflow)
        self.camera(carla, "Door")
        self.plays(VIDEO, 40, page=carla)
        carla.keep("06-carla-sees", self.overflow)
        olga.click("take-live-view")
        olga.click("ask-confirm")
        wait_for(lambda: not olga.all("[data-permission=live-view]"), 10, "the permission to be gone")
        self.over(carla)
        carla.keep("06-taken-back", self.overflow)
        olga.keep("06-owner-took-back", self.overflow)
        self.done(REFUSALS)

    def test_g_expires(self):
        """What is given until a moment begins by itself where it is waited for, ends by itself, and the page says why."""
        carla, olga = self.carla, self.olga
        olga.click("give")
        olga.click("give-live-view")
        self.select(olga, "give-hours", "until a moment")
        self.until(olga, "give-until")
        olga.keep("06-give-until", self.overflow, at="give")
        olga.click("give-submit")
        olga.find("[data-permission=live-view]")
        olga.keep("06-given-until", self.overflow)
        self.plays(VIDEO, 40, page=carla)  # without a touch
        carla.keep("06-carla-sees-again", self.overflow)
        wait_for(lambda: carla.script("return document.querySelector('[data-live]').dataset.live") != "playing", 90, "the moment to come", 0.5)
        self.over(carla)
        carla.keep("06-expired", self.overflow)
        wait_for(lambda: not self.made.get("/live")["items"], 10, "the view to be over at the box, too")
        self.done(REFUSALS)

    def test_h_shared(self):
        """With live view for good again, the site is shared with a maintenance partner, who accepts by the link, signs in, and sees only what was shared."""
        page, olga, ivan = self.browser, self.olga, self.ivan
        wait_for(lambda: not olga.all("[data-permission=live-view]"), 30, "the owner to see that it is over")  # without a touch
        olga.click("give")
        olga.click("give-live-view")
        olga.click("give-submit")
        olga.find("[data-permission=live-view]")
        self.site(page, "Bakery")
        page.click("share")
        page.fill("share-recipient", "ivan@example.com")
        page.click("share-live-view")
        page.fill("share-remarks", "Look at the picture of the door now and then.")
        page.click("share-submit")
        link = page.find("share-link").text
        page.keep("07-shared", self.overflow, at="share")
        ivan.driver.get(link)
        for told in ("Alarm & Eye Srl asks you to help with this site.", "Look at the picture of the door now and then.", "Live view"):
            ivan.await_text(told)
        self.assertNotIn("Configuration", ivan.text())
        ivan.fill("partner-company", "Night Watch Srl")
        ivan.fill("partner-user", "ivan")
        ivan.fill("partner-password", PARTNERS_WORDS)
        ivan.keep("07-partner-offer", self.overflow)
        ivan.click("partner-submit")
        ivan.await_place("/sites")
        ivan.find("[data-site='Bakery']")
        ivan.click("nav-box")
        ivan.click("box-sign-out")
        ivan.fill("sign-in-user", "ivan")
        ivan.fill("sign-in-password", PARTNERS_WORDS)
        ivan.click("sign-in-submit")
        self.site(ivan, "Bakery")
        self.assertEqual(ivan.find("shared-permissions").text.splitlines()[0], "Live view")
        self.assertEqual(len(ivan.all("[data-testid=shared-permissions] li")), 1)
        ivan.keep("07-partners-site", self.overflow, at="shared-permissions")
        for testid in ("share", "handover-submit", "site-delete", "apply", "give", "site-save", "permissions", "applications"):
            self.assertFalse(ivan.all(testid), testid)
        self.sites(ivan)
        self.assertEqual([one.get_attribute("data-site") for one in ivan.all("[data-site]")], ["Bakery"])
        self.assertFalse(ivan.all("to-people") or ivan.all("#content a[href='#/log']"))
        self.camera(ivan, "Door")
        self.plays(VIDEO, 30, page=ivan)
        ivan.keep("07-partner-live", self.overflow)
        ivan.click("nav-cameras")
        ivan.await_text("2 cameras")
        self.assertNotIn("Gate", ivan.text())
        ivan.keep("07-partners-cameras", self.overflow)
        self.notice(olga, "shared", "Night Watch Srl", "Bakery")
        olga.keep("07-owner-is-told", self.overflow)
        self.done(REFUSALS)

    def test_i_moved(self):
        """A second site is handed over to the owner, who accepts with her account and moves a camera there; the partner sees it no longer."""
        page, olga, ivan = self.browser, self.olga, self.ivan
        self.sites(page)
        page.fill("site-name", "Olga's flat")
        page.click("site-add")
        page.await_text("Olga's flat has been added.")
        page.fill("handover-recipient", "olga@example.com")
        page.click("handover-submit")
        olga.driver.get(page.find("handover-link").text)
        olga.await_text("hands this site over to you")
        olga.choose("accept-account-known")
        olga.fill("accept-user", "olga")
        olga.fill("accept-present", OWNERS_WORDS)
        olga.keep("08-second-site", self.overflow, at="accept-user")
        olga.click("accept-submit")
        olga.find('[data-site="Olga\'s flat"]')
        olga.keep("08-two-sites", self.overflow)
        self.site(olga, "Bakery")
        olga.click("move")
        olga.click("move-Till")
        olga.keep("08-move-form", self.overflow, at="move")
        olga.click("move-submit")
        olga.find("ask")
        olga.keep("08-move-sure", self.overflow)
        self.confirm(olga, "Move to Olga's flat?", "Their plans end")
        olga.await_text("Till: from Bakery to Olga's flat")
        olga.keep("08-moved", self.overflow, at="moves")
        self.sites(olga)
        olga.click('[data-site="Olga\'s flat"] a')
        olga.await_text("Till")
        olga.keep("08-the-flat", self.overflow)
        ivan.await_text("1 camera", 30)
        self.assertNotIn("Till", ivan.text())
        ivan.keep("08-partner-sees-one", self.overflow)
        self.done(REFUSALS)

    def test_j_removed(self):
        """The owner removes a camera; nobody has it any more."""
        carla, olga, ivan = self.carla, self.olga, self.ivan
        self.site(olga, "Bakery")
        olga.click("#content a[href^='#/device/']")
        olga.await_text("Delete device")
        olga.keep("09-device", self.overflow, at="delete-device")
        olga.click("delete-device")
        olga.find("ask")
        olga.keep("09-sure", self.overflow)
        self.confirm(olga, "Delete Door?", "footage in the cloud stays until its retention ends")
        olga.await_text("Door has been deleted.")
        olga.await_place("/cameras")
        olga.await_text("1 camera")
        olga.keep("09-removed", self.overflow)
        ivan.await_text("No cameras for you yet", 30)
        self.site(carla, "Bakery")
        carla.await_text("No devices yet.")
        carla.keep("09-carlas-site", self.overflow)
        self.done(REFUSALS)

    def test_k_the_log(self):
        """All of it is in the log: who, what, from where, with what result; filtered by person and by result, and its chain verified."""
        page = self.browser
        self.sites(page)
        page.click("#content a[href='#/log']")
        page.find("operations")
        page.keep("10-log", self.overflow)
        lines = self.log(page)
        for told in ("installer: claim box", "installer: change company", "installer: invite", "carla: join", "installer: add site", "installer: change assigned sites", "carla: add device",
                     "carla: hand over", "olga: accept handover", "carla: apply", "olga: approve application", "olga: take permission", "olga: give permissions", "installer: share site",
                     "ivan: accept share", "ivan: sign in", "olga: move devices", "olga: remove device"):
            line = next((one for one in lines if told in one), None)
            self.assertTrue(line, f"{told} is not in the log: {lines}")
            self.assertIn("127.0.0.1", line)
        page.fill("log-person", "olga")
        page.click("log-show")
        wait_for(lambda: all(one.startswith("olga:") for one in self.log(page)), 10, lambda: f"what olga did alone: {self.log(page)}")
        self.assertTrue(any("remove device, Door" in one for one in self.log(page)))
        page.keep("10-log-olga", self.overflow)
        page.fill("log-person", "")
        self.select(page, "log-result", "Refused and failed")
        page.click("log-show")
        wait_for(lambda: "done" not in (results := page.read("[data-testid=operations] > li", "data-result")) and results, 10, "what was refused alone")
        page.await_text("begin live view, Door")
        page.keep("10-log-refused", self.overflow)
        self.select(page, "log-result", "All")
        page.click("log-show")
        wait_for(lambda: page.find("log-export").text == "All lines", 10, "all lines to be offered")
        folder = self.folder()
        page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": folder})
        page.click("log-export")
        file = wait_for(lambda: next((os.path.join(folder, one) for one in os.listdir(folder) if not one.endswith(".crdownload")), None), 20, "the log to be downloaded")
        good = subprocess.run([binary(), "log", "verify", file], capture_output=True, text=True, timeout=60)
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        self.assertIn("Lines 1 to ", good.stdout)
        self.done(REFUSALS)
