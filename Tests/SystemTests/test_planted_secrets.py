"""Secrets that people and machines give the box, or get from it, are found nowhere: not in its log, files, answers, metrics, nor in a backup or what is restored of it."""

import base64
import json
import os
import subprocess
import urllib.parse

from box import PASSWORD, binary
from case import Case
from waiting import wait_for

# What is answered once to whoever makes it, and is none of the box's own words.
PLANTED = {
    "a device's password": "Harbour-Lamp-2031", "a password in a stream's address": "Quay-Winch-2032", "a bucket's secret": "wJalrXUtnFEMIplantedK7MDENGbPxRfiCY", "a session token of S3": "FwoGZXIvYXdzEPlantedToken",
    "a mirror's secret": "mJalrXUtnFEMIplantedK7MDENGbPxRfiCZ", "a name server's password": "Jetty-Crane-2033", "a TURN credential": "Pier-Bollard-2034", "a verification code": "Mooring-Rope-2035",
    "a new password": "eleven brass bells at dusk", "a passphrase": "nine calm ferries by dawn", "an RTSP reader's password": "Anchor-Chain-2036",
    "a wrong password": "seven wrong gulls by dawn", "a password in a place of its own": "Breakwater-2037",
}
S3 = {"kind": "s3", "region": "eu", "bucket": "clips", "addressing": "path"}


