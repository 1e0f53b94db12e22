"""What schemathesis does not know by itself: bodies that are neither JSON nor forms."""

import schemathesis


@schemathesis.serializer("application/sdp", "application/trickle-ice-sdpfrag")
def plain_text(_, value):
    """Sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode()
