"""The vendor of the box's program: keys, releases, and a web server that serves them; by the commands that a vendor uses."""

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

from box import binary

ROLES = ("root", "targets", "snapshot", "timestamp")


class VendorCase(unittest.TestCase):
    """A test with a vendor. What a release consists of, `files` says."""

    def setUp(self):
        super().setUp()
        self.vendor_folder = tempfile.mkdtemp(prefix="gatehouse-releases-")
        self.addCleanup(shutil.rmtree, self.vendor_folder, ignore_errors=True)
        self.repository = os.path.join(self.vendor_folder, "releases")

    def at(self, *names):
        """A place in the test's folder."""
        return os.path.join(self.vendor_folder, *names)

    def release(self, *arguments, expect=0):
        """What `gatehouse release` says."""
        done = subprocess.run([binary(), "release", *arguments], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, expect, f"gatehouse release {' '.join(arguments)}: {done.stdout[-400:]} {done.stderr[-800:]}")
        return done.stdout + done.stderr

    def begun(self, roots=1):
        """A repository with keys and a signed root."""
        keys = [f"root{number}" for number in range(roots)] + list(ROLES[1:])
        for key in keys:
            self.release("keygen", self.at(key))
        roles = [argument for role in ROLES[1:] for argument in (f"--{role}", self.at(f"{role}.pub"))]
        for number in range(roots):
            roles += ["--root", self.at(f"root{number}.pub")]
        self.release("root", self.repository, *roles, "--root-threshold", str(roots))
        return self.repository

    def built(self, version, *options):
        """A release that is added and signed; its path."""
        told = self.release("build", self.repository, self.files(version), "--version", version, *options)
        self.release("sign", self.repository, "--key", self.at("targets"))
        return told.splitlines()[0]

    def publish(self, *keys, expect=0):
        """Publish with these keys."""
        return self.release("publish", self.repository, *[argument for key in keys for argument in ("--key", self.at(key))], expect=expect)

    @contextlib.contextmanager
    def served(self):
        """The repository on a web server, as it is."""
        class Quiet(http.server.SimpleHTTPRequestHandler):
            """Says nothing."""

            def log_message(self, *_):
                """Nothing is logged."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=self.repository))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
