"""A client of the box's API: JSON in and out, problems raised with type, detail and fields."""

import http.client
import json
import os
import ssl
import threading
import urllib.parse


class Problem(Exception):
    """A problem+json answer."""

    def __init__(self, status, headers, document, request):
        self.status, self.headers, self.document, self.request = status, headers, document, request
        self.slug = str(document.get("type", "")).rpartition("/")[2]
        self.detail = str(document.get("detail", ""))
        self.fields = [str(error.get("field", "")) for error in document.get("errors") or []]
        super().__init__(f"{request}: {status} {self.slug}: {self.detail} {document.get('errors') or ''}")


class NotAProblem(AssertionError):
    """An error answer that is no well-formed RFC 9457 problem."""


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, status, headers, body, request):
        self.status, self.headers, self.body, self.request = status, headers, body, request

    @property
    def json(self):
        """The body as JSON."""
        return json.loads(self.body)

    def problem(self):
        """The Problem that an error answer is; NotAProblem when it is malformed."""
        told = f"{self.request}: {self.status} with {self.body[:300]!r}"
        if not self.headers.get("content-type", "").startswith("application/problem+json"):
            raise NotAProblem(f"{told} is not application/problem+json but {self.headers.get('content-type')}")
        try:
            document = json.loads(self.body)
        except ValueError:
            raise NotAProblem(f"{told} is not JSON") from None
        for name, kind in {"type": str, "title": str, "status": int, "detail": str}.items():
            if not isinstance(document.get(name), kind) or not document[name]:
                raise NotAProblem(f"{told} has no {name}")
        if document["status"] != self.status:
            raise NotAProblem(f"{told} says {document['status']} inside")
        return Problem(self.status, self.headers, document, self.request)


class Client:
    """Talks to one box at `base`, an address such as http://127.0.0.1:40000."""

    def __init__(self, base, timeout=30):
        self.base, self.timeout, self.token = base.rstrip("/"), timeout, None
        parts = urllib.parse.urlsplit(self.base)
        self.host, self.port, self.tls = parts.hostname, parts.port, parts.scheme == "https"

    def connect(self, timeout=None):
        """A new connection; the box's own certificate is not checked."""
        timeout = timeout or self.timeout
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, token="own", timeout=None):
        """Send one request; `body` is bytes or something for JSON. Gives the answer whatever it says."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        token = self.token if token == "own" else token
        if token:
            headers.setdefault("Authorization", f"Bearer {token}")
        if not path.startswith("/metrics") and not path.startswith("//"):
            path = "/api/v1" + path
        connection = self.connect(timeout)
        try:
            connection.request(method, path.replace("//", "/", 1), body, headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read(), f"{method} {path}")
        finally:
            connection.close()

    def call(self, method, path, body=None, **more):
        """Send one request and give the JSON of a good answer (None without a body); raises Problem."""
        answer = self.request(method, path, body, **more)
        if answer.status >= 400:
            raise answer.problem()
        return answer.json if answer.body else None

    def get(self, path, **more):
        """GET's JSON."""
        return self.call("GET", path, **more)

    def stream(self):
        """The server-sent events from now on."""
        return EventStream(self)


class EventStream:
    """Collects server-sent events in a thread, as (name, data) in the order of their coming."""

    def __init__(self, client):
        self.messages, self.comments, self.closed = [], 0, False
        self.connection = client.connect(timeout=60)
        self.connection.request("GET", "/api/v1/stream", headers={
            "Authorization": f"Bearer {client.token}", "Accept": "text/event-stream"})
        self.response = self.connection.getresponse()
        self.content_type = self.response.headers.get("Content-Type", "")
        if self.response.status != 200:
            raise AssertionError(f"GET /stream: {self.response.status} {self.response.read()[:300]!r}")
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        """Read until the end."""
        name, data = "message", []
        try:
            for raw in self.response:
                line = raw.decode().rstrip("\r\n")
                if line.startswith(":"):
                    self.comments += 1
                elif line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    data.append(line[5:].removeprefix(" "))
                elif not line and data:
                    self.messages.append((name, json.loads("\n".join(data))))
                    name, data = "message", []
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # closed by either side
        self.closed = True

    def of(self, name):
        """The data of the messages of this name."""
        return [data for kind, data in list(self.messages) if kind == name]

    def close(self):
        """Stop listening."""
        if self.connection.sock:
            try:
                self.connection.sock.shutdown(2)
            except OSError:
                pass
        self.thread.join(5)
        self.connection.close()


def repository():
    """The root of the checkout."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
