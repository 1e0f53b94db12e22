// One clock for all pictures that are played together: each is held to it, it waits for the slowest, and it goes over times of which nobody has anything.
const EVERY = 100;
const CLOSE = 0.04; // seconds apart that nobody sees
const FAR = 0.7; // seconds apart that are jumped
const FASTEST = 16;

export class PlaybackClock {
  #at = 0;
  #since = 0;
  #running = false; // not held up by a player
  #timer;

  /** `changed` is told after each step. */
  constructor(players, { changed = () => {} } = {}) {
    Object.assign(this, { players, changed, playing: false, speed: 1, waiting: false, over: false, begun: false });
    this.#timer = setInterval(() => this.#step(), EVERY);
  }

  get now() { return this.#running ? this.#at + (performance.now() - this.#since) * this.speed : this.#at; }

  /** Goes to a moment with all players. */
  seek(time) {
    this.#set(time);
    this.begun = true;
    this.over = false;
    for (const p of this.players) { p.video.pause(); p.seek(time, this.speed); }
    this.#step();
  }

  play() { this.playing = true; this.over = false; this.#step(); }

  pause() {
    this.#set(this.now);
    this.playing = false;
    for (const p of this.players) p.video.pause();
    // What is shown is what the clock says.
    const shown = this.players.find((p) => p.at(this.#at).state === 'ready');
    if (shown && Math.abs(shown.position - this.#at) < 1000) this.#set(shown.position);
    this.changed();
  }

  setSpeed(speed) {
    const now = this.now;
    this.speed = speed;
    this.#set(now);
    for (const p of this.players) p.seek(now, speed);
    this.#step();
  }

  close() { clearInterval(this.#timer); }

  #set(time) {
    this.#at = time;
    this.#since = performance.now();
    this.#running = false;
  }

  #go(on) {
    if (on === this.#running) return;
    this.#at = this.now;
    this.#since = performance.now();
    this.#running = on;
  }

  #step() {
    if (!this.begun) { this.changed(); return; }
    const now = this.now;
    const states = this.players.map((p) => p.at(now));
    const loading = states.some((s) => s.state === 'loading');
    this.waiting = loading && !this.over;
    if (this.playing) {
      if (loading) this.#go(false);
      else if (states.every((s) => s.state === 'none')) this.#jump(Math.min(...states.map((s) => s.next)));
      else this.#go(true);
    } else if (!loading && states.length && states.every((s) => s.state === 'none')) {
      // Where nothing is, the first picture of what follows is shown.
      const next = Math.min(...states.map((s) => s.next));
      if (Number.isFinite(next)) this.#jump(next);
    }
    this.players.forEach((p, i) => {
      this.#hold(p, states[i]);
      p.tick(this.now, this.speed);
    });
    this.changed();
  }

  /** Over a time of which nothing is there. */
  #jump(next) {
    if (!Number.isFinite(next)) { this.#go(false); this.over = true; this.playing = false; return; }
    this.#set(next);
    for (const p of this.players) if (p.at(next).state === 'ready') p.seek(next, this.speed);
  }

  #hold(p, { state }) {
    const { video } = p;
    if (state !== 'ready' || !this.#running) { if (!video.paused) video.pause(); return; }
    const apart = (p.position - this.now) / 1000; // positive: ahead
    const scale = Math.max(1, this.speed);
    if (Math.abs(apart) > FAR * scale) p.seek(this.now, this.speed);
    const bent = Math.abs(apart) < CLOSE ? 1 : 1 - Math.max(-0.25, Math.min(0.25, apart / scale));
    video.playbackRate = Math.min(FASTEST, this.speed * bent);
    if (video.paused) video.play().catch(() => {});
  }
}
