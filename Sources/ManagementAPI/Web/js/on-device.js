// How a camera's streams are set on the camera itself, and what would make them better for the cloud copy.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, field, toggle, wrong } from './form.js';
import { bitRate, plain } from './format.js';
import { tr } from './language.js';
import { makeReady, ROLES } from './make-ready.js';
import { button, problemBox, sentence, skeleton } from './parts.js';
import { store } from './store.js';
import { codec } from './words.js';

const SLUGS = { main: 'main', sub: 'second', third: 'third' };

function streamForm(stream, path, saved) {
  const { options } = stream;
  const at = SLUGS[stream.role] ?? stream.id;
  const withOwn = (list, own) => (own === null || list.includes(own) ? list : [own, ...list]);
  const select = (label, pointer, list, value, testid) => field({ label, pointer, type: 'select', options: list, value: String(value), testid: `${testid}-${at}` });
  const size = (s) => `${s.width}x${s.height}`;
  const own = stream.width ? size(stream) : null;
  const fields = {};
  if (options.codecs.length) fields.codec = select(tr`Codec`, '/codec', withOwn(options.codecs, stream.codec).map((c) => [c, codec(c)]), stream.codec, 'stream-codec');
  if (options.sizes.length) fields.size = select(tr`Picture`, '/width', withOwn(options.sizes.map(size), own).map((s) => [s, s.replace('x', ' × ')]), own, 'stream-size');
  if (options.frameRates.length) fields.frameRate = select(tr`Frame rate`, '/frameRate', withOwn(options.frameRates, stream.frameRate).map((r) => [String(r), tr`${plain(r)} frames/s`]), stream.frameRate, 'stream-rate');
  const [low, high] = [options.lowestBitRate, options.highestBitRate];
  if (stream.bitRate !== null) fields.bitRate = field({ label: tr`Bit rate`, pointer: '/bitRate', suffix: 'kbit/s', inputmode: 'numeric', autocomplete: 'off', value: String(Math.round(stream.bitRate / 1000)), testid: `stream-bits-${at}`, hint: low && high ? tr`From ${bitRate(low)} to ${bitRate(high)}.` : undefined });
  if (stream.keyFrameInterval !== null) fields.keyFrameInterval = field({ label: tr`Key frame every`, pointer: '/keyFrameInterval', suffix: tr`frames`, inputmode: 'numeric', autocomplete: 'off', value: String(stream.keyFrameInterval), testid: `stream-key-${at}`,
    hint: stream.frameRate ? tr`Now each ${plain(stream.keyFrameInterval / stream.frameRate)} s; one to two seconds are good.` : undefined });
  let smart = null;
  const smartCodec = options.smartCodec && toggle({ label: tr`Smart codec`, hint: tr`Saves line for watching, but its key frames are far apart: clips begin early and motion is noticed late.`, on: stream.smartCodec === true, testid: `stream-smart-${at}`, act: async (next) => { smart = next; } });
  const save = button(tr`Set on the camera`, { look: 'primary', type: 'submit', testid: `stream-save-${at}` });
  const list = Object.values(fields);
  const form = h('form', { class: 'stack', 'data-testid': `stream-${at}` }, h('h3', {}, ROLES[stream.role] ?? stream.role), h('div', { class: 'pair' }, list.map((f) => f.el)), smartCodec && smartCodec.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: list, button: save, busy: tr`Setting…`, async submit() {
    const changes = {};
    const whole = (f, least, most, unit) => {
      const n = Number(f.value);
      if (!Number.isInteger(n) || n < least || n > most) throw wrong(f, tr`A number from ${plain(least)} to ${plain(most)}${unit}.`);
      return n;
    };
    if (fields.codec && fields.codec.value !== stream.codec) changes.codec = fields.codec.value;
    if (fields.size && fields.size.value !== own) [changes.width, changes.height] = fields.size.value.split('x').map(Number);
    if (fields.frameRate && Number(fields.frameRate.value) !== stream.frameRate) changes.frameRate = Number(fields.frameRate.value);
    if (fields.bitRate) {
      const bits = 1000 * whole(fields.bitRate, Math.ceil((low ?? 16000) / 1000), Math.floor((high ?? 64e6) / 1000), ' kbit/s');
      if (Math.round(bits / 1000) !== Math.round(stream.bitRate / 1000)) changes.bitRate = bits;
    }
    if (fields.keyFrameInterval) {
      const n = whole(fields.keyFrameInterval, 1, options.longestKeyFrameInterval ?? 1000, tr` frames`);
      if (n !== stream.keyFrameInterval) changes.keyFrameInterval = n;
    }
    if (smart !== null && smart !== stream.smartCodec) changes.smartCodec = smart;
    if (Object.keys(changes).length === 0) { toast(tr`Nothing was changed.`); return; }
    await api.patch(`${path}/device-streams/${seg(stream.id)}`, changes);
    toast(tr`Set. The camera may take some seconds to send like this.`);
    await saved();
  } });
  return form;
}

export function onDevice({ channelId }) {
  const path = `/channels/${seg(channelId)}`;
  const ready = h('div', { 'data-testid': 'readiness' });
  const streams = h('div', { class: 'parts' }, skeleton('sk-row', 'sk-row'));

  function drawReadiness(answer) {
    if (answer.ready) { fill(ready, sentence('ok', tr`The camera is ready for the cloud: its streams are set as the cloud copy likes them.`)); return; }
    const { el } = makeReady({ channels: () => [store.channels.get(channelId)], done: again });
    fill(ready, sentence('attention', tr`The camera could be set better for the cloud copy.`, h('p', { class: 'muted small' }, tr`You see what would change before anything does.`)), el);
  }

  async function loadStreams() {
    const { items } = await api.get(`${path}/device-streams`);
    fill(streams, items.map((s) => streamForm(s, path, again)));
  }
  async function loadReadiness() { drawReadiness(await api.get(`${path}/cloud-readiness`)); }
  async function again() { await Promise.all([loadStreams(), loadReadiness()]); }
  async function load() {
    try { await again(); } catch (problem) {
      fill(ready);
      fill(streams, problemBox(problem), button(tr`Try again`, { iconName: 'test', onClick: load }));
    }
  }
  load();
  return [ready, streams];
}
