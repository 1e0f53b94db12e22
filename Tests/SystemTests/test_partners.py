"""Partners: a site is shared until its handover, or with a part of what the owner grants; everybody is told, and it ends at once."""

from case import Case
from client import Problem
from owners import WORDS, Owner, Partner, hand_over, share
from waiting import wait_for

ENDS = 5  # seconds


class Partners(Case):
    """A box with a camera and its installer admin."""

    def setUp(self):
        self.cameras = self.simulator(size="320x180", rate=10, bitrate=200, key_interval=1, no_sub=True)
        self.made = self.box()
        self.made.claim()
        self.channel = self.made.add_camera(self.cameras.cameras[0], sub=False)
        self.made.await_past(1, self.channel)
        self.site = self.made.get("/sites")["items"][0]["id"]

    def watch(self, person):
        """A live view of somebody, with its connection; its first bytes have come."""
        live = person.client.call("POST", f"/channels/{self.channel['id']}/live", {"stream": "main"})
        connection = person.client.connect(timeout=30)
        connection.request("GET", live["mp4Url"])
        answer = connection.getresponse()
        self.assertTrue(answer.read1(1000))
        self.addCleanup(connection.close)
        return answer

    @staticmethod
    def ends(answer):
        """Read to the end."""
        while answer.read1(1 << 20):
            pass

    def kinds(self, person):
        """What somebody was told, the newest first."""
        return [one["kind"] for one in person.get("/notices")["items"]]

    def test_installation_until_the_handover(self):
        """An installation partner sets the devices; with the handover it sees nothing any more, and its picture ends."""
        box = self.made
        sent = share(box, self.site, "ivan", "installation", remarks="Two more cameras, please.")
        offer = box.client.request("POST", "/share", {"token": sent["token"]}, token=None).json
        self.assertEqual((offer["site"], offer["company"], offer["kind"], offer["permissions"], offer["remarks"]),
                         ("Test house", "Service provider", "installation", [], "Two more cameras, please."))
        ivan = Partner(box, "ivan", sent["token"])
        self.assertEqual(self.kinds(box)[:1], ["share-accepted"])
        session = ivan.get("/session")["user"]
        self.assertEqual((session["role"], session["isOwner"], session["siteIds"]), ("Partner", False, [self.site]))
        ivan.client.call("PATCH", f"/channels/{self.channel['id']}", {"name": "Till"})
        self.assertEqual(ivan.status("POST", f"/sites/{self.site}/handovers", {"way": "email", "recipient": "x@example.com"}), (403, "not-permitted"))
        self.assertEqual(ivan.status("POST", f"/sites/{self.site}/shares", {"kind": "installation", "recipient": "x@example.com"}), (403, "not-permitted"))
        self.assertEqual(ivan.status("GET", "/people"), (403, "not-permitted"))
        view = self.watch(ivan)
        with self.assertRaises(Problem) as found:
            share(box, self.site, "mia", "maintenance", ["live-view"])
        self.assertEqual(found.exception.status, 409)
        Owner(box, "olga", hand_over(box, self.site, "olga", [{"permission": "live-view"}])["token"])
        self.ends(view)
        self.assertEqual((ivan.get("/sites")["items"], ivan.get("/channels")["items"]), ([], []))
        self.assertEqual(box.get(f"/sites/{self.site}/shares")["items"][0]["state"], "ended")

    def test_maintenance_of_what_the_owner_grants(self):
        """A maintenance partner does what the owner grants and the provider shares; both can end it, and the owner is told of it."""
        box = self.made
        olga = Owner(box, "olga", hand_over(box, self.site, "olga", [{"permission": "live-view"}, {"permission": "playback"}])["token"])
        with self.assertRaises(Problem) as found:
            share(box, self.site, "mia", "maintenance", ["configuration"])
        self.assertEqual((found.exception.status, list(found.exception.fields)), (409, ["/permissions"]))
        mia = Partner(box, "mia", share(box, self.site, "mia", "maintenance", ["live-view"])["token"])
        self.assertIn("shared", self.kinds(olga))
        self.assertEqual([(one["partner"], one["permissions"], one["state"]) for one in olga.get(f"/sites/{self.site}/shares")["items"]],
                         [("Night Watch", ["live-view"], "accepted")])
        view = self.watch(mia)
        path = f"/channels/{self.channel['id']}/timeline/days?month=2026-11"
        self.assertEqual(mia.status("GET", path), (403, "not-permitted"))
        shared = box.get(f"/sites/{self.site}/shares")["items"][0]
        box.call("PATCH", f"/sites/{self.site}/shares/{shared['id']}", {"permissions": ["playback", "live-view"]})
        self.assertEqual(mia.status("GET", path), (200, ""))
        self.assertIn("share-changed", self.kinds(mia))
        # What the owner takes back the partner has no more, and its picture ends.
        permission = next(one for one in olga.get(f"/sites/{self.site}/permissions")["items"] if one["permission"] == "live-view")
        olga.client.call("DELETE", f"/sites/{self.site}/permissions/{permission['id']}")
        self.ends(view)
        self.assertEqual(mia.status("POST", f"/channels/{self.channel['id']}/live", {"stream": "main"}), (403, "not-permitted"))
        self.assertEqual(mia.status("GET", path), (200, ""))
        mia.client.call("POST", f"/sites/{self.site}/leave")
        self.assertEqual(mia.status("GET", path), (404, "not-found"))
        wait_for(lambda: "partner-left" in self.kinds(box), ENDS, "the provider to be told")
        # The same account helps again, by another link; the provider ends it.
        again = share(box, self.site, "mia", "maintenance", ["playback"])
        mia.client.call("POST", "/share/accept", {"token": again["token"], "userName": "mia", "password": WORDS, "hasAccount": True})
        self.assertEqual(mia.status("GET", path), (200, ""))
        box.call("DELETE", f"/sites/{self.site}/shares/{again['id']}")
        self.assertEqual(mia.status("GET", path), (404, "not-found"))
        self.assertEqual(self.kinds(mia)[0], "share-ended")
        done = {one["action"]: one["person"] for one in box.get("/operations?limit=200")["items"]}
        self.assertEqual({name: done.get(name) for name in ("shareSite", "acceptShare", "changeShare", "endShare", "leaveSite")},
                         {"shareSite": "installer", "acceptShare": "mia", "changeShare": "installer", "endShare": "installer", "leaveSite": "mia"})

    def test_links(self):
        """A link is shown once, good once, refused once; a wrong one is as one that is over."""
        box = self.made
        sent = share(box, self.site, "ivan", "installation")
        self.assertNotIn("token", box.get(f"/sites/{self.site}/shares")["items"][0])
        wrong = box.client.request("POST", "/share", {"token": "none"}, token=None)
        self.assertEqual((wrong.status, wrong.problem().slug), (403, "share-over"))
        self.assertEqual(box.client.request("POST", "/share/refuse", {"token": sent["token"]}, token=None).status, 204)
        self.assertEqual(box.client.request("POST", "/share", {"token": sent["token"]}, token=None).status, 403)
        self.assertEqual(self.kinds(box)[:1], ["share-refused"])
        other = share(box, self.site, "ivan", "installation")
        answer = box.client.request("POST", "/share/accept", {"token": other["token"], "userName": "installer", "password": WORDS, "company": "X"}, token=None)
        self.assertEqual((answer.status, list(answer.problem().fields)), (409, ["/userName"]))
        box.call("DELETE", f"/sites/{self.site}/shares/{other['id']}")
        self.assertEqual(box.client.request("POST", "/share", {"token": other["token"]}, token=None).status, 403)
