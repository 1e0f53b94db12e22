"""An armed channel in which nothing moves: processor and memory, and Debian's motion on the same streams."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time

from waiting import wait_for

from .boxes import box, cameras, link_all
from .processes import Machine, distinct_megabytes, memory_megabytes, stopwatch
from .report import at_most

SETTLE = 15  # seconds until caches, decoders and motion's picture of the scene have settled
# motion with a person's configuration: where the camera is and how fast; everything else as it comes, but no files and no servers.
MOTION = """daemon off
log_file {folder}/motion.log
target_dir {folder}
picture_output off
movie_output off
webcontrol_port 0
stream_port 0
"""
MOTION_CAMERA = """netcam_url {url}
netcam_userpass {user}:{password}
framerate 25
"""


def install_motion():
    """Debian's package, when it is missing."""
    if shutil.which("motion"):
        return
    command = [] if os.geteuid() == 0 else ["sudo"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*command, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "motion"], check=True, env=environment,
                   stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def motion(some):
    """motion at work on these cameras; its process."""
    install_motion()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        text = MOTION.format(folder=folder)
        for number, camera in enumerate(some, 1):
            path = os.path.join(folder, f"camera{number}.conf")
            with open(path, "w") as file:
                file.write(f"camera_id {number}\n" + MOTION_CAMERA.format(url=camera.rtsp, user=camera.user, password=camera.password))
            text += f"camera {path}\n"
        with open(os.path.join(folder, "motion.conf"), "w") as file:
            file.write(text)
        process = subprocess.Popen(["motion", "-n", "-c", os.path.join(folder, "motion.conf")], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def log():
            with contextlib.suppress(OSError), open(os.path.join(folder, "motion.log"), errors="replace") as file:
                return file.read()
            return ""

        try:
            wait_for(lambda: log().count(" connected") >= len(some), 30, lambda: f"motion's cameras: {log()[-1500:]}")
            yield process, log
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait()


def buffered_megabytes(made):
    """The packets of the past that the box keeps for clips."""
    text = made.client.request("GET", "/metrics").body.decode()
    found = re.findall(r"^gatehouse_channel_buffered_bytes\{.*\} ([0-9.e+]+)$", text, re.MULTILINE)
    return sum(map(float, found)) / 1048576


def own_memory(made, looks=5):
    """Memory of the box and its worker without the packets kept: the mean of some looks, for both go up and down."""
    found = []
    for _ in range(looks):
        before = buffered_megabytes(made)
        memory = distinct_megabytes(made.pid)
        found.append(memory - (before + buffered_megabytes(made)) / 2)
        time.sleep(0.9)
    return sum(found) / looks


def check_nothing_happened(made, channels):
    """A figure of an idle box is none when it recorded, or had no picture."""
    events = made.get("/events")["items"]
    if events:
        raise AssertionError(f"{len(events)} events happened while nothing should move, the first {events[-1]}")
    lost = [state for state in (made.channel(channel)["state"] for channel in channels) if state["severity"] == "trouble"]
    if lost:
        raise AssertionError(f"a channel lost its picture: {lost[0]}")


def measure(report, some, seconds, rivals=()):
    """One box with these cameras, at last beside motion on `rivals` of them: a dictionary of what was found."""
    with box() as made:
        time.sleep(10)  # what is needed only to start is given back by then
        found = {"box": distinct_megabytes(made.pid), "resident": memory_megabytes(made.pid, "Rss"), "pss": memory_megabytes(made.pid)}
        anonymous = memory_megabytes(made.pid, "Anonymous")
        with stopwatch(made.pid) as cores:
            time.sleep(5)
        found["empty"] = cores[0]
        channels = link_all(made, some)
        time.sleep(SETTLE)
        with stopwatch(made.pid, *made.workers()) as cores:
            time.sleep(seconds)
        found["cores"], found["worker"] = cores[0] / len(some), sum(cores[1:]) / len(some)
        memory = own_memory(made)
        found["memory"], found["buffered"] = (memory - found["box"]) / len(some), buffered_megabytes(made) / len(some)
        found["whole"] = distinct_megabytes(made.pid)
        found["anonymous"] = (memory_megabytes(made.pid, "Anonymous") - anonymous) / len(some) - found["buffered"]
        check_nothing_happened(made, channels)
        report.say(f"{len(some)} channels: {found['cores']:.4f} cores each, {found['worker']:.4f} of them the picture worker; "
                   f"{found['memory']:.1f} MB each above {found['buffered']:.1f} MB of packets each; {found['whole']:.0f} MB in all")
        if rivals:
            found |= compare(report, made, len(some), rivals, seconds)
            check_nothing_happened(made, channels)
    return found


def compare(report, made, channels, rivals, seconds):
    """The box and motion side by side, in cores a channel; motion has some of the box's streams, as many as the machine carries."""
    with motion(rivals) as (process, log):
        time.sleep(SETTLE)
        machine = Machine()
        with stopwatch(made.pid, process.pid) as cores:
            time.sleep(seconds)
        if process.poll() is not None:
            raise AssertionError(f"motion ended: {log()[-1500:]}")
        if machine.busy > 0.95:
            report.note(f"idle: the machine was {machine.busy:.0%} busy beside motion, which then drops pictures and needs less")
        memory = distinct_megabytes(process.pid) / len(rivals)
    report.say(f"beside motion: {cores[0] / channels:.4f} cores a channel; motion {cores[1] / len(rivals):.4f} a stream")
    return {"together": cores[0] / channels, "motion": cores[1] / len(rivals), "motion memory": memory}


def run(report, program, quick):
    """One camera, then many with motion beside them."""
    seconds, many = (20, 4) if quick else (60, 8)
    with cameras(many) as all_cameras:
        one = measure(report, all_cameras[:1], seconds)
        all_found = measure(report, all_cameras, seconds, all_cameras[:4])
    add = report.add
    add("idle.core_per_channel", all_found["cores"], "cores", **at_most(all_found["cores"], 0.02))
    add("idle.core_per_channel_1", one["cores"], "cores", **at_most(one["cores"], 0.02))
    ratio = all_found["together"] / all_found["motion"]
    add("idle.vs_motion", ratio, "ratio", peer="motion (Debian)", peer_value=all_found["motion"], peer_unit="cores", **at_most(ratio, 0.2))
    add("idle.memory_mb_per_channel", all_found["memory"], "MB", peer="motion (Debian)", peer_value=all_found["motion memory"],
        peer_unit="MB", **at_most(all_found["memory"], 24))
    add("idle.memory_mb_per_channel_1", one["memory"], "MB", **at_most(one["memory"], 24))
    add("box.memory_mb", max(one["resident"], all_found["resident"]), "MB",
        **at_most(max(one["resident"], all_found["resident"]), 60))
    add("box.memory_pss_mb", max(one["pss"], all_found["pss"]), "MB")
    report.note(f"idle: {many} cameras in one box, 1 in another; of idle.core_per_channel the picture worker takes "
                f"{all_found['worker']:.4f} ({one['worker']:.4f} with one); the box without channels takes {all_found['empty']:.4f} cores; "
                "motion has 4 of the same streams in the same minute and its own settings (it scales to 640x480)")
    report.note(f"idle: memory is all pages of box and picture worker, each once, without the {all_found['buffered']:.1f} MB of packets "
                f"that a channel keeps and without the box itself; {all_found['whole']:.0f} MB in all with {many} channels, {one['whole']:.0f} with one; "
                f"pages of programs and libraries left out, a channel takes {all_found['anonymous']:.1f} MB, the first with the worker "
                f"{one['anonymous']:.1f}; 1 MB is 2^20 bytes")
