"""Clocks, recordings, disks, names, passwords, firmware, restarts and doors of devices."""

import subprocess
import time
from datetime import datetime, timedelta, timezone

from client import Problem
from devices import ControlCase, text_of
from footage import moment
from waiting import shorten, wait_for


class Clocks(ControlCase):
    """Times of devices."""

    KINDS = ("camera,name=skewed,quirk=clock-skew:3600", "onvif,name=local,quirk=utc-is-local,zone=8", "onvif,name=years,quirk=clock-skew:-63072000",
             "camera,name=good")

    def test_offset_is_read_and_mended(self):
        """A clock that is off is seen and set: time, zone and server."""
        for name, offset in (("skewed", 3600), ("years", -63072000)):
            with self.subTest(device=name):
                clock = self.call("GET", self.device(name) + "/time")
                self.assertAlmostEqual(clock["offset"], offset, delta=3)
                self.assertTrue(clock["remark"])
                now = self.call("PUT", self.device(name) + "/time", {"zone": "Europe/Rome", "networkTimeServer": "192.0.2.5"})
                self.assertAlmostEqual(now["offset"], 0, delta=3)
                self.assertEqual((now["networkTimeServer"], now["usesNetworkTime"]), ("192.0.2.5", True))
                self.assertIn("-1", now["zone"])  # POSIX: west is positive
                # A clock that follows a server goes on doing so when only its zone is set.
                self.assertTrue(self.call("PUT", self.device(name) + "/time", {"zone": "Europe/Rome"})["usesNetworkTime"])
                self.assertAlmostEqual(self.box_under_test.device(self.added[name])["clock"]["offset"], 0, delta=3)
                told = self.simulator[name].state()["time"]
                self.assertAlmostEqual(datetime.fromisoformat(told).timestamp(), time.time(), delta=3)

    def test_local_time_as_utc(self):
        """A device that gives local time for UTC works all the same, and its time is understood."""
        clock = self.call("GET", self.device("local") + "/time")
        self.assertTrue(abs(clock["offset"]) < 5 or clock["remark"], clock)
        self.assertEqual(self.box_under_test.device(self.added["local"])["state"]["code"], "ok")

    def test_synchronized_by_the_site(self):
        """Where the site says so, clocks and zones of devices are set by themselves, those that are there already as well."""
        box, name = self.box_under_test, "good"
        self.call("PUT", self.device(name) + "/time", {"zone": "Asia/Tokyo"})
        site = box.get("/sites")["items"][0]["id"]
        self.call("PATCH", f"/sites/{site}", {"syncTime": True})
        self.addCleanup(self.call, "PATCH", f"/sites/{site}", {"syncTime": False})
        wait_for(lambda: "-1" in (box.device(self.added[name])["clock"]["zone"] or ""), 60, lambda: f"the zone: {box.device(self.added[name])['clock']}")
        self.assertAlmostEqual(self.call("GET", self.device(name) + "/time")["offset"], 0, delta=2)
        with self.assertRaises(Problem) as found:
            self.call("PATCH", f"/sites/{site}", {"timeZone": "Asia/Tokyo"})
        self.assertEqual((found.exception.status, found.exception.fields), (422, ["/timeZone"]))

    def test_good_clock(self):
        """A right clock is left alone, and without a zone the site's is set."""
        clock = self.call("GET", self.device("good") + "/time")
        self.assertAlmostEqual(clock["offset"], 0, delta=2)
        self.assertIsNone(clock["remark"])
        now = self.call("PUT", self.device("good") + "/time", {})
        self.assertAlmostEqual(now["offset"], 0, delta=2)
        self.assertIn("-1", now["zone"])


