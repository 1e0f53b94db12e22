"""Events of devices: rows and footage, types and times, oddities of every kind, drops, and a storm of them."""

import os
import time

from devices import DeviceCase
from footage import Footage, is_jpeg, moment
from waiting import resident_megabytes, shorten, stat_fields, wait_for

# what the simulator is told to send -> what the box makes of it
ISAPI_TYPES = {"VMD": "motion", "linedetection": "line-crossing", "fielddetection": "intrusion", "regionEntrance": "region-entrance",
               "regionExiting": "region-exit", "facedetection": "face", "PIR": "pir", "shelteralarm": "tamper", "IO": "input",
               "videoloss": "video-loss", "diskfull": "disk-full", "diskerror": "disk-error", "illAccess": "illegal-login"}
STREAM_QUIRKS = ("doubled-boundary", "wrong-boundary", "no-boundary", "hikboundary", "not-utf8", "no-final-boundary", "no-content-length",
                 "not-chunked-close", "no-heartbeat", "six-digit-zone", "psia-namespace", "isapi-namespace", "ver10-namespace", "protocol-type",
                 "empty-region", "picture-by-url", "clock-skew:86400")
ONVIF_QUIRKS = ("clock-skew:-31536000", "utc-is-local", "utctime-1970", "utctime-without-z", "xaddr-wrong-host", "attribute-order",
                "upper-case-booleans", "datetime-needs-auth", "http-auth-only")
DROP_EVERY = int(os.environ.get("GATEHOUSE_DROP_EVERY", "6"))  # seconds
DROP_SECONDS = int(os.environ.get("GATEHOUSE_DROP_SECONDS", "45"))
DIALECTS = ("hikvision", "axis", "dahua", "tapo", "reolink")


class EventCase(DeviceCase):
    """Helpers about events of devices."""

    def await_event(self, box, channel, category, since=0, seconds=20, **wanted):
        """Wait for one event of this type that began after `since` (unix time); it."""
        def look():
            return next((event for event in box.events_of(channel, type=category) if moment(event["startedAt"]) >= since
                         and all(event[key] == value for key, value in wanted.items())), None)
        return wait_for(look, seconds, lambda: f"a {category} event {wanted} of {channel['name']}; events: "
                        f"{shorten([(one['type'], one['startedAt'], one['region']) for one in box.events_of(channel)])}")

    def await_end(self, box, event, seconds=45):
        """Wait until an event is over; it."""
        return wait_for(lambda: (lambda now: now if now["endedAt"] else None)(box.event(event)), seconds, f"the end of {event['type']}")


