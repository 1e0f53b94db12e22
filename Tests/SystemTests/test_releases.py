"""Releases of the box's program: the commands of the vendor, against python-tuf, the reference implementation of The Update Framework."""

import json
import os
import platform
import shutil
import subprocess
import tempfile
import unittest

from box import binary
from peers import ask, environment
from vendor import VendorCase

PACKAGES = ("tuf==7.0.1", "securesystemslib[crypto]==1.6.0")

# python-tuf as a box: it fetches the list of releases and a manifest.
READ = """
import json, os, sys, tempfile
from tuf.ngclient import Updater
asked = json.load(sys.stdin)
os.makedirs(asked["folder"], exist_ok=True)
with open(asked["root"], "rb") as file:
    root = file.read()
updater = Updater(asked["folder"], asked["base"] + "/metadata/", asked["folder"], asked["base"] + "/targets/", bootstrap=root)
updater.refresh()
found = updater.get_targetinfo(asked["path"])
with open(updater.download_target(found, asked["folder"] + "/manifest")) as file:
    manifest = json.load(file)
print(json.dumps({"custom": found.custom, "manifest": manifest, "root": updater._trusted_set.root.version}))
"""

# python-tuf as a vendor: metadata of its own making over a manifest that is there.
WRITE = """
import datetime, hashlib, json, os, sys
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
asked = json.load(sys.stdin)
folder, path = asked["folder"], asked["path"]
until = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(seconds=asked["seconds"])
signers = {role: [CryptoSigner.generate_ed25519() for _ in range(asked["keys"])] for role in ("root", "targets", "snapshot", "timestamp")}

def put(name, metadata, some):
    for number, signer in enumerate(some):
        metadata.sign(signer, append=number > 0)
    metadata.to_file(os.path.join(folder, "metadata", name))

def root(version, timestamp):
    made = Root(version=version, expires=until, consistent_snapshot=True)
    for role, some in {**signers, "timestamp": timestamp}.items():
        for signer in some:
            made.add_key(signer.public_key, role)
        made.roles[role].threshold = len(some)
    return Metadata(made)

put("1.root.json", root(1, signers["timestamp"]), signers["root"])
if asked["rotate"]:
    signers["timestamp"] = [CryptoSigner.generate_ed25519()]
    put("2.root.json", root(2, signers["timestamp"]), signers["root"])
target = TargetFile.from_file(path, asked["manifest"])
target.unrecognized_fields["custom"] = {**asked["custom"], "\\uff5e \\U0001f600": ['é " \\\\ /', None, True, -7, {"b": 1, "B": 2, "a": 3}]}
targets = Targets(expires=until, targets={path: target})
put("1.targets.json", Metadata(targets), signers["targets"][: asked["signers"]])
put("1.snapshot.json", Metadata(Snapshot(expires=until, meta={"targets.json": MetaFile(1)})), signers["snapshot"])
put("timestamp.json", Metadata(Timestamp(expires=until, snapshot_meta=MetaFile(1))), signers["timestamp"])
print("true")
"""


