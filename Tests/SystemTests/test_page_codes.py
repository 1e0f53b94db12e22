"""The page's certificate of the box, its QR codes of devices and sites, reading them, and taking a site over."""

import os

from authorities import Authority, fingerprint, key_pem, new_key, pem, shown
from devices import QUICK, DeviceBox, DeviceSimulator
from owners import WORDS, Owner, Partner, hand_over, share
from page_case import PageCase
from qr_pictures import drawn, empty, jpeg, photographed, png
from waiting import wait_for

SECRET = "lamp-7731"
NAME = "cameras.example.com"


class PageCodes(PageCase):
    """A box with TLS and a device at an owner's shop; its installer at a desk, and a partner, who helps elsewhere, with a phone."""

    @classmethod
    def setUpClass(cls):
        cls.devices = DeviceSimulator("--device", "camera,name=front")
        cls.addClassCleanup(cls.devices.close)
        cls.made = box = DeviceBox(start=False, **{"http.tls": True, **QUICK})
        cls.addClassCleanup(box.clean)
        box.start().claim()
        cls.device = box.onboard(cls.devices["front"])[0]
        cls.shop = box.get("/sites")["items"][0]["id"]
        cls.elsewhere = box.call("POST", "/sites", {"name": "Elsewhere", "timeZone": "Europe/Rome"})["id"]
        cls.partner = Partner(box, "mia", share(box, cls.elsewhere, "mia", "installation")["token"])
        cls.open_two(box)

    def file(self, name, data):
        """A file to choose on the page."""
        path = os.path.join(self.made.folder, name)
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return path

    def choose_file(self, testid, path, page=None):
        """Choose a file behind a button."""
        (page or self.browser).find(testid, visible=False).send_keys(path)

    def drawing(self, path, password=None):
        """A code's image."""
        return drawn(self.made.client.request("POST", path, {"password": password}).body)

    def await_picture(self, page, testid):
        """Wait until a picture is there."""
        wait_for(lambda: page.script("return arguments[0].naturalWidth", page.find(testid)) > 0, 10, f"the picture of {testid}")

    # The certificate

    def test_a_certificate(self):
        """The card tells which one is shown; another is installed from one file with both, refused where it is no good, and taken away again."""
        page, box = self.browser, self.made
        self.sign_in()
        page.find("nav-box")
        page.open("#/box")
        page.find("[data-testid=certificate-facts][data-source=own]")
        self.assertEqual(page.find("certificate-fingerprint").text.replace("\n", ""), shown(box.client))
        self.assertFalse(page.all("certificate-trouble"))
        self.assertTrue(page.find("certificate-authority").get_attribute("href").endswith("/certificate/authority"))
        page.shoot("certificate-own", self.overflow, at="certificate")
        authority = Authority("Example authority")
        leaf, key = authority.issue(NAME, box.client.host)
        page.click("certificate-install")
        page.click("certificate-submit")
        page.await_text("Paste the certificate, or choose its file.")
        self.choose_file("certificate-chain-file", self.file("both.pem", key_pem(key) + pem(leaf)))
        wait_for(lambda: "CERTIFICATE" in page.find("certificate-chain").get_attribute("value"), 10, "the certificate of the file")
        self.assertIn("PRIVATE KEY", page.find("certificate-key").get_attribute("value"))
        self.assertNotIn("PRIVATE KEY", page.find("certificate-chain").get_attribute("value"))
        self.choose_file("certificate-key-file", self.file("other.key", key_pem(new_key())))
        wait_for(lambda: page.find("certificate-key").get_attribute("value") != key_pem(key), 10, "the other key")
        page.click("certificate-submit")
        page.find("[data-testid=certificate-form] .field.wrong")
        page.shoot("certificate-refused", self.overflow, at="certificate-install")
        self.choose_file("certificate-key-file", self.file("right.key", key_pem(key)))
        wait_for(lambda: page.find("certificate-key").get_attribute("value").strip() == key_pem(key).strip(), 10, "the right key")
        page.click("certificate-submit")
        page.find("[data-testid=certificate-facts][data-source=installed]")
        page.await_text(NAME)
        self.assertEqual(shown(box.client), fingerprint(leaf))
        page.shoot("certificate-installed", self.overflow, at="certificate")
        page.narrow("certificate", self.overflow)
        page.click("certificate-own")
        page.click("ask-cancel")
        page.click("certificate-own")
        page.click("ask-confirm")
        page.find("[data-testid=certificate-facts][data-source=own]")
        self.assertNotEqual(shown(box.client), fingerprint(leaf))
        self.done("422")

    def test_b_certificate_asked_for(self):
        """A request is made, shown and installed upon without a key."""
        page = self.browser
        page.click("certificate-ask")
        page.fill("certificate-names", "")
        page.click("certificate-ask-submit")
        page.await_text("Enter at least one name.")
        page.fill("certificate-names", f"{NAME}\n127.0.0.1")
        page.click("certificate-ask-submit")
        request = page.find("certificate-request").text
        self.assertTrue(request.startswith("-----BEGIN CERTIFICATE REQUEST-----"))
        page.find("certificate-request-save")
        page.shoot("certificate-request", self.overflow, at="certificate-ask")
        leaf, _, names = Authority("Example authority").answer(request)
        self.assertEqual(names, [NAME, "127.0.0.1"])
        page.open("#/health")
        page.open("#/box")  # the answer comes later
        page.await_text("its key waits in the box")
        self.choose_file("certificate-chain-file", self.file("answer.pem", pem(leaf)))
        wait_for(lambda: "CERTIFICATE" in page.find("certificate-chain").get_attribute("value"), 10, "the certificate of the file")
        page.click("certificate-submit")
        page.find("[data-testid=certificate-facts][data-source=installed]")
        self.assertEqual(shown(self.made.client), fingerprint(leaf))
        self.made.call("DELETE", "/certificate")
        self.done()

    # Codes

    def test_c_code_of_a_device(self):
        """A device's code is made with a password, shown, and printed by itself."""
        page = self.browser
        page.open(f"#/device/{self.device['id']}")
        page.click("device-code")
        page.await_text("never its user name or password")
        page.shoot("code-form", self.overflow)
        page.fill("code-password", "abc")
        page.click("code-make")
        page.await_text("At least 4 characters")
        page.fill("code-password", SECRET)
        page.click("code-make")
        self.await_picture(page, "code-picture")
        self.assertIn("without the password nobody", page.find("code-readers").text)
        self.assertTrue(page.find("code-save").get_attribute("download").endswith(".svg"))
        page.shoot("code-device", self.overflow)
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        try:
            self.assertTrue(page.find("code-picture").is_displayed())
            for testid in ("nav-box", "code-print", "code-readers", "device-check"):
                self.assertFalse(page.find(testid, visible=False).is_displayed(), testid)
            page.driver.save_screenshot(os.path.join(page.screenshots, "code-printed.png"))
        finally:
            page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        page.click("code-close")
        wait_for(lambda: not page.all("code-dialog"), 5, "the dialog to be gone")
        self.done()

    def test_d_code_of_a_site(self):
        """A site's code says who can read it."""
        page = self.browser
        page.open(f"#/sites/{self.shop}")
        page.click("site-code")
        page.await_text("what another company needs")
        page.click("code-make")
        self.await_picture(page, "code-picture")
        self.assertIn("Whoever sees the code can read it", page.find("code-readers").text)
        page.shoot("code-site", self.overflow)
        page.click("code-close")
        self.done()

    def test_e_read(self):
        """A picture without a code is said to have none; another's code shows its text; a device's fills in the form for its address, with its password."""
        page = self.browser
        page.open("#/add/code")
        page.find("read-code")
        page.shoot("read-code", self.overflow)
        self.choose_file("read-code-picture", self.file("empty.jpg", jpeg(empty())))
        wait_for(lambda: page.find("read-code-said").text and "Looking" not in page.find("read-code-said").text, 20, "an answer")
        self.assertFalse(page.all("read-code-locked"))
        self.choose_file("read-code-picture", self.file("text.jpg", b"this is no picture"))
        page.await_text("This browser cannot read the picture.")
        code = self.drawing(f"/devices/{self.device['id']}/code", SECRET)
        self.choose_file("read-code-picture", self.file("device.jpg", jpeg(photographed(code, size=(3200, 2400)))))
        page.find("read-code-locked", 20)
        page.click("read-code-open")
        page.await_text("Enter the password of the code.")
        page.fill("read-code-password", "none of it")
        page.click("read-code-open")
        page.find("[data-testid=read-code-locked] .field.wrong [data-testid=read-code-password]")
        page.shoot("read-code-locked", self.overflow)
        page.fill("read-code-password", SECRET)
        page.click("read-code-open")
        page.find("add-address-form")
        simulated = self.devices["front"]
        value = lambda testid: page.find(testid, visible=False).get_attribute("value")
        self.assertEqual((value("device-address"), value("device-http-port"), value("device-name"), value("device-password")),
                         (simulated.address, str(simulated.http), self.device["name"], ""))
        self.assertTrue(page.script("return document.activeElement.dataset.testid") == "device-user")
        page.shoot("read-code-filled", self.overflow)
        page.narrow("read-code-filled", self.overflow)
        self.done("422", "409")

    # Taking over

    def test_f_take_over(self):
        """A partner reads the site's code, asks its owner when nobody looks after it, takes it back, asks again, and has the site."""
        page, box = self.phone, self.made
        olga = Owner(box, "olga", hand_over(box, self.shop, "olga", [{"permission": "live-view"}])["token"])
        picture = self.file("site.png", png(self.drawing(f"/sites/{self.shop}/code")))
        page.open()
        page.fill("sign-in-user", "mia")
        page.fill("sign-in-password", WORDS)
        page.click("sign-in-submit")
        page.find("nav-box", visible=False)
        page.open("#/sites")
        page.click("to-take-over")
        page.await_place("/take-over")
        page.find("take-over-form")
        page.shoot("take-over-empty", self.overflow)
        page.click("take-over-submit")
        page.await_text("Enter the ID of the site, or read its QR code.")
        self.choose_file("take-over-picture", picture, page)
        wait_for(lambda: page.find("take-over-site").get_attribute("value") == self.shop, 20, "the ID of the code")
        self.assertIn("Test house", page.find("take-over-named").text)
        page.fill("take-over-remarks", "We look after the shop next door.")
        page.click("take-over-submit")
        page.find("[data-testid=take-over-form] .sentence.trouble")
        page.shoot("take-over-refused", self.overflow, at="take-over-form")
        olga.client.call("DELETE", f"/sites/{self.shop}/authorization")
        page.click("take-over-submit")
        page.find("[data-testid=take-overs] [data-state=pending]")
        page.shoot("take-over-asked", self.overflow, at="take-overs")
        page.click("take-over-back")
        page.find("[data-testid=take-overs] [data-state=withdrawn]")
        self.choose_file("take-over-picture", picture, page)
        wait_for(lambda: page.find("take-over-site").get_attribute("value") == self.shop, 20, "the ID of the code")
        page.click("take-over-submit")
        page.find("[data-testid=take-overs] [data-state=pending]")
        waiting = next(one for one in olga.get(f"/sites/{self.shop}/applications")["items"] if one["state"] == "pending")
        olga.client.call("POST", f"/sites/{self.shop}/applications/{waiting['id']}/approve")
        page.find("[data-testid=take-overs] [data-state=approved]")  # by itself, with the notice
        page.narrow("take-over", self.overflow)
        page.open("#/sites")
        page.find("[data-site='Test house']")
        page.shoot("take-over-sites", self.overflow)
        errors = [error for error in page.errors() if "409" not in error and "422" not in error]
        self.assertFalse(errors)
        type(self).failed = None
        self.assertFalse(self.overflow)

    def test_g_code_of_a_site_leads_to_taking_over(self):
        """Read on the page for adding, a site's code leads to the form for taking it over, filled in."""
        page = self.browser
        picture = self.file("elsewhere.jpg", jpeg(photographed(self.drawing(f"/sites/{self.elsewhere}/code"))))
        page.open("#/add/code")
        self.choose_file("read-code-picture", picture)
        page.await_place(r"/take-over\?site=.*", 20)
        self.assertEqual(page.find("take-over-site").get_attribute("value"), self.elsewhere)
        self.assertIn("Elsewhere", page.find("take-over-named").text)
        # The shop is another company's now: the installer knows it no longer.
        page.open("#/sites")
        page.find("[data-site='Elsewhere']")
        self.assertFalse(page.all("[data-site='Test house']"))
        self.done("404", "403")
