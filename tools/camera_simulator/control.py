"""The control server: POST /motion, POST /fault, POST /endpoint and GET /state on loopback, answering JSON."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


class Control:
    """Serves the control requests for a list of cameras."""

    def __init__(self, cameras, port):
        self.cameras = cameras
        control = self

        class Handler(BaseHTTPRequestHandler):
            """Reads parameters from the query and a JSON body."""

            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer("GET")

            def do_POST(self):
                self.answer("POST")

            def answer(self, method):
                """Carry out one request."""
                url = urlsplit(self.path)
                parameters = dict(parse_qsl(url.query))
                try:
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    if body.strip():
                        parameters.update(json.loads(body))
                    status, result = control.request(method, url.path, parameters)
                except ValueError as error:
                    status, result = 400, {"error": str(error)}
                except Exception as error:  # a failed rendering, for example: tell the caller
                    status, result = 500, {"error": f"{type(error).__name__}: {error}"}
                text = json.dumps(result).encode() + b"\n"
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, name="control", daemon=True).start()

    def request(self, method, path, parameters):
        """Carry out one request; the status and what to answer."""
        if "camera" in parameters:
            number = int(parameters.pop("camera"))
            if not 1 <= number <= len(self.cameras):
                raise ValueError(f"there is no camera {number}")
            cameras = [self.cameras[number - 1]]
        else:
            cameras = self.cameras
        if (method, path) == ("POST", "/motion"):
            seconds = float(parameters.get("seconds", 5))
            if not 0 < seconds < 86400:
                raise ValueError("seconds must be above 0 and below 86400")
            for camera in cameras:
                camera.move(seconds)
        elif (method, path) == ("POST", "/fault"):
            kind = str(parameters.pop("kind", ""))
            for camera in cameras:
                camera.fault(kind, **parameters)
        elif (method, path) == ("POST", "/endpoint"):
            address, kind = str(parameters.pop("address", "")), str(parameters.pop("kind", ""))
            for camera in cameras:
                camera.service.change_endpoint(address, kind, parameters)
        elif (method, path) == ("POST", "/metadata"):
            for camera in cameras:
                camera.service.send_metadata(str(parameters.get("document", "")))
        elif (method, path) != ("GET", "/state"):
            return 404, {"error": "known: POST /motion, POST /fault, POST /endpoint, POST /metadata, GET /state"}
        states = [camera.state() for camera in cameras]
        return 200, {**states[0], "cameras": states} if len(states) == 1 else {"cameras": states}
