"""ISAPI's paths about the device itself: clock, users, activation, firmware, reboot."""

import datetime
import re
import time

from .isapi_answers import XMLNS, Problem, status, xml
from .activation import Activation, ActivationError, strong

UPGRADE_SECONDS = 8.0


def actions(isapi):
    """(method, pattern, coroutine function) of each path."""
    device, activation = isapi.device, Activation()

    async def get_time(_request):
        clock = device.stamp()
        return xml(f"<Time {XMLNS}>\n<timeMode>{isapi.time_mode}</timeMode>\n<localTime>{clock}</localTime>\n<timeZone>{device.posix_zone()}</timeZone>\n</Time>\n")

    async def time_capabilities(_request):
        return xml(f'<Time {XMLNS}>\n<timeMode opt="NTP,manual">{isapi.time_mode}</timeMode>\n<localTime>{device.stamp()}</localTime>\n'
                   f'<timeZone>{device.posix_zone()}</timeZone>\n</Time>\n')

    async def put_time(request):
        body = isapi.body(request, "Time")
        mode = body.value("timeMode", isapi.time_mode)
        if mode not in ("NTP", "manual"):
            raise Problem("badParameters")
        zone = body.value("timeZone")
        if zone:
            match = re.fullmatch(r"[A-Za-z]+([+-]?)(\d{1,2}):(\d\d):(\d\d)(DST.*)?", zone)
            if not match:
                raise Problem("badParameters")
            minutes = int(match[2]) * 60 + int(match[3])
            device.zone = datetime.timedelta(minutes=minutes if match[1] == "-" else -minutes)
        local = body.value("localTime")
        if mode == "NTP":
            device.faults.pop("clock-skew", None)
            device.clock_offset = 0.0
        elif local:
            moment = datetime.datetime.fromisoformat(local.replace("Z", "+00:00"))
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=datetime.timezone(device.offset()))
            device.faults.pop("clock-skew", None)
            device.set_clock(moment)
        isapi.time_mode = mode
        isapi.changes["System/time"] = isapi.changes.get("System/time", 0) + 1
        return status(request.path)

    async def put_zone(request):
        match = re.fullmatch(r"[A-Za-z]+([+-]?)(\d{1,2}):(\d\d):(\d\d).*", request.body.decode().strip())
        if not match:
            raise Problem("badParameters")
        minutes = int(match[2]) * 60 + int(match[3])
        device.zone = datetime.timedelta(minutes=minutes if match[1] == "-" else -minutes)
        return status(request.path)

    async def reboot(request):
        response = status(request.path)
        response.after = lambda: isapi.world.reboot(device)
        return response

    async def challenge(request):
        if not device.has("not-activated"):
            raise Problem("alreadyActivated")
        try:
            key = activation.begin(isapi.body(request, "PublicKey").value("key", ""))
        except ActivationError as error:
            raise Problem(str(error)) from error
        return xml(f"<Challenge {XMLNS}>\n<key>{key}</key>\n</Challenge>\n")

    async def activate(request):
        if not device.has("not-activated"):
            raise Problem("alreadyActivated")
        try:
            password = activation.finish(isapi.body(request, "ActivateInfo").value("password", ""))
        except ActivationError as error:
            raise Problem(str(error)) from error
        device.faults.pop("not-activated")
        device.lasting.pop("not-activated", None)
        isapi.world.set_password(device, password)
        return status(request.path)

    async def put_user(request, _number):
        body = isapi.body(request, "User")
        if body.value("userName", device.user) != device.user:
            raise Problem("badParameters")
        password = body.value("password")
        old = body.value("loginPassword")
        if old is not None and old != device.password:
            raise Problem("badParameters")
        if password:
            if not strong(password):
                raise Problem("riskPassword")
            isapi.world.set_password(device, password)
            isapi.gate.nonces.clear()
        return status(request.path)

    async def user_check(_request):
        return xml(f"<userCheck {XMLNS}>\n<statusValue>200</statusValue>\n<statusString>OK</statusString>\n<isDefaultPassword>false</isDefaultPassword>\n"
                   "<isRiskPassword>false</isRiskPassword>\n<isActivated>true</isActivated>\n</userCheck>\n")

    async def firmware(request):
        if isapi.upgrade_began is not None:
            raise Problem("upgrading")
        if len(request.body) < 16:
            raise Problem("firmwareMismatch")
        match = re.match(rb"SIMULATED FIRMWARE (V[\d.]+)", request.body)
        isapi.upgrade_began = time.monotonic()
        version = match[1].decode() if match else device.firmware + ".1"

        def done():
            isapi.upgrade_began = None
            device.firmware = version
            if "System/deviceInfo" in isapi.documents:
                isapi.documents["System/deviceInfo"].put("firmwareVersion", version)

        isapi.world.later(UPGRADE_SECONDS, lambda: isapi.world.reboot(device, before_return=done))
        return status(request.path)

    async def upgrade_status(_request):
        began = isapi.upgrade_began
        percent = 0 if began is None else min(99, int((time.monotonic() - began) / UPGRADE_SECONDS * 100))
        return xml(f"<upgradeStatus {XMLNS}>\n<upgrading>{str(began is not None).lower()}</upgrading>\n<percent>{percent}</percent>\n</upgradeStatus>\n")

    async def system_status(_request):
        up = int(time.time() - device.booted)
        return xml(f"<DeviceStatus {XMLNS}>\n<currentDeviceTime>{device.stamp()}</currentDeviceTime>\n<deviceUpTime>{up}</deviceUpTime>\n<CPUList>\n<CPU>\n"
                   "<cpuDescription>2616.00</cpuDescription>\n<cpuUtilization>31</cpuUtilization>\n</CPU>\n</CPUList>\n<MemoryList>\n<Memory>\n"
                   "<memoryDescription>DDR Memory</memoryDescription>\n<memoryUsage>211.5</memoryUsage>\n<memoryAvailable>88.2</memoryAvailable>\n</Memory>\n"
                   "</MemoryList>\n</DeviceStatus>\n")

    async def online(_request):
        host = device.quirk("bound-elsewhere")
        bound = host is not None
        return xml(f"<EZVIZ {XMLNS}>\n<enabled>{str(bound).lower()}</enabled>\n<registerStatus>{str(bound).lower()}</registerStatus>\n"
                   f"<serverAddress>\n<addressingFormatType>hostname</addressingFormatType>\n<hostName>{host['host'] if bound else 'dev.example.net'}</hostName>\n"
                   f"</serverAddress>\n<bindStatus>{'bind' if bound else 'unbind'}</bindStatus>\n</EZVIZ>\n")

    return [("GET", "System/time", get_time), ("PUT", "System/time", put_time), ("GET", "System/time/capabilities", time_capabilities),
            ("PUT", "System/time/timeZone", put_zone), ("PUT", "System/reboot", reboot),
            ("POST", "(?:Security|System)/challenge", challenge), ("PUT", "System/activate", activate),
            ("PUT", r"Security/users/(1)", put_user), ("GET", "Security/userCheck", user_check),
            ("PUT", "System/updateFirmware", firmware), ("GET", "System/upgradeStatus", upgrade_status), ("GET", "System/status", system_status),
            ("GET", "System/Network/EZVIZ", online)]
