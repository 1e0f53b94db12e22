"""The API against its own document: schemathesis makes requests of every operation, good and bad, signed in as each role."""

import contextlib
import ctypes
import json
import os
import subprocess
import unittest

from box import PASSWORD
from case import Case
from client import Client
from owners import Owner, Partner, hand_over, share
from peers import environment
from people import Person

CASES = int(os.environ.get("GATEHOUSE_SCHEMA_CASES", "700"))  # of each role
SEED = os.environ.get("GATEHOUSE_SEED", "1")
PACKAGES = ("schemathesis==4.32.5",)
NEW_NETWORK = 0x40000000  # CLONE_NEWNET
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance")
# What ends the box or the sign-in by which is asked, never ends its answer, or claims a box that is claimed.
LEFT_OUT = ("POST /api/v1/system/factory-reset", "DELETE /api/v1/session", "GET /api/v1/stream", "POST /api/v1/setup/claim")


def leave_network():
    """From now on this process, and what it starts, has a loopback of its own and nothing else: the addresses that are made up reach nobody."""
    if os.geteuid() or ctypes.CDLL(None, use_errno=True).unshare(NEW_NETWORK):
        raise unittest.SkipTest("needs root and network namespaces: made-up addresses are connected to")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, capture_output=True)


class ToItsDocument(Case):
    """A box with people of every role, a site with an owner and a partner, and a camera with a clip."""

    @classmethod
    def setUpClass(cls):
        try:
            cls.python = environment("schemathesis", *PACKAGES)
        except (subprocess.SubprocessError, OSError) as error:
            raise unittest.SkipTest(f"schemathesis cannot be had from PyPI: {error}") from None
        leave_network()
        cls.made = box = cls.class_box(**{"recording.seconds-before": 1, "recording.seconds": 3, "http.requests-per-second": 100_000})
        box.claim()
        site, channel = box.get("/sites")["items"][0]["id"], box.add_camera(cls.class_small_cameras(key_interval=1).camera)
        box.await_past(1, channel)
        box.link(channel, "standard")
        box.await_stored(box.trigger(channel))
        people = {name: Person(box, name, role, [site] if role == "Site Manager" else None) for name, role in (
            ("mara", "Site Manager"), ("ines", "IT Manager"), ("ada", "Administrator"))}
        owner = Owner(box, "olga", hand_over(box, site, "olga", [{"permission": one} for one in ("site-information", "configuration", "live-view", "playback")])["token"])
        partner = Partner(box, "mia", share(box, site, "mia", "maintenance", ["configuration", "live-view", "playback"])["token"])
        key = Client(box.client.base)
        key.token = box.call("POST", "/keys", {"name": "Integrator", "permissions": ["view-site", "configure", "view-live", "play-back"], "days": 30, "password": PASSWORD})["key"]
        # In this order: those who may remove accounts come last.
        cls.roles = {"nobody": Client(box.client.base), "a program's key": key, "partner": partner.client, "owner": owner.client, "site manager": people["mara"].client,
                     "IT manager": people["ines"].client, "administrator": people["ada"].client, "installer admin": box.client}

    def run_as(self, client, operations):
        """What schemathesis finds as somebody: its cases, and what is wrong."""
        folder = self.folder()
        report, events = os.path.join(folder, "report.json"), os.path.join(folder, "events.ndjson")
        command = [os.path.join(os.path.dirname(self.python), "st"), "--no-color", "run", f"{client.base}/api/v1/openapi.json", "--url", client.base, "--tls-verify", "false",
                   "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", str(max(1, CASES // operations)), "--seed", SEED, "--no-shrink",
                   "--continue-on-failure", "--suppress-health-check", "all", "--request-timeout", "30", "--generation-database", "none", "--warnings", "off",
                   "--report", "json,ndjson", "--report-json-path", report, "--report-ndjson-path", events, "--workers", "2"]
        for one in LEFT_OUT:
            command += ["--exclude-name", one]
        if client.token:
            command += ["--header", f"Authorization: Bearer {client.token}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        return done, report, events

    def test_as_each_role(self):
        """No 5xx, no status that is not in the document, and each answer as its schema has it."""
        operations = sum(len(ones) for ones in self.made.get("/openapi.json", token=None)["paths"].values())
        for role, client in self.roles.items():
            done, report, events = self.run_as(client, operations)
            import shutil; shutil.copy(report, f"/tmp/st-{role}.json"); open(f"/tmp/st-{role}.txt","w").write(done.stdout+done.stderr)

    test_as_each_role.limit = 300 + CASES
