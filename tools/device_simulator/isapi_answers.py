"""How a Hikvision device answers: documents, and statuses that say what is wrong."""

from xml.sax.saxutils import escape

from .markup import Node, document
from .web import Response

XMLNS = 'version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"'
STRINGS = {1: "OK", 2: "Device Busy", 3: "Device Error", 4: "Invalid Operation", 5: "Invalid XML Format", 6: "Invalid XML Content", 7: "Reboot Required"}
# subStatusCode -> (HTTP status, statusCode)
PROBLEMS = {"notSupport": (403, 4), "invalidOperation": (404, 4), "badXmlFormat": (400, 5), "badXmlContent": (400, 6), "badParameters": (400, 6),
            "notActivated": (403, 4), "lowPrivilege": (403, 4), "deviceBusy": (503, 2), "deviceError": (500, 3), "methodNotAllowed": (405, 4),
            "riskPassword": (400, 6), "challengeMissing": (400, 4), "alreadyActivated": (403, 4), "upgrading": (503, 2), "firmwareMismatch": (400, 3)}


class Problem(Exception):
    """An answer that says what is wrong, as subStatusCode."""


def status(path, sub="ok", code=None, http=None):
    """A ResponseStatus."""
    status_http, number = PROBLEMS.get(sub, (200, 1))
    number = code or number
    text = (f'<?xml version="1.0" encoding="UTF-8"?>\n<ResponseStatus {XMLNS}>\n<requestURL>{escape(path)}</requestURL>\n<statusCode>{number}</statusCode>\n'
            f"<statusString>{STRINGS[number]}</statusString>\n<subStatusCode>{sub}</subStatusCode>\n</ResponseStatus>\n")
    return Response(http or status_http, text.encode())


def xml(text):
    """An answer from the text of a document or from a node."""
    return Response(200, document(text) if isinstance(text, Node) else text.encode())
