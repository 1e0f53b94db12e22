"""Lists in parts, and of one kind alone: every list that grows is read through page by page, by whoever may see it."""

import json

from box import USER
from case import Case
from owners import Owner, Partner, hand_over, share
from people import Person

FIRST = {"permission": "live-view"}


def walk(get, path, word, limit):
    """All items of a list, read `limit` at a time; no part is larger, and none but the last is smaller."""
    items, place, sizes = [], None, []
    joint = "&" if "?" in path else "?"
    while True:
        page = get(f"{path}{joint}limit={limit}" + (f"&{word}={place}" if place else ""))
        items += page["items"]
        sizes.append(len(page["items"]))
        place = page["next"]
        if place is None:
            assert all(size == limit for size in sizes[:-1]), f"{path}: parts of {sizes}"
            return items


class Lists(Case):
    """A box with a handful of everything that is listed."""

    @classmethod
    def setUpClass(cls):
        cls.made = box = cls.class_box()
        box.claim()
        cls.shop = box.get("/sites")["items"][0]["id"]
        cls.flats = [box.call("POST", "/sites", {"name": f"Flat {number}", "timeZone": "Europe/Rome"})["id"] for number in (3, 1, 2)]
        for name in ("carla", "bert"):
            Person(box, name, "Site Manager", [cls.shop])
        for _ in range(3):
            share(box, cls.shop, "ivan", "installation")
        cls.ivan = Partner(box, "ivan", share(box, cls.shop, "ivan", "installation")["token"])
        for _ in range(3):
            hand_over(box, cls.flats[0], "paul")
        tokens = [hand_over(box, cls.shop, "olga", [FIRST, {"permission": "playback"}, {"permission": "configuration"}])["token"] for _ in range(3)]
        cls.olga = Owner(box, "olga", tokens[-1])
        for hours in (1, 2, 4):
            box.call("POST", f"/sites/{cls.shop}/applications", {"permissions": [{**FIRST, "hours": hours}]})
        asked = box.get(f"/sites/{cls.shop}/applications")["items"]
        cls.olga.client.call("POST", f"/sites/{cls.shop}/applications/{asked[1]['id']}/refuse")

    def lists(self):
        """Each list, for whom, with the word that goes on and how many there are at least."""
        box, olga, place = self.made.get, self.olga.get, f"/sites/{self.shop}"
        return [(box, "/sites", "after", 4), (box, "/people", "after", 3), (olga, f"{place}/permissions", "after", 3), (box, f"/sites/{self.flats[0]}/handovers", "before", 3),
                (box, f"{place}/applications", "before", 3), (olga, f"{place}/applications", "before", 3), (box, f"{place}/shares", "before", 4),
                (box, "/notices", "before", 3), (olga, "/notices", "before", 3)]

    def test_parts(self):
        """Parts of one, two or all give the same items, each once and in the same order."""
        for get, path, word, least in self.lists():
            with self.subTest(path=path):
                whole = get(path)
                self.assertIsNone(whole["next"])
                self.assertGreaterEqual(len(whole["items"]), least)
                times = [one.get("createdAt") or one.get("grantedAt") or one.get("at") for one in whole["items"]]
                self.assertEqual(times, sorted(times, reverse=word == "before"))
                for limit in (1, 2, len(whole["items"])):
                    self.assertEqual(walk(get, path, word, limit), whole["items"])

    def test_of_one_kind(self):
        """A word about the state gives those alone, in parts as well."""
        box, place = self.made.get, f"/sites/{self.shop}"
        for get, path, name, values in ((box, f"{place}/applications", "state", {"pending": 2, "refused": 1, "approved": 0}),
                                        (box, f"/sites/{self.flats[0]}/handovers", "state", {"void": 2, "pending": 1, "accepted": 0}),
                                        (box, f"{place}/shares", "state", {"ended": 4, "pending": 0}),
                                        (box, "/sites", "status", {"not-handed-over": 2, "to-be-accepted": 1, "authorized": 1, "not-authorized": 0})):
            for value, count in values.items():
                with self.subTest(path=path, value=value):
                    found = walk(get, f"{path}?{name}={value}", "after" if path == "/sites" else "before", 1)
                    self.assertEqual([one[name] for one in found], [value] * count)
        roles = {role["name"]: role["id"] for role in box("/roles")["items"]}
        self.assertEqual([one["name"] for one in box(f"/people?roleId={roles['Site Manager']}")["items"]], ["carla", "bert"])
        self.assertEqual([one["name"] for one in box("/people?search=CARL")["items"]], ["carla"])
        self.assertEqual([one["name"] for one in box("/sites?search=flat&limit=2")["items"]], ["Flat 3", "Flat 1"])
        self.olga.client.call("POST", "/notices/read")
        self.assertEqual((self.olga.get("/notices?unread=true")["items"], len(self.olga.get("/notices?unread=false")["items"]) > 0), ([], True))

    def test_nothing_of_others(self):
        """In parts as well nobody sees what is not theirs."""
        for path in (f"/sites/{self.shop}/permissions", f"/sites/{self.shop}/applications"):
            self.assertIn(self.ivan.client.request("GET", path + "?limit=1").status, (403, 404))
        self.assertEqual([one["id"] for one in self.olga.get("/sites?limit=1")["items"]], [self.shop])
        self.assertIsNone(self.olga.get("/sites?limit=1")["next"])

    def test_sites_are_given_one_by_one(self):
        """Sites are given and taken without undoing what others gave meanwhile."""
        box = self.made
        [carla] = box.get("/people?search=carla")["items"]
        path = f"/people/{carla['id']}/sites"
        self.assertEqual(set(box.call("PATCH", path, {"add": self.flats[:2]})["siteIds"]), {self.shop, *self.flats[:2]})
        self.assertEqual(set(box.call("PATCH", path, {"add": [self.flats[2]], "remove": [self.flats[0]]})["siteIds"]), {self.shop, *self.flats[1:]})
        for body, field in (({"add": ["x" * 32]}, "/add"), ({"add": [self.shop], "remove": [self.shop]}, "/remove"), ({"add": "x"}, "/add"), ({"zebra": 1}, "/zebra")):
            with self.subTest(body=body):
                problem = box.client.request("PATCH", path, body).problem()
                self.assertEqual(problem.fields, [field])
        self.assertEqual(set(box.call("PATCH", path, {"remove": self.flats})["siteIds"]), {self.shop})

    def test_wrong_words(self):
        """A word that is wrong or not known is a 422 that names it."""
        client = {self.made.get: self.made.client, self.olga.get: self.olga.client}
        for get, path, word, _ in self.lists():
            for query, name in (("limit=0", "limit"), ("limit=501", "limit"), ("limit=x", "limit"), (f"{word}=%21", word), ("zebra=1", "zebra"), ("zebra", "zebra")):
                with self.subTest(path=path, query=query):
                    problem = client[get].request("GET", f"{path}?{query}").problem()
                    self.assertEqual((problem.status, problem.fields), (422, ["/" + name]))
        for path in ("/sites?status=zebra", f"/sites/{self.shop}/shares?state=zebra", "/unbindings?state=", "/notices?unread=1", "/people?roleId=%21", "/operations/export?from=x"):
            with self.subTest(path=path):
                self.assertEqual(self.made.client.request("GET", path).status, 422)

    def test_part_of_the_log(self):
        """The lines that are asked for are given as a file, with their digests."""
        answer = self.made.client.request("GET", f"/operations/export?action=shareSite&person={USER}")
        lines = [json.loads(line) for line in answer.body.splitlines()]
        wanted = [one["number"] for one in reversed(self.made.get(f"/operations?action=shareSite&person={USER}&limit=200")["items"])]
        self.assertEqual([line["number"] for line in lines], wanted)
        self.assertGreaterEqual(len(lines), 4)
        self.assertTrue(all(len(line["digest"]) == 64 for line in lines))
