"""The whole system's image: RAUC's configuration, bundles and who signed them."""

import datetime
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from client import repository
from container import run

IMAGE = os.path.join(repository(), "Firmware/image")
YEAR = datetime.timedelta(days=365)


class Image(unittest.TestCase):
    """A vendor with an authority of its own, and a small root file system."""

    @classmethod
    def setUpClass(cls):
        if shutil.which("rauc") is None:
            raise unittest.SkipTest("RAUC is not installed: apt-get install rauc")
        cls.folder = tempfile.mkdtemp(prefix="gatehouse-image-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.authority("vendor")
        cls.authority("stranger")
        cls.certificate("signer", "vendor", "codeSigning")
        cls.certificate("forger", "stranger", "codeSigning")
        cls.certificate("web", "vendor", "serverAuth")
        tree = os.path.join(cls.folder, "tree")
        os.makedirs(tree)
        with open(os.path.join(tree, "content"), "wb") as file:
            file.write(os.urandom(200_000))
        cls.root = cls.path("root.ext4")
        cls.must("mkfs.ext4", "-q", "-d", tree, cls.root, "8M")
        cls.bundle = cls.path("good.raucb")
        made = cls.build(cls.bundle, "signer")
        if made.returncode:
            raise AssertionError(made.stdout + made.stderr)

    @classmethod
    def path(cls, name):
        """A file of the test's."""
        return os.path.join(cls.folder, name)

    @classmethod
    def must(cls, *arguments):
        """A command that succeeds."""
        done = run(*arguments)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stdout} {done.stderr}")

    @classmethod
    def authority(cls, name):
        """A key that vouches for others."""
        cls.must("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", f"/CN={name}", "-keyout", cls.path(f"{name}.key"),
                 "-out", cls.path(f"{name}.pem"), "-addext", "keyUsage=critical,keyCertSign")

    @classmethod
    def certificate(cls, name, authority, purpose):
        """A certificate for one purpose."""
        extensions = cls.path(f"{name}.extensions")
        with open(extensions, "w") as file:
            file.write(f"basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,{purpose}\n")
        cls.must("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", cls.path(f"{name}.key"), "-out", cls.path(f"{name}.csr"))
        cls.must("openssl", "x509", "-req", "-in", cls.path(f"{name}.csr"), "-CA", cls.path(f"{authority}.pem"), "-CAkey", cls.path(f"{authority}.key"), "-CAcreateserial", "-days", "90",
                 "-extfile", extensions, "-out", cls.path(f"{name}.pem"))

    @classmethod
    def build(cls, output, signer, keyring="vendor", **more):
        """A bundle that this one signs for boxes that trust that authority."""
        parts = {"--root": cls.root, **more.pop("parts", {})}
        return run(os.path.join(IMAGE, "build-bundle"), "--version", "2026.11", "--cert", cls.path(f"{signer}.pem"), "--key", cls.path(f"{signer}.key"), "--keyring",
                   cls.path(f"{keyring}.pem"), "--output", output, *(text for part in parts.items() if part[1] for text in part))

    @classmethod
    def configuration(cls, keyring="vendor"):
        """A box's configuration, with the keyring here."""
        with open(os.path.join(IMAGE, "system.conf")) as file:
            text = file.read()
        made = cls.path(f"system-{keyring}.conf")
        with open(made, "w") as file:
            file.write(re.sub(r"(?m)^path=.*", f"path={cls.path(keyring + '.pem')}", re.sub(r"(?m)^statusfile=.*\n", "", text)))
        return made

    def info(self, bundle, keyring="vendor", **more):
        """What a box's RAUC says of a bundle."""
        return run("rauc", "--conf", self.configuration(keyring), "info", bundle, **more)

    def test_a_bundle_is_what_boxes_take(self):
        """Of the format verity, for this board, signed by the vendor."""
        told = self.info(self.bundle)
        self.assertEqual(told.returncode, 0, told.stderr)
        for text in ("gatehouse-cm4", "2026.11", "verity", "rootfs", "root.ext4"):
            self.assertIn(text, told.stdout)
        self.assertIn("signer", told.stdout + told.stderr)

    def test_what_another_signed_is_not_taken(self):
        """Neither is what the vendor's own certificate for another purpose signed; and nobody can make such a bundle without noticing."""
        refused = self.info(self.bundle, "stranger")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("signature verification failed", refused.stderr)
        for signer in ("forger", "web"):
            output = self.path(f"{signer}.raucb")
            self.assertNotEqual(self.build(output, signer).returncode, 0, signer)
            self.assertFalse(os.path.exists(output))

    def changed(self, at):
        """The bundle with another byte there."""
        with open(self.bundle, "rb") as file:
            content = bytearray(file.read())
        content[at] ^= 1
        made = self.path("changed.raucb")
        with open(made, "wb") as file:
            file.write(content)
        return made

    def test_no_byte_can_be_another(self):
        """Neither of the signature nor of what is signed: RAUC reads no file out of it."""
        size = os.path.getsize(self.bundle)
        output = self.path("extracted")
        for at in (0, 5000, size // 2, size - 2000, size - 9):
            with self.subTest(at=at):
                shutil.rmtree(output, ignore_errors=True)
                done = run("rauc", "--conf", self.configuration(), "extract", self.changed(at), output)
                self.assertNotEqual(done.returncode, 0)
                self.assertFalse(os.path.exists(os.path.join(output, "root.ext4")))
        done = run("rauc", "--conf", self.configuration(), "extract", self.bundle, output)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.root, "rb") as one, open(os.path.join(output, "root.ext4"), "rb") as other:
            self.assertEqual(one.read(), other.read())

    def test_plain_bundles_are_not_taken(self):
        """One of the old format, though well signed, is refused by the box's configuration."""
        content = self.path("plain")
        os.makedirs(content)
        shutil.copy(self.root, os.path.join(content, "root.ext4"))
        with open(os.path.join(content, "manifest.raucm"), "w") as file:
            file.write("[update]\ncompatible=gatehouse-cm4\nversion=1\n\n[image.rootfs]\nfilename=root.ext4\n")
        bundle = self.path("plain.raucb")
        with open(self.configuration()) as file:
            lenient = file.read().replace("bundle-formats=-plain\n", "")
        with open(self.path("lenient.conf"), "w") as file:
            file.write(lenient)
        self.must("rauc", "bundle", "--conf", self.path("lenient.conf"), "--cert", self.path("signer.pem"), "--key", self.path("signer.key"), content, bundle)
        self.must("rauc", "--conf", self.path("lenient.conf"), "info", bundle)
        told = self.info(bundle)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("not allowed", told.stderr)

    def test_an_artifact_needs_a_newer_rauc(self):
        """Whoever has none is told so, and no bundle is made."""
        output = self.path("program.raucb")
        told = self.build(output, "signer", parts={"--program": IMAGE})
        version = run("rauc", "--version").stdout.split()[-1]
        if tuple(int(part) for part in version.split(".")[:2]) >= (1, 13):
            self.assertEqual(told.returncode, 0, told.stderr)
        else:
            self.assertEqual((told.returncode, os.path.exists(output)), (69, False))
            self.assertIn("knows no artifacts", told.stderr)

    def test_the_partitions_are_those_of_the_configuration(self):
        """What sfdisk makes of the layout has the two slots where RAUC writes them, and both of U-Boot's environments before it."""
        disk = self.path("disk")
        with open(disk, "wb") as file:
            file.truncate(16 << 30)
        with open(os.path.join(IMAGE, "partitions.sfdisk")) as layout:
            self.must_with(layout, "sfdisk", "--quiet", disk)
        listed = run("sfdisk", "--dump", disk).stdout
        found = {name: (int(number), int(start)) for number, start, name in re.findall(r'disk(\d+) : start= *(\d+),.* name="([^"]+)"', listed)}
        self.assertEqual({name: number for name, (number, _) in found.items()}, {"firmware": 1, "root-a": 2, "root-b": 3, "data": 4})
        with open(os.path.join(IMAGE, "system.conf")) as file:
            devices = re.findall(r"(?m)^device=/dev/mmcblk0p(\d)\n.*\nbootname=(.)", file.read())
        self.assertEqual(devices, [("2", "A"), ("3", "B")])
        with open(os.path.join(IMAGE, "fw_env.config")) as file:
            places = [(int(at, 16), int(size, 16)) for at, size in re.findall(r"(?m)^/dev/mmcblk0 (\S+) (\S+)", file.read())]
        with open(os.path.join(IMAGE, "u-boot.config")) as file:
            settings = dict(re.findall(r"(?m)^(CONFIG_\w+)=(.*)", file.read()))
        self.assertEqual(places, [(int(settings[name], 16), int(settings["CONFIG_ENV_SIZE"], 16)) for name in ("CONFIG_ENV_OFFSET", "CONFIG_ENV_OFFSET_REDUND")])
        self.assertLessEqual(places[0][0] + places[0][1], places[1][0])
        self.assertLessEqual(places[1][0] + places[1][1], found["firmware"][1] * 512)
        self.assertGreaterEqual(places[0][0], 34 * 512, "behind the table of the partitions")

    def must_with(self, source, *arguments):
        """A command that reads `source` and succeeds."""
        done = subprocess.run(arguments, stdin=source, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
