"""The API on a box that is full: 40 sites, 400 devices, 1,000,000 lines in the operation log; five programs that together ask 500 times a second."""

import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import uuid

from people import WORDS, Person

from .boxes import box
from .processes import memory_megabytes
from .report import at_least, at_most

SITES, DEVICES, LINES = 40, 400, 1_000_000
RATE, CONNECTIONS, PROGRAMS = 500, 50, 5
# Each connection waits so long after an answer that all of them together ask so often; each asks for the next list each time.
SCRIPT = """
local paths = {{ {paths} }}
local tokens = {{ {tokens} }}
local count = 0
local threads = 0
function setup(thread)
  thread:set("first", threads)
  threads = threads + 1
end
function init(arguments) math.randomseed(first + 1) end
function delay() return math.random(0, {wait}) end
function request()
  count = count + 1
  return wrk.format("GET", paths[count % #paths + 1], {{ Authorization = "Bearer " .. tokens[count % #tokens + 1] }})
end
function done(summary, latency, requests)
  io.write(string.format("FOUND %f %f %f %d %d\\n", latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000, summary.requests,
    summary.errors.status + summary.errors.timeout + summary.errors.connect + summary.errors.read + summary.errors.write))
  io.write(string.format("TOOK %f\\n", summary.duration / 1000000))
end
"""


def install_wrk():
    """Debian's package, when it is missing."""
    if shutil.which("wrk"):
        return
    command = [] if os.geteuid() == 0 else ["sudo"]
    subprocess.run([*command, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "wrk"], check=True,
                   env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=subprocess.DEVNULL)


def copies(database, table, count, change):
    """Copy the one row of a table; `change` gives the columns that differ in each copy."""
    database.row_factory = sqlite3.Row
    row = dict(database.execute(f"SELECT * FROM {table} LIMIT 1").fetchone())
    rows = [{**row, **change(number)} for number in range(count)]
    names = list(row)
    quoted = ", ".join(f'"{name}"' for name in names)
    database.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({', '.join('?' * len(names))})", [[one[name] for name in names] for one in rows])


def fill(made):
    """Put in what takes too long by the API: the rows of one device are copied, and lines of the log are made up (their digests are no chain)."""
    sites = [made.call("POST", "/sites", {"name": f"Shop {number}", "timeZone": "Europe/Rome"})["id"] for number in range(SITES - 1)]
    sites.append(made.get("/sites")["items"][0]["id"])
    made.add_device("rtsp://127.0.0.1:9/main", "me", "secret", siteId=sites[0])
    # A person each: nobody may ask 500 times a second alone.
    people = [Person(made, f"program{number}", "Administrator") for number in range(PROGRAMS)]
    tokens = [person.client.call("POST", "/keys", {"name": "Lists", "permissions": ["view-site", "read-log"], "days": 30, "password": WORDS})["key"] for person in people]
    made.stop()
    with sqlite3.connect(os.path.join(made.state, "box.sqlite")) as database:
        ids = [uuid.uuid4().hex for _ in range(DEVICES - 1)]
        copies(database, "device", DEVICES - 1, lambda number: {"id": ids[number], "siteId": sites[number % SITES], "name": f"Camera {number}", "rtspPort": 10_000 + number})
        copies(database, "channel", DEVICES - 1, lambda number: {
            "id": uuid.uuid4().hex, "deviceId": ids[number], "siteId": sites[number % SITES], "name": f"Camera {number}", "url": f"rtsp://127.0.0.1:{10_000 + number}/main"})
        first = database.execute("SELECT max(number) FROM operation").fetchone()[0]
        database.execute("""INSERT INTO operation (number, at, clock, person, role, action, subject, subjectName, address, result, previous, digest)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            SELECT ? + i, '2026-01-01 08:00:00.000', 'synchronized', 'ada', 'Administrator', 'changeChannel', hex(randomblob(16)), 'Camera ' || (i % 400),
            '192.168.1.7', 'done', lower(hex(randomblob(32))), lower(hex(randomblob(32))) FROM n""", (LINES - first, first))
    made.start()
    return tokens


def load(base, tokens, paths, seconds):
    """wrk's median and 99th percentile in milliseconds, and how many requests there were a second."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        wait = int(2 * 1000 * CONNECTIONS / RATE)
        file.write(SCRIPT.format(paths=", ".join(f'"/api/v1{path}"' for path in paths), tokens=", ".join(f'"{token}"' for token in tokens), wait=wait))
        file.flush()
        told = subprocess.run(["wrk", "-t", "2", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "-s", file.name, base], capture_output=True, text=True, check=True).stdout
    found = re.search(r"FOUND ([0-9.]+) ([0-9.]+) ([0-9.]+) (\d+) (\d+)", told)
    took = float(re.search(r"TOOK ([0-9.]+)", told).group(1))
    if not found or int(found.group(5)):
        raise AssertionError(f"not all requests were answered well: {told}")
    return float(found.group(1)), float(found.group(2)), int(found.group(4)) / took


def checks(made):
    """Seconds and number of the permission checks so far."""
    text = made.client.request("GET", "/metrics").body.decode()
    return [float(re.search(rf"^gatehouse_access_check_seconds_{name} (\S+)$", text, re.MULTILINE).group(1)) for name in ("sum", "count")]


def run(report, _, quick):
    """The lists at 500 requests a second, over TLS."""
    install_wrk()
    lists = ["/sites", "/devices?limit=20", "/channels?limit=20", "/operations?limit=20", "/operations?limit=20&action=changeChannel"]
    with box() as made:
        tokens = fill(made)
        load(made.client.base, tokens, lists, 3)
        before = checks(made)
        median, late, rate = load(made.client.base, tokens, lists, 10 if quick else 60)
        after = checks(made)
        resident = memory_megabytes(made.pid, "Rss")
        for path in lists:
            one = load(made.client.base, tokens, [path], 3 if quick else 10)
            report.say(f"{path} alone: median {one[0]:.2f} ms, 99 of 100 within {one[1]:.2f} ms, {one[2]:.0f} a second")
    # Who waits for answers asks less often: where the box does not keep up, this tells.
    report.add("api.requests_per_second", rate, "1/s", **at_least(rate, 0.9 * RATE))
    report.add("api.p99_ms", late, "ms", **at_most(late, 20))
    report.add("api.memory_mb", resident, "MB", **at_most(resident, 120))
    spent = (after[0] - before[0]) / (after[1] - before[1]) * 1e6
    report.add("access.check_microseconds", spent, "µs", **at_most(spent, 20))
    report.note(f"api: {rate:.0f} requests a second over TLS by {CONNECTIONS} connections of {PROGRAMS} people's programs, median {median:.2f} ms; "
                f"{SITES} sites, {DEVICES} devices that are away, {LINES} log lines; pages of 20")
