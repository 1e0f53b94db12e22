"""Owners of sites, and partners: sent a link, who accept it and are signed in."""

from client import Client

WORDS = "nine calm herons by noon"


def hand_over(box, site, name, permissions=(), client=None, **more):
    """Send a site to somebody; what was sent, with its token."""
    caller = client or box.client
    return caller.call("POST", f"/sites/{site}/handovers", {"way": "email", "recipient": f"{name}@example.com", "permissions": list(permissions), **more})


def share(box, site, name, kind, permissions=None, **more):
    """Offer a site to a partner; what was sent, with its token."""
    if permissions:
        more["permissions"] = permissions
    return box.call("POST", f"/sites/{site}/shares", {"kind": kind, "recipient": f"{name}@example.com", **more})


class Owner:
    """An owner with a client of their own."""

    WAY, MORE = "/handover/accept", {}

    def __init__(self, box, name, token, has_account=False):
        self.box, self.name, self.client = box, name, Client(box.client.base)
        made = self.client.call("POST", self.WAY, {"token": token, "userName": name, "password": WORDS, "hasAccount": has_account, **self.MORE})
        self.client.token, self.id = made["token"], made["user"]["id"]

    def get(self, path):
        """GET's JSON, as they get it."""
        return self.client.get(path)

    def status(self, method, path, body=None):
        """How the box answers them: the status, and the problem's short name."""
        answer = self.client.request(method, path, body)
        return answer.status, answer.problem().slug if answer.status >= 400 else ""


class Partner(Owner):
    """Somebody of a partner's company, with a client of their own."""

    WAY, MORE = "/share/accept", {"company": "Night Watch"}
