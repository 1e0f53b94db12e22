"""The RTSP side of a camera, on GStreamer's RTSP server; each camera has its own port, thread and password."""

import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

from .endpoints import Endpoint, change  # noqa: E402

from . import metadata  # noqa: E402

metadata.register()
REALM = "gatehouse-camera"
ROLE = "viewer"
REMOVE = GstRtspServer.RTSPFilterResult.REMOVE
LINGER_MS = 10_000


class SharedFactory(GstRtspServer.RTSPMediaFactory):
    """A factory whose media are the same under every path and query."""

    def do_gen_key(self, _url):
        """The name under which a media is shared."""
        return "one"


class Service:
    """Serves the streams of one camera."""

    def __init__(self, camera, feeder, port):
        options = camera.options
        self.camera, self.feeder = camera, feeder
        self.clients = 0
        self.medias, self.mounted, self.factories = [], {}, {}
        self.source_id = None
        self.released = threading.Event()
        self.probes, self.endpoints = [], {}
        self.context = GLib.MainContext()
        self.address, *further = options.address.split(",")
        self.server = GstRtspServer.RTSPServer()
        self.server.set_address(self.address)
        self.server.set_service(str(port))
        self.pool = GstRtspServer.RTSPThreadPool()
        self.pool.set_max_threads(0)  # clients are served in this camera's own thread, which a hang stops
        self.server.set_thread_pool(self.pool)
        self.auth = None
        if not options.no_auth:
            self.auth = GstRtspServer.RTSPAuth()
            self.auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            self.auth.set_realm(REALM)
            self.token = GstRtspServer.RTSPToken()
            self.token.set_string("media.factory.role", ROLE)
            self.auth.add_digest(options.user, options.password, self.token)
            self.server.set_auth(self.auth)
        for name, stream in camera.streams.items():
            self.mount([self.path(name), *(path for path, of in camera.aliases if of == name)], stream)
        self.server.connect("client-connected", self.client_connected)
        self.open_here()
        self.port = self.server.get_bound_port()
        self.server.set_service(str(self.port))
        self.endpoints = {address: Endpoint(self, address) for address in further}
        if options.address != "127.0.0.1" or further:
            self.endpoints[self.address] = Endpoint(self, self.address, self.server, self.auth)
            self.endpoints[self.address].source_id = self.source_id
        threading.Thread(target=self.iterate, name=f"rtsp-{camera.number}", daemon=True).start()
        self.tidy()

    def path(self, name):
        """The path of a stream."""
        return f"/{self.camera.number}/{name}" if self.camera.options.cameras > 1 else f"/{name}"

    def url(self, name):
        """The address of a stream."""
        return f"rtsp://{self.address}:{self.port}{self.path(name)}"

    def mount(self, paths, stream):
        """Offer a stream; under all its paths it is one pipeline."""
        factory = SharedFactory()
        factory.set_launch(stream.launch)
        factory.set_shared(True)
        protocols = GstRtsp.RTSPLowerTrans(0)
        for name in self.camera.options.transport.split(","):
            protocols |= {"tcp": GstRtsp.RTSPLowerTrans.TCP, "udp": GstRtsp.RTSPLowerTrans.UDP}[name.strip()]
        factory.set_protocols(protocols)
        if self.auth:
            permissions = GstRtspServer.RTSPPermissions()
            for permission in ("media.factory.access", "media.factory.construct"):
                permissions.add_permission_for_role(ROLE, permission, True)
            factory.set_permissions(permissions)
        factory.connect("media-configure", self.media_built, stream)
        self.factories[stream.name] = factory
        for path in paths:
            self.mounted[path] = stream
            self.server.get_mount_points().add_factory(path, factory)

    def remake(self, stream):
        """Offer a stream as it is described now, to whoever asks anew."""
        self.factories[stream.name].set_launch(stream.launch)

    def stream_of(self, path):
        """The stream that is offered under a path, whatever follows it."""
        found = [known for known in self.mounted if path == known or path.startswith(known + "/")]
        return self.mounted[max(found, key=len)] if found else None

    def send_metadata(self, document):
        """Send a document to all who watch a stream with a metadata track."""
        for media in list(self.medias):
            metadata.push(media, document)

    def media_built(self, _factory, media, stream):
        """The server built a pipeline: feed it."""
        tracks = stream.attach(media)
        metadata.push(media, metadata.NOTHING)  # the server describes a track only when something has gone through it
        self.medias.append(media)

        def changed(_media, state):
            for track in tracks:
                track.playing = state == int(Gst.State.PLAYING)

        def unprepared(_media):
            for track in tracks:
                track.playing, track.stopped = False, True
            if media in self.medias:
                self.medias.remove(media)

        media.connect("new-state", changed)
        media.connect("unprepared", unprepared)
        for track in tracks:
            self.feeder.add(track)

    def client_connected(self, _server, client):
        """Count clients, and give each that begins to play a key frame."""
        self.clients += 1

        def closed(client):
            self.clients -= 1
            self.linger(client)

        def plays(_client, context):
            stream = self.stream_of(context.uri.abspath)
            if stream and stream.tracks and "sparse-keys" not in self.camera.faults:
                stream.tracks[0].join()

        client.connect("closed", closed)
        client.connect("play-request", plays)

    def linger(self, client):
        """Keep a client that has left for some seconds: where sending to it failed, the server closes it once more, later, and holds no reference for that."""
        source = GLib.Timeout(LINGER_MS)
        source.set_callback(lambda *_: client is None)  # it is let go together with this function
        source.attach(self.context)

    def iterate(self):
        """The thread that serves this camera's clients."""
        self.context.push_thread_default()
        while True:
            self.context.iteration(True)

    def call(self, function, wait=True):
        """Run a function in the camera's thread."""
        done = threading.Event()

        def run(*_):
            try:
                function()
            finally:
                done.set()
            return False

        source = GLib.Idle(priority=GLib.PRIORITY_HIGH)
        source.set_callback(run)
        source.attach(self.context)
        if wait and not done.wait(10):
            raise RuntimeError("the camera's thread does not answer")

    def tidy(self):
        """Drop sessions whose clients have gone without a word."""
        source = GLib.Timeout(2000)
        source.set_callback(lambda *_: self.server.get_session_pool().cleanup() >= 0)
        source.attach(self.context)

    def open_here(self):
        """Accept connections; in the camera's thread or before it runs."""
        if self.source_id is None:
            self.source_id = self.server.attach(self.context)
            if not self.source_id:
                raise OSError(f"cannot listen on {self.address} port {self.server.get_service()}")
        for endpoint in self.endpoints.values():
            if endpoint.server is not self.server:
                endpoint.open()
            else:
                endpoint.source_id = self.source_id

    def close_here(self):
        """Refuse connections and end all sessions."""
        if self.source_id is not None:
            self.context.find_source_by_id(self.source_id).destroy()
            self.source_id = None
        self.server.get_session_pool().filter(lambda *_: REMOVE)
        self.server.client_filter(lambda *_: REMOVE)
        for endpoint in self.endpoints.values():
            endpoint.close()

    def change_endpoint(self, address, kind, parameters):
        """Open, close or change one of the camera's addresses."""
        problems = []

        def run():
            try:
                change(self, address, kind, parameters)
            except (ValueError, KeyError, OSError) as error:
                problems.append(str(error))

        self.call(run)
        if problems:
            raise ValueError(problems[0])

    def open(self):
        """Serve again after close()."""
        self.call(self.open_here)

    def close(self):
        """Stop serving."""
        self.call(self.close_here)

    def hold(self):
        """Stop answering and sending, with all connections open."""
        self.released.clear()
        for media in list(self.medias):
            for pad in report_pads(media):
                self.probes.append((pad, pad.add_probe(Gst.PadProbeType.BUFFER, lambda *_: Gst.PadProbeReturn.DROP)))
        self.call(self.released.wait, wait=False)

    def release(self):
        """Go on after hold()."""
        for pad, probe in self.probes:
            pad.remove_probe(probe)
        self.probes.clear()
        self.released.set()

    def set_password(self, password):
        """Accept this password only, from the next request on."""
        if self.auth:
            def change():
                self.auth.remove_digest(self.camera.options.user)
                self.auth.add_digest(self.camera.options.user, password, self.token)
            self.call(change, wait="hang" not in self.camera.faults)


def report_pads(media):
    """The pads that send RTCP reports in a media's pipeline."""
    pipeline = media.get_element().get_parent()
    if pipeline is None:
        return []
    return [pad for element in pipeline.children if element.get_factory().get_name() == "rtpbin"
            for pad in element.pads if pad.get_name().startswith("send_rtcp_src")]
