"""What stands at the far end of the line: a store, and what the box is told about it."""

import contextlib

import ceph
from stores import ACCESS_KEY, BUCKET, FaultyS3, REGION, SECRET_KEY

from .line import GOOD, THERE, Line

# A box that may speak to a store without TLS, and to us.
PLAIN = {"storage__allow_http": True, "http__tls": False}


class Store:
    """A store at the far end: a Ceph object gateway where that is installed, else the tests' own."""

    def __init__(self):
        self.is_ceph = ceph.is_installed()
        self.server = ceph.Ceph(ACCESS_KEY, SECRET_KEY, THERE) if self.is_ceph else FaultyS3(address=THERE)
        self.endpoint, self.close = self.server.endpoint, self.server.close
        self.name = "a Ceph object gateway" if self.is_ceph else "the tests' own store, for Ceph is not installed"
        self.region = ceph.Ceph.REGION if self.is_ceph else REGION
        if self.is_ceph:
            self.server.make_bucket(BUCKET)

    def use(self, made, line):
        """Let a box use it, tried as an installer does; the line is good meanwhile, for the trial is not what is measured."""
        quality = line.quality
        line.become(GOOD)
        made.call("PUT", "/storage/target", FaultyS3.target(self, region=self.region))
        tried = made.call("POST", "/storage/test", {})
        line.become(quality)
        if not tried["ok"]:
            raise AssertionError(f"the box refuses {self.name}: {tried['sentence']}")


@contextlib.contextmanager
def line_of(quality):
    """A line; this thread stands at the box's end of it."""
    line = Line(quality)
    try:
        with line.inside(line.here):
            yield line
    finally:
        line.close()


@contextlib.contextmanager
def store_on(line, kind=Store):
    """A store at the far end of a line."""
    with line.inside(line.there):
        store = kind()
    try:
        yield store
    finally:
        store.close()
