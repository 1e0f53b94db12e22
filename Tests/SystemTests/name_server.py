"""A name server for a box alone: names that lead wherever a test wants, also another way each time they are asked for."""

import ipaddress
import os
import shlex
import socket
import socketserver
import struct
import threading

from mounts import covering

ADDRESS = "127.0.0.77"
IPV4, IPV6, IN = 1, 28, 1
ANSWER, SUCCESS, NO_SUCH_NAME = 0x8580, 0, 3


class NameServer(socketserver.ThreadingUDPServer):
    """Answers for `names`: a name's value is a list of addresses, or a function that gives one and is told how often IPv4 addresses were asked for before."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self):
        super().__init__((ADDRESS, 53), self.Handler)
        self.names, self.asked, self.lock = {}, {}, threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    class Handler(socketserver.BaseRequestHandler):
        """One question (RFC 1035)."""

        def handle(self):
            query, peer = self.request
            labels, place = [], 12
            while query[place]:
                labels.append(query[place + 1:place + 1 + query[place]].decode(errors="replace").lower())
                place += query[place] + 1
            kind = struct.unpack("!H", query[place + 1:place + 3])[0]
            found = self.server.addresses(".".join(labels), kind)
            wanted = [address for address in found or [] if {IPV4: 4, IPV6: 16}.get(kind) == len(address)]
            head = query[:2] + struct.pack("!HHHHH", ANSWER | (NO_SUCH_NAME if found is None else SUCCESS), 1, len(wanted), 0, 0)
            records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, IN, 0, len(address)) + address for address in wanted)
            peer.sendto(head + query[12:place + 5] + records, self.client_address)

    def addresses(self, name, kind):
        """A name's addresses as bytes now; None where there is no such name."""
        with self.lock:
            told = self.names.get(name)
            if callable(told):
                count = self.asked.get(name, 0)
                self.asked[name] = count + (kind == IPV4)
                told = told(count)
        return None if told is None else [ipaddress.ip_address(address).packed for address in told]

    def close(self):
        """End it."""
        self.shutdown()
        self.server_close()


def program(folder, binary):
    """A program that runs `binary` with the name server as its only one; None where that is not allowed here."""
    names, script = os.path.join(folder, "resolv.conf"), os.path.join(folder, "gatehouse-with-names")
    with open(names, "w") as file:
        file.write(f"nameserver {ADDRESS}\noptions timeout:1 attempts:1\n")
    begin = covering(names, "/etc/resolv.conf")
    if begin is None:
        return None
    with open(script, "w") as file:
        file.write(f"#!/bin/sh\nexec {shlex.join([*begin, binary])} \"$@\"\n")
    os.chmod(script, 0o755)
    try:
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind((ADDRESS, 53))
    except OSError:
        return None
    return script
