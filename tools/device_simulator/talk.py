"""Two-way audio of ISAPI: opened, sound on a connection of its own behind an empty request, closed."""

import asyncio
import base64
import uuid

from .isapi_answers import XMLNS, Problem, status, xml
from .web import Response

KEPT = 16000  # bytes of sound that are told: two seconds


class Loudspeaker:
    """What a device was told to say."""

    def __init__(self, codec):
        self.codec, self.session, self.opened, self.bytes, self.tail = codec, None, 0, 0, bytearray()

    def state(self):
        """For GET /state."""
        return {"open": self.session is not None, "opened": self.opened, "bytes": self.bytes, "tail": base64.b64encode(bytes(self.tail)).decode()}

    def begin(self, session):
        """Somebody begins to talk."""
        self.session, self.opened, self.tail = session, self.opened + 1, bytearray()

    def take(self, piece):
        """Take sound down."""
        self.bytes += len(piece)
        self.tail += piece
        del self.tail[:-KEPT]

    def document(self):
        """Its only channel."""
        return (f"<TwoWayAudioChannel {XMLNS}>\n<id>1</id>\n<enabled>{str(self.session is not None).lower()}</enabled>\n"
                f"<audioCompressionType>{self.codec}</audioCompressionType>\n<speakerVolume>80</speakerVolume>\n</TwoWayAudioChannel>\n")

    def actions(self):
        """(method, pattern, coroutine function) of each path."""
        async def channels(_request):
            return xml(f"<TwoWayAudioChannelList {XMLNS}>\n{self.document()}</TwoWayAudioChannelList>\n")

        async def channel(_request):
            return xml(self.document())

        async def begin(_request):
            if self.session is not None:
                raise Problem("deviceBusy")
            self.begin(uuid.uuid4().hex)
            return xml(f"<TwoWayAudioSession {XMLNS}>\n<sessionId>{self.session}</sessionId>\n</TwoWayAudioSession>\n")

        async def end(request):
            self.session = None
            return status(request.path)

        async def listen(request):
            if self.session is None or request.query.get("sessionId") not in (None, self.session):
                return Response(403)
            response = Response(200)
            response.raw = self.hear
            return response

        base = r"System/TwoWayAudio/channels"
        return [("GET", base, channels), ("GET", base + "/1", channel), ("PUT", base + "/1/open", begin), ("PUT", base + "/1/close", end),
                ("PUT", base + "/1/audioData", listen)]

    async def hear(self, reader):
        """Take sound until nobody says anything, or the talk is closed."""
        session = self.session
        while self.session == session:
            try:
                piece = await asyncio.wait_for(reader.read(4096), 0.5)
            except asyncio.TimeoutError:
                continue
            if not piece:
                return
            self.take(piece)
