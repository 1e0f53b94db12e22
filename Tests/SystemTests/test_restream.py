"""`gatehouse restream`: one camera for many readers, without a box."""

import json
import os
import re
import signal
import subprocess
import threading
import urllib.parse

from box import binary
from case import Case
from simulator import SMALL
from waiting import wait_for

PASSWORD = "harbour-lamp-26"


class Restream(Case):
    """The command with a simulated camera."""

    @classmethod
    def setUpClass(cls):
        cls.camera = cls.class_simulator(cameras=1, **SMALL).camera

    def source(self):
        """The camera's URL with its credentials."""
        parts = urllib.parse.urlsplit(self.camera.rtsp)
        return parts._replace(netloc=f"{self.camera.user}:{self.camera.password}@{parts.netloc}").geturl()

    def begin(self, *arguments):
        """Start the command; it and the URL that readers open."""
        process = subprocess.Popen(
            [binary(), "restream", self.source(), "--port", "0", *arguments], env={**os.environ, "GATEHOUSE_RESTREAM_PASSWORD": PASSWORD},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines = []
        threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True).start()

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()
        self.addCleanup(end)
        found = wait_for(lambda: re.search(r"rtsp://\S+", "".join(lines)), 30, lambda: f"the readers' address in {lines}")
        return process, found[0]

    @staticmethod
    def reader(url, password=PASSWORD, seconds=3, transport="tcp"):
        """What an ffprobe that reads for a while finds."""
        signed = url.replace("rtsp://", f"rtsp://viewer:{password}@")
        return subprocess.Popen(
            ["ffprobe", "-v", "error", "-rtsp_transport", transport, "-read_intervals", f"%+{seconds}", "-select_streams", "v", "-show_entries",
             "stream=codec_name,width,height:packet=flags", "-of", "json", signed], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_many_readers(self):
        """Four readers, by TCP and UDP, get the camera's pictures while it has one client; a signal ends it without a word of trouble."""
        process, url = self.begin("--path", "yard/main")
        self.assertTrue(url.endswith("/yard/main"), url)
        readers = [self.reader(url, transport=transport) for transport in ("tcp", "udp", "tcp", "udp")]
        for reader in readers:
            out, complaints = reader.communicate(timeout=60)
            self.assertEqual(reader.returncode, 0, complaints)
            found = json.loads(out)
            self.assertEqual([(one["codec_name"], one["width"], one["height"]) for one in found["streams"]], [("h264", 640, 360)])
            self.assertGreater(len(found["packets"]), 20)
            self.assertIn("K", found["packets"][0]["flags"], "the first picture is no key frame")
        self.assertEqual(self.camera.state()["clients"], 1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)

    def test_only_with_the_password(self):
        """Another password, none, and another path give nothing."""
        _, url = self.begin()
        for address, password, status in ((url, "another-word-26", "401"), (url + "-not", PASSWORD, "404")):
            out, complaints = self.reader(address, password).communicate(timeout=60)
            self.assertIn(status, complaints)
            self.assertNotIn("codec_name", out)
        self.assertIn("401", subprocess.run(["ffprobe", "-v", "error", url], capture_output=True, text=True, timeout=60).stderr)

    def test_what_cannot_be(self):
        """No password, a short one, and what is no URL are refused before anything is opened; the password is not shown."""
        for password, url, sentence in ((None, self.source(), "GATEHOUSE_RESTREAM_PASSWORD"), ("short", self.source(), "at least 12"),
                                        (PASSWORD, "http://127.0.0.1/", "not an RTSP URL")):
            environment = {name: value for name, value in os.environ.items() if name != "GATEHOUSE_RESTREAM_PASSWORD"}
            done = subprocess.run(
                [binary(), "restream", url, "--port", "0"], env={**environment, **({"GATEHOUSE_RESTREAM_PASSWORD": password} if password else {})},
                capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn(sentence, done.stderr)
            self.assertNotIn(self.camera.password, done.stdout + done.stderr)
