"""Adding devices: every kind, every recorded device, many at once, and every way it can fail and be put right."""

import glob
import json
import os

from devices import DeviceCase, DeviceSimulator, Watcher, fixtures
from footage import moment
from ports import free_port
from waiting import wait_for

GROUPS = (("camera", "nvr:4", "ptz", "doorbell"), ("thermal", "old-camera", "camera", "rtsp"),
          ("onvif,dialect=hikvision", "onvif,dialect=axis", "onvif,dialect=dahua", "onvif,dialect=tapo"),
          ("onvif,dialect=reolink", "camera", "camera", "nvr:2"))
MAKES = {"hikvision": "Simulated", "axis": "AXIS", "dahua": "Dahua", "tapo": "tp-link", "reolink": "Reolink"}
ISAPI = {"events", "time", "network-time", "reboot", "rename", "password-change", "firmware-upgrade", "storage-health", "recordings", "recording-download"}
ISAPI_CHANNEL = {"snapshot", "stream-settings", "smart-codec", "events", "recordings", "recording-download"}
SMART = {"motion-settings", "line-crossing-settings", "intrusion-settings", "notification-switch"}
LENS = {"pan", "zoom", "presets", "patrols"}
STEPS = ("reach", "sign-in", "identify", "channels", "streams", "events", "clock", "compatibility")


