"""HTTP Live Streaming: playlists, segments and parts, as players ask for them."""

import subprocess

from test_live import LiveCase, pictures
from waiting import wait_for


class Playlists(LiveCase):
    """HTTP Live Streaming, for phones and televisions."""

    def text(self, session, query=""):
        """The playlist's lines."""
        answer = self.made.client.request("GET", session["hlsUrl"].removeprefix("/api/v1") + query, token=None, timeout=40)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/vnd.apple.mpegurl"), answer.body[:200])
        return answer.body.decode().splitlines()

    def first(self, session):
        """The number of the oldest segment."""
        return int(next(line for line in self.text(session) if line.startswith("#EXT-X-MEDIA-SEQUENCE")).partition(":")[2])

    def piece(self, uri):
        """What a line of the playlist names."""
        answer = self.made.client.request("GET", f"/live/hls/{uri}", token=None, timeout=40)
        self.assertEqual(answer.status, 200, uri)
        return answer.body

    def test_ffmpeg_plays(self):
        """ffmpeg plays a few seconds of it without a complaint."""
        session = self.begin(stream="main")
        url = self.made.client.base + session["hlsUrl"]
        self.text(session, f"&_HLS_msn={self.first(session) + 1}")  # two segments are there
        command = ["ffmpeg", "-v", "warning", "-allowed_extensions", "ALL", "-i", url, "-t", "5", "-f", "framecrc", "-"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        frames = [line for line in found.stdout.splitlines() if line.startswith("0,")]
        self.assertGreaterEqual(len(frames), 60, found.stderr)
        self.assertNotRegex(found.stderr.lower(), "error|invalid|corrupt|non-monoton")

    def test_parts(self):
        """Parts come as they are made, asked for before they are there; together they are the segment."""
        session = self.begin(stream="main")
        lines = self.text(session, f"&_HLS_msn={self.first(session) + 1}&_HLS_part=0")
        self.assertEqual(lines[0], "#EXTM3U")
        control = next(line for line in lines if line.startswith("#EXT-X-SERVER-CONTROL"))
        self.assertIn("CAN-BLOCK-RELOAD=YES", control)
        parts = [dict(pair.split("=", 1) for pair in line.partition(":")[2].split(",")) for line in lines if line.startswith("#EXT-X-PART:")]
        target = float(next(line for line in lines if line.startswith("#EXT-X-PART-INF")).partition("PART-TARGET=")[2])
        self.assertTrue(0.2 < target < 0.5, target)
        self.assertTrue(all(float(part["DURATION"]) <= target for part in parts), parts)
        self.assertEqual(parts[0].get("INDEPENDENT"), "YES")
        target = int(next(line for line in lines if line.startswith("#EXT-X-TARGETDURATION")).partition(":")[2])
        for line in lines:
            if line.startswith("#EXTINF:"):
                self.assertLessEqual(round(float(line[8:].rstrip(","))), target)
        hint = next(line for line in lines if line.startswith("#EXT-X-PRELOAD-HINT")).partition('URI="')[2].rstrip('"')
        self.assertTrue(self.piece(hint), "the part that was hinted at")
        first = next(part["URI"].strip('"') for part in parts)
        number = first.split("-")[1]
        head = next(line for line in lines if line.startswith("#EXT-X-MAP")).partition('URI="')[2].rstrip('"')
        query = "?" + session["hlsUrl"].partition("?")[2]
        segment = self.piece(f"segment-{number}.m4s{query}")
        self.assertTrue(segment.startswith(self.piece(first)), "a segment begins with its first part")
        times, errors = pictures(self.piece(head) + segment, self.folder())
        self.assertGreater(len(times), 10)
        self.assertEqual(errors, "")

    def test_length(self):
        """Segments leave the playlist only while three times its target stays, and can be fetched still afterwards (RFC 8216, section 6.2.2)."""
        session = self.begin(stream="main")
        first = self.first(session)

        def look():
            lines = self.text(session)
            number = int(next(line for line in lines if line.startswith("#EXT-X-MEDIA-SEQUENCE")).partition(":")[2])
            return lines if number > first + 1 else None
        lines = wait_for(look, 40, "segments to leave the playlist", 0.5)
        target = int(next(line for line in lines if line.startswith("#EXT-X-TARGETDURATION")).partition(":")[2])
        lengths = [float(line[8:].rstrip(",")) for line in lines if line.startswith("#EXTINF:")]
        self.assertGreaterEqual(sum(lengths), 3 * target, lengths)
        self.assertLess(sum(lengths[1:]), 3 * target + target, lengths)
        query = session["hlsUrl"].partition("?")[2]
        self.assertTrue(self.piece(f"segment-{first}.m4s?{query}"), "the first segment, which has left it")

    def test_what_is_not_there(self):
        """What is far ahead, gone or nonsense is refused at once."""
        session = self.begin(stream="main")
        self.text(session)
        query = session["hlsUrl"].partition("?")[2]
        for name, status in ((f"index.m3u8?_HLS_msn={self.first(session) + 9}&{query}", 400), (f"index.m3u8?_HLS_part=1&{query}", 400),
                             (f"index.m3u8?_HLS_msn=-1&{query}", 400), (f"index.m3u8?_HLS_msn=x&{query}", 400), (f"head-999.mp4?{query}", 404),
                             (f"segment--1.m4s?{query}", 404), (f"..%2f..%2fetc?{query}", 400), (f"part-0-99999999999999999999.m4s?{query}", 404),
                             ("index.m3u8?token=forged", 403), ("segment-0.m4s", 403)):
            answer = self.made.client.request("GET", f"/live/hls/{name}", token=None)
            self.assertEqual((name, answer.status), (name, status))
            answer.problem()
