"""Playback in a real browser: the picture follows the bar, speeds and steps, and four cameras in step."""

import time

from selenium.webdriver.common.keys import Keys

from box import PASSWORD, USER
from browser import Browser
from footage import moment
from page_case import PageCase
from refill_case import RefillCase
from test_playback import text
from waiting import wait_for

SHOWN = """
return [...document.querySelectorAll('[data-testid=playback-picture]')].map((el) => {
  const video = el.querySelector('video');
  const canvas = document.createElement('canvas');
  canvas.width = 32; canvas.height = 18;
  const g = canvas.getContext('2d');
  if (video.videoWidth) g.drawImage(video, 0, 0, 32, 18);
  return {id: el.dataset.id, state: el.dataset.state, at: el.dataset.origin === '' ? null : Number(el.dataset.origin) / 1000 + video.currentTime, paused: video.paused,
          width: video.videoWidth, ready: video.readyState, seeking: video.seeking, rate: video.playbackRate, muted: video.muted, zoom: Number(el.dataset.zoom || 1),
          picture: [...g.getImageData(0, 0, 32, 18).data].join()};
});
"""

# Which picture is shown: its time, once it has been the same for a third of a second; null before.
WATCH = """
const video = document.querySelector('[data-testid=playback-picture] video');
const seen = (now, {mediaTime}) => { if (video.seenAt !== mediaTime) { video.seenAt = mediaTime; video.since = performance.now(); } video.requestVideoFrameCallback(seen); };
video.requestVideoFrameCallback(seen);
"""
PICTURE = """
const video = document.querySelector('[data-testid=playback-picture] video');
return video.seenAt !== undefined && performance.now() - video.since > 330 ? video.seenAt : null;
"""


