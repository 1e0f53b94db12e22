"""People of a box: invited, with a role, signed in."""

from client import Client

WORDS = "seven quiet lamps at sea"


class Person:
    """Somebody with an account and a client of their own."""

    def __init__(self, box, name, role, sites=None):
        roles = {one["name"]: one["id"] for one in box.get("/roles")["items"]}
        invitation = box.call("POST", "/invitations", {"name": name.title(), "roleId": roles[role]})
        self.box, self.name, self.client = box, name, Client(box.client.base)
        joined = self.client.call("POST", "/join", {"token": invitation["token"], "userName": name, "password": WORDS})
        self.client.token, self.id = joined["token"], joined["user"]["id"]
        if sites is not None:
            self.manage(sites)

    def manage(self, sites):
        """Say which sites they manage."""
        self.box.call("PUT", f"/people/{self.id}/sites", {"siteIds": sites})

    def get(self, path):
        """GET's JSON, as they get it."""
        return self.client.get(path)

    def status(self, method, path, body=None):
        """How the box answers them: the status, and the problem's short name."""
        answer = self.client.request(method, path, body)
        return answer.status, answer.problem().slug if answer.status >= 400 else ""