class PlantedSecrets(Case):
    """One box that is given every kind of secret."""

    @classmethod
    def setUpClass(cls):
        cls.made = box = cls.class_box(**{"metrics.token": "a metrics token of the configuration"})
        box.claim()
        box.call("PATCH", "/session/password", {"password": PASSWORD, "newPassword": PLANTED["a new password"]})
        cls.password = PLANTED["a new password"]
        cls.secrets = dict(PLANTED)

    def plant(self):
        """Give the box each of them, in the right places, and some in wrong ones."""
        box, planted, kept = self.made, PLANTED, self.secrets
        device = box.add_device("rtsp://127.0.0.1:9/main", "me", planted["a device's password"], name="Door")
        yard = planted["a password in a stream's address"]
        box.call("POST", "/devices", {"name": "Yard", "url": f"rtsp://me:{yard}@127.0.0.1:9/yard"})
        first = {**S3, "endpoint": "http://127.0.0.1:9", "accessKeyId": "KEYONE", "secretAccessKey": planted["a bucket's secret"], "sessionToken": planted["a session token of S3"]}
        second = {**S3, "endpoint": "http://127.0.0.1:9", "bucket": "copies", "accessKeyId": "KEYTWO", "secretAccessKey": planted["a mirror's secret"]}
        box.call("POST", "/storage/test", {"target": first}, timeout=60)
        box.call("PUT", "/storage/target", first)
        box.call("PUT", "/storage/second", {"role": "mirror", "target": second})
        box.call("PUT", "/relay/ddns", {"enabled": False, "serverUrl": "https://dyn.example.com", "hostName": "box.example.com", "userName": "box", "password": planted["a name server's password"]})
        box.call("PUT", "/relay/ice", {"turnUrl": "turn:127.0.0.1:9?transport=udp", "userName": "box", "credential": planted["a TURN credential"], "credentialKind": "password"})
        box.call("PUT", "/relay/rtsp", {"enabled": False, "userName": "reader", "password": planted["an RTSP reader's password"]})
        box.call("PUT", "/storage/encryption", {"enabled": True, "code": planted["a verification code"], "password": self.password})
        role = next(one["id"] for one in box.get("/roles")["items"] if one["name"] == "Site Manager")
        kept["an invitation's token"] = box.call("POST", "/invitations", {"name": "Bert", "roleId": role})["token"]
        site = box.get("/sites")["items"][0]["id"]
        kept["a handover's token"] = box.call("POST", f"/sites/{site}/handovers", {"way": "email", "recipient": "olga@example.com"})["path"].rpartition("/")[2]
        kept["a program's key"] = box.call("POST", "/keys", {"name": "backup", "permissions": ["play-back"], "days": 90, "password": self.password})["key"]
        kept["a second factor"] = box.call("POST", "/session/one-time-passwords", {"password": self.password})["secret"]
        kept["a sign-in's token"] = box.token
        self.fail_on_purpose(device)

    def fail_on_purpose(self, device):
        """Secrets in places that are refused: they are neither repeated nor kept."""
        own, wrong = PLANTED["a password in a place of its own"], PLANTED["a wrong password"]
        for method, path, body in (
                ("POST", "/session", {"userName": "installer", "password": wrong}), ("POST", "/session", {"userName": "installer", "password": wrong, own: own}),
                ("POST", "/devices", {"name": "x", "url": f"rtsp://me:{own}@127.0.0.1:99999/x"}), ("PATCH", f"/devices/{device['id']}", {"password": {"x": own}}),
                ("POST", "/devices/test", {"url": f"http://me:{own}@127.0.0.1/x"}), ("POST", "/join", {"token": own, "userName": "x", "password": wrong}),
                ("PUT", "/storage/target", {**S3, "endpoint": "ftp://x", "accessKeyId": "KEY", "secretAccessKey": own}), ("POST", "/share", {"token": own}),
                ("GET", f"/devices?password={own}", None), ("GET", f"/no-such-place/{own}", None), ("POST", "/backup", {"password": wrong, "passphrase": PLANTED["a passphrase"]})):
            answer = self.made.client.request(method, path, body, timeout=60)
            self.assertGreaterEqual(answer.status, 400, path)

    def answers(self):
        """What every GET answers, as text by its path; what streams without an end is left out."""
        document = self.made.get("/openapi.json")
        names = {"/sites/": self.made.get("/sites")["items"][0]["id"], "/devices/": self.made.get("/devices")["items"][0]["id"],
                 "/channels/": self.made.get("/channels")["items"][0]["id"], "/people/": self.made.get("/people")["items"][0]["id"]}
        found = {}
        for path, operations in document["paths"].items():
            place = path.removeprefix("/api/v1")
            if "get" not in operations or place == "/stream" or "/live/" in place or "/playback/" in place:
                continue
            for part, identifier in names.items():
                if part in place:
                    place = place.replace("{id}", identifier)
            token = "a metrics token of the configuration" if place == "/metrics" else self.made.token
            answer = self.made.client.request("GET", place, token=token, timeout=60)
            found[place] = answer.body + json.dumps(answer.headers).encode()
        self.assertGreater(sum(len(body) for body in found.values()), 50_000)
        return found

    def files(self, folder):
        """The bytes of every file below a folder, by its path."""
        found = {}
        for root, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(root, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        found[path] = file.read()
        return found

    def restored(self):
        """The files of a box that begins with this one's backup, and the backup itself."""
        folder = self.folder()
        backup, state = os.path.join(folder, "box.backup"), os.path.join(folder, "state")
        answer = self.made.client.request("POST", "/backup", {"password": self.password, "passphrase": PLANTED["a passphrase"]}, timeout=60)
        self.assertEqual(answer.status, 200, answer.body[:300])
        with open(backup, "wb") as file:
            file.write(answer.body)
        done = subprocess.run([binary(), "restore", backup, "--state", state, "--passphrase-file", "-"], capture_output=True, text=True, timeout=120,
                              input=PLANTED["a passphrase"] + "\n", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(any(path.endswith(".sqlite") for path in self.files(state)))
        return {"the backup": answer.body, "what restoring says": (done.stdout + done.stderr).encode(), **self.files(state)}

    def begun_anew(self):
        """What another box, new and then begun with a backup, has in its log and its folder; the code, the passphrase and the ticket are among the secrets."""
        content = self.made.client.request("POST", "/backup", {"password": self.password, "passphrase": PLANTED["a passphrase"]}, timeout=60).body
        other = self.box(**{"storage.folder": None})
        ticket = other.call("POST", "/setup/restore", {"setupCode": other.setup_code, "passphrase": PLANTED["a passphrase"]})["ticket"]
        self.secrets["a ticket"] = ticket
        before = {f"before, {path}": found for path, found in self.files(other.state).items() if not path.endswith("/setup-code")}
        lines = len(other.lines)
        self.assertEqual(other.client.request("PUT", f"/setup/restore/{ticket}", content, {"Content-Type": "application/octet-stream"}, timeout=60).status, 202)
        wait_for(lambda: len(other.lines) > lines, 60, "the box's second ready line")
        other.stop()
        return {"the log of the one that began with it": other.log().encode(), **before, **self.files(other.state)}

    def test_found_nowhere(self):
        """As it is, in base64, in hexadecimal digits and percent-encoded."""
        self.plant()
        places = {"the log": self.made.log().encode(), **self.files(self.made.state), **self.answers(), **self.restored(), **self.begun_anew()}
        places["the log"] = self.made.log().encode()
        self.assertIn(b"Door", places["the log"] + b"".join(places.values()))
        told = []
        for what, secret in self.secrets.items():
            plain = secret.encode()
            # Of base64 the middle, whatever stands before it.
            middles = {base64.b64encode(b"x" * shift + plain)[4:-4] for shift in range(3)}
            forms = {plain, plain.hex().encode(), plain.hex().upper().encode(), urllib.parse.quote(secret).encode(), *middles}
            told += [f"{what} in {name}" for name, content in places.items() if any(form in content for form in forms)]
        self.assertEqual(told, [])
