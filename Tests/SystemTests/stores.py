"""S3 peers: `FaultyS3`, a strict store in memory that fails as told, and `Moto`, somebody else's."""

import hashlib
import random
import os
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from parts import Parts
from signatures import Refused, check, check_address, check_body

ACCESS_KEY, SECRET_KEY, REGION, BUCKET = "AKIAGATEHOUSETEST", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-test-1", "footage"
FAULTS = ("refuse", "hang", "500", "503", "412", "403", "409", "commit-drop", "truncate", "html")
MIXTURE = ("500", "503", "412", "409", "commit-drop", "truncate", "reset", "digest")  # what passes by itself
CAPTIVE = b"<!DOCTYPE html><html><body>Welcome to the hotel. Please sign in.</body></html>"


class Object:
    """A stored object."""

    def __init__(self, body, headers):
        self.body, self.at = body, time.time()
        self.modified = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.at))
        self.sha256 = hashlib.sha256(body).hexdigest()
        self.headers = {name.lower(): value for name, value in headers.items()
                        if name.lower() == "content-type" or name.lower().startswith("x-amz-meta-")}


class Request:
    """One request that came, for the account."""

    def __init__(self, method, key):
        self.method, self.key, self.at, self.status = method, key, time.monotonic(), None

    def __repr__(self):
        return f"{self.method} {self.key} {self.status}"


