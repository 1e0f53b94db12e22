"""People and roles: who may do what, that it ends at once when it ends, and that everything is written down."""

import json
import os
import subprocess
import tempfile
from datetime import datetime, timedelta

from box import PASSWORD, USER, binary
from case import Case
from client import Client, Problem
from devices import text_of
from mutations import Document
from people import WORDS, Person
from waiting import wait_for

# What is about the asker alone, or gives no more than a list that may be empty.
FREE = {"open", "own"}
# Seconds.
ENDS = 5


class People(Case):
    """A box with a camera; an administrator, an IT manager, site managers with and without the site, others."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(size="640x360", rate=10, bitrate=500, key_interval=1, sub="320x180")
        cls.made = box = cls.class_box(**{"recording.seconds-before": 1, "recording.seconds": 4})
        box.claim()
        cls.channel = box.add_camera(cls.cameras.camera)
        cls.device = box.get("/devices")["items"][0]
        box.await_past(1, cls.channel)
        box.link(cls.channel, "standard")
        cls.clip = box.await_stored(box.trigger(cls.channel))
        cls.event = box.get("/events")["items"][0]
        begin = datetime.fromisoformat(cls.clip["startsAt"])
        cls.cut = {"channelIds": [cls.channel["id"]], "from": text_of(begin), "to": text_of(begin + timedelta(seconds=3))}
        cls.export = box.call("POST", "/exports", cls.cut)
        cls.view = box.call("POST", f"/channels/{cls.channel['id']}/live", {"stream": "main"})
        cls.site = box.get("/system")["site"]["id"]
        box.call("POST", "/roles", {"name": "Clerk", "permissions": ["manage-service-package-and-order"]})
        box.call("POST", "/roles", {"name": "Personnel", "permissions": ["manage-account-and-role"]})
        box.call("POST", "/roles", {"name": "Press", "permissions": ["manage-company-information"]})
        cls.people = {
            "administrator": Person(box, "ada", "Administrator"), "manager": Person(box, "bert", "IT Manager"),
            "here": Person(box, "carla", "Site Manager", [cls.site]), "nowhere": Person(box, "dora", "Site Manager"), "clerk": Person(box, "emil", "Clerk"),
            "personnel": Person(box, "fritz", "Personnel"), "press": Person(box, "gina", "Press"),
        }
        cls.document = Document(box.get("/openapi.json", token=None))

    # Who may what

    def allowed(self, who, method, operation):
        """What the rules in the document say."""
        user = self.people[who].get("/session")["user"]
        scope, permission = operation["x-scope"], operation.get("x-permission")
        if scope in FREE or scope == "each" and method == "GET":
            return True
        if permission not in user["permissions"]:
            return False
        return scope == "box" or scope == "each" or user["siteIds"] is None or self.site in user["siteIds"]

    def place(self, path):
        """The path with identifiers of what is there."""
        names = {"/devices": self.device["id"], "/channels": self.channel["id"], "/clips": self.clip["id"], "/events": self.event["id"],
                 "/exports": self.export["id"], "/live": self.view["id"], "/people": self.people["nowhere"].id}
        found = next((value for start, value in names.items() if path.startswith(start)), "x")
        path = path.replace("{id}", found)
        for name, value in {"index": "0", "door": "1", "stream": "101", "preset": "1", "patrol": "1", "talk": "x", "name": "x", "session": "x", "file": "x"}.items():
            path = path.replace("{" + name + "}", value)
        return path

    def known(self):
        """What nobody who may not must change."""
        box = self.made
        return [sorted(one["id"] for one in box.get("/devices")["items"]), {key: box.channel(self.channel)[key] for key in ("name", "armed", "linked")},
                [one["name"] for one in box.get("/people")["items"]], [one["name"] for one in box.get("/roles")["items"]], box.get("/company"),
                box.get("/storage")["target"], box.get("/system")["name"], box.get("/relay/rtsp")["enabled"], [one["id"] for one in box.get("/exports")["items"]]]

    def test_every_route_by_every_role(self):
        """Who may not is refused, and changes nothing; who may is not told that they may not."""
        before, count, wrong = self.known(), 0, []
        for method, path, operation in self.document.operations():
            place = self.place(path.removeprefix("/api/v1"))
            scope = operation["x-scope"]
            for who, person in self.people.items():
                may = self.allowed(who, method, operation)
                # What would be done is not done here: bodies are empty, and nothing is removed by who may.
                body = {} if "requestBody" in operation else None
                if may and (scope in FREE or body is None and method != "GET" or place.endswith("/stream")):
                    continue
                count += 1
                answer = person.client.request(method, place, body)
                lacks = answer.status == 401 or answer.status == 403 and answer.problem().slug == "not-permitted"
                if lacks if may else not lacks and answer.status != 404:
                    wrong.append(f"{who}: {method} {place}: {answer.status} {answer.body[:120]!r}, {'may' if may else 'may not'}")
        # Nobody, a token that is none, and one that was.
        gone = Person(self.made, f"hans{count}", "IT Manager")
        token = gone.client.token
        self.made.call("DELETE", f"/people/{gone.id}")
        for method, path, operation in self.document.operations():
            if operation["x-scope"] == "open":
                continue
            for one in (None, "x" * 43, token):
                count += 1
                answer = self.made.client.request(method, self.place(path.removeprefix("/api/v1")), {} if "requestBody" in operation else None, token=one)
                if answer.status != 401:
                    wrong.append(f"{method} {path} with token {one}: {answer.status}")
        print(f"{count} combinations", flush=True)
        self.assertFalse(wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:60]))
        self.assertGreater(count, 900)
        self.assertEqual(self.known(), before)

    def test_nothing_of_another_site_is_told(self):
        """A site manager without the site sees no device, channel, clip, event, view or export, nor that there are any."""
        dora, carla = self.people["nowhere"], self.people["here"]
        for path in ("/devices", "/channels", "/events", "/clips", "/exports", "/live"):
            with self.subTest(path):
                self.assertEqual(dora.get(path)["items"], [])
                self.assertNotEqual(carla.get(path)["items"], [])
        for path in (f"/devices/{self.device['id']}", f"/channels/{self.channel['id']}", f"/clips/{self.clip['id']}", f"/clips/{self.clip['id']}/video",
                     f"/events/{self.event['id']}", f"/exports/{self.export['id']}", f"/live/{self.view['id']}"):
            with self.subTest(path):
                there = dora.client.request("GET", path)
                not_there = dora.client.request("GET", path.replace(path.split("/")[2], "0" * 32))
                self.assertEqual((there.status, there.body), (not_there.status, not_there.body))
                self.assertEqual(there.status, 404)
        self.assertEqual(dora.get("/plans")["channels"], [])
        for path in ("/storage/gaps", "/storage/refills"):
            self.assertEqual(dora.get(path)["items"], [])
        self.assertEqual(dora.status("GET", "/people"), (403, "not-permitted"))
        # Whoever may do nothing anywhere is told no more than that.
        self.assertEqual(dora.status("POST", "/exports", self.cut), (403, "not-permitted"))
        self.assertEqual(dora.status("GET", "/metrics"), (403, "not-permitted"))

    # What ends

    def test_a_view_ends_with_its_permission(self):
        """Live view, playback and news end within five seconds when a site is taken away, an account disabled, a sign-in ended."""
        def take_away(person):
            person.manage([])

        def disable(person):
            self.made.call("PATCH", f"/people/{person.id}", {"disabled": True})

        def sign_out(person):
            person.client.call("DELETE", "/session")
        for number, end in enumerate((take_away, disable, sign_out)):
            with self.subTest(end.__name__):
                person = Person(self.made, f"viewer{number}", "Site Manager", [self.site])
                live = person.client.call("POST", f"/channels/{self.channel['id']}/live", {"stream": "main"})
                played = person.client.call("POST", f"/channels/{self.channel['id']}/playback", {"from": self.clip["startsAt"]})
                connection = person.client.connect(timeout=20)
                connection.request("GET", live["mp4Url"])
                answer = connection.getresponse()
                self.assertTrue(answer.read1(1000))
                end(person)
                ids = {live["id"], played["id"]}
                wait_for(lambda ids=ids: not ids & {one["id"] for one in self.made.get("/live")["items"]}, ENDS, "both views to end")
                while answer.read1(1 << 20):
                    pass
                connection.close()

    def test_a_key_for_a_program(self):
        """It is good for what it was made for, not for the account, and ends when it is removed."""
        carla = self.people["here"]
        asked = {"name": "backup", "permissions": ["view-site", "play-back", "configure-box"], "days": 30, "password": WORDS}
        self.assertEqual(carla.status("POST", "/keys", {**asked, "password": "not " + WORDS}), (403, "wrong-password"))
        key = carla.client.call("POST", "/keys", asked)
        program = Client(self.made.client.base)
        program.token = key["key"]
        self.assertEqual([one["id"] for one in program.get("/channels")["items"]], [self.channel["id"]])
        self.assertEqual(program.request("GET", f"/clips/{self.clip['id']}/video").status, 200)
        for method, path, body in (("POST", f"/channels/{self.channel['id']}/live", {}), ("PATCH", f"/channels/{self.channel['id']}", {"name": "x"}),
                                   ("POST", "/keys", {"name": "more", "permissions": ["view-site"]}), ("DELETE", "/session", None),
                                   ("PUT", "/relay/rtsp", {"enabled": False})):
            with self.subTest(path), self.assertRaises(Problem) as found:
                program.call(method, path, body)
            self.assertEqual(found.exception.slug, "not-permitted")
        self.assertNotIn(key["key"], json.dumps(carla.get("/keys")))
        # Nor is an administrator's key a way to an account of one's own.
        ada = self.people["administrator"]
        made = ada.client.call("POST", "/keys", {"name": "people", "permissions": ["view-people", "manage-people", "assign-sites"], "password": WORDS})
        program.token = made["key"]
        role = program.get("/roles")["items"][0]["id"]
        for method, path, body in (("POST", "/invitations", {"name": "x", "roleId": role}), ("PATCH", f"/people/{carla.id}", {"roleId": role}),
                                   ("POST", "/roles", {"name": "x", "permissions": ["manage-all-sites"]}), ("PUT", f"/people/{carla.id}/sites", {"siteIds": []})):
            with self.subTest(path):
                self.assertEqual(program.request(method, path, body).problem().slug, "not-permitted")
        program.token = key["key"]
        carla.client.call("DELETE", f"/keys/{key['id']}")
        self.assertEqual(program.request("GET", "/channels").status, 401)

    # What was done

    def test_what_was_done_is_written_down(self):
        """Who, in which role, what, to what, before and after, from where, with which result; without secrets, and in a chain."""
        box, carla = self.made, self.people["here"]
        name = box.channel(self.channel)["name"]
        carla.client.call("PATCH", f"/channels/{self.channel['id']}", {"name": "Side door"})
        self.addCleanup(box.call, "PATCH", f"/channels/{self.channel['id']}", {"name": name})
        self.assertEqual(carla.status("PATCH", "/company", {"name": "Mine"})[0], 403)
        self.assertEqual(carla.status("PATCH", "/session/password", {"password": "not " + WORDS, "newPassword": "other words of mine"}), (403, "wrong-password"))
        with self.assertRaises(Problem):
            box.client.call("POST", "/session", {"userName": "nobody", "password": "a secret that is none"})
        # Asked again and again without a sign-in, the box writes one line.
        for _ in range(5):
            box.client.request("POST", "/setup/claim", {"setupCode": "AAAA-AAAA", "userName": "x", "password": WORDS, "siteName": "x", "timeZone": "UTC"}, token=None)
        lines = [json.loads(line) for line in box.client.request("GET", "/operations/export").body.splitlines()]
        found = next(one for one in reversed(lines) if (one["action"], one["person"], one["result"]) == ("changeChannel", "carla", "done"))
        self.assertEqual((found["role"], found["subject"], found["subjectName"], found["address"], found["result"]),
                         ("Site Manager", self.channel["id"], name, "127.0.0.1", "done"))
        self.assertEqual((json.loads(found["before"]), json.loads(found["after"])), ({"name": name}, {"name": "Side door"}))
        results = {(one["person"], one["action"]): one["result"] for one in lines}
        self.assertEqual(results["carla", "changeCompany"], "not-permitted")
        self.assertEqual(results["unknown", "signIn"], "wrong-password")
        # What was typed in the wrong field is nobody's name.
        self.assertNotIn("nobody", json.dumps(lines))
        for action in ("claimBox", "join", "invite", "makeRole", "assignSites", "beginLiveView", "beginExport", "linkChannel", "addDevice"):
            self.assertIn(action, {one["action"] for one in lines}, action)
        self.assertEqual(sum(one["action"] == "claimBox" and one["result"] != "done" for one in lines), 1)
        text = json.dumps(lines)
        for secret in (PASSWORD, WORDS, "a secret that is none", box.setup_code, self.cameras.camera.password, box.client.token):
            self.assertNotIn(secret, text)
        self.assertEqual({one["person"] for one in box.get("/operations?person=carla&limit=10")["items"]}, {"carla"})
        self.assertNotIn("done", {one["result"] for one in box.get("/operations?result=failed")["items"]})
        with self.assertRaises(Problem) as wrong:
            box.get("/operations?limit=1000&colour=blue")
        self.assertEqual(sorted(wrong.exception.fields), ["/colour", "/limit"])

    def command(self, *arguments):
        """`gatehouse log` with the installer's password."""
        return subprocess.run([binary(), "log", *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, "GATEHOUSE_PASSWORD": PASSWORD})

    def test_no_core_of_it_is_written(self):
        """Keys and passwords lie in the box's memory: the kernel writes no core of it, whatever its limits were."""
        with open(f"/proc/{self.made.pid}/limits") as file:
            [core] = [line for line in file if line.startswith("Max core file size")]
        self.assertEqual(core.split()[4:6], ["0", "0"])

    def test_the_log_is_verified(self):
        """`gatehouse log verify` takes what the box gives, and finds every change of it."""
        address = f"http://127.0.0.1:{self.made.client.port}"
        good = self.command("verify", address, "--user", USER)
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        self.assertIn("Lines 1 to ", good.stdout)
        shown = self.command("show", address, "--user", USER, "--limit", "200", "--person", USER)
        self.assertIn("installer (127.0.0.1)  claimBox  done", shown.stdout)
        lines = self.made.client.request("GET", "/operations/export").body.decode().splitlines()
        first = json.loads(lines[0])
        for what, text in {"missing": lines[:2] + lines[3:], "changed": [lines[0].replace("installer", "somebody")] + lines[1:], "swapped": [lines[1], lines[0]],
                           "nonsense": lines[:2] + ["{}"]}.items():
            with self.subTest(what), tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
                file.write("\n".join(text))
                file.flush()
                self.assertEqual(self.command("verify", file.name).returncode, 1, what)
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
            file.write("\n".join(lines))
            file.flush()
            self.assertEqual(self.command("verify", file.name, "--expect", f"1:{first['digest']}").returncode, 0)
            self.assertEqual(self.command("verify", file.name, "--expect", f"1:{'0' * 64}").returncode, 1)

    def test_the_certificate_of_the_box(self):
        """Commands take the box's own certificate when it is given to them, no other, and none unseen."""
        first, second = (self.box(**{"http.tls": True}) for _ in range(2))
        first.claim()
        address = f"https://127.0.0.1:{first.client.port}"
        own, others = (os.path.join(box.state, "tls", "certificate.pem") for box in (first, second))
        good = self.command("show", address, "--user", USER, "--certificate", own)
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        for more in ([], ["--certificate", others]):
            refused = self.command("show", address, "--user", USER, *more)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("The box's certificate is not trusted.", refused.stderr)
            self.assertIn("--insecure", refused.stderr)
        self.assertEqual(self.command("show", address, "--user", USER, "--insecure").returncode, 0)

    def test_other_names_are_refused(self):
        """A web page whose name leads to the box (DNS rebinding) gets nothing of it; the box's own names and addresses do."""
        box = self.made
        for host, status in {"evil.example": 421, f"evil.example:{box.client.port}": 421, "127.0.0.1.evil.example": 421, "gatehouse.evil.example": 421,
                             f"localhost:{box.client.port}": 200, "gatehouse.local": 200, "192.168.1.5": 200, "[::1]:80": 200}.items():
            for path in ("/setup", "//", "//index.html"):
                with self.subTest(host=host, path=path):
                    self.assertEqual(box.client.request("GET", path, headers={"Host": host}).status, status)
        named = self.box(**{"http.hosts": ["cameras.example"]})
        self.assertEqual(named.client.request("GET", "/setup", headers={"Host": "Cameras.Example:8443"}).status, 200)

    def test_nobody_but_who_may_learns_by_the_news(self):
        """A page of somebody without the site is told nothing of its channels."""
        def news(person):
            connection = person.client.connect(timeout=20)
            connection.request("GET", "/api/v1/stream", headers={"Authorization": f"Bearer {person.client.token}"})
            return connection, connection.getresponse()
        (one, here), (other, nowhere) = news(self.people["here"]), news(self.people["nowhere"])
        text = {here: b"", nowhere: b""}
        self.made.call("PATCH", f"/channels/{self.channel['id']}", {"armed": False})
        self.made.call("PATCH", f"/channels/{self.channel['id']}", {"armed": True})
        def told(answer):
            text[answer] += answer.read1(1 << 16)
            return b"event: storage" in text[answer]
        wait_for(lambda: self.channel["id"].encode() in text[here] or told(here) and False, 20, "news of the channel")
        # What everybody is told comes after it.
        self.made.call("POST", f"/channels/{self.channel['id']}/trigger")
        wait_for(lambda: told(nowhere), 30, "news of the storage")
        self.assertNotIn(self.channel["id"].encode(), text[nowhere])
        one.close()
        other.close()
