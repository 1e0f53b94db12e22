"""Sites and their owners: every route by every role at a site of every status, handovers, and permissions that end."""

from datetime import datetime, timedelta, timezone

from box import USER
from case import Case
from client import Client, Problem
from devices import text_of
from mutations import Document
from owners import Owner, Partner, hand_over, share
from people import Person
from ports import free_port
from rtsp_client import RTSPClient
from waiting import wait_for

# Seconds.
ENDS = 5
# domain.md's words for what is allowed at a site, as actions of the API's document: with the site itself, and with what is there.
MANAGER = {"view-site", "manage-site", "configure", "view-live", "play-back", "export", "move-lens", "talk", "open-door", "remove-device", "delete-site", "hand-over"}
INSTALLER = {"view-site", "configure", "view-live", "play-back", "export", "move-lens", "talk", "open-door", "remove-device"}
OWNER = {"view-site", "manage-site", "configure", "view-live", "play-back", "export", "move-lens", "talk", "open-door", "remove-device", "grant"}
STATUSES = ("not-handed-over", "to-be-accepted", "not-authorized", "authorized")


def soon(seconds):
    """A moment from now, as the API takes it."""
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


class Statuses(Case):
    """A box with a site of each status, each with a camera and a clip; the provider's people, the owner, another owner."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(len(STATUSES), key_interval=1)
        cls.made = box = cls.class_box(**{"recording.seconds-before": 1, "recording.seconds": 3})
        box.claim()
        cls.sites, cls.things = {}, {}
        for status, camera in zip(STATUSES, cls.cameras.cameras, strict=True):
            site = box.call("POST", "/sites", {"name": status.title(), "timeZone": "Europe/Rome"})
            cls.sites[status] = site["id"]
            cls.things[status] = {"channel": box.add_camera(camera, sub=False, siteId=site["id"])}
        for things in cls.things.values():
            box.await_past(1, things["channel"])
            box.link(things["channel"], "custom", resolution="CIF", bitRate=256_000)
            things["clip"] = box.await_stored(box.trigger(things["channel"]))
        for event in box.get("/events")["items"]:
            next(things for things in cls.things.values() if things["channel"]["id"] == event["channelId"])["event"] = event
        for things in cls.things.values():
            begin = datetime.fromisoformat(things["clip"]["startsAt"])
            things["export"] = box.call("POST", "/exports", {
                "channelIds": [things["channel"]["id"]], "from": text_of(begin), "to": text_of(begin + timedelta(seconds=2))})
        box.call("POST", "/roles", {"name": "Clerk", "permissions": ["manage-service-package-and-order"]})
        all_sites = list(cls.sites.values())
        cls.people = {
            "administrator": Person(box, "ada", "Administrator"), "manager": Person(box, "bert", "IT Manager"),
            "here": Person(box, "carla", "Site Manager", all_sites), "nowhere": Person(box, "dora", "Site Manager"),
            "clerk": Person(box, "emil", "Clerk", all_sites),
        }
        device = cls.things["authorized"]["channel"]["deviceId"]
        given = [{"permission": "live-view", "deviceId": device}, {"permission": "playback", "hours": 8}, {"permission": "configuration"}]
        cls.owner = Owner(box, "olga", hand_over(box, cls.sites["authorized"], "olga", given)["token"])
        token = hand_over(box, cls.sites["not-authorized"], "olga")["token"]
        cls.people["owner"] = cls.owner
        cls.owner.client.call("POST", "/handover/accept", {"token": token, "userName": "olga", "password": "nine calm herons by noon", "hasAccount": True})
        other = box.call("POST", "/sites", {"name": "Elsewhere", "timeZone": "Europe/Rome"})
        cls.people["other owner"] = Owner(box, "otto", hand_over(box, other["id"], "otto")["token"])
        hand_over(box, cls.sites["to-be-accepted"], "paul")
        for status, things in cls.things.items():
            client = cls.owner.client if status in ("not-authorized", "authorized") else box.client
            things["view"] = client.call("POST", f"/channels/{things['channel']['id']}/live", {"stream": "main"})
        for who, name, status, kind, permissions in (("installation partner", "ivan", "not-handed-over", "installation", None),
                                                     ("maintenance partner", "mia", "authorized", "maintenance", ["live-view", "playback", "configuration"])):
            cls.people[who] = Partner(box, name, share(box, cls.sites[status], name, kind, permissions)["token"])
        # What the partner was lent ends with what the provider has.
        grants = f"/sites/{cls.sites['authorized']}/permissions"
        lent = next(one for one in cls.owner.get(grants)["items"] if one["permission"] == "configuration")
        cls.owner.client.call("DELETE", f"{grants}/{lent['id']}")
        cls.owner.client.call("POST", grants, {"permissions": [{"permission": "configuration", "until": soon(3)}]})
        cls.document = Document(box.get("/openapi.json", token=None))
        # The permission that was given until a moment is over.
        wait_for(lambda: len(box.get(grants)["items"]) == 2, 10, "a permission to end")

    @staticmethod
    def expected(who, status):
        """What somebody may do with a site of a status, and with what is there."""
        plans = {"manage-plans"}
        if who == "owner" and status in ("not-authorized", "authorized"):
            return OWNER, OWNER
        if who == "installation partner":
            return (INSTALLER | {"leave-site"}, INSTALLER) if status == "not-handed-over" else (set(), set())
        if who == "maintenance partner":
            seen = {"view-site", "play-back", "export"}
            return (seen | {"leave-site"}, seen | {"view-live", "move-lens", "talk"}) if status == "authorized" else (set(), set())
        role = {"administrator": MANAGER | plans, "manager": MANAGER | plans, "here": MANAGER | plans, "clerk": plans}.get(who, set())
        shares = {"share"} if "view-site" in role and status in ("not-handed-over", "authorized") else set()
        if status in ("not-handed-over", "to-be-accepted"):
            return role | shares, role | shares
        if status == "not-authorized":
            return ({"view-site", "apply"} if role & {"view-site"} else set()), set()
        site = {"view-site", "apply"} if "view-site" in role else set()
        return site | shares | role & {"play-back", "export"}, shares | (site - {"apply"}) | role & {"play-back", "export", "view-live", "move-lens", "talk"}

    def place(self, path, status):
        """The path with identifiers of what is there."""
        things = self.things[status]
        names = {"/devices": things["channel"]["deviceId"], "/channels": things["channel"]["id"], "/clips": things["clip"]["id"], "/events": things["event"]["id"],
                 "/exports": things["export"]["id"], "/live": things["view"]["id"], "/sites": self.sites[status]}
        found = next((value for start, value in names.items() if path.startswith(start)), "x")
        path = path.replace("{id}", found)
        for name, value in {"door": "1", "stream": "101", "preset": "1", "patrol": "1", "talk": "x", "name": "x", "permission": "x", "application": "x", "share": "x", "invitation": "x"}.items():
            path = path.replace("{" + name + "}", value)
        return path

    def known(self):
        """What nobody who may not must change."""
        owner, box = self.owner, self.made
        return [[(one["id"], one["name"], one["status"]) for one in box.get("/sites")["items"]], [one["name"] for one in owner.get("/devices")["items"]],
                sorted(one["name"] for one in box.get("/devices")["items"]), [one["id"] for one in owner.get(f"/sites/{self.sites['authorized']}/permissions")["items"]]]

    def test_every_route_by_everybody_at_every_status(self):
        """As the table says: who may not is refused, or told that there is nothing, and changes nothing."""
        before, count, wrong = self.known(), 0, []
        scopes = {"site": "site", "device": "device", "channel": "device", "clip": "device", "event": "device", "export": "device", "liveView": "device"}
        for method, path, operation in self.document.operations():
            if operation["x-scope"] not in scopes:
                continue
            action = operation["x-permission"]
            for status in STATUSES:
                place = self.place(path.removeprefix("/api/v1"), status)
                for who, person in self.people.items():
                    site, device = self.expected(who, status)
                    able = site if operation["x-scope"] == "site" else device
                    body = {} if "requestBody" in operation else None
                    if action in able and body is None and method != "GET":
                        continue  # it would be done
                    count += 1
                    answer = person.client.request(method, place, body)
                    lacks = answer.status == 401 or answer.status == 403 and answer.problem().slug == "not-permitted"
                    good = not lacks if action in able else lacks and bool(able) or answer.status == 404
                    # What one may do is not answered as what is not there; what is within it may not be there.
                    if action in able and answer.status == 404 and "{" not in path.split("{id}")[-1]:
                        good = any(word in path for word in ("files", "picture", "key", "/time", "/doors", "/lens", "/device-"))
                    if not good:
                        wrong.append(f"{who} at {status}: {method} {place}: {answer.status} {answer.body[:120]!r}, {action in able}")
        print(f"{count} combinations", flush=True)
        self.assertFalse(wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:60]))
        self.assertGreater(count, 1500)
        self.assertEqual(self.known(), before)

    def test_lists_are_of_ones_own(self):
        """Each sees the sites, devices, clips, events, exports and views that are theirs to see, and no more."""
        names = {status: status.title() for status in STATUSES}
        every = set(names.values())
        for who, sites in {"administrator": every | {"Test house", "Elsewhere"}, "here": every, "nowhere": set(), "owner": {"Authorized", "Not-Authorized"},
                           "other owner": {"Elsewhere"}, "installation partner": {"Not-Handed-Over"}, "maintenance partner": {"Authorized"}}.items():
            person = self.people[who]
            with self.subTest(who):
                self.assertEqual({one["name"] for one in person.get("/sites")["items"]}, sites)
                for one in person.get("/channels")["items"]:
                    status = next(status for status, site in self.sites.items() if site == one["siteId"])
                    known = OWNER | MANAGER
                    self.assertEqual(set(one["permissions"]) & known, self.expected(who, status)[1] & known, f"{who} at {status}")
                for path, action in (("/devices", "view-site"), ("/channels", "view-site"), ("/clips", "play-back"), ("/events", "play-back"), ("/exports", "export"),
                                     ("/live", "view-live")):
                    found = {one.get("channelId") or one.get("deviceId") or (one.get("channels") or [{}])[0].get("id") or one["id"] for one in person.get(path)["items"]}
                    wanted = {things["channel"]["deviceId" if path in ("/devices", "/channels") else "id"] for status, things in self.things.items()
                              if action in self.expected(who, status)[1]}
                    self.assertEqual(found, wanted, path)
        self.assertEqual([one["name"] for one in self.people["here"].get("/sites?search=HANDED")["items"]], ["Not-Handed-Over"])
        # Whatever is asked for, nothing of others' sites is in it: neither identifiers nor names.
        for who, own in {"nowhere": (), "other owner": (), "owner": ("not-authorized", "authorized"), "installation partner": ("not-handed-over",),
                         "maintenance partner": ("authorized",)}.items():
            foreign = [value for status, things in self.things.items() if status not in own
                       for value in (self.sites[status], things["channel"]["id"], things["channel"]["deviceId"], things["channel"]["name"], things["clip"]["id"], status.title())]
            for method, path, operation in self.document.operations():
                if method != "GET" or "{" in path or operation["x-scope"] == "open" or path.endswith("/stream"):
                    continue
                answer = self.people[who].client.request("GET", path.removeprefix("/api/v1"))
                told = [value for value in foreign if value in answer.body.decode(errors="replace")]
                self.assertFalse(told, f"{who}: {path}")
        # A site that one may not know of is as one that is not there.
        there, none = (self.owner.client.request("GET", f"/sites/{one}") for one in (self.sites["to-be-accepted"], "0" * 32))
        self.assertEqual((there.status, there.body), (none.status, none.body))
        for one in (self.sites["to-be-accepted"], "0" * 32):
            self.assertEqual(self.owner.status("GET", f"/storage/encryption?siteId={one}"), (404, "not-found"))
        self.assertEqual(self.people["manager"].status("PUT", f"/storage/encryption?siteId={self.sites['not-authorized']}", {"enabled": False}), (403, "not-permitted"))

    def test_recorders_get_what_the_provider_may_see(self):
        """The RTSP password is the provider's: it is good where the provider may watch, and nowhere else."""
        port, secret = free_port(), "Harbour-Lamp-2026"
        self.made.call("PUT", "/relay/rtsp", {"enabled": True, "port": port, "userName": "viewer", "password": secret})
        self.addCleanup(self.made.call, "PUT", "/relay/rtsp", {"enabled": False})
        for status, code in {"not-handed-over": 200, "to-be-accepted": 200, "not-authorized": 404, "authorized": 200}.items():
            with self.subTest(status):
                client = RTSPClient(f"rtsp://127.0.0.1:{port}/{self.things[status]['channel']['id']}/main", "viewer", secret)
                self.assertEqual(client.ask("DESCRIBE", Accept="application/sdp").status, code)


