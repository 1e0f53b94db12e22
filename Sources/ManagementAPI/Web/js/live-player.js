// Live pictures of one camera by the best way that works here: WebRTC, the box's fragments of MP4 fed to the browser as they come, HLS.
// It starts again by itself after every break.
import { api, query, seg } from './api.js';
import { boxWords } from './box-words.js';
import { tr } from './language.js';
import { canPlayHLS, playHLS } from './live-hls.js';
import { canPlayWHEP, playWHEP } from './live-whep.js';
import { on } from './store.js';

const Source = globalThis.ManagedMediaSource ?? globalThis.MediaSource;
const BEHIND = 1.2; // seconds behind the newest picture before it hurries
const FAR = 3; // seconds before it jumps
const KEPT = 12; // seconds that stay in the browser
const LATER = 5 * 60e3; // milliseconds until a way that did not work is tried again
const STILL = 5e3; // milliseconds without a new picture until it is no longer called live
const SILENT = 20e3; // milliseconds without a byte until it is asked for again
const REFUSED = 30e3; // milliseconds until one who may not watch asks again, where the box does not tell before that it is otherwise now

export const WAYS = { webrtc: 'WebRTC', mp4: 'MP4', hls: 'HLS' };
const able = { webrtc: canPlayWHEP, mp4: () => Boolean(Source), hls: canPlayHLS };
export const canPlayLive = Object.values(able).some((can) => can());

let noWebRTCUntil = 0; // the same network for all cameras

export class LivePlayer {
  #begin; #stream; #changed;
  #session = null;
  #stop = null; // ends the fetch of now
  #closed = false;
  #wait = 500;
  #ways;
  #way = null;
  #delay = 0;
  #hasSound = false;
  #timer = null;
  #isOver = false; // the limit has come: whoever wants to go on says so
  #seen = false; // it has played once
  #told = null; // the state that was told last
  #pictures = -1; // how many were shown when one was last
  #moved = 0;
  #fed = 0;
  #watch = setInterval(() => this.#look(), 1000);
  #awake = () => { if (!document.hidden) this.#again(0); };
  #leaveStore = on('resync', this.#awake);

