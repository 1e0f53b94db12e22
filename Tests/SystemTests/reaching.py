"""A box behind a router of the tests' own, for those who look at its way in from the internet."""

from case import Case
from client import Client
from router import Router
from waiting import wait_for

ROUTER = "127.0.0.9"


class ReachCase(Case):
    """One box with TLS, and a router for each test."""

    @classmethod
    def setUpClass(cls):
        cls.made = cls.class_box(**{"http.tls": True, "reach.allow-http": True})
        cls.made.claim()

    def setUp(self):
        self.router = self.kept(Router(ROUTER))
        self.addCleanup(self.off)

    def off(self, box=None):
        """Switch everything off, as it was before."""
        box = box or self.made
        if box.is_running():
            box.call("PUT", "/relay/ddns", {"enabled": False})
            box.call("PUT", "/relay/reach", {"enabled": False, "outsidePort": None, "routerUrl": None, "interface": None, "checkerUrl": None})

    def state(self, box=None):
        """How the mapping is now."""
        return (box or self.made).get("/relay/reach")

    def await_state(self, code, seconds=20, box=None):
        """Wait until the mapping is so."""
        def look():
            now = self.state(box)
            return now if now["state"]["code"] == code else None
        return wait_for(look, seconds, lambda: f"{code}; it is {self.state(box)['state']}")

    def switch_on(self, code="mapped", seconds=20, box=None, **more):
        """Open a port, and wait."""
        (box or self.made).call("PUT", "/relay/reach", {"enabled": True, "routerUrl": self.router.url, **more})
        return self.await_state(code, seconds, box)

    def visit(self, port, **more):
        """The status of the box's open page, as somebody outside sees it."""
        return Client(f"https://{ROUTER}:{port}").request("GET", "/setup", token=None, **more).status
