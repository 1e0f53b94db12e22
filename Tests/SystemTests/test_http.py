"""What every route has from HTTP: tags and conditions, requests that may be sent again, and a limit for each client."""

import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import sqlite3

from box import PASSWORD
from case import Case
from people import Person
from waiting import wait_for


class Conditions(Case):
    """A box with its administrator."""

    @classmethod
    def setUpClass(cls):
        cls.made = cls.class_box()
        cls.made.claim()

    def setUp(self):
        self.site = f"/sites/{self.made.call('POST', '/sites', {'name': self.id(), 'timeZone': 'Europe/Rome'})['id']}"

    def tag(self, path):
        """The tag of what a path answers now."""
        return self.made.client.request("GET", path).headers["etag"]

    def test_not_modified(self):
        """Who has it already is told so, until it changes."""
        client, tag = self.made.client, self.tag(self.site)
        answer = client.request("GET", self.site, headers={"If-None-Match": f'"other", W/{tag}'})
        self.assertEqual((answer.status, answer.body, answer.headers["etag"]), (304, b"", tag))
        self.assertEqual(client.request("GET", self.site, headers={"If-None-Match": '"other"'}).status, 200)
        client.call("PATCH", self.site, {"remarks": "Back door."})
        answer = client.request("GET", self.site, headers={"If-None-Match": tag})
        self.assertEqual((answer.status, answer.json["remarks"]), (200, "Back door."))
        # Only for who may see it.
        self.assertEqual(client.request("GET", self.site, headers={"If-None-Match": answer.headers["etag"]}, token=None).status, 401)

    def test_lists_have_tags(self):
        """So that a program that looks each minute gets nothing where nothing happened."""
        for path in ("/sites", "/people", "/roles", "/devices", "/openapi.json"):
            with self.subTest(path):
                self.assertEqual(self.made.client.request("GET", path, headers={"If-None-Match": self.tag(path)}).status, 304)

    def test_a_change_of_what_was_seen(self):
        """A change is done where the settings are those that were seen; else it changes nothing."""
        client, tag = self.made.client, self.tag(self.site)
        self.assertEqual(client.request("PATCH", self.site, {"city": "Bergamo"}, headers={"If-Match": tag}).status, 200)
        for method, body in (("PATCH", {"city": "Brescia"}), ("DELETE", None)):
            answer = client.request(method, self.site, body, headers={"If-Match": tag})
            self.assertEqual((answer.status, answer.problem().slug), (412, "changed-meanwhile"))
        self.assertEqual(client.get(self.site)["city"], "Bergamo")
        for wrong in ('W/' + self.tag(self.site), '"nonsense"', "", "x" * 4000):
            self.assertEqual(client.request("PATCH", self.site, {"city": "Brescia"}, headers={"If-Match": wrong}).status, 412, wrong[:20])
        self.assertEqual(client.request("PATCH", self.site, {"city": "Como"}, headers={"If-Match": f'"other", {self.tag(self.site)}'}).status, 200)
        self.assertEqual(client.request("DELETE", self.site, headers={"If-Match": "*"}).status, 204)
        self.assertEqual(client.request("DELETE", self.site, headers={"If-Match": "*"}).status, 404)

    def test_of_many_changes_at_once_one_is_done(self):
        """Whoever saw the same and comes second is told."""
        tag = self.tag(self.site)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: self.made.client.request("PATCH", self.site, {"address": f"Via Roma {number}"}, headers={"If-Match": tag}), range(8)))
        self.assertEqual(sorted(answer.status for answer in answers), [200, *[412] * 7])
        done = next(answer for answer in answers if answer.status == 200)
        self.assertEqual(self.made.get(self.site)["address"], done.json["address"])

    def test_what_changes_by_itself_does_not_count(self):
        """A camera that comes meanwhile is no reason to refuse another name for it."""
        camera = self.simulator(size="320x180", rate=10, bitrate=200, key_interval=1, no_sub=True).cameras[0]
        path = f"/channels/{self.made.add_camera(camera, sub=False, siteId=self.site.rpartition('/')[2])['id']}"
        tag = self.tag(path)
        wait_for(lambda: self.tag(path) != tag, 20, "the camera to be seen")
        self.assertEqual(self.made.client.request("PATCH", path, {"name": "Till"}, headers={"If-Match": tag}).status, 200)
        self.assertEqual(self.made.client.request("PATCH", path, {"name": "Door"}, headers={"If-Match": tag}).status, 412)

    def test_who_may_not_learns_nothing(self):
        """A condition is looked at after the permission."""
        dora = Person(self.made, f"dora{os.urandom(3).hex()}", "Site Manager")
        self.assertEqual(dora.client.request("PATCH", self.site, {"city": "Como"}, headers={"If-Match": self.tag(self.site)}).status, 404)


