"""What an upgrade costs: how much of a release is fetched where one file changed, what memory that takes, and how soon 100 MB are verified."""

import contextlib
import functools
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

from .report import at_most

ROUNDS = 5
LARGE = 100_000_000


def gatehouse(program, *arguments):
    """Run `gatehouse release`; what it prints, and its seconds."""
    began = time.monotonic()
    done = subprocess.run([program, "release", *arguments], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise AssertionError(f"gatehouse release {arguments[0]}: {done.stderr[-500:]}")
    return done.stdout, time.monotonic() - began


class Vendor:
    """A repository with one key, and releases of folders."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
        self.repository, self.key = os.path.join(folder, "releases"), os.path.join(folder, "key")
        self.root = os.path.join(self.repository, "metadata", "1.root.json")
        gatehouse(program, "keygen", self.key)
        gatehouse(program, "root", self.repository, *[part for role in ("root", "targets", "snapshot", "timestamp") for part in (f"--{role}", f"{self.key}.pub")])

    def add(self, files, version):
        """A release; the path of its manifest."""
        told, _ = gatehouse(self.program, "build", self.repository, files, "--version", version, "--architecture", self.architecture)
        gatehouse(self.program, "sign", self.repository, "--key", self.key)
        gatehouse(self.program, "publish", self.repository, "--key", self.key)
        return told.splitlines()[0]


def release_files(program, folder):
    """A release as it is shipped: the stripped program and what lies beside it."""
    os.makedirs(os.path.join(folder, "bin"))
    subprocess.run(["strip", "--strip-unneeded", "-o", os.path.join(folder, "bin", "gatehouse"), program], check=True)
    source = os.path.dirname(os.path.realpath(program))
    for name in os.listdir(source):
        if name.endswith(".resources"):
            shutil.copytree(os.path.join(source, name), os.path.join(folder, "bin", name))
    page = os.path.join(folder, "bin", "page.js")
    with open(page, "w") as file:
        file.write("// first\n" * 1000)
    return page


def pieces(repository):
    """Bytes of all pieces of the repository."""
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(os.path.join(repository, "chunks")) for name in names)


def delta(report, program, folder):
    """Two releases of which one file differs, and the memory of fetching the second."""
    vendor, files, box = Vendor(program, folder), os.path.join(folder, "files"), os.path.join(folder, "box")
    page = release_files(program, files)
    first = vendor.add(files, "1.0.0")
    whole = pieces(vendor.repository)
    gatehouse(program, "install", vendor.repository, first, box, "--root", vendor.root)
    with open(page, "a") as file:
        file.write("// second\n")
    second = vendor.add(files, "1.1.0")
    changed = pieces(vendor.repository) - whole
    gatehouse(program, "install", vendor.repository, second, box, "--root", vendor.root)
    report.add("firmware.delta_fraction", changed / whole, "", **at_most(changed / whole, 0.2))
    report.note(f"firmware: a release of {whole / 1e6:.0f} MB, of which one file of the page changed: {changed} bytes are new")


@contextlib.contextmanager
def served(folder):
    """The repository on a web server; its address."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        """Says nothing."""

        def log_message(self, *_):
            """Nothing is logged."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def memory(report, program, folder):
    """The most that the updater holds while it fetches a whole release, verifies it and starts it on trial."""
    vendor, box = Vendor(program, folder), os.path.join(folder, "box")
    small, files = os.path.join(folder, "small"), os.path.join(folder, "files")
    os.makedirs(os.path.join(small, "bin"))
    shutil.copy("/bin/true", os.path.join(small, "bin", "gatehouse"))
    first = vendor.add(small, "1.0.0")
    gatehouse(program, "install", vendor.repository, first, box, "--root", vendor.root)
    release_files(program, files)
    vendor.add(files, "1.1.0")
    updater = os.path.join(os.path.dirname(os.path.realpath(program)), "gatehouse-updater")
    script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    with served(vendor.repository) as address:
        # As a box would have told it that died before the machine started.
        with open(os.path.join(box, "updater.json"), "w") as file:
            json.dump({"server": {"place": {"url": address}, "allowsLocal": True}, "serialNumber": "GH0000000001", "model": "gatehouse", "channel": "stable",
                       "process": {"number": 1, "start": 0}, "lived": {"boot": "", "seconds": 0}, "endedInOrder": False}, file)
        told = subprocess.run(["python3", "-c", script, updater, box, "--now"], capture_output=True, text=True, timeout=600, check=True).stdout
    assert os.path.realpath(os.path.join(box, "current")).rpartition("/")[2].startswith("1.1.0-"), "the updater did not bring the release"
    megabytes = int(told.split()[-1]) / 1024
    report.add("firmware.updater_memory_mb", megabytes, "MB", **at_most(megabytes, 48))


def verification(report, program, folder, rounds):
    """A release of 100 MB, verified piece by piece; beside sha256sum on the same bytes."""
    vendor, files = Vendor(program, folder), os.path.join(folder, "files")
    os.makedirs(os.path.join(files, "bin"))
    place = os.path.join(files, "bin", "gatehouse")
    with open(place, "wb") as file:
        for _ in range(LARGE // 1_000_000):
            file.write(os.urandom(1_000_000))
    os.chmod(place, 0o755)
    vendor.add(files, "1.0.0")
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(gatehouse(program, "verify", vendor.repository, "--root", vendor.root)[1])
        began = time.monotonic()
        subprocess.run(["sha256sum", place], check=True, stdout=subprocess.DEVNULL)
        theirs.append(time.monotonic() - began)
    report.add("firmware.verify_seconds_100mb", min(ours), "s", **at_most(min(ours), 2))
    report.note(f"firmware: verified in {min(ours):.2f} to {max(ours):.2f} s; sha256sum of the same bytes {min(theirs):.2f} to {max(theirs):.2f} s")


def run(report, program, quick):
    """All three, each in a folder of its own."""
    for measure in (delta, memory):
        with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
            measure(report, program, folder)
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        verification(report, program, folder, 2 if quick else ROUNDS)
