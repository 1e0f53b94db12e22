"""A small RTSP client that shows what is on the line (RFC 2326), with Digest of either algorithm (RFC 7616)."""

import hashlib
import re
import secrets
import socket
import struct


class Answer:
    """What the server answered."""

    def __init__(self, head, body):
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if ":" in line]
        self.body = body.decode()

    def all(self, name):
        """The values of all headers of a name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def __getitem__(self, name):
        return next(iter(self.all(name)), None)


class RTSPClient:
    """One connection; `algorithm` is SHA-256, MD5, or none for no sign-in."""

    def __init__(self, url, user=None, password=None, algorithm="SHA-256", receive=None):
        self.url, self.user, self.password, self.algorithm = url, user, password, algorithm
        host, port = re.match(r"rtsp://([^:/]+):(\d+)", url).groups()
        self.socket = socket.socket()
        if receive:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.socket.settimeout(20)
        self.socket.connect((host, int(port)))
        self.buffer, self.number, self.challenge, self.count, self.session = b"", 0, None, 0, None
        self.packets = []

    def close(self):
        """Go away without a word."""
        self.socket.close()

    def more(self):
        """Read something."""
        piece = self.socket.recv(1 << 16)
        if not piece:
            raise EOFError
        self.buffer += piece

    def element(self):
        """The next packet (channel, bytes) or answer."""
        while True:
            if self.buffer[:1] == b"$" and len(self.buffer) >= 4:
                channel, length = struct.unpack("!xBH", self.buffer[:4])
                if len(self.buffer) >= 4 + length:
                    packet, self.buffer = self.buffer[4:4 + length], self.buffer[4 + length:]
                    return channel, packet
            elif self.buffer[:1] not in (b"", b"$") and (end := self.buffer.find(b"\r\n\r\n")) >= 0:
                found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", self.buffer[:end])
                whole = end + 4 + (int(found.group(1)) if found else 0)
                if len(self.buffer) >= whole:
                    answer, self.buffer = Answer(self.buffer[:end], self.buffer[end + 4:whole]), self.buffer[whole:]
                    return answer
            self.more()

    def packet(self):
        """The next packet."""
        if self.packets:
            return self.packets.pop(0)
        element = self.element()
        return self.packet() if isinstance(element, Answer) else element

    def authorization(self, method, address):
        """The header that signs a request."""
        hashed = lambda text: hashlib.new(self.algorithm.replace("-", ""), text.encode()).hexdigest()
        fields, self.count, client = self.challenge, self.count + 1, secrets.token_hex(8)
        key = hashed(f"{self.user}:{fields['realm']}:{self.password}")
        response = hashed(f"{key}:{fields['nonce']}:{self.count:08x}:{client}:auth:" + hashed(f"{method}:{address}"))
        return (f'Digest username="{self.user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{address}", response="{response}", '
                f'algorithm={self.algorithm}, qop=auth, nc={self.count:08x}, cnonce="{client}"')

    def once(self, method, address, headers):
        """Ask without trying again."""
        self.number += 1
        lines = [f"{method} {address} RTSP/1.0", f"CSeq: {self.number}", *(f"{name}: {value}" for name, value in headers.items())]
        if self.session:
            lines.append(f"Session: {self.session}")
        if self.challenge:
            lines.append("Authorization: " + self.authorization(method, address))
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while not isinstance(element := self.element(), Answer):
            self.packets.append(element)
        return element

    def ask(self, method, address=None, **headers):
        """Ask; sign in where that is wanted and a password is known."""
        address = address or self.url
        answer = self.once(method, address, headers)
        if answer.status == 401 and self.user and not self.challenge:
            offers = [dict(re.findall(r'(\w+)="?([^",]+)"?', value)) for value in answer.all("WWW-Authenticate")]
            self.challenge, self.count = next(one for one in offers if one["algorithm"] == self.algorithm), 0
            answer = self.once(method, address, headers)
        return answer

    def play(self, tracks=1):
        """Set up tracks within the connection and play them."""
        described = self.ask("DESCRIBE", Accept="application/sdp")
        assert described.status == 200, described.status
        for track in range(tracks):
            made = self.ask("SETUP", f"{described['Content-Base']}track{track}", Transport=f"RTP/AVP/TCP;unicast;interleaved={track * 2}-{track * 2 + 1}")
            assert made.status == 200, made.status
            self.session = made["Session"].partition(";")[0]
        played = self.ask("PLAY", Range="npt=now-")
        assert played.status == 200, played.status
        return played

    def times(self, count, channel=0):
        """The timestamps of the next pictures of a channel."""
        found = []
        while len(found) < count:
            number, packet = self.packet()
            if number == channel and packet[1] & 0x80:  # the last packet of a picture
                found.append(struct.unpack("!I", packet[4:8])[0])
        return found
