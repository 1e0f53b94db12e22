"""The page and its devices: found, added with one password, corrected in place, looked after, moved, made ready, searched for recordings."""

import datetime
import re
import time

from selenium.webdriver.common.action_chains import ActionChains

from browser import Browser
from page_case import PageCase
from devices import QUICK, DeviceSimulator
from waiting import wait_for

SECRET, OTHER, THIRD = "camera2026", "other2026", "third2026"
# What the first page may load, uncompressed. The other pages are fetched when they are gone to (router.js). All files together have 270 KB,
# more than the 150 KB that the design allows for them in total: that is not met.
FIRST_PAGE = 150_000


class PageDevices(PageCase):
    """One visit after the other, each going on where the last one ended (a to j)."""

    @classmethod
    def setUpClass(cls):
        kinds = ("camera,name=front", "ptz,name=yard", "nvr:2,name=shop", f"camera,name=odd,password={OTHER}",
                 "camera,name=fresh,quirk=not-activated", f"camera,name=third,password={THIRD}")
        cls.devices = DeviceSimulator(*(word for kind in kinds for word in ("--device", kind)), discovery=True)
        cls.addClassCleanup(cls.devices.close)
        cls.box_under_test = cls.class_box(**{"http.tls": True, **QUICK})
        cls.box_under_test.claim()
        cls.browser = Browser(cls.box_under_test.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def address(self, name):
        """The address of a simulated device."""
        return self.devices[name].address

    def device(self, name):
        """The added device at this simulated device's address."""
        return next(one for one in self.box_under_test.get("/devices")["items"] if one["address"] == self.address(name))

    def card(self, name):
        """Selector of the onboarding card of a device."""
        return f'[data-testid="onboarding-item"][data-address="{self.address(name)}"]'

    def card_state(self, name):
        """How the page says the onboarding of a device stands."""
        found = self.browser.all(self.card(name))
        return found[0].get_attribute("data-state") if found else None

    def await_cards(self, state, *names, seconds=120):
        """Wait until these cards have this state."""
        wait_for(lambda: all(self.card_state(name) == state for name in names), seconds,
                 lambda: f"{state}: {[(name, self.card_state(name)) for name in names]}; {self.browser.text()[:2000]}")

    def open_section(self, name):
        """Open a section of a camera's settings."""
        element = self.browser.find(f"section-{name}", visible=False)
        wait_for(element.is_displayed, 15, f"the section {name}")
        self.browser.script("arguments[0].open = true", element)

    def test_a_first_page(self):
        """The first page is small: nothing of devices, events or settings is loaded before it is gone to."""
        page = self.browser
        self.sign_in()
        page.find("nav-cameras")
        page.await_text("Your cameras will be here")
        page.shoot("devices-wall-empty", self.overflow)
        loaded = page.script("return performance.getEntriesByType('resource').filter((e) => e.name.includes('/js/'))"
                             ".map((e) => [e.name, e.decodedBodySize])")
        self.assertTrue(loaded)
        self.assertLess(sum(size for _, size in loaded), FIRST_PAGE, loaded)
        self.assertFalse([name for name, _ in loaded if re.search("device|lens|find|events", name)])
        self.done("session.*401")

    def test_b_find(self):
        """One press searches; what answers is listed while one looks on, and of a new device it is said that it has no password."""
        page = self.browser
        page.click(".empty a.button")
        page.await_text("Asking the network")
        for device in self.devices.devices:  # and perhaps those of other tests
            page.find(f'[data-testid="found-device"][data-address="{device.address}"]')
        row = page.find(f'[data-testid="found-device"][data-address="{self.address("fresh")}"]')
        wait_for(lambda: "no password yet" in row.text, 10, lambda: row.text)
        wait_for(lambda: page.find("find-cameras").is_enabled(), 20, "the end of the search")
        page.await_text("takes about a minute")
        page.shoot("devices-found", self.overflow)
        self.done()

    def test_c_add_several(self):
        """Those ticked are added with one password; it can be left and found again; three need correcting."""
        page = self.browser
        self.assertFalse(page.find("add-found").is_enabled())
        for device in self.devices.devices:
            tick = page.find(f'[data-testid="found-device"][data-address="{device.address}"] input')
            page.script("arguments[0].click()", tick)
        self.assertEqual(page.find("add-found").text.strip(), "Add 6 devices")
        page.fill("find-user", "admin")
        page.fill("find-password", SECRET)
        page.click("add-found")
        page.await_place(r"/onboarding/[^/]+")
        page.find("onboarding-progress")
        for going_on in ('#app a.button[href="#/cameras"]', '#app a.button[href="#/add"]'):
            page.find(going_on)
        self.assertIn("yard", page.find(self.card("yard") + " h2").text, "the name by which it was found")
        page.shoot("onboarding-going", self.overflow)
        page.click("nav-cameras")
        page.click('[data-testid="onboarding-banner"] a')
        page.await_place(r"/onboarding/[^/]+")
        self.await_cards("added", "front", "yard", "shop")
        self.await_cards("failed", "odd", "third", "fresh")
        page.await_text("3 of 6 devices added")
        self.assertIn("odd", page.find(self.card("odd") + " h2").text)
        page.shoot("onboarding-failures", self.overflow)
        self.done()

    def test_d_correct(self):
        """One password for all that refused, another in its own card; a new device is activated with what was typed, or better."""
        page = self.browser
        third, fresh = (f'{self.card(name)} ' for name in ("third", "fresh"))
        page.await_text("2 devices refuse the password")
        page.fill("refused-password", OTHER)
        page.click("refused-use")
        self.await_cards("added", "odd")
        self.await_cards("failed", "third")
        wait_for(lambda: not page.find("all-refused", visible=False).is_displayed(), 10, "one that refuses has its own form alone")
        page.fill(third + "input[type=password]", THIRD)
        page.click(third + "button[type=submit]")
        self.await_cards("added", "third")
        self.assertEqual(page.find(fresh + "input").get_attribute("value"), SECRET, "what was typed for all")
        page.fill(fresh + "input[type=password]", "short")
        page.await_text("5 so far")
        page.click(fresh + "button[type=submit]")
        self.assertEqual(self.card_state("fresh"), "failed")
        page.fill(fresh + "input[type=password]", "Strong2026")
        page.await_text("Strong enough")
        page.click(fresh + "button[type=submit]")
        self.await_cards("added", "fresh")
        page.await_text("6 of 6 devices added")
        page.shoot("onboarding-done", self.overflow)
        self.assertEqual(len(self.box_under_test.get("/devices")["items"]), 6)
        page.narrow("onboarding", self.overflow)
        self.done()

    def test_da_link_and_make_ready(self):
        """All that were added are linked at once, a refusal is said beside its camera; what would make them ready is said, and left."""
        page, box = self.browser, self.box_under_test
        place = page.place()
        page.click("link-added")
        page.find("link-many-form")
        wait_for(lambda: page.find("link-many").text.strip() == "Link 7 cameras", 30, lambda: page.find("link-many-form").text)
        refused = self.device("shop")["channelIds"][1]
        page.script("const fetched = window.fetch; window.fetch = (path, options) => path.includes(arguments[0]) && options.method === 'PUT'"
                    " ? Promise.resolve(new Response('{\"detail\": \"8 channels are linked already.\"}', {status: 409, headers: {'content-type': 'application/problem+json'}}))"
                    " : fetched(path, options)", f"{refused}/link")
        page.choose("link-definition-standard")
        warned = page.script("return import('/js/line-warning.js').then((m) => [m.lineWarning({highChannels: 1, standardChannels: 7}, 2, 6).textContent, m.lineWarning({highChannels: 1, standardChannels: 8}, 2, 6), m.lineWarning(null, 2, 6)])")
        self.assertEqual(warned, ["Cameras that the line carries: 1 in high or 7 in standard definition. With this 8 would be linked: footage will wait often.", None, None])
        page.click("link-many")
        page.await_text("6 of 7 cameras linked")
        page.find(f'[data-testid="link-list"] [data-id="{refused}"] [role=alert]')
        linked = [one for one in box.get("/channels")["items"] if one["linked"]]
        self.assertEqual((len(linked), {one["definition"]["kind"] for one in linked}), (6, {"standard"}))
        page.shoot("linked-many", self.overflow)
        page.narrow("linked-many", self.overflow)
        page.click("link-many-close")
        self.assertEqual(page.place(), place)
        page.click('[data-testid="all-ready"] [data-testid="make-ready"]')
        page.find("readiness-changes")
        page.shoot("all-ready", self.overflow)
        page.click("readiness-cancel")
        wait_for(lambda: not page.all("readiness-changes"), 5, "the plan to go")
        for channel in linked:
            box.client.call("DELETE", f"/channels/{channel['id']}/link")
        self.done()

    def test_e_device_page(self):
        """A device's page shows what it can and nothing else; a recorder's channel is switched off and leaves the wall."""
        page, box = self.browser, self.box_under_test
        camera, recorder = self.device("front"), self.device("shop")
        page.open(f"#/device/{camera['id']}")
        for shown in ("device-facts", "device-state", "device-clock", "device-disks", "device-reboot", "change-password", "firmware-file"):
            page.find(shown)
        self.assertFalse([one for one in page.all('[data-testid^="door-"]') if one.is_displayed()])
        self.assertFalse([one for one in page.all("channel-row") if one.is_displayed()])
        page.shoot("device-camera", self.overflow)
        page.narrow("device-camera", self.overflow)
        page.click("device-check")
        page.await_text("is checked: one thing to look at")
        wait_for(lambda: page.find("device-check").is_enabled(), 10, "the end of the check")
        page.open(f"#/device/{recorder['id']}")
        page.find("channel-row")
        self.assertEqual(len(page.all("channel-row")), 2)
        page.click("proxy-2")
        proxied = lambda: {one["number"]: one["proxied"] for one in box.get("/channels")["items"] if one["deviceId"] == recorder["id"]}
        wait_for(lambda: proxied() == {1: True, 2: False}, 10, lambda: f"channel 2 off: {proxied()}")
        page.shoot("device-recorder", self.overflow)
        page.click("nav-cameras")
        wait_for(lambda: len(page.all("camera-tile")) == 6, 15, lambda: f"six tiles: {page.text()}")
        page.open(f"#/device/{recorder['id']}")
        page.click("proxy-2")
        wait_for(lambda: proxied() == {1: True, 2: True}, 10, lambda: f"channel 2 on: {proxied()}")
        page.click("device-reboot")
        page.find("ask")
        page.await_text("no recording in that time")
        page.click("ask-cancel")
        self.done()

    def test_f_lens(self):
        """The lens moves as long as a button is held and stops when it is let go; a place is kept and gone to."""
        page, box = self.browser, self.box_under_test
        channel = self.device("yard")["channelIds"][0]
        lens = lambda: self.devices["yard"].state()["ptz"]
        page.open(f"#/cameras/{channel}")
        page.click("lens-toggle")
        right = page.find("lens-right")
        page.find('[data-testid="presets"] li')
        before = lens()
        ActionChains(page.driver).move_to_element(right).click_and_hold().perform()
        wait_for(lambda: lens()["moving"], 10, lambda: f"movement: {lens()}")
        began = time.monotonic()
        while time.monotonic() < began + 2:  # a movement that nobody repeats ends after 0.75 s
            self.assertTrue(lens()["moving"], lens())
            time.sleep(0.1)
        page.find("img.moving-picture", visible=False)
        page.shoot("lens", self.overflow)
        ActionChains(page.driver).release().perform()
        wait_for(lambda: not lens()["moving"] and lens()["stops"] > before["stops"], 5, lambda: f"the stop: {lens()}")
        starts = lens()["starts"]
        pad = page.find("lens-pad")
        page.script("arguments[0].focus()", pad)
        page.driver.switch_to.active_element.send_keys("\ue012")  # arrow left
        wait_for(lambda: lens()["starts"] > starts and not lens()["moving"], 10, lambda: f"moved by key: {lens()}")
        page.fill("preset-name", "Gate by test")
        page.click("preset-save")
        page.await_text("Gate by test")
        self.assertIn("Gate by test", [one["name"] for one in box.get(f"/channels/{channel}/lens/presets")["items"]])
        self.done()

    def test_g_ready_for_the_cloud(self):
        """What would change on the camera is said first; then it is changed, the camera is ready, and its device no longer says otherwise."""
        page, box = self.browser, self.box_under_test
        channel = self.device("front")["channelIds"][0]
        ready = lambda: box.get(f"/channels/{channel}/cloud-readiness")
        self.assertFalse(ready()["ready"])
        page.open(f"#/cameras/{channel}")
        self.open_section("on-device")
        page.click("make-ready")
        page.find("readiness-changes")
        self.assertFalse(ready()["ready"], "changed before it was agreed to")
        page.shoot("make-ready", self.overflow)
        page.click("readiness-apply")
        page.await_text("ready for the cloud: its streams")
        self.assertTrue(ready()["ready"])
        page.narrow("camera", self.overflow)
        page.open(f"#/device/{self.device('front')['id']}")
        page.find("device-report")
        wait_for(lambda: "smart codec" not in page.find("device-report").text, 20, lambda: page.find("device-report").text)
        self.assertFalse([one for one in page.all("make-ready") if one.is_displayed()])
        self.done()

    def test_h_recordings(self):
        """The month's days with recordings are marked; a day's list comes with downloads."""
        page = self.browser
        page.open(f"#/cameras/{self.device('shop')['channelIds'][0]}")
        self.open_section("recordings")
        page.find(".calendar-day.has")
        page.find("recording", 30)
        page.find("recording-download")
        page.choose("recording-type-timed")
        page.find('[data-testid="recording"][data-tone="time"]')
        page.shoot("recordings", self.overflow)
        self.done()

    def test_i_events(self):
        """An event says what, what of and where, with the device's picture; the list is filtered by kind."""
        page, box = self.browser, self.box_under_test
        page.click("nav-events")
        self.devices["front"].event(type="linedetection", region=1, target="vehicle", seconds=0, picture=1, force=1)
        self.devices["front"].event(type="illaccess", seconds=0, force=1)
        page.await_text("Line crossing, vehicle, region 1")
        page.await_text("Refused sign-ins")
        page.await_text("Noted")
        wait_for(lambda: page.all('[data-testid="event-row"] img'), 15, "the device's picture")
        page.shoot("events-of-devices", self.overflow)
        page.narrow("events", self.overflow)
        # Of one moment: which of the two stands first is chance.
        # Read at one go, for the list is made anew whenever something happens.
        rows = lambda: page.script("return [...document.querySelectorAll('[data-testid=event-row]:not([href])')].map((row) => row.textContent)")
        noted = wait_for(lambda: [text for text in rows() if "Refused sign-ins" in text], 10, lambda: f"the refused sign-ins in {rows()}")
        self.assertIn("no footage is kept of events of this kind", noted[0])
        self.assertNotIn("not armed", page.text())
        self.come_in_the_other_order(box.get("/events")["items"][0])
        self.assertEqual(["Tampering" in text or "Video lost" in text for text in rows()[:3]], [True, True, False], rows())
        self.assertIn("Tampering", rows()[0])
        page.script("const s = arguments[0]; s.value = 'line-crossing'; s.dispatchEvent(new Event('change'))", page.find("filter-type"))
        listed = lambda: page.script("return [...document.querySelectorAll('[data-testid=event-row]')].map((row) => row.textContent)")
        wait_for(lambda: listed() and not any("Refused" in text for text in listed()), 10, "the filtered list")
        self.assertEqual({one["type"] for one in box.get("/events?type=line-crossing")["items"]}, {"line-crossing"})
        self.done()
        page.script("location.hash = '/events?state=footage'")
        page.await_text("No event matches")
        self.done()

    def come_in_the_other_order(self, known):
        """Tell the page of two events after a known one, the later first."""
        after = lambda seconds: (datetime.datetime.fromisoformat(known["startedAt"].replace("Z", "+00:00"))
                                 + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        told = [{**known, "id": f"test-{kind}", "type": kind, "startedAt": after(seconds)} for kind, seconds in (("tamper", 20), ("video-loss", 10))]
        self.browser.driver.execute_async_script(
            "const [told, done] = arguments; import('/js/store.js').then(({emit}) => { for (const e of told) emit('event', e); done(); })", told)

    def test_j_narrow(self):
        """No page is wider than a phone, whatever is opened on it."""
        page = self.browser
        device, camera = self.device("shop"), self.device("front")["channelIds"][0]
        for place in ("cameras", "add/find", "add/address", "add/url", f"device/{device['id']}", f"cameras/{camera}/link", "cloud", "health", "box"):
            page.open(f"#/{place}")
            page.find("#content h1")
            page.narrow(place, self.overflow)
        self.done()
