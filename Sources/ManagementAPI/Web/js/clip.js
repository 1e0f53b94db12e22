// One clip: to watch, its facts, and its neighbours.
import { api, problemOf, query, seg } from './api.js';
import { store } from './store.js';
import { fill, h, icon, say } from './dom.js';
import { encryptedPlayer } from './encrypted-clip.js';
import { clipsSeen } from './events.js';
import { bytes, clockSeconds, count, duration, frames, full, picture, when } from './format.js';
import { tr } from './language.js';
import { bar, button, chip, details, facts, head, link, problemBox, sentence } from './parts.js';
import { title } from './navigate.js';
import { clipState, codec, eventType, eventWords, way } from './words.js';

const PLAYABLE = new Set(['captured', 'queued', 'sending', 'stored']);
const HOUR = 3600000;
const MOST_EVENTS = 12;

/** The next newer and older clip: of the list one came from, else of all cameras. */
async function neighbours(clip) {
  const list = clipsSeen();
  const i = list.indexOf(clip.id);
  let newer = i > 0 ? list[i - 1] : null;
  let older = i >= 0 && i < list.length - 1 ? list[i + 1] : null;
  if (!older) older = (await api.get(`/clips${query({ before: clip.id, limit: 1 })}`)).items[0]?.id ?? null;
  for (const span of i < 0 ? [2 * HOUR, 48 * HOUR, 1440 * HOUR] : []) {
    const from = Date.parse(clip.startsAt);
    const { items } = await api.get(`/clips${query({ from: clip.startsAt, to: new Date(from + span).toISOString(), limit: 200 })}`);
    newer = items.filter((c) => c.id !== clip.id && c.startsAt >= clip.startsAt).at(-1)?.id ?? null;
    if (newer) break;
  }
  return { newer, older };
}

function player(clip) {
  const box = h('div', {});
  let direct = false; // from the storage itself; where this browser cannot reach it, through the box
  const video = h('video', { controls: true, muted: true, playsInline: true, preload: 'metadata', src: clip.videoUrl, poster: clip.thumbnailUrl, 'data-testid': 'clip-video', 'aria-label': tr`Clip of ${clip.channelName}, ${when(clip.startsAt)}`,
    async onError() {
      if (direct) {
        direct = false;
        video.src = clip.videoUrl;
        return;
      }
      const e = video.error;
      const notDecoded = e && (e.code === 3 || e.code === 4) && clip.videoCodec === 'hevc';
      fill(box, sentence('attention', notDecoded ? tr`This browser does not play H.265. Download the clip and open it in a player that does.` : tr`The clip could not be played here just now. Try again, or download it.`,
        details(`media error ${e?.code ?? ''}: ${e?.message ?? ''}\n${clip.videoUrl}`)));
      // The player does not tell what the box said; one byte of the clip does.
      const answer = await fetch(clip.videoUrl, { headers: { range: 'bytes=0-0' } }).catch(() => null);
      if (answer && !answer.ok) fill(box, problemBox(await problemOf(answer, `GET ${clip.videoUrl}`)));
      else answer?.body?.cancel();
    } });
  if (clip.state === 'stored' && store.storage?.target?.kind === 's3') {
    api.get(`/clips/${clip.id}/link`).then(({ url }) => {
      if (video.currentTime || !video.paused) return;
      direct = true;
      video.src = url;
    }, () => { /* this storage gives no addresses */ });
  }
  return h('div', {}, h('div', { class: 'frame video', style: { 'aspect-ratio': clip.width && clip.height ? `${clip.width} / ${clip.height}` : '16 / 9' } }, video), box);
}

function waiting(clip) {
  return h('div', { class: 'frame video not-ready' }, PLAYABLE.has(clip.state) ? h('img', { src: clip.thumbnailUrl, alt: '', onError: (e) => e.target.remove() }) : null,
    h('div', { class: 'over' }, icon(clipState(clip.state).icon), h('span', {}, clip.state === 'recording' ? tr`Still being recorded. It can be watched here when it is done.` : clip.state === 'transcoding' ? tr`Being prepared. It can be watched here when it is done.` : tr`This clip was not kept.`)));
}

