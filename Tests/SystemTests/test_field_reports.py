"""Boxes tell their vendor what became of upgrades, and the vendor stops a release that they give up."""

import http.server
import json
import os
import threading

from field_case import FieldCase
from waiting import wait_for


class Bucket:
    """Takes files by PUT, into a folder."""

    def __init__(self, folder):
        class Handler(http.server.BaseHTTPRequestHandler):
            """One file."""

            def do_PUT(self):
                """Keep it below its name."""
                place = os.path.join(folder, os.path.normpath(self.path).lstrip("/"))
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, "wb") as file:
                    file.write(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(201)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Nothing is logged."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        """Take nothing any more."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class FieldReports(FieldCase):
    """One box and its vendor's bucket."""

    settings = {"servers__allow_local": True}

    def reports(self):
        """What came, the oldest first."""
        found = []
        for place, _, names in os.walk(self.folder_of_reports):
            for name in names:
                with open(os.path.join(place, name)) as file:
                    found.append(json.load(file))
        return sorted(found, key=lambda report: report["startedAt"])

    def test_a_rollout_that_fails(self):
        """A release that boxes give up is told of with its reason, and by `release pause` offered to nobody any more; what is good goes on."""
        self.folder_of_reports = self.at("reports")
        os.makedirs(self.folder_of_reports)
        self.upgraded.settings["firmware.reports"] = self.kept(Bucket(self.folder_of_reports)).url
        box = self.begin()
        self.offer("1.1.0", "exit 1")
        self.upgrade("1.1.0")
        wait_for(lambda: (self.firmware() or {}).get("phase") != "fetching", 30, "the end of the fetching")
        self.await_version("1.0.0", phases=("idle",))
        report = wait_for(self.reports, 20, "the report")[0]
        self.assertEqual((report["serialNumber"], report["from"], report["to"], report["outcome"], report["origin"]),
                         (box.get("/system")["serialNumber"], "1.0.0", "1.1.0", "rolled-back", "person"))
        self.assertIn("never ran well", report["reason"])
        self.assertNotIn("installer", json.dumps(report))

        pause = ["pause", self.repository, self.path("1.1.0"), "--reports", self.folder_of_reports]
        self.assertIn("1 gave it up", self.release(*pause), "one box may be broken by itself")
        told = self.release(*pause, "--boxes", "1", expect=1)
        self.assertIn("1: It was started 3 times and never ran well.", told)
        self.assertIn("waits for one more signature", told)
        self.release("sign", self.repository, "--key", self.at("targets"))
        self.publish("snapshot", "timestamp")
        self.assertIn("to nobody already", self.release(*pause, "--boxes", "1", expect=1))

        self.offer("1.2.0")
        self.upgrade("1.2.0")
        self.await_version("1.2.0", phases=("idle",))
        wait_for(lambda: [report["outcome"] for report in self.reports()][1:] == ["confirmed"], 20, lambda: f"the second report: {self.reports()}")
        self.assertIn("1 stayed with it, 0 gave it up", self.release("pause", self.repository, self.path("1.2.0"), "--reports", self.folder_of_reports))
