"""A viewer by WebRTC made of GStreamer's webrtcbin, as a program of its own: gstreamer_whep.py URL PICTURES prints how many pictures it decoded."""

import sys
import threading
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402

CAPS = "application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96,packetization-mode=(string)1,profile-level-id=(string)42e01f"
TIMEOUT = 20


def ask(peer, *what):
    """What the peer promises; its reply lives as long as the promise."""
    promise = Gst.Promise.new()
    peer.emit(*what, promise)
    promise.wait()
    return promise


def main():
    """Watch until there were enough pictures."""
    url, wanted = sys.argv[1], int(sys.argv[2])
    Gst.init(None)
    pipeline, enough, count = Gst.Pipeline(), threading.Event(), [0]
    peer = Gst.ElementFactory.make("webrtcbin")
    peer.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
    pipeline.add(peer)

    def picture(*_):
        count[0] += 1
        if count[0] >= wanted:
            enough.set()

    def pad_added(_, pad):
        chain = Gst.parse_bin_from_description("rtph264depay ! h264parse ! avdec_h264 ! fakesink name=end signal-handoffs=true sync=false", True)
        chain.get_by_name("end").connect("handoff", picture)
        pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    gathered = threading.Event()
    peer.connect("pad-added", pad_added)
    peer.connect("notify::ice-gathering-state", lambda *_: peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE and gathered.set())
    peer.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(CAPS))
    pipeline.set_state(Gst.State.PLAYING)
    offered = ask(peer, "create-offer", None)
    # The offer lies in the reply, and goes with it.
    reply = offered.get_reply()
    ask(peer, "set-local-description", reply.get_value("offer"))
    if not gathered.wait(TIMEOUT):
        sys.exit("no candidates")
    text = peer.get_property("local-description").sdp.as_text()
    request = urllib.request.Request(url, text.encode(), {"Content-Type": "application/sdp"}, method="POST")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        _, message = GstSdp.SDPMessage.new_from_text(answer.read().decode())
    ask(peer, "set-remote-description", GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message))
    enough.wait(TIMEOUT)
    print(count[0], flush=True)
    pipeline.set_state(Gst.State.NULL)


main()
