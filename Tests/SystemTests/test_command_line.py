"""The command line: configuration, and the commands beside `serve`."""

import json
import os
import subprocess

from box import binary
from case import Case
from footage import Footage
from simulator import SMALL
from stores import FaultyS3
from waiting import wait_for


class Configuration(Case):
    """Where settings come from."""

    def test_unknown_keys_are_refused(self):
        """An unknown or senseless key in flags, environment or file ends the program with a sentence and 64 or 78."""
        box = self.box(start=False)
        config = f"{box.folder}/wrong.yaml"
        with open(config, "w") as file:
            file.write("http: {port: 0}\nzebra: 1\n")
        cases = {"flag": (["--zebra", "1"], {}), "file": (["--config", config], {}), "range": (["--http-port", "99999"], {}),
                 "type": (["--http-port", "eighty"], {}), "no file": (["--config", box.folder + "/none.yaml"], {}),
                 "environment": ([], {"GATEHOUSE_HTTP_PORT": "eighty"})}
        for name, (arguments, environment) in cases.items():
            with self.subTest(case=name):
                done = subprocess.run([binary(), "serve", "--state", box.state, *arguments], capture_output=True, text=True, timeout=20,
                                      env={"PATH": "/usr/bin:/bin", "HOME": box.folder, **environment})
                self.assertIn(done.returncode, (64, 78), done.stderr[-500:])
                self.assertTrue(done.stderr.strip())
                self.assertNotIn("Fatal error", done.stderr)

    def test_all_ways_to_configure(self):
        """Flags win over the environment, the environment over the file."""
        box = self.box(start=False, box__name="From the file")
        box.start()
        self.assertEqual(box.get("/setup", token=None)["name"], "From the file")
        box.restart({"GATEHOUSE_BOX_NAME": "From the environment"})
        self.assertEqual(box.get("/setup", token=None)["name"], "From the environment")
        self.assertLess(box.ready_seconds, 10)


class Commands(Case):
    """probe, clip and spool."""

    @staticmethod
    def run_command(*arguments, expect=0):
        """A command's output."""
        done = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=90)
        if done.returncode != expect:
            raise AssertionError(f"gatehouse {' '.join(arguments)}: {done.returncode}: {done.stdout[-400:]} {done.stderr[-800:]}")
        return done.stdout + done.stderr

    def test_probe_and_clip(self):
        """`probe` says what a camera sends, `clip` writes a playable clip of it; a wrong password is said in words and fails."""
        camera = self.simulator(**SMALL).camera
        url = camera.rtsp.replace("rtsp://", f"rtsp://{camera.user}:{camera.password}@")
        told = self.run_command("probe", url)
        for part in ("640", "360", "AAC"):
            self.assertIn(part.lower(), told.lower())
        self.assertNotIn(camera.password + "@", told)
        output = os.path.join(self.folder(), "clip.mp4")
        self.run_command("clip", url, "--seconds", "4", "--output", output)
        footage = Footage(output)
        self.assertEqual(footage.errors(), "")
        self.assertAlmostEqual(footage.length(), 4, delta=1.2)
        done = subprocess.run([binary(), "probe", url.replace(camera.password + "@", "wrong@")], capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("password", (done.stdout + done.stderr).lower())

    def test_spool(self):
        """`spool list` and `verify` tell of waiting clips and find a changed byte; `rebuild` brings back the rows of a lost database."""
        camera, store = self.simulator(**SMALL).camera, self.kept(FaultyS3())
        store.fault("refuse")
        box = self.box(**{"recording.seconds-before": 1, "recording.seconds": 3, "storage.folder": None})
        box.claim()
        box.call("PUT", "/storage/target", store.target())
        channel = box.add_camera(camera)
        box.link(channel)
        box.await_picture(channel)
        event = box.trigger(channel)
        wait_for(lambda: box.event(event)["state"] in ("queued", "sending"), 30, lambda: f"a waiting clip: {box.event(event)}")
        clip = box.event(event)["clipId"]
        box.kill()
        self.assertIn(clip, self.run_command("spool", "list", "--state", box.state))
        self.run_command("spool", "verify", "--state", box.state)
        for name in os.listdir(box.state):
            if name.startswith("box.sqlite"):
                os.remove(os.path.join(box.state, name))
        self.run_command("spool", "rebuild", "--state", box.state)
        self.assertIn(clip, self.run_command("spool", "list", "--state", box.state))
        path = os.path.join(box.spool, clip, "clip.mp4")
        with open(path, "r+b") as file:
            file.seek(1000)
            byte = file.read(1)
            file.seek(1000)
            file.write(bytes([byte[0] ^ 1]))
        done = subprocess.run([binary(), "spool", "verify", "--state", box.state], capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(clip, done.stdout + done.stderr)


class Label(Case):
    """What stands on a box's label."""

    def label(self, state, *options):
        """What the command says."""
        return subprocess.run([binary(), "label", "--state", state, *options], capture_output=True, text=True, timeout=30, check=False)

    def test_before_its_first_start_and_after(self):
        """The factory prints it; the box has it from its first start on, and is claimed by the code on it; it is told while the box runs too."""
        box = self.box(start=False)
        told = self.label(box.state, "--json")
        self.assertEqual(told.returncode, 0, told.stderr)
        label = json.loads(told.stdout)
        self.assertEqual(json.loads(self.label(box.state, "--json").stdout), label, "it is the same each time")
        box.start()
        self.assertEqual(json.loads(self.label(box.state, "--json").stdout), label)
        box.claim(code=label["setupCode"])
        system = box.get("/system")
        self.assertEqual((label["model"], label["serialNumber"], label["macAddresses"]), (system["model"], system["serialNumber"], system["macAddresses"]))
        lines = self.label(box.state).stdout
        self.assertIn(label["serialNumber"], lines)
        self.assertIn(label["setupCode"], lines)

    def test_a_code_of_the_configuration(self):
        """The label has the code that the box will take, and no other."""
        box = self.box(start=False, **{"box.setup-code": "HARBOUR-LAMP"})
        config = os.path.join(box.folder, "label.yaml")
        with open(config, "w") as file:
            file.write(f"state: {box.state}\nbox:\n  setup-code: HARBOUR-LAMP\n")
        told = subprocess.run([binary(), "label", "--config", config, "--json"], capture_output=True, text=True, timeout=30, check=True).stdout
        self.assertEqual(json.loads(told)["setupCode"], "HARBOUR-LAMP")
        self.assertNotIn("setup-code", os.listdir(box.state))

    def test_a_folder_of_somebody_else(self):
        """Nothing is made there that the box could not read."""
        folder = self.folder()
        os.chown(folder, 65534, 65534)
        told = self.label(folder)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("runuser", told.stderr)
        self.assertEqual(os.listdir(folder), [])
        self.assertNotEqual(self.label(os.path.join(folder, "nowhere")).returncode, 0)
        self.assertEqual(os.listdir(folder), [])
