"""What is done with devices: lens, streams, motion and rules, clock, recordings, disks, upkeep, doors."""

import time
from datetime import datetime

from devices import ControlCase
from footage import is_jpeg
from waiting import holds_for, wait_for


class Lens(ControlCase):
    """Moving lenses."""

    KINDS = ("ptz,name=dome", "onvif,name=onvif,ptz,dialect=hikvision", "camera,name=fixed")

    def state(self, name):
        """What the device's lens does."""
        return self.simulator[name].state()["ptz"]

    def test_move_and_stop(self):
        """A lens moves as told while it is held and stops at once when released: ISAPI and ONVIF."""
        for name in ("dome", "onvif"):
            with self.subTest(device=name):
                lens = self.channel(name) + "/lens"
                before = self.state(name)
                self.call("POST", lens + "/move", {"pan": 0.5, "tilt": -0.25})
                wait_for(lambda: self.state(name)["moving"], 5, "the movement")
                self.call("POST", lens + "/move", {"pan": 0.5, "tilt": -0.25})
                self.call("POST", lens + "/stop")
                after = wait_for(lambda: (lambda now: now if not now["moving"] else None)(self.state(name)), 5, "the stop")
                self.assertEqual(after["starts"], before["starts"] + 1, "what goes on is not told again")
                self.assertGreater(after["position"][0], before["position"][0])
                self.assertLess(after["position"][1], before["position"][1])

    def test_zoom(self):
        """Zooming in and out."""
        lens, before = self.channel("dome") + "/lens", self.state("dome")["position"][2]
        self.call("POST", lens + "/move", {"zoom": 1})
        wait_for(lambda: self.state("dome")["position"][2] > before, 5, "a closer look")
        self.call("POST", lens + "/stop")

    def test_lost_client_stops_the_movement(self):
        """A client that holds the lens and then goes silent has it stopped within a second of its last word."""
        for name in ("dome", "onvif"):
            with self.subTest(device=name):
                lens = self.channel(name) + "/lens"
                for _ in range(4):
                    last = time.time()
                    self.call("POST", lens + "/move", {"pan": -0.5})
                    holds_for(lambda: True, 0.3, "the page's pace")
                self.assertTrue(self.state(name)["moving"])
                stopped = wait_for(lambda: (lambda now: now if not now["moving"] else None)(self.state(name)), 5, "the stop")["last_stop"]
                if isinstance(stopped, str):
                    stopped = datetime.fromisoformat(stopped.replace("Z", "+00:00")).timestamp()
                print(f"{name}: stopped {stopped - last:.2f} s after the last renewal", flush=True)
                self.assertLess(stopped - last, 1.25)

    def test_presets(self):
        """Presets are listed, kept, named anew, called and removed."""
        for name in ("dome", "onvif"):
            with self.subTest(device=name):
                lens = self.channel(name) + "/lens/presets"
                self.assertLessEqual({"Gate", "Yard"}, {one["name"] for one in self.call("GET", lens)["items"]})
                made = self.call("POST", lens, {"name": "Corner"})
                self.assertIn(made, self.call("GET", lens)["items"])
                self.assertEqual(made["name"], "Corner")
                self.call("PUT", f"{lens}/{made['id']}", {"name": "Corner left"})
                self.assertIn({"id": made["id"], "name": "Corner left"}, self.call("GET", lens)["items"])
                gate = next(one for one in self.call("GET", lens)["items"] if one["name"] == "Gate")
                self.call("POST", f"{lens}/{gate['id']}/call")
                wait_for(lambda: "preset" in str(self.state(name)["last_command"]).lower() or "goto" in str(self.state(name)["last_command"]).lower(), 5,
                         lambda: f"the call: {self.state(name)}")
                self.call("DELETE", f"{lens}/{made['id']}")
                self.assertNotIn("Corner left", {one["name"] for one in self.call("GET", lens)["items"]})

    def test_patrols_wiper_and_light(self):
        """A patrol starts; light and wiper switch where the device has them."""
        path = self.channel("dome")
        patrols = self.call("GET", path + "/lens/patrols")["items"]
        self.assertTrue(patrols)
        self.call("POST", f"{path}/lens/patrols/{patrols[0]['id']}/start")
        wait_for(lambda: self.state("dome")["patrol"] is not None, 5, lambda: f"the patrol: {self.state('dome')}")
        able = self.box_under_test.channels_of(self.added["dome"])[1]["capabilities"]
        self.assertLessEqual({"wiper", "light"}, set(able))
        for name in ("light", "wiper"):
            self.call("PUT", path + "/lens/auxiliary", {"name": name, "on": True})
            wait_for(lambda: any(name in str(key).lower() and value for key, value in self.state("dome")["auxiliary"].items()), 5,
                     lambda: f"the {name}: {self.state('dome')['auxiliary']}")
            self.call("PUT", path + "/lens/auxiliary", {"name": name, "on": False})

    def test_fixed_camera(self):
        """A camera without a moving lens says so."""
        path = self.channel("fixed") + "/lens"
        for method, place, body in (("POST", "/move", {"pan": 1}), ("PUT", "/auxiliary", {"name": "wiper", "on": True})):
            problem = self.problem(method, path + place, body)
            self.assertEqual((problem.status, problem.slug), (409, "unsupported"), problem)


