"""Ports for servers that are started a moment later."""

import random
import socket

# Below the range of which the kernel gives ports by itself (32768 to 60999): nobody who asks it for any port gets one of these meanwhile.
PORTS = range(12_000, 32_000)


def free_port():
    """A TCP port where nobody listens."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
        return port
