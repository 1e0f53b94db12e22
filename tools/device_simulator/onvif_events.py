"""ONVIF's event service: pull points that wait for messages."""

import asyncio
import itertools
import threading
import time
from xml.sax.saxutils import escape

from . import dialects
from .soap import DECLARED, Fault, duration, items, stamp, until

MOST_WAITING = 4000
MOST_SUBSCRIPTIONS = 8
USUAL_LIFE, LONGEST_PULL = 60, 60
CONCRETE = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"


class Subscription:
    """One pull point."""

    def __init__(self, number, device, ends):
        self.number, self.device, self.ends = number, device, ends
        self.queue = asyncio.Queue(MOST_WAITING)
        self.pulls = self.overflowed = 0
        self.filters = None

    def put(self, topic, text):
        """Keep a message until it is pulled."""
        if self.filters and not any(topic == wanted or topic.startswith(wanted.rstrip("./") + "/") for wanted in self.filters):
            return False
        if self.queue.full():
            self.overflowed += 1
            return False
        self.queue.put_nowait(text)
        return True


class EventService:
    """The events of one device."""

    def __init__(self, onvif):
        self.onvif, self.device, self.hub = onvif, onvif.device, onvif.hub
        self.dialect = self.device.settings.get("dialect", "hikvision")
        if self.dialect not in dialects.TABLES:
            raise ValueError(f"unknown dialect {self.dialect!r}; known: {', '.join(dialects.TABLES)}")
        self.subscriptions, self.numbers = {}, itertools.count(1)
        self.states = {}  # (topic, source) -> message with its present state
        self.opened = self.most_open = self.closed = self.expired = self.refused = 0
        self.hub.listeners.add(self.take)

    def state(self):
        """For GET /state."""
        self.expire()
        return {"open": len(self.subscriptions), "most_open": self.most_open, "opened": self.opened, "closed": self.closed, "expired": self.expired,
                "refused": self.refused, "pulls": sum(known.pulls for known in self.subscriptions.values()),
                "overflowed": sum(known.overflowed for known in self.subscriptions.values())}

    def operations(self):
        """What this service answers."""
        return {("tev", name): getattr(self, name) for name in ("GetEventProperties", "CreatePullPointSubscription", "PullMessages", "SetSynchronizationPoint", "Renew",
                                                                "Unsubscribe")}

    def take(self, event):
        """An event happened: put it into every pull point. Repetitions are not told."""
        self.expire()
        if not event.first and event.state == "active" and not self.device.has("repeats"):
            return False
        delivered = False
        for saying in dialects.sayings(event.dialect or self.dialect, event):
            if not saying.lasting and event.state != "active":
                continue
            topic, text = self.message(saying, event, "Changed")
            if saying.lasting and not event.burst:
                self.states[(topic, event.channel, event.region)] = (saying, event)
            if "metadata" in self.device.settings:
                delivered |= self.tell_in_stream(text)
                continue  # by this way alone, so that it is seen to work
            for subscription in self.subscriptions.values():
                delivered |= subscription.put(topic, text)
        return delivered

    def tell_in_stream(self, text):
        """Send a message in the metadata track of the stream."""
        document = f'<?xml version="1.0" encoding="UTF-8"?>\n<tt:MetadataStream {DECLARED}><tt:Event>{text}</tt:Event></tt:MetadataStream>\n'
        threading.Thread(target=self.device.cameras.send_metadata, args=(self.device, document), daemon=True).start()
        return True

    def expire(self):
        """Drop subscriptions whose time is over."""
        now = self.device.utc()
        for number in [number for number, known in self.subscriptions.items() if known.ends < now]:
            del self.subscriptions[number]
            self.expired += 1

    def message(self, saying, event, operation):
        """A NotificationMessage: (topic, text)."""
        active = event.state == "active"

        def fill(pairs):
            shown = []
            for name, value in pairs:
                if isinstance(value, bool):
                    value = active == value
                else:
                    value = value.format(channel=event.channel, zero=event.channel - 1, region=event.region or "1", number=event.number, one=int(active))
                shown.append((name, value))
            return items(shown, self.device)

        topic = saying.topic.format(channel=event.channel, region=event.region or "1")
        moment = "1970-01-01T00:00:00Z" if self.device.has("utctime-1970") else stamp(self.device.utc())
        if self.device.has("utctime-without-z"):
            moment = moment.rstrip("Z")
        attributes = [f'UtcTime="{moment}"'] + ([f'PropertyOperation="{operation}"'] if saying.lasting else [])
        if self.device.has("attribute-order"):
            attributes.reverse()
        source = fill(saying.source)
        source = f"<tt:Source>{source}</tt:Source>" if source else ""
        key = f"<tt:Key>{fill(saying.key)}</tt:Key>" if saying.key else ""
        data = fill(saying.data)
        if event.burst:
            data += items([("Label", event.burst)], self.device)
        return topic, (f'<wsnt:NotificationMessage><wsnt:Topic Dialect="{CONCRETE}">{escape(topic)}</wsnt:Topic><wsnt:Message><tt:Message {" ".join(attributes)}>'
                       f"{source}{key}<tt:Data>{data}</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>")

    def initial(self, subscription):
        """Tell a pull point the present state of all properties."""
        from .events import Event
        known = dict(self.states)
        for kind in ("VMD", "fielddetection", "shelteralarm", "IO"):
            for channel in range(1, self.device.channels + 1):
                quiet = Event(kind, "inactive", channel=channel)
                for saying in dialects.sayings(self.dialect, quiet):
                    topic, _ = self.message(saying, quiet, "Initialized")
                    known.setdefault((topic, channel, quiet.region), (saying, quiet))
        for saying, event in known.values():
            if saying.lasting:
                subscription.put(*self.message(saying, event, "Initialized"))

    def CreatePullPointSubscription(self, call):
        self.expire()
        limit = self.device.quirk("too-many-sessions")
        if len(self.subscriptions) >= (limit["most"] if limit else MOST_SUBSCRIPTIONS):
            self.refused += 1
            raise Fault("No more pull points", "wsnt:UnableToCreatePullPointFault", code="Receiver", http=500)
        ends = until(self.device, call.node.value("InitialTerminationTime"), USUAL_LIFE)
        subscription = Subscription(next(self.numbers), self.device, ends)
        topics = call.node.value("Filter/TopicExpression")
        subscription.filters = [topic.strip() for topic in topics.split("|")] if topics else None
        self.subscriptions[subscription.number] = subscription
        self.opened += 1
        self.most_open = max(self.most_open, len(self.subscriptions))
        self.initial(subscription)
        return (f"<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa:Address>{self.onvif.base}/onvif/subscription/{subscription.number}</wsa:Address>"
                f"</tev:SubscriptionReference><wsnt:CurrentTime>{stamp(self.device.utc())}</wsnt:CurrentTime><wsnt:TerminationTime>{stamp(ends)}</wsnt:TerminationTime>"
                "</tev:CreatePullPointSubscriptionResponse>")

    def of(self, call):
        """The subscription that a call is for; by its address."""
        self.expire()
        number = call.request.path.rpartition("/")[2]
        subscription = self.subscriptions.get(int(number)) if number.isdigit() else None
        if subscription is None:
            raise Fault("No such subscription", "wsnt:ResourceUnknownFault", http=400)
        return subscription

    async def PullMessages(self, call):
        subscription = self.of(call)
        subscription.pulls += 1
        most = max(1, min(int(call.node.value("MessageLimit", "10")), 1000))
        wait = min(duration(call.node.value("Timeout"), 5), LONGEST_PULL)
        messages, end = [], time.monotonic() + wait
        while not messages and time.monotonic() < end and subscription.number in self.subscriptions:
            try:
                messages.append(await asyncio.wait_for(subscription.queue.get(), min(1.0, max(0.01, end - time.monotonic()))))
            except asyncio.TimeoutError:
                continue
        while len(messages) < most and not subscription.queue.empty():
            messages.append(subscription.queue.get_nowait())
        # The device keeps a subscription alive that is pulled from
        self_ends = until(self.device, f"PT{USUAL_LIFE}S", USUAL_LIFE)
        subscription.ends = max(subscription.ends, self_ends)
        header = "<wsa:Action>http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/PullMessagesResponse</wsa:Action>"
        return header, (f"<tev:PullMessagesResponse><tev:CurrentTime>{stamp(self.device.utc())}</tev:CurrentTime><tev:TerminationTime>{stamp(subscription.ends)}"
                        f"</tev:TerminationTime>{''.join(messages)}</tev:PullMessagesResponse>")

    def SetSynchronizationPoint(self, call):
        self.initial(self.of(call))
        return "<tev:SetSynchronizationPointResponse/>"

    def Renew(self, call):
        subscription = self.of(call)
        subscription.ends = until(self.device, call.node.value("TerminationTime"), USUAL_LIFE)
        return (f"<wsnt:RenewResponse><wsnt:TerminationTime>{stamp(subscription.ends)}</wsnt:TerminationTime><wsnt:CurrentTime>{stamp(self.device.utc())}"
                "</wsnt:CurrentTime></wsnt:RenewResponse>")

    def Unsubscribe(self, call):
        del self.subscriptions[self.of(call).number]
        self.closed += 1
        return "<wsnt:UnsubscribeResponse/>"

    def GetEventProperties(self, _call):
        from .events import Event
        tree, known = {}, {}
        for kind in dialects.COMMON:
            for saying in dialects.sayings(self.dialect, Event(kind)):
                topic = saying.topic.format(channel=1, region=1)
                known[topic] = saying
                node = tree
                for step in topic.split("/"):
                    node = node.setdefault(step, {})

        def description(saying):
            def listed(pairs):
                return "".join(f'<tt:SimpleItemDescription Name="{name}" Type="{"xs:boolean" if value is True else "xs:string"}"/>' for name, value in pairs)
            source = f"<tt:Source>{listed(saying.source)}</tt:Source>" if saying.source else ""
            key = f"<tt:Key>{listed(saying.key)}</tt:Key>" if saying.key else ""
            return f'<tt:MessageDescription IsProperty="{str(saying.lasting).lower()}">{source}{key}<tt:Data>{listed(saying.data)}</tt:Data></tt:MessageDescription>'

        def shown(node, path):
            text = ""
            for step, inner in node.items():
                whole = f"{path}/{step}" if path else step
                leaf = ' wstop:topic="true"' if whole in known else ""
                text += f"<{step}{leaf}>{description(known[whole]) if leaf else ''}{shown(inner, whole)}</{step}>"
            return text

        return ("<tev:GetEventPropertiesResponse><tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>"
                f'<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet xmlns:xs="http://www.w3.org/2001/XMLSchema">{shown(tree, "")}</wstop:TopicSet>'
                f"<wsnt:TopicExpressionDialect>{CONCRETE}</wsnt:TopicExpressionDialect>"
                "<wsnt:TopicExpressionDialect>http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete</wsnt:TopicExpressionDialect>"
                "<tev:MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</tev:MessageContentFilterDialect>"
                "<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd</tev:MessageContentSchemaLocation></tev:GetEventPropertiesResponse>")