class Kinds(DeviceCase):
    """What the devices are."""

    def check_identity(self, answer, device):
        """Make, model, serial and the rest are the device's."""
        identity = answer["identity"]
        self.assertEqual((identity["model"], identity["serialNumber"]), (device.model, device.serial))
        if identity["macAddress"] is not None:
            self.assertEqual(identity["macAddress"], device.mac)
        self.assertIn(device.firmware.split(" ")[0], identity["firmware"])
        self.assertEqual(len(answer["channelIds"]), device.channels)

    def check_isapi(self, box, answer, device):
        """A built-in Hikvision device."""
        self.check_identity(answer, device)
        self.assertEqual((answer["driver"], answer["identity"]["make"]), ("isapi", "simulated"))
        self.assertLessEqual(ISAPI | ({"doors"} if device.kind == "doorbell" else set()), set(answer["capabilities"]))
        self.assertEqual(answer["doors"], [1] if device.kind == "doorbell" else [])
        kinds = {"nvr": "recorder", "doorbell": "door-controller"}
        self.assertEqual(answer["identity"]["kind"], kinds.get(device.kind, "camera"))
        channels = box.channels_of(answer)
        self.assertEqual(sorted(channels), list(range(1, device.channels + 1)))
        for number, channel in channels.items():
            wanted = ISAPI_CHANNEL | (SMART if device.kind != "doorbell" else set()) | (LENS if device.kind == "ptz" else set())
            self.assertLessEqual(wanted, set(channel["capabilities"]))
            self.assertFalse(LENS & set(channel["capabilities"]) - wanted, "a lens that does not move")
            if device.kind == "nvr":
                self.assertEqual((channel["input"], channel["online"], channel["sourceAddress"], channel["sourceModel"]),
                                 ("network", True, f"192.168.254.{number + 1}", "DS-2CD9946G9-IS"))
            else:
                self.assertEqual(channel["input"], "own")

    def check_onvif(self, box, answer, device, dialect):
        """An ONVIF device."""
        self.check_identity(answer, device)
        self.assertEqual((answer["driver"], answer["identity"]["make"]), ("onvif", MAKES[dialect]))
        self.assertLessEqual({"events", "time", "network-time", "reboot", "recordings"}, set(answer["capabilities"]))
        self.assertLessEqual({"snapshot", "stream-settings", "events"}, set(box.channels_of(answer)[1]["capabilities"]))

    def test_sixteen_kinds_at_once(self):
        """16 devices of all kinds, added at once and watched for 10 s each, are what they are; none gets more than 4 requests at a time."""
        simulators = [self.devices(*(part for index, kind in enumerate(group) for part in (
            "--device", f"{kind},name={kind.partition(',')[0].replace(':', '')}-{number}{index}"))) for number, group in enumerate(GROUPS)]
        devices = [device for simulator in simulators for device in simulator.devices]
        box = self.device_box(**{"devices.capture-seconds": 10})
        entries = [device.entry(httpPort=device.http or free_port()) for device in devices]
        job = box.begin(*entries)
        items = box.await_job(job, 150)
        took = max(moment_of(item) for item in items) - moment_of(job, "startedAt")
        most = {device.name: device.state()["most_concurrent_requests"] for device in devices}
        print(f"16 devices of all kinds added at once in {took:.1f} s; at most {max(most.values())} requests at a time to one of them", flush=True)
        for item, device, kind in zip(items, devices, [kind for group in GROUPS for kind in group]):
            with self.subTest(device=kind):
                self.assertEqual(item["state"], "added", box.steps(item))
                answer = box.device(item["deviceId"])
                self.assertLessEqual(most[device.name], 4)
                if device.kind == "onvif":
                    self.check_onvif(box, answer, device, kind.partition("dialect=")[2])
                elif device.kind == "rtsp":
                    self.assertEqual((answer["driver"], len(answer["channelIds"]), answer["capabilities"]), ("rtsp", 1, []))
                else:
                    self.check_isapi(box, answer, device)
                self.check_report(answer, device)
        self.assertLess(took, 120, "devices wait for each other")

    def check_report(self, answer, device):
        """The report is kept with the device, and says what really came."""
        report = answer["report"]
        self.assertEqual([step["name"] for step in report["steps"]], list(STEPS))
        for step in report["steps"]:
            self.assertIn(step["state"], ("ok", "attention", "skipped"), step)
            self.assertTrue(step["sentence"].strip(), step)
        self.assertTrue(report["recommendation"])
        main = report["captures"][0]["streams"][0]
        self.assertAlmostEqual(report["captures"][0]["seconds"], 10, delta=1)
        self.assertEqual((main["codec"], main["width"], main["height"], main["audio"]["codec"]), ("h264", 640, 360, "aac"))
        self.assertAlmostEqual(main["frameRate"], 15, delta=1.5)
        self.assertGreater(main["bitRate"], 50_000)
        self.assertGreater(main["keyFrameSeconds"], 0)
        if device.kind != "rtsp":
            self.assertAlmostEqual(report["clockOffset"], 0, delta=2)

    def test_recorded_devices(self):
        """Each recorded Hikvision device is added with the right make, model, serial, channels and abilities."""
        paths = sorted(glob.glob(os.path.join(fixtures(), "isapi/devices/*.json")))
        self.assertEqual(len(paths), 9)
        box = self.device_box()
        for part in (paths[:3], paths[3:6], paths[6:]):  # few at a time: each opens all its channels
            simulator = self.devices(*(word for path in part for word in ("--fixture", path)))
            items = box.try_devices(*(device.entry() for device in simulator.devices), seconds=120)
            for item, device, path in zip(items, simulator.devices, part):
                with self.subTest(device=os.path.basename(path)):
                    self.assertEqual(item["state"], "added", box.steps(item))
                    answer = box.device(item["deviceId"])
                    self.check_identity(answer, device)
                    self.assertEqual((answer["driver"], answer["identity"]["make"]), ("isapi", "Hikvision"))
                    self.assertLessEqual({"events", "time", "reboot", "rename"}, set(answer["capabilities"]))
                    self.check_channels(box, answer, path)
            for item in items:
                if item["deviceId"]:
                    box.call("DELETE", f"/devices/{item['deviceId']}")
            simulator.close()

    def check_channels(self, box, answer, path):
        """Names and sources of a recorder's network inputs are as the recorded answers say."""
        with open(path) as file:
            recorded = json.load(file)["data"]["ISAPI"]
        channels = box.channels_of(answer)
        listed = recorded.get("ContentMgmt/InputProxy/channels", {}).get("response", {}).get("InputProxyChannelList", {}).get("InputProxyChannel", [])
        for one in listed if isinstance(listed, list) else [listed]:
            channel = channels[int(one["id"])]
            source = one["sourceInputPortDescriptor"]
            self.assertEqual((channel["input"], channel["name"], channel["sourceAddress"], channel["sourceModel"]),
                             ("network", one["name"], source["ipAddress"], source.get("model")))
        for channel in channels.values():
            self.assertIn(channel["input"], ("network", "analog", "own"))
            if channel["online"] is not False:
                self.assertIn("stream-settings", channel["capabilities"])


