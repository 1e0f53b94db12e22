// What was recorded of one camera: the box's fragments of MP4 from any moment on, fed to the browser as it needs them.
// Media time is real time less the playback's origin, so that every picture knows when it was, and gaps are holes in what is buffered.
import { api, problemOf, query, seg } from './api.js';
import { tr } from './language.js';

const Source = globalThis.ManagedMediaSource ?? globalThis.MediaSource;
const AHEAD = 12; // seconds of playing that are kept ahead
const BEHIND = 30; // and behind
const IDLE = 12000; // ms after which an answer that nobody reads is let go: the box would cut it
const HOLE = 0.3; // seconds that are no gap
const KEY_FRAMES_ABOVE = 4;
const PROBE = 0.011; // seconds: no camera sends more than ninety pictures in one
const MOST_APART = 1.2;
const FAR = 30 * 86400000; // a playback reaches so far from where it began

export const canPlayBack = Boolean(Source);

export class PlaybackPlayer {
  #stop = null;
  #session = null;
  #beginning = null; // the request for a session
  #source = null;
  #buffer = null;
  #type = '';
  #from = 0;
  #known = Infinity; // from here on what is buffered is all there is, up to its end
  #rate = 1;
  #ended = false; // there is no more behind what is buffered
  #skip = 0; // ms to go on by where an answer brought nothing new
  #turn = null; // what follows from here on is of another type, for which all begins anew
  #closed = false;
  #looked = new Set(); // who waits for the clock to go on
  #work = Promise.resolve(); // one thing at a time is done to the buffer
  /** The network is back: what it broke is fetched again. */
  #online = () => { if (this.problem && (!this.problem.slug || this.problem.slug === 'no-connection')) this.#run(this.position ?? this.#from, true); };

