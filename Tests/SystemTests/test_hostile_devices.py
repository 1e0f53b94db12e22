"""Devices that mean harm or are out of order: each attack ends in bounded time and memory, with a clear word, and the box goes on."""

import threading
import time

from devices import DeviceCase
from footage import moment
from waiting import resident_megabytes, shorten, wait_for

ATTACKS = ("entity-bomb", "doctype", "huge-body", "endless-body", "slow-drip", "redirect-elsewhere", "lying-length", "garbage", "hang")
INSIDE = ("entity-bomb", "doctype", "slow-drip", "lying-length")  # in the alertStream's parts; the stream itself goes on
GROWTH = 64  # megabytes


class Memory:
    """Watches how much memory a box takes at most."""

    def __init__(self, box):
        self.box, self.most, self.going = box, resident_megabytes(box.pid), True
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        """Look twenty times a second."""
        while self.going and self.box.is_running():
            try:
                self.most = max(self.most, resident_megabytes(self.box.pid))
            except (OSError, AssertionError):
                return
            time.sleep(0.05)

    def close(self):
        """End it."""
        self.going = False
        self.thread.join(5)


class Hostile(DeviceCase):
    """Attacks while a device is added, and while its events come."""

    def settled(self, box):
        """The box's memory after it has done some work of the kind."""
        return resident_megabytes(box.pid)

    def test_while_adding(self):
        """Hostile answers while a device is added: it fails with a clear code within a minute; a good device beside it is added meanwhile."""
        simulator = self.many_devices("--device", "camera,name=good", "--device", "camera,name=better",
                                      *(part for attack in ATTACKS for part in ("--device", f"camera,name={attack}")))
        box = self.device_box(**{"devices.capture-seconds": 1})
        box.without_pictures(*box.onboard(simulator["good"]))
        for attack in ATTACKS:
            simulator[attack].fault(attack, unauthenticated=1)
        before, memory, began = self.settled(box), self.kept(Memory(box)), time.monotonic()
        jobs = {attack: box.begin(simulator[attack].entry(driver="isapi")) for attack in ATTACKS}
        box.without_pictures(*box.onboard(simulator["better"]))
        for attack, job in jobs.items():
            with self.subTest(attack=attack):
                item = box.await_job(job, 90)[0]
                if attack == "lying-length" and item["state"] == "added":
                    continue  # what came whole may be taken
                self.assertEqual(item["state"], "failed", box.steps(item))
                self.assertTrue(item["failure"]["sentence"].strip())
                self.assertNotIn("root:", str(item), "the file that the XML names")
                print(f"{attack}: {item['failure']['code']} after {finished(item):.1f} s", flush=True)
        print(f"memory {before:.0f} MB before, at most {memory.most:.0f} MB; {time.monotonic() - began:.0f} s for all", flush=True)
        self.assertLess(memory.most - before, GROWTH)
        self.assertNotIn("root:x", box.log())
        self.assertTrue(box.get("/system"))

    def test_while_events_come(self):
        """Hostile alertStreams and documents of a device at work: a state that says so, bounded memory, and events again when it is over."""
        simulator = self.many_devices(*(part for attack in ATTACKS for part in ("--device", f"camera,name={attack}")))
        box = self.device_box(**{"devices.capture-seconds": 1, "session.longest-wait-seconds": 2})
        devices = dict(zip(ATTACKS, box.onboard(*simulator.devices)))
        box.without_pictures(*devices.values())
        for device in devices.values():
            box.await_events(device)
        before, memory = self.settled(box), self.kept(Memory(box))
        asked = {}
        for attack in ATTACKS:
            simulator[attack].fault(attack)
            asked[attack] = simulator[attack].state()["counts"]["requests"]
            simulator[attack].post("/reboot", seconds=1)  # ends the stream that is open
        for attack, device in devices.items():
            with self.subTest(attack=attack):
                if attack in INSIDE:
                    for _ in range(20):
                        simulator[attack].event(type="linedetection", seconds=0, target="human")
                    continue
                wait_for(lambda: simulator[attack].state()["counts"]["requests"] >= asked[attack] + 2, 60, f"two requests answered with {attack}")
                def broken():
                    now = box.device(device)
                    return now if now["state"]["code"] in (("silent", "unreachable") if attack == "hang" else ("nonsense", "device-error")) else None
                state = wait_for(broken, 90, lambda: f"trouble because of {attack}: {box.device(device)['state']} {box.device(device)['eventsState']}")
                print(f"{attack}: {state['state']['code']} ({state['state']['detail']}), events {state['eventsState']['code']}", flush=True)
        print(f"memory {before:.0f} MB before, at most {memory.most:.0f} MB", flush=True)
        self.assertLess(memory.most - before, GROWTH)
        for attack in ("entity-bomb", "doctype"):
            self.assertEqual(box.events_of(devices[attack]["channelIds"][0], type="line-crossing"), [], "an event out of hostile XML")
        seen = {attack: len(box.events_of(device["channelIds"][0])) for attack, device in devices.items()}
        for attack in ATTACKS:
            simulator[attack].fault("none", all=1)
            if attack in INSIDE:
                simulator[attack].post("/reboot", seconds=1)
        for device in devices.values():  # whoever waits is asked anew
            box.call("PATCH", f"/devices/{device['id']}", {"password": "camera2026"})
        for attack, device in devices.items():
            with self.subTest(attack=attack, what="afterwards"):
                box.await_events(device, 60)
                wait_for(lambda: simulator[attack].state()["alert_streams"]["open"], 30, "a stream of events")
                simulator[attack].event(type="fielddetection", seconds=0)
                wait_for(lambda: len(box.events_of(device["channelIds"][0])) > seen[attack], 15,
                         lambda: f"an event after {attack}: {shorten(box.device(device)['eventsState'])}")
        self.assertTrue(box.is_running())


def finished(item):
    """How long the trial took."""
    return moment(item["report"]["finishedAt"]) - moment(item["report"]["startedAt"])