class Failures(DeviceCase):
    """Devices that cannot be added as they are, and what helps."""

    @classmethod
    def setUpClass(cls):
        quirks = ("wrong-password", "locked", "not-activated", "bound-elsewhere", "basic-only", "too-many-sessions:1")
        cls.simulator = cls.class_devices("--device", "camera,name=good", *(
            part for quirk in quirks for part in ("--device", f"camera,name={quirk.partition(':')[0]},quirk={quirk}")))
        cls.box_under_test = cls.class_device_box()

    def failed(self, *entries, **more):
        """The items of an onboarding that must fail."""
        items = self.box_under_test.try_devices(*entries, **more)
        for item in items:
            self.assertEqual(item["state"], "failed", self.box_under_test.steps(item))
            self.assertIsNone(item["deviceId"])
            self.assertTrue(item["failure"]["sentence"].endswith((".", "?")), item["failure"])
            self.assertIn("failed", [step["state"] for step in item["report"]["steps"]], item["report"])
        return items

    def added(self, item):
        """The device of an item that must have worked in the end."""
        self.assertEqual(item["state"], "added", self.box_under_test.steps(item))
        return self.box_under_test.device(item["deviceId"])

    def test_wrong_password_then_right(self):
        """A wrong password tells how many tries are left; another password is tried without starting over."""
        good, box = self.simulator["good"], self.box_under_test
        item = self.failed(good.entry(password="wrong"))[0]
        self.assertEqual(item["failure"]["code"], "wrong-password")
        self.assertIn(item["failure"]["triesLeft"], (5, 6))
        self.assertEqual(good.state()["sign_ins"]["failed"], 1, "one wrong password is tried once")
        again = box.retry(item, password=good.password)
        self.added(again)
        self.assertEqual(again["onboardingId"], item["onboardingId"])
        twice = self.failed(good.entry())[0]
        self.assertEqual(twice["failure"]["code"], "already-added")
        self.assertIn(again["name"] or box.device(again["deviceId"])["name"], twice["failure"]["sentence"])
        problem = box.client.request("POST", f"/onboardings/{item['onboardingId']}/devices/0/retry", {}).problem()
        self.assertEqual((problem.status, problem.slug), (409, "conflict"))

    def test_shared_password(self):
        """One password for all serves those that have none of their own."""
        items = self.failed(*(self.simulator[name].entry(userName=None, password=None) for name in ("wrong-password", "locked")),
                            userName="admin", password="camera2026")
        self.assertEqual([item["failure"]["code"] for item in items], ["wrong-password", "locked"])
        self.assertIsNotNone(items[1]["failure"]["lockedUntil"])
        self.assertEqual([item["userName"] for item in items], ["admin", "admin"])

    def test_activation(self):
        """A new device is said to be new, gets its first password, and is added."""
        device, box = self.simulator["not-activated"], self.box_under_test
        item = self.failed(device.entry())[0]
        self.assertEqual(item["failure"]["code"], "not-activated")
        place = f"/onboardings/{item['onboardingId']}/devices/0/activate"
        for weak in ("short1", "onlyletters", "admin12345", "has space 12", "x" * 17):
            problem = box.client.request("POST", place, {"password": weak}).problem()
            self.assertEqual((problem.status, problem.fields), (422, ["/password"]), problem)
        box.call("POST", place, {"password": "Harbour-2026"})
        answer = self.added(box.await_item(item))
        self.assertEqual((answer["identity"]["serialNumber"], answer["userName"]), (device.serial, "admin"))

    def test_bound_elsewhere(self):
        """A device that another service's account has bound is refused, and the service named."""
        item = self.failed(self.simulator["bound-elsewhere"].entry())[0]
        self.assertEqual(item["failure"]["code"], "bound-elsewhere")
        self.assertIn(item["failure"]["detail"], item["failure"]["sentence"])

    def test_basic_only(self):
        """A device that wants the password unencrypted is refused until that is allowed, and shows it then."""
        item = self.failed(self.simulator["basic-only"].entry())[0]
        self.assertEqual(item["failure"]["code"], "insecure")
        answer = self.added(self.box_under_test.retry(item, allowBasic=True))
        self.assertTrue(answer["allowBasic"])

    def test_too_many_sessions(self):
        """A device without a session free is said to be so, and is added once there is one."""
        device = self.simulator["too-many-sessions"]
        watcher = self.kept(Watcher(device))
        item = self.failed(device.entry())[0]
        self.assertEqual(item["failure"]["code"], "too-many-sessions")
        watcher.close()
        device.fault("none", all=1)
        self.added(self.box_under_test.retry(item))

    def test_nobody_there(self):
        """Closed ports, addresses without a device, web servers that are no camera, and refused addresses have codes of their own."""
        with_web = self.simulator.control.rpartition(":")[2]
        items = self.failed({"address": "127.0.0.1", "httpPort": free_port(), "port": free_port(), "password": "x"},
                            {"address": "192.0.2.77", "password": "x"},
                            {"address": "127.0.0.1", "httpPort": int(with_web), "port": free_port(), "password": "x"},
                            {"address": "169.254.169.254.nip", "password": "x"})
        codes = [item["failure"]["code"] for item in items]
        self.assertEqual(codes[0], "refused")
        self.assertIn(codes[1], ("unreachable", "silent"))
        self.assertIn(codes[2], ("unsupported", "refused", "nonsense"))
        self.assertEqual(codes[3], "unreachable")

    def test_cancel(self):
        """A cancelled onboarding ends at once."""
        box = self.box_under_test
        self.simulator["good"].fault("hang")
        self.addCleanup(self.simulator["good"].fault, "none")
        job = box.begin(self.simulator["good"].entry())
        box.call("DELETE", f"/onboardings/{job['id']}")
        item = box.await_job(job, 10)[0]
        self.assertEqual(item["state"], "failed", box.steps(item))