  /** `changed` is told {problem}: null when all is well. */
  constructor(video, { channel, code = () => null, changed = () => {} }) {
    Object.assign(this, { video, channel, code, changed });
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    this.problem = null;
    this.interval = 0.04; // seconds between pictures, as seen
    this.#watchPictures();
    addEventListener('online', this.#online);
  }

  get origin() { return this.#session ? Date.parse(this.#session.origin) : null; }
  /** When what is shown was, in ms since 1970. */
  get position() { return this.origin === null ? null : this.origin + this.video.currentTime * 1000; }
  get session() { return this.#session; }

  /** Whether the picture of a moment is here: ready, loading, or none, then with when the next one is. */
  at(time) {
    if (this.problem || (this.#ended && !this.#buffer)) return { state: 'none', next: Infinity };
    if (this.origin === null || !this.#buffer || time < this.#known - HOLE * 1000) return { state: 'loading' };
    const t = (time - this.origin) / 1000;
    const { buffered } = this.video;
    for (let i = 0; i < buffered.length; i += 1) {
      if (t < buffered.start(i) - HOLE) return { state: 'none', next: this.origin + buffered.start(i) * 1000 + 1 };
      if (t < buffered.end(i) - 0.02) return { state: 'ready', until: this.origin + buffered.end(i) * 1000 };
    }
    return this.#ended ? { state: 'none', next: Infinity } : { state: 'loading' };
  }

  /** Goes to a moment; what is buffered is used. */
  seek(time, rate = this.#rate) {
    const other = (rate > KEY_FRAMES_ABOVE) !== (this.#rate > KEY_FRAMES_ABOVE);
    this.#rate = rate;
    if (!other && !this.problem) {
      const { state, next } = this.at(time);
      if (state === 'ready') { this.#show(time); return; }
      if (state === 'none' && Number.isFinite(next)) return;
    }
    this.#run(time, true);
  }

  /** The next seek begins another playback: the code is another. */
  forget() {
    const session = this.#session;
    this.#stop?.abort();
    this.#session = null;
    this.problem = null;
    if (session) api.delete(`/live/${seg(session.id)}`, { gate: false }).catch(() => {});
  }

  /** Tells what is needed now, so that enough is there and no more. */
  tick(time, rate) {
    this.#rate = rate;
    for (const look of [...this.#looked]) look(time);
    if (this.#turn !== null) {
      if (time >= this.#turn - 200) this.#run(this.#turn, true);
    } else if (!this.#stop && !this.#ended && !this.problem && this.#buffer) {
      const end = this.#end(time);
      if (end !== null && end - time < AHEAD * 500 * Math.max(1, rate)) this.#run(end + this.#skip, false);
    }
  }

  close() {
    this.#closed = true;
    removeEventListener('online', this.#online);
    this.#stop?.abort();
    const session = this.#session;
    this.#session = null;
    if (session) api.delete(`/live/${seg(session.id)}`, { gate: false }).catch(() => {});
    this.video.removeAttribute('src');
    this.video.load();
  }

  /** Where the buffered footage that follows `time` ends. */
  #end(time) {
    const { buffered } = this.video;
    const last = buffered.length ? this.origin + buffered.end(buffered.length - 1) * 1000 : null;
    return last !== null && last > time - 1000 ? last : null;
  }

  #show(time) {
    let t = (time - this.origin) / 1000;
    // A track may begin a little later than the other: where one is missing, the browser shows nothing.
    const { buffered } = this.video;
    for (let i = 0; i < buffered.length; i += 1) if (t < buffered.start(i) && t >= buffered.start(i) - HOLE) t = buffered.start(i);
    // A little into the picture, so that rounding does not show the one before.
    if (Math.abs(this.video.currentTime - t) > 0.001) this.video.currentTime = t + 0.001;
  }

  async #begin(time) {
    if (this.#session && Math.abs(time - Date.parse(this.#session.from)) < FAR) return this.#session;
    this.#session = null;
    this.#beginning ??= api.post(`/channels/${seg(this.channel)}/playback`, { from: new Date(time).toISOString(), ...(this.code() ? { code: this.code() } : {}) }).finally(() => { this.#beginning = null; });
    const session = await this.#beginning;
    if (this.#closed) {
      api.delete(`/live/${seg(session.id)}`, { gate: false }).catch(() => {});
      throw new DOMException('left', 'AbortError');
    }
    if (this.#session !== session) { this.#session = session; this.#buffer = null; }
    return session;
  }

  /** Fetches from a moment on; `fresh` forgets what is buffered. */
  async #run(time, fresh, retry = true) {
    if (this.#closed) return;
    this.#stop?.abort();
    const stop = new AbortController();
    this.#stop = stop;
    this.#from = time;
    this.#ended = false;
    this.#turn = null;
    if (fresh) this.#known = Infinity;
    this.#tell(null);
    try {
      await this.#begin(time);
      stop.signal.throwIfAborted();
      const path = `${this.#session.mp4Url}&from=${encodeURIComponent(new Date(time).toISOString())}&speed=${this.#rate}`;
      const response = await fetch(path, { signal: stop.signal, cache: 'no-store' });
      if (!response.ok) throw await problemOf(response, 'GET /api/v1/playback/stream.mp4');
      await this.#open(response.headers.get('content-type'), fresh, time, stop.signal);
      await this.#feed(response.body.getReader(), fresh ? time : null, stop.signal);
    } catch (problem) {
      if (stop.signal.aborted || this.#closed) return;
      this.#stop = null;
      if (problem.slug === 'other-type') { this.#turn = time; stop.abort(); return; }
      const limit = this.#session?.endsAt && Date.parse(this.#session.endsAt);
      if (problem.slug === 'live-over') this.#session = null;
      // Nobody fetched anything for a while, or the line broke; not where the time for viewing from afar is over.
      if (retry && (problem.slug === 'live-over' ? !(limit && limit <= Date.now() + 2000) : !problem.slug)) {
        const end = problem.slug ? null : this.#end(time);
        this.#run(end ?? time, end === null, false);
        return;
      }
      if (problem.slug === 'nothing-recorded') { this.#nothing(fresh ? time : this.#known); return; }
      this.#tell(problem);
    } finally {
      if (this.#stop === stop) this.#stop = null;
    }
  }

  /** There is no footage behind what is buffered, or from `known` on. */
  async #nothing(known) {
    if (this.#known === Infinity) await this.#do(async () => { if (this.#buffer?.buffered.length) await this.#remove(0, Infinity); });
    this.#known = known;
    this.#ended = true;
  }

  #tell(problem) {
    if (problem === this.problem) return;
    this.problem = problem;
    this.changed({ problem });
  }

  #do(step) {
    const done = this.#work.then(step, step);
    this.#work = done.catch(() => {});
    return done;
  }

  async #open(type, fresh, time, signal) {
    if (!Source.isTypeSupported(type)) {
      throw Object.assign(new Error('unplayable'), { slug: 'unplayable', detail: tr`This browser does not play ${/hvc1|hev1/.test(type) ? 'H.265' : tr`this camera’s codec`}. Download the clip and open it in a player that does.` });
    }
    await this.#do(async () => {
      signal.throwIfAborted();
      const isOpen = this.#buffer && this.#source.readyState === 'open';
      if (isOpen && !fresh && this.#type !== type) throw Object.assign(new Error('what is here is shown first'), { slug: 'other-type' });
      if (!isOpen || this.#type !== type) {
        this.#source = new Source();
        const url = URL.createObjectURL(this.#source);
        this.video.src = url;
        await event(this.#source, 'sourceopen', this.video);
        URL.revokeObjectURL(url);
        // Without a length there is nowhere to go to while nothing is buffered: the browser would stay where it is.
        this.#source.duration = 2 * (FAR + 2 * 86400000) / 1000;
        this.#buffer = this.#source.addSourceBuffer(type);
        this.#type = type;
        fresh = true;
      } else {
        this.#buffer.abort(); // a fragment that was broken off
        if (fresh && this.#buffer.buffered.length) await this.#remove(0, Infinity);
      }
      if (fresh) { this.#known = time; this.#show(time); }
    });
  }

  async #feed(reader, shown, signal) {
    let first = shown !== null;
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      await this.#do(() => { signal.throwIfAborted(); return this.#append(value); });
      signal.throwIfAborted();
      if (first && this.video.buffered.length) {
        first = false;
        const { state, next } = this.at(shown);
        if (state === 'ready') this.#show(shown);
        // Sound may begin a little later than the picture, or the footage than was asked for.
        else if (state === 'none' && next - shown < 1000) this.#show(next);
      }
      await this.#needed(signal);
    }
    // What follows needs another beginning, or there is nothing: asking for it tells.
    const end = this.#end(this.#from);
    this.#skip = shown === null && end !== null && end < this.#from + 50 ? 700 : 0;
    if (end === null) this.#ended = true;
  }

  /** Waits while enough is ahead. */
  #needed(signal) {
    const enough = (time) => { const end = this.#end(time); return end !== null && end - time > AHEAD * 1000 * Math.max(1, this.#rate); };
    if (!enough(this.position ?? this.#from)) return null;
    return new Promise((resolve, reject) => {
      const began = performance.now();
      const look = (time) => {
        const over = performance.now() - began > IDLE;
        if (!signal.aborted && !over && enough(time)) return;
        this.#looked.delete(look);
        signal.removeEventListener('abort', gone);
        if (over && !signal.aborted) this.#stop?.abort();
        if (signal.aborted) reject(new DOMException('enough', 'AbortError')); else resolve();
      };
      const gone = () => look(0);
      signal.addEventListener('abort', gone);
      this.#looked.add(look);
    });
  }

  async #append(bytes) {
    try { this.#buffer.appendBuffer(bytes); } catch (error) {
      if (error.name !== 'QuotaExceededError') throw error;
      await this.#remove(0, Math.max(0.001, this.video.currentTime - 2));
      this.#buffer.appendBuffer(bytes);
    }
    await event(this.#buffer, 'updateend', this.video);
    const { buffered, currentTime } = this.video;
    if (buffered.length && currentTime - buffered.start(0) > 3 * BEHIND) await this.#remove(0, currentTime - BEHIND);
  }

  async #remove(from, to) {
    if (Number.isFinite(to)) this.#known = Math.max(this.#known, this.origin + to * 1000);
    this.#buffer.remove(from, to);
    await event(this.#buffer, 'updateend', this.video);
  }

  /** When the picture after the one that is shown was (before it, where `by` is -1); null where it is not here. */
  async neighbour(by) {
    const { video, mediaTime: from } = this;
    if (from === undefined || this.origin === null || !video.requestVideoFrameCallback) return null;
    for (let apart = this.interval * 0.55; apart < MOST_APART; apart += Math.max(PROBE, this.interval / 4)) {
      const t = from + by * apart;
      if (this.at(this.origin + t * 1000).state !== 'ready') return null;
      video.currentTime = t;
      await presented(video);
      // Half a millisecond into it, so that rounding does not show the one before.
      if (this.mediaTime !== from) return this.origin + this.mediaTime * 1000 + 0.5;
    }
    return null;
  }

  /** Learns how far pictures are apart, for stepping. */
  #watchPictures() {
    if (!this.video.requestVideoFrameCallback) return;
    let last = null;
    const seen = (now, { mediaTime }) => {
      const apart = last === null ? 0 : mediaTime - last;
      if (apart > 0.005 && apart < 0.6 && this.#rate <= 1) this.interval = apart;
      last = mediaTime;
      this.mediaTime = mediaTime;
      if (!this.#closed) this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
  }
}

/** Once a video has gone to where it was sent, and shown what is there: what it showed before is not shown anew. */
async function presented(video) {
  if (video.seeking) await new Promise((done) => video.addEventListener('seeked', done, { once: true }));
  await new Promise((done) => { video.requestVideoFrameCallback(done); setTimeout(done, 60); });
}

function event(target, name, video) {
  return new Promise((resolve, reject) => {
    const done = () => { clean(); resolve(); };
    const failed = () => { clean(); reject(Object.assign(new Error(video.error?.message ?? 'the browser gave up'), { slug: 'broken', detail: tr`The browser could not play this footage. Go a little further along the bar.` })); };
    const clean = () => { target.removeEventListener(name, done); target.removeEventListener('error', failed); video.removeEventListener('error', failed); };
    target.addEventListener(name, done);
    target.addEventListener('error', failed);
    video.addEventListener('error', failed);
  });
}
