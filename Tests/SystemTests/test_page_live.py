"""Live pictures in a real browser: over the camera's picture at once, many on the wall, by themselves again after a break."""

import re

from browser import Browser
from page_case import PageCase
from waiting import wait_for

# Waits, at most 25 seconds, until the live picture's sound has 1 kHz in it, much louder than anything else; what was heard.
HEAR = """
const done = arguments[arguments.length - 1];
const track = document.querySelector('[data-testid=live-video]').srcObject?.getAudioTracks()[0];
if (!track) { done(null); return; }
const context = new AudioContext();
const look = context.createAnalyser();
look.fftSize = 2048;
context.createMediaStreamSource(new MediaStream([track])).connect(look);
const began = Date.now();
const clock = setInterval(() => {
  const levels = new Uint8Array(look.frequencyBinCount);
  look.getByteFrequencyData(levels);
  const level = Math.max(...levels);
  const hertz = levels.indexOf(level) * context.sampleRate / look.fftSize;
  const heard = Math.abs(hertz - 1000) < 60 && level > 150;
  if (!heard && Date.now() - began < 25000) return;
  clearInterval(clock);
  context.close();
  done({heard, hertz, level});
}, 20);
"""


# A view whose time is over: how often one was begun, and the state, at its end, after the network came back, and after "continue".
LIMIT = """
const done = arguments[arguments.length - 1];
const until = async (look) => { while (!look()) await new Promise((next) => setTimeout(next, 20)); };
import('/js/live-player.js').then(async ({ LivePlayer }) => {
  let begun = 0;
  let state = null;
  const begin = async () => { begun += 1; return { id: '0'.repeat(32), token: 'none', stream: 'sub', streams: ['sub'], endsAt: new Date().toISOString() }; };
  const fetches = window.fetch;
  window.fetch = async (url, options) => (String(url).includes('/live/stream.mp4') ? new Response(JSON.stringify({ type: 'x/live-over', detail: 'over' }), { status: 403, headers: { 'content-type': 'application/problem+json' } }) : fetches(url, options));
  const player = new LivePlayer(document.createElement('video'), { channel: 'x', begin, ways: ['mp4'], changed: (news) => { state = news.state; } }).start();
  await until(() => state === 'over');
  const found = [begun, state];
  dispatchEvent(new Event('online'));
  document.dispatchEvent(new Event('visibilitychange'));
  await new Promise((next) => setTimeout(next, 1500));
  found.push(begun, state);
  state = null;
  await player.prolong();
  await until(() => state === 'over');
  found.push(begun);
  player.close();
  window.fetch = fetches;
  done(found);
});
"""