const SOURCES = { box: tr`seen by the box`, camera: tr`told by the camera` };

/** What happened while the clip was recorded: each event in words, who saw it, and when. */
function happened(clip) {
  const body = h('ul', { class: 'plain-list' });
  const el = h('section', { class: 'card', 'data-testid': 'clip-events', hidden: true }, h('h2', {}, tr`What happened`), body);
  const words = h('span', {});
  let known = '';
  async function show(c) {
    const key = c.eventIds.join();
    if (key === known) return;
    known = key;
    const ids = c.eventIds.slice(0, MOST_EVENTS);
    const all = (await Promise.allSettled(ids.map((id) => api.get(`/events/${seg(id)}`)))).filter((r) => r.status === 'fulfilled').map((r) => r.value);
    const events = all.sort((a, b) => a.startedAt.localeCompare(b.startedAt));
    const rest = c.eventIds.length - ids.length;
    const by = (e) => (e.type === 'manual' ? tr`by a person` : SOURCES[e.source] ?? tr`told by another program`);
    say(words, [...new Set(events.map((e) => (e.type === 'manual' ? tr`Recorded by hand` : `${eventWords(e)}, ${by(e)}`)))].join('; '));
    el.hidden = events.length === 0;
    fill(body, events.map((e) => h('li', { class: 'row top' }, icon(eventType(e.type).icon), h('span', {}, h('span', { class: 'strong' }, eventWords(e)),
      h('span', { class: 'muted small block-line' }, [by(e), tr`at ${clockSeconds(e.startedAt)}`, e.endedAt && Date.parse(e.endedAt) - Date.parse(e.startedAt) > 1500 && tr`for ${duration(Math.round((Date.parse(e.endedAt) - Date.parse(e.startedAt)) / 1000))}`].filter(Boolean).join(', '))))),
    rest > 0 && h('li', { class: 'muted small' }, count(rest, 'And {0} more event.', 'And {0} more events.')));
  }
  return { el, words, show: (c) => show(c).catch(() => {}) };
}

const TONES = { ok: 'ok', trouble: 'trouble', busy: 'off', plain: 'off', live: 'off' };