class SentAgain(Case):
    """Requests with an Idempotency-Key."""

    @classmethod
    def setUpClass(cls):
        cls.made = cls.class_box()
        cls.made.claim()
        cls.press = cls.made.call("POST", "/roles", {"name": "Press", "permissions": ["manage-company-information"]})["id"]

    def setUp(self):
        self.key = os.urandom(8).hex()

    def post(self, name, key=None, client=None, path="/sites", **more):
        """Add a site."""
        return (client or self.made.client).request("POST", path, {"name": name, "timeZone": "Europe/Rome"}, headers={"Idempotency-Key": key or self.key}, **more)

    @staticmethod
    def requests(asked):
        """What a guesser would take the digest of."""
        body = json.dumps(asked).encode()
        return body, b"POST /api/v1/keys\n" + body, asked["password"].encode()

    def named(self, name):
        """How many sites have a name."""
        return sum(1 for site in self.made.get("/sites")["items"] if site["name"] == name)

    def test_what_was_done_is_not_forgotten(self):
        """A backup is too large to be answered again: it is not made again either."""
        body = {"password": PASSWORD, "passphrase": "nine calm herons by noon"}
        first, second = (self.made.client.request("POST", "/backup", body, headers={"Idempotency-Key": self.key}) for _ in range(2))
        self.assertEqual((first.status, second.status, second.problem().slug), (200, 409, "answer-not-kept"))
        self.assertEqual(len(self.made.get("/operations?action=makeBackup")["items"]), 1)

    def test_much_of_one_person_is_nothing_of_another(self):
        """Whoever sends thousands of keys loses their own oldest ones, and nobody else any."""
        box = self.box()
        box.claim()
        ada = Person(box, "ada", "Administrator")
        send = lambda: box.client.request("POST", "/sites", {"name": "Bakery", "timeZone": "Europe/Rome"}, headers={"Idempotency-Key": self.key})  # noqa: E731
        first = send().json["id"]
        box.stop()
        with sqlite3.connect(os.path.join(box.state, "box.sqlite")) as database:
            now = database.execute("SELECT createdAt FROM idempotentRequest").fetchone()[0]
            database.executemany("INSERT INTO idempotentRequest (key, personId, fingerprint, createdAt, status, answer) VALUES (?, ?, '', ?, ?, ?)",
                                 [(f"key {number}", ada.id, now, None if number < 5 else 201, bytes(8192)) for number in range(2000)])
        box.start()
        ada.client.port = box.client.port
        answer = ada.client.request("POST", "/sites", {"name": "Butcher", "timeZone": "Europe/Rome"}, headers={"Idempotency-Key": "mine"})
        self.assertEqual(answer.status, 201)
        self.assertEqual(send().json["id"], first)
        with sqlite3.connect(f"file:{os.path.join(box.state, 'box.sqlite')}?mode=ro", uri=True) as database:
            own = database.execute("SELECT status, LENGTH(answer) FROM idempotentRequest WHERE personId = ?", [ada.id]).fetchall()
        self.assertEqual(len(own), 1801)
        self.assertEqual(sum(status is None for status, _ in own), 5)
        self.assertLessEqual(sum(size or 0 for _, size in own), 16 << 20)

    def test_no_tag_where_nothing_is_read(self):
        """A condition that could never hold says so."""
        ada = Person(self.made, f"ada{self.key}", "Administrator")
        problem = self.made.client.request("PUT", f"/people/{ada.id}/sites", {"siteIds": []}, headers={"If-Match": "*"}).problem()
        self.assertEqual((problem.status, problem.document["title"]), (400, "No tag here"))

    def test_done_once(self):
        """Sent three times it is done once, and answered the same; written down once."""
        answers = [self.post("Bakery") for _ in range(3)]
        self.assertEqual([(one.status, one.json) for one in answers], [(201, answers[0].json)] * 3)
        self.assertEqual([one.headers.get("idempotent-replayed") for one in answers], [None, "true", "true"])
        self.assertEqual(answers[0].headers.get("location"), answers[2].headers.get("location"))
        self.assertEqual(self.named("Bakery"), 1)
        self.assertEqual(sum(1 for line in self.made.get("/operations")["items"] if line["subjectName"] == "Bakery" or "Bakery" in str(line["after"])), 1)

    def test_at_once(self):
        """Of eight that arrive together one is done; the others get its answer, or are told that it is not answered."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.post("Butcher"), range(8)))
        self.assertEqual({one.status for one in answers} - {409}, {201})
        self.assertTrue(all(one.problem().slug == "not-answered-yet" for one in answers if one.status == 409))
        self.assertEqual(self.named("Butcher"), 1)

    def test_over_a_restart(self):
        """What was answered before a restart is answered so afterwards."""
        first = self.post("Chemist")
        self.made.stop()
        self.made.start()
        self.assertEqual(self.post("Chemist").json, first.json)
        self.assertEqual(self.named("Chemist"), 1)

    def test_another_request_with_the_same_key(self):
        """Is refused and not done."""
        self.post("Dairy")
        for answer in (self.post("Florist"), self.post("Dairy", path="/roles"), self.post("Dairy", path="/sites?x=1")):
            self.assertEqual((answer.status, answer.problem().slug), (422, "key-used"))
        self.assertEqual((self.named("Dairy"), self.named("Florist")), (1, 0))

    def test_keys_are_ones_own(self):
        """Another person's request with the same key is another request."""
        bert = Person(self.made, "bert", "IT Manager")
        self.assertEqual(self.post("Grocer").status, 201)
        self.assertEqual(self.post("Greengrocer", client=bert.client).status, 201)
        self.assertEqual((self.named("Grocer"), self.named("Greengrocer")), (1, 1))

    def test_who_may_no_longer(self):
        """Is not told again what was answered while they might."""
        carla = Person(self.made, "carla", "IT Manager")
        self.assertEqual(self.post("Hatter", client=carla.client).status, 201)
        self.made.call("PATCH", f"/people/{carla.id}", {"roleId": self.press})
        self.assertEqual(self.post("Hatter", client=carla.client).status, 403)

    def test_refused_and_right_afterwards(self):
        """What was wrong stays wrong under its key; what was not permitted may be asked again."""
        wrong = {"name": "", "timeZone": "Europe/Rome"}
        answers = [self.made.client.request("POST", "/sites", wrong, headers={"Idempotency-Key": self.key}) for _ in range(2)]
        self.assertEqual([one.status for one in answers], [422, 422])
        self.assertEqual(answers[0].json, answers[1].json)
        dora = Person(self.made, "dora", "Press")
        self.assertEqual(self.post("Ironmonger", client=dora.client).status, 403)
        role = next(one["id"] for one in self.made.get("/roles")["items"] if one["name"] == "IT Manager")
        self.made.call("PATCH", f"/people/{dora.id}", {"roleId": role})
        self.assertEqual(self.post("Ironmonger", client=dora.client).status, 201)

    def test_keys_that_are_none(self):
        """Empty, too long, with spaces or beyond ASCII: 400, and nothing is done."""
        for key in (" ", '""', "a b", "x" * 256, "k\xe9y"):
            with self.subTest(key=key[:8]):
                answer = self.post("Joiner", key=key)
                self.assertEqual((answer.status, answer.problem().slug), (400, "invalid-request"))
        self.assertEqual(self.named("Joiner"), 0)
        self.assertEqual(self.post("Joiner", key='"quoted"').status, 201)
        self.assertEqual(self.post("Joiner", key="quoted").headers.get("idempotent-replayed"), "true")

    def test_a_secret_that_is_shown_once_is_sealed(self):
        """An answer with a key in it is given again, but lies nowhere in the clear."""
        asked = {"name": "Stock list", "permissions": ["view-site"], "days": 90, "password": PASSWORD}
        first, second = (self.made.client.request("POST", "/keys", asked, headers={"Idempotency-Key": self.key}) for _ in range(2))
        self.assertEqual(first.json, second.json)
        token = first.json["key"].encode()
        self.assertGreater(len(token), 20)
        # Nor can the password in the request be guessed by what is kept of it.
        digests = [hashlib.sha256(part).digest() for part in self.requests(asked)]
        for file in pathlib.Path(self.made.state).rglob("*"):
            if file.is_file():
                self.assertNotIn(token, file.read_bytes(), file)
                for digest in digests:
                    self.assertFalse(any(form in file.read_bytes() for form in (digest, base64.b64encode(digest), digest.hex().encode())), file)