class Certificates(DeviceCase):
    """HTTPS with self-signed certificates."""

    def test_pinned_at_first_use(self):
        """The first certificate is pinned; another one is refused until it is accepted, both when added and when tried again."""
        arguments = ("--device", "camera", "--https-port", free_port())
        simulator = self.devices(*arguments)
        box = self.device_box()
        entry = simulator.device.entry(httpPort=simulator.device.https, https=True)
        answer = box.try_devices(entry)[0]
        self.assertEqual(answer["state"], "added", box.steps(answer))
        device = box.device(answer["deviceId"])
        self.assertRegex(device["certificate"], r"^[0-9a-fA-F:]{64,95}$")
        box.await_events(device)
        simulator.close()
        self.kept(DeviceSimulator(*arguments, addresses=simulator.first))  # with a certificate of its own
        wait_for(lambda: box.device(device)["state"]["code"] == "certificate-changed", 60, lambda: f"the change to be seen: {box.device(device)['state']}")
        box.call("PATCH", f"/devices/{device['id']}", {"acceptCertificate": True})
        wait_for(lambda: box.device(device)["state"]["code"] == "ok", 30, lambda: f"the device to work: {box.device(device)['state']}")
        now = wait_for(lambda: box.device(device)["certificate"], 10, "the new certificate's pin")
        self.assertNotEqual(now, device["certificate"])


def moment_of(thing, name=None):
    """A time in seconds: of an answer, or of an item's report's end."""
    return moment(thing[name] if name else thing["report"]["finishedAt"])
