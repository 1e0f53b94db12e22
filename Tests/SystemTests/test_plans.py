"""Plans: from issuing a key by the command line to footage whose retention ends; wrong keys; the page's section."""

import json
import os
import re
import sqlite3

from accounts import besides_record
from case import Case
from client import Problem
from devices import DeviceCase
from owners import Owner, Partner, hand_over
from plans import MONTH, YEAR, Issuer, activate, pass_days, plan
from stores import FaultyS3, Folder
from waiting import shorten, wait_for

QUICK = {"recording.seconds-before": 1, "recording.seconds": 3}


class PlanCase(Case):
    """An issuer, small cameras, and boxes that believe the issuer."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(2).cameras

    def setUp(self):
        self.issuer = Issuer(self.folder())

    def plan_box(self, cameras=2, store=None, **settings):
        """A claimed box that needs plans, with linked cameras whose pictures are there."""
        box = self.box(**{**QUICK, "plans.issuers": [self.issuer.public], **settings})
        box.claim()
        if store:
            box.call("PUT", "/storage/target", store.target())
        box.serial = box.get("/system")["serialNumber"]
        box.channels = [box.add_camera(camera) for camera in self.cameras[:cameras]]
        for channel in box.channels:
            box.link(channel)
        if box.channels:
            box.await_picture(*box.channels)
        return box

    def refused(self, status, slug, call, *arguments):
        """The problem with which a call is refused."""
        with self.assertRaises(Problem) as caught:
            call(*arguments)
        self.assertEqual((caught.exception.status, caught.exception.slug), (status, slug), caught.exception)
        return caught.exception


class Life(PlanCase):
    """A plan from its activation to its end."""

    def test_from_issue_to_the_end_of_retention(self):
        """Issued, imported, activated: only then footage goes up; unlinking is refused; moved; expired; footage stays until its time."""
        box = self.plan_box()
        front, back = box.channels
        none = self.refused(409, "no-plan", box.trigger, front)
        self.assertIn("No plan is active", none.detail)
        self.assertEqual(len([one for one in box.get("/health")["problems"] if "No plan is active" in one["sentence"]]), 2)

        key = self.issuer.give(box, MONTH, box=box.serial)[0]
        answer = activate(box, front, key.lower().replace("-", " "))
        self.assertEqual((answer["state"] in ("active", "expiring"), answer["package"], answer["retentionDays"]), (True, MONTH, 30))
        self.assertRegex(answer["sentence"], r"^30 days of footage until \d+ \w+ 20\d\d\.$")
        self.assertRegex(answer["until"], r"T2[23]:00:00\.000Z$", "the end of a day in Berlin")
        self.assertEqual(box.channel(front)["retentionDays"], 30)
        clip = box.await_stored(box.trigger(front))
        self.assertIn("expiresAt", clip)
        self.refused(409, "no-plan", box.trigger, back)

        held = self.refused(409, "has-plan", box.call, "DELETE", f"/channels/{front['id']}/link")
        self.assertIn("has an active plan until", held.detail)
        self.refused(409, "has-plan", box.call, "DELETE", f"/devices/{front['deviceId']}")
        self.assertTrue(box.channel(front)["linked"])

        moved = box.call("POST", f"/channels/{front['id']}/plan/transfer", {"channelId": back["id"]})
        self.assertEqual((moved["channelId"], moved["until"]), (back["id"], answer["until"]))
        self.assertEqual(plan(box, front)["state"], "not-activated")
        self.refused(409, "no-plan", box.trigger, front)
        box.await_stored(box.trigger(back))
        self.assertFalse(box.call("DELETE", f"/channels/{front['id']}/link")["linked"])

        pass_days(box, 33)
        wait_for(lambda: box.get("/plans")["history"][0]["kind"] == "expired", 30, lambda: f"its end: {box.get('/plans')['history'][:2]}")
        self.assertEqual(plan(box, back)["state"], "expired")
        self.assertEqual([one["kind"] for one in box.get("/plans")["history"]], ["expired", "transferred", "activated"])
        box.await_picture(back)
        self.assertIn("ended on", self.refused(409, "no-plan", box.trigger, back).detail)
        self.assertFalse(box.call("DELETE", f"/channels/{back['id']}/link")["linked"], "an expired plan keeps nothing linked")

    def test_an_owner_takes_off_what_has_a_plan(self):
        """Only the owner removes devices after the handover: a plan, which is the provider's, does not keep them; it ends, and is in the books."""
        box = self.plan_box()
        front, _ = box.channels
        activate(box, front, self.issuer.give(box, MONTH, box=box.serial)[0])
        site = box.get("/sites")["items"][0]["id"]
        olga = Owner(box, "olga", hand_over(box, site, "olga", [{"permission": "configuration"}])["token"])
        olga.client.call("DELETE", f"/devices/{front['deviceId']}")
        self.assertNotIn(front["deviceId"], [one["id"] for one in olga.get("/devices")["items"]])
        self.assertEqual([one["kind"] for one in box.get("/plans")["history"]][:2], ["ended", "activated"])

    def test_stock_is_its_companys(self):
        """A company that an owner invited spends nothing of what the box's company has in stock; with a service key it activates."""
        box = self.plan_box()
        front, _ = box.channels
        box.call("POST", "/plans/vouchers", Issuer.voucher(self.issuer.issue(MONTH, 2, box=box.serial, stock=True)[1]))
        key = self.issuer.give(box, MONTH, box=box.serial)[0]
        site = box.get("/sites")["items"][0]["id"]
        olga = Owner(box, "olga", hand_over(box, site, "olga")["token"])
        invitation = olga.client.call("POST", f"/sites/{site}/provider-invitations", {"recipient": "vera@example.com", "permissions": [{"permission": "configuration"}]})
        vera, path = Partner(box, "vera", invitation["token"]), f"/channels/{front['id']}/plan"
        self.assertEqual(vera.status("PUT", path, {"package": MONTH}), (403, "not-permitted"))
        self.assertEqual(vera.client.call("PUT", path, {"serviceKey": key})["package"], MONTH)
        self.assertEqual(vera.status("PATCH", path, {"automaticRenewal": True}), (403, "not-permitted"))
        self.assertFalse(vera.client.call("PATCH", path, {"automaticRenewal": False})["automaticRenewal"])

    def test_footage_outlives_its_plan(self):
        """What was recorded under a plan goes up after its end, is readable until its retention ends, and is then removed."""
        store = self.kept(FaultyS3())
        box = self.plan_box(1, store, storage__folder=None)
        channel = box.channels[0]
        activate(box, channel, self.issuer.give(box, "7-days-month", box=box.serial)[0])
        store.fault("503")
        event = box.trigger(channel)
        wait_for(lambda: box.event(event)["state"] in ("queued", "sending"), 30, lambda: f"a waiting clip: {shorten(box.event(event))}")
        ended = box.call("DELETE", f"/channels/{channel['id']}/plan")
        self.assertEqual(ended["state"], "expired")
        self.refused(409, "no-plan", box.trigger, channel)
        store.fault(None)
        clip = box.await_stored(event, 30)
        pass_days(box, 6)
        video = lambda: box.client.request("GET", clip["videoUrl"].removeprefix("/api/v1"), headers={"Range": "bytes=0-9"}).status
        self.assertEqual((video(), len(store.keys(".mp4"))), (206, 1), "six days later it is readable")
        pass_days(box, 1)
        wait_for(lambda: not store.keys(".mp4"), 30, "the footage's removal on the eighth day")
        wait_for(lambda: video() == 404, 10, "the clip's row to be gone")

    def test_events_without_a_plan_are_noted(self):
        """Motion on a channel whose plan is missing is taken down with the reason, and no footage of it is kept."""
        box = self.plan_box(1)
        box.await_past(1, box.channels[0])
        self.cameras[0].motion(4)
        event = wait_for(lambda: box.get("/events")["items"], 30, "an event")[0]
        self.assertEqual((event["type"], event["state"], event["clipId"]), ("motion", "noted", None))
        self.assertIn("No plan is active", event["stateSentence"])
        self.assertEqual(box.get("/clips")["items"], [])
        self.assertEqual(box.get("/events?state=dropped")["items"], [])
        self.assertEqual(besides_record(Folder(box.store).files()), [])

    def test_stock_renewal_and_the_books(self):
        """Packages in stock activate and renew; a plan that renews itself takes one on its last day; the history has it all."""
        box = self.plan_box()
        front, back = box.channels
        _, path = self.issuer.issue(MONTH, 3, box=box.serial, stock=True)
        told = box.call("POST", "/plans/vouchers", Issuer.voucher(path))
        self.assertEqual((told["packages"], told["keys"]), (3, 0))
        self.assertEqual(box.call("POST", "/plans/vouchers", Issuer.voucher(path))["packages"], 0, "a voucher counts once")
        self.refused(409, "nothing-in-stock", box.call, "PUT", f"/channels/{front['id']}/plan", {"package": YEAR})
        self.refused(409, "no-plan", box.call, "PATCH", f"/channels/{front['id']}/plan", {"automaticRenewal": True})
        first = box.call("PUT", f"/channels/{front['id']}/plan", {"package": MONTH})
        second = box.call("PUT", f"/channels/{front['id']}/plan", {"package": MONTH})
        self.assertGreater(second["until"], first["until"])
        self.assertEqual(second["from"], first["from"])
        box.call("PATCH", f"/channels/{front['id']}/plan", {"automaticRenewal": True})
        activate(box, back, self.issuer.give(box, YEAR)[0])
        plans = box.get("/plans")
        self.assertEqual({one["package"]: one["count"] for one in plans["stock"]}, {MONTH: 1, YEAR: 0, "7-days-month": 0, "7-days-year": 0})
        self.assertEqual(plans["expiring"], [])
        self.refused(409, "has-plan", box.call, "POST", f"/channels/{front['id']}/plan/transfer", {"channelId": back["id"]})
        # To the last day: the dates are moved by as many days as the plan has left but one.
        with sqlite3.connect(os.path.join(box.state, "box.sqlite")) as database:
            left = database.execute(
                "SELECT julianday(max(until)) - julianday('now') FROM planPeriod WHERE channelId = ?", (front["id"],)).fetchone()[0]
        pass_days(box, int(left) - 1)
        self.assertEqual(box.get("/plans")["expiring"], [front["id"]])
        pass_days(box, 1)
        wait_for(lambda: box.get("/plans")["history"][0]["source"] == "automatic", 30, lambda: f"a renewal: {box.get('/plans')['history'][:2]}")
        entry = box.get("/plans")["history"][0]
        self.assertEqual((entry["kind"], entry["channelId"], entry["package"]), ("renewed", front["id"], MONTH))
        self.assertIn("no such package is in stock", plan(box, front)["sentence"])