class Limits(Case):
    """A limit for each client."""

    def test_who_asks_too_often_waits(self):
        """Thousands of requests of one person, or of nobody, get "wait"; others go on, and so does that one a second later."""
        box = self.box(**{"http.requests-per-second": 20})
        box.claim()
        ada = Person(box, "ada", "Administrator")
        connection = ada.client.connect()

        def ask(token):
            connection.request("GET", "/api/v1/sites", headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Retry-After"), json.loads(answer.read())
        found = [ask(ada.client.token) for _ in range(300)]
        refused = [one for one in found if one[0] != 200]
        self.assertGreater(len(refused), 150)
        self.assertEqual({(status, wait, problem["type"].rpartition("/")[2]) for status, wait, problem in refused}, {(429, "1", "too-many-requests")})
        self.assertEqual(box.client.request("GET", "/sites").status, 200)
        # Guesses at tokens are their address's, however many tokens there are.
        guesses = [ask(f"guess{number}")[0] for number in range(300)]
        self.assertEqual(set(guesses), {401, 429})
        self.assertGreater(guesses.count(429), 150)
        wait_for(lambda: ada.client.request("GET", "/sites").status == 200, 10, "the wait to be over")
        # The page itself comes whoever asks.
        self.assertEqual(box.client.request("GET", "//").status, 200)


    def test_a_change_counts_once(self):
        """What the box looks at for a change (its tag, how it was before) is no request of the caller's: the last one that is let through is done and written down whole."""
        box = self.box(**{"http.requests-per-second": 1})
        box.claim()
        ada = Person(box, "ada", "Administrator")
        site = box.get("/sites")["items"][0]["id"]
        tag = ada.client.request("GET", f"/sites/{site}").headers["etag"]
        wait_for(lambda: ada.client.request("GET", "/sites").status == 429, 10, "nothing to be left")

        def changed():
            answer = ada.client.request("PATCH", f"/sites/{site}", {"remarks": "Key at number 7."}, headers={"If-Match": tag})
            self.assertIn(answer.status, (200, 429), answer.body)
            return answer.status == 200
        wait_for(changed, 10, "one request more", 0.05)
        line = box.get("/operations?action=changeSite")["items"][0]
        self.assertEqual((json.loads(line["before"]), json.loads(line["after"])), ({"remarks": None}, {"remarks": "Key at number 7."}))


class Pages(Case):
    """A box with devices at two sites."""

    @classmethod
    def setUpClass(cls):
        cls.made = box = cls.class_box()
        box.claim()
        first = box.get("/sites")["items"][0]["id"]
        second = box.call("POST", "/sites", {"name": "Other", "timeZone": "Europe/Rome"})["id"]
        cls.sites = first, second
        cls.devices = [box.add_device(f"rtsp://127.0.0.1:{10 + number}/main", "me", "secret", name=f"{'Till' if number % 3 else '100 % Door_'} {number}",
                                      siteId=cls.sites[number % 2])["id"] for number in range(11)]

    def pages(self, path, limit, client=None):
        """All pages of a list, as (identifiers, next)."""
        found, after = [], ""
        while True:
            answer = (client or self.made.client).get(f"{path}{'&' if '?' in path else '?'}limit={limit}{after}")
            found.append([one["id"] for one in answer["items"]])
            if answer["next"] is None:
                return found
            after = f"&after={answer['next']}"

    def test_page_by_page(self):
        """Pages have everything once, in the order it was added, and end."""
        for path in ("/devices", "/channels"):
            whole = [one["id"] for one in self.made.get(path)["items"]]
            self.assertEqual(len(whole), len(self.devices))
            for limit in (1, 4, 10, 11, 12, 500):
                with self.subTest(path, limit=limit):
                    found = self.pages(path, limit)
                    self.assertEqual(sum(found, []), whole)
                    self.assertTrue(all(len(page) == limit for page in found[:-1]))
                    self.assertTrue(found[-1])
        self.assertEqual([one["id"] for one in self.made.get("/devices")["items"]], self.devices)

    def test_what_comes_and_goes_meanwhile(self):
        """Where the last of a page is taken away before the next is asked for, nothing is left out and nothing comes twice."""
        box = self.made
        extra = [box.add_device(f"rtsp://127.0.0.1:{40 + number}/main", "me", "secret", name=f"Extra {number}", siteId=self.sites[0])["id"] for number in range(4)]
        first = box.get("/devices?search=extra&limit=2")
        self.assertEqual([one["id"] for one in first["items"]], extra[:2])
        box.call("DELETE", f"/devices/{extra[1]}")
        rest = box.get(f"/devices?search=extra&after={first['next']}")
        self.assertEqual([one["id"] for one in rest["items"]], extra[2:])
        for one in (extra[0], *extra[2:]):
            box.call("DELETE", f"/devices/{one}")

    def test_of_a_site_of_a_device_by_words(self):
        """Filters go together, and what has a meaning in SQL has none here."""
        box = self.made
        self.assertEqual([one["id"] for one in box.get(f"/devices?siteId={self.sites[1]}")["items"]], self.devices[1::2])
        self.assertEqual([one["id"] for one in box.get(f"/devices?siteId={self.sites[1]}&search=TILL&limit=2")["items"]], [self.devices[1], self.devices[5]])
        self.assertEqual([one["deviceId"] for one in box.get(f"/channels?deviceId={self.devices[3]}")["items"]], [self.devices[3]])
        for words, count in (("100%20%25%20door_", 4), ("%25", 4), ("_", 4), ("127.0.0.1", 11), ("%27%20OR%201", 0), ("%5C", 0), ("", 11)):
            self.assertEqual(len(box.get(f"/devices?search={words}")["items"]), count, words)

    def test_whose_site_it_is(self):
        """Pages hold only what one may see, and are full all the same."""
        dora = Person(self.made, f"dora{os.urandom(3).hex()}", "Site Manager", [self.sites[1]])
        self.assertEqual(self.pages("/devices", 2, dora.client), [self.devices[1:5:2], self.devices[5:9:2], self.devices[9::2]])
        self.assertEqual(dora.get(f"/devices?siteId={self.sites[0]}")["items"], [])

    def test_wrong_questions(self):
        """A 422 that names what is wrong."""
        for query, field in (("limit=0", "limit"), ("limit=501", "limit"), ("limit=x", "limit"), ("after=", "after"), ("after=1-2-%20", "after"), ("after=99999999999999999999-0-" + "0" * 32, "after"),
                             ("siteId=%20", "siteId"), ("zebra=1", "zebra"), ("after=1-99999999999999999999-" + "0" * 32, "after")):
            answer = self.made.client.request("GET", f"/devices?{query}")
            self.assertEqual((answer.status, answer.problem().fields if answer.status >= 400 else None), (422, [f"/{field}"]), query)