class Recordings(ControlCase):
    """Footage on devices."""

    KINDS = ("camera,name=camera", "nvr:2,name=recorder,download=ps", "onvif,name=onvif")

    def test_search_and_download(self):
        """Footage is found by time and kind, has an address to play, and can be downloaded whole."""
        now = datetime.now(timezone.utc)
        for name, number in (("camera", 1), ("recorder", 2)):
            with self.subTest(device=name):
                path = self.channel(name, number) + "/recordings"
                items = self.call("GET", f"{path}?from={text_of(now - timedelta(hours=6))}&to={text_of(now)}")["items"]
                self.assertGreaterEqual(len(items), 10, shorten(items))
                starts = [moment(one["from"]) for one in items]
                self.assertEqual(starts, sorted(starts))
                self.assertTrue(all(moment(one["to"]) > now.timestamp() - 6 * 3600 and moment(one["from"]) < now.timestamp() for one in items))
                self.assertTrue(items[0]["playbackUrl"].startswith("rtsp://") and "@" not in items[0]["playbackUrl"], items[0])
                motion = self.call("GET", f"{path}?from={text_of(now - timedelta(hours=6))}&to={text_of(now)}&type=motion")["items"]
                self.assertEqual({one["kind"] for one in motion}, {"motion"})
                self.assertEqual(len(self.call("GET", f"{path}?from={text_of(now - timedelta(days=2))}&to={text_of(now)}&limit=70")["items"]), 70)
                answer = self.box_under_test.client.request("GET", items[1]["downloadUrl"].removeprefix("/api/v1"), timeout=60)
                self.assertEqual(answer.status, 200, answer.body[:300])
                self.assertIn("attachment", answer.headers["content-disposition"])
                done = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name:format=duration", "-of", "csv=p=0", "-"],
                                      input=answer.body, capture_output=True, timeout=60)
                self.assertIn(b"h264", done.stdout, done.stderr[-500:])
        missing = self.problem("GET", f"{self.channel('camera')}/recordings/download?from={text_of(now - timedelta(days=20))}&to={text_of(now - timedelta(days=19))}")
        self.assertEqual((missing.status, missing.slug), (404, "not-found"))

    def test_days(self):
        """The days of the last week have footage but the fifth before today."""
        today = datetime.now(timezone.utc)
        found = set()
        for day in (today, today - timedelta(days=8)):
            found |= {(day.year, day.month, one) for one in self.call(
                "GET", f"{self.channel('camera')}/recordings/days?month={day:%Y-%m}")["days"]}
        middle = today - timedelta(days=2)
        self.assertIn((middle.year, middle.month, middle.day), found)
        later = today + timedelta(days=40)
        self.assertEqual(self.call("GET", f"{self.channel('camera')}/recordings/days?month={later:%Y-%m}")["days"], [])

    def test_onvif_search(self):
        """An ONVIF device's footage is found, with an address to play."""
        now = datetime.now(timezone.utc)
        items = self.call("GET", f"{self.channel('onvif')}/recordings?from={text_of(now - timedelta(hours=6))}&to={text_of(now)}")["items"]
        self.assertTrue(items)
        self.assertTrue(all(one["playbackUrl"].startswith("rtsp://") for one in items))


