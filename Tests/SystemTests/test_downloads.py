"""Downloads end with the permission for them."""

import socket
import time

from case import Case
from people import Person
from waiting import wait_for

# Seconds.
ENDS = 5


class Downloads(Case):
    """A box with a clip that is too large for the buffers on the way."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(size="1280x720", rate=15, bitrate=8000, key_interval=1, no_sub=True)
        cls.made = box = cls.class_box(**{"recording.seconds-before": 1, "recording.seconds": 20})
        box.claim()
        cls.channel = box.add_camera(cls.cameras.cameras[0], sub=False)
        box.await_past(1, cls.channel)
        box.link(cls.channel, "custom", resolution="720P", bitRate=8_000_000)
        cls.clip = box.await_stored(box.trigger(cls.channel), 90)
        cls.site = box.get("/sites")["items"][0]["id"]

    def begin(self, client):
        """A download whose reader takes its time; its socket."""
        one = socket.create_connection((client.host, client.port), 30)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
        one.sendall(f"GET /api/v1/clips/{self.clip['id']}/video HTTP/1.1\r\nHost: {client.host}:{client.port}\r\nAuthorization: Bearer {client.token}\r\n\r\n".encode())
        self.assertIn(b"200 OK", one.recv(2000))
        self.addCleanup(one.close)
        return one

    def test_ends_with_the_permission(self):
        """Taken slowly, it breaks off within seconds when the person no longer manages the site; another's goes on to its end."""
        self.assertGreater(self.clip["sizeBytes"], 12_000_000)
        carla, dora = Person(self.made, "carla", "Site Manager", [self.site]), Person(self.made, "dora", "Site Manager", [self.site])
        first, other = self.begin(carla.client), self.begin(dora.client)
        carla.manage([])
        ended, got = time.monotonic(), 0

        def is_over():
            nonlocal got
            try:
                more = first.recv(100_000)
            except ConnectionResetError:
                return True
            got += len(more)
            return not more
        wait_for(is_over, 60, "the download to break off", 0.03)
        self.assertLess(got, self.clip["sizeBytes"] - 1_000_000)
        self.assertLess(time.monotonic() - ended, ENDS + 10)
        whole = 0
        while whole < self.clip["sizeBytes"] - 2000:
            more = other.recv(1 << 20)
            self.assertTrue(more, f"the other download broke off at {whole}")
            whole += len(more)
