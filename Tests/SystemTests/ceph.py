"""A Ceph object gateway from Debian's packages, with a cluster of one monitor and one disk in memory on loopback."""

import datetime
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid

from ports import free_port
from signatures import signing_key

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "ceph")
CONFIGURATION = """[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{monitor}
ms bind ipv6 = false
public network = 127.0.0.0/8
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
mon allow pool size one = true
mon data avail crit = 0
mon data avail warn = 0
mon data = {folder}/mon
osd data = {folder}/osd
osd journal = {folder}/osd/journal
keyring = {folder}/keyring
run dir = {folder}
admin socket = {folder}/$name.$pid.asok
pid file =
log file = {folder}/$name.log
rgw frontends = beast endpoint={address}:{gateway}
rgw data = {folder}/rgw
rgw multipart min part size = 5242880
"""


def is_installed():
    """Whether Debian's packages radosgw, ceph-mon, ceph-osd and ceph-common are there."""
    return all(shutil.which(program) for program in PROGRAMS)


class Ceph:
    """A gateway at `endpoint` with one user whose keys are given."""

    REGION = "default"

    def __init__(self, access_key, secret_key, address="127.0.0.1"):
        self.folder, self.processes = tempfile.mkdtemp(prefix="gatehouse-ceph-"), []
        self.port, self.address, self.keys = free_port(), address, (access_key, secret_key)
        self.endpoint = f"http://{address}:{self.port}"
        self.configuration = os.path.join(self.folder, "ceph.conf")
        try:
            self.begin(access_key, secret_key)
        except BaseException:
            self.close()
            raise

    def begin(self, access_key, secret_key):
        """Make the cluster, a disk, a user and the gateway."""
        fsid, monitor = str(uuid.uuid4()), free_port()
        with open(self.configuration, "w") as file:
            file.write(CONFIGURATION.format(fsid=fsid, monitor=monitor, gateway=self.port, address=self.address, folder=self.folder))
        for name in ("mon", "osd", "rgw"):
            os.mkdir(os.path.join(self.folder, name))
        keyring = os.path.join(self.folder, "keyring")
        for arguments in (("--create-keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"),
                          ("--gen-key", "-n", "client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"),
                          ("--gen-key", "-n", "osd.0", "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *")):
            subprocess.run(["ceph-authtool", keyring, *arguments], check=True, capture_output=True, timeout=60)
        for name in ("osd", "rgw"):
            shutil.copy(keyring, os.path.join(self.folder, name, "keyring"))
        map_file = os.path.join(self.folder, "monmap")
        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{monitor}]", map_file)
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", map_file, "--keyring", keyring)
        self.start("ceph-mon", "-i", "a", "-f")
        self.ceph("status")
        disk = str(uuid.uuid4())
        self.ceph("osd", "new", disk)
        self.ceph("auth", "import", "-i", keyring)
        self.ceph("osd", "crush", "add", "osd.0", "1.0", "root=default", "host=here")
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        self.start("ceph-osd", "-i", "0", "-f")
        self.wait(lambda: json.loads(self.ceph("osd", "stat", "--format", "json"))["num_up_osds"] == 1, "the disk")
        self.run("radosgw-admin", "user", "create", "--uid", "test", "--display-name", "test", "--access-key", access_key, "--secret-key", secret_key,
                 timeout=180)
        self.start("radosgw", "-n", "client.admin", "-f")
        self.wait(self.answers, "the gateway")

    def make_bucket(self, name):
        """Make a bucket, with a request signed by the user's keys."""
        stamp, host = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ"), f"{self.address}:{self.port}"
        empty, names, scope = hashlib.sha256().hexdigest(), "host;x-amz-content-sha256;x-amz-date", f"{stamp[:8]}/{self.REGION}/s3/aws4_request"
        canonical = f"PUT\n/{name}\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n\n{names}\n{empty}"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(signing_key(self.keys[1], stamp[:8], self.REGION), text.encode(), hashlib.sha256).hexdigest()
        headers = {"x-amz-date": stamp, "x-amz-content-sha256": empty, "Authorization":
                   f"AWS4-HMAC-SHA256 Credential={self.keys[0]}/{scope}, SignedHeaders={names}, Signature={signature}"}
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/{name}", method="PUT", headers=headers), timeout=60).close()

    def answers(self):
        """Whether the gateway does."""
        try:
            urllib.request.urlopen(self.endpoint, timeout=5).close()
            return True
        except (urllib.error.URLError, OSError):
            return False

    def run(self, program, *arguments, timeout=60):
        """A command that must work; what it said."""
        done = subprocess.run([program, "-c", self.configuration, *arguments], capture_output=True, text=True, timeout=timeout)
        if done.returncode:
            raise OSError(f"{program} {' '.join(arguments)}: {done.stderr[-500:]}")
        return done.stdout

    def ceph(self, *arguments):
        """A question to the cluster."""
        return self.run("ceph", "--connect-timeout", "30", *arguments)

    def start(self, program, *arguments):
        """A process that runs on."""
        self.processes.append(subprocess.Popen([program, "-c", self.configuration, *arguments], stdin=subprocess.DEVNULL,
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    @staticmethod
    def wait(condition, what, seconds=120):
        """Wait for the cluster to become so."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise OSError(f"{what} did not come up")
            time.sleep(0.3)

    def close(self):
        """End it all."""
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
