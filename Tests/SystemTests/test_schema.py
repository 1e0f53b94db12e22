"""The API against its own document: schemathesis makes requests of every operation, good and bad, signed in as each role."""

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

CASES = int(os.environ.get("GATEHOUSE_SCHEMA_CASES", "230"))  # of each role
ROLES = [one for one in os.environ.get("GATEHOUSE_SCHEMA_ROLES", "").split(",") if one]  # all, or some where there are few cases
SEED = os.environ.get("GATEHOUSE_SEED", "1")
PACKAGES = ("schemathesis==4.32.5",)
NEW_NETWORK = 0x40000000  # CLONE_NEWNET
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance")
# More cases than these are made in all its ways: each value that a field may have, and each kind of what it may not, makes some 10,000.
MANY = 10_000
# A device that does not answer is no error of the box.
CONFIGURATION = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 502, 504]
"""
# What ends the box or the sign-in by which is asked, never ends its answer, or claims a box that is claimed.
LEFT_OUT = ("POST /api/v1/system/factory-reset", "DELETE /api/v1/session", "DELETE /api/v1/sessions/{id}", "GET /api/v1/stream", "POST /api/v1/setup/claim")


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
        cls.operations = sum(len(ones) for ones in box.get("/openapi.json", token=None)["paths"].values())
        # In this order: those who may remove accounts come last.
        cls.roles = {"nobody": Client(box.client.base), "a program's key": key, "partner": partner.client, "owner": owner.client, "site manager": people["mara"].client,
                     "IT manager": people["ines"].client, "administrator": people["ada"].client, "installer admin": box.client}

    def run_as(self, client, count):
        """What schemathesis finds with at least `count` cases of somebody: its report, and what it says."""
        folder = self.folder()
        report = os.path.join(folder, "report.json")
        with open(os.path.join(folder, "schemathesis.toml"), "w") as file:
            file.write(CONFIGURATION)
        command = [os.path.join(os.path.dirname(self.python), "st"), "--no-color", "run", f"{client.base}/api/v1/openapi.json", "--url", client.base, "--tls-verify", "false",
                   "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing" if count >= MANY else "fuzzing",
                   "--max-examples", str(max(1, (count - MANY if count >= MANY else count) // self.operations)), "--seed", SEED, "--no-shrink", "--continue-on-failure",
                   "--suppress-health-check", "all", "--request-timeout", "30", "--generation-database", "none", "--warnings", "off", "--report", "json",
                   "--report-json-path", report]
        for one in LEFT_OUT:
            command += ["--exclude-name", one]
        if client.token:
            command += ["--header", f"Authorization: Bearer {client.token}"]
        hooks = {"SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONPATH": os.path.dirname(__file__), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **hooks})
        with open(report) as file:
            return json.load(file), done.stdout

    def test_as_each_role(self):
        """No 5xx but what a device is to blame for, no status that is not in the document, and each answer as its schema has it."""
        told = []
        chosen = ROLES or (self.roles if CASES >= MANY else ("owner", "installer admin"))
        for role, client in self.roles.items():
            if role not in chosen:
                continue
            with self.subTest(role=role):
                report, text = self.run_as(client, CASES)
                made = report["test_cases"]["generated"]
                told.append(f"{role}: {made} cases, {', '.join(one['title'] for one in report['errors']) or 'no error of schemathesis itself'}")
                self.assertGreaterEqual(made, min(CASES, self.operations) * 0.9, text[-3000:])
                self.assertFalse(report["failures"], text[-12_000:])
                self.assertTrue(self.made.is_running())
                # Whoever it was is still somebody: else everything after that would be 401.
                if client.token:
                    self.assertEqual(client.request("GET", "/session").status, 200, "the sign-in ended in between")
        print("; ".join(told), flush=True)

    test_as_each_role.limit = 600 + CASES
