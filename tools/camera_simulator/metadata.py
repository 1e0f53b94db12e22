"""A metadata track: XML documents as ONVIF's RTP payload (Streaming Specification 5.2.1.1), which GStreamer has no payloader for."""

import ctypes

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtp", "1.0")
from gi.repository import GObject, Gst, GstRtp  # noqa: E402

ELEMENT = "gatehousemetadatapay"
SOURCE = "appsrc name=metadata is-live=true format=time do-timestamp=true block=false caps=application/x-onvif-metadata"
NOTHING = '<?xml version="1.0" encoding="UTF-8"?>\n<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"/>\n'
PIECE = 1200  # bytes of a packet
TIMESTAMPS = 2  # of GstBufferCopyFlags


def library(name, **functions):
    """A C library with the argument types of its functions."""
    loaded = ctypes.CDLL(name)
    for function, (result, *arguments) in functions.items():
        getattr(loaded, function).restype, getattr(loaded, function).argtypes = result, arguments
    return loaded


POINTER, SIZE = ctypes.c_void_p, ctypes.c_size_t
CORE = library("libgstreamer-1.0.so.0", gst_buffer_fill=(SIZE, POINTER, SIZE, ctypes.c_char_p, SIZE),
               gst_buffer_copy_into=(ctypes.c_int, POINTER, POINTER, ctypes.c_int, SIZE, ctypes.c_ssize_t))
RTP = library("libgstrtp-1.0.so.0", gst_rtp_buffer_new_allocate=(POINTER, ctypes.c_uint, ctypes.c_uint8, ctypes.c_uint8),
              gst_rtp_base_payload_push=(ctypes.c_int, POINTER, POINTER))


class MetadataPayloader(GstRtp.RTPBasePayload):
    """Cuts documents into packets. The buffers are made in C: what Python holds a reference to cannot be written any more."""

    __gstmetadata__ = ("ONVIF metadata payloader", "Codec/Payloader/Network/RTP", "Sends XML documents", "Gatehouse")
    __gsttemplates__ = (
        Gst.PadTemplate.new("sink", Gst.PadDirection.SINK, Gst.PadPresence.ALWAYS, Gst.Caps.from_string("application/x-onvif-metadata")),
        Gst.PadTemplate.new("src", Gst.PadDirection.SRC, Gst.PadPresence.ALWAYS, Gst.Caps.from_string(
            "application/x-rtp,media=application,clock-rate=90000,encoding-name=VND.ONVIF.METADATA")))

    def do_set_caps(self, _caps):
        """Name the payload."""
        self.set_options("application", True, "VND.ONVIF.METADATA", 90000)
        return self.set_outcaps_structure(None)

    def do_handle_buffer(self, buffer):
        """Send a document."""
        known, mapped = buffer.map(Gst.MapFlags.READ)
        if not known:
            return Gst.FlowReturn.ERROR
        document = bytes(mapped.data)
        buffer.unmap(mapped)
        result = Gst.FlowReturn.OK
        for start in range(0, len(document), PIECE):
            piece = document[start:start + PIECE]
            packet = RTP.gst_rtp_buffer_new_allocate(len(piece), 0, 0)
            CORE.gst_buffer_fill(packet, 12, piece, len(piece))
            CORE.gst_buffer_copy_into(packet, hash(buffer), TIMESTAMPS, 0, -1)
            result = Gst.FlowReturn(RTP.gst_rtp_base_payload_push(hash(self), packet))
        return result


def register():
    """Make the element known to GStreamer."""
    GObject.type_register(MetadataPayloader)
    Gst.Element.register(None, ELEMENT, Gst.Rank.NONE, MetadataPayloader)


def push(media, document):
    """Send a document to who watches a media."""
    source = media.get_element().get_by_name("metadata")
    if source:
        source.emit("push-buffer", Gst.Buffer.new_wrapped(document.encode()))
