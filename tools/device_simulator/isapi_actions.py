"""ISAPI's paths that do something: pictures, alertStream, PTZ, recordings, disks, doors; and what settings are allowed."""

import re

from .isapi_answers import XMLNS, Problem, status, xml
from . import models
from .events import Event
from .web import Response

CODECS = ("H.264", "H.265", "MJPEG", "MPEG4", "SVAC")
DOORS = ("open", "close", "alwaysOpen", "alwaysClose")


def encoder_state(node):
    """A stream's settings, for GET /state."""
    names = {"codec": "videoCodecType", "width": "videoResolutionWidth", "height": "videoResolutionHeight", "rate": "maxFrameRate",
             "gov": "GovLength", "smart": "SmartCodec/enabled", "bitrate": "vbrUpperCap", "control": "videoQualityControlType"}
    return {key: node.value(f"Video/{path}") for key, path in names.items()}


def check_settings(isapi, path, new):
    """Refuse values that a device would refuse."""
    if re.fullmatch(r"Streaming/channels/\d+", path):
        video = new.find("Video")
        if video is not None:
            if video.value("videoCodecType", "H.264") not in CODECS or not 100 >= int(video.value("fixedQuality", "60")) >= 1:
                raise Problem("badParameters")
            if not 1 <= int(video.value("GovLength", "50")) <= 400 or not 0 <= int(video.value("maxFrameRate", "2500")) <= 6000:
                raise Problem("badParameters")
            if not 32 <= int(video.value("vbrUpperCap", "4096")) <= 32768:
                raise Problem("badParameters")
    if path.endswith("motionDetection"):
        grid = new.value("MotionDetectionLayout/layout/gridMap")
        if grid is not None and not re.fullmatch(r"[0-9a-fA-F]{108}", grid):
            raise Problem("badParameters")
        sensitivity = new.value("MotionDetectionLayout/sensitivityLevel")
        if sensitivity is not None and not 0 <= int(sensitivity) <= 100:
            raise Problem("badParameters")


def changed(isapi, path, node):
    """Follow a document that was changed."""
    if path == "System/deviceInfo":
        info = isapi.device
        node.put("serialNumber", info.serial)
        node.put("model", info.model)
    if path == "System/time/ntpServers" and isapi.time_mode == "NTP":
        isapi.device.faults.pop("clock-skew", None)


def actions(isapi):
    """(method, pattern, coroutine function) of each path."""
    found = pictures_and_events(isapi) + content(isapi)
    if isapi.device.kind == "ptz" or isapi.device.settings.get("ptz"):
        found += movements(isapi)
    else:
        async def unsupported(_request):
            raise Problem("notSupport")

        found += [(method, "PTZCtrl/.*", unsupported) for method in ("GET", "PUT", "POST", "DELETE")]
    if isapi.device.kind == "doorbell":
        found += doors(isapi)
    return found


def pictures_and_events(isapi):
    """Snapshots, the alertStream, what streams can do."""
    device = isapi.device

    async def picture(_request, channel):
        if not 1 <= int(channel) // 100 <= device.channels and not 1 <= int(channel) <= device.channels:
            raise Problem("badParameters")
        device.counts["pictures"] += 1
        return Response(200, await isapi.media.picture(device, int(channel)), kind="image/jpeg")

    async def alert_stream(_request):
        answer = isapi.alerts.answer()
        if answer is None:
            raise Problem("deviceBusy")
        return answer

    async def capabilities(_request, identifier):
        if isapi.find(f"Streaming/channels/{identifier}") is None:
            raise Problem("invalidOperation")
        return xml(models.streaming_capabilities(identifier))

    async def event_capabilities(_request):
        return xml(f"<EventCap {XMLNS}><isSupportMotionDetection>true</isSupportMotionDetection><isSupportHDFull>true</isSupportHDFull></EventCap>")

    async def snapshot(request):
        return await picture(request, "101")

    return [("GET", r"Streaming/channels/(\d+)/picture", picture), ("GET", r"Streaming/picture", snapshot),
            ("GET", "Event/notification/alertStream", alert_stream), ("GET", r"Streaming/channels/(\d+)/capabilities", capabilities),
            ("GET", "Event/capabilities", event_capabilities)]


