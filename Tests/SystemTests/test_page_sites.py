"""The page's way of a site to its owner: added, handed over, accepted on a phone, asked for, given, ended, taken back."""

import datetime

from devices import QUICK, DeviceSimulator
from owners import WORDS
from page_case import PageCase
from people import Person
from waiting import wait_for


class PageSites(PageCase):
    """A box with two cameras and a recorder at its first site; an installer at a desk, an owner with a phone."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(2, key_interval=1)
        cls.recorder = DeviceSimulator("--device", "nvr:2,name=shop")
        cls.addClassCleanup(cls.recorder.close)
        cls.made = box = cls.class_box(**{"recording.seconds-before": 1, "recording.seconds": 3, **QUICK})
        box.claim()
        cls.channels = [box.add_camera(camera, name=name, sub=False) for camera, name in zip(cls.cameras.cameras, ("Door", "Yard"), strict=True)]
        box.await_picture(*cls.channels)
        job = box.call("POST", "/onboardings", {"devices": [cls.recorder["shop"].entry()]})
        wait_for(lambda: box.get(f"/onboardings/{job['id']}")["done"], 60, "the recorder to be added")
        cls.site = box.get("/sites")["items"][0]["id"]
        box.call("PATCH", f"/sites/{cls.site}", {"scene": "Bakery", "position": {"latitude": -43.5, "longitude": 11}})
        cls.open_two(box)

    def test_a_second_site(self):
        """A site is added and described; devices are asked to which site they go; a site manager sees their own."""
        page, box = self.browser, self.made
        self.sign_in()
        page.find("watch-live")
        page.click("nav-sites")
        page.find("[data-site='Test house']")
        page.click("site-add")
        page.await_text("Enter a name for the site.")
        page.fill("site-name", "Flat 7")
        page.fill("site-address", "Mill Lane 7")
        page.click("site-add")
        page.find("site-save")
        self.assertFalse(page.all("site-map"))
        page.fill("site-position", "43.88;")
        page.click("site-save")
        page.await_text("Enter latitude and longitude, such as 43.88, 11.09.")
        self.assertFalse(page.all("site-map"))
        page.fill("site-position", "43.88; 11.09")
        self.assertEqual(page.find("site-map").get_attribute("href"), "https://www.openstreetmap.org/?mlat=43.88&mlon=11.09#map=17/43.88/11.09")
        # What somebody else changes meanwhile stays as they left it.
        box.call("PATCH", f"/sites/{page.place().rpartition('/')[2]}", {"scene": "Attic"})
        page.fill("site-remarks", "Key at the neighbour's.")
        page.click("site-save")
        page.await_text("Saved.")
        flat = next(one for one in box.get("/sites")["items"] if one["name"] == "Flat 7")
        self.assertEqual(flat["scene"], "Attic")
        self.assertEqual((flat["address"], flat["position"], flat["remarks"]), ("Mill Lane 7", {"latitude": 43.88, "longitude": 11.09}, "Key at the neighbour's."))
        page.shoot("site", self.overflow)
        page.open("#/add/url")
        self.assertEqual(page.find("add-site").get_attribute("value"), self.site)
        page.open(f"#/add/url?site={flat['id']}")
        wait_for(lambda: page.find("add-site").get_attribute("value") == flat["id"], 5, "the site to be chosen")
        Person(box, "carla", "Site Manager", [flat["id"]])
        page.open("#/people")
        page.click("sites-carla")
        page.find("[data-testid='manages-carla-Flat 7']")
        page.open("#/sites")
        page.find("[data-site='Flat 7']")
        page.shoot("sites", self.overflow)
        self.done()

    def test_b_handed_over(self):
        """The installer asks for permissions and gets a link, once; the owner looks, makes an account on a phone, and accepts."""
        page, phone = self.browser, self.phone
        page.open(f"#/sites/{self.site}")
        page.fill("handover-recipient", "olga")
        page.click("handover-submit")
        page.await_text("recipient must be an e-mail address.")
        page.fill("handover-recipient", "olga@example.com")
        page.fill("handover-remarks", "Two cameras, recording to the cloud.")
        page.choose("handover-configuration")  # ticked before: not asked for now
        page.click("handover-submit")
        link = page.find("handover-link").text
        page.await_text("To be accepted")
        page.find("handover-again")
        self.assertFalse(page.script("return document.querySelector('[data-testid=handover-submit]').checkVisibility()"), "a second tap makes the link void")
        page.shoot("handover-sent", self.overflow)
        page.open("#/sites")
        page.await_text("To be accepted")
        self.assertNotIn(link.rpartition("/")[2], page.text())
        phone.open("#" + link.partition("#")[2])
        phone.await_text("hands this site over to you")
        phone.await_text("Live view of the whole site, for good")
        phone.await_text("Two cameras, recording to the cloud.")
        phone.fill("accept-user", "olga")
        phone.fill("accept-password", "password1234")
        phone.click("accept-submit")
        phone.await_text("among the first that are tried")
        phone.fill("accept-password", WORDS)
        phone.shoot("handover-accept", self.overflow)
        phone.click("accept-submit")
        phone.await_place("/sites")
        phone.find("[data-site='Test house']")
        phone.open("#/cameras")
        phone.await_text("Door")
        phone.open(f"#/sites/{self.site}")
        phone.find("[data-permission=live-view]")
        phone.shoot("site-owner", self.overflow)
        errors = [error for error in phone.errors() if "422" not in error]
        self.assertFalse(errors)
        self.done("422")

    def test_c_asked_for_and_given(self):
        """The installer asks for playback with a reason; the owner sees it, approves; the installer releases it."""
        page, phone = self.browser, self.phone
        page.open(f"#/sites/{self.site}")
        page.click("apply")
        page.choose("apply-live-view")
        page.choose("apply-playback")
        page.script("document.querySelector('[data-testid=apply-hours]').value = '1'")
        page.fill("apply-remarks", "To see who broke the lamp.")
        page.click("apply-submit")
        page.find("[data-state=pending]")
        phone.open("#/sites")
        phone.open(f"#/sites/{self.site}")
        phone.await_text("To see who broke the lamp.")
        phone.open("#/notices")
        phone.find("[data-kind=applied]")
        phone.shoot("notices", self.overflow)
        phone.open(f"#/sites/{self.site}")
        phone.await_text("Playback of the whole site, for 1 hour")
        phone.shoot("application-owner", self.overflow)
        phone.click("approve")
        phone.find("[data-permission=playback]")
        page.open("#/sites")
        page.open(f"#/sites/{self.site}")
        page.find("[data-permission=playback]")
        # Whoever may not change what is known of the site reads it.
        page.await_text("Bakery")
        place = page.find("site-map")
        self.assertEqual([place.get_attribute(name) for name in ("href", "target", "rel")], ["https://www.openstreetmap.org/?mlat=-43.5&mlon=11#map=17/-43.5/11", "_blank", "noreferrer"])
        page.shoot("site-provider", self.overflow)
        page.click("release-playback")
        wait_for(lambda: not page.all("[data-permission=playback]"), 10, "the permission to be released")
        self.done()

    def test_d_of_several_things(self):
        """Permissions of different things for different times are asked for at once, of one channel of a recorder, too."""
        page, phone, box = self.browser, self.phone, self.made
        one = next(channel for channel in box.get("/channels")["items"] if channel["deviceId"] not in [mine["deviceId"] for mine in self.channels])
        recorder = box.get(f"/devices/{one['deviceId']}")
        page.open("#/sites")
        page.open(f"#/sites/{self.site}")
        page.click("apply")
        self.select(page, "apply-hours", "8")
        page.click("apply-add")
        self.select(page, "apply-device-2", one["id"], f"{recorder['name']} – {one['name']}")
        page.click("apply-submit")
        page.await_text("Choose at least one permission.")
        page.choose("apply-playback-2")
        self.select(page, "apply-hours-2", "until")
        page.click("apply-submit")
        page.await_text("Choose a moment.")
        self.select(page, "apply-hours-2", "1")
        page.click("apply-add")
        page.find("apply-remove-3")
        page.shoot("apply-several", self.overflow, at="apply-device")
        page.narrow("apply-several", self.overflow)
        page.click("apply-remove-3")
        page.click("apply-submit")
        page.find("[data-state=pending]")
        asked = box.get(f"/sites/{self.site}/applications")["items"][0]["permissions"]
        self.assertEqual([(wish["permission"], wish["channelId"], wish["hours"]) for wish in asked], [("live-view", None, 8), ("playback", one["id"], 1)])
        phone.open("#/sites")
        phone.open(f"#/sites/{self.site}")
        phone.await_text(f"Live view of the whole site, for 8 hours · Playback of {one['name']}, for 1 hour")
        phone.click("refuse")
        phone.await_text("Refused.")
        # The same is asked again without typing it again, and taken back.
        page.open("#/sites")
        page.open(f"#/sites/{self.site}")
        page.click("apply-again")
        self.assertEqual([page.find(name).get_attribute("value") for name in ("apply-hours", "apply-device-2", "apply-hours-2")], ["8", one["id"], "1"])
        page.click("apply-submit")
        page.find("[data-state=pending]")
        self.assertEqual(box.get(f"/sites/{self.site}/applications")["items"][0]["permissions"], asked)
        page.click("application-back")
        wait_for(lambda: not page.all("[data-state=pending]"), 10, "the application to be taken back")
        page.shoot("apply-again", self.overflow, at="applications")
        page.narrow("apply-again", self.overflow)
        self.done()

    @staticmethod
    def select(page, testid, value, text=None):
        """Choose in a list, as people do; the choice must be called so."""
        chosen = page.script("const [list, value] = arguments; list.value = value; list.dispatchEvent(new Event('change'));"
                             "return [list.value, list.selectedOptions[0]?.textContent]", page.find(testid), value)
        assert chosen[0] == value and text in (None, chosen[1]), chosen

    def test_e_to_one_person(self):
        """The owner gives a permission to one of those who look after the site, and takes it back."""
        phone, box = self.phone, self.made
        phone.click("give")
        everybody, *people = phone.script("return [...arguments[0].options].map((one) => [one.value, one.textContent])", phone.find("give-person"))
        self.assertEqual(everybody[0], "")
        person, name = people[0]
        self.select(phone, "give-person", person)
        phone.choose("give-configuration")
        self.select(phone, "give-device", self.channels[0]["deviceId"], "Door")
        phone.shoot("give-person", self.overflow, at="give")
        phone.click("give-submit")
        phone.find("[data-permission=configuration]")
        given = next(one for one in box.get(f"/sites/{self.site}/permissions")["items"] if one["permission"] == "configuration")
        self.assertEqual((given["person"], given["device"]), (name, "Door"))
        phone.await_text(f"{name} of {given['company']}")
        phone.narrow("give-person", self.overflow)
        phone.click("take-configuration")
        phone.click("ask-confirm")
        wait_for(lambda: not phone.all("[data-permission=configuration]"), 10, "the permission to be taken back")
        self.done()

    def test_f_ends_while_it_is_watched(self):
        """What was given until a moment ends the picture that is being watched, and says why."""
        page, box = self.browser, self.made
        permission = next(one for one in box.get(f"/sites/{self.site}/permissions")["items"] if one["permission"] == "live-view")
        self.phone.open(f"#/sites/{self.site}")
        self.phone.click("take-live-view")
        self.phone.click("ask-confirm")
        wait_for(lambda: not self.phone.all("[data-permission=live-view]"), 10, "the permission to be taken back")
        self.phone.click("give")
        self.phone.choose("give-live-view")
        moment = datetime.datetime.now() + datetime.timedelta(seconds=15)
        self.phone.script(
            "const l = document.querySelector('[data-testid=give-hours]'); l.value = 'until'; l.dispatchEvent(new Event('change'));"
            "document.querySelector('[data-testid=give-until]').value = arguments[0]", moment.strftime("%Y-%m-%dT%H:%M:%S"))
        self.phone.click("give-submit")
        self.phone.find("[data-permission=live-view]")
        self.assertNotEqual(permission["id"], box.get(f"/sites/{self.site}/permissions")["items"][0]["id"])
        page.open(f"#/cameras/{self.channels[0]['id']}")
        page.find("live-sound", visible=False)
        wait_for(lambda: box.get("/live")["items"], 20, "somebody to watch")
        wait_for(lambda: box.client.request("GET", f"/channels/{self.channels[0]['id']}/snapshot").status == 403, 75, "the permission to end", 0.5)
        wait_for(lambda: not box.get("/live")["items"], 10, "the view to end")
        page.shoot("permission-ended", self.overflow)
        self.done("403", "410", "404")

    def test_g_discarded(self):
        """The owner lets nobody look after the site; the installer sees that it is there, and no camera of it."""
        page, phone = self.browser, self.phone
        phone.open("#/sites")
        phone.open(f"#/sites/{self.site}")
        phone.click("discard")
        phone.click("ask-confirm")
        phone.await_text("Nobody but you sees what is at this site.")
        page.open("#/sites")
        page.await_text("Not authorized")
        page.open("#/cameras")
        page.await_text("Your cameras will be here")
        page.open(f"#/sites/{self.site}")
        page.find("apply-submit")
        page.shoot("site-not-authorized", self.overflow)
        # Who watched their cameras, the owner reads as well.
        phone.click("site-log")
        phone.await_text("installer: begin live view, Door")
        phone.await_text("olga: discard authorization")
        self.assertFalse(phone.all("log-export"))
        phone.shoot("site-log", self.overflow)
        # The last tries for pictures may have come after the owner's word: of what one may not know of, the box says that it is not there.
        self.done("403", r"/(live|snapshot\S*) - .* 404 ")
