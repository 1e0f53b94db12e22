"""A router that maps ports by UPnP, as far as the box asks: it really forwards them, from an address of this machine to another; and it can go wrong."""

import http.server
import re
import socket
import socketserver
import threading
import time

from ports import free_port

SERVICE = "urn:schemas-upnp-org:service:WANIPConnection:1"
DEVICE = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
GROUP = ("239.255.255.250", 1900)
REASONS = {402: "InvalidArgs", 606: "Action not authorized", 714: "NoSuchEntryInArray", 718: "ConflictInMappingEntry",
           724: "SamePortValuesRequired", 725: "OnlyPermanentLeasesSupported"}


class Forward:
    """A port that leads elsewhere. The router may put its own address in place of the visitor's."""

    def __init__(self, outside, inside, source=None):
        self.inside, self.source = inside, source
        self.listener = socket.create_server(outside)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        """Pass connections on."""
        while True:
            try:
                outer, _ = self.listener.accept()
            except OSError:
                return
            try:
                inner = socket.create_connection(self.inside, 5, source_address=(self.source, 0) if self.source else None)
            except OSError:
                outer.close()
                continue
            for one, other in ((outer, inner), (inner, outer)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    @staticmethod
    def pump(one, other):
        """Pass bytes on until one side ends."""
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for peer in (one, other):
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        """No more connections."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join(5)


class Handler(http.server.BaseHTTPRequestHandler):
    """Description and commands."""

    def log_message(self, *_):
        pass

    def give(self, status, body, kind="text/xml"):
        """An answer."""
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def went_wrong(self, where):
        """Whether this request was answered wrongly on purpose."""
        router, fault = self.server.router, self.server.router.faults.get(where)
        if fault is None:
            return False
        router.wrong += 1
        self.close_connection = True
        if fault == "garbage":
            self.give(200, "\x00\xff<<<&&&>]]> no XML at all" * 50)
        elif fault == "endless":
            self.send_response(200)
            self.end_headers()
            self.endless(b"<a>" * 20000, 0)
        elif fault == "slow":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.endless(b"<", 1)
        elif fault == "large":
            self.send_response(200)
            self.send_header("Content-Length", str((1 << 31) - 1))
            self.end_headers()
            self.endless(b"x" * 65536, 0)
        elif fault == "redirect":
            self.send_response(302)
            self.send_header("Location", router.foreign)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif isinstance(fault, int):
            self.refuse(fault)
        return True

    def endless(self, piece, pause):
        """Until the other side has had enough."""
        try:
            while not self.server.router.ending.wait(pause):
                self.wfile.write(piece)
                self.server.router.sent += len(piece)
        except OSError:
            pass

    def do_GET(self):
        if not self.went_wrong("description"):
            self.give(200, self.server.router.description())

    def refuse(self, code):
        """A fault of UPnP."""
        self.give(500, '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
                  '<faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0">'
                  f"<errorCode>{code}</errorCode><errorDescription>{REASONS.get(code, 'Action Failed')}</errorDescription></UPnPError></detail>"
                  "</s:Fault></s:Body></s:Envelope>")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        action = self.headers["SOAPAction"].strip('"').partition("#")[2]
        self.server.router.asked.append(action)
        if self.went_wrong(action):
            return
        values = dict(re.findall(r"<(New\w+)>([^<]*)</", body))
        answer = self.server.router.act(action, values)
        if isinstance(answer, int):
            self.refuse(answer)
            return
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in answer.items())
        self.give(200, '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
                  f'<u:{action}Response xmlns:u="{SERVICE}">{inner}</u:{action}Response></s:Body></s:Envelope>')


class Server(http.server.ThreadingHTTPServer):
    """Many at a time."""
    daemon_threads = True


class Router:
    """At `address`, with `outside` as its address on the internet; ports are forwarded from there."""

    def __init__(self, address="127.0.0.9", outside="127.0.0.9"):
        self.address, self.outside = address, outside
        self.mappings, self.forwards, self.asked = {}, {}, []
        self.faults, self.wrong, self.sent = {}, 0, 0
        self.conflicts = lambda port: False
        self.permanent_only = self.masquerades = False
        self.forwarding, self.lease_limit = True, 86400
        self.control, self.foreign = "/control", None
        self.ending = threading.Event()
        self.server = Server((address, free_port()), Handler)
        self.server.router = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        self.searched = None

    @property
    def url(self):
        """The address of its description."""
        return f"http://{self.address}:{self.server.server_port}/rootDesc.xml"

    def description(self):
        """Of a device with one service."""
        return ('<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>'
                f"<device><deviceType>{DEVICE}</deviceType><friendlyName>Router</friendlyName><deviceList><device>"
                "<deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><deviceList><device>"
                "<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType><serviceList><service>"
                f"<serviceType>{SERVICE}</serviceType><serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId>"
                f"<controlURL>{self.control}</controlURL><eventSubURL>/events</eventSubURL><SCPDURL>/scpd.xml</SCPDURL>"
                "</service></serviceList></device></deviceList></device></deviceList></device></root>")

    def act(self, action, values):
        """The values of an answer, or the code of a refusal."""
        if action == "GetExternalIPAddress":
            return {"NewExternalIPAddress": self.outside}
        port = int(values.get("NewExternalPort") or 0)
        if action == "GetSpecificPortMappingEntry":
            entry = self.mappings.get(port)
            if not entry:
                return 714
            lease = entry["lease"] and max(1, int(entry["lease"] - (time.monotonic() - entry["at"])))
            return {"NewInternalPort": entry["port"], "NewInternalClient": entry["client"], "NewEnabled": 1,
                    "NewPortMappingDescription": entry["text"], "NewLeaseDuration": lease}
        if action == "AddPortMapping":
            return self.add(port, values)
        if action == "DeletePortMapping":
            if not self.mappings.pop(port, None):
                return 714
            self.forward(port)
            return {}
        return 401

    def add(self, port, values):
        """Map a port."""
        lease = int(values["NewLeaseDuration"])
        if self.permanent_only and lease:
            return 725
        if self.conflicts(port):
            return 718
        self.mappings[port] = {"client": values["NewInternalClient"], "port": int(values["NewInternalPort"]), "text": values["NewPortMappingDescription"],
                               "lease": min(lease, self.lease_limit), "at": time.monotonic()}
        self.forward(port)
        return {}

    def forward(self, port):
        """Forward a port as its entry says."""
        entry = self.mappings.get(port)
        wanted = entry and self.forwarding and (entry["client"], entry["port"])
        have = self.forwards.get(port)
        if have and have.inside != wanted:
            self.forwards.pop(port).close()
            have = None
        if wanted and not have:
            self.forwards[port] = Forward((self.address, port), wanted, self.address if self.masquerades else None)

    def lead_elsewhere(self, port, inside):
        """What the router forwards leads to somebody else."""
        self.forwards.pop(port).close()
        self.forwards[port] = Forward((self.address, port), inside)

    def answer_searches(self):
        """Answer SSDP on loopback."""
        self.searched = []
        sock = self.search_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(0.2)
        sock.bind(GROUP)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP[0]) + socket.inet_aton("127.0.0.1"))

        def serve():
            while not self.ending.is_set():
                try:
                    data, peer = sock.recvfrom(2048)
                except TimeoutError:
                    continue
                self.searched.append(data)
                if DEVICE.encode() in data:
                    sock.sendto(f"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: {DEVICE}\r\nUSN: uuid:1::{DEVICE}\r\nEXT:\r\n"
                                f"SERVER: test\r\nLOCATION: {self.url}\r\n\r\n".encode(), peer)
        self.search_thread = threading.Thread(target=serve, daemon=True)
        self.search_thread.start()

    def close(self):
        """End everything."""
        self.ending.set()
        if self.searched is not None:
            self.search_thread.join(5)
            self.search_socket.close()
        self.server.shutdown()
        self.server.server_close()
        for forward in self.forwards.values():
            forward.close()


class Counter(socketserver.ThreadingTCPServer):
    """A server that nobody should come to; it answers 200 and counts."""
    daemon_threads = allow_reuse_address = True

    def __init__(self, address, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"):
        self.visits, self.answer = 0, answer
        super().__init__((address, 0), None)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def finish_request(self, request, client_address):
        self.visits += 1
        request.settimeout(2)
        try:
            request.recv(4096)
            request.sendall(self.answer)
        except OSError:
            pass

    def close(self):
        """End it."""
        self.shutdown()
        self.server_close()