def content(isapi):
    """Recordings and disks."""
    device, recordings = isapi.device, isapi.recordings

    async def search(request):
        return xml(recordings.search(isapi.body(request, "CMSearchDescription")))

    async def tracks(_request):
        return xml(recordings.tracks())

    async def track(_request, number):
        if not 1 <= int(number) // 100 <= device.channels:
            raise Problem("invalidOperation")
        return xml(recordings.track(int(number) // 100))

    async def distribution(request, number):
        if not 1 <= int(number) // 100 <= device.channels:
            raise Problem("badParameters")
        return xml(recordings.distribution(isapi.body(request, "trackDailyParam"), int(number)))

    async def download(request):
        uri = request.query.get("playbackURI")
        if not uri:
            uri = isapi.body(request, "downloadRequest").value("playbackURI", "")
        if "/Streaming/tracks/" not in uri:
            raise Problem("badParameters")
        if device.settings.get("download") == "none":
            raise Problem("notSupport")
        device.counts["downloads"] += 1
        data = await isapi.media.recording(device.settings.get("download", "mp4"))
        return Response(200, data, kind="application/octet-stream", headers={"Content-Disposition": 'attachment; filename="recording.mp4"'})

    async def disk(request):
        """Set a disk's state: not ISAPI, but what formatting does."""
        raise Problem("notSupport")

    async def format_disk(request, number):
        storage = isapi.documents.get("ContentMgmt/Storage")
        found = next((node for node in storage.find("hddList").children if node.value("id") == number), None)
        if found is None:
            raise Problem("badParameters")
        found.put("status", "ok")
        return status(request.path)

    async def disks(_request):
        return xml(isapi.documents["ContentMgmt/Storage"].find("hddList"))

    async def smart(_request, number):
        storage = isapi.documents.get("ContentMgmt/Storage")
        found = next((node for node in storage.find("hddList").children if node.value("id") == number), None)
        if found is None:
            raise Problem("badParameters")
        bad = found.value("status") not in ("ok", "sleeping")
        rows = "".join(f"<TestResult>\n<attributeID>{identifier}</attributeID>\n<status>{'bad' if bad and raw else 'ok'}</status>\n<flags>2f</flags>\n<value>{value}</value>\n"
                       f"<worst>{value}</worst>\n<thresholds>{threshold}</thresholds>\n<rawValue>{raw}</rawValue>\n</TestResult>\n"
                       for identifier, value, threshold, raw in ((5, 40 if bad else 100, 36, 2112 if bad else 0), (9, 88, 0, 10231), (194, 64, 0, 41),
                                                                 (197, 60 if bad else 100, 0, 96 if bad else 0)))
        return xml(f"<SmartTest {XMLNS}>\n<temprature>41</temprature>\n<powerOnDay>426</powerOnDay>\n<selfEvaluaingStatus>{'error' if bad else 'ok'}</selfEvaluaingStatus>\n"
                   f"<allEvaluaingStatus>{'error' if bad else 'ok'}</allEvaluaingStatus>\n<selfTestPercent>0</selfTestPercent>\n<selfTestStatus>ok</selfTestStatus>\n"
                   f"<testType>short</testType>\n<TestResultList>\n{rows}</TestResultList>\n</SmartTest>\n")

    return [("POST", "ContentMgmt/search", search), ("GET", "ContentMgmt/record/tracks", tracks), ("GET", r"ContentMgmt/record/tracks/(\d+)", track),
            ("POST", r"ContentMgmt/record/tracks/(\d+)/dailyDistribution", distribution),
            ("GET", "ContentMgmt/download", download), ("POST", "ContentMgmt/download", download),
            ("GET", "ContentMgmt/Storage/hdd", disks), ("PUT", r"ContentMgmt/Storage/hdd/(\d+)/format", format_disk),
            ("GET", r"ContentMgmt/Storage/hdd/(\d+)/SMARTTest/status", smart), ("POST", "ContentMgmt/Storage/hdd", disk)]


def movements(isapi):
    """PTZ: speeds are -100 to 100."""
    head = isapi.head

    def speed(body, name):
        value = body.value(name)
        if value is None:
            return None
        if not -100 <= float(value) <= 100:
            raise Problem("badParameters")
        return float(value) / 100

    async def continuous(request, _channel):
        body = isapi.body(request, "PTZData")
        head.move(speed(body, "pan"), speed(body, "tilt"), speed(body, "zoom"))
        head.last_command = "continuous"
        return status(request.path)

    async def momentary(request, _channel):
        body = isapi.body(request, "PTZData")
        duration = float(body.value("Momentary/duration", "1000")) / 1000
        head.move(speed(body, "pan"), speed(body, "tilt"), speed(body, "zoom"), seconds=duration)
        head.last_command = "momentary"
        return status(request.path)

    async def absolute(request, _channel):
        place = isapi.body(request, "PTZData").find("AbsoluteHigh")
        head.go((float(place.value("azimuth")) / 1800 - 1, float(place.value("elevation")) / 900, (float(place.value("absoluteZoom")) - 10) / 240))
        return status(request.path)

    async def where(_request, _channel):
        head.settle()
        pan, tilt, zoom = head.at
        return xml(f"<PTZStatus {XMLNS}>\n<AbsoluteHigh>\n<elevation>{round(tilt * 900)}</elevation>\n<azimuth>{round((pan + 1) * 1800)}</azimuth>\n"
                   f"<absoluteZoom>{round(10 + zoom * 240)}</absoluteZoom>\n</AbsoluteHigh>\n</PTZStatus>\n")

    def preset(number):
        return (f"<PTZPreset {XMLNS}>\n<enabled>{str(number in head.presets).lower()}</enabled>\n<id>{number}</id>\n"
                f"<presetName>{head.presets.get(number, (f'Preset {number}',))[0]}</presetName>\n</PTZPreset>\n")

    async def presets(_request, _channel):
        return xml(f"<PTZPresetList {XMLNS}>\n" + "".join(preset(number) for number in sorted({*head.presets, *range(1, 9)})) + "</PTZPresetList>\n")

    async def one_preset(_request, _channel, number):
        return xml(preset(int(number)))

    async def set_preset(request, _channel, number):
        if not 1 <= int(number) <= 300:
            raise Problem("badParameters")
        body = isapi.body(request, "PTZPreset") if request.body else None
        head.set_preset(int(number), body.value("presetName") if body else None)
        return status(request.path)

    async def remove_preset(request, _channel, number):
        if head.presets.pop(int(number), None) is None:
            raise Problem("badParameters")
        return status(request.path)

    async def go_preset(request, _channel, number):
        if not head.go_preset(int(number)):
            raise Problem("badParameters")
        return status(request.path)

    async def patrols(_request, _channel):
        listed = "".join(f"<PTZPatrol>\n<enabled>true</enabled>\n<id>{number}</id>\n<patrolName>{name}</patrolName>\n</PTZPatrol>\n" for number, name in head.patrols.items())
        return xml(f"<PTZPatrolList {XMLNS}>\n{listed}</PTZPatrolList>\n")

    async def patrol(request, _channel, number, what):
        if int(number) not in head.patrols:
            raise Problem("badParameters")
        head.patrol = int(number) if what == "start" else None
        head.last_command = f"patrol {number} {what}"
        return status(request.path)

    async def auxiliaries(_request, _channel):
        listed = "".join(f"<PTZAux>\n<id>{number}</id>\n<type>{kind}</type>\n<status>{'on' if head.auxiliary.get(kind) else 'off'}</status>\n</PTZAux>\n"
                         for number, kind in ((1, "LIGHT"), (2, "WIPER")))
        return xml(f"<PTZAuxList {XMLNS}>\n{listed}</PTZAuxList>\n")

    async def auxiliary(request, _channel, number):
        body = isapi.body(request, "PTZAux")
        kind = body.value("type") or {"1": "LIGHT", "2": "WIPER"}.get(number, number)
        head.auxiliary[kind] = body.value("status") == "on"
        head.last_command = f"auxiliary {kind}"
        return status(request.path)

    async def focus(request, _channel):
        head.move(focus=float(isapi.body(request, "FocusData").value("focus")) / 100)
        head.last_command = "focus"
        return status(request.path)

    async def capabilities(_request, _channel):
        return xml(f"<PTZChanelCap {XMLNS}>\n<AbsolutePanTiltPositionSpace>\n<XRange>\n<Min>0</Min>\n<Max>3600</Max>\n</XRange>\n</AbsolutePanTiltPositionSpace>\n"
                   "<ContinuousPanTiltSpace>\n<XRange>\n<Min>-100</Min>\n<Max>100</Max>\n</XRange>\n<YRange>\n<Min>-100</Min>\n<Max>100</Max>\n</YRange>\n"
                   "</ContinuousPanTiltSpace>\n<ContinuousZoomSpace>\n<ZRange>\n<Min>-100</Min>\n<Max>100</Max>\n</ZRange>\n</ContinuousZoomSpace>\n"
                   "<maxPresetNum>300</maxPresetNum>\n<maxPatrolNum>8</maxPatrolNum>\n<controlProtocol><current>HIKVISION</current></controlProtocol>\n</PTZChanelCap>\n")

    at = r"PTZCtrl/channels/(\d+)"
    return [("PUT", f"{at}/continuous", continuous), ("PUT", f"{at}/momentary", momentary), ("PUT", f"{at}/absolute", absolute), ("GET", f"{at}/status", where),
            ("GET", f"{at}/presets", presets), ("GET", rf"{at}/presets/(\d+)", one_preset), ("PUT", rf"{at}/presets/(\d+)", set_preset),
            ("DELETE", rf"{at}/presets/(\d+)", remove_preset), ("PUT", rf"{at}/presets/(\d+)/goto", go_preset), ("GET", f"{at}/patrols", patrols),
            ("PUT", rf"{at}/patrols/(\d+)/(start|stop)", patrol), ("GET", f"{at}/auxcontrols", auxiliaries), ("PUT", rf"{at}/auxcontrols/(\d+)", auxiliary),
            ("PUT", r"System/Video/inputs/channels/(\d+)/focus", focus), ("GET", f"{at}/capabilities", capabilities)]


def doors(isapi):
    """Doors of a doorbell."""

    async def control(request, number):
        command = isapi.body(request, "RemoteControlDoor").value("cmd")
        if number not in ("1", "65535") or command not in DOORS:
            raise Problem("badParameters")
        isapi.doors.setdefault("1", []).append(command)
        isapi.hub.publish(Event("AccessControllerEvent", name="remote"))
        return status(request.path)

    async def door_status(_request):
        return xml(f"<AcsWorkStatus {XMLNS}>\n<doorStatus>{(isapi.doors.get('1') or ['close'])[-1]}</doorStatus>\n</AcsWorkStatus>\n")

    return [("PUT", r"AccessControl/RemoteControl/door/(\d+)", control), ("GET", "AccessControl/AcsWorkStatus", door_status)]
