"""Programs that find another file in the place of one of the system's."""

import os
import subprocess


def covering(file, place):
    """The beginning of a command line: what follows finds `file` at `place`, in a mount namespace of its own. None where that is not allowed here."""
    begin = ["unshare", "--mount", "sh", "-ec", 'mount --bind "$0" "$1"; shift; exec "$@"', file, place]
    try:
        allowed = os.geteuid() == 0 and subprocess.run([*begin, "true"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return None
    return begin if allowed else None
