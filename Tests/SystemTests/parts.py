"""Objects that come to `FaultyS3` in parts (S3's CreateMultipartUpload, UploadPart, ListParts, CompleteMultipartUpload, AbortMultipartUpload)."""

import hashlib
import itertools
import re
import time
import urllib.parse

from signatures import Refused


class Upload:
    """One object on its way in parts."""

    def __init__(self, key, headers):
        self.key, self.headers, self.parts, self.at = key, headers, {}, time.time()


class Parts:
    """All that was begun in parts. `minimum` is the smallest part but the last; `break_after` parts, each further one is answered with 503."""

    def __init__(self, minimum=256 << 10):
        self.minimum, self.break_after = minimum, None
        self.uploads, self.numbers, self.received = {}, itertools.count(1), []

    @staticmethod
    def query(handler):
        """The query of a request."""
        return dict(urllib.parse.parse_qsl(handler.path.partition("?")[2], keep_blank_values=True))

    def concerns(self, handler):
        """Whether a request is about parts."""
        return bool({"uploads", "uploadId"} & self.query(handler).keys())

    def serve(self, store, handler, key, body):
        """Status, content and headers; with the store's lock held."""
        query = self.query(handler)
        if "uploads" in query:
            return self.begin(key, handler) if handler.command == "POST" else self.all(query.get("prefix", ""))
        upload = self.uploads.get(query["uploadId"])
        if not upload or upload.key != key:
            raise Refused(404, "NoSuchUpload")
        if handler.command == "PUT":
            return self.take(upload, int(query["partNumber"]), body)
        if handler.command == "GET":
            return 200, self.document("ListPartsResult", *(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{self.tag(part)}</ETag><Size>{len(part)}</Size></Part>"
                for number, part in sorted(upload.parts.items()) if number > int(query.get("part-number-marker", 0)))), {}
        if handler.command == "DELETE":
            del self.uploads[query["uploadId"]]
            return 204, b"", {}
        return self.complete(store, handler, query["uploadId"], upload, body)

    def begin(self, key, handler):
        """CreateMultipartUpload."""
        identifier = f"upload-{next(self.numbers)}"
        self.uploads[identifier] = Upload(key, dict(handler.headers))
        return 200, self.document("InitiateMultipartUploadResult", f"<Key>{key}</Key><UploadId>{identifier}</UploadId>"), {}

    def all(self, prefix):
        """ListMultipartUploads."""
        return 200, self.document("ListMultipartUploadsResult", *(
            f"<Upload><Key>{upload.key}</Key><UploadId>{identifier}</UploadId><Initiated>{time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime(upload.at))}"
            "</Initiated></Upload>" for identifier, upload in self.uploads.items() if upload.key.startswith(prefix))), {}

    def take(self, upload, number, body):
        """UploadPart."""
        if self.break_after is not None and len(self.received) >= self.break_after:
            raise Refused(503, "SlowDown")
        self.received.append((upload.key, number, len(body)))
        upload.parts[number] = body
        return 200, b"", {"ETag": self.tag(body)}

    def complete(self, store, handler, identifier, upload, body):
        """CompleteMultipartUpload."""
        named = re.findall(rb"<PartNumber>(\d+)</PartNumber><ETag>(?:&quot;|\")?([0-9a-f]+)", body)
        parts = [upload.parts.get(int(number)) for number, _ in named]
        if not parts or any(part is None or hashlib.md5(part).hexdigest() != tag.decode() for part, (_, tag) in zip(parts, named)):
            raise Refused(400, "InvalidPart")
        if any(len(part) < self.minimum for part in parts[:-1]):
            raise Refused(400, "EntityTooSmall")
        if handler.headers.get("If-None-Match") == "*" and upload.key in store.objects:
            raise Refused(412, "PreconditionFailed")
        del self.uploads[identifier]
        store.keep(upload.key, b"".join(parts), upload.headers)
        return 200, self.document("CompleteMultipartUploadResult", f'<ETag>"whole-{len(parts)}"</ETag>'), {}

    @staticmethod
    def tag(part):
        """A part's entity tag."""
        return f'"{hashlib.md5(part).hexdigest()}"'

    @staticmethod
    def document(name, *inner):
        """An XML document."""
        text = "".join(inner)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{text}</{name}>'.encode()
