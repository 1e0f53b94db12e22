"""Programs with mounts of their own."""

import os
import subprocess
import tempfile

# $0 is where tests have their folders, $1 is what stays.
WITHOUT_LOOPS = """
    grep "^/dev/loop[0-9]* $0/" /proc/self/mounts | while read -r _ place _; do [ "$place" = "$1" ] || umount --lazy "$place"; done
    shift
    exec "$@"
"""


def apart(keep=""):
    """The beginning of a command line: what follows has mounts of its own, and of the disks that tests have mounted only that at `keep`. As long as it had a copy of another, whoever unmounts
    that would wait for its loop device."""
    return ["unshare", "--mount", "sh", "-ec", WITHOUT_LOOPS, os.path.realpath(tempfile.gettempdir()), os.path.realpath(keep) if keep else ""]


def covering(file, place, keep=""):
    """The beginning of a command line: what follows finds `file` at `place`, and is apart. None where that is not allowed here."""
    begin = [*apart(keep), "sh", "-ec", 'mount --bind "$0" "$1"; shift; exec "$@"', file, place]
    try:
        allowed = os.geteuid() == 0 and subprocess.run([*begin, "true"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return None
    return begin if allowed else None