class PagePlayback(PageCase):
    """One visit after the other, each going on where the last one ended (a to e)."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(cameras=4, size="320x240", rate=10, bitrate=200, key_interval=2, audio="pcma")
        cls.box_under_test = box = cls.class_box(**{"http.tls": True, "recording.seconds": 24, "recording.seconds-before": 4})
        box.claim()
        cls.channels = [box.add_camera(camera) for camera in cls.cameras.cameras]
        for channel in cls.channels:
            box.call("PATCH", f"/channels/{channel['id']}", {"motion": {"enabled": False}})
            box.link(channel, "custom", resolution="CIF", bitRate=160000)
        box.await_past(5, *cls.channels)
        events = [box.trigger(channel, "manual") for channel in cls.channels]
        cls.clips = [box.await_stored(event, 120) for event in events]
        cls.start = max(moment(clip["startsAt"]) for clip in cls.clips)
        cls.end = min(moment(clip["startsAt"]) + clip["durationSeconds"] for clip in cls.clips)
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def shown(self):
        """What each picture shows now, all at the same instant."""
        return self.browser.script(SHOWN)

    def await_shown(self, good, seconds=20, what="the picture"):
        """Wait until the first picture is as wanted; it."""
        def look():
            now = self.shown()
            return now[0] if now and now[0]["at"] and now[0]["ready"] >= 2 and not now[0]["seeking"] and good(now[0]) else None
        return wait_for(look, seconds, lambda: f"{what}: {[{key: value for key, value in one.items() if key != 'picture'} for one in self.shown()]} {self.browser.text()[:600]}", 0.05)

    def test_a_from_the_camera(self):
        """From the camera's page to its recordings: the last footage is shown, the day is marked, and it plays."""
        page = self.browser
        self.sign_in()
        page.find("watch-live")
        page.open(f"#/cameras/{self.channels[0]['id']}")
        page.click("camera-playback")
        first = self.await_shown(lambda now: now["state"] == "ready", what="the last footage")
        clip = self.clips[0]
        self.assertGreater(first["at"], moment(clip["startsAt"]) - 1)
        self.assertLess(first["at"], moment(clip["startsAt"]) + clip["durationSeconds"])
        wait_for(lambda: page.all(".calendar-day.has[aria-pressed=true]"), 10, "the day to be marked")
        page.click("playback-play")
        self.await_shown(lambda now: now["at"] > first["at"] + 1.5 and not now["paused"], what="it to play")
        page.click("playback-play")
        self.await_shown(lambda now: now["paused"], what="the pause")
        self.assertIn("Recorded by hand, in the cloud", page.find("playback-what").text)
        for _ in range(6):
            page.click("bar-closer")
        page.shoot("playback-camera", self.overflow)
        self.done("stream.mp4")

    def test_b_drag(self):
        """The picture moves with the bar: dragged to the right it goes back, and shows what was then; each seek is quick."""
        page = self.browser
        page.open(f"#/cameras/{self.channels[0]['id']}/playback?at={self.clips[0]['startsAt']}")
        for _ in range(6):
            page.click("bar-closer")
        bar = page.find("time-bar")
        self.await_shown(lambda now: now["state"] == "ready", what="the beginning")
        page.drag(bar, (0.7, 0.6), (0.45, 0.6))  # a minute is across: 15 s on
        later = self.await_shown(lambda now: abs(now["at"] - moment(self.clips[0]["startsAt"]) - 15) < 2, what="15 s later")
        before = later["picture"]
        page.drag(bar, (0.4, 0.6), (0.55, 0.6))
        earlier = self.await_shown(lambda now: abs(now["at"] - later["at"] + 9) < 2 and now["picture"] != before, what="9 s earlier")
        page.script("arguments[0].focus()", bar)
        self.steps(bar)
        bar.send_keys(Keys.SHIFT + Keys.ARROW_RIGHT + Keys.NULL)
        self.await_shown(lambda now: 9 < now["at"] - earlier["at"] < 11, what="ten seconds on")
        bar.send_keys(Keys.SPACE)
        self.await_shown(lambda now: not now["paused"], what="it to play")
        bar.send_keys(Keys.SPACE)
        self.await_shown(lambda now: now["paused"], what="the pause")
        self.assertRegex(bar.get_attribute("aria-valuetext"), r"\d\d:\d\d:\d\d")
        self.done("stream.mp4")

    def steps(self, bar):
        """Picture by picture, on and back: each is the very next, whatever the page knows of how fast they come."""
        page = self.browser
        page.script(WATCH)
        bar.send_keys(Keys.ARROW_RIGHT)
        seen = [wait_for(lambda: page.script(PICTURE), 10, "a picture")]
        for key in (Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ARROW_LEFT):
            bar.send_keys(key)
            seen.append(wait_for(lambda: (now := page.script(PICTURE)) is not None and abs(now - seen[-1]) > 0.001 and now, 10, lambda: f"another picture after {seen}"))
        apart = [round((after - before) * self.clips[0]["frameRate"]) for before, after in zip(seen, seen[1:])]
        self.assertEqual(apart, [1, 1, 1, -1, -1], seen)

    def test_c_speed_zoom_capture(self):
        """Slow, fast by key frames alone, digital zoom, sound, and a picture that is saved."""
        page = self.browser
        def speed(value):
            page.script("const s = document.querySelector('[data-testid=playback-speed]'); s.value = arguments[0]; s.dispatchEvent(new Event('change', {bubbles: true}))", str(value))
        page.open(f"#/cameras/{self.channels[1]['id']}/playback?at={self.clips[1]['startsAt']}")
        start = self.await_shown(lambda now: now["state"] == "ready")["at"]
        speed(0.25)
        page.click("playback-play")
        slow = self.await_shown(lambda now: now["at"] > start + 0.1 and now["rate"] < 0.4, what="slow")
        self.assertLess(slow["at"], start + 5)
        speed(8)
        self.await_shown(lambda now: now["at"] > start + 16 and now["rate"] > 5, what="fast")
        speed(1)
        page.open(f"#/cameras/{self.channels[1]['id']}/playback?at={self.clips[1]['startsAt']}&again=1")
        self.await_shown(lambda now: now["state"] == "ready")
        page.click("playback-larger")
        page.click("playback-larger")
        self.assertAlmostEqual(self.shown()[0]["zoom"], 2.25, delta=0.01)
        page.shoot("playback-zoomed", self.overflow)
        page.click("playback-smaller")
        page.click("playback-smaller")
        page.click("playback-sound")
        self.await_shown(lambda now: not now["muted"], what="sound")
        page.click("playback-capture")
        page.await_text("Saved as")
        self.done("stream.mp4")

    def test_d_four_in_step(self):
        """Four cameras play together, none further from the others than 150 ms."""
        page = self.browser
        page.open(f"#/playback?channels={','.join(channel['id'] for channel in self.channels)}&at={text(self.start + 0.3)}")
        wait_for(lambda: len(self.shown()) == 4 and all(one["state"] == "ready" for one in self.shown()), 30, lambda: f"four pictures: {page.text()[:500]}")
        page.click("playback-play")
        wait_for(lambda: all(one["at"] > self.start + 2 and not one["paused"] for one in self.shown()), 20, "all to play")
        apart = []
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            now = self.shown()
            if max(one["at"] for one in now) > self.end - 2:
                break
            apart.append(max(one["at"] for one in now) - min(one["at"] for one in now))
        self.assertGreater(len(apart), 20)
        self.assertLess(sorted(apart)[int(len(apart) * 0.95)], 0.15, apart)
        page.click("playback-play")
        page.shoot("playback-four", self.overflow)
        page.open("#/events")
        wait_for(lambda: not self.box_under_test.get("/live")["items"], 10, "the sessions' end")
        self.done("stream.mp4")

    def test_e_nothing(self):
        """A time of which nothing is there is said in words."""
        page = self.browser
        page.open(f"#/cameras/{self.channels[2]['id']}/playback?at=2026-01-01T12:00:00Z")
        page.find("time-bar")
        page.await_text("1 January")
        page.await_text("Nothing was recorded at this moment")
        self.done("stream.mp4", "404")


