"""Signature Version 4 as a store checks it: written from the specification, apart from the box's own code."""

import base64
import datetime
import hashlib
import hmac
import re
import urllib.parse

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$")


class Refused(Exception):
    """An S3 error: status and code."""

    def __init__(self, status, code):
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


def hmac_sha256(key, text):
    """HMAC of a text."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signing_key(secret, day, region):
    """The key of a day and region."""
    return hmac_sha256(hmac_sha256(hmac_sha256(hmac_sha256(b"AWS4" + secret.encode(), day), region), "s3"), "aws4_request")


def canonical_query(query):
    """The query in canonical form."""
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    encoded = sorted((urllib.parse.quote(name, "-_.~"), urllib.parse.quote(value, "-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def check(method, target, headers, known, now=None):
    """Raise Refused unless the request is signed with what `known` says: access_key, secret_key, region, session_token.

    `target` is the request's target as it came, `headers` a function from lower-case name to value or None.
    """
    match = AUTHORIZATION.match(headers("authorization") or "")
    if not match:
        raise Refused(403, "AccessDenied")
    access_key, day, region, names, signature = match.groups()
    if access_key != known["access_key"]:
        raise Refused(403, "InvalidAccessKeyId")
    if region != known["region"]:
        raise Refused(400, "AuthorizationHeaderMalformed")
    stamp = headers("x-amz-date") or ""
    check_time(stamp, day, now or datetime.datetime.now(datetime.timezone.utc))
    listed = names.split(";")
    if listed != sorted(listed) or not {"host", "x-amz-content-sha256", "x-amz-date"} <= set(listed):
        raise Refused(403, "SignatureDoesNotMatch")
    for name in ("x-amz-security-token", "if-none-match", "content-type"):
        if headers(name) is not None and name not in listed:
            raise Refused(403, "SignatureDoesNotMatch")
    if known.get("session_token") and headers("x-amz-security-token") != known["session_token"]:
        raise Refused(403, "InvalidToken")
    path, _, query = target.partition("?")
    content = headers("x-amz-content-sha256") or ""
    canonical = "\n".join([
        method, urllib.parse.quote(urllib.parse.unquote(path), "/-_.~"), canonical_query(query),
        "".join(f"{name}:{' '.join((headers(name) or '').split())}\n" for name in listed), names, content])
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, f"{day}/{region}/s3/aws4_request", hashlib.sha256(canonical.encode()).hexdigest()])
    expected = hmac.new(signing_key(known["secret_key"], day, region), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise Refused(403, "SignatureDoesNotMatch")


def check_address(method, target, host, known, now=None):
    """Raise Refused unless an address is signed (query parameters of SigV4) and still valid."""
    path, _, query = target.partition("?")
    given = dict(urllib.parse.parse_qsl(query))
    day = given.get("X-Amz-Date", "")[:8]
    rest = "&".join(part for part in query.split("&") if not part.startswith("X-Amz-Signature="))
    canonical = "\n".join([method, urllib.parse.quote(urllib.parse.unquote(path), "/-_.~"), canonical_query(rest), f"host:{host}\n", "host",
                           "UNSIGNED-PAYLOAD"])
    text = "\n".join(["AWS4-HMAC-SHA256", given.get("X-Amz-Date", ""), f"{day}/{known['region']}/s3/aws4_request",
                      hashlib.sha256(canonical.encode()).hexdigest()])
    expected = hmac.new(signing_key(known["secret_key"], day, known["region"]), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, given.get("X-Amz-Signature", "")):
        raise Refused(403, "SignatureDoesNotMatch")
    begun = datetime.datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    age = ((now or datetime.datetime.now(datetime.timezone.utc)) - begun).total_seconds()
    if not -900 <= age <= int(given["X-Amz-Expires"]):
        raise Refused(403, "AccessDenied")


def check_time(stamp, day, now):
    """The request's time is within 15 minutes of ours."""
    try:
        signed_at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        raise Refused(403, "AccessDenied") from None
    if not stamp.startswith(day):
        raise Refused(403, "SignatureDoesNotMatch")
    if abs((now - signed_at).total_seconds()) > 900:
        raise Refused(403, "RequestTimeTooSkewed")


def check_body(headers, body):
    """Raise Refused unless the body is what was signed."""
    content = headers("x-amz-content-sha256") or ""
    if not re.fullmatch(r"[0-9a-f]{64}", content):
        raise Refused(400, "InvalidDigest")
    digest = hashlib.sha256(body)
    if digest.hexdigest() != content:
        raise Refused(400, "XAmzContentSHA256Mismatch")
    named = headers("x-amz-checksum-sha256")
    if named is not None and base64.b64decode(named) != digest.digest():
        raise Refused(400, "BadDigest")
