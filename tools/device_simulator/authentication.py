"""Signing in: HTTP digest and basic, WS-UsernameToken, and the lock after too many wrong passwords."""

import base64
import hashlib
import hmac
import re
import secrets
import time
import urllib.request

from .soap import instant
from .web import Response

NONCE_LIFE = 300
MOST_NONCES = 256
TRIES = 7
LOCK_SECONDS = 1800
TOKEN_LIFE = 300
ALGORITHMS = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class Gate:
    """Who gets in to one device."""

    def __init__(self, device):
        self.device = device
        self.realm = "IP Camera(" + device.mac.replace(":", "")[-5:].upper() + ")"
        self.nonces = {}  # nonce -> (when made, nonce counts seen)
        self.tokens = {}  # nonces of WS-UsernameTokens -> when seen
        self.failures = {}  # client -> [wrong passwords in a row, locked until]
        self.failed = self.succeeded = self.stale = self.challenged = self.replayed = 0
        self.used = {}  # algorithm or method -> how often

    def state(self):
        """For GET /state."""
        return {"failed": self.failed, "succeeded": self.succeeded, "stale": self.stale, "challenged": self.challenged,
                "replayed": self.replayed, "used": self.used,
                "clients": {client: {"failed": count, "locked": self.locked(client) > 0} for client, (count, _) in self.failures.items()}}

    def locked(self, client):
        """For how many more seconds this client is locked out."""
        if self.device.has("locked"):
            return LOCK_SECONDS
        return max(0, int(self.failures.get(client, (0, 0))[1] - time.time()))

    def forget(self):
        """Unlock everybody and forget all nonces, as after a reboot."""
        self.failures.clear()
        self.nonces.clear()

    def fail(self, client):
        """Count a wrong password."""
        self.failed += 1
        count, until = self.failures.get(client, (0, 0))
        if until and until < time.time():
            count = 0
        count += 1
        self.failures[client] = (count, time.time() + LOCK_SECONDS if count >= TRIES else 0)

    def succeed(self, client, how):
        """Count a right password."""
        self.succeeded += 1
        self.used[how] = self.used.get(how, 0) + 1
        self.failures.pop(client, None)

    def check(self, request):
        """None when the request may pass, otherwise the answer that it gets."""
        client, header = request.peer, request.headers.get("authorization", "")
        if self.locked(client):
            self.failed += bool(header)
            return self.refusal(request)
        scheme = header.partition(" ")[0].lower()
        if scheme == "digest" and not self.device.has("basic-only"):
            verdict = self.digest(request, header)
        elif scheme == "basic" and (self.device.has("basic-only")):
            verdict = "right" if self.basic(header) else "wrong"
        else:
            verdict = "none"
        if self.device.has("wrong-password") and verdict == "right":
            verdict = "wrong"
        if verdict == "right":
            return None
        if verdict == "wrong":
            self.fail(client)
        elif verdict == "stale":
            self.stale += 1
        else:
            self.challenged += 1
        return self.refusal(request, verdict)

    def basic(self, header):
        """Whether basic credentials are right."""
        try:
            user, _, password = base64.b64decode(header.partition(" ")[2]).decode().partition(":")
        except ValueError:
            return False
        right = user == self.device.user and hmac.compare_digest(password.encode(), self.device.password.encode())
        if right:
            self.succeed("", "basic")
        return right

    def digest(self, request, header):
        """Judge digest credentials: right, wrong or stale."""
        given = urllib.request.parse_keqv_list(urllib.request.parse_http_list(header.partition(" ")[2]))
        algorithm = given.get("algorithm", "MD5").upper()
        if algorithm not in self.algorithms():
            return "none"
        hashed = ALGORITHMS[algorithm]

        def digest(text):
            return hashed(text.encode()).hexdigest()

        first = digest(f"{self.device.user}:{self.realm}:{self.device.password}")
        second = digest(f"{request.method}:{given.get('uri', '')}")
        nonce, count = given.get("nonce", ""), given.get("nc", "")
        if given.get("qop"):
            wanted = digest(":".join((first, nonce, count, given.get("cnonce", ""), given["qop"], second)))
        elif self.device.has("no-qop"):
            wanted = digest(f"{first}:{nonce}:{second}")
        else:
            return "wrong"
        if not hmac.compare_digest(wanted, given.get("response", "").lower()) or given.get("username") != self.device.user:
            return "wrong"
        if given.get("uri") != request.target or given.get("realm") != self.realm:
            return "wrong"
        life = self.device.faults.get("short-nonces", {}).get("seconds", NONCE_LIFE)
        made, seen = self.nonces.get(nonce, (0, None))
        if seen is None or time.time() - made > life:
            return "stale"
        if given.get("qop"):
            if not re.fullmatch(r"[0-9a-fA-F]{8}", count) or count.lower() in seen:
                self.replayed += 1
                return "stale"
            seen.add(count.lower())
        self.succeed(request.peer, f"digest {algorithm}")
        return "right"

    def algorithms(self):
        """The digest algorithms on offer, the better first."""
        if self.device.has("sha256"):
            return ["SHA-256"]
        return ["SHA-256", "MD5"] if self.device.has("sha256-and-md5") else ["MD5"]

    def challenges(self, stale=False):
        """The WWW-Authenticate headers."""
        if self.device.has("basic-only"):
            return [("WWW-Authenticate", f'Basic realm="{self.realm}"')]
        while len(self.nonces) >= MOST_NONCES:
            self.nonces.pop(next(iter(self.nonces)))
        headers = []
        for algorithm in self.algorithms():
            nonce = secrets.token_hex(16)
            self.nonces[nonce] = (time.time(), set())
            qop = "" if self.device.has("no-qop") else 'qop="auth", '
            named = f", algorithm={algorithm}" if algorithm != "MD5" else ""
            headers.append(("WWW-Authenticate", f'Digest {qop}realm="{self.realm}", nonce="{nonce}", stale="{str(stale).lower()}"{named}'))
        return headers

    def refusal(self, request, verdict="none"):
        """A 401 as Hikvision's devices write it."""
        locked = self.locked(request.peer)
        left = max(0, TRIES - self.failures.get(request.peer, (0, 0))[0])
        fields = ""
        if locked:
            fields = f"<lockStatus>lock</lockStatus>\n<unlockTime>{locked}</unlockTime>\n<retryLoginTime>0</retryLoginTime>\n"
        elif verdict == "wrong":
            fields = f"<lockStatus>unlock</lockStatus>\n<unlockTime>0</unlockTime>\n<retryLoginTime>{left}</retryLoginTime>\n"
        body = ('<?xml version="1.0" encoding="UTF-8"?>\n<userCheck version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">\n'
                "<statusValue>401</statusValue>\n<statusString>Unauthorized</statusString>\n<isDefaultPassword>false</isDefaultPassword>\n"
                f"<isActivated>{str(not self.device.has('not-activated')).lower()}</isActivated>\n{fields}</userCheck>\n")
        response = Response(401, body.encode())
        response.headers = self.challenges(verdict == "stale")
        return response

    def token(self, client, security):
        """Judge a WS-Security header (a Node): right, wrong or none."""
        token = None if security is None else security.find("UsernameToken")
        if token is None:
            return "none"
        password, nonce = token.find("Password"), token.value("Nonce", "")
        created = token.value("Created", "")
        if self.locked(client) or password is None:
            return "wrong"
        secret = self.device.password
        try:
            raw = base64.b64decode(nonce)
            moment = instant(created).timestamp()
        except ValueError:
            return "wrong"
        wanted = base64.b64encode(hashlib.sha1(raw + created.encode() + secret.encode()).digest()).decode()
        kind = password.attributes.get("Type", "")
        good = password.text.strip() == wanted if kind.endswith("#PasswordDigest") else kind.endswith("#PasswordText") and password.text == secret
        if not good or token.value("Username") != self.device.user or self.device.has("wrong-password") or self.device.has("http-auth-only"):
            self.fail(client)
            return "wrong"
        if abs((self.device.utc().timestamp()) - moment) > TOKEN_LIFE:
            self.stale += 1
            return "skewed"
        now = time.time()
        self.tokens = {key: seen for key, seen in self.tokens.items() if now - seen < 2 * TOKEN_LIFE} if len(self.tokens) > 5000 else self.tokens
        if nonce + created in self.tokens:
            self.replayed += 1
            return "wrong"
        self.tokens[nonce + created] = now
        self.succeed(client, "ws-username-token")
        return "right"