class Settings(ControlCase):
    """Streams, motion, rules, notifications."""

    KINDS = ("camera,name=camera", "nvr:2,name=recorder", "onvif,name=onvif,dialect=dahua", "camera,name=viewer,quirk=low-privilege")

    def encoder(self, name, stream):
        """A stream's settings on the device."""
        state = self.simulator[name].state()
        return (state["onvif"] if name == "onvif" else state["isapi"])["encoders"][stream]

    def test_streams_are_read_and_changed(self):
        """Stream settings are as the device has them, and change there."""
        for name, sub in (("camera", "102"), ("recorder", "202"), ("onvif", "Profile_102")):
            with self.subTest(device=name):
                path = self.channel(name, 2 if name == "recorder" else 1) + "/device-streams"
                streams = {one["role"]: one for one in self.call("GET", path)["items"]}
                self.assertEqual(streams["sub"]["id"], sub)
                self.assertEqual((streams["sub"]["codec"], streams["sub"]["width"], streams["sub"]["height"], streams["sub"]["frameRate"]), ("h264", 640, 360, 15))
                self.assertTrue(streams["sub"]["options"]["sizes"], streams["sub"])
                size = streams["sub"]["options"]["sizes"][-1]
                change = {"frameRate": 10, "bitRate": 256000, "keyFrameInterval": 20, **size}
                changed = self.call("PATCH", f"{path}/{sub}", change)
                self.assertEqual({key: changed[key] for key in change}, change)
                again = next(one for one in self.call("GET", path)["items"] if one["id"] == sub)
                self.assertEqual({key: again[key] for key in change}, change)
                told = str(self.encoder(name, sub if name != "onvif" else next(iter(
                    key for key in self.simulator[name].state()["onvif"]["encoders"] if key.endswith("102")))))
                self.assertIn(str(size["width"]), told)
        problem = self.problem("PATCH", self.channel("camera") + "/device-streams/999", {"frameRate": 5})
        self.assertEqual((problem.status, problem.slug), (404, "not-found"))

    def test_cloud_readiness(self):
        """What to change is told first, then changed, and nothing is left: smart codec off, a good sub stream."""
        for name, channel in (("camera", 1), ("recorder", 1), ("onvif", 1)):
            with self.subTest(device=name):
                path = self.channel(name, channel) + "/cloud-readiness"
                before = self.call("GET", path)
                if name != "onvif":
                    self.assertFalse(before["ready"])
                    self.assertIn("smart", " ".join(sentence for change in before["changes"] for sentence in change["sentences"]).lower())
                    self.assertIn("true", str(self.simulator[name].state()["isapi"]["encoders"]["101"]).lower(), "looking changes nothing")
                after = self.call("POST", path)
                self.assertEqual(after, {"ready": True, "changes": []})
                self.assertEqual(self.call("GET", path), after)
                streams = {one["role"]: one for one in self.call("GET", self.channel(name, channel) + "/device-streams")["items"]}
                self.assertNotIn(True, [stream["smartCodec"] for stream in streams.values()])
                self.assertEqual(streams["sub"]["codec"], "h264")
                self.assertTrue(10 <= streams["sub"]["frameRate"] <= 15 and streams["sub"]["height"] in (360, 480, 576), streams["sub"])
                self.assertLessEqual(streams["sub"]["keyFrameInterval"] / streams["sub"]["frameRate"], 2)

    def test_motion_of_the_device(self):
        """The device's own motion detection is read and changed: cells, sensitivity, schedule, notification."""
        for name, number in (("camera", 1), ("recorder", 2)):
            with self.subTest(device=name):
                path = self.channel(name, number) + "/device-motion"
                motion = self.call("GET", path)
                self.assertEqual((motion["enabled"], motion["sensitivity"], motion["columns"], motion["rows"], motion["notifies"]), (True, 60, 22, 18, True))
                self.assertEqual(motion["cells"], ["1" * 22] * 18)
                cells = ["0" * 22] * 9 + ["01" * 11] * 9
                schedule = {"always": False, "periods": [{"day": "monday", "from": "08:00", "to": "18:00"}, {"day": "sunday", "from": "00:00", "to": "24:00"}]}
                changed = self.call("PUT", path, {"sensitivity": 80, "cells": cells, "notifies": False, "schedule": schedule})
                self.assertEqual((changed["sensitivity"], changed["cells"], changed["notifies"], changed["schedule"]), (80, cells, False, schedule))
                self.assertEqual(self.call("GET", path), changed)
                refused = self.simulator[name].event(type="VMD", channel=number)
                self.assertFalse(refused["sent"], "the device does not tell any more")
                self.call("PUT", self.channel(name, number) + "/notification", {"type": "motion", "on": True})
                self.assertTrue(self.call("GET", path)["notifies"])
                self.assertTrue(self.simulator[name].event(type="VMD", channel=number)["sent"])
                back = self.call("PUT", path, {**motion, "schedule": {"always": True}})
                self.assertEqual(back["cells"], motion["cells"])

    def test_rules(self):
        """Rules about lines and regions are read, and their notification switched."""
        path = self.channel("camera")
        rules = {rule["type"]: rule for rule in self.call("GET", path + "/device-rules")["items"]}
        self.assertLessEqual({"line-crossing", "intrusion", "region-entrance", "region-exit"}, set(rules))
        line = rules["line-crossing"]
        self.assertTrue(line["enabled"] and line["notifies"])
        points = next(region for region in line["regions"] if region["enabled"])["points"]
        self.assertEqual(len(points), 2)
        self.assertAlmostEqual(points[0]["x"], 0.2, delta=0.01)
        self.assertAlmostEqual(points[0]["y"], 0.5, delta=0.01, msg="from the top")
        self.call("PUT", path + "/notification", {"type": "line-crossing", "on": False})
        rules = {rule["type"]: rule for rule in self.call("GET", path + "/device-rules")["items"]}
        self.assertEqual((rules["line-crossing"]["notifies"], rules["intrusion"]["notifies"]), (False, True))
        self.assertFalse(self.simulator["camera"].event(type="linedetection")["sent"])
        self.call("PUT", path + "/notification", {"type": "line-crossing", "on": True})
        self.assertTrue(self.simulator["camera"].event(type="linedetection")["sent"])

    def test_snapshot(self):
        """A picture that the device takes now."""
        for name in ("camera", "recorder", "onvif"):
            with self.subTest(device=name):
                answer = self.box_under_test.client.request("GET", self.channel(name) + "/device-snapshot")
                self.assertEqual((answer.status, answer.headers["content-type"]), (200, "image/jpeg"), answer.body[:300])
                self.assertTrue(is_jpeg(answer.body))

    def test_user_without_rights(self):
        """What the device's user may not do is said to be so."""
        problem = self.problem("PATCH", self.channel("viewer") + "/device-streams/102", {"frameRate": 5})
        self.assertEqual((problem.status, problem.slug), (502, "forbidden"), problem)
        self.assertIn("administrator", problem.detail)
