"""ISAPI of a device: documents that are read and changed, and the paths that do something."""

import re

from . import isapi_actions, isapi_system
from .isapi_answers import XMLNS, Problem, status, xml
from .markup import BadMarkup, parse
from .talk import Loudspeaker

class Isapi:
    """Answers requests below /ISAPI/ (and /SDK/, /picture/) of one device."""

    def __init__(self, device, documents, parts, world):
        self.device, self.documents, self.world = device, documents, world
        self.gate, self.hub, self.head, self.recordings, self.alerts, self.media = parts
        self.statuses = {}  # paths of a fixture that answer with an error: path -> HTTP status
        self.upgrade_began = None
        self.picture_number = 0
        self.changes = {}  # path -> how often it was changed
        self.doors = {}
        self.time_mode = "NTP"
        self.loudspeaker = Loudspeaker(device.settings.get("speaker") or "G.711ulaw") if device.kind == "doorbell" or device.settings.get("speaker") else None
        self.actions = isapi_system.actions(self) + isapi_actions.actions(self) + (self.loudspeaker.actions() if self.loudspeaker else [])
        if not device.fixture:
            self.hub.gate = self.why_silent

    def state(self):
        """For GET /state."""
        return {"talk": self.loudspeaker.state() if self.loudspeaker else None, "changes": self.changes, "doors": self.doors, "time_mode": self.time_mode, "upgrading": self.upgrade_began is not None,
                "encoders": {path.rpartition("/")[2]: isapi_actions.encoder_state(node) for path, node in self.documents.items()
                             if re.fullmatch(r"Streaming/channels/\d+", path)}}

    async def answer(self, request):
        """Answer one request."""
        device = self.device
        device.counts["isapi"] += 1
        path = request.path
        if path == "/SDK/activateStatus":
            return xml(f"<ActivateStatus {XMLNS}><Activated>{str(not device.has('not-activated')).lower()}</Activated></ActivateStatus>")
        short = re.sub(r"^/(ISAPI|PSIA)/", "", path).strip("/")
        opening = short in ("Security/challenge", "System/challenge", "System/activate")
        if device.has("not-activated") and not opening:
            return status(path, "notActivated")
        if not device.has("not-activated"):
            refusal = self.gate.check(request)
            if refusal:
                return refusal
        try:
            if device.has("low-privilege") and request.method != "GET" and short != "ContentMgmt/search":
                raise Problem("lowPrivilege")
            for method, pattern, function in self.actions:
                match = re.fullmatch(pattern, short, re.IGNORECASE)
                if match and method == request.method:
                    return await function(request, *match.groups())
            return self.document(request, short)
        except Problem as problem:
            return status(path, str(problem))
        except BadMarkup:
            return status(path, "badXmlFormat")
        except (ValueError, AttributeError, KeyError, TypeError):
            return status(path, "badParameters")

    def body(self, request, root=None):
        """The request's document; Problem when its root is another than expected."""
        node = parse(request.body)
        if root and node.local != root:
            raise Problem("badXmlContent")
        return node

    def find(self, path):
        """The document of a path, an item of a list by its id, or None."""
        if path in self.documents:
            return self.documents[path]
        parent, _, last = path.rpartition("/")
        listed = self.documents.get(parent)
        return next((node for node in listed.children if node.value("id") == last), None) if listed else None

    def document(self, request, path):
        """Read or change a document."""
        if path in self.statuses:
            return status(request.path, "notSupport" if self.statuses[path] == 403 else "invalidOperation", http=self.statuses[path])
        node = self.find(path)
        if node is None:
            return status(request.path, "invalidOperation")
        if request.method == "GET":
            return xml(node)
        if request.method != "PUT":
            raise Problem("methodNotAllowed")
        new = self.body(request, node.local)
        isapi_actions.check_settings(self, path, new)
        node.merge(new)
        self.changes[path] = self.changes.get(path, 0) + 1
        isapi_actions.changed(self, path, node)
        return status(request.path)

    def why_silent(self, kind, channel):
        """Why an event is not told, or None: its trigger does not notify the centre, or its detection is off."""
        triggers = self.documents.get("Event/triggers")
        for trigger in triggers.children if triggers else []:
            number = trigger.value("videoInputChannelID")
            if trigger.value("eventType", "").lower() == kind.lower() and number in (None, str(channel)):
                listed = trigger.find("EventTriggerNotificationList")
                if listed is None or not any(note.value("notificationMethod") == "center" for note in listed.children):
                    return f"{trigger.value('id')} does not notify the centre"
        paths = {"VMD": ("System/Video/inputs/channels/{}/motionDetection", "ContentMgmt/InputProxy/channels/{}/video/motionDetection"),
                 "linedetection": ("Smart/LineDetection/{}",), "fielddetection": ("Smart/FieldDetection/{}",),
                 "regionEntrance": ("Smart/regionEntrance/{}",), "regionExiting": ("Smart/regionExiting/{}",)}
        for path in paths.get(kind, ()):
            node = self.documents.get(path.format(channel))
            if node is not None and node.value("enabled") == "false":
                return f"{path.format(channel)} is off"
        return None


def linked(documents):
    """Documents in which the items of lists are the same nodes as the documents of their own."""
    for path, node in documents.items():
        for at, child in enumerate(node.children):
            own = documents.get(f"{path}/{child.value('id')}")
            if own is not None and own.local == child.local:
                node.children[at] = own
    return documents
