// One event in a list: picture, what, where, when, and where its clip is now.
import { api, query, seg } from './api.js';
import { fill, h, icon, say } from './dom.js';
import { clock, full, when } from './format.js';
import { bar, chip, link, problemBox } from './parts.js';
import { hasCode, pictureOf } from './footage-key.js';
import { tr } from './language.js';
import { store } from './store.js';
import { eventReason, eventType, eventWords } from './words.js';

const WITH_PICTURE = new Set(['queued', 'sending', 'stored']);

export function eventRow(event, { withCamera = true, withDay = null } = {}) {
  const what = h('span', { class: 'event-what' });
  const where = h('span', { class: 'event-where' });
  const at = h('time', { class: 'event-when' });
  const thumb = h('span', { class: 'thumb' });
  const state = h('span', { class: 'event-state' });
  const progress = h('span', { class: 'event-progress' });
  const reason = h('span', { class: 'event-reason muted small' });
  const el = h('a', { class: 'event', 'data-testid': 'event-row', 'data-id': event.id }, thumb,
    h('span', { class: 'event-text' }, what, h('span', { class: 'event-line' }, withCamera && where, at), reason), h('span', { class: 'event-side' }, state, progress));
  let shape = '';
  let pictured = null;
  function update(e) {
    const type = eventType(e.type);
    if (e.clipId) el.setAttribute('href', `#/clips/${seg(e.clipId)}`);
    else el.removeAttribute('href');
    fill(what, icon(type.icon), eventWords(e));
    say(where, store.channels.get(e.channelId)?.name ?? store.devices.get(e.deviceId)?.name ?? e.channelName);
    at.dateTime = e.startedAt;
    at.title = full(e.startedAt);
    say(at, withDay ? withDay(e.startedAt) : clock(e.startedAt));
    say(reason, eventReason(e) ?? (e.refilled ? tr`Refilled from the camera` : null));
    el.title = eventReason(e) ? '' : e.stateSentence ?? '';
    const next = `${e.state} ${e.progress}`;
    if (next !== shape) {
      shape = next;
      fill(state, chip(e.state, e.progress));
      const moving = (e.state === 'sending' || e.state === 'transcoding') && typeof e.progress === 'number';
      fill(progress, moving && bar(e.progress, e.stateSentence ?? tr`Progress`));
    }
    const url = e.clipId && WITH_PICTURE.has(e.state) ? `/api/v1/clips/${seg(e.clipId)}/thumbnail` : e.pictureUrl ?? null;
    if (!thumb.firstChild) fill(thumb, icon(type.icon));
    if (url === pictured) return;
    pictured = url;
    if (!url) fill(thumb, icon(type.icon));
    else {
      const none = () => { image.remove(); pictured = null; };
      // The picture of an encrypted clip is no picture until it is opened.
      let opened = !e.clipId || !hasCode();
      const image = h('img', { src: url, alt: '', loading: 'lazy', decoding: 'async', onError() {
        // Asked again: the code may have been found wrong meanwhile.
        if (opened || !hasCode()) { none(); return; }
        opened = true;
        pictureOf(e.clipId).then((clear) => { image.src = clear; }, none);
      } });
      fill(thumb, icon(type.icon), image);
    }
  }
  update(event);
  return { el, update };
}

/** The last few events of one camera. */
export async function lastEvents({ channelId, on }) {
  const list = h('div', { class: 'event-list' });
  const none = h('p', { class: 'muted' }, tr`Nothing has happened yet. Events appear here as soon as the camera is linked and armed, or when you press “Record now”.`);
  const el = h('section', { class: 'last-events' }, h('div', { class: 'row between' }, h('h2', {}, tr`Last events`), link(`#/events${query({ channel: channelId })}`, 'more-link', tr`All events`, icon('next'))), list, none);
  const rows = new Map();
  function put(event) {
    if (rows.has(event.id)) { rows.get(event.id).update(event); return; }
    const row = eventRow(event, { withCamera: false, withDay: when });
    rows.set(event.id, row);
    list.prepend(row.el);
    while (rows.size > 6) { const oldest = list.lastElementChild; rows.delete(oldest.dataset.id); oldest.remove(); }
    none.hidden = true;
  }
  async function load() {
    try {
      const { items } = await api.get(`/events${query({ channel: channelId, limit: 6 })}`);
      rows.clear();
      fill(list);
      none.hidden = items.length > 0;
      for (const e of items.reverse()) put(e);
    } catch (problem) { if (problem.status !== 401) fill(list, problemBox(problem)); }
  }
  on('event', (e) => { if (e.channelId === channelId) put(e); });
  on('resync', load);
  await load();
  return el;
}
