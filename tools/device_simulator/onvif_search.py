"""ONVIF's search and replay services over the device's recordings."""

import datetime
import itertools
from xml.sax.saxutils import escape

from .recordings import DAYS
from .soap import Fault, instant, stamp

RECORDING, TRACK = "Recording_{}", "VIDEO001"


class SearchService:
    """The recordings of one device: one recording for each channel."""

    def __init__(self, onvif):
        self.onvif, self.device, self.recordings = onvif, onvif.device, onvif.recordings
        self.searches, self.numbers = {}, itertools.count(1)

    def operations(self):
        """What this service answers."""
        found = {("tse", name): getattr(self, name) for name in ("GetRecordingSummary", "GetRecordingInformation", "FindRecordings", "GetRecordingSearchResults", "FindEvents",
                                                                 "GetEventSearchResults", "EndSearch", "GetSearchState")}
        found[("trp", "GetReplayUri")] = self.GetReplayUri
        return found

    def pieces(self, channel, begin=None, end=None):
        """Pieces of a channel, with UTC times."""
        zone = datetime.timezone(self.device.offset())

        def wall(moment):
            return moment.astimezone(zone).replace(tzinfo=None)

        now = self.device.utc()
        for piece in self.recordings.pieces(channel, wall(begin or now - datetime.timedelta(days=DAYS)), wall(end or now)):
            yield piece, piece.begin.replace(tzinfo=zone).astimezone(datetime.timezone.utc), piece.end.replace(tzinfo=zone).astimezone(datetime.timezone.utc)

    def bounds(self, channel=1):
        """When a channel's recording begins and ends."""
        listed = list(self.pieces(channel))
        return (listed[0][1], listed[-1][2]) if listed else (self.device.utc(), self.device.utc())

    def GetRecordingSummary(self, _call):
        begin, end = self.bounds()
        return (f"<tse:GetRecordingSummaryResponse><tse:Summary><tt:DataFrom>{stamp(begin)}</tt:DataFrom><tt:DataUntil>{stamp(end)}</tt:DataUntil>"
                f"<tt:NumberRecordings>{0 if self.recordings.mode == 'none' else self.device.channels}</tt:NumberRecordings></tse:Summary></tse:GetRecordingSummaryResponse>")

    def information(self, channel, element):
        """RecordingInformation of a channel."""
        begin, end = self.bounds(channel)
        return (f"<{element}><tt:RecordingToken>{RECORDING.format(channel)}</tt:RecordingToken><tt:Source><tt:SourceId>VideoSource_{channel}</tt:SourceId>"
                f"<tt:Name>Channel {channel}</tt:Name><tt:Location>here</tt:Location><tt:Description>Channel {channel}</tt:Description>"
                f"<tt:Address>{self.onvif.base}</tt:Address></tt:Source><tt:EarliestRecording>{stamp(begin)}</tt:EarliestRecording>"
                f"<tt:LatestRecording>{stamp(end)}</tt:LatestRecording><tt:Content>Continuous</tt:Content><tt:Track><tt:TrackToken>{TRACK}</tt:TrackToken>"
                f"<tt:TrackType>Video</tt:TrackType><tt:Description>Video</tt:Description><tt:DataFrom>{stamp(begin)}</tt:DataFrom><tt:DataTo>{stamp(end)}</tt:DataTo>"
                f"</tt:Track><tt:RecordingStatus>Recording</tt:RecordingStatus></{element}>")

    def channel(self, token):
        """The channel of a recording's token."""
        number = (token or "").removeprefix("Recording_")
        if not number.isdigit() or not 1 <= int(number) <= self.device.channels:
            raise Fault("No such recording", "ter:InvalidArgVal", "ter:InvalidToken")
        return int(number)

    def GetRecordingInformation(self, call):
        channel = self.channel(call.node.value("RecordingToken"))
        return f"<tse:GetRecordingInformationResponse>{self.information(channel, 'tse:RecordingInformation')}</tse:GetRecordingInformationResponse>"

    def begin(self, found):
        """Keep results under a new token."""
        while len(self.searches) >= 16:
            self.searches.pop(next(iter(self.searches)))
        token = f"Search_{next(self.numbers)}"
        self.searches[token] = list(found)
        self.device.counts["searches"] += 1
        return token

    def scope(self, call):
        """The channels of a search."""
        tokens = [node.text.strip() for node in (call.node.find("Scope") or call.node).all("IncludedRecordings")]
        return [self.channel(token) for token in tokens] or list(range(1, self.device.channels + 1))

    def FindRecordings(self, call):
        return f"<tse:FindRecordingsResponse><tse:SearchToken>{self.begin(self.scope(call))}</tse:SearchToken></tse:FindRecordingsResponse>"

    def page(self, call):
        """The next results of a search, and its state."""
        token = call.node.value("SearchToken")
        if token not in self.searches:
            raise Fault("No such search", "ter:InvalidArgVal", "ter:InvalidToken")
        most = int(call.node.value("MaxResults", "100"))
        results, self.searches[token] = self.searches[token][:most], self.searches[token][most:]
        return results, "Searching" if self.searches[token] else "Completed"

    def GetRecordingSearchResults(self, call):
        channels, state = self.page(call)
        listed = "".join(self.information(channel, "tt:RecordingInformation") for channel in channels)
        return (f"<tse:GetRecordingSearchResultsResponse><tse:ResultList><tt:SearchState>{state}</tt:SearchState>{listed}</tse:ResultList>"
                "</tse:GetRecordingSearchResultsResponse>")

    def FindEvents(self, call):
        begin = instant(call.node.value("StartPoint"))
        end = call.node.value("EndPoint")
        end = instant(end) if end else self.device.utc()
        backward = end < begin
        found = []
        for channel in self.scope(call):
            for piece, first, last in self.pieces(channel, min(begin, end), max(begin, end)):
                found += [(first, channel, piece.kind, True), (last, channel, piece.kind, False)]
        found = [item for item in sorted(found, reverse=backward) if min(begin, end) <= item[0] <= max(begin, end)]
        return f"<tse:FindEventsResponse><tse:SearchToken>{self.begin(found)}</tse:SearchToken></tse:FindEventsResponse>"

    def GetEventSearchResults(self, call):
        found, state = self.page(call)
        listed = ""
        for moment, channel, kind, present in found:
            topic = "tns1:RecordingHistory/Track/State" if kind == "timing" else "tns1:RuleEngine/CellMotionDetector/Motion"
            item = ("IsDataPresent" if kind == "timing" else "IsMotion", str(present).lower())
            listed += (f"<tt:Result><tt:RecordingToken>{RECORDING.format(channel)}</tt:RecordingToken><tt:TrackToken>{TRACK}</tt:TrackToken><tt:Time>{stamp(moment)}</tt:Time>"
                       f'<tt:Event><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">{topic}</wsnt:Topic><wsnt:Message>'
                       f'<tt:Message UtcTime="{stamp(moment)}" PropertyOperation="Changed"><tt:Source><tt:SimpleItem Name="RecordingToken" Value="{RECORDING.format(channel)}"/>'
                       f'<tt:SimpleItem Name="Track" Value="{TRACK}"/></tt:Source><tt:Data><tt:SimpleItem Name="{item[0]}" Value="{item[1]}"/></tt:Data></tt:Message>'
                       "</wsnt:Message></tt:Event><tt:StartStateEvent>false</tt:StartStateEvent></tt:Result>")
        return (f"<tse:GetEventSearchResultsResponse><tse:ResultList><tt:SearchState>{state}</tt:SearchState>{listed}</tse:ResultList>"
                "</tse:GetEventSearchResultsResponse>")

    def GetSearchState(self, call):
        token = call.node.value("SearchToken")
        return f"<tse:GetSearchStateResponse><tse:State>{'Completed' if not self.searches.get(token) else 'Searching'}</tse:State></tse:GetSearchStateResponse>"

    def EndSearch(self, call):
        self.searches.pop(call.node.value("SearchToken"), None)
        return f"<tse:EndSearchResponse><tse:Endpoint>{stamp(self.device.utc())}</tse:Endpoint></tse:EndSearchResponse>"

    def GetReplayUri(self, call):
        channel = self.channel(call.node.value("RecordingToken"))
        uri = f"rtsp://{self.device.address}:{self.device.parts['replay'].port}/onvif/recording{channel}"
        return f"<trp:GetReplayUriResponse><trp:Uri>{escape(uri)}</trp:Uri></trp:GetReplayUriResponse>"
