"""The source for transcoding: a still scene with sensor noise through which people walk, as a camera with 2 megapixels sends it."""

import contextlib
import fcntl
import os
import subprocess
import sys

WIDTH, HEIGHT, RATE, KBITS = 1920, 1080, 25, 4000
VERSION = 1  # raise it when the pictures or the settings change
WALK_EVERY, WALK_FOR = 10, 6  # seconds: now somebody walks, now nothing moves


def cache():
    """Where sources are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(base, "gatehouse-bench")
    os.makedirs(folder, exist_ok=True)
    return folder


def source(seconds, say):
    """A fragmented MP4 file of so many seconds, drawn and encoded when it is not in the cache."""
    path = os.path.join(cache(), f"source-{VERSION}-{seconds}.mp4")
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            say(f"drawing {seconds} s of footage, once")
            draw(seconds, path + ".part")
            os.rename(path + ".part", path)
    return path


def draw(seconds, path):
    """Draw and encode the footage."""
    from camera_simulator.scenes import Scene  # needs numpy, which setup has installed by now
    scene = Scene("yard", WIDTH, HEIGHT)
    rate = f"{KBITS}k"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE),
               "-i", "-", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-bf", "0", "-b:v", rate, "-maxrate", rate,
               "-bufsize", rate, "-g", str(2 * RATE), "-x264-params", "scenecut=0:ref=1:rc-lookahead=10",
               "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-f", "mp4", path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr)
    try:
        for number in range(seconds * RATE):
            walking = number / RATE % WALK_EVERY
            process.stdin.write(scene.frame(walking if walking < WALK_FOR else None))
        process.stdin.close()
    except BaseException:
        process.kill()
        raise
    finally:
        status = process.wait()
        if status:
            with contextlib.suppress(OSError):
                os.unlink(path)
    if status:
        raise AssertionError(f"ffmpeg could not encode the source: it ended with {status}")
