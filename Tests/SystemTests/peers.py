"""Independent clients and schemas from PyPI, each in a virtual environment of its own that is made when missing; and a proxy that records."""

import http.client
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CACHE = os.path.expanduser("~/.cache/gatehouse-tests")


def environment(name, *packages):
    """The Python of an environment with these packages; subprocess.SubprocessError or OSError where they cannot be had."""
    home = os.path.join(CACHE, name)
    done = os.path.join(home, "complete")
    if not os.path.exists(done):
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True, capture_output=True, timeout=120)
        subprocess.run([os.path.join(home, "bin/pip"), "install", "-q", *packages], check=True, capture_output=True, timeout=600)
        with open(done, "w") as file:
            file.write("\n".join(packages))
    return os.path.join(home, "bin/python")


def ask(python, code, question, timeout=180):
    """Run a script that reads JSON from its input and prints JSON as its last line; that."""
    done = subprocess.run([python, "-W", "ignore", "-c", code], input=json.dumps(question), capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        raise AssertionError(f"{done.stdout[-1500:]} {done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


class Recorder:
    """An HTTP proxy in front of a device, at another address and the same port, that keeps what both say."""

    def __init__(self, address, device):
        recorder, self.exchanges = self, []

        class Handler(BaseHTTPRequestHandler):
            """Passes one request on."""

            protocol_version = "HTTP/1.1"

            def answer(self):
                """Ask the device and give its answer."""
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                connection = http.client.HTTPConnection(device.address, device.http, timeout=90)
                try:
                    headers = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")}
                    connection.request(self.command, self.path, body or None, headers)
                    response = connection.getresponse()
                    data = response.read()
                finally:
                    connection.close()
                recorder.exchanges.append({"path": self.path, "request": body.decode(errors="replace"), "status": response.status,
                                           "answer": data.decode(errors="replace")})
                self.send_response(response.status)
                for key, value in response.getheaders():
                    if key.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = answer

            def log_message(self, *_):
                """Nothing is logged."""

        self.server = ThreadingHTTPServer((address, device.http), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients leave in the middle of a pull
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        """End it."""
        self.server.shutdown()
        self.server.server_close()
