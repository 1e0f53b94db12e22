"""Clips that wait in the spool of a box, many at a time."""

import datetime
import hashlib
import json
import os
import secrets
import sqlite3


def text(moment):
    """A time as the box writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def fill(made, count, size, channel="bench-channel", picture_size=402):
    """Put clips into the spool of a box that does not run, as if they had waited for hours; their bytes in all."""
    with open(os.path.join(made.state, "identity.json")) as file:
        serial = json.load(file)["serialNumber"]
    database = sqlite3.connect(os.path.join(made.state, "box.sqlite"))
    site = database.execute("SELECT id FROM site").fetchone()[0]
    started = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=30)
    picture, total = b"\xff\xd8" + bytes(picture_size - 2), 0
    rows = []
    for number in range(count):
        at = started + datetime.timedelta(seconds=number * 100_000 / count)
        clip = f"{int(at.timestamp() * 1000):012x}7{secrets.token_hex(10)[:19]}"
        body = secrets.token_bytes(size)
        day = at.strftime("%Y/%m/%d")
        manifest = {
            "schema": 1, "id": clip, "box": serial, "site": site, "channel": channel, "channelName": "Bench", "stage": "ready", "startsAt": text(at),
            "startsUptime": 1, "bootID": "bench", "events": [], "definition": {"kind": "high", "resolution": "1080P", "width": 1920, "height": 1080,
                                                                              "bitRate": 1000000},
            "retentionDays": 7, "plan": {"way": "software", "reason": "", "width": 1920, "height": 1080, "frameRate": 10, "bitRate": 1000000},
            "sourceStart": 0, "clip": {"name": "clip.mp4", "bytes": size, "sha256": hashlib.sha256(body).hexdigest()},
            "thumbnail": {"name": "thumbnail.jpg", "bytes": len(picture), "sha256": hashlib.sha256(picture).hexdigest()},
            "footage": {"width": 1920, "height": 1080, "frameRate": 10, "videoCodec": "h264", "duration": 30}, "interrupted": False,
            "asItCame": False, "objectKey": f"{serial}/{site}/{channel}/{day}/{clip}.mp4"}
        folder = os.path.join(made.state, "spool", clip)
        os.mkdir(folder, 0o700)
        written = json.dumps(manifest, sort_keys=True)
        for name, content in (("clip.mp4", body), ("thumbnail.jpg", picture), ("clip.json", written.encode())):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        total += size + len(picture) + len(written)
        row = json.dumps({**manifest, "startsAt": int(at.timestamp()) * 1000})  # times in rows are in milliseconds
        rows.append((clip, channel, "Bench", at.strftime("%Y-%m-%d %H:%M:%S.000"), "queued", row, size + len(picture), 0, size))
    database.executemany("INSERT INTO clip (id, channelId, channelName, startsAt, state, manifest, spoolBytes, attempts, clipBytes) "
                         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    return total