class FaultyS3:
    """An S3 store in memory: verifies signatures and digests, honours If-None-Match, keeps account of every request."""

    def __init__(self, session_token=None, tls_folder=None, address="127.0.0.1"):
        """With `tls_folder` it speaks TLS, with a certificate of its own authority that is made in that folder (`certificate`)."""
        self.known = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "region": REGION, "session_token": session_token}
        self.objects, self.commits, self.requests, self.parts = {}, {}, [], Parts()
        self.lock = threading.Lock()
        self.mode, self.retry_after, self.fault_changed = None, None, threading.Event()
        self.refuses = ()  # headers of a PUT that this store does not implement
        self.chance, self.random = 0, None  # the share of requests that fail, each in a way of its own
        self.page = 1000  # keys in one answer to a list
        self.delay = 0  # seconds that each PUT takes longer, half of it before and half after the object is stored
        self.server, self.port, self.certificate, self.address = None, 0, None, address
        if tls_folder:
            self.make_certificate(tls_folder)
        self.open()

    # Faults

    def fault(self, mode, retry_after=None):
        """Fail from now on: one of FAULTS, or None for a good store."""
        assert mode is None or mode in FAULTS, mode
        earlier, self.mode, self.retry_after = self.mode, mode, retry_after
        self.fault_changed.set()  # what hangs is let go
        self.fault_changed = threading.Event()
        if mode == "refuse":
            self.close()
        elif earlier == "refuse":
            self.open()

    def mix(self, share, seed):
        """Fail so many requests from now on, by chance, in all ways that pass by themselves."""
        self.random, self.chance = random.Random(seed), share

    def open(self):
        """Listen, on the same port as before."""
        store = self

        class Handler(BaseHTTPRequestHandler):
            """Hands requests to the store."""

            protocol_version = "HTTP/1.1"
            timeout = 120

            def handle_any(self):
                """Answer one request."""
                store.handle(self)

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any

            def log_message(self, *_):
                """Keep quiet."""

        class Server(ThreadingHTTPServer):
            """Does not wait for its threads, and remembers its connections."""

            daemon_threads, block_on_close, request_queue_size = True, False, 64
            connections = set()

            def process_request(self, request, address):
                self.connections.add(request)
                super().process_request(request, address)

            def shutdown_request(self, request):
                self.connections.discard(request)
                super().shutdown_request(request)

            def handle_error(self, *_):
                """A client that went away is no error."""

        self.server = Server((self.address, self.port), Handler)
        if self.certificate:
            self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.connections = set()
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def make_certificate(self, folder):
        """A self-signed certificate for 127.0.0.1."""
        key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                        "-out", certificate, "-days", "2", "-subj", "/CN=test store", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        with open(certificate) as file:
            self.certificate = file.read()

    def close(self):
        """Refuse connections and break those that are open."""
        self.fault_changed.set()
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            for connection in list(self.server.connections):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.server = None

    @property
    def endpoint(self):
        """The address to give to the box."""
        return f"http{'s' if self.certificate else ''}://{self.address}:{self.port}"

    def target(self, **more):
        """The body of PUT /storage/target for this store."""
        return {"kind": "s3", "endpoint": self.endpoint, "region": REGION, "bucket": BUCKET, "prefix": "", "accessKeyId": ACCESS_KEY,
                "secretAccessKey": SECRET_KEY, "addressing": "path", **more}

    # Requests

    def handle(self, handler):
        """Answer one request, or fail as told."""
        mode, retry_after, changed = self.mode, self.retry_after, self.fault_changed
        if self.chance:
            with self.lock:
                mode = self.random.choice(MIXTURE) if self.random.random() < self.chance else None
        key = unquote(handler.path.partition("?")[0]).removeprefix(f"/{BUCKET}").lstrip("/")
        request = Request(handler.command, key)
        with self.lock:
            self.requests.append(request)
        body = b""
        length = int(handler.headers.get("Content-Length") or 0)
        if mode == "truncate" and handler.command == "PUT":
            handler.rfile.read(length // 2)
            return self.drop(handler, request)
        body = handler.rfile.read(length)
        if len(body) < length:
            return self.drop(handler, request)
        if mode == "hang":
            changed.wait(100)
            return self.drop(handler, request)
        if mode == "reset":
            return self.drop(handler, request)
        if mode == "digest" and handler.command == "PUT":
            return self.answer(handler, request, 400, error("BadDigest"), {})
        if mode in ("500", "503", "412", "403", "409"):
            codes = {"500": "InternalError", "503": "SlowDown", "412": "PreconditionFailed", "403": "AccessDenied",
                     "409": "OperationAborted"}
            applies = mode not in ("412", "409") or handler.command == "PUT"
            if applies:
                return self.answer(handler, request, int(mode), error(codes[mode]), {"Retry-After": retry_after} if retry_after else {})
        if mode == "html":
            return self.answer(handler, request, 200, CAPTIVE, {"Content-Type": "text/html"})
        delay = self.delay / 2 if handler.command == "PUT" else 0
        time.sleep(delay)
        try:
            status, content, headers = self.serve(handler, key, body)
        except Refused as refused:
            status, content, headers = refused.status, error(refused.code), {}
        time.sleep(delay)
        if mode == "commit-drop" and handler.command == "PUT":
            return self.drop(handler, request)
        return self.answer(handler, request, status, content, headers, cut=mode == "truncate")

    def serve(self, handler, key, body):
        """What a good store does: status, content and headers."""
        if "X-Amz-Signature=" in handler.path and handler.command in ("GET", "HEAD"):
            check_address("GET", handler.path, handler.headers.get("Host"), self.known)
        else:
            check(handler.command, handler.path, lambda name: handler.headers.get(name), self.known)
            check_body(lambda name: handler.headers.get(name), body)
        if not handler.path.startswith(f"/{BUCKET}"):
            raise Refused(404, "NoSuchBucket")
        if handler.command == "PUT" and any(handler.headers.get(name) for name in self.refuses):
            raise Refused(501, "NotImplemented")
        with self.lock:
            if self.parts.concerns(handler):
                return self.parts.serve(self, handler, key, body)
            if not key:
                return self.bucket(handler)
            found = self.objects.get(key)
            if handler.command == "PUT":
                if handler.headers.get("If-None-Match") == "*" and found:
                    raise Refused(412, "PreconditionFailed")
                self.keep(key, body, handler.headers)
                return 200, b"", {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}
            if handler.command == "DELETE":
                self.objects.pop(key, None)
                return 204, b"", {}
        if not found:
            raise Refused(404, "NoSuchKey")
        return self.reading(handler, found)

    def keep(self, key, body, headers):
        """Store an object; with the lock held."""
        self.objects[key] = Object(body, headers)
        self.commits.setdefault(key, []).append(self.objects[key].sha256)

    def bucket(self, handler):
        """What is asked of the bucket itself: its objects, and rules that it does not have."""
        query = self.parts.query(handler)
        if "list-type" not in query:
            raise Refused(404, "ObjectLockConfigurationNotFoundError" if "object-lock" in query else "NoSuchLifecycleConfiguration")
        keys = [key for key in sorted(self.objects) if key.startswith(query.get("prefix", ""))]
        keys = [key for key in keys if key > query.get("continuation-token", "")]
        page, rest = keys[:self.page], keys[self.page:]
        contents = [f"<Contents><Key>{key}</Key><LastModified>{self.objects[key].modified}</LastModified><Size>{len(self.objects[key].body)}</Size></Contents>"
                    for key in page]
        more = f"<IsTruncated>{'true' if rest else 'false'}</IsTruncated>" + (f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if rest else "")
        return 200, self.parts.document("ListBucketResult", more, *contents), {}

    @staticmethod
    def reading(handler, found):
        """GET and HEAD."""
        headers = {**found.headers, "ETag": '"x"', "Accept-Ranges": "bytes"}
        wanted = handler.headers.get("Range", "")
        if wanted.startswith("bytes=") and handler.command == "GET":
            first, _, last = wanted[6:].partition("-")
            start, end = int(first), min(int(last or len(found.body) - 1), len(found.body) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(found.body)}"
            return 206, found.body[start:end + 1], headers
        return 200, found.body, headers

    @staticmethod
    def drop(handler, request):
        """Close the connection without an answer."""
        request.status = 0
        handler.close_connection = True
        try:
            handler.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def answer(self, handler, request, status, content=b"", headers=None, cut=False):
        """Send an answer; `cut` closes half-way through the content."""
        request.status = status
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, str(value))
        if status != 204:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD" and content:
            handler.wfile.write(content[:len(content) // 2] if cut else content)
        if cut and content:
            self.drop(handler, request)

    # The account

    def keys(self, ending):
        """The keys of stored objects that end so."""
        with self.lock:
            return sorted(key for key in self.objects if key.endswith(ending))

    def read(self, key):
        """An object's bytes."""
        with self.lock:
            return self.objects[key].body

    def requests_since(self, moment):
        """The requests since a monotonic time."""
        with self.lock:
            return [request for request in self.requests if request.at >= moment]

    def written_twice(self):
        """Keys under which something was stored more than once; the record's checkpoint is, by its nature."""
        with self.lock:
            return {key: digests for key, digests in self.commits.items() if len(digests) > 1 and not key.endswith("/checkpoint.json")}


def error(code):
    """An S3 error document."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>As told.</Message></Error>'.encode()


class Folder:
    """The embedded store, looked at from outside: the same account as FaultyS3 gives, as far as a folder tells."""

    def __init__(self, root):
        self.root = root

    def files(self):
        """All files' paths below the root."""
        return sorted(os.path.relpath(os.path.join(folder, name), self.root)
                      for folder, _, names in os.walk(self.root) for name in names)

    def keys(self, ending):
        """The files that end so."""
        return [name for name in self.files() if name.endswith(ending)]

    def read(self, key):
        """A file's bytes."""
        with open(os.path.join(self.root, key), "rb") as file:
            return file.read()

    @staticmethod
    def written_twice():
        """A folder cannot tell; its files would have been replaced."""
        return {}


class Moto:
    """A moto server from PyPI, in a virtual environment of its own that is made when missing."""

    HOME = os.path.expanduser("~/.cache/gatehouse-tests/moto")

    def __init__(self):
        program = os.path.join(self.HOME, "bin/moto_server")
        if not os.path.exists(program):
            subprocess.run([sys.executable, "-m", "venv", self.HOME], check=True, capture_output=True, timeout=120)
            subprocess.run([os.path.join(self.HOME, "bin/pip"), "install", "-q", "moto[server]"], check=True, capture_output=True,
                           timeout=600)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(self.port)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        text = b""
        while b"Running on" not in text:
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.close()
                raise AssertionError(f"moto did not start: {text!r}")
            if select.select([self.process.stderr], [], [], 0.5)[0]:
                text += os.read(self.process.stderr.fileno(), 65536)
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def read(self, key):
        """An object, read by Amazon's own client."""
        code = ("import boto3, sys; sys.stdout.buffer.write(boto3.client('s3', endpoint_url=sys.argv[1], aws_access_key_id='a', "
                "aws_secret_access_key='b', region_name='us-east-1').get_object(Bucket=sys.argv[2], Key=sys.argv[3])['Body'].read())")
        return subprocess.run([os.path.join(self.HOME, "bin/python"), "-c", code, self.endpoint, BUCKET, key], check=True,
                              stdout=subprocess.PIPE, timeout=60).stdout

    def close(self):
        """End it."""
        self.process.kill()
        self.process.wait()