class Kinds(EventCase):
    """What devices tell."""

    @classmethod
    def setUpClass(cls):
        cls.simulator = cls.class_devices("--device", "camera", "--device", "nvr:2", "--device", "doorbell")
        cls.box_under_test = box = cls.class_device_box()
        cls.camera, cls.recorder, cls.doorbell = box.onboard(*cls.simulator.devices)
        for device in (cls.camera, cls.recorder, cls.doorbell):
            box.await_events(device)
        cls.channel = box.channels_of(cls.camera)[1]

    def test_every_type(self):
        """Each kind of ISAPI event has its type, region, target, device time and word; what is the device's own has no footage."""
        box, device = self.box_under_test, self.simulator.devices[0]
        for word, category in ISAPI_TYPES.items():
            with self.subTest(type=word):
                began = time.time()
                sent = device.event(type=word, region="2", target="human", seconds=2)
                self.assertTrue(sent["sent"] and sent["delivered_to"] >= 1, sent)
                event = self.await_event(box, self.channel, category, since=began - 2)
                self.assertEqual((event["source"], event["deviceId"], event["deviceType"]), ("camera", self.camera["id"], word))
                self.assertEqual(event["state"], "noted", "the channel is not linked")
                self.assertAlmostEqual(moment(event["startedAt"]), began, delta=2.5)
                if category in ("line-crossing", "intrusion", "region-entrance", "region-exit"):
                    self.assertEqual(event["region"], "2")
                if category in ("motion", "line-crossing", "intrusion", "region-entrance", "region-exit"):
                    self.assertEqual(event["target"], "human")
                    self.assertAlmostEqual(moment(event["deviceTime"]), began, delta=3)
                    self.assertAlmostEqual(moment(self.await_end(box, event)["endedAt"]) - began, 2, delta=2.5)

    def test_doors(self):
        """A visitor who rings and a card at the door are events of the door station."""
        box, channel = self.box_under_test, self.box_under_test.channels_of(self.doorbell)[1]
        for word, category in (("doorbell", "doorbell"), ("AccessControllerEvent", "access")):
            with self.subTest(type=word):
                began = time.time()
                self.assertTrue(self.simulator.devices[2].event(type=word, force=1, seconds=0)["sent"])
                types = ("doorbell", "access", "door")
                event = wait_for(lambda: next((one for one in box.events_of(channel) if moment(one["startedAt"]) > began - 2
                                               and one["type"] in (types if word != "doorbell" else ("doorbell",))), None), 15,
                                 lambda: f"a {category} event: {shorten(box.events_of(channel))}")
                self.assertEqual(event["deviceId"], self.doorbell["id"])

    def test_channels_of_a_recorder(self):
        """Events of a recorder are events of the channel that they are about."""
        box = self.box_under_test
        channels = box.channels_of(self.recorder)
        began = time.time()
        self.simulator.devices[1].event(type="VMD", channel=2, seconds=2)
        event = self.await_event(box, channels[2], "motion", since=began - 2)
        self.assertEqual(event["channelName"], channels[2]["name"])
        self.assertFalse([one for one in box.events_of(channels[1]) if one["type"] == "motion"])

    def test_picture(self):
        """A picture that comes with an event is kept and given out."""
        box, began = self.box_under_test, time.time()
        self.simulator.devices[0].event(type="fielddetection", picture=1, seconds=2, region="7")
        event = self.await_event(box, self.channel, "intrusion", since=began - 2, region="7")
        url = wait_for(lambda: box.event(event)["pictureUrl"], 10, "the picture")
        answer = box.client.request("GET", url.removeprefix("/api/v1"))
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "image/jpeg"))
        self.assertTrue(is_jpeg(answer.body))
        other = box.events_of(self.channel, type="pir")
        for event in other[:1]:
            self.assertEqual(box.client.request("GET", f"/events/{event['id']}/picture").problem().slug, "not-found")

    def test_latency(self):
        """An event's row is there soon after the device sent it."""
        stream, took = self.kept(self.box_under_test.client.stream()), []
        for number in range(8):
            region = str(100 + number)
            began = time.monotonic()
            self.simulator.devices[0].event(type="linedetection", region=region, seconds=0)
            wait_for(lambda: any(event["region"] == region for event in stream.of("event")), 10, "the event's message", every=0.002)
            took.append(time.monotonic() - began)
        print(f"from the device's control request to the message on the page's stream: median {sorted(took)[4] * 1000:.0f} ms, "
              f"longest {max(took) * 1000:.0f} ms (messages of one moment, 200 ms, are put together)", flush=True)
        self.assertLess(max(took), 5)


class Clips(EventCase):
    """Footage of devices' events."""

    def test_clip_of_a_device_event(self):
        """An event of a linked channel's device is recorded from before its beginning until after its end: ISAPI and ONVIF."""
        simulator = self.devices("--device", "camera", "--device", "onvif,dialect=hikvision")
        box = self.device_box()
        devices = box.onboard(*simulator.devices)
        channels = [box.channels_of(device)[1] for device in devices]
        for channel in channels:
            box.call("PATCH", f"/channels/{channel['id']}", {"motion": {"enabled": False}})
            box.link(channel, "custom", resolution="CIF", bitRate=160000)
        for device in devices:
            box.await_events(device)
        box.await_past(2, *channels)
        began = time.time()
        for device in simulator.devices:
            device.event(type="VMD", seconds=8)
        for channel in channels:
            with self.subTest(channel=channel["name"]):
                event = self.await_event(box, channel, "motion", since=began - 3)
                clip = box.await_stored(event, 90)
                self.assertEqual(Footage(os.path.join(box.store, clip["objectKey"])).errors(), "")
                self.assertGreater(clip["durationSeconds"], 8 if channel is channels[0] else 5.9, "it goes on while the event does")
                self.assertAlmostEqual(moment(event["startedAt"]) - moment(clip["startsAt"]), 2, delta=0.3)
                self.assertEqual([one for one in box.events_of(channel, type="motion") if one["id"] != event["id"]], [], "one event, once")


