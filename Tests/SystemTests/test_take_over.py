"""A site that nobody looks after any more: another company asks its owner, and looks after it then with what was granted, and no more."""

from case import Case
from client import Problem
from owners import Owner, Partner, hand_over, share
from people import Person
from waiting import wait_for

ASKED = [{"permission": "live-view"}, {"permission": "site-information"}]


class TakeOver(Case):
    """A box with a camera at an owner's shop, its provider, and a partner who helps elsewhere."""

    def setUp(self):
        self.cameras = self.simulator(size="320x180", rate=10, bitrate=200, key_interval=1, no_sub=True)
        self.made = box = self.box()
        box.claim()
        self.channel = box.add_camera(self.cameras.cameras[0], sub=False)
        box.await_past(1, self.channel)
        self.shop = box.get("/sites")["items"][0]["id"]
        self.elsewhere = box.call("POST", "/sites", {"name": "Elsewhere", "timeZone": "Europe/Rome"})["id"]
        self.olga = Owner(box, "olga", hand_over(box, self.shop, "olga", [{"permission": "live-view"}, {"permission": "configuration"}, {"permission": "playback"}])["token"])
        self.mia = Partner(box, "mia", share(box, self.elsewhere, "mia", "installation")["token"])

    def apply(self, person, site=None, permissions=None, **more):
        """Ask for a site, by default the shop; the application."""
        client = getattr(person, "client", person)
        return client.call("POST", "/site-applications", {"siteId": site or self.shop, "permissions": permissions or ASKED, **more})

    def refused(self, *arguments, **more):
        """How applying is refused: the status, and the problem's short name."""
        with self.assertRaises(Problem) as found:
            self.apply(*arguments, **more)
        return found.exception.status, found.exception.slug

    def kinds(self, person):
        """What somebody was told, the newest first."""
        return [one["kind"] for one in person.get("/notices")["items"]]

    def discard(self):
        """The owner wants nobody to look after the shop."""
        self.olga.client.call("DELETE", f"/sites/{self.shop}/authorization")

    def decide(self, application, word):
        """The owner approves or refuses."""
        self.olga.client.call("POST", f"/sites/{self.shop}/applications/{application['id']}/{word}")

    def sites(self, person):
        """The names of the sites that somebody knows of."""
        return sorted(one["name"] for one in person.get("/sites")["items"])

    def test_a_former_provider_knows_its_name(self):
        """What the owner writes down once nobody looks after the site is shown to nobody else, nor found."""
        box = self.made
        self.discard()
        changed = {"address": "Secret Lane 9", "city": "Prato", "remarks": "The key is under the mat.", "position": {"latitude": 43.88, "longitude": 11.09}}
        self.olga.client.call("PATCH", f"/sites/{self.shop}", changed)
        site = box.get(f"/sites/{self.shop}")
        self.assertEqual((site["name"], site["status"], site["deviceCount"]), ("Test house", "not-authorized", 0))
        self.assertEqual([site[name] for name in (*changed, "scene", "state")], [None] * 6)
        for words, names in (("Secret", []), ("mat", []), ("Prato", []), ("house", ["Test house"])):
            self.assertEqual([one["name"] for one in box.get(f"/sites?search={words}")["items"]], names, words)
        for path in (f"/operations?siteId={self.shop}", "/operations/export"):
            told = box.client.request("GET", path).body
            self.assertIn(b"changeSite", told)
            for words in (b"Secret", b"mat.", b"Prato"):
                self.assertNotIn(words, told, path)
        own = self.olga.get("/sites?search=Secret")["items"]
        self.assertEqual([(one["address"], one["deviceCount"]) for one in own], [("Secret Lane 9", 1)])

    def test_when_it_can_be_asked_for(self):
        """Only a site with an owner whose provider is not authorized any more; only by companies; whatever ID is guessed tells nothing."""
        box = self.made
        self.assertEqual(self.refused(self.mia), (409, "conflict"))
        self.assertEqual(self.refused(self.mia, "0" * 32), (404, "not-found"))
        empty = box.call("POST", "/sites", {"name": "Empty", "timeZone": "Europe/Rome"})["id"]
        self.assertEqual(self.refused(self.mia, empty), (409, "conflict"))
        self.discard()
        box.call("POST", "/roles", {"name": "Clerk", "permissions": ["manage-service-package-and-order"]})
        clerk, otto = Person(box, "emil", "Clerk"), Owner(box, "otto", hand_over(box, empty, "otto")["token"])
        for person in (clerk, otto, self.olga):
            self.assertEqual(self.refused(person), (403, "not-permitted"))
            self.assertEqual(person.status("GET", "/site-applications"), (403, "not-permitted"))
        self.assertEqual(box.client.request("POST", "/site-applications", {"siteId": self.shop, "permissions": ASKED}, token=None).status, 401)
        for bad, field in (({"permissions": []}, "/permissions"), ({"permissions": [{"permission": "everything"}]}, "/permissions/0"), ({"siteId": 7, "permissions": ASKED}, "/siteId")):
            answer = self.mia.client.request("POST", "/site-applications", {"siteId": self.shop, **bad})
            self.assertEqual(answer.status, 422)
            self.assertTrue(all(one.startswith(field) for one in answer.problem().fields), answer.problem())
        # Its devices are not known to who asks.
        answer = self.mia.client.request("POST", "/site-applications", {"siteId": self.shop, "permissions": [{"permission": "live-view", "deviceId": self.channel["deviceId"]}]})
        self.assertIn(answer.status, (409, 422))
        self.assertEqual(self.mia.get("/site-applications")["items"], [])

    def test_the_whole_story(self):
        """Asked for, taken back, refused, approved: then the site is the other company's with what was granted and no more, and its former one knows it no longer."""
        box, mia, olga = self.made, self.mia, self.olga
        self.discard()
        first = self.apply(mia, remarks="We look after the shop next door.")
        self.assertEqual((first["siteId"], first["state"]), (self.shop, "pending"))
        self.assertEqual(self.refused(mia), (409, "conflict"))
        self.assertEqual(self.kinds(olga)[0], "applied")
        seen = olga.get(f"/sites/{self.shop}/applications")["items"][0]
        self.assertEqual((seen["id"], seen["state"], seen["remarks"]), (first["id"], "pending", "We look after the shop next door."))
        self.assertIn("Night Watch", seen["appliedBy"])
        self.nothing_known_to(mia)
        listed = mia.get("/site-applications")["items"]
        self.assertEqual([(one["id"], one["siteId"], one["site"], one["state"], one["decidedAt"]) for one in listed], [(first["id"], self.shop, None, "pending", None)])
        # It is its own company's to take back.
        self.assertEqual(box.client.request("DELETE", f"/site-applications/{first['id']}").status, 404)
        self.assertIsNone(mia.client.call("DELETE", f"/site-applications/{first['id']}"))
        self.assertEqual(mia.status("DELETE", f"/site-applications/{first['id']}"), (409, "conflict"))
        self.assertEqual(olga.status("POST", f"/sites/{self.shop}/applications/{first['id']}/approve"), (409, "conflict"))
        second = self.apply(mia)
        self.decide(second, "refuse")
        self.nothing_known_to(mia)
        self.assertIn("refused", self.kinds(mia))
        third = self.apply(mia)
        self.decide(third, "approve")
        self.assertIn("approved", self.kinds(mia))
        self.assertEqual([(one["state"], one["site"]) for one in mia.get("/site-applications")["items"]][0], ("approved", "Test house"))
        self.assertEqual({one["state"] for one in mia.get("/site-applications")["items"]}, {"withdrawn", "refused", "approved"})
        self.what_mia_may()
        self.former_company_knows_nothing()
        box.restart()
        for person in (mia, olga):
            person.client.port = box.client.port
        self.what_mia_may()
        self.former_company_knows_nothing()
        done = {(one["action"], one["person"]) for one in box.get("/operations?limit=200")["items"] if one["result"] == "done"}
        self.assertLessEqual({("applyForSite", "mia"), ("takeSiteApplicationBack", "mia"), ("approveApplication", "olga"), ("refuseApplication", "olga")}, done)

    def nothing_known_to(self, person):
        """Who has asked knows of the site no more than its ID."""
        self.assertNotIn("Test house", self.sites(person))
        self.assertEqual(person.status("GET", f"/sites/{self.shop}"), (404, "not-found"))
        for path in ("/devices", "/channels", "/events", "/site-applications"):
            said = person.client.request("GET", path).body.decode()
            for name in ("Test house", self.channel["id"], self.channel["name"], "olga"):
                self.assertNotIn(name, said, path)

    def what_mia_may(self):
        """Live view and the site's information were granted: they are possible, and nothing else is."""
        mia, channel = self.mia, f"/channels/{self.channel['id']}"
        site = mia.get(f"/sites/{self.shop}")
        self.assertEqual((site["company"], site["status"]), ("Night Watch", "authorized"))
        self.assertEqual([one["id"] for one in mia.get("/channels")["items"] if one["siteId"] == self.shop], [self.channel["id"]])
        wait_for(lambda: mia.client.request("POST", channel + "/live", {"stream": "main"}).status < 300, 20, "the live view that was granted")
        self.assertEqual(mia.status("PATCH", f"/sites/{self.shop}", {"city": "Prato"}), (200, ""))
        recordings = f"{channel}/timeline/days?month=2026-11"
        for method, path, body in (("GET", recordings, None), ("PATCH", channel, {"name": "Till"}), ("PUT", channel + "/link", {"definition": {"kind": "standard"}}),
                                   ("DELETE", f"/devices/{self.channel['deviceId']}", None), ("DELETE", f"/sites/{self.shop}", None),
                                   ("POST", f"/sites/{self.shop}/handovers", {"way": "email", "recipient": "x@example.com"}),
                                   ("POST", f"/sites/{self.shop}/permissions", {"permissions": [{"permission": "playback"}]})):
            self.assertEqual(mia.status(method, path, body), (403, "not-permitted"), path)
        self.assertEqual(sorted(one["permission"] for one in self.olga.get(f"/sites/{self.shop}/permissions")["items"]), ["live-view", "site-information"])

    def former_company_knows_nothing(self):
        """The company that had the site finds it no longer, nor anything in it."""
        box = self.made
        self.assertEqual(self.sites(box), ["Elsewhere"])
        self.assertEqual((box.get("/devices")["items"], box.get("/channels")["items"], box.get("/events")["items"]), ([], [], []))
        for path in (f"/sites/{self.shop}", f"/channels/{self.channel['id']}", f"/devices/{self.channel['deviceId']}"):
            self.assertEqual(box.client.request("GET", path).status, 404, path)
        self.assertEqual(box.client.request("POST", f"/sites/{self.shop}/applications", {"permissions": ASKED}).status, 404)

    def test_there_and_back(self):
        """The owner discards the other company as well, and the first one asks in its turn; whose application waits while another's is approved has none any more."""
        box, mia = self.made, self.mia
        self.discard()
        waits = box.call("POST", f"/sites/{self.shop}/applications", {"permissions": [{"permission": "playback"}]})
        self.decide(self.apply(mia), "approve")
        self.assertEqual(self.olga.status("POST", f"/sites/{self.shop}/applications/{waits['id']}/approve")[0], 409)
        self.former_company_knows_nothing()
        self.discard()
        self.assertEqual(mia.get(f"/sites/{self.shop}")["status"], "not-authorized")
        self.assertIn(mia.status("GET", f"/channels/{self.channel['id']}")[0], (403, 404))
        self.decide(self.apply(box.client, permissions=[{"permission": "playback"}]), "approve")
        self.assertEqual(self.sites(box), ["Elsewhere", "Test house"])
        self.assertEqual(box.get(f"/sites/{self.shop}")["company"], "Service provider")
        self.assertEqual(mia.status("GET", f"/sites/{self.shop}"), (404, "not-found"))
        self.assertEqual([one["permission"] for one in self.olga.get(f"/sites/{self.shop}/permissions")["items"]], ["playback"])