class Keys(PlanCase):
    """Service keys and vouchers that are wrong, and keys that any box may use."""

    def test_each_wrong_key_has_its_sentence(self):
        """Mistyped, used, expired, for another box, unknown: five sentences at the field of the key."""
        box = self.plan_box()
        front, back = box.channels
        used, good = self.issuer.give(box, count=2, box=box.serial)
        expired = self.issuer.give(box, redeem_until="2026-01-31")[0]
        other = self.issuer.give(box, box="GHSOMEOTHER1")[0]
        unknown = self.issuer.issue()[0][0]
        activate(box, front, used)
        last = good[-1]
        cases = {"mistyped-key": good[:-1] + ("7" if last != "7" else "8"), "used-key": used, "expired-key": expired, "other-box-key": other,
                 "unknown-key": unknown}
        sentences = set()
        for slug, key in cases.items():
            problem = self.refused(422, slug, activate, box, back, key)
            self.assertEqual(problem.fields, ["/serviceKey"])
            self.assertNotIn(key, problem.detail)
            sentences.add(problem.detail)
        self.assertEqual(len(sentences), len(cases), sentences)
        self.assertEqual(self.refused(422, "mistyped-key", activate, box, back, good[:-1]).detail.count("15"), 1)
        self.assertEqual(plan(box, back)["state"], "not-activated")
        activate(box, back, good)
        for name in os.listdir(box.state):
            if name.startswith("box.sqlite"):
                with open(os.path.join(box.state, name), "rb") as file:
                    held = file.read()
                self.assertFalse([key for key in (used, good) if key.encode() in held or key.replace("-", "").encode() in held],
                                 "a key is stored in clear")

    def test_wrong_vouchers(self):
        """A changed voucher and one of an issuer nobody knows are refused, and bring nothing."""
        box = self.plan_box(0)
        voucher = Issuer.voucher(self.issuer.issue(MONTH, 1, box=box.serial, stock=True)[1])
        more = json.loads(json.dumps(voucher))
        more["packages"][0]["count"] = 999
        self.refused(422, "forged-voucher", box.call, "POST", "/plans/vouchers", more)
        stranger = Issuer(self.folder())
        theirs = Issuer.voucher(stranger.issue(MONTH, 1, box=box.serial, stock=True)[1])
        self.assertIn(stranger.public, self.refused(422, "unknown-issuer", box.call, "POST", "/plans/vouchers", theirs).detail)
        self.refused(422, "forged-voucher", box.call, "POST", "/plans/vouchers", {**theirs, "issuer": self.issuer.public})
        self.assertEqual(sum(one["count"] for one in box.get("/plans")["stock"]), 0)
        self.assertEqual(box.call("POST", "/plans/vouchers", voucher)["packages"], 1)

    def test_a_key_for_any_box_is_used_once(self):
        """Two boxes with one bucket: the second is told which box has used the key; while the bucket is away neither takes one."""
        store = self.kept(FaultyS3())
        boxes = [self.plan_box(1, store, storage__folder=None) for _ in range(2)]
        keys, path = self.issuer.issue(MONTH, 2)
        for box in boxes:
            box.call("POST", "/plans/vouchers", Issuer.voucher(path))
        activate(boxes[0], boxes[0].channels[0], keys[0])
        used = self.refused(422, "used-key", activate, boxes[1], boxes[1].channels[0], keys[0])
        self.assertIn(boxes[0].serial, used.detail)
        store.fault("503")
        self.refused(422, "store-needed", activate, boxes[1], boxes[1].channels[0], keys[1])
        # The store takes the claim and its answer is lost: the next attempt finds the box's own claim.
        store.fault("commit-drop")
        self.refused(422, "store-needed", activate, boxes[1], boxes[1].channels[0], keys[1])
        store.fault(None)
        activate(boxes[1], boxes[1].channels[0], keys[1])
        self.assertEqual(len(besides_record(store.keys(".json"))), 2)
        self.assertFalse(store.written_twice())

    def test_a_voucher_in_the_bucket_is_fetched(self):
        """A key whose voucher lies in the bucket is known when it is entered."""
        box = self.plan_box(1)
        keys, path = self.issuer.issue(YEAR, 1, box=box.serial)
        place = os.path.join(box.store, box.serial, "vouchers")
        os.makedirs(place)
        with open(path) as file, open(os.path.join(place, "current.json"), "w") as copy:
            copy.write(file.read())
        self.assertEqual(activate(box, box.channels[0], keys[0])["package"], YEAR)

    def test_without_issuers_everything_is_as_before(self):
        """A box without issuers needs no plans: it says so, records, and refuses to activate any."""
        box = self.box(**QUICK)
        box.claim()
        channel = box.add_camera(self.cameras[0])
        box.link(channel, retentionDays=11)
        self.assertFalse(box.get("/system")["plansEnforced"] or box.get("/plans")["enforced"])
        self.assertIn("needs no plans", box.get("/plans")["sentence"])
        stands = plan(box, channel)
        self.assertEqual((stands["state"], stands["sentence"]), ("not-needed", "Recorded without a plan; footage is kept for 11 days."))
        other = box.add_device("rtsp://127.0.0.1:9/other", name="Unlinked")
        self.assertEqual(plan(box, {"id": other["channelIds"][0]})["sentence"], "Not linked to the cloud, so nothing is recorded. No plan is needed.")
        key, path = self.issuer.issue()
        self.refused(409, "plans-not-used", activate, box, channel, key[0])
        self.refused(409, "plans-not-used", box.call, "POST", "/plans/vouchers", Issuer.voucher(path))
        box.await_picture(channel)
        box.await_stored(box.trigger(channel))
        self.assertEqual(box.channel(channel)["retentionDays"], 11)
        self.assertFalse(box.call("DELETE", f"/channels/{channel['id']}/link")["linked"])


