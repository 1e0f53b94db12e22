"""What was done at a site, for its owner: who watched and who changed what, since it was theirs, and nothing of anywhere else."""

import json
import os
import subprocess
from datetime import datetime, timedelta, timezone

from box import PASSWORD, USER, binary
from case import Case
from devices import text_of
from owners import Owner, Partner, WORDS, hand_over, share


class SiteLog(Case):
    """A box with a site that was handed over, and another one, with a camera each."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(2, key_interval=1)

    def setUp(self):
        self.made = box = self.box()
        box.claim()
        self.shop = box.get("/sites")["items"][0]["id"]
        self.flat = box.call("POST", "/sites", {"name": "Flat", "timeZone": "Europe/Rome"})["id"]
        self.door, self.hall = (box.add_camera(camera, sub=False, siteId=site) for camera, site in zip(self.cameras.cameras, (self.shop, self.flat)))
        box.call("PATCH", f"/channels/{self.door['id']}", {"name": "Before"})
        token = hand_over(box, self.shop, "olga", [{"permission": "live-view"}, {"permission": "configuration"}, {"permission": "playback"}])["token"]
        self.olga = Owner(box, "olga", token)

    def lines(self, path=None, client=None):
        """Who did what on what, the newest first."""
        items = (client or self.olga).get(path or f"/sites/{self.shop}/operations")["items"]
        return [(one["person"], one["action"], one["subjectName"]) for one in items]

    def test_the_owner_sees_who_did_what(self):
        """Views, changes, what was refused, and what a partner did; not what was before, nor what is elsewhere."""
        box, olga = self.made, self.olga
        box.call("POST", f"/channels/{self.door['id']}/live", {"stream": "main"})
        box.call("PATCH", f"/channels/{self.door['id']}", {"name": "Street"})
        box.call("POST", f"/channels/{self.hall['id']}/live", {"stream": "main"})
        box.call("PATCH", "/company", {"name": "Rossi Alarms"})
        mia = Partner(box, "mia", share(box, self.shop, "mia", "maintenance", ["live-view"])["token"])
        view = mia.client.call("POST", f"/channels/{self.door['id']}/live", {"stream": "main"})
        mia.client.call("DELETE", f"/live/{view['id']}")
        self.assertEqual(mia.status("PATCH", f"/channels/{self.door['id']}", {"name": "Mine"}), (403, "not-permitted"))
        given = olga.get(f"/sites/{self.shop}/permissions")["items"][0]
        olga.client.call("DELETE", f"/sites/{self.shop}/permissions/{given['id']}")
        wanted = {(USER, "beginLiveView", "Street"), (USER, "changeChannel", "Before"), (USER, "shareSite", "Test house"), ("mia", "acceptShare", "Test house"),
                  ("mia", "beginLiveView", "Street"), ("mia", "endLiveView", None), ("mia", "changeChannel", "Street"), ("olga", "takePermission", "Test house"), ("olga", "acceptHandover", "Test house")}
        told = self.lines()
        self.assertLessEqual({(person, action) for person, action, _ in wanted}, {(person, action) for person, action, _ in told})
        everything = self.lines("/operations?limit=200", box)
        elsewhere = [line for line in everything if line[1] in ("addSite", "changeCompany", "claimBox") or line[2] == self.hall["name"]]
        self.assertGreaterEqual(len(elsewhere), 3)
        self.assertFalse(set(elsewhere) & set(told))
        # Before it was handed over it was the provider's.
        self.assertEqual(sum(action == "changeChannel" and person == USER for person, action, _ in told), 1)
        refused = [one for one in olga.get(f"/sites/{self.shop}/operations?result=failed")["items"]]
        self.assertEqual([(one["person"], one["action"], one["result"]) for one in refused], [("mia", "changeChannel", "not-permitted")])
        self.assertEqual({one["siteId"] for one in olga.get(f"/sites/{self.shop}/operations")["items"]}, {self.shop})

    def test_what_was_given_and_by_what(self):
        """The line tells which permission was taken or given, which program did something, and blames nobody for a name that was typed."""
        box, olga = self.made, self.olga
        given = next(one for one in olga.get(f"/sites/{self.shop}/permissions")["items"] if one["permission"] == "playback")
        olga.client.call("DELETE", f"/sites/{self.shop}/permissions/{given['id']}")
        asked = box.call("POST", f"/sites/{self.shop}/applications", {"permissions": [{"permission": "playback", "hours": 1}]})
        olga.client.call("POST", f"/sites/{self.shop}/applications/{asked['id']}/approve")
        lines = {one["action"]: one for one in olga.get(f"/sites/{self.shop}/operations")["items"]}
        self.assertEqual(json.loads(lines["takePermission"]["before"]), {"permission": "playback"})
        self.assertEqual(json.loads(lines["approveApplication"]["before"]), {"appliedBy": USER, "permissions": ["playback"]})
        key = box.call("POST", "/keys", {"name": "integrator", "permissions": ["configure"], "days": 30, "password": PASSWORD})["key"]
        box.call("PATCH", f"/channels/{self.door['id']}", {"name": "By key"}, token=key)
        box.call("PATCH", f"/channels/{self.door['id']}", {"name": "By hand"})
        hand, program = [one["role"] for one in olga.get(f"/sites/{self.shop}/operations?action=changeChannel")["items"]][:2]
        self.assertEqual((hand, program), ("Administrator", "Administrator, key “integrator”"))
        role = next(role["id"] for role in box.get("/roles")["items"] if role["name"] == "Site Manager")
        link = box.call("POST", "/invitations", {"name": "Bert", "roleId": role})["token"]
        answer = box.client.request("POST", "/join", {"token": link, "userName": USER, "password": "three green boats on land"}, token=None)
        self.assertEqual(answer.status, 409)
        line = box.get("/operations?action=join")["items"][0]
        self.assertEqual((line["person"], line["personId"]), ("whoever has the link", None))

    def test_what_is_named_by_the_request_alone(self):
        """Footage taken out, keys and devices are lines of the sites that the request names; of several sites at once nobody reads of the other."""
        box = self.made
        box.await_past(1, self.door)
        now = datetime.now(timezone.utc)
        span = {"from": text_of(now - timedelta(seconds=60)), "to": text_of(now)}
        otto = Owner(box, "otto", hand_over(box, self.flat, "otto", [{"permission": "playback"}])["token"])
        both = box.call("POST", "/exports", {"channelIds": [self.door["id"], self.hall["id"]], **span})
        alone = box.call("POST", "/exports", {"channelIds": [self.door["id"]], **span})
        box.call("DELETE", f"/exports/{both['id']}")
        self.olga.client.call("PUT", f"/storage/encryption?siteId={self.shop}", {"enabled": True, "code": "seven grey herons by the lake", "password": WORDS})
        otto_path = f"/sites/{self.flat}/operations"
        self.assertEqual(sorted(action for _, action, _ in self.lines(otto_path, otto) if "Export" in action), ["beginExport", "removeExport"])
        own = [(action, name) for _, action, name in self.lines()]
        self.assertEqual(sorted(action for action, _ in own if "Export" in action), ["beginExport", "beginExport", "removeExport"])
        self.assertIn("setEncryption", [action for action, _ in own])
        for client, path, other in ((otto, otto_path, self.door), (self.olga, f"/sites/{self.shop}/operations", self.hall)):
            self.assertNotIn(other["id"].encode(), client.client.request("GET", path).body)
        self.assertTrue(alone["id"])

    def test_strangers_write_nothing_into_it(self):
        """Whoever may not know of a site leaves no line in its owner's log."""
        box = self.made
        otto = Owner(box, "otto", hand_over(box, self.flat, "otto")["token"])
        for path in (f"/sites/{self.shop}", f"/channels/{self.door['id']}", f"/devices/{self.door['deviceId']}"):
            self.assertEqual(otto.status("PATCH", path, {"name": "Call 555-1234"}), (404, "not-found"))
        self.assertNotIn("otto", [person for person, _, _ in self.lines()])
        self.assertIn("otto", [person for person, _, _ in self.lines("/operations?result=failed", box)])

    def test_it_is_of_nobody_else(self):
        """The provider reads the whole log; an owner of another site, a partner and a stranger get none of it."""
        box = self.made
        path = f"/sites/{self.shop}/operations"
        otto = Owner(box, "otto", hand_over(box, self.flat, "otto")["token"])
        mia = Partner(box, "mia", share(box, self.shop, "mia", "maintenance", ["live-view"])["token"])
        self.assertEqual(otto.status("GET", path), (404, "not-found"))
        self.assertEqual((mia.status("GET", path), self.olga.status("GET", "/operations")), ((403, "not-permitted"), (403, "not-permitted")))
        self.assertEqual(box.client.request("GET", path).status, 403)
        self.assertEqual(self.olga.client.request("GET", f"{path}?siteId={self.flat}").problem().fields, ["/siteId"])
        box.call("POST", f"/channels/{self.door['id']}/live", {"stream": "main"})
        of_shop = self.lines(f"/operations?siteId={self.shop}", box)
        self.assertTrue({action for _, action, _ in of_shop} >= {"beginLiveView", "handOver", "acceptHandover"}, of_shop)
        self.assertEqual({one["siteId"] for one in box.get(f"/operations?siteId={self.shop}")["items"]}, {self.shop})

    def test_the_chain_holds(self):
        """Lines with and without a site follow one another, and whoever moves one to another site is found out."""
        box = self.made
        box.call("PATCH", "/company", {"name": "Rossi Alarms"})
        verify = lambda path: subprocess.run([binary(), "log", "verify", path], capture_output=True, timeout=60).returncode
        path = os.path.join(self.folder(), "log.ndjson")
        body = box.client.request("GET", "/operations/export").body
        with open(path, "wb") as file:
            file.write(body)
        self.assertEqual(verify(path), 0)
        for old, new in ((f'"siteId":"{self.shop}"', f'"siteId":"{self.flat}"'), (f'"siteId":"{self.shop}",', "")):
            self.assertIn(old.encode(), body)
            with open(path, "wb") as file:
                file.write(body.replace(old.encode(), new.encode(), 1))
            self.assertNotEqual(verify(path), 0)
