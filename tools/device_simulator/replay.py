"""A real device from a recorded fixture: endpoint -> answer in xmltodict's form, or an error status."""

import json
import os
import re

from .device import Device
from .isapi import linked
from .markup import from_mapping


def load(path, number, address, options, settings):
    """A device from a fixture file, with its documents and error statuses."""
    with open(path) as file:
        paths = json.load(file)["data"]["ISAPI"]
    documents, statuses = {}, {}
    for endpoint, answer in paths.items():
        content = answer.get("response")
        if isinstance(content, dict) and len(content) == 1:
            documents[endpoint] = from_mapping(content)
        else:
            statuses[endpoint] = int(answer.get("status_code") or 404)
    info = documents["System/deviceInfo"]
    recorder = "ContentMgmt/InputProxy/channels" in documents
    kind = "nvr" if recorder else "camera"
    channels = max([int(match[1]) for match in (re.fullmatch(r"Streaming/channels/(\d+)0\d", name) for name in documents) if match] or [1])
    if recorder:
        channels = max([channels] + [int(node.value("id", "0")) for node in documents["ContentMgmt/InputProxy/channels"].children])
    own = {"name": settings.get("name") or os.path.basename(path).removesuffix(".json"), "model": info.value("model"),
           "serial": info.value("serialNumber"), "mac": info.value("macAddress"), **settings}
    device = Device(number, kind, address, options, channels, own)
    device.fixture = os.path.realpath(path)
    device.firmware, device.build = info.value("firmwareVersion", ""), info.value("firmwareReleasedDate", "")
    device.type = info.value("deviceType", device.type)
    return device, linked(documents), statuses
