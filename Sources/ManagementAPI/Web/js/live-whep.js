// Live pictures by WebRTC (WHEP): the least delay, where a way to the box is found.
import { noConnection, problemOf } from './api.js';

const PATIENCE = 3000; // milliseconds until the first picture; another way is taken then
const LOST = 4000; // of a connection that is away before it is begun anew
const LOOKS = 1000;

export const canPlayWHEP = () => typeof globalThis.RTCPeerConnection === 'function';

const later = (what) => Object.assign(new Error(what), { fallback: true });

/**
 * Plays until the signal, or until the connection is over. `told` gets {started}, {bytes, delay} and {sound}.
 * What it throws with `fallback` may go by another way.
 */
export async function playWHEP({ video, url, signal, told }) {
  const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const whep = new Whep(url, signal);
  let endedByBox = false;
  const over = new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
    watch(peer, (byBox) => { endedByBox ||= byBox; resolve(); });
  });
  let stop = () => {};
  try {
    for (const kind of ['video', 'audio']) peer.addTransceiver(kind, { direction: 'recvonly' });
    const stream = new MediaStream();
    const first = new Promise((resolve) => { stop = firstPicture(peer, stream, video, resolve, told); });
    peer.onicecandidate = ({ candidate }) => whep.tell(candidate);
    await peer.setLocalDescription();
    await peer.setRemoteDescription({ type: 'answer', sdp: await whep.offer(peer.localDescription.sdp) });
    const began = await Promise.race([first, over.then(() => 'over'), wait(PATIENCE)]);
    if (signal.aborted) return;
    if (began !== 'picture') throw later('no picture came by WebRTC');
    told({ started: true });
    const stats = setInterval(() => figures(peer).then((found) => found && told(found)), LOOKS);
    await over;
    clearInterval(stats);
  } finally {
    stop();
    peer.onicecandidate = null;
    peer.close();
    if (!endedByBox) whep.end();
  }
}

const wait = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** Calls `done` when the connection is over, or away for too long: with true where the box said so itself. */
function watch(peer, done) {
  let away = null;
  const look = () => {
    const transport = peer.getReceivers()[0]?.transport;
    if (transport && !transport.gh) { transport.gh = true; transport.addEventListener('statechange', look); }
    if (transport?.state === 'closed') done(true);
    else if (['failed', 'closed'].includes(peer.connectionState)) done(false);
    clearTimeout(away);
    if (peer.connectionState === 'disconnected') away = setTimeout(done, LOST, false);
  };
  peer.addEventListener('connectionstatechange', look);
}

/** Resolves with 'picture' at the first one. The picture of before stays until then. */
function firstPicture(peer, stream, video, resolve, told) {
  const seen = () => { if (video.srcObject === stream && video.videoWidth > 0) resolve('picture'); };
  const events = ['loadeddata', 'resize', 'playing', 'timeupdate'];
  for (const name of events) video.addEventListener(name, seen);
  peer.ontrack = ({ track }) => {
    stream.addTrack(track);
    track.onunmute = () => {
      if (track.kind === 'audio') told({ sound: true });
      if (video.srcObject === stream || track.kind !== 'video') return;
      video.playbackRate = 1;
      video.srcObject = stream;
      video.play().catch(() => {});
    };
  };
  return () => { for (const name of events) video.removeEventListener(name, seen); };
}

let before = new WeakMap();
/** Bytes since the last look, and seconds from the box to the eye. */
async function figures(peer) {
  const report = await peer.getStats().catch(() => null);
  if (!report) return null;
  let bytes = 0; let held = null; let shown = 0; let trip = 0;
  for (const entry of report.values()) {
    if (entry.type === 'inbound-rtp') {
      bytes += entry.bytesReceived ?? 0;
      if (entry.kind === 'video') { held = entry.jitterBufferDelay ?? null; shown = entry.jitterBufferEmittedCount ?? 0; }
    } else if (entry.type === 'candidate-pair' && entry.nominated && entry.currentRoundTripTime) trip = entry.currentRoundTripTime;
  }
  const last = before.get(peer) ?? { bytes: 0, held: 0, shown: 0, delay: 0 };
  const delay = held !== null && shown > last.shown ? (held - last.held) / (shown - last.shown) + trip / 2 : last.delay;
  before.set(peer, { bytes, held: held ?? 0, shown, delay });
  return { bytes: Math.max(0, bytes - last.bytes), delay };
}

/** The session with the box: offer, candidates, end. */
class Whep {
  #url; #signal; #place = null; #tag = null; #fragment = ''; #waiting = []; #sending = null;

  constructor(url, signal) { this.#url = url; this.#signal = signal; }

  async offer(sdp) {
    const where = 'POST /api/v1/live/whep';
    let response;
    try {
      response = await fetch(this.#url, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: sdp, cache: 'no-store', signal: this.#signal });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw noConnection(error, where);
    }
    if (!response.ok) {
      const problem = await problemOf(response, where);
      // Another way may do: the codec, the number of viewers, an offer that the box does not understand.
      problem.fallback = [400, 406].includes(response.status) || ['too-many-viewers', 'no-way'].includes(problem.slug);
      throw problem;
    }
    this.#place = response.headers.get('location');
    this.#tag = response.headers.get('etag');
    this.#fragment = ['ice-ufrag', 'ice-pwd'].map((name) => new RegExp(`^a=${name}:.*$`, 'm').exec(sdp)?.[0].trim()).filter(Boolean).join('\r\n');
    const answer = await response.text();
    this.#send();
    return answer;
  }

  /** A candidate of this side; null after the last. */
  tell(candidate) {
    if (candidate && !candidate.candidate) return;
    this.#waiting.push(candidate ? `a=${candidate.candidate}` : 'a=end-of-candidates');
    this.#send();
  }

  #send() {
    if (!this.#place || this.#sending || this.#waiting.length === 0) return;
    const lines = this.#waiting.splice(0);
    const body = [this.#fragment, 'm=video 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0', ...lines, ''].join('\r\n');
    this.#sending = fetch(this.#place, { method: 'PATCH', headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': this.#tag }, body, signal: this.#signal })
      .catch(() => {}).finally(() => { this.#sending = null; this.#send(); });
  }

  /** Where the connection stood, its end was heard by the box already; where the view was ended, the session is. */
  end() {
    const place = this.#place;
    this.#place = null;
    if (place && !this.#signal.aborted) fetch(place, { method: 'DELETE', keepalive: true }).catch(() => {});
  }
}
