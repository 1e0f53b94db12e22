"""What can be strange, broken or hostile about a device: names, parameters, meaning."""

QUIRKS = {
    # How the alertStream is written
    "doubled-boundary": ({}, "every boundary of the alertStream is written twice"),
    "wrong-boundary": ({}, "the header names another boundary than the alertStream uses"),
    "no-boundary": ({}, "the alertStream is bare XML, one document after the other"),
    "hikboundary": ({}, "the boundary is called hikboundary"),
    "not-utf8": ({}, "bytes that are not UTF-8 in channelName"),
    "no-final-boundary": ({}, "the alertStream ends without a final boundary"),
    "no-content-length": ({}, "the alertStream's parts have no Content-Length"),
    "not-chunked-close": ({"events": 1}, "the alertStream is not chunked and ends after that many events"),
    "close-after-40s": ({"seconds": 40}, "the device ends the alertStream after that long"),
    "no-heartbeat": ({}, "no heartbeats"),
    # What events say
    "six-digit-zone": ({}, "dateTime ends in -6:00, and that is the device's zone"),
    "psia-namespace": ({}, "events have the namespace urn:psialliance-org"),
    "isapi-namespace": ({}, "events have the namespace http://www.isapi.org/ver20/XMLSchema"),
    "ver10-namespace": ({}, "events have the namespace http://www.hikvision.com/ver10/XMLSchema"),
    "protocol-type": ({}, "protocolType where others write protocol"),
    "empty-region": ({}, "regionID is empty"),
    "picture-by-url": ({}, "pictures come as a URL on the device"),
    "two-channels": ({}, "each event comes on channel 1 and on channel 2 (thermal)"),
    "dynamic-channel": ({}, "dynChannelID and no channelID (recorders)"),
    "repeats": ({}, "active is repeated each second for as long as the event lasts; inactive never comes"),
    "once": ({}, "active comes once; inactive never comes"),
    "no-inactive": ({}, "inactive never comes"),
    # Clock
    "clock-skew": ({"seconds": 3600}, "the device's clock is off by that much"),
    "utc-is-local": ({}, "ONVIF: the UTC time is the local time"),
    "utctime-1970": ({}, "ONVIF: events are from 1970"),
    "utctime-without-z": ({}, "ONVIF: times of events have no Z"),
    # ONVIF
    "xaddr-wrong-host": ({"host": "192.168.254.254:8899"}, "XAddrs and subscription addresses name another host"),
    "attribute-order": ({}, "Value before Name"),
    "upper-case-booleans": ({}, "TRUE and FALSE"),
    "no-stream-uri": ({}, "GetStreamUri answers without a URI"),
    "datetime-needs-auth": ({}, "GetSystemDateAndTime asks for authentication"),
    "unknown-operation": ({"name": "GetAudioOutputs"}, "ONVIF: this operation is not known"),
    "http-auth-only": ({}, "ONVIF: WS-UsernameToken is refused, HTTP digest is taken"),
    # ONVIF's replay
    "replay-end": ({"how": "bye"}, "how playing ends: bye, close, mark (the last frame says so) or silence"),
    "replay-status": ({"status": 457}, "PLAY is refused so"),
    "replay-unstamped": ({}, "frames do not say when they were recorded"),
    "replay-ignores-range": ({}, "all that was recorded is played, whatever was asked for"),
    "replay-breaks-off": ({"seconds": 3}, "the connection is closed after that much of a recording"),
    # ONVIF's back channel
    "outputs-in-profiles": ({}, "profiles tell of a loudspeaker"),
    "talk-unsupported": ({}, "551 for every request that requires the back channel"),
    "talk-no-track": ({}, "streams are described without a track back"),
    "talk-silent": ({}, "requests that require the back channel are not answered"),
    "talk-breaks-off": ({"bytes": 4000}, "the connection is closed after that much sound"),
    # Signing in
    "wrong-password": ({}, "no password is right"),
    "locked": ({}, "the account is locked for every address"),
    "not-activated": ({}, "the device has no password yet"),
    "bound-elsewhere": ({"host": "cloud.example.net"}, "the device belongs to another platform (SADP, Hik-Connect, httpHosts)"),
    "basic-only": ({}, "basic authentication, no digest"),
    "sha256": ({}, "digest with SHA-256 only"),
    "sha256-and-md5": ({}, "digest with SHA-256 or MD5"),
    "no-qop": ({}, "digest as in RFC 2069, without qop"),
    "short-nonces": ({"seconds": 2}, "nonces live that long"),
    "late-streams": ({"seconds": 2}, "RTSP takes a new password over that much later than HTTP does"),
    "low-privilege": ({}, "the user may look but not change"),
    # Capacity
    "too-many-sessions": ({"most": 0}, "more alertStreams, subscriptions or RTSP sessions than that are refused"),
    "busy": ({}, "503 for everything"),
    # Hostile or broken
    "entity-bomb": ({}, "XML with entities that grow to gigabytes"),
    "doctype": ({"url": "file:///etc/passwd"}, "XML with an external entity"),
    "huge-body": ({"bytes": 100_000_000}, "an answer of that many bytes"),
    "endless-body": ({}, "an answer that never ends"),
    "slow-drip": ({"seconds": 1.0}, "one byte in that time"),
    "redirect-elsewhere": ({"to": "http://127.0.0.66:8080"}, "302 to another host"),
    "lying-length": ({"difference": 1000}, "Content-Length is that much too large (or too small)"),
    "garbage": ({}, "random bytes instead of HTTP"),
    "hang": ({}, "connections are taken, nothing is answered"),
    "stop": ({}, "nothing listens"),
}

HOSTILE = ("entity-bomb", "doctype", "huge-body", "endless-body", "slow-drip", "redirect-elsewhere", "lying-length", "garbage")


def checked(name, given):
    """The parameters of a quirk, with defaults for what is not given; ValueError for what is unknown.

    Every quirk of answers also takes `path`: it applies only to requests whose path has it.
    """
    if name not in QUIRKS:
        raise ValueError(f"unknown quirk {name!r}; known: {', '.join(QUIRKS)}")
    parameters = dict(QUIRKS[name][0])
    for key, value in given.items():
        if key not in parameters and key not in ("path", "unauthenticated"):
            raise ValueError(f"{name} has no parameter {key!r}")
        kind = type(parameters.get(key, ""))
        parameters[key] = kind(float(value)) if kind is int else kind(value)
    return parameters


def from_text(text):
    """"a+b:5" as quirks; the value after a colon is that of the quirk's one parameter."""
    found = {}
    for part in filter(None, text.split("+")):
        name, _, value = part.partition(":")
        if value and not QUIRKS.get(name, ({},))[0]:
            raise ValueError(f"{name} has no value")
        found[name] = checked(name, {next(iter(QUIRKS[name][0])): value} if value else {})
    return found


def described():
    """The list for the help."""
    lines = []
    for name, (parameters, meaning) in QUIRKS.items():
        shown = ", ".join(f"{key}={value}" for key, value in parameters.items())
        lines.append(f"  {name:20} {meaning}{f' ({shown})' if shown else ''}")
    return "\n".join(lines)