class Oddities(EventCase):
    """Devices that do not keep to the letter."""

    def check(self, kind, quirks, word="linedetection", category="line-crossing"):
        """Devices with one quirk each deliver an event that begins now, once, with an end."""
        names = {quirk.replace(":", "-"): quirk for quirk in quirks}
        simulator = self.many_devices(*(part for name, quirk in names.items() for part in ("--device", kind.format(name=name, quirk=quirk))))
        box = self.device_box(**{"devices.capture-seconds": 1})
        added = dict(zip(names, box.onboard(*simulator.devices)))
        box.without_pictures(*added.values())
        for device in added.values():
            box.await_events(device, 40)
        began = time.time()
        for device in simulator.devices:
            self.assertTrue(device.event(type=word, seconds=3, region="1", picture=1)["sent"], device.name)
        for name, device in added.items():
            with self.subTest(quirk=names[name]):
                channel = {"id": device["channelIds"][0], "name": name}
                event = self.await_event(box, channel, category, since=began - 60, seconds=30)
                self.assertAlmostEqual(moment(event["startedAt"]), began, delta=4, msg="the box's own time")
                if names[name] == "picture-by-url":
                    wait_for(lambda: box.event(event)["pictureUrl"], 10, "the picture")
        for name, device in added.items():
            with self.subTest(quirk=names[name], what="once, with an end"):
                found = box.events_of(device["channelIds"][0], type=category)
                self.assertEqual(len(found), 1, shorten(found))
                self.await_end(box, found[0], 60)

    def test_alert_streams(self):
        """Each oddity of alertStreams still gives its event, at the right time, once."""
        self.check("camera,name={name},quirk={quirk}", STREAM_QUIRKS)

    def test_onvif(self):
        """Each oddity of ONVIF devices still gives its event, at the right time, once."""
        self.check("onvif,name={name},quirk={quirk},zone=8", ONVIF_QUIRKS, "VMD", "motion")

    def test_onvif_dialects(self):
        """Events in the words of five makes."""
        self.check("onvif,name={name},dialect={quirk}", DIALECTS, "VMD", "motion")

    def test_repeated_and_never_ended(self):
        """Events that are repeated, told once or never ended are one event each, and end by silence."""
        quirks = ("repeats", "once", "no-inactive")
        simulator = self.many_devices(*(part for quirk in quirks for part in ("--device", f"camera,name={quirk},quirk={quirk}")),
                                      "--device", "old-camera,name=old", "--device", "thermal,name=thermal", "--device", "nvr:2,name=nvr,quirk=dynamic-channel")
        box = self.device_box(**{"devices.capture-seconds": 1})
        added = box.onboard(*simulator.devices)
        box.without_pictures(*added)
        for device in added:
            box.await_events(device)
        began = time.time()
        for device in simulator.devices:
            device.event(type="VMD", seconds=8, channel=2 if device.name == "nvr" else 1)
        for device, simulated in zip(added, simulator.devices):
            with self.subTest(device=simulated.name):
                channels = box.channels_of(device)
                heard = (1, 2) if simulated.name == "thermal" else (2,) if simulated.name == "nvr" else (1,)
                for number in heard:
                    event = self.await_end(box, self.await_event(box, channels[number], "motion", since=began - 3), 60)
                    self.assertEqual(len(box.events_of(channels[number], type="motion")), 1)
                    if simulated.name in ("repeats", "old"):
                        self.assertAlmostEqual(moment(event["endedAt"]) - began, 8, delta=4, msg="it ends when it was last heard of")
                self.assertEqual([box.events_of(channels[number]) for number in channels if number not in heard], [[]] * (len(channels) - len(heard)))