class Releases(VendorCase):
    """A repository that our commands made, and one that python-tuf made."""

    @classmethod
    def setUpClass(cls):
        try:
            cls.python = environment("tuf", *PACKAGES)
        except (subprocess.SubprocessError, OSError) as problem:
            raise unittest.SkipTest(f"python-tuf cannot be had: {problem}") from problem

    def files(self, version):
        """A folder of a release's files: one of two and a half pieces, and small ones."""
        place = self.at(f"files-{version}")
        os.makedirs(os.path.join(place, "bin"))
        os.makedirs(os.path.join(place, "share"))
        with open(os.path.join(place, "bin", "gatehouse"), "wb") as file:
            file.write(b"\x7fELF" + bytes(14) + b"\xb7" + bytes(2_500_000) + version.encode())
        os.chmod(os.path.join(place, "bin", "gatehouse"), 0o755)
        with open(os.path.join(place, "share", "index.html"), "w") as file:
            file.write(f"<p>{version}")
        return place

    def read(self, path):
        """What python-tuf finds, beginning with the first root."""
        with self.served() as base:
            return ask(self.python, READ, {"folder": self.at("peer"), "base": base, "root": self.at("releases", "metadata", "1.root.json"), "path": path})

    def test_python_tuf_reads_ours(self):
        """Two keys for roots, a release, a second one, keys replaced: the reference client follows, and reads what is offered."""
        self.begun(roots=2)
        path = self.built("1.0.0", "--rollout", "10", "--channel", "candidate", "--epoch", "3")
        told = self.publish("snapshot", "timestamp", expect=1)
        self.assertIn("root.json", told)
        self.assertFalse(os.path.exists(self.at("releases", "metadata")), "nothing may be published before it is signed")
        self.assertIn("one more signature", self.release("sign", self.repository, "--key", self.at("root0")))
        self.assertIn("can be published", self.release("sign", self.repository, "--key", self.at("root1")))
        self.publish("snapshot", "timestamp")
        found = self.read(path)
        self.assertEqual(found["custom"], {"version": "1.0.0", "architecture": "arm64", "model": "gatehouse", "epoch": 3, "channel": "candidate", "rollout": 10, "mustPassThrough": False})
        self.assertEqual([file["path"] for file in found["manifest"]["files"]], ["bin/gatehouse", "share/index.html"])
        self.assertEqual([len(file["chunks"]) for file in found["manifest"]["files"]], [3, 1])
        second = self.built("1.1.0")
        self.release("offer", self.repository, path, "--rollout", "100", "--channel", "stable")
        self.release("sign", self.repository, "--key", self.at("targets"))
        self.release("keygen", self.at("timestamp-new"))
        self.release("root", self.repository, "--timestamp", self.at("timestamp-new.pub"))
        self.release("sign", self.repository, "--key", self.at("root0"), "--key", self.at("root1"))
        self.assertIn("timestamp.json", self.publish("snapshot", "timestamp", expect=1), "the key that was replaced signs nothing any more")
        self.publish("snapshot", "timestamp-new")
        self.assertEqual(self.read(second)["root"], 2)
        self.assertEqual(self.read(path)["custom"]["rollout"], 100)
        told = self.release("verify", self.repository, "--root", self.at("releases", "metadata", "1.root.json"))
        self.assertEqual(len(told.splitlines()), 2)
        self.publish("timestamp-new")
        self.assertEqual(self.read(second)["root"], 2)

    def write(self, *, seconds=3600, keys=2, signers=2, rotate=False):
        """Metadata of python-tuf's over a release of ours; the root that is trusted."""
        self.begun()
        path = self.built("1.0.0")
        manifests = os.path.join(self.repository, "targets", os.path.dirname(path))
        manifest = os.path.join(manifests, os.listdir(manifests)[0])
        shutil.rmtree(self.at("releases", "staged"))
        os.makedirs(self.at("releases", "metadata"))
        ask(self.python, WRITE, {
            "folder": self.repository, "path": path, "manifest": manifest, "seconds": seconds, "keys": keys, "signers": signers, "rotate": rotate,
            "custom": {"version": "1.0.0", "architecture": "arm64", "model": "gatehouse", "epoch": 0, "channel": "stable", "rollout": 100, "mustPassThrough": False}})
        return self.at("releases", "metadata", "1.root.json")

    def test_ours_reads_python_tuf(self):
        """What the reference implementation signs is believed, with keys that were replaced and fields that nobody knows."""
        root = self.write(rotate=True)
        self.assertIn("2 files", self.release("verify", self.repository, "--root", root))

    def test_ours_refuses(self):
        """Too few signatures, and what has expired; each says why, and is no crash."""
        for case, sentence in (({"signers": 1}, "targets.json is not signed by enough"), ({"seconds": -10}, "root.json was good until")):
            with self.subTest(**case):
                shutil.rmtree(self.vendor_folder)
                os.makedirs(self.vendor_folder)
                told = self.release("verify", self.repository, "--root", self.write(**case), expect=1)
                self.assertIn(sentence, told)

    def test_a_piece_that_is_another(self):
        """A byte of a release's piece is changed: it is named."""
        self.begun()
        self.built("1.0.0")
        self.release("sign", self.repository, "--key", self.at("root0"))
        self.publish("snapshot", "timestamp")
        root = self.at("releases", "metadata", "1.root.json")
        self.release("verify", self.repository, "--root", root)
        pieces = [os.path.join(folder, name) for folder, _, names in os.walk(self.at("releases", "chunks")) for name in names]
        self.assertEqual(len(pieces), 4)
        with open(pieces[0], "r+b") as file:
            byte = file.read(1)[0]
            file.seek(0)
            file.write(bytes([byte ^ 1]))
        self.assertIn(os.path.basename(pieces[0]), self.release("verify", self.repository, "--root", root, expect=1))

    def test_keys(self):
        """A secret key is for its owner alone, OpenSSL reads it, and none is written over; what is no key is refused."""
        self.release("keygen", self.at("key"))
        self.assertEqual(os.stat(self.at("key")).st_mode & 0o777, 0o600)
        told = subprocess.run(["openssl", "pkey", "-in", self.at("key"), "-noout", "-text"], capture_output=True, text=True, check=True, timeout=20).stdout
        with open(self.at("key.pub")) as file:
            public = json.load(file)
        digits = "".join(told.split("pub:")[1].split()).replace(":", "")
        self.assertEqual(public, {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": digits}})
        with open(self.at("key"), "rb") as file:
            before = file.read()
        self.release("keygen", self.at("key"), expect=64)
        with open(self.at("key"), "rb") as file:
            self.assertEqual(file.read(), before)
        self.begun()
        self.assertIn("may sign nothing", self.release("sign", self.repository, "--key", self.at("key"), expect=1))
        self.release("sign", self.repository, "--key", self.at("key.pub"), expect=1)
        self.release("root", self.repository, "--root", self.at("key"), expect=1)

    def test_wrong_arguments(self):
        """What is wrong is said, and nothing is made: not the program's own version in its place."""
        self.begun()
        files = self.files("1.0.0")
        build = ["build", self.repository, files, "--version", "1.0.0"]
        for wrong, words in (([*build, "--rollout", "500"], "0 to 100"), (["build", self.repository, "--version", "1.0.0"], "Missing expected argument"),
                             ([*build, "--architecture", "x86_64"], "amd64 or arm64"),
                             (["device", self.repository, files, "--make", "Maker", "--version", "V1"], "Missing expected argument"),
                             (["device", self.repository, self.at("none"), "--make", "Maker", "--model", "M", "--version", "V1"], "cannot be read"),
                             (["pause", self.repository, "gatehouse/arm64/1.0.0.json", "--reports", self.at("none")], "There is no folder")):
            with self.subTest(arguments=wrong):
                self.assertIn(words, self.release(*wrong, expect=64))
        program = os.path.join(files, "bin", "gatehouse")
        own = platform.machine() == "aarch64"
        shutil.copy(os.path.realpath(binary()), program)
        self.assertIn(f"is a program for {'arm64' if own else 'amd64'}, and the release is to be for {'amd64' if own else 'arm64'}.",
                      self.release(*build, "--architecture", "amd64" if own else "arm64", expect=64))
        told = subprocess.run([binary(), "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
        self.assertRegex(told, r"^\d+\.\d+\.\d+\n$")