class DeviceEvents(DeviceCase):
    """What devices tell of channels with and without a plan."""

    def test_a_device_s_event_is_noted_without_a_plan_and_recorded_with_one(self):
        """An intrusion that the camera tells of is noted with the reason; once a plan is active, the next one is recorded."""
        issuer, simulator = Issuer(self.folder()), self.devices("--device", "camera")
        box = self.device_box(**{**QUICK, "plans.issuers": [issuer.public]})
        device = box.onboard(simulator.device)[0]
        channel = box.channels_of(device)[1]
        box.link(channel)
        box.call("PATCH", f"/channels/{channel['id']}", {"motion": {"enabled": False}})
        box.await_events(device)
        box.await_past(1, channel)
        tell = lambda: simulator.device.event(type="fielddetection", region="2", seconds=1)
        heard = lambda: box.events_of(channel, type="intrusion")
        tell()
        event = wait_for(heard, 20, "an intrusion")[0]
        self.assertEqual((event["state"], event["clipId"], event["deviceId"]), ("noted", None, device["id"]))
        self.assertIn("No plan is active", event["stateSentence"])
        wait_for(lambda: heard()[0]["endedAt"], 45, "the intrusion's end")
        activate(box, channel, issuer.give(box, MONTH)[0])
        tell()
        wait_for(lambda: len(heard()) == 2, 20, "another intrusion")
        box.await_stored(heard()[0])
        self.assertEqual(heard()[1]["state"], "noted")


