"""An owner whom nobody helps invites a service provider to one device, by a link, for some hours; and the page's way of it."""

from case import Case
from client import Problem
from owners import WORDS, Owner, Partner, hand_over
from page_case import PageCase
from people import Person
from waiting import wait_for


class ProviderInvitations(Case):
    """A box with two cameras at a shop whose owner lets nobody look after it."""

    def setUp(self):
        self.cameras = self.simulator(cameras=2, size="320x180", rate=10, bitrate=200, key_interval=1, no_sub=True)
        self.made = box = self.box()
        box.claim()
        self.door, self.yard = (box.add_camera(one, sub=False) for one in self.cameras.cameras)
        box.await_past(1, self.door, self.yard)
        self.shop = box.get("/sites")["items"][0]["id"]
        self.path = f"/sites/{self.shop}/provider-invitations"
        self.olga = Owner(box, "olga", hand_over(box, self.shop, "olga")["token"])

    def invite(self, **more):
        """An invitation to see the door, for eight hours."""
        wish = {"permission": "live-view", "deviceId": self.door["deviceId"], "hours": 8}
        return self.olga.client.call("POST", self.path, {"recipient": "vera@example.com", "permissions": [wish], **more})

    def watch(self, person, channel):
        """The status that somebody gets who wants to see a channel."""
        return person.client.request("POST", f"/channels/{channel['id']}/live", {"stream": "main"}).status

    def test_a_new_company(self):
        """It is shown who asks and for what, sees the one camera, and nothing any more once the owner discards it."""
        box = self.made
        sent = self.invite(remarks="The door is dark.")
        offer = box.client.call("POST", "/share", {"token": sent["token"]}, token=None)
        self.assertEqual((offer["kind"], offer["company"], offer["remarks"]), ("management", "olga", "The door is dark."))
        self.assertEqual([(one["permission"], one["device"], one["hours"]) for one in offer["wishes"]], [("live-view", self.door["name"], 8)])
        vera = Partner(box, "vera", sent["token"])
        self.assertEqual((self.watch(vera, self.door), self.watch(vera, self.yard)), (201, 403))
        self.assertEqual([one["kind"] for one in self.olga.get("/notices")["items"]][:1], ["share-accepted"])
        self.assertEqual(box.get("/sites")["items"], [], "the former company knows of it no longer")
        [one] = self.olga.get(self.path)["items"]
        self.assertEqual((one["state"], one["company"], "token" in one), ("accepted", "Night Watch", False))
        [given] = self.olga.get(f"/sites/{self.shop}/permissions")["items"]
        self.assertTrue(given["company"] == "Night Watch" and given["endsAt"])
        self.olga.client.call("DELETE", f"/sites/{self.shop}/authorization")
        self.assertIn(self.watch(vera, self.door), (403, 404))

    def test_an_employee(self):
        """A site manager who accepts manages the site; who looks after no sites cannot accept; a link is good once."""
        box = self.made
        box.call("POST", "/roles", {"name": "Clerk", "permissions": ["manage-company-information"]})
        clerk, carla = Person(box, "emil", "Clerk"), Person(box, "carla", "Site Manager")
        sent = self.invite()

        def accept(person):
            return box.client.request("POST", "/share/accept", {
                "token": sent["token"], "userName": person.name, "password": "seven quiet lamps at sea", "hasAccount": True}, token=None).status
        self.assertEqual(accept(clerk), 409)
        self.assertEqual(self.watch(carla, self.door), 404)
        self.assertEqual(accept(carla), 201)
        self.assertEqual((self.watch(carla, self.door), self.watch(carla, self.yard)), (201, 403))
        self.assertEqual(accept(carla), 403)

    def test_refusals(self):
        """Not while somebody is authorized; not for devices elsewhere; not by anybody but the owner; taken back, it is no good."""
        box = self.made
        self.assertEqual(box.client.request("POST", self.path, {"recipient": "a@b.example", "permissions": [{"permission": "live-view"}]}).status, 403)
        self.assertEqual(box.client.request("GET", self.path).status, 403)
        other = box.call("POST", "/sites", {"name": "Elsewhere", "timeZone": "Europe/Rome"})["id"]
        self.assertEqual(self.olga.client.request("GET", f"/sites/{other}/provider-invitations").status, 404)
        with self.assertRaises(Problem) as found:
            self.olga.client.call("POST", self.path, {"recipient": "a@b.example", "permissions": [{"permission": "live-view", "deviceId": "0" * 32}]})
        self.assertEqual((found.exception.status, found.exception.fields), (422, ["/permissions/0/deviceId"]))
        sent = self.invite()
        self.olga.client.call("DELETE", f"{self.path}/{sent['id']}")
        self.assertEqual(box.client.request("POST", "/share", {"token": sent["token"]}, token=None).status, 403)
        early = self.invite()
        self.olga.client.call("POST", f"/sites/{self.shop}/permissions", {"permissions": [{"permission": "live-view"}]})
        with self.assertRaises(Problem) as found:
            self.invite()
        self.assertEqual((found.exception.status, found.exception.slug), (409, "conflict"))
        with self.assertRaises(Problem) as found:
            Partner(box, "vera", early["token"])
        self.assertEqual(found.exception.status, 409)
        done = {one["action"]: one["person"] for one in box.get("/operations?limit=100")["items"] if one["result"] == "done"}
        self.assertEqual((done["inviteProvider"], done["takeProviderInvitationBack"]), ("olga", "olga"))


class PageInvitations(PageCase):
    """The owner on a phone, the service provider at a desk."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(1, key_interval=1)
        cls.made = box = cls.class_box()
        box.claim()
        cls.channel = box.add_camera(cls.cameras.cameras[0], name="Door", sub=False)
        box.await_picture(cls.channel)
        cls.site = box.get("/sites")["items"][0]["id"]
        cls.olga = Owner(box, "olga", hand_over(box, cls.site, "olga")["token"])
        cls.open_two(box)

    def test_invited(self):
        """The owner invites from the site's page; whoever has the link sees by whom and for what, and has the camera at once."""
        page, phone = self.browser, self.phone
        phone.open("")
        phone.fill("sign-in-user", "olga")
        phone.fill("sign-in-password", WORDS)
        phone.click("sign-in-submit")
        phone.find("watch-live")
        phone.open(f"#/sites/{self.site}")
        phone.click("invite-provider")
        phone.click("invite-submit")
        phone.await_text("Enter the service provider’s e-mail address.")
        phone.fill("invite-recipient", "vera@example.com")
        phone.click("invite-configuration")
        phone.find("invite-device").send_keys("Door")
        phone.find("invite-hours").send_keys("8 hours")
        phone.click("invite-submit")
        link = phone.find("invite-link").text
        phone.shoot("provider-invited", self.overflow)
        page.open("#" + link.partition("#")[2])
        page.await_text("olga invites you to look after devices of this site.")
        page.await_text("Live view of Door, for 8 hours")
        page.fill("partner-user", "vera")
        page.fill("partner-company", "Night Watch Srl")
        page.fill("partner-password", WORDS)
        page.shoot("provider-invitation", self.overflow)
        page.click("partner-submit")
        page.await_place("/sites")
        page.open("#/cameras")
        page.await_text("Door")
        phone.open("#/sites")
        phone.open(f"#/sites/{self.site}")
        wait_for(lambda: phone.all("[data-testid=provider-invitations] [data-state=accepted]"), 10, "the invitation to be accepted")
        phone.await_text("Night Watch Srl")
        self.assertFalse(phone.all("invite-provider"), "one looks after it already")
        phone.shoot("provider-accepted", self.overflow)
        self.done()
