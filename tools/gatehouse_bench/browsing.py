"""What a person sees in a real browser: how old a live picture is, and whether a wall of sixteen goes on without a stall."""

import json
import os
import statistics
import sys
import time

from box import PASSWORD, USER
from browser import Browser
from client import repository
from simulator import Simulator
from waiting import wait_for

from .boxes import box
from .report import at_most

sys.path.insert(0, os.path.join(repository(), "tools"))
from camera_simulator.scenes import DIGITS  # noqa: E402  pylint: disable=wrong-import-position

WALL = 16
STALL = 1.0  # seconds without a new picture
TEXT = len("2026-01-01 00:00:00.000")
# Reads the clock that the simulated camera draws into its pictures, when a picture is shown.
READ_CLOCK = """
const [digits, scale, length] = [arguments[0], arguments[1], arguments[2]];
const video = document.querySelector('[data-testid="live-video"]');
const canvas = document.createElement('canvas');
const context = canvas.getContext('2d', {willReadFrequently: true});
window.glass = [];
const shown = (now, data) => {
  video.requestVideoFrameCallback(shown);
  const width = Math.min(video.videoWidth, 8 + (length * 6 + 2) * scale), height = 8 + 9 * scale;
  [canvas.width, canvas.height] = [width, height];
  context.drawImage(video, 0, 0, width, height, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height).data;
  const lit = (x, y) => pixels[(Math.floor(8 + (y + 0.5) * scale) * width + Math.floor(8 + (x + 0.5) * scale)) * 4 + 1] > 128;
  let text = '';
  for (let place = 0; place < length; place++) {
    let rows = '';
    for (let row = 0; row < 7; row++) {
      let bits = 0;
      for (let column = 0; column < 5; column++) bits = bits * 2 + (lit(place * 6 + column + 1, row + 1) ? 1 : 0);
      rows += bits.toString(16).toUpperCase().padStart(2, '0');
    }
    text += digits[rows] ?? '?';
  }
  const drawn = Date.parse(text.replace(' ', 'T'));
  if (!Number.isNaN(drawn)) window.glass.push(performance.timeOrigin + data.expectedDisplayTime - drawn);
};
video.requestVideoFrameCallback(shown);
"""
# Notes the longest time between two pictures of each video on the page.
WATCH_WALL = """
window.gaps = [...document.querySelectorAll('.wall-tile video')].map((video) => {
  const one = {last: performance.now(), longest: 0, pictures: 0};
  const shown = (now) => {
    [one.longest, one.last, one.pictures] = [Math.max(one.longest, now - one.last), now, one.pictures + 1];
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
  return one;
});
"""
END_WALL = "const now = performance.now(); return JSON.stringify(window.gaps.map((one) => [Math.max(one.longest, now - one.last) / 1000, one.pictures]));"
PLAYING = "return [...document.querySelectorAll('.wall-tile video')].filter((video) => !video.hidden && video.currentTime > 0).length"


def signed_in(made):
    """A browser at the box's page."""
    page = Browser(made.client.base)
    page.open()
    page.fill("sign-in-user", USER)
    page.fill("sign-in-password", PASSWORD)
    page.click("sign-in-submit")
    page.find("watch-live")
    return page


def glass_to_glass(report, quick):
    """From the moment at which a picture is taken, as it is written in it, to that at which Chromium shows it, by WebRTC."""
    simulator = Simulator(mode="live", size="1280x720", rate=25, bitrate=2500, key_interval=2, no_sub=True)
    try:
        with box(http__tls=True) as made:
            channel = made.add_camera(simulator.camera, sub=False)
            made.await_past(2, channel)
            page = signed_in(made)
            try:
                page.open(f"#/cameras/{channel['id']}")
                wait_for(lambda: page.script("return document.querySelector('[data-way]')?.dataset.way") == "webrtc", 30, "a picture by WebRTC")
                page.script(READ_CLOCK, {rows: digit for digit, rows in DIGITS.items()}, max(1, 720 // 270), TEXT)
                wait_for(lambda: page.script("return window.glass.length") >= (150 if quick else 750), 90, "pictures whose clock can be read", 0.5)
                ages = page.script("return window.glass")[25:]
            finally:
                page.close()
    finally:
        simulator.close()
    age = statistics.median(ages)
    report.add("relay.glass_to_glass_ms", age, "ms", **at_most(age, 300))
    report.note(f"relay: {len(ages)} pictures of 1280x720 in Chromium by WebRTC, drawn, encoded, decoded and shown on this machine: "
                f"95 % were younger than {statistics.quantiles(ages, n=20)[-1]:.0f} ms")


def wall(report, quick):
    """Sixteen sub streams in one page."""
    simulator = Simulator(cameras=WALL, size="640x360", rate=10, bitrate=400, key_interval=2, sub="320x180", no_auth=True)
    try:
        with box(http__tls=True) as made:
            channels = [made.add_camera(camera) for camera in simulator.cameras]
            made.await_picture(*channels, seconds=90)
            page = signed_in(made)
            try:
                page.click("watch-live")
                page.click(f"wall-{WALL}")
                wait_for(lambda: page.script(PLAYING) == WALL, 90, lambda: f"all to play; {page.script(PLAYING)} do", 0.5)
                time.sleep(3)  # the streams have just begun
                page.script(WATCH_WALL)
                time.sleep(15 if quick else 60)
                gaps = json.loads(page.script(END_WALL))
            finally:
                page.close()
    finally:
        simulator.close()
    stalls = sum(longest > STALL for longest, _ in gaps)
    report.add("relay.wall_stalls", stalls, "", **at_most(stalls, 0))
    report.note(f"relay: {WALL} streams in one page for {15 if quick else 60} s: the longest time between two pictures was {max(longest for longest, _ in gaps):.2f} s, "
                f"each showed {min(count for _, count in gaps)} to {max(count for _, count in gaps)} pictures")


def run(report, quick):
    """Both, one after the other."""
    glass_to_glass(report, quick)
    wall(report, quick)
