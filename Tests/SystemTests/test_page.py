"""The page in a real browser: claimed, a camera added and linked, something recorded and watched, by clicking alone."""


from selenium.common.exceptions import StaleElementReferenceException

from box import PASSWORD, USER
from browser import Browser
from page_case import PageCase
from waiting import shorten, wait_for


class Page(PageCase):
    """One visit after the other, each going on where the last one ended (a to h)."""

    @classmethod
    def setUpClass(cls):
        cls.camera = cls.class_simulator(size="640x360", rate=15, bitrate=500, key_interval=1).camera
        # TLS as an installer meets it; the set-up code as it is on the label.
        cls.box_under_test = cls.class_box(**{
            "http.tls": True, "recording.seconds-before": 2, "recording.seconds": 6, "storage.folder": None})
        cls.browser = Browser(cls.box_under_test.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def test_a_claim(self):
        """A new box asks for its code and a password; a wrong code is said beside the field, the right one opens the page."""
        page, box = self.browser, self.box_under_test
        page.open()
        page.find("claim-form")
        page.shoot("claim", self.overflow)
        for field, text in (("claim-code", "ZZZZ-ZZZZ"), ("claim-user", USER), ("claim-password", PASSWORD),
                            ("claim-password-again", PASSWORD), ("claim-site", "Bakery, Mill Lane")):
            page.fill(field, text)
        page.click("claim-submit")
        page.await_text("set-up code is not")
        page.shoot("claim-wrong-code", self.overflow)
        page.fill("claim-code", box.setup_code.lower().replace("-", ""))
        page.click("claim-submit")
        page.find("nav-cameras")
        page.await_text("Bakery, Mill Lane")
        page.shoot("cameras-empty", self.overflow)
        box.token = box.client.token = box.client.call("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None)["token"]
        self.done("setup/claim.*40[13]")

    def test_b_sign_out_and_in(self):
        """Signed out the page is closed; a wrong password is said beside the field; the right one opens it again."""
        page = self.browser
        page.click("sign-out")
        page.find("sign-in-form")
        page.shoot("sign-in", self.overflow)
        page.fill("sign-in-user", USER)
        page.fill("sign-in-password", "not this one at all")
        page.click("sign-in-submit")
        page.await_text("password is wrong")
        page.fill("sign-in-password", PASSWORD)
        page.click("sign-in-submit")
        page.find("nav-cameras")
        self.done("session.*401")

    def test_c_storage(self):
        """The cloud page sets a folder, tests it, and shows how it is."""
        page, box = self.browser, self.box_under_test
        page.click("nav-cloud")
        page.find("storage-form")
        page.shoot("cloud-empty", self.overflow)
        page.choose("target-folder")
        page.fill("storage-path", box.store)
        page.click("storage-save")
        page.find("storage-change")
        self.assertEqual(box.get("/storage")["target"], {"kind": "folder", "path": box.store})
        page.click("storage-test")
        page.find("storage-test-result")
        wait_for(lambda: len(page.all('[data-testid="storage-test-result"] li.ok')) >= 4, 20, lambda: f"good steps: {page.text()[:900]}")
        page.shoot("cloud", self.overflow)
        self.done()

    def test_ca_line(self):
        """The line is tested with progress and a result, and what footage may take is set by the week."""
        page, box = self.browser, self.box_under_test
        page.open("#/cloud")
        page.click("network-test-start")
        page.find("network-test-result", seconds=60)
        result = box.get("/storage/line/test")["results"][0]
        self.assertGreater(result["uploadBitsPerSecond"], 0)
        page.await_text("A test measures its disk, not the line")
        self.assertNotIn("The line carries", page.text())
        page.click("line-change")
        page.choose("line-cap-percent")
        page.fill("line-cap-value", "0")
        page.click("line-save")
        page.await_text("Enter a whole number from 1 to 100.")
        page.fill("line-cap-value", "50")
        page.shoot("line-form", self.overflow)
        page.click("line-save")
        wait_for(lambda: box.get("/storage/line")["cap"] == {"kind": "percent", "value": 50}, 10, "the cap")
        self.assertIsNone(box.get("/storage/line")["limitBitsPerSecond"], "half of what is not known is no bound")
        page.shoot("line", self.overflow)
        box.call("PUT", "/storage/line", {"cap": None})
        self.done()

    def test_d_add_a_camera(self):
        """A live test says the password is wrong; corrected in place it shows picture and streams; the camera is added."""
        page = self.browser
        page.open("#/cameras/add")
        page.fill("device-name", "Front door")
        page.choose("by-url")
        page.fill("device-url", self.camera.rtsp)
        page.fill("device-user", self.camera.user)
        page.fill("device-password", "wrong")
        page.click("test-camera")
        page.find("retry-password", seconds=30)
        page.shoot("add-wrong-password", self.overflow)
        page.fill("retry-password", self.camera.password)
        page.click("retry-submit")
        page.find("#app img.test-picture", seconds=30)
        page.await_text("H.264")
        page.shoot("add-tested", self.overflow)
        page.click("add-camera-confirm")
        page.await_place(r"/cameras/[^/]+/link")
        self.done()

    def test_e_link(self):
        """Straight from adding it is linked to the cloud, in the definition that is chosen."""
        page, box = self.browser, self.box_under_test
        page.find("cloud-form")
        page.shoot("link", self.overflow)
        page.choose("definition-standard")
        page.choose("retention-30")
        page.click("link-cloud")
        found = page.await_place(r"/cameras/([^/]+)")
        channel = box.channel(found.group(1))
        self.assertEqual((channel["name"], channel["linked"], channel["definition"]["kind"], channel["retentionDays"]),
                         ("Front door", True, "standard", 30))
        page.find("record-now")
        page.shoot("camera", self.overflow)
        self.done()

    def test_f_motion_area(self):
        """The motion area is drawn over the picture and saved; it is what the box then has."""
        page, box = self.browser, self.box_under_test
        channel = page.place().rpartition("/")[2]
        page.click('[data-testid="section-motion"] > summary')
        grid = page.find("motion-grid")
        page.click("motion-clear")
        page.click("motion-save")
        page.await_text("nothing would ever be seen")
        page.drag(grid, (0.02, 0.52), (0.98, 0.52))
        page.click("motion-save")
        cells = lambda: box.channel(channel)["motion"]["cells"]
        wait_for(lambda: "".join(cells()).count("1") < 300, 10, "the saved area")
        rows = cells()
        self.assertEqual([row.count("1") for row in rows], [0] * 9 + [22] + [0] * 8, rows)
        page.shoot("camera-motion", self.overflow)
        page.click("motion-all")
        page.click("motion-save")
        wait_for(lambda: "".join(cells()).count("1") == 396, 10, "the whole area")
        self.done()

    def test_g_record_and_watch(self):
        """"Record now" makes an event whose state moves, without loading the page again, to "In the cloud"; its clip plays."""
        page, box = self.browser, self.box_under_test
        box.await_past(2, page.place().rpartition("/")[2])
        page.script("window.visit = 'the same page'")
        page.click("record-now")
        wait_for(lambda: box.get("/events")["items"], 10, "an event")
        page.click("nav-events")
        page.find("event-row")
        seen = []

        def stored():
            chips = page.all('[data-testid="event-row"] [data-state]')
            state = chips[-1].get_attribute("data-state") if chips else None
            if state and state not in seen:
                seen.append(state)
                if state == "recording":
                    page.shoot("events-recording", self.overflow)
            return state == "stored"

        wait_for(lambda: self.patient(stored), 60, lambda: f"the event to be stored on the page; it was {seen}")
        self.assertIn("recording", seen)
        self.assertEqual(page.script("return window.visit"), "the same page", "the page was loaded again")
        page.await_text("In the cloud")
        page.shoot("events", self.overflow)
        page.click("event-row")
        video = page.find("clip-video")
        page.script("arguments[0].muted = true; arguments[0].play()", video)
        playing = lambda: page.script("const v = arguments[0]; return [v.readyState, v.currentTime, v.error && v.error.message]", video)
        wait_for(lambda: playing()[0] >= 2 and playing()[1] > 1, 20, lambda: f"the clip to play: {playing()}")
        self.assertAlmostEqual(page.script("return arguments[0].duration", video), 6, delta=1.3)
        page.script("arguments[0].currentTime = 4.5", video)
        wait_for(lambda: page.script("return !arguments[0].seeking && arguments[0].readyState >= 2", video), 15, "a jump within the clip")
        self.assertEqual(page.script("return [arguments[0].videoWidth, arguments[0].error]", video), [640, None])
        self.assertIn("by a person", page.find("clip-events").text)
        page.shoot("clip", self.overflow)
        page.narrow("clip", self.overflow)
        self.done()

    def test_ga_record(self):
        """The cloud page tells how long the signed record is, and the key that it is compared by."""
        page, box = self.browser, self.box_under_test
        page.open("#/cloud")
        page.await_text("1 clip in the record")
        self.assertEqual(page.find("chain-key").text, box.get("/storage/chain")["publicKey"])
        page.script("arguments[0].scrollIntoView({block: 'center'})", page.find("chain"))
        page.shoot("cloud-record", self.overflow)
        self.done()

    def test_h_everywhere(self):
        """Every page opens without an error on phone and desk; a camera that is lost is said in words while one looks on."""
        page, box = self.browser, self.box_under_test
        for section in ("cameras", "events", "cloud", "health", "box"):
            page.click(f"nav-{section}")
            wait_for(lambda: page.script("return document.querySelectorAll('#content h1').length") == 1, 10, f"the title of {section}")
            page.shoot(section, self.overflow)
            page.narrow(section, self.overflow)
        page.click("nav-cameras")
        page.find("camera-tile")
        self.camera.fault("stop")
        wait_for(lambda: page.find("camera-tile").get_attribute("data-severity") == "trouble", 30, lambda: f"trouble: {page.text()}")
        page.shoot("cameras-lost", self.overflow)
        page.click("nav-health")
        page.find("health-problem")
        page.shoot("health-problem", self.overflow)
        self.camera.fault("none")
        page.click("nav-cameras")
        wait_for(lambda: page.find("camera-tile").get_attribute("data-severity") == "ok", 30, lambda: f"the picture: {page.text()}")
        answer = box.client.connect()
        answer.request("GET", "/")
        headers = {name.lower(): value for name, value in answer.getresponse().getheaders()}
        self.assertIn("content-security-policy", headers, shorten(headers))
        self.assertEqual(headers.get("x-content-type-options"), "nosniff", shorten(headers))
        self.done()

    def test_i_box_goes_and_comes(self):
        """While the box is away the page says so, and it is live again when the box is back, with nobody loading it."""
        page, box = self.browser, self.box_under_test
        page.click("nav-cameras")
        page.script("window.visit = 'the same page'")
        port = box.client.port
        box.kill()
        wait_for(lambda: page.all('[data-testid="connection-bar"].shown'), 40, "word that the connection is lost")
        page.shoot("connection-lost", self.overflow)
        box.settings["http.port"] = port
        box.start()
        wait_for(lambda: not page.all('[data-testid="connection-bar"].shown'), 60, lambda: f"the connection again: {page.text()}")
        self.assertEqual(page.script("return window.visit"), "the same page")
        wait_for(lambda: page.find("camera-tile").get_attribute("data-severity") == "ok", 30, lambda: f"the picture: {page.text()}")
        self.done("net::ERR_", "Failed to load resource")

    @staticmethod
    def patient(look):
        """Look at a page that is just being redrawn."""
        try:
            return look()
        except StaleElementReferenceException:
            return False
