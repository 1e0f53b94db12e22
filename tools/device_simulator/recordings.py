"""What a device has recorded: half-hour pieces of the last days, found by ISAPI and ONVIF, sent as one and the same file."""

import calendar
import datetime
import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

PIECE = datetime.timedelta(minutes=30)
DAYS = 7
EMPTY_DAY = 5  # so many days ago nothing was recorded
KINDS = ("timing", "motion", "timing", "timing", "linedetection")
XMLNS = 'version="1.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"'


@dataclass
class Piece:
    """A recording without a gap, of one kind."""

    channel: int
    begin: datetime.datetime  # the device's wall clock, without zone
    end: datetime.datetime
    kind: str
    number: int

    def uri(self, device, begin=None, end=None):
        """Where it is played."""
        form = "%Y%m%dT%H%M%SZ"
        return (f"rtsp://{device.address}:{device.rtsp_port or 554}/Streaming/tracks/{self.channel}01/?starttime={(begin or self.begin).strftime(form)}"
                f"&endtime={(end or self.end).strftime(form)}&name=ch{self.channel:02}_{self.number:014}&size=2097152")


class Recordings:
    """The recordings of one device."""

    def __init__(self, device):
        self.device = device
        self.searches = {}  # searchID -> requests
        self.mode = device.settings.get("recordings", "pieces")  # events: what /record adds and nothing else; none: nothing; timing: one kind
        self.added = []

    def state(self):
        """For GET /state."""
        now = self.device.local().replace(tzinfo=None)
        return {"searches": len(self.searches), "added": len(self.added), "lasting": sum(piece.end > now for piece in self.added)}

    def add(self, channel, kind, ago, seconds):
        """Record an event that began so many seconds ago."""
        begin = (self.device.local().replace(tzinfo=None) - datetime.timedelta(seconds=ago)).replace(microsecond=0)
        self.added.append(Piece(channel, begin, begin + datetime.timedelta(seconds=seconds), kind, 900000 + len(self.added)))
        return {"begin": begin.isoformat(), "seconds": seconds}

    def pieces(self, channel, begin, end):
        """The pieces that overlap a time, in order."""
        yield from (piece for piece in self.added if piece.channel == channel and piece.begin < end and piece.end > begin)
        if self.mode in ("events", "none"):
            return
        now = self.device.local().replace(tzinfo=None)
        at = max(begin, now - datetime.timedelta(days=DAYS)).replace(minute=0, second=0, microsecond=0)
        while at < min(end, now):
            number = int((at - datetime.datetime(2020, 1, 1)) / PIECE)
            over = min(at + PIECE, now.replace(microsecond=0))
            if over > begin and over > at and (now.date() - at.date()).days != EMPTY_DAY:
                yield Piece(channel, at, over, "timing" if self.mode == "timing" else KINDS[(number + channel) % len(KINDS)], number)
            at += PIECE

    def search(self, body):
        """ContentMgmt/search: a Node to the answer's text; ValueError when the question is wrong."""
        self.device.counts["searches"] += 1
        identifier = body.value("searchID", "")
        tracks = [int(node.text) for node in (body.find("trackList") or body.find("trackIDList") or body).all("trackID")] or [101]
        spans = [(wall(node.value("startTime")), wall(node.value("endTime"))) for node in (body.find("timeSpanList") or body).all("timeSpan")]
        if not spans:
            raise ValueError("timeSpan")
        first = int(body.value("searchResultPosition") or body.value("searchResultPostion") or 0)
        most = min(int(body.value("maxResults") or 40), 64)
        wanted = wanted_kinds(body)
        found = []
        for track in tracks:
            for begin, end in spans:
                found += [(track, piece) for piece in self.pieces(track // 100, begin, end)
                          if 1 <= piece.channel <= self.device.channels and (wanted is None or piece.kind in wanted)]
        found.sort(key=lambda item: (item[1].begin, item[0]))
        self.searches[identifier] = self.searches.get(identifier, 0) + 1
        page = found[first:first + most]
        status = "NO MATCHES" if not page else "MORE" if first + most < len(found) else "OK"
        items = "".join(self.item(track, piece) for track, piece in page)
        return (f'<?xml version="1.0" encoding="UTF-8"?>\n<CMSearchResult {XMLNS}>\n<searchID>{escape(identifier)}</searchID>\n<responseStatus>true</responseStatus>\n'
                f"<responseStatusStrg>{status}</responseStatusStrg>\n<numOfMatches>{len(page)}</numOfMatches>\n"
                + (f"<matchList>\n{items}</matchList>\n" if page else "") + "</CMSearchResult>\n")

    def item(self, track, piece):
        """One match."""
        return (f"<searchMatchItem>\n<sourceID>{{00000000-0000-0000-0000-{track:012}}}</sourceID>\n<trackID>{track}</trackID>\n<timeSpan>\n"
                f"<startTime>{piece.begin:%Y-%m-%dT%H:%M:%S}Z</startTime>\n<endTime>{piece.end:%Y-%m-%dT%H:%M:%S}Z</endTime>\n</timeSpan>\n"
                f"<mediaSegmentDescriptor>\n<contentType>video</contentType>\n<codecType>H.264-BP</codecType>\n<rateType>VBR</rateType>\n"
                f"<playbackURI>{escape(piece.uri(self.device))}</playbackURI>\n</mediaSegmentDescriptor>\n<metadataMatches>\n"
                f"<metadataDescriptor>recordType.meta.hikvision.com/{piece.kind}</metadataDescriptor>\n</metadataMatches>\n</searchMatchItem>\n")

    def tracks(self):
        """ContentMgmt/record/tracks."""
        listed = "".join(self.track(channel) for channel in range(1, self.device.channels + 1))
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<TrackList {XMLNS}>\n{listed}</TrackList>\n'

    def track(self, channel):
        """One track."""
        return (f"<Track {XMLNS}>\n<id>{channel}01</id>\n<Channel>{channel}01</Channel>\n<Enable>true</Enable>\n<Description>trackType=standard,"
                f"sourceTag={escape(self.device.name)} {channel:02},contentType=video,codecType=H.264,resolution=2688x1520,framerate=25.000,bitrate=6144 kbps"
                "</Description>\n<TrackGUID>{00000000-0000-0000-0000-" + f"{channel:012}" + "}</TrackGUID>\n<Size>1000000</Size>\n<Duration min=\"1\" "
                "max=\"604800\">604800</Duration>\n<DefaultRecordingMode>CMR</DefaultRecordingMode>\n<SrcDescriptor>\n<SrcGUID>{00000000-0000-0000-0000-"
                f"{channel:012}" + "}</SrcGUID>\n" + f"<SrcChannel>{channel}</SrcChannel>\n<StreamHint>video, H.264, 2688x1520</StreamHint>\n<SrcDriver>RTSP</SrcDriver>\n"
                f"<SrcType>other</SrcType>\n<SrcUrl>rtsp://localhost/Streaming/channels/{channel}01</SrcUrl>\n</SrcDescriptor>\n</Track>\n")

    def distribution(self, body, track):
        """ContentMgmt/record/tracks/ID/dailyDistribution: the days of a month with recordings."""
        year, month = int(body.value("year")), int(body.value("monthOfYear") or body.value("month"))
        days = ""
        for day in range(1, calendar.monthrange(year, month)[1] + 1):
            begin = datetime.datetime(year, month, day)
            piece = next(self.pieces(track // 100, begin, begin + datetime.timedelta(days=1)), None)
            kind = f"<recordType>{'time' if piece.kind == 'timing' else 'event'}</recordType>\n" if piece else ""
            days += f"<day>\n<id>{day}</id>\n<dayOfMonth>{day}</dayOfMonth>\n<record>{str(piece is not None).lower()}</record>\n{kind}</day>\n"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<trackDailyDistribution {XMLNS}>\n<dayList>\n{days}</dayList>\n</trackDailyDistribution>\n'


def wall(text):
    """A time of a question: what stands there counts as the device's wall clock, whatever zone it names."""
    match = re.match(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)", text or "")
    if not match:
        raise ValueError("time")
    return datetime.datetime.fromisoformat(f"{match[1]} {match[2]}")


def wanted_kinds(body):
    """The kinds asked for, or None for all."""
    texts = [node.text.strip() for node in body.walk() if node.local in ("metadataDescriptor", "metaId")]
    kinds = {re.split(r"[/:]", text)[-1] for text in texts if text}
    if not kinds or kinds & {"all", "AllEvent", "CMR", "recordType.meta.std-cgi.com", ""}:
        return {"motion", "linedetection"} if kinds == {"AllEvent"} else None
    aliases = {"VMD": "motion", "timing": "timing", "TIMING": "timing", "LineDetection": "linedetection"}
    return {aliases.get(kind, kind) for kind in kinds}