class Handover(Case):
    """A box with a camera and its installer admin."""

    def setUp(self):
        self.cameras = self.simulator(size="320x180", rate=10, bitrate=200, key_interval=1, no_sub=True)
        self.made = self.box()
        self.made.claim()
        self.channel = self.made.add_camera(self.cameras.cameras[0], sub=False)
        self.made.await_past(1, self.channel)
        self.site = self.made.get("/sites")["items"][0]["id"]

    def test_from_the_provider_to_the_owner_and_back(self):
        """Sent, looked at, accepted; what was asked for is given, ends by itself with what is being watched, is asked for again, refused, approved, taken back."""
        box, device = self.made, self.channel["deviceId"]
        sent = hand_over(box, self.site, "olga", [{"permission": "live-view", "deviceId": device, "until": soon(12)}], remarks="The shop's cameras are ready.")
        offer = box.client.request("POST", "/handover", {"token": sent["token"]}, token=None).json
        self.assertEqual((offer["site"], offer["company"], offer["recipient"], offer["remarks"]),
                         ("Test house", "Service provider", "olga@example.com", "The shop's cameras are ready."))
        self.assertEqual([(one["permission"], one["device"]) for one in offer["permissions"]], [("live-view", self.channel["name"])])
        self.assertEqual(box.get("/sites")["items"][0]["status"], "to-be-accepted")
        olga = Owner(box, "olga", sent["token"])
        self.assertEqual([one["state"] for one in olga.get(f"/sites/{self.site}/applications")["items"]], [])
        session = olga.get("/session")["user"]
        self.assertEqual((session["isOwner"], session["siteIds"], session["role"]), (True, [self.site], "Site owner"))
        # The provider watches as long as it may, and not a moment longer.
        live = box.call("POST", f"/channels/{self.channel['id']}/live", {"stream": "main"})
        connection = box.client.connect(timeout=30)
        connection.request("GET", live["mp4Url"])
        answer = connection.getresponse()
        self.assertTrue(answer.read1(1000))
        permission = olga.get(f"/sites/{self.site}/permissions")["items"][0]
        ends = datetime.fromisoformat(permission["endsAt"])

        def now_refused():
            return box.client.request("GET", f"/channels/{self.channel['id']}/snapshot").status == 403
        wait_for(now_refused, 30, "the permission to end", 0.1)
        late = (datetime.now(timezone.utc) - ends).total_seconds()
        self.assertTrue(-0.2 <= late < 1.5, late)
        while answer.read1(1 << 20):
            pass
        self.assertLess((datetime.now(timezone.utc) - ends).total_seconds(), ENDS + 1)
        connection.close()
        # Again, with a reason.
        asked = {"permissions": [{"permission": "live-view", "deviceId": device, "hours": 1}, {"permission": "configuration"}], "remarks": "To set the lens."}
        first = box.call("POST", f"/sites/{self.site}/applications", asked)
        olga.client.call("POST", f"/sites/{self.site}/applications/{first['id']}/refuse")
        self.assertTrue(now_refused())
        second = box.call("POST", f"/sites/{self.site}/applications", asked)
        olga.client.call("POST", f"/sites/{self.site}/applications/{second['id']}/approve")
        self.assertFalse(now_refused())
        self.assertEqual([one["state"] for one in box.get(f"/sites/{self.site}/applications")["items"]], ["approved", "refused"])
        permissions = {one["permission"]: one for one in olga.get(f"/sites/{self.site}/permissions")["items"]}
        with self.assertRaises(Problem) as found:
            box.call("POST", f"/sites/{self.site}/permissions/{permissions['configuration']['id']}/release")
        self.assertEqual(found.exception.status, 409)
        box.call("POST", f"/sites/{self.site}/permissions/{permissions['live-view']['id']}/release")
        self.assertTrue(now_refused())
        # After the handover devices are the owner's to take away; the provider configures what it may.
        self.assertEqual(box.client.request("DELETE", f"/devices/{device}").status, 403)
        box.call("PATCH", f"/channels/{self.channel['id']}", {"name": "Till"})
        olga.client.call("DELETE", f"/sites/{self.site}/authorization")
        self.assertEqual(box.get("/devices")["items"], [])
        self.assertEqual([one["status"] for one in box.get("/sites")["items"]], ["not-authorized"])
        third = box.call("POST", f"/sites/{self.site}/applications", asked)
        self.assertEqual(third["kind"], "authorization")
        olga.client.call("POST", f"/sites/{self.site}/applications/{third['id']}/approve")
        self.assertEqual([one["name"] for one in box.get("/channels")["items"]], ["Till"])
        olga.client.call("DELETE", f"/devices/{device}")
        self.assertEqual(olga.get("/devices")["items"], [])
        done = {one["action"]: one for one in reversed(box.get("/operations?limit=200")["items"])}  # the newest of each
        for action, person in {"handOver": USER, "acceptHandover": "olga", "apply": USER, "approveApplication": "olga", "refuseApplication": "olga",
                               "releasePermission": USER, "discardAuthorization": "olga"}.items():
            with self.subTest(action):
                line = done[action]
                self.assertEqual((line["person"], line["subjectName"], line["result"]), (person, "Test house", "done"))
                self.assertNotIn(sent["token"], str(line))

    def test_permissions_end_over_a_restart(self):
        """What ends while the box is down has ended when it is up again; what does not goes on."""
        box = self.made
        given = [{"permission": "live-view", "until": soon(3)}, {"permission": "playback", "hours": 1}]
        olga = Owner(box, "olga", hand_over(box, self.site, "olga", given)["token"])
        box.stop()
        wait_for(lambda: datetime.now(timezone.utc) > datetime.fromisoformat(given[0]["until"]), 10, "the moment to pass")
        box.start()
        token, olga.client = olga.client.token, Client(box.client.base)
        olga.client.token = token
        self.assertEqual([one["permission"] for one in olga.get(f"/sites/{self.site}/permissions")["items"]], ["playback"])
        self.assertEqual(box.client.request("GET", f"/channels/{self.channel['id']}/snapshot").status, 403)
        self.assertEqual(box.client.request("GET", f"/channels/{self.channel['id']}/recordings?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z").status, 409)

    def test_links(self):
        """Five a day; a new one voids the former; one that was refused or used is no longer good, and no other is guessed."""
        box, dora = self.made, Person(self.made, "dora", "Site Manager")
        tokens = [hand_over(box, self.site, "olga")["token"] for _ in range(5)]
        with self.assertRaises(Problem) as found:
            hand_over(box, self.site, "olga")
        self.assertEqual(found.exception.status, 409)
        self.assertIn("5 times a day", found.exception.detail)
        for token in tokens[:2]:
            answer = box.client.request("POST", "/handover", {"token": token}, token=None)
            self.assertEqual((answer.status, answer.problem().slug), (403, "handover-over"))
        answer = box.client.request("POST", "/handover/accept", {"token": tokens[-1], "userName": "olga", "password": "12345678910"}, token=None)
        self.assertEqual(answer.status, 422)
        answer = box.client.request("POST", "/handover/accept", {"token": tokens[-1], "userName": USER.upper(), "password": "nine calm herons by noon"}, token=None)
        self.assertEqual((answer.status, answer.problem().slug), (409, "name-taken"))
        box.client.request("POST", "/handover/refuse", {"token": tokens[-1]}, token=None)
        self.assertEqual([one["state"] for one in box.get(f"/sites/{self.site}/handovers")["items"]], ["refused", *["void"] * 4])
        statuses = [box.client.request("POST", "/handover", {"token": f"guess{number}"}, token=None).status for number in range(12)]
        self.assertIn(429, statuses)
        # Only a site manager of this site sends it.
        self.assertEqual(dora.status("POST", f"/sites/{self.site}/handovers", {"way": "email", "recipient": "a@example.com"}), (404, "not-found"))

    def test_tenants(self):
        """Where the owner allowed it, their use of a device is switched off at once, and they cannot take it off the box."""
        box, device = self.made, self.channel["deviceId"]
        olga = Owner(box, "olga", hand_over(box, self.site, "olga", [{"permission": "live-view"}], allowRemoteUseControl=True)["token"])
        self.assertEqual(olga.client.request("GET", f"/channels/{self.channel['id']}/snapshot").status, 200)
        box.call("PUT", f"/sites/{self.site}/owner-use", {"allowed": False, "deviceId": device})
        self.assertEqual(olga.status("GET", f"/channels/{self.channel['id']}/snapshot"), (403, "not-permitted"))
        box.call("PUT", f"/sites/{self.site}/owner-use", {"allowed": True})
        self.assertEqual(olga.client.request("GET", f"/channels/{self.channel['id']}/snapshot").status, 200)
        self.assertEqual(olga.status("DELETE", f"/devices/{device}"), (403, "not-permitted"))
        # It is not shaken off by discarding the authorization; the provider gives it up.
        olga.client.call("DELETE", f"/sites/{self.site}/authorization")
        self.assertEqual(olga.status("DELETE", f"/devices/{device}"), (403, "not-permitted"))
        box.call("PUT", f"/sites/{self.site}/owner-use", {"allowed": True, "giveUpControl": True})
        self.assertEqual(olga.status("DELETE", f"/devices/{device}"), (204, ""))
