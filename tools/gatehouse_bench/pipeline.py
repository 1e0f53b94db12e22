"""From the end of an event to its object in the store: one event, then one on each of eight cameras at once."""

import glob
import os
import statistics
import time
from datetime import datetime

from box import Problem

from .boxes import box, cameras, link_all
from .processes import Machine
from .report import at_most

AFTER = 25  # seconds of a clip that lie after its event
PAST = 7  # seconds that a channel must have run so that its buffer holds the five before an event
OBJECTS = (".mp4", ".jpg", ".json")


def epoch(text):
    """An API time as seconds."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def stored_seconds(made, channels, limit):
    """Trigger an event on each channel at the same time; seconds from each event's end to the last object of its clip, and the clips."""
    present = set(objects(made))
    events = [made.trigger(channel) for channel in channels]
    ends = {event["id"]: epoch(event["startedAt"]) + AFTER for event in events}
    seen, arrived, clips = {}, {}, {}
    deadline = max(ends.values()) + limit
    while len(arrived) < len(events) and time.time() < deadline:
        time.sleep(0.05)
        for path in set(objects(made)) - present:
            seen.setdefault(os.path.splitext(os.path.basename(path))[0], {})[os.path.splitext(path)[1]] = time.time()
            present.add(path)
        if time.time() < min(ends.values()) - 2:
            continue
        for event in events:
            if event["id"] in arrived:
                continue
            identifier = clips.get(event["id"]) or clip_of(made, event)
            clips[event["id"]] = identifier
            if identifier and set(OBJECTS) <= set(seen.get(identifier, {})):
                arrived[event["id"]] = max(seen[identifier][kind] for kind in OBJECTS) - ends[event["id"]]
    if len(arrived) < len(events):
        lost = [made.event(event) for event in events if event["id"] not in arrived]
        raise AssertionError(f"{len(lost)} of {len(events)} clips were not in the store {limit} s after their events: "
                             f"{lost[0]} {made.log_end()}")
    for event in events:
        made.await_stored(event, 30)
    return list(arrived.values()), [made.clip(clips[event["id"]]) for event in events]


def clip_of(made, event):
    """The clip's identifier, once there is one."""
    try:
        return made.event(event)["clipId"]
    except Problem:
        return None


def objects(made):
    """The objects in the store."""
    found = glob.glob(os.path.join(made.store, "**", "*"), recursive=True)
    return [path for path in found if os.path.splitext(path)[1] in OBJECTS]


def check_clips(report, clips):
    """All made as the definition wants them, and whole."""
    for clip in clips:
        if clip["asItCame"] or clip["interrupted"] or not 29.5 <= clip["durationSeconds"] <= 30.5:
            raise AssertionError(f"a clip is not as it should be: {clip}")
    kinds = sorted({f"{clip['width']}x{clip['height']} at {clip['frameRate']:g} frames/s, {clip['way']}" for clip in clips})
    report.say("clips: " + "; ".join(kinds))
    return "; ".join(kinds)


def run(report, program, quick):
    """One event some times, then eight at once."""
    many = 8
    with cameras(many) as all_cameras, box() as made:
        channels = link_all(made, all_cameras[:1])
        made.await_past(PAST, *channels)
        times = []
        for _ in range(1 if quick else 3):
            some, clips = stored_seconds(made, channels, 60)
            times += some
            one_kind = check_clips(report, clips)
        channels += link_all(made, all_cameras[1:])
        made.await_past(PAST, *channels)
        machine = Machine()
        together, clips = stored_seconds(made, channels, 300)
        busy = machine.busy
        many_kind = check_clips(report, clips)
    median, last = statistics.median(times), max(together)
    report.add("pipeline.event_to_object_seconds", median, "s", **at_most(median, 10))
    report.add("pipeline.event_to_object_seconds_8", last, "s", target="no loss", met=True)
    report.note(f"pipeline: real clips of 30 s into a folder store, from the event's 25th second to the last of video, picture and "
                f"manifest; one event {', '.join(f'{seconds:.2f}' for seconds in times)} s ({one_kind}); {many} at once "
                f"{', '.join(f'{seconds:.1f}' for seconds in sorted(together))} s ({many_kind}), the machine {busy:.0%} busy")
