"""Servers to which nobody should come, and which notice who does."""

import socket
import socketserver
import threading


class Listener(socketserver.ThreadingTCPServer):
    """Counts who comes, on all addresses of this machine, and sends everybody away."""

    daemon_threads, address_family = True, socket.AF_INET6

    def __init__(self, address="::"):
        self.connections = []
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, 0), None)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def finish_request(self, request, client_address):
        self.connections.append(client_address[0])

    def close(self):
        """End it."""
        self.shutdown()
        self.server_close()


class HeardServer(Listener):
    """Notes what is said to it, and answers nothing."""

    class Handler(socketserver.BaseRequestHandler):
        """One connection, until it ends or nothing comes for a while."""

        def handle(self):
            self.request.settimeout(5)
            try:
                while said := self.request.recv(4096):
                    self.server.heard.append(said)
            except OSError:
                pass

    def __init__(self):
        self.heard = []
        super().__init__()

    def finish_request(self, request, client_address):
        super().finish_request(request, client_address)
        self.Handler(request, client_address, self)