class Storms(EventCase):
    """Many events, and streams that drop."""

    def numbered(self, box, devices):
        """The numbers of a burst that became events."""
        return sorted(int(event["region"]) for device in devices for channel in device["channelIds"]
                      for event in box.events_of(channel, type="line-crossing"))

    def burst(self, simulator, look_at=lambda: None, **parameters):
        """Let all devices tell of numbered events; the record at its end. `look_at` is called all the time meanwhile."""
        number = simulator.post("/burst", **parameters)["id"]

        def look():
            look_at()
            return next((one for one in simulator.get("/bursts")["bursts"] if one["id"] == number and one["ended"]), None)
        return wait_for(look, parameters["seconds"] + 30, "the burst's end", every=0.5)

    def test_dropped_streams(self):
        """An alertStream that the device drops again and again loses nothing but what was told in the gaps, nothing comes twice, and memory stays flat."""
        simulator = self.many_devices("--device", f"camera,quirk=close-after-40s:{DROP_EVERY}")
        box = self.device_box(**{"log.level": "info"})
        device = box.onboard(simulator.device)[0]
        box.without_pictures(device)
        box.await_events(device)
        resident = []
        told = self.burst(simulator, lambda: resident.append(resident_megabytes(box.pid)), rate=5 if DROP_SECONDS < 60 else 1, seconds=DROP_SECONDS)
        numbers = wait_for(lambda: (lambda found: found if len(found) >= told["delivered"] else None)(self.numbered(box, [device])), 20,
                           lambda: f"{told['delivered']} events; there are {len(self.numbered(box, [device]))}")
        opened = simulator.device.state()["alert_streams"]["opened"]
        early, late = resident[len(resident) // 5], resident[-1]
        print(f"{opened} alertStreams in {DROP_SECONDS} s, dropped each {DROP_EVERY} s: {told['sent']} events raised, {told['delivered']} delivered to a stream, "
              f"{len(numbers)} taken down; resident {early:.0f} MB after a fifth, {late:.0f} MB at the end", flush=True)
        self.assertEqual(len(numbers), len(set(numbers)), "an event came twice")
        self.assertEqual(len(numbers), told["delivered"])
        self.assertGreaterEqual(opened, DROP_SECONDS // DROP_EVERY)
        self.assertGreater(told["delivered"], told["sent"] * 0.8, "the gaps are short")
        self.assertLess(late, early * 1.15 + 5, "something is kept for ever")

    test_dropped_streams.limit = 120 + DROP_SECONDS

    def test_burst(self):
        """200 events a second from 32 devices: each is taken down."""
        simulator = self.many_devices("--count", 32)
        box = self.device_box(**{"devices.capture-seconds": 1, "log.level": "info"})
        devices = box.onboard(*simulator.devices[:16]) + box.onboard(*simulator.devices[16:])
        box.without_pictures(*devices)
        for device in devices:
            box.await_events(device)
        before, began = cpu_seconds(box.pid), time.monotonic()
        told = self.burst(simulator, rate=200, seconds=10)
        share = (cpu_seconds(box.pid) - before) / (time.monotonic() - began)
        numbers = wait_for(lambda: (lambda found: found if len(found) >= told["delivered"] else None)(self.numbered(box, devices)), 60,
                           lambda: f"{told['delivered']} events; there are {len(self.numbered(box, devices))}", every=1)
        print(f"{told['sent']} events in 10 s from 32 devices, {told['delivered']} delivered, {len(set(numbers))} taken down; "
              f"the box used {share * 100:.0f} % of a core meanwhile (with a debug build more than in earnest)", flush=True)
        self.assertEqual(told["delivered"], told["wanted"], "all devices' streams were open")
        self.assertEqual(numbers, list(range(1, told["wanted"] + 1)))
        self.assertEqual(sum(box.device(device)["notifications"] for device in devices), told["wanted"])


def cpu_seconds(pid):
    """What the process has used."""
    fields = stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
