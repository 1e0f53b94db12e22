"""A viewer by WebRTC (WHEP): aiortc with what a test wants to see of it, in a thread with a loop of its own."""

import asyncio
import random
import threading
import time

import aiortc

from waiting import wait_for


class Viewer:
    """Watches a live view. `lose` is the share of packets of media that are lost on their way; `servers` are ICE servers of the viewer's."""

    def __init__(self, client, session, lose=0.0, sound=True, headers=None, relayed=False, before=None):
        self.client, self.session, self.lose, self.headers, self.relayed = client, session, lose, headers or {}, relayed
        self.times, self.arrivals, self.sizes, self.sounds, self.loudest = [], [], [], 0, 0
        self.lost = self.packets = 0
        self.has_vanished = False
        self.status = self.location = self.tag = self.answer = None
        self.random = random.Random(5)
        self.loop = asyncio.new_event_loop()
        self.began = time.monotonic()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.tasks = []
        try:
            self.run(self.begin(sound, before))
        except BaseException:
            self.close()
            raise

    def run(self, coroutine, timeout=60):
        """What a coroutine answers."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    async def begin(self, sound, before):
        """Offer, and take the answer."""
        self.peer = aiortc.RTCPeerConnection()
        self.peer.on("track", self.on_track)
        self.peer.addTransceiver("video", direction="recvonly")
        if sound:
            self.peer.addTransceiver("audio", direction="recvonly")
        await self.peer.setLocalDescription(await self.peer.createOffer())
        self.offer = self.peer.localDescription.sdp
        if before:
            self.offer = before(self.offer)
        answer = await self.loop.run_in_executor(None, self.post)
        self.status = answer.status
        if answer.status != 201:
            self.problem = answer.problem()
            return
        self.location, self.tag, self.links = answer.headers["location"], answer.headers["etag"], answer.headers.get("link")
        self.answer = answer.body.decode()
        if self.relayed:
            self.answer = without(self.answer, lambda line: line.startswith("a=candidate") and " typ relay" not in line)
            self.hear_only({int(line.split()[5]) for line in self.answer.split("\r\n") if line.startswith("a=candidate")})
        if self.lose:
            self.lossy()
        await self.peer.setRemoteDescription(aiortc.RTCSessionDescription(sdp=self.answer, type="answer"))

    def post(self):
        """Send the offer."""
        url = self.session["whepUrl"].removeprefix("/api/v1")
        return self.client.request("POST", url, self.offer.encode(), {"Content-Type": "application/sdp", **self.headers}, token=None)

    def protocols(self):
        """The viewer's sockets."""
        transports = {transceiver.receiver.transport for transceiver in self.peer.getTransceivers()}
        return [protocol for transport in transports for protocol in transport.transport._connection._protocols]

    def hear_only(self, ports):
        """Nothing comes through but from these ports."""
        for protocol in self.protocols():
            receive = protocol.datagram_received
            protocol.datagram_received = lambda data, source, receive=receive: receive(data, source) if source[1] in ports else None

    def lossy(self):
        """Lose some of the packets of media that come, before anybody has seen them."""
        for transport in {transceiver.receiver.transport.transport for transceiver in self.peer.getTransceivers()}:
            receive = transport._recv

            async def lossy(receive=receive):
                while True:
                    data = await receive()
                    if not (data and 128 <= data[0] < 192 and not 192 <= data[1] <= 223):
                        return data
                    self.packets += 1
                    if self.random.random() >= self.lose:
                        return data
                    self.lost += 1

            transport._recv = lossy
        for transceiver in self.peer.getTransceivers():
            self.tasks.append(self.loop.create_task(self.ask_again(transceiver.receiver)))

    async def ask_again(self, receiver):
        """Ask for what is missing until it comes, as browsers do; aiortc asks once."""
        while True:
            await asyncio.sleep(0.02)
            missing, sources = receiver._RTCRtpReceiver__nack_generator.missing, list(receiver._RTCRtpReceiver__remote_streams)
            if missing and sources:
                await receiver._send_rtcp_nack(sources[0], sorted(missing))

    def on_track(self, track):
        """Pictures and sound."""
        self.tasks.append(self.loop.create_task(self.follow(track)))

    async def follow(self, track):
        """Note what comes."""
        while True:
            try:
                frame = await track.recv()
            except aiortc.mediastreams.MediaStreamError:
                return
            if track.kind == "audio":
                self.sounds += 1
                self.loudest = max(self.loudest, int(abs(frame.to_ndarray().astype("int32")).max()))
            else:
                self.times.append(frame.pts * float(frame.time_base))
                self.arrivals.append(time.monotonic() - self.began)
                self.sizes.append((frame.width, frame.height))

    def await_pictures(self, count, seconds=20):
        """Wait until so many pictures were decoded."""
        wait_for(lambda: len(self.times) >= count, seconds, lambda: f"{count} pictures; {len(self.times)} came, {self.state}", 0.02)

    @property
    def state(self):
        """How the connection is."""
        return self.peer.connectionState

    @property
    def is_over(self):
        """The box has ended it."""
        return self.state in ("closed", "failed") or any(
            transceiver.receiver.transport.state == "closed" for transceiver in self.peer.getTransceivers())

    def lose_picture(self):
        """Ask for a key frame (PLI)."""
        receiver = next(one.receiver for one in self.peer.getTransceivers() if one.kind == "video")
        source = next(iter(receiver._RTCRtpReceiver__remote_streams))
        self.run(receiver._send_rtcp_pli(source))

    def vanish(self):
        """Go without a word."""
        async def stop():
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
        protocols = self.protocols()
        self.run(stop())
        for protocol in protocols:
            self.loop.call_soon_threadsafe(protocol.transport.abort)
        self.has_vanished = True

    async def leave(self):
        """Say goodbye, and wait for what follows it."""
        await self.peer.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def close(self):
        """Leave."""
        if not self.loop.is_running():
            return
        try:
            if not self.has_vanished:
                self.run(self.leave(), 10)
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)


def without(text, drops):
    """A description without some lines."""
    return "\r\n".join(line for line in text.split("\r\n") if not drops(line))
