"""The plans of the page in a real browser: importing, wrong keys, stock, renewal, moving, and unlinking that is refused."""

import json
import os
import tempfile

from browser import Browser
from page_case import PageCase
from plans import YEAR, Issuer, pass_days, plan
from waiting import wait_for

QUICK = {"recording.seconds-before": 1, "recording.seconds": 3}


class PlansPage(PageCase):
    """The page's section on plans, each visit going on where the last one ended."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="gatehouse-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.issuer = Issuer(folder.name)
        box = cls.box_under_test = cls.class_box(**{**QUICK, "plans.issuers": [cls.issuer.public]})
        box.claim()
        box.serial = box.get("/system")["serialNumber"]
        box.channels = [box.add_device(f"rtsp://127.0.0.1:9/{number}", name=name)
                        for number, name in enumerate(("Back yard", "Front door", "Till"))]
        box.channels = [box.channel(device["channelIds"][0]) for device in box.channels]
        for channel in box.channels:
            box.link(channel)
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def row(self, channel):
        """The selector of a channel's row."""
        return f'[data-channel="{channel["id"]}"]'

    def open_row(self, channel):
        """Open a channel's row; the selector of what is inside."""
        row = self.row(channel)
        if self.browser.find(row).get_attribute("open") is None:
            self.browser.click(f"{row} > summary")
        return lambda testid: f'{row} [data-testid="{testid}"]'

    def test_a_import_and_wrong_keys(self):
        """A voucher is imported by a file chooser; each wrong key has its sentence at the field; the right one activates."""
        page, box = self.browser, self.box_under_test
        self.sign_in()
        page.click("nav-cloud")
        page.find("plan-rows")
        page.shoot("plans-none", self.overflow, at="plans")
        junk = os.path.join(self.issuer.folder, "junk.json")
        with open(junk, "w") as file:
            file.write("not JSON")
        page.find("voucher-file", visible=False).send_keys(junk)
        page.await_text("not a voucher file")
        keys, path = self.issuer.issue(YEAR, 2, box=box.serial)
        page.find("voucher-file", visible=False).send_keys(path)
        page.await_text("2 service keys are known now")
        page.find("voucher-file", visible=False).send_keys(self.issuer.issue("7-days-month", 2, box=box.serial, stock=True)[1])
        page.await_text("In stock: 2 × 7 days of footage for a month")
        expired, other = self.issuer.give(box, redeem_until="2026-01-31")[0], self.issuer.give(box, box="GHSOMEOTHER1")[0]
        inside = self.open_row(box.channels[1])
        wrong = keys[0][:-1] + ("7" if keys[0][-1] != "7" else "8")
        for key, words in ((wrong, "mistyped"), (keys[0][:9], "has 16 characters"), (expired, "31 January 2026"), (other, "GHSOMEOTHER1")):
            page.fill(inside("service-key"), key.lower().replace("-", ""))
            page.click(inside("use-key"))
            wait_for(lambda: words in page.find(f"{self.row(box.channels[1])} .field.wrong .note").text, 10, lambda: f"{words}: {page.text()[:900]}")
        page.shoot("plans-wrong-key", self.overflow, at="plans")
        page.fill(inside("service-key"), keys[0].lower().replace("-", ""))
        self.assertEqual(page.find(inside("service-key")).get_attribute("value"), keys[0])
        page.click(inside("use-key"))
        wait_for(lambda: page.find(self.row(box.channels[1])).get_attribute("data-state") == "active", 10, lambda: f"a plan: {page.text()[:900]}")
        page.await_text("30 days of footage until")
        page.fill(self.open_row(box.channels[0])("service-key"), keys[0])
        page.click(self.open_row(box.channels[0])("use-key"))
        page.await_text("used already, for Front door")
        self.done("/plan .*422|/plan - Failed|status of 422")

    def test_b_stock_renewal_and_moving(self):
        """From stock a plan is activated and renewed; it renews itself; it is moved to another camera; it is ended."""
        page, box = self.browser, self.box_under_test
        back, front, till = box.channels
        inside = self.open_row(back)
        page.click(inside("use-7-days-month"))
        wait_for(lambda: plan(box, back)["state"] == "active", 10, "a plan from stock")
        box.settings["http.port"] = box.client.port
        pass_days(box, 3)  # the page finds the box again by itself
        wait_for(lambda: not page.all('[data-testid="connection-bar"].shown'), 60, "the connection again")
        wait_for(lambda: "Ends in" in page.find(self.row(back)).text, 10, lambda: f"its end in words: {page.find(self.row(back)).text}")
        order = [row.get_attribute("data-channel") for row in page.all("plan-row")]
        self.assertEqual(order, [back["id"], till["id"], front["id"]], "those that need somebody come first")
        page.shoot("plans-expiring", self.overflow, at="plans")
        page.click(inside("automatic-renewal"))
        wait_for(lambda: "Renews itself" in page.find(f"{self.row(back)} > summary").text, 10, "its renewal in words")
        self.assertTrue(plan(box, back)["automaticRenewal"])
        page.click(inside("move-plan"))
        page.click("ask-confirm")
        wait_for(lambda: plan(box, till)["state"] == "expiring", 10, "the plan at the other camera")
        wait_for(lambda: page.find(self.row(back)).get_attribute("data-state") == "not-activated", 10, "no plan at the first")
        page.click("plan-history")
        page.await_text("Back yard: moved to Till")
        page.shoot("plans-moved", self.overflow, at="plans")
        page.click(self.open_row(till)("end-plan"))
        page.click("ask-confirm")
        wait_for(lambda: page.find(self.row(till)).get_attribute("data-state") == "expired", 10, lambda: f"its end: {page.text()[:900]}")
        self.done("net::ERR_", "Failed to load resource")

    def test_c_unlinking_is_refused(self):
        """On the camera's page unlinking is refused in words while its plan is active, and retention is the plan's."""
        page, box = self.browser, self.box_under_test
        page.open(f"#/cameras/{box.channels[1]['id']}")
        if page.find("section-cloud").get_attribute("open") is None:
            page.click('[data-testid="section-cloud"] > summary')
        page.await_text("How long footage is kept is part of the camera")
        page.click("unlink-cloud")
        page.click("ask-confirm")
        page.await_text("has an active plan until")
        page.shoot("plans-unlink", self.overflow)
        self.done("link.*409|status of 409")
