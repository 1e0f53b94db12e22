"""A server for names by the dyndns2 protocol, and a checker that looks from outside: over plain HTTP, for tests."""

import base64
import http.server
import json
import ssl
import threading
import urllib.parse
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    """Updates at /nic/update, looks at /check."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        place = urllib.parse.urlsplit(self.path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(place.query).items()}
        owner, status = self.server.owner, 200
        if place.path == "/check":
            text = json.dumps(owner.look(query))
        else:
            user = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
            owner.updates.append({"path": place.path, **query, "user": user, "agent": self.headers.get("User-Agent")})
            status, text = owner.say(query)
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if owner.stalls:
            self.wfile.write(data[:1])
            owner.ending.wait(90)
            return
        self.wfile.write(data)


class NameServer:
    """`answer` is what it says; `word` what the checker says, by default what it sees."""

    def __init__(self):
        self.updates, self.looks = [], []
        self.answer, self.word = None, None
        self.stalls, self.ending = False, threading.Event()  # whether answers stop behind their first byte
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads, self.server.owner = True, self
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def say(self, query):
        """Status and text of an answer."""
        return (200, self.answer) if self.answer else (200, f"good {query.get('myip', '127.0.0.1')}\n")

    def look(self, query):
        """What is at a place, as seen from here."""
        self.looks.append(query)
        if self.word is not None:
            return self.word
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(f"https://{query['host']}:{query['port']}{query['path']}?nonce={query['nonce']}", timeout=5, context=context) as answer:
                return {"reachable": True, "digest": json.load(answer)["digest"]}
        except OSError:
            return {"reachable": False}

    def close(self):
        """End it."""
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()