COLOURS = """
const canvas = document.querySelector('.time-bar canvas');
const style = getComputedStyle(canvas);
const wanted = Object.fromEntries(['--time', '--event', '--line-strong'].map((name) => [name, style.getPropertyValue(name).trim().match(/[0-9a-f]{2}/g).map((part) => parseInt(part, 16)).join()]));
const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
const seen = {};
for (let i = 0; i < data.length; i += 4) { const key = `${data[i]},${data[i + 1]},${data[i + 2]}`; seen[key] = (seen[key] ?? 0) + 1; }
return Object.fromEntries(Object.entries(wanted).map(([name, key]) => [name, seen[key] ?? 0]));
"""


class PageSources(RefillCase):
    """What the bar shows of devices that record by themselves, and of a time that is missing."""

    def test_blue_yellow_hatched(self):
        """Blue where the device records all the time, yellow where something happened, hatched where something is missing, with its reason in words."""
        simulator, box, channels = self.set_up("onvif,name=always,recordings=timing", "camera,name=away,recordings=events")
        clip = box.await_stored(box.trigger(channels[0], "manual"))
        simulator["away"].fault("stop")
        self.await_absence(box, channels[1])
        gap = wait_for(lambda: next((one for one in box.get(f"/channels/{channels[1]['id']}/timeline?from={text(time.time() - 600)}&to={text(time.time())}")["gaps"]
                                     if moment(one["to"]) - moment(one["from"]) > 12), None), 30, lambda: f"a gap: {self.refills(box, channels[1])}", 0.5)
        page = self.kept(Browser(box.client.base))
        page.open()
        page.fill("sign-in-user", USER)
        page.fill("sign-in-password", PASSWORD)
        page.click("sign-in-submit")
        page.find("watch-live")
        page.open(f"#/playback?channels={channels[0]['id']},{channels[1]['id']}&at={clip['startsAt']}")
        wait_for(lambda: any(one["state"] == "ready" and one["ready"] >= 2 for one in page.script(SHOWN)), 30, lambda: f"a picture: {page.text()[:600]}")
        for _ in range(5):
            page.click("bar-closer")
        wait_for(lambda: all(count > 30 for count in page.script(COLOURS).values()), 20, lambda: f"all three: {page.script(COLOURS)}")
        page.await_text("Recorded by hand, in the cloud")
        overflow = []
        page.shoot("playback-sources", overflow)
        self.assertFalse(overflow)
        page.open(f"#/cameras/{channels[0]['id']}/playback?at={text(moment(clip['startsAt']) - 20)}")
        page.await_text("Continuous, on the device")
        shown = wait_for(lambda: next((one for one in page.script(SHOWN) if one["state"] == "ready" and one["ready"] >= 2), None), 30,
                         lambda: f"the device's picture: {page.text()[:600]}")
        self.assertAlmostEqual(shown["at"], moment(clip["startsAt"]) - 20, delta=1)
        bar = page.find("time-bar")
        page.script("arguments[0].focus()", bar)
        bar.send_keys(Keys.SHIFT + Keys.ARROW_LEFT * 12 + Keys.NULL)  # farther back than what is kept behind the picture
        wait_for(lambda: next((one for one in page.script(SHOWN) if one["ready"] >= 2 and not one["seeking"] and abs(one["at"] - shown["at"] + 120) < 2), None), 30,
                 lambda: f"the picture of two minutes before: {page.script(SHOWN)} {page.text()[:600]}")
        page.open(f"#/cameras/{channels[1]['id']}/playback?at={text(moment(gap['from']) + 5)}")
        page.await_text(gap["reason"])
