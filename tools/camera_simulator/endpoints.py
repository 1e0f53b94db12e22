"""Further addresses of one camera: servers of their own password and limits that share the camera's streams and thread."""

import gi

gi.require_version("GstRtspServer", "1.0")
from gi.repository import GstRtsp, GstRtspServer  # noqa: E402

REMOVE = GstRtspServer.RTSPFilterResult.REMOVE


class Endpoint:
    """One address; everything is called in the camera's thread or before it runs."""

    def __init__(self, service, address, server=None, auth=None):
        self.service, self.address, self.server, self.auth = service, address, server, auth
        self.users = {}
        self.source_id = None
        self.clients = 0
        if server is None:
            self.server = GstRtspServer.RTSPServer()
            self.server.set_address(address)
            self.server.set_service(str(service.port))
            self.server.set_thread_pool(service.pool)
            self.server.set_mount_points(service.server.get_mount_points())
            if service.auth:
                options = service.camera.options
                self.auth = GstRtspServer.RTSPAuth()
                self.auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
                self.auth.set_realm(service.auth.get_realm())
                self.server.set_auth(self.auth)
                self.set_password(options.user, options.password)
            self.server.connect("client-connected", service.client_connected)
            self.open()

    def set_password(self, user, password):
        """Accept this user with this password, and nobody else."""
        if self.auth:
            for known in self.users or [self.service.camera.options.user]:
                self.auth.remove_digest(known)
            self.auth.add_digest(user, password, self.service.token)
            self.users = {user: password}

    def open(self):
        """Accept connections."""
        if self.source_id is None:
            self.source_id = self.server.attach(self.service.context)
            if not self.source_id:
                raise OSError(f"cannot listen on {self.address} port {self.service.port}")
            self.note()

    def note(self):
        """Keep the camera's own note of its first server right."""
        if self.server is self.service.server:
            self.service.source_id = self.source_id

    def close(self):
        """Refuse connections and end all sessions."""
        if self.source_id is not None:
            source = self.service.context.find_source_by_id(self.source_id)
            if source:
                source.destroy()
            self.source_id = None
            self.note()
        self.server.get_session_pool().filter(lambda *_: REMOVE)
        self.server.client_filter(lambda *_: REMOVE)

    def limit(self, most):
        """Take at most so many sessions; below 0: as many as come."""
        self.server.get_session_pool().set_max_sessions(max(0, most))
        if most:
            self.open()
        else:
            self.close()


def change(service, address, kind, parameters):
    """Carry out POST /endpoint; ValueError for what is unknown."""
    if kind == "add":
        if address not in service.endpoints:
            service.endpoints[address] = Endpoint(service, address)
        if parameters.get("user"):
            service.endpoints[address].set_password(parameters["user"], parameters["value"])
        return
    if address not in service.endpoints:
        raise ValueError(f"there is no endpoint {address!r}")
    endpoint = service.endpoints[address]
    if kind == "password":
        endpoint.set_password(parameters["user"], parameters["value"])
    elif kind == "sessions":
        endpoint.limit(int(parameters["most"]))
    elif kind == "remove":
        endpoint.close()
        del service.endpoints[address]
    elif kind in ("open", "stop"):
        endpoint.open() if kind == "open" else endpoint.close()
    else:
        raise ValueError(f"unknown kind {kind!r}; known: add, remove, open, stop, password, sessions")