  /** `begin` opens a view of a stream; `changed` is told {state, sentence, refused, session, stream, way}: opening, playing, still, waiting, over, unplayable. `ways`, the best first. */
  constructor(video, { channel, begin = (s) => api.post(`/channels/${seg(channel)}/live`, { stream: s }), stream = 'sub', ways = ['webrtc', 'mp4', 'hls'], changed = () => {} }) {
    this.#ways = ways.filter((way) => able[way]());
    this.video = video;
    this.#begin = begin;
    this.#stream = stream;
    this.#changed = changed;
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    this.bytes = 0;
    addEventListener('online', this.#awake);
    document.addEventListener('visibilitychange', this.#awake);
  }

  get stream() { return this.#stream; }
  get session() { return this.#session; }
  /** How the picture comes now; null before. */
  get way() { return this.#way; }
  /** Seconds between the newest picture here (or at the box, where that is known) and the one that is shown. */
  get behind() {
    if (this.#way === 'webrtc') return this.#delay;
    const { buffered, currentTime } = this.video;
    return buffered.length ? buffered.end(buffered.length - 1) - currentTime : 0;
  }

  start() { this.#run(); return this; }

  /** The other stream of the camera, from now on. */
  async use(stream) {
    if (stream === this.#stream) return;
    this.#stream = stream;
    this.#isOver = false;
    await this.#leave();
    this.#again(0);
  }

  /** Sound is wanted: where this way brings none, by one that does. */
  async hear() {
    if (this.#way !== 'webrtc' || this.#hasSound || this.#ways.length < 2) return;
    this.#ways = this.#ways.filter((way) => way !== 'webrtc');
    this.#stop?.abort();
    this.#stop = null;
    this.#again(0);
  }

  /** Watches on after the limit. */
  async prolong() {
    this.#isOver = false;
    if (!this.#session) { this.#again(0); return; }
    this.#session = { ...this.#session, ...await api.post(`/live/${seg(this.#session.id)}/continue`) };
    this.#tell('playing');
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    removeEventListener('online', this.#awake);
    this.#leaveStore();
    document.removeEventListener('visibilitychange', this.#awake);
    this.#leave();
  }

  #tell(state, sentence = '', refused = false) {
    if (this.#closed) return;
    this.#told = state;
    this.#seen ||= state === 'playing';
    this.#changed({ state, sentence, refused, session: this.#session, stream: this.#stream, way: this.#way });
  }

  get #forbidden() { return this.#seen ? tr`The live view has ended: its permission is over or was taken back.` : tr`You may not see this camera live: the permission for it is missing.`; }

  /** Whether the picture still moves: a connection that stands tells nothing of the camera. */
  #look() {
    if (document.hidden || !['playing', 'still'].includes(this.#told)) { this.#moved = Date.now(); return; }
    const { totalVideoFrames: pictures } = this.video.getVideoPlaybackQuality?.() ?? { totalVideoFrames: this.video.currentTime };
    if (pictures !== this.#pictures) {
      this.#pictures = pictures;
      this.#moved = Date.now();
      if (this.#told === 'still') this.#tell('playing');
    } else if (Date.now() - this.#moved > STILL && this.#told === 'playing') this.#tell('still');
    if (this.#way === 'mp4' && this.#stop && Date.now() - this.#fed > SILENT) {
      this.#stop.abort();
      this.#stop = null;
      this.#tell('waiting');
      this.#again(0);
    }
  }

  async #leave() {
    this.#stop?.abort();
    this.#stop = null;
    const session = this.#session;
    this.#session = null;
    if (session) await api.delete(`/live/${seg(session.id)}`, { gate: false }).catch(() => {});
  }

  #again(after) {
    clearTimeout(this.#timer);
    if (this.#closed || this.#stop || this.#isOver) return;
    this.#timer = setTimeout(() => this.#run(), after);
  }

  async #run() {
    if (this.#closed || this.#stop || this.#isOver || document.hidden) return;
    const stop = new AbortController();
    this.#stop = stop;
    let over = false;
    let refused = false;
    try {
      if (!this.#session) {
        this.#tell('opening');
        const session = await this.#begin(this.#stream);
        if (stop.signal.aborted) { // left, or another stream wanted, meanwhile
          api.delete(`/live/${seg(session.id)}`, { gate: false }).catch(() => {});
          return;
        }
        this.#session = session;
        this.#stream = session.stream;
      }
      await this.#play(stop.signal);
    } catch (problem) {
      if (stop.signal.aborted) return;
      if (problem.slug === 'live-over') {
        // Its time is over, or the box has forgotten it: after a long break, or a restart.
        const end = this.#session?.endsAt && Date.parse(this.#session.endsAt);
        over = Boolean(end) && end <= Date.now() + 2000;
        this.#session = null;
      }
      if (problem.unplayable) {
        this.#stop = null;
        await this.#leave();
        if (problem.other) { this.#stream = problem.other; this.#again(0); return; }
        this.#tell('unplayable', problem.message);
        return;
      }
      if (problem.status === 404) this.#session = null;
      // Of a view that is over the box does not say why; who asks for another one is told.
      refused = problem.status === 403 && problem.slug !== 'live-over';
      if (!over) this.#tell('waiting', problem.slug === 'not-permitted' ? this.#forbidden : problem.slug === 'live-over' ? '' : problem.detail ?? '', refused);
    } finally {
      if (this.#stop === stop) this.#stop = null;
    }
    if (over) { this.#isOver = true; this.#tell('over'); return; }
    this.#wait = Math.min(this.#wait * 1.6, 8000);
    this.#again(refused ? REFUSED : this.#wait);
  }

  /** By the best way that works. */
  async #play(signal) {
    const ways = this.#ways.filter((way) => way !== 'webrtc' || Date.now() >= noWebRTCUntil || this.#ways.length === 1);
    for (const [index, way] of ways.entries()) {
      try {
        await this.#by(way, signal);
        return;
      } catch (problem) {
        if (signal.aborted || !problem.fallback || index === ways.length - 1) throw problem;
        if (way === 'webrtc' && !problem.slug) noWebRTCUntil = Date.now() + LATER;
      }
    }
  }

  #by(way, signal) {
    const told = ({ started, bytes = 0, delay, sound }) => {
      this.bytes += bytes;
      this.#fed = Date.now();
      if (delay !== undefined) this.#delay = delay;
      if (sound) this.#hasSound = true;
      if (!started) return;
      this.#wait = 500;
      this.#way = way;
      this.#moved = Date.now();
      this.#tell('playing');
    };
    this.#hasSound = false;
    const token = query({ token: this.#session.token });
    if (way === 'webrtc') return playWHEP({ video: this.video, url: `/api/v1/live/whep${token}&strict=1`, signal, told });
    if (way === 'hls') return playHLS({ video: this.video, url: `/api/v1/live/hls/index.m3u8${token}`, signal, told, other: this.#session.streams[this.#session.streams.indexOf(this.#stream) + 1] });
    return this.#fragments(signal, told);
  }

  async #fragments(signal, told) {
    const response = await fetch(`/api/v1/live/stream.mp4${query({ token: this.#session.token })}`, { signal, cache: 'no-store' });
    if (!response.ok) {
      const body = await response.json().catch(() => ({}));
      throw Object.assign(new Error(body.detail ?? ''), { slug: String(body.type ?? '').split('/').pop(), status: response.status, detail: boxWords(body.detail) });
    }
    const type = response.headers.get('content-type');
    if (!Source.isTypeSupported(type)) {
      throw Object.assign(new Error(tr`This browser does not play ${type.includes('hvc1') ? 'H.265' : tr`this camera’s codec`}.`), { unplayable: true, other: this.#session.streams[this.#session.streams.indexOf(this.#stream) + 1] });
    }
    const feed = new Feed(this.video, type);
    try {
      await feed.open();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        await feed.append(value);
        told({ started: feed.started, bytes: value.length });
        feed.started = false;
      }
    } finally {
      feed.close();
    }
  }
}

/** A media source that keeps to the newest picture. */
class Feed {
  constructor(video, type) {
    this.video = video;
    this.type = type;
    this.source = new Source();
    this.started = false;
    this.playing = false;
  }

  async open() {
    this.url = URL.createObjectURL(this.source);
    this.video.srcObject = null;
    this.video.src = this.url;
    await event(this.source, 'sourceopen', this.video);
    URL.revokeObjectURL(this.url);
    this.buffer = this.source.addSourceBuffer(this.type);
  }

  async append(bytes) {
    try {
      this.buffer.appendBuffer(bytes);
    } catch (error) {
      if (error.name !== 'QuotaExceededError') throw error;
      await this.trim(2);
      this.buffer.appendBuffer(bytes);
    }
    await event(this.buffer, 'updateend', this.video);
    this.follow();
    const { buffered, currentTime } = this.video;
    if (buffered.length && currentTime - buffered.start(0) > 2 * KEPT) await this.trim(KEPT);
  }

  async trim(seconds) {
    const end = this.video.currentTime - seconds;
    if (end <= 0) return;
    this.buffer.remove(0, end);
    await event(this.buffer, 'updateend', this.video);
  }

  /** Shows the newest picture at once, catches up gently, jumps where it is far behind or in a gap. */
  follow() {
    const { video } = this;
    const { buffered } = video;
    if (!buffered.length) return;
    const last = buffered.length - 1;
    const end = buffered.end(last);
    const behind = end - video.currentTime;
    if (!this.playing || behind > FAR || video.currentTime < buffered.start(last)) {
      video.currentTime = Math.max(buffered.start(last), end - 0.2);
      if (!this.playing) {
        this.playing = true;
        this.started = true;
        video.play().catch(() => {});
      }
    }
    video.playbackRate = behind > BEHIND ? 1.1 : 1;
  }

  close() {
    try { if (this.source.readyState === 'open') this.source.endOfStream(); } catch { /* it is over */ }
  }
}

function event(target, name, video) {
  return new Promise((resolve, reject) => {
    const done = () => { clean(); resolve(); };
    const failed = () => { clean(); reject(Object.assign(new Error(video.error?.message ?? 'the browser gave up'), { detail: '', fallback: true })); };
    const clean = () => { target.removeEventListener(name, done); target.removeEventListener('error', failed); video.removeEventListener('error', failed); };
    target.addEventListener(name, done);
    target.addEventListener('error', failed);
    video.addEventListener('error', failed);
  });
}
