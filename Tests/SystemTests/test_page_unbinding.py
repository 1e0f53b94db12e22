"""The page's way of a device that is bound to another site: asked for with a photo, unbound by its owner, added; and refused, taken back."""

import os
import subprocess

from box import PASSWORD, USER
from browser import Browser
from devices import DeviceBox, DeviceSimulator, QUICK
from owners import WORDS, Owner, hand_over
from page_case import PageCase
from waiting import wait_for

OUTSIDE = "203.0.113.7"
LARGEST = 1600  # pixels of a photo that is sent


class PageUnbinding(PageCase):
    """Two devices at an owner's shop, which the installer has in their hands and wants at a flat."""

    @classmethod
    def setUpClass(cls):
        cls.devices = DeviceSimulator("--device", "camera,name=front", "--device", "camera,name=gate")
        cls.addClassCleanup(cls.devices.close)
        cls.made = box = DeviceBox(start=False, **QUICK)
        cls.addClassCleanup(box.clean)
        box.start().claim()
        box.onboard(*cls.devices.devices)
        cls.shop = box.get("/sites")["items"][0]["id"]
        box.call("PATCH", f"/sites/{cls.shop}", {"city": "Prato"})
        cls.flat = box.call("POST", "/sites", {"name": "Flat", "timeZone": "Europe/Rome"})["id"]
        cls.owner = Owner(box, "olga", hand_over(box, cls.shop, "olga", [{"permission": "live-view"}])["token"])
        cls.open_two(box)
        cls.photo = os.path.join(box.folder, "label.jpg")
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=3200x2400", "-frames:v", "1", cls.photo], check=True)

    def fail_to_add(self, name, page, site=None):
        """Open the page on which a device could not be added to a site, by default the flat; the onboarding."""
        job = self.made.begin(self.devices[name].entry(), siteId=site or self.flat)
        item = self.made.await_job(job)[0]
        self.assertEqual((item["state"], item["boundDevice"]["serialNumber"]), ("failed", self.devices[name].serial))
        page.open(f"#/onboarding/{job['id']}")
        page.find("unbind-ask-0")
        return job

    def requests(self):
        """The requests, as the owner is told of them."""
        return self.owner.get("/unbindings")["items"]

    def file(self, name, text):
        """A file to send."""
        path = os.path.join(self.made.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def test_a_asked_for(self):
        """The failure leads to the request, with the device's identity in it; a photo is taken, made smaller, and sent."""
        page, box = self.browser, self.made
        self.sign_in()
        page.find("nav-sites")
        page.open("#/unbindings")
        page.await_text("Nobody asks for a device")
        page.shoot("unbinding-none", self.overflow)
        type(self).job = self.fail_to_add("front", page)
        page.shoot("unbinding-failure", self.overflow, at="unbinding-offer")
        page.click("unbind-ask-0")
        form = page.find("unbind-form")
        self.assertIn(self.devices["front"].serial, form.text)
        self.assertFalse(page.find("unbind-file", visible=False).is_displayed(), "in the box's own network no file is needed")
        page.click("unbind-send")
        page.await_text("Take a photo of the label.")
        page.find("unbind-label").send_keys(self.file("label.txt", "no picture"))
        page.click("unbind-send")
        page.await_text("Send a photograph as JPEG or PNG.")
        page.find("unbind-label").send_keys(self.photo)
        page.find("img.proof")
        page.shoot("unbinding-form", self.overflow, at="unbind-form")
        page.click("unbind-send")
        page.await_text("You hear when it is decided.")
        page.shoot("unbinding-asked", self.overflow, at="unbinding-offer")
        request = self.requests()[0]
        self.assertEqual((request["state"], request["missing"], request["onSite"]), ("in-progress", [], True))
        sent = os.path.join(box.folder, "sent.jpg")
        with open(sent, "wb") as file:
            file.write(self.owner.client.request("GET", f"/unbindings/{request['id']}/label").body)
        size = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", sent],
                              check=True, capture_output=True, text=True).stdout
        self.assertEqual(size.strip(), f"mjpeg,{LARGEST},{LARGEST * 3 // 4}")
        page.open("#/unbindings")
        page.find("unbinding-withdraw")
        self.assertFalse(page.all("unbinding-unbind"), "who asks does not decide")
        self.done("415")

    def test_b_unbound(self):
        """The owner is led by the notice to the request, looks at the label, and unbinds the device, asked once."""
        phone = self.phone
        phone.open()
        phone.fill("sign-in-user", "olga")
        phone.fill("sign-in-password", WORDS)
        phone.click("sign-in-submit")
        phone.find("nav-sites", visible=False)
        phone.open("#/notices")
        phone.click("[data-kind='unbinding-asked'] a")
        phone.await_place("/unbindings")
        phone.find("[data-testid=unbinding][data-state=in-progress]")
        for told in (self.devices["front"].serial, "Test house", "Prato", "Flat", "front"):
            phone.await_text(told)
        wait_for(lambda: phone.script("return document.querySelector('[data-testid=unbinding-photo] img').naturalWidth") == LARGEST, 15, "the photo")
        phone.shoot("unbinding-decide", self.overflow)
        phone.shoot("unbinding-buttons", self.overflow, at="unbinding-unbind")
        phone.narrow("unbinding-decide", self.overflow)
        phone.click("unbinding-photo")
        phone.find("unbinding-large")
        phone.shoot("unbinding-photo", self.overflow)
        phone.click("unbinding-large-close")
        phone.fill("unbinding-region", "nowhere")
        phone.await_text("There is no such request.")
        phone.fill("unbinding-region", "prat")
        phone.click("unbinding-unbind")
        phone.await_text("footage in the cloud stays")
        phone.shoot("unbinding-sure", self.overflow)
        phone.click("ask-confirm")
        phone.find("[data-testid=unbinding][data-state=to-be-confirmed]")
        self.assertEqual(phone.script("return document.activeElement.tagName"), "H2", "by keyboard one goes on where one was")
        self.assertEqual([one["name"] for one in self.owner.get("/devices")["items"]], ["gate"])
        self.assertFalse(phone.errors())
        self.assertFalse(self.overflow)
        type(self).failed = None

    def test_c_added(self):
        """The failure says by itself that the device is unbound; tried again it is added, and the request is closed."""
        page, box = self.browser, self.made
        page.open(f"#/onboarding/{self.job['id']}")
        page.await_text("It is unbound. Try again now to add it.")
        page.shoot("unbinding-done", self.overflow, at="unbinding-offer")
        page.open("#/unbindings")
        page.find("unbinding-confirm")
        page.shoot("unbinding-to-confirm", self.overflow)
        page.open(f"#/onboarding/{self.job['id']}")
        page.click("retry-0")
        page.find("[data-testid=onboarding-item][data-state=added]", 60)
        self.assertEqual([one["siteId"] for one in box.get("/devices")["items"] if one["address"] == self.devices["front"].address], [self.flat])
        page.open("#/notices")
        page.click("[data-kind='unbinding-done'] a")
        page.find("[data-testid=unbinding][data-state=closed]")
        page.await_text("Closed")
        self.done()

    def test_d_from_elsewhere(self):
        """Who is not in the box's network sends a file of the device as well; one of another device is refused beside its field."""
        page = self.browser
        page.driver.execute_cdp_cmd("Network.enable", {})
        page.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"X-Forwarded-For": OUTSIDE}})
        self.fail_to_add("gate", page)
        page.click("unbind-ask-0")
        page.find("unbind-label").send_keys(self.photo)
        page.fill("unbind-remarks", "Bought with the flat.")
        page.click("unbind-send")
        page.await_text("Choose a file that the device has exported.")
        self.assertFalse(self.requests()[1:], "who decides is asked before it is proven")
        page.open("#/unbindings")
        page.await_text("Nobody has been told yet")
        page.find("unbinding-file").send_keys(self.file("other.xml", "<DeviceInfo><serialNumber>ANOTHER</serialNumber></DeviceInfo>"))
        page.click("unbinding-send")
        page.await_text("This is not of the device")
        page.shoot("unbinding-missing", self.overflow, at="unbinding-photo")
        page.find("unbinding-file").send_keys(self.file("device.xml", f"<DeviceInfo><serialNumber>{self.devices['gate'].serial}</serialNumber></DeviceInfo>"))
        page.click("unbinding-send")
        wait_for(lambda: len(self.requests()) == 2, 15, lambda: f"the request to be told: {self.requests()}")
        self.assertEqual((self.requests()[0]["onSite"], self.requests()[0]["proofs"]), (False, ["device-file", "label"]))
        page.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
        self.done("409")

    def test_e_refused(self):
        """The owner finds the request among those in progress, and refuses it with a reason, which the installer reads beside the failure."""
        page, phone = self.browser, self.phone
        phone.open("#/unbindings")
        phone.find("[data-testid=unbinding][data-state=in-progress]")
        phone.script("const s = document.querySelector('[data-testid=unbinding-state]'); s.value = 'in-progress'; s.dispatchEvent(new Event('change'))")
        wait_for(lambda: len(phone.all("unbinding")) == 1, 10, "only what is in progress")
        phone.await_text("Bought with the flat.")
        phone.click("unbinding-refuse")
        phone.click("unbinding-refuse-send")
        phone.await_text("Say why")
        phone.click("unbinding-not-bound")
        phone.shoot("unbinding-refuse", self.overflow, at="unbinding-refuse")
        phone.click("unbinding-refuse-send")
        phone.await_text("There is no such request.")
        self.assertEqual([(one["state"], one["reason"]) for one in self.requests()][0], ("refused", "It is not bound to any account."))
        self.assertFalse(phone.errors())
        page.open("#/notices")
        page.click("[data-kind='unbinding-refused'] a")
        page.find("[data-testid=unbinding][data-state=refused]")
        page.await_text("It is not bound to any account.")
        page.shoot("unbinding-list", self.overflow)
        page.narrow("unbinding-list", self.overflow)
        self.done()

    def ask_again(self, page):
        """Ask for the device whose failure is open, with a photo; it."""
        page.click("unbind-ask-0")
        page.find("unbind-label").send_keys(self.photo)
        page.click("unbind-send")
        page.await_text("You hear when it is decided.")
        return self.requests()[0]

    def test_f_taken_back_and_confirmed(self):
        """Refused, it can be asked for again; that is taken back; asked for once more, it is unbound while one looks on, and confirmed."""
        page = self.browser
        job = self.fail_to_add("gate", page)
        page.await_text("It is not unbound: It is not bound to any account.")
        self.ask_again(page)
        page.open("#/unbindings")
        page.click("unbinding-withdraw")
        page.find("[data-testid=unbinding][data-state=withdrawn]")
        self.assertEqual(self.requests()[0]["state"], "withdrawn")
        page.open(f"#/onboarding/{job['id']}")
        request = self.ask_again(page)
        self.owner.client.call("POST", f"/unbindings/{request['id']}/unbind")
        page.await_text("It is unbound. Try again now to add it.")
        page.open("#/unbindings")
        page.click("unbinding-confirm")
        wait_for(lambda: len(page.all("[data-testid=unbinding][data-state=closed]")) == 2, 10, "the request to be closed")
        self.assertEqual(self.requests()[0]["state"], "closed")
        self.done()

    def test_g_without_an_owner(self):
        """Where a site has no owner the provider's administrators decide, also about what their own people ask."""
        page, box = self.browser, self.made
        cellar = box.call("POST", "/sites", {"name": "Cellar", "timeZone": "Europe/Rome"})["id"]
        self.fail_to_add("front", page, cellar)
        page.click("unbind-ask-0")
        page.find("unbind-label").send_keys(self.photo)
        page.click("unbind-send")
        page.await_text("You hear when it is decided.")
        page.open("#/notices")
        page.click("[data-kind='unbinding-asked'] a")
        page.find("unbinding-withdraw")
        page.await_text("not handed over")
        page.shoot("unbinding-own", self.overflow)
        page.click("unbinding-unbind")
        page.click("ask-confirm")
        page.find("unbinding-confirm")
        self.assertFalse([one for one in box.get("/devices")["items"] if one["name"] == "front"])
        self.done()

    def test_h_in_italian(self):
        """The page says it in Italian."""
        other = Browser(self.made.client.base, "it")
        self.addCleanup(other.close)
        other.open()
        other.fill("sign-in-user", USER)
        other.fill("sign-in-password", PASSWORD)
        other.click("sign-in-submit")
        other.find("nav-sites")
        other.open("#/unbindings")
        other.await_text("Richieste di scollegamento")
        other.find("unbinding")
        other.await_text("Ritirata")
        other.shoot("unbinding-italian", self.overflow)
        other.open("#/sites")
        other.await_text("Richieste di scollegamento")
        other.shoot("unbinding-sites-italian", self.overflow)
        type(self).failed = None
        self.assertFalse(self.overflow)
