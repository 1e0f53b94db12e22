// Talking through a camera: the microphone's sound as G.711, in small pieces, while the button is held or locked.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { tr } from './language.js';

const PIECE = 1200; // bytes of sound in a piece: 150 ms
const MOST = 8000; // what waits for the line at most; older sound is let go
const WORKLET = new URL('./talk-worklet.js', import.meta.url).href;

export const canTalk = Boolean(globalThis.AudioWorkletNode && navigator.mediaDevices?.getUserMedia);

/** G.711 (ITU-T) of one sample of -1 to 1. */
export function pcmu(sample) {
  const s = Math.max(-32635, Math.min(32635, Math.round(sample * 32767)));
  const magnitude = Math.abs(s) + 132;
  const exponent = Math.max(0, Math.floor(Math.log2(magnitude)) - 7);
  return ~((s < 0 ? 0x80 : 0) | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}

export function pcma(sample) {
  const s = Math.max(-32767, Math.min(32767, Math.round(sample * 32767)));
  const magnitude = (s < 0 ? -s - 1 : s) >> 4;
  const exponent = magnitude < 16 ? 0 : Math.floor(Math.log2(magnitude)) - 3;
  const mantissa = exponent < 1 ? (magnitude >> 0) & 0x0f : (magnitude >> (exponent - 1)) & 0x0f;
  return ((s < 0 ? 0 : 0x80) | (exponent << 4) | mantissa) ^ 0x55;
}

const CODECS = { pcmu, pcma };

/** Opens the loudspeaker; resolves to a function that closes it. `lost` is called when it ends by itself. */
async function talk(channelId, lost) {
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, channelCount: 1 } });
  const context = new AudioContext();
  let session = null;
  let over = false;
  let waiting = [];
  let sending = false;
  const path = () => `/channels/${seg(channelId)}/talk/${seg(session.id)}`;
  async function close() {
    if (over) return;
    over = true;
    for (const track of microphone.getTracks()) track.stop();
    context.close();
    if (session) await api.delete(path()).catch(() => {});
  }
  async function send() {
    if (sending || over || waiting.length < PIECE) return;
    sending = true;
    const piece = new Uint8Array(waiting.slice(-MOST));
    waiting = [];
    try { await api.bytes(`${path()}/sound`, piece); } catch (problem) { if (!over) { close(); lost(problem); } }
    sending = false;
    send();
  }
  try {
    await context.audioWorklet.addModule(WORKLET);
    session = await api.post(`/channels/${seg(channelId)}/talk`);
    const encode = CODECS[session.codec];
    const node = new AudioWorkletNode(context, 'gatehouse-talk', { processorOptions: { rate: session.sampleRate } });
    node.port.onmessage = ({ data }) => { for (const sample of data) waiting.push(encode(sample)); send(); };
    context.createMediaStreamSource(microphone).connect(node);
    await context.resume();
  } catch (problem) { await close(); throw problem; }
  return close;
}

/** The button over the picture. Held it talks while it is held; tapped it stays on until it is tapped again. */
export function talkButton({ channel, cleanup, failed }) {
  let close = null;
  let opening = null;
  let pressedAt = 0;
  const el = h('button', { type: 'button', class: 'over-button', 'data-testid': 'talk', 'aria-pressed': 'false' });
  function show(on) {
    el.setAttribute('aria-pressed', String(on));
    el.setAttribute('aria-label', on ? tr`Stop talking` : tr`Talk`);
    el.title = on ? tr`Stop talking` : tr`Talk: hold, or tap to stay on`;
    fill(el, icon(on ? 'talk' : 'talk-off'));
  }
  async function start() {
    if (close || opening) return;
    show(true);
    opening = talk(channel.id, (problem) => { close = null; show(false); failed(problem); });
    try { close = await opening; toast(tr`The camera’s loudspeaker is on.`); } catch (problem) { show(false); failed(problem.name === 'NotAllowedError' ? { status: 400, detail: tr`The browser does not give the microphone. Allow it for this page.` } : problem); }
    opening = null;
  }
  async function stop() {
    await opening?.catch(() => {});
    const end = close;
    close = null;
    show(false);
    await end?.();
  }
  el.addEventListener('pointerdown', (e) => { if (e.button) return; pressedAt = Date.now(); if (close || opening) stop(); else { el.setPointerCapture?.(e.pointerId); start(); } });
  el.addEventListener('pointerup', () => { if (close || opening) { if (Date.now() - pressedAt > 500) stop(); } });
  el.addEventListener('keydown', (e) => { if ((e.key === ' ' || e.key === 'Enter') && !e.repeat) { e.preventDefault(); if (close || opening) stop(); else start(); } });
  const away = () => { if (document.hidden) stop(); };
  document.addEventListener('visibilitychange', away);
  cleanup(() => { document.removeEventListener('visibilitychange', away); stop(); });
  show(false);
  return el;
}
