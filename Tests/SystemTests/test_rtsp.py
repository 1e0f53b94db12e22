"""RTSP out of the box: other programs open a camera of the box, if they are allowed to."""

import errno
import os
import random
import socket
import subprocess
import time

from case import Case
from client import Problem
from rtsp_client import RTSPClient
from ports import free_port
from waiting import wait_for

SECRET = "Harbour-Lamp-2026"


def is_open(port):
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def rising(times):
    """Whether timestamps go on rising, over the end of their 32 bits too; pictures that need later ones do not occur here."""
    return all(0 < (after - before) & 0xFFFFFFFF < 1 << 31 for before, after in zip(times, times[1:]))


class Switch(Case):
    """Switching it on and off."""

    @classmethod
    def setUpClass(cls):
        cls.made = cls.class_box()
        cls.made.claim()

    def test_off_by_default(self):
        """A new box serves no RTSP and has no password for it; it is switched on only with one, and off at once."""
        port = free_port()
        at_first = self.made.get("/relay/rtsp")
        self.assertEqual((at_first["enabled"], at_first["hasPassword"], at_first["port"], at_first["state"]["code"]), (False, False, 8554, "off"))
        self.assertNotIn("password", at_first)
        for body, field in (({"enabled": True, "port": port}, "/password"), ({"enabled": True, "port": port, "password": "short"}, "/password"),
                            ({"userName": 'a"b'}, "/userName"), ({"userName": "a:b"}, "/userName"), ({"port": 0}, "/port")):
            with self.assertRaises(Problem) as caught:
                self.made.call("PUT", "/relay/rtsp", body)
            self.assertEqual((caught.exception.status, field in caught.exception.fields), (422, True), body)
        self.assertFalse(is_open(port))
        on = self.made.call("PUT", "/relay/rtsp", {"enabled": True, "port": port, "password": SECRET})
        self.assertEqual((on["enabled"], on["hasPassword"], on["state"]["code"]), (True, True, "ready"))
        self.assertTrue(is_open(port))
        other = free_port()
        self.made.call("PUT", "/relay/rtsp", {"port": other})
        self.assertEqual((is_open(port), is_open(other)), (False, True))
        off = self.made.call("PUT", "/relay/rtsp", {"enabled": False})
        self.assertEqual((off["enabled"], off["state"]["code"], is_open(other)), (False, "off", False))
        for folder, _, files in os.walk(self.made.state):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(SECRET.encode(), file.read(), name)
        self.assertNotIn(SECRET, self.made.log())

    def test_port_in_use(self):
        """A port that somebody else has is told of."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            made = self.made.call("PUT", "/relay/rtsp", {"enabled": True, "port": other.getsockname()[1], "password": SECRET})
            self.assertEqual((made["state"]["code"], made["state"]["severity"]), ("port-unavailable", "trouble"))
        self.made.call("PUT", "/relay/rtsp", {"enabled": False})


class RTSPCase(Case):
    """One box with one camera, opened by RTSP."""

    CAMERA = {"size": "640x360", "rate": 15, "bitrate": 500, "key_interval": 2, "sub": "320x180", "audio": "pcma"}

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(**cls.CAMERA)
        cls.made = cls.class_box()
        cls.made.claim()
        cls.channel = cls.made.add_camera(cls.cameras.cameras[0])
        cls.made.await_past(1, cls.channel)
        cls.port = free_port()
        on = cls.made.call("PUT", "/relay/rtsp", {"enabled": True, "port": cls.port, "password": SECRET})
        assert on["state"]["code"] == "ready", on

    def address(self, stream="main", user=None):
        """The channel's address, with the password in it for a user."""
        return f"rtsp://{f'{user}:{SECRET}@' if user else ''}127.0.0.1:{self.port}/{self.channel['id']}/{stream}"

    def client(self, stream="main", **more):
        """A client that knows the password."""
        return self.kept(RTSPClient(self.address(stream), **{"user": "viewer", "password": SECRET, **more}))

    def decoded(self, transport, stream="main", seconds=4):
        """How many pictures and pieces of sound ffmpeg decodes, and what it complains of."""
        command = ["ffmpeg", "-v", "warning", "-rtsp_transport", transport, "-i", self.address(stream, "viewer"), "-t", str(seconds), "-f", "framecrc", "-"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(found.returncode, 0, found.stderr)
        lines = [line for line in found.stdout.splitlines() if line[:1].isdigit()]
        return sum(line.startswith("0,") for line in lines), sum(line.startswith("1,") for line in lines), found.stderr

    def sessions(self):
        """Those who watch by RTSP."""
        return [one for one in self.made.get("/live")["items"] if one["way"] == "rtsp"]


class Plays(RTSPCase):
    """Programs that play, and who watches."""

    def check(self, transport, stream="main"):
        """Picture and sound come."""
        pictures, sounds, errors = self.decoded(transport, stream)
        self.assertGreaterEqual(pictures, 45, errors)
        self.assertGreater(sounds, 20, errors)
        self.assertNotRegex(errors.lower(), "error|invalid|corrupt|missed|concealing|non-monoton")

    def test_ffmpeg(self):
        """ffmpeg decodes picture and sound within the connection and by datagrams, of both streams."""
        self.check("tcp")
        self.check("udp")
        self.check("tcp", "sub")

    def test_gstreamer(self):
        """GStreamer's rtspsrc decodes pictures, both ways."""
        for protocol in ("tcp", "udp"):
            with self.subTest(protocol):
                self.play_with_gstreamer(protocol)

    def play_with_gstreamer(self, protocol):
        """Thirty pictures."""
        pipeline = f"rtspsrc location={self.address(user='viewer')} protocols={protocol} ! rtph264depay ! avdec_h264 ! fakesink num-buffers=30"
        code = ("import gi, sys; gi.require_version('Gst', '1.0'); from gi.repository import Gst; Gst.init(None)\n"
                "if not (Gst.ElementFactory.find('rtspsrc') and Gst.ElementFactory.find('avdec_h264')): sys.exit(77)\n"
                "p = Gst.parse_launch(sys.argv[1]); p.set_state(Gst.State.PLAYING)\n"
                "m = p.get_bus().timed_pop_filtered(30 * Gst.SECOND, Gst.MessageType.ERROR | Gst.MessageType.EOS)\n"
                "p.set_state(Gst.State.NULL)\n"
                "print(m and (m.parse_error() if m.type == Gst.MessageType.ERROR else 'EOS')); sys.exit(0 if m and m.type == Gst.MessageType.EOS else 1)")
        found = subprocess.run(["/usr/bin/python3", "-c", code, pipeline], capture_output=True, text=True, timeout=60, check=False)
        if found.returncode == 77:
            self.skipTest("needs GStreamer's rtspsrc and avdec_h264")
        self.assertEqual(found.returncode, 0, found.stdout + found.stderr)

    def test_who_watches_is_known(self):
        """Who watches is in the list, and is cut off when the session is ended."""
        client = self.client()
        client.play(2)
        mine = wait_for(lambda: next((one for one in self.sessions() if one["bytes"] > 10_000), None) or (client.times(5) and None), 20, "the session")
        self.assertEqual((mine["person"], mine["channelId"], mine["stream"], mine["local"], mine["endsAt"]),
                         ("viewer", self.channel["id"], "main", True, None))
        # Every view of video is a line of the log.
        line = next(one for one in self.made.get("/operations?action=watchByRTSP")["items"])
        self.assertEqual((line["person"], line["subject"], line["address"], line["result"]), ("RTSP: viewer", self.channel["id"], "127.0.0.1", "done"))
        self.made.call("DELETE", f"/live/{mine['id']}")
        ended = time.monotonic()
        with self.assertRaises((EOFError, OSError)):
            while time.monotonic() - ended < 5:
                client.packet()
        self.assertLess(time.monotonic() - ended, 5)

    def test_teardown_and_going_away(self):
        """Whoever leaves, with or without a word, is not in the list any more."""
        polite, rude = self.client(), self.client()
        for client in (polite, rude):
            client.play()
            client.times(3)
        self.assertGreaterEqual(len(self.sessions()), 2)
        self.assertEqual(polite.ask("TEARDOWN").status, 200)
        rude.close()
        wait_for(lambda: not self.sessions(), 10, "an empty list")

    def test_pause(self):
        """A paused stream sends nothing and goes on with rising times."""
        client = self.client()
        client.play()
        before = client.times(20)
        self.assertEqual(client.ask("PAUSE").status, 200)
        before += [int.from_bytes(packet[4:8], "big") for channel, packet in client.packets if channel == 0 and packet[1] & 0x80]
        client.packets = []
        self.assertEqual(client.ask("GET_PARAMETER").status, 200)
        self.assertEqual(client.packets, [])
        self.assertEqual(client.ask("PLAY").status, 200)
        self.assertTrue(rising(before + client.times(40)))

    def test_stream_that_is_not_there(self):
        """Other channels and streams are not found; what makes no sense is refused."""
        client = self.client()
        base = f"rtsp://127.0.0.1:{self.port}"
        for path in ("/", "/x/main", f"/{self.channel['id']}", f"/{self.channel['id']}/third", f"/{self.channel['id']}/main/more", "/../../etc/passwd"):
            self.assertEqual((path, client.ask("DESCRIBE", base + path).status), (path, 404))
        self.assertEqual(client.ask("SETUP", self.address() + "/track0", Transport="RTP/AVP;multicast").status, 461)
        self.assertEqual(client.ask("SETUP", self.address() + "/track9", Transport="RTP/AVP/TCP").status, 404)
        self.assertEqual(client.ask("PLAY").status, 454)
        self.assertEqual(client.ask("RECORD").status, 501)
        self.assertEqual(client.ask("DESCRIBE", Require="something").status, 551)
        self.assertEqual(client.ask("OPTIONS", "*").status, 200)


class SignIn(RTSPCase):
    """Who may open a camera."""

    def test_digest(self):
        """Both algorithms let in; without a password or with a wrong one nobody learns what there is."""
        for algorithm in ("SHA-256", "MD5"):
            self.assertEqual(self.client(algorithm=algorithm).ask("DESCRIBE").status, 200)
        stranger = self.client(user=None)
        for path in (self.address(), self.address() + "x", f"rtsp://127.0.0.1:{self.port}/"):
            for method in ("DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER"):
                self.assertEqual((method, stranger.ask(method, path).status), (method, 401))
        wrong = self.client(password="wrong password", algorithm="MD5")
        self.assertEqual(wrong.ask("DESCRIBE").status, 401)
        command = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", self.address(user="viewer").replace(SECRET, "other-password")]
        self.assertIn("401", subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stderr)
        self.assertEqual(self.client().ask("DESCRIBE").status, 200)  # which forgives what went before

    def test_replayed(self):
        """A request that was overheard is worth nothing a second time."""
        client = self.client()
        self.assertEqual(client.ask("DESCRIBE").status, 200)
        client.count -= 1
        again = client.once("DESCRIBE", client.url, {})
        self.assertEqual((again.status, "stale=true" in again["WWW-Authenticate"]), (401, True))


class Guessing(RTSPCase):
    """Somebody guesses passwords."""

    def test_throttled(self):
        """After five failures the right password does not help either for a while."""
        for number in range(5):
            self.assertEqual(self.client(password=f"guess number {number}").ask("DESCRIBE").status, 401)
        self.assertEqual(self.client().ask("DESCRIBE").status, 403)


class CameraComesBack(RTSPCase):
    """The camera goes away while somebody watches."""

    def test_client_goes_on(self):
        """The same session shows the camera again after it was away, with rising times."""
        client = self.client()
        client.play()
        times = client.times(30)
        camera = self.cameras.cameras[0]
        camera.fault("stop")
        self.made.await_state(self.channel, ("refused", "unreachable", "lost"))
        camera.fault("none")
        client.socket.settimeout(60)
        times += client.times(120)
        self.assertTrue(rising(times))
        self.assertGreater((times[-1] - times[0]) & 0xFFFFFFFF, 5 * 90_000)


class Hostile(RTSPCase):
    """Readers that do not read, and some that talk nonsense."""

    CAMERA = {**RTSPCase.CAMERA, "bitrate": 4000, "key_interval": 1}

    def test_stalled(self):
        """Readers that take nothing do not make the box grow, and are cut off."""
        warm = self.client()
        warm.play()
        warm.times(200)
        before = self.memory()
        stalled = [self.client(receive=4096) for _ in range(8)]
        for client in stalled:
            client.play()
        began = time.monotonic()
        most = 0
        while len(self.sessions()) > 1 and time.monotonic() - began < 60:
            warm.times(15)
            most = max(most, self.memory())
        self.assertGreater(time.monotonic() - began, 10, "they were cut off at once")
        self.assertEqual(len(self.sessions()), 1, "they were not cut off")
        print(f"{(most - before) >> 10} KiB more for {len(stalled)} readers that take nothing", flush=True)
        self.assertLess(most - before, 40 << 20)

    def memory(self):
        """The box's resident bytes."""
        with open(f"/proc/{self.made.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def test_garbage(self):
        """Junk is refused, and the server serves others as before."""
        dice = random.Random(1)
        pieces = [dice.randbytes(5000), b"\0" * 20_000, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"DESCRIBE " + b"a" * 100_000,
                  b"OPTIONS * RTSP/1.0\r\n\r\n", b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 999999999\r\n\r\n",
                  b"OPTIONS * RTSP/1.0\r\nCSeq: 99999999999999999999\r\n\r\n", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" * 100,
                  b"$\0\xff\xff" + dice.randbytes(70_000), b"$\1\0\x04\x80\xcb\0\0" * 100,
                  b"DESCRIBE x RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Digest " + b'a="' * 4000 + b"\r\n\r\n",
                  b"SETUP rtsp://x/y RTSP/1.0\r\nCSeq: 1\r\nTransport: " + b";,=" * 4000 + b"\r\n\r\n"]
        for piece in pieces:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                try:
                    connection.sendall(piece)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(1 << 16):
                        pass
                except OSError as error:  # the server closes it as soon as it has seen enough, perhaps before the rest was sent
                    self.assertIn(error.errno, (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN), piece[:40])
        crowd = [self.kept(socket.create_connection(("127.0.0.1", self.port), timeout=5)) for _ in range(100)]
        for one in crowd:
            one.close()
        def served():
            try:
                return self.client().ask("DESCRIBE").status == 200
            except (EOFError, OSError):
                return False
        wait_for(served, 10, "an answer")
        self.assertTrue(self.made.is_running())


class H265(RTSPCase):
    """A camera with H.265 and AAC."""

    CAMERA = {"size": "640x360", "rate": 10, "bitrate": 400, "key_interval": 1, "codec": "h265", "no_sub": True, "audio": "aac"}

    def test_ffmpeg(self):
        """ffmpeg decodes picture and sound both ways."""
        for transport in ("tcp", "udp"):
            pictures, sounds, errors = self.decoded(transport)
            self.assertGreaterEqual(pictures, 30, errors)
            self.assertGreater(sounds, 20, errors)
            self.assertNotRegex(errors.lower(), "error|invalid|corrupt|missed|non-monoton")