class Upkeep(ControlCase):
    """Keeping devices going."""

    KINDS = ("camera,name=camera", "nvr:2,name=recorder", "doorbell,name=door", "onvif,name=onvif", "camera,name=slow,quirk=late-streams:3")

    def test_disks(self):
        """Disks are shown with their state, and again when looked at."""
        disks = self.call("POST", self.device("recorder") + "/look")["disks"]
        self.assertEqual([(disk["kind"], disk["state"]) for disk in disks], [("HDD", "ok"), ("HDD", "ok")])
        self.assertEqual(disks[0]["capacityBytes"], 3815447 << 20)
        self.simulator["recorder"].post("/disk", disk=2, status="error")
        self.simulator["recorder"].post("/disk", disk=1, status="ok", freeSpace=0)
        states = [disk["state"] for disk in self.call("POST", self.device("recorder") + "/look")["disks"]]
        self.assertEqual(states[1], "error")
        self.assertIn(states[0], ("ok", "full"))

    def test_rename(self):
        """The device's own name changes on the device."""
        for name in ("camera", "onvif"):
            if "rename" not in self.added[name]["capabilities"]:
                problem = self.problem("PUT", self.device(name) + "/name", {"name": "x"})
                self.assertEqual((problem.status, problem.slug), (409, "unsupported"), problem)
                continue
            answer = self.call("PUT", self.device(name) + "/name", {"name": "Hinterhof Süd"})
            self.assertEqual(answer["identity"]["name"], "Hinterhof Süd")

    def test_password(self):
        """The password changes on the device and in the box, which goes on without a failed sign-in."""
        for name in ("camera", "onvif"):
            with self.subTest(device=name):
                box, device = self.box_under_test, self.added[name]
                before = self.simulator[name].state()["sign_ins"]["failed"]
                self.call("PUT", self.device(name) + "/password", {"password": "Harbour-2026"})
                self.call("POST", self.device(name) + "/look")
                box.await_events(device)
                self.assertAlmostEqual(self.call("GET", self.device(name) + "/time")["offset"], 0, delta=3)
                self.assertEqual(self.simulator[name].state()["sign_ins"]["failed"], before)
                box.await_picture(device["channelIds"][0], seconds=40)

    def test_password_that_streams_take_over_late(self):
        """A device whose streams know the new password only later: what was refused meanwhile is tried once more, and the picture comes."""
        box, device = self.box_under_test, self.added["slow"]
        box.await_picture(device["channelIds"][0], seconds=40)
        self.call("PUT", self.device("slow") + "/password", {"password": "Harbour-2026"})
        wait_for(lambda: box.channel(device["channelIds"][0])["state"]["code"] == "wrong-password", 20,
                 lambda: f"the refusal: {box.channel(device['channelIds'][0])['state']}")
        box.await_picture(device["channelIds"][0], seconds=40)

    def test_reboot(self):
        """A restart is seen, and the device works again."""
        box, device = self.box_under_test, self.added["recorder"]
        box.await_events(device)
        boots = self.simulator["recorder"].state()["boots"]
        self.call("POST", self.device("recorder") + "/reboot")
        wait_for(lambda: self.simulator["recorder"].state()["boots"] > boots, 20, "the restart")
        wait_for(lambda: box.device(device)["state"]["code"] == "ok" and box.device(device)["eventsState"]["code"] == "ok", 60,
                 lambda: f"the recorder to work again: {box.device(device)['state']} {box.device(device)['eventsState']}")

    def test_firmware(self):
        """Firmware goes up with progress, the device restarts, and has the new version."""
        box, path = self.box_under_test, self.device("door")
        stream = self.kept(box.client.stream())
        empty = box.client.request("POST", path + "/firmware", b"", {"Content-Type": "application/octet-stream"}).problem()
        self.assertEqual((empty.status, empty.slug), (400, "invalid-request"))
        answer = box.client.request("POST", path + "/firmware", b"SIMULATED FIRMWARE V9.9.9" + bytes(3 << 20), {"Content-Type": "application/octet-stream"}, timeout=60)
        self.assertEqual(answer.status, 202, answer.body[:300])
        wait_for(lambda: "V9.9.9" in (box.device(self.added["door"])["identity"]["firmware"] or ""), 90,
                 lambda: f"the new version: {box.device(self.added['door'])['identity']} {box.device(self.added['door'])['upgrade']} "
                         f"{box.device(self.added['door'])['upgradeFailure']}")
        stages = [one["upgrade"]["stage"] for one in stream.of("device") if one["id"] == self.added["door"]["id"] and one["upgrade"]]
        order = [stage for index, stage in enumerate(stages) if not index or stages[index - 1] != stage]
        self.assertEqual([stage for stage in ("sending", "installing", "restarting", "done") if stage in order], order)
        self.assertLessEqual({"installing", "restarting"}, set(order))

    def test_doors(self):
        """Doors do what they are told; there are no others."""
        path = self.device("door") + "/doors"
        for command, word in (("open", "open"), ("remain-open", "alwaysOpen"), ("remain-closed", "alwaysClose"), ("close", "close")):
            self.assertIsNone(self.call("POST", path + "/1", {"command": command}))
            wait_for(lambda: word in str(self.simulator["door"].state()["isapi"]["doors"]), 5, lambda: f"the door: {self.simulator['door'].state()['isapi']['doors']}")
        self.assertEqual(self.problem("POST", path + "/2", {"command": "open"}).slug, "not-found")
        self.assertEqual(self.problem("POST", self.device("camera") + "/doors/1", {"command": "open"}).status, 404)

    def test_check_again(self):
        """A device is checked anew while it works: its report is replaced, and its streams are not opened twice."""
        box, device = self.box_under_test, self.added["recorder"]
        box.await_picture(*device["channelIds"])
        before = box.device(device)["report"]
        self.call("POST", self.device("recorder") + "/check")
        report = wait_for(lambda: (lambda now: now if now["startedAt"] != before["startedAt"] and now["finishedAt"] else None)(box.device(device)["report"]),
                          60, "the new report")
        self.assertNotIn("failed", [step["state"] for step in report["steps"]], report["steps"])
        self.assertEqual([capture["seconds"] for capture in report["captures"]], [0, 0], "what is received anyway is the test")