export async function clipPage({ root, params: [id], on, skeleton }) {
  title(tr`Clip`);
  skeleton();
  let clip = await api.get(`/clips/${seg(id)}`);
  title(`${clip.channelName}, ${when(clip.startsAt)}`);
  const stage = h('div', {});
  const state = h('div', { 'aria-live': 'polite' });
  const more = h('div', {});
  const older = link('#/events', 'button', icon('back'), h('span', {}, tr`Earlier`));
  const newer = link('#/events', 'button', h('span', {}, tr`Later`), icon('next'));
  older.dataset.testid = 'clip-older';
  newer.dataset.testid = 'clip-newer';
  older.hidden = newer.hidden = true;
  const download = link(`${clip.videoUrl}?download=1`, 'button primary', icon('download'), h('span', {}, tr`Download`));
  download.setAttribute('download', '');
  download.dataset.testid = 'clip-download';

  const cut = button(tr`Cut out…`, { testid: 'clip-cut', async onClick() {
    (await import('./cut-out.js')).cutOut({ channelIds: [clip.channelId], from: clip.startsAt, to: Date.parse(clip.startsAt) + Math.ceil(clip.durationSeconds) * 1000 });
  } });
  const events = happened(clip);
  let staged = null;
  function draw() {
    const can = PLAYABLE.has(clip.state);
    const look = can ? (clip.encryption ? 'encrypted' : 'open') : 'waiting';
    if (staged !== look) { // the player stays as it is while only the facts change
      staged = look;
      fill(stage, !can ? waiting(clip) : clip.encryption ? encryptedPlayer(clip) : player(clip));
    } else if (!can) fill(stage, waiting(clip));
    download.hidden = cut.hidden = !can;
    const moving = (clip.state === 'sending' || clip.state === 'transcoding') && typeof clip.progress === 'number';
    fill(state, sentence(clip.lastError && clip.state !== 'stored' ? 'attention' : TONES[clipState(clip.state).tone], clip.stateSentence ?? clipState(clip.state).word,
      moving && h('div', {}, bar(clip.progress, tr`Progress`), h('p', { class: 'muted small' }, tr`${bytes(clip.sizeBytes * clip.progress)} of ${bytes(clip.sizeBytes)}`)),
      clip.lastError && clip.state !== 'stored' && h('p', { class: 'muted small' }, tr`Last time: ${clip.lastError}${clip.nextAttemptAt ? tr` Next try ${when(clip.nextAttemptAt)}.` : ''}`),
      clip.interrupted && h('p', { class: 'muted small' }, tr`The camera stopped sending during this clip, so it is shorter than it should be.`)));
    fill(more,
      facts([
        [tr`Camera`, h('a', { href: `#/cameras/${seg(clip.channelId)}` }, clip.channelName)],
        [tr`Start`, full(clip.startsAt)],
        [tr`Length`, duration(clip.durationSeconds)],
        [tr`Size`, bytes(clip.sizeBytes)],
        [tr`Picture`, `${picture(clip.width, clip.height)}${clip.frameRate ? `, ${frames(clip.frameRate)}` : ''}`],
        [tr`Codec`, `${codec(clip.videoCodec)}${clip.audioCodec ? tr` with ${codec(clip.audioCodec)} sound` : tr`, no sound`}`],
        [tr`Way`, way(clip.way), clip.wayReason && h('span', { class: 'muted small block-line' }, clip.wayReason)],
        clip.storedAt && [tr`In the cloud since`, full(clip.storedAt)],
        clip.expiresAt && [tr`Kept until`, full(clip.expiresAt)],
        clip.encryption && [tr`Encryption`, tr`Opens with the verification code`, h('span', { class: 'muted small block-line' }, tr`The downloaded file is encrypted too; “gatehouse footage decrypt” opens it with the recovery file.`)],
      ]),
      h('details', { class: 'details', 'data-testid': 'clip-details' }, h('summary', {}, tr`For support`), facts([
        [tr`Object key`, h('code', {}, clip.objectKey ?? tr`none yet`)], ['SHA-256', h('code', {}, clip.sha256 ?? tr`none yet`)], [tr`Attempts`, String(clip.attempts ?? 0)],
        [tr`Last error`, clip.lastError ?? tr`none`], [tr`Clip`, h('code', {}, clip.id)]])));
    fill(chipPlace, chip(clip.state, clip.progress));
    events.show(clip);
  }
  const chipPlace = h('span', {});
  draw();
  on('clip', (c) => { if (c.id === id) { clip = c; draw(); } });
  on('event', async (e) => { // an event may tell before the clip does
    if (e.clipId !== id || (e.state === clip.state && e.progress === clip.progress)) return;
    if (e.state === clip.state) { clip = { ...clip, progress: e.progress, stateSentence: e.stateSentence }; draw(); return; }
    try { clip = await api.get(`/clips/${seg(id)}`); draw(); } catch { /* what is shown stays */ }
  });
  on('resync', async () => { clip = await api.get(`/clips/${seg(id)}`); draw(); });
  fill(root, head([link('#/events', 'back', icon('back'), tr`Events`), h('h1', { tabindex: -1 }, clip.channelName), h('span', { class: 'muted' }, when(clip.startsAt)), events.words], chipPlace),
    h('div', { class: 'columns camera' },
      h('div', { class: 'camera-main' }, stage, h('div', { class: 'row wrap' }, older, newer, h('span', { class: 'grow' }), cut, download), state),
      h('div', {}, events.el, h('section', { class: 'card', 'data-testid': 'clip-facts' }, h('h2', {}, tr`About this clip`), more))));
  neighbours(clip).then((n) => {
    for (const [a, other] of [[older, n.older], [newer, n.newer]]) {
      a.hidden = !other;
      if (other) a.href = `#/clips/${seg(other)}`;
    }
  }, () => {});
}
