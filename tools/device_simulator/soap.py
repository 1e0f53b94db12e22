"""SOAP 1.2 as ONVIF devices write it: envelopes, faults, durations."""

import datetime
import re
from xml.sax.saxutils import escape

from .markup import BadMarkup, parse

NAMESPACES = {"s": "http://www.w3.org/2003/05/soap-envelope", "tt": "http://www.onvif.org/ver10/schema", "tds": "http://www.onvif.org/ver10/device/wsdl",
              "trt": "http://www.onvif.org/ver10/media/wsdl", "tr2": "http://www.onvif.org/ver20/media/wsdl", "tev": "http://www.onvif.org/ver10/events/wsdl",
              "timg": "http://www.onvif.org/ver20/imaging/wsdl", "tptz": "http://www.onvif.org/ver20/ptz/wsdl", "tse": "http://www.onvif.org/ver10/search/wsdl",
              "trp": "http://www.onvif.org/ver10/replay/wsdl", "wsnt": "http://docs.oasis-open.org/wsn/b-2", "wstop": "http://docs.oasis-open.org/wsn/t-1",
              "wsa": "http://www.w3.org/2005/08/addressing", "ter": "http://www.onvif.org/ver10/error", "tns1": "http://www.onvif.org/ver10/topics",
              "tnsaxis": "http://www.axis.com/2009/event/topics", "tnshik": "http://www.hikvision.com/2011/event/topics"}
DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}


class Fault(Exception):
    """A SOAP fault: code (Sender or Receiver), subcodes, reason, and the HTTP status it comes with."""

    def __init__(self, reason, *subcodes, code="Sender", http=400):
        super().__init__(reason)
        self.reason, self.subcodes, self.code, self.http = reason, subcodes, code, http


class Call:
    """One request: the operation, its node, the security header."""

    def __init__(self, body):
        try:
            root = parse(body)
        except BadMarkup as error:
            raise Fault(f"Not well-formed: {error}", "ter:WellFormed") from error
        content = root.find("Body")
        if root.local != "Envelope" or content is None or not content.children:
            raise Fault("No body", "ter:WellFormed")
        self.node = content.children[0]
        self.name = self.node.local
        prefix = self.node.name.rpartition(":")[0]
        declaration = f"xmlns:{prefix}" if prefix else "xmlns"
        uri = next((node.attributes[declaration] for node in (self.node, content, root) if declaration in node.attributes), "")
        self.service = PREFIXES.get(uri, "")
        header = root.find("Header")
        self.security = header.find("Security") if header else None
        self.message = header.value("MessageID", "") if header else ""
        self.request = None  # the web request


def envelope(body, header=""):
    """A whole message as bytes."""
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope {DECLARED}>{head}<s:Body>{body}</s:Body></s:Envelope>\n'.encode()


def fault(problem):
    """A fault as bytes."""
    inner = ""
    for subcode in reversed(problem.subcodes):
        inner = f"<s:Subcode><s:Value>{subcode}</s:Value>{inner}</s:Subcode>"
    return envelope(f"<s:Fault><s:Code><s:Value>s:{problem.code}</s:Value>{inner}</s:Code>"
                    f'<s:Reason><s:Text xml:lang="en">{escape(problem.reason)}</s:Text></s:Reason></s:Fault>')


def duration(text, usual):
    """Seconds of a duration like PT1M30S."""
    match = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", (text or "").strip())
    if not match:
        return usual
    days, hours, minutes, seconds = (float(value or 0) for value in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def instant(text):
    """A time with zone; without one it is UTC."""
    moment = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)


def stamp(moment):
    """A UTC time."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def items(pairs, quirks):
    """SimpleItems, as the device writes them."""
    shown = ""
    for name, value in pairs:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        text = text.upper() if isinstance(value, bool) and quirks.has("upper-case-booleans") else text
        attributes = [f'Name="{escape(name)}"', f'Value="{escape(text, {chr(34): "&quot;"})}"']
        if quirks.has("attribute-order"):
            attributes.reverse()
        shown += f"<tt:SimpleItem {' '.join(attributes)}/>"
    return shown


def until(device, text, usual):
    """When something ends: from a duration or a time."""
    text = (text or "").strip()
    if text and not text.startswith("P"):
        return instant(text)
    return device.utc() + datetime.timedelta(seconds=duration(text, usual))