class PageLive(PageCase):
    """One visit after the other, each going on where the last one ended (a to e)."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(cameras=4, size="320x240", rate=10, bitrate=200, key_interval=2, sub="160x120")
        cls.box_under_test = box = cls.class_box(**{"http.tls": True})
        box.claim()
        cls.channels = [box.add_camera(camera) for camera in cls.cameras.cameras]
        box.await_picture(*cls.channels)
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def test_a_camera(self):
        """The camera's page shows it live at once, by WebRTC; high definition and back by one button."""
        page = self.browser
        self.sign_in()
        page.find("watch-live")
        page.open(f"#/cameras/{self.channels[0]['id']}")
        now = self.plays('[data-testid="live-video"]')
        self.await_way("webrtc")
        self.assertEqual([one["way"] for one in self.box_under_test.get("/live")["items"]], ["webrtc"])
        wait_for(lambda: "WebRTC" in page.script("return document.querySelector('.live-readout').textContent"), 10, "the way in the readout")
        page.shoot("camera-live", self.overflow)
        was = now["width"]
        page.click("live-hd")
        self.plays('[data-testid="live-video"]', width={320: 160, 160: 320}[was])
        sessions = self.box_under_test.get("/live")["items"]
        self.assertEqual(len(sessions), 1, sessions)
        self.done()

    def await_way(self, way):
        """Wait until the picture comes this way."""
        look = "return document.querySelector('[data-way]')?.dataset.way"
        wait_for(lambda: self.browser.script(look) == way, 15, lambda: f"the way {way}; it is {self.browser.script(look)}")

    def test_b_camera_away(self):
        """The camera goes away and comes back: the picture moves on by itself."""
        camera = self.cameras.cameras[0]
        camera.fault("stop")
        self.box_under_test.await_state(self.channels[0], ("refused", "unreachable", "lost"))
        # A picture that stands is not called live, though the connection to the box does.
        wait_for(lambda: self.browser.script("return document.querySelector('[data-live]').dataset.live") == "still", 20, "the standing picture to be told")
        self.assertTrue(self.browser.script("return document.querySelector('.live-badge').hidden"))
        self.browser.shoot("camera-live-away", self.overflow)
        camera.fault("none")
        self.plays('[data-testid="live-video"]', 60)
        self.done("stream.mp4")

    def test_b_limit(self):
        """When the time for viewing from afar is over, it goes on only when somebody says so."""
        self.browser.open("#/events")
        found = self.browser.driver.execute_async_script(LIMIT)
        self.assertEqual(found, [1, "over", 1, "over", 2])
        self.done("stream.mp4")

    def test_c_wall(self):
        """Four at once, all moving; the sessions end when the page is left."""
        page, box = self.browser, self.box_under_test
        page.open("#/cameras")
        page.click("watch-live")
        page.find("wall-grid")
        page.click("wall-4")
        for channel in self.channels:
            self.plays(f'[data-id="{channel["id"]}"] video', 30)
        page.shoot("wall-live", self.overflow)
        watched = {one["channelId"] for one in box.get("/live")["items"]}
        self.assertEqual(watched, {channel["id"] for channel in self.channels})
        page.click("wall-1")
        self.plays(".wall-tile video")
        page.open("#/events")
        wait_for(lambda: not box.get("/live")["items"], 10, lambda: f"no sessions; there are {box.get('/live')['items']}")
        self.done("stream.mp4")

    def test_c_wall_from_afar(self):
        """From afar the wall tells how long its views last, and one button has all of them go on."""
        page, box = self.browser, self.box_under_test
        box.call("PATCH", "/system", {"liveLimitMinutes": 1})
        self.addCleanup(box.call, "PATCH", "/system", {"liveLimitMinutes": 5})
        page.driver.execute_cdp_cmd("Network.enable", {})
        page.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"X-Forwarded-For": "203.0.113.7"}})
        self.addCleanup(page.driver.execute_cdp_cmd, "Network.setExtraHTTPHeaders", {"headers": {}})
        page.open("#/cameras")
        page.click("watch-live")
        page.click("wall-4")
        ends = lambda: sorted(one["endsAt"] for one in box.get("/live")["items"] if one["endsAt"])  # noqa: E731
        wait_for(lambda: len(ends()) == len(self.channels), 20, lambda: f"a view of each camera with an end: {ends()}")
        wait_for(lambda: re.fullmatch(r"0:\d\d", page.find("wall-left").text), 20, lambda: f"the time that is left: {page.text[:300]}")
        page.shoot("wall-from-afar", self.overflow)
        before = ends()
        page.click("wall-continue")
        wait_for(lambda: len(ends()) == len(before) and ends()[0] > before[-1], 20, lambda: f"all to go on: {before} {ends()}")
        page.open("#/events")
        self.done("stream.mp4")

    def test_c_without_webrtc(self):
        """Where no way by WebRTC is found, or the browser knows none, the page takes another one by itself."""
        page = self.browser
        for breaks in ("const set = RTCPeerConnection.prototype.setRemoteDescription; RTCPeerConnection.prototype.setRemoteDescription = function (answer) {"
                       " return set.call(this, {type: 'answer', sdp: answer.sdp.replace(/a=candidate.*\\r\\n/g, '').replace(/a=ice-pwd:..../g, 'a=ice-pwd:xxxx')}); };",
                       "delete window.RTCPeerConnection;"):
            page.open("#/cameras")
            page.find("watch-live")
            page.script(breaks)
            page.open(f"#/cameras/{self.channels[0]['id']}")
            self.await_way("mp4")
            now = self.plays('[data-testid="live-video"]')
            self.assertLess(now["behind"], 3)
        page.open("#/events")
        wait_for(lambda: not self.box_under_test.get("/live")["items"], 10, "the views to end with the page")
        page.driver.refresh()
        page.open(f"#/cameras/{self.channels[0]['id']}")
        self.plays('[data-testid="live-video"]')
        self.await_way("webrtc")
        self.done("stream.mp4")

    def test_e_converted(self):
        """A browser that plays no H.265 gets a camera's only stream converted, and says so."""
        page = self.browser
        camera = self.simulator(cameras=1, size="640x360", rate=15, bitrate=400, key_interval=2, codec="h265", no_sub=True).camera
        channel = self.box_under_test.add_camera(camera)
        self.box_under_test.await_past(1, channel)
        page.open(f"#/cameras/{channel['id']}")
        self.plays('[data-testid="live-video"]', 30)
        wait_for(lambda: "converted by the box" in page.script("return document.querySelector('.live-readout').textContent"), 10, "the readout to say so")
        page.shoot("camera-converted", self.overflow)
        self.assertEqual([one["stream"] for one in self.box_under_test.get("/live")["items"]], ["converted"])
        page.open("#/events")
        self.done("stream.mp4", "live/whep")

    def test_e_sound(self):
        """The sound of a camera that sends AAC is switched on by the page's button and heard, and the picture stays with WebRTC."""
        page = self.browser
        camera = self.simulator(cameras=1, size="320x240", rate=10, bitrate=200, key_interval=2, no_sub=True, audio="aac").camera
        channel = self.box_under_test.add_camera(camera)
        self.box_under_test.await_past(1, channel)
        page.open(f"#/cameras/{channel['id']}")
        self.plays('[data-testid="live-video"]')
        page.click("live-sound")
        self.assertFalse(page.script("return document.querySelector('[data-testid=live-video]').muted"))
        page.driver.set_script_timeout(30)
        heard = page.driver.execute_async_script(HEAR)  # the camera beeps every ten seconds
        self.assertTrue(heard and heard["heard"], heard)
        self.await_way("webrtc")
        self.assertEqual([(one["way"], one["stream"]) for one in self.box_under_test.get("/live")["items"]], [("webrtc", "main")])
        page.shoot("camera-sound", self.overflow)
        page.open("#/events")
        self.done()

    def test_f_camera_is_changed(self):
        """Somebody sets the camera to another size and then to another codec while it is watched: the picture goes on, by WebRTC and without."""
        page = self.browser
        camera = self.simulator(cameras=1, size="640x360", rate=15, bitrate=400, key_interval=2, no_sub=True).camera
        channel = self.box_under_test.add_camera(camera)
        self.box_under_test.await_past(1, channel)
        for way in ("webrtc", "mp4"):
            with self.subTest(way):
                page.open("#/cameras")
                page.find("watch-live")
                if way == "mp4":
                    page.script("delete window.RTCPeerConnection;")
                page.open(f"#/cameras/{channel['id']}")
                self.plays('[data-testid="live-video"]', width=640)
                self.await_way(way)
                camera.fault("resolution", size="480x270")
                self.plays('[data-testid="live-video"]', width=480)
                camera.fault("codec", value="h265")
                wait_for(lambda: "converted by the box" in page.script("return document.querySelector('.live-readout').textContent"), 60,
                         "the readout to say that the picture is converted")
                self.plays('[data-testid="live-video"]', 30)
                camera.fault("none")
                self.box_under_test.await_past(1, channel)
                self.plays('[data-testid="live-video"]', 60)
        page.open("#/events")
        page.driver.refresh()
        self.done("stream.mp4", "live/whep")

    def test_d_who_watches(self):
        """The box's page lists who watches, ends a view, and sets how long viewers from afar may watch."""
        page, box = self.browser, self.box_under_test
        view = box.call("POST", f"/channels/{self.channels[1]['id']}/live", {"stream": "sub"}, headers={"X-Forwarded-For": "203.0.113.7"})
        page.open("#/box")
        page.find("watching")
        page.await_text("from afar")
        page.shoot("box-watching", self.overflow)
        page.script("document.querySelector('[data-testid=watching] button').click()")
        page.await_text("Nobody watches live just now.")
        self.assertNotIn(view["id"], [one["id"] for one in box.get("/live")["items"]])
        page.script("const s = document.querySelector('[data-testid=live-limit]'); s.value = '15'; s.dispatchEvent(new Event('change', {bubbles: true}))")
        page.click("live-limit-save")
        wait_for(lambda: box.get("/system")["liveLimitMinutes"] == 15, 10, "the new limit")
        self.done()