class Commands(PlanCase):
    """`gatehouse plan`."""

    def test_issue_and_verify(self):
        """Keys are printed once and not in the voucher; nothing is overwritten; verify says what a voucher has and finds a change."""
        self.assertEqual(os.stat(self.issuer.key).st_mode & 0o777, 0o600)
        Issuer.run("issuer-key", "--output", self.issuer.key, expect=64)
        keys, path = self.issuer.issue(YEAR, 5, box="GH0A1B2C3D4E", redeem_until="2027-03-31")
        self.assertEqual(len(set(keys)), 5)
        for key in keys:
            self.assertRegex(key, r"^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$")
        with open(path) as file:
            text = file.read()
        self.assertFalse([key for key in keys if key in text or key.replace("-", "") in text])
        told = Issuer.run("verify", path, "--issuer", self.issuer.public).stdout
        self.assertIn("the signature is good", told)
        self.assertEqual(len(re.findall(r"until 2027-03-31, for box GH0A1B2C3D4E", told)), 5)
        with open(path, "w") as file:
            file.write(text.replace("2027-03-31", "2029-03-31"))
        self.assertIn("changed after it was signed", Issuer.run("verify", path, expect=1).stderr)
        for wrong in (["--count", "0"], ["--package", "8-days-month"], ["--redeem-until", "2027-02-30"], ["--stock"]):
            arguments = {"--package": MONTH, "--output": os.path.join(self.issuer.folder, "no.json"), "--issuer-key": self.issuer.key}
            flat = [part for pair in {**arguments, **({wrong[0]: wrong[1]} if len(wrong) > 1 else {})}.items() for part in pair]
            Issuer.run("issue", *flat, *(wrong if len(wrong) == 1 else []), expect=64)
        self.assertFalse(os.path.exists(os.path.join(self.issuer.folder, "no.json")))
