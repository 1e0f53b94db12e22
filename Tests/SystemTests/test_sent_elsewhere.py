"""Addresses that devices give: in descriptions of streams, by redirects, for their services. Where they send the box nobody comes."""

import socketserver
import threading

from devices import DeviceCase
from listeners import Listener
from waiting import wait_for


class SendingCamera(socketserver.ThreadingTCPServer):
    """A camera that answers what `answers` gives for a method and the number of the connection; the connections' requests are in `asked`."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.answers, self.asked, self.connections, self.lock = answers, [], 0, threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    class Handler(socketserver.StreamRequestHandler):
        """One connection."""

        def handle(self):
            with self.server.lock:
                self.server.connections += 1
                number = self.server.connections
            while line := self.rfile.readline().decode(errors="replace"):
                method, sequence = line.split(" ")[0], "0"
                while (header := self.rfile.readline().decode(errors="replace").strip()):
                    if header.lower().startswith("cseq:"):
                        sequence = header.partition(":")[2].strip()
                self.server.asked.append(line.strip())
                status, headers, body = self.server.answers(method, number)
                self.wfile.write("\r\n".join([f"RTSP/1.0 {status}", f"CSeq: {sequence}", *headers, f"Content-Length: {len(body)}", "", body]).encode())

    def close(self):
        """End it."""
        self.shutdown()
        self.server_close()


class SentElsewhere(DeviceCase):
    """Addresses that devices give. The box may speak to this machine here, for the devices are on it; where they send it nobody must come."""

    @classmethod
    def setUpClass(cls):
        cls.made = cls.class_device_box()

    def setUp(self):
        self.elsewhere = self.kept(Listener("127.0.0.3"))

    def description(self):
        """A stream whose every address is elsewhere."""
        place = f"rtsp://127.0.0.3:{self.elsewhere.port}/main"
        body = ("v=0\r\no=- 0 0 IN IP4 127.0.0.3\r\ns=x\r\nc=IN IP4 127.0.0.3\r\nt=0 0\r\n" f"a=control:{place}\r\nm=video 0 RTP/AVP 96\r\n"
                f"a=rtpmap:96 H264/90000\r\na=control:{place}/track1\r\n")
        return "200 OK", ["Content-Type: application/sdp", f"Content-Base: {place}/", f"Content-Location: {place}/"], body

    def watch(self, answers, transport):
        """Have a camera tested and received; the camera."""
        camera = self.kept(SendingCamera(answers))
        entry = {"url": f"rtsp://127.0.0.1:{camera.server_address[1]}/main", "userName": "viewer", "password": "an example", "transport": transport}
        self.assertFalse(self.made.call("POST", "/devices/test", entry, timeout=60)["ok"])
        device = self.made.call("POST", "/devices", {"name": "x", **entry})["id"]
        tries = len(camera.asked)
        wait_for(lambda: len(camera.asked) > tries + 3, 30, "another try")
        self.made.call("DELETE", f"/devices/{device}")
        return camera

    def test_addresses_in_descriptions(self):
        """Tracks are asked for over the connection that stands, whatever host Content-Base, Content-Location and the description name."""
        def answers(method, _):
            return self.description() if method == "DESCRIBE" else ("454 Session Not Found", [], "") if method == "SETUP" else ("200 OK", [], "")
        camera = self.watch(answers, "tcp")
        self.assertTrue(any(line.startswith("SETUP") for line in camera.asked), camera.asked)
        self.assertEqual(self.elsewhere.connections, [])

    def test_redirects_of_rtsp(self):
        """Nor is a camera's redirect over RTSP: not at its first answer, and not once a good answer went before, over TCP and UDP."""
        place = f"Location: rtsp://127.0.0.3:{self.elsewhere.port}/main"

        def answers_with(goodConnections):
            def answers(method, number):
                if method == "OPTIONS":
                    return "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY"], ""
                if number <= goodConnections:
                    return self.description() if method == "DESCRIBE" else ("200 OK", [], "")
                return "302 Moved Temporarily", [place], ""
            return answers
        for transport in ("tcp", "udp"):
            for good in (0, 1):
                camera = self.watch(answers_with(good), transport)
                self.assertTrue(any(line.startswith("DESCRIBE") for line in camera.asked), camera.asked)
                self.assertEqual(self.elsewhere.connections, [], f"{transport}, after {good} good answers")

    def test_redirects_of_http(self):
        """A device's redirect is not followed."""
        simulator = self.many_devices("--device", "camera,name=camera")
        simulator["camera"].fault("redirect-elsewhere", to=f"http://127.0.0.3:{self.elsewhere.port}")
        item = self.made.try_devices(simulator["camera"].entry(driver="isapi"))[0]
        self.assertEqual(item["state"], "failed")
        self.assertEqual(self.elsewhere.connections, [])

    def test_addresses_of_services(self):
        """Of the addresses of ONVIF's services only the paths are taken."""
        simulator = self.many_devices("--device", f"onvif,name=camera,quirk=xaddr-wrong-host:127.0.0.3:{self.elsewhere.port}")
        item = self.made.try_devices(simulator["camera"].entry(driver="onvif"))[0]
        self.assertEqual(item["state"], "added", item["failure"])
        self.assertEqual(self.elsewhere.connections, [])
