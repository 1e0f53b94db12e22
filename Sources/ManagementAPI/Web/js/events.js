// All events over all cameras, newest first, live; filtered by camera and by where the clip is.
import { api, query } from './api.js';
import { fill, h, icon, say } from './dom.js';
import { eventRow } from './event-row.js';
import { dayKey, dayName, zoneDiffers, zoneName } from './format.js';
import { tr } from './language.js';
import { button, empty, failure, head, link, skeleton } from './parts.js';
import { title } from './navigate.js';
import { channelsByName, store } from './store.js';
import { CLIP_STATES, EVENT_TYPES } from './words.js';

const PAGE = 50;
/** Not a state of its own: whatever has a clip that was not lost. The box does not look for it, so it is looked for here. */
const FOOTAGE = 'footage';
const MOST = { limit: 200, requests: 5 };

/** The list as last seen, so that coming back from a clip finds it as it was left. */
export const seen = { key: null, items: [], next: null };

export function eventsPage(context) {
  const { root, query: asked, on } = context;
  title(tr`Events`);
  const filter = { channel: asked.get('channel') ?? '', type: asked.get('type') ?? '', state: asked.get('state') ?? '' };
  const key = JSON.stringify(filter);
  const rows = new Map();
  const days = new Map(); // day -> its list element
  const list = h('div', { class: 'days', 'aria-live': 'off' });
  const status = h('div', {});
  const older = button(tr`Older`, { testid: 'older', onClick: () => load(seen.next) });
  const foot = h('div', { class: 'list-foot', hidden: true }, older);
  const about = h('span', { class: 'muted' }, zoneDiffers() ? tr`Times are in ${zoneName()}.` : '');
  const select = (label, name, options, testid) => h('label', { class: 'filter' }, h('span', { class: 'spoken' }, label), h('select', { value: filter[name], 'data-testid': testid, onChange(e) {
    location.hash = `/events${query({ ...filter, [name]: e.target.value })}`;
  } }, options.map(([v, t]) => h('option', { value: v }, t))));
  fill(root, head([h('h1', { tabindex: -1 }, tr`Events`), about],
    select(tr`Camera`, 'channel', [['', tr`All cameras`], ...channelsByName().map((c) => [c.id, c.name])], 'filter-camera'),
    select(tr`What`, 'type', [['', tr`All events`], ...Object.entries(EVENT_TYPES).map(([v, t]) => [v, t.word])], 'filter-type'),
    select(tr`Clip`, 'state', [['', tr`All clips`], [FOOTAGE, tr`With footage`], ...Object.entries(CLIP_STATES).map(([v, s]) => [v, s.word])], 'filter-state'),
    link('#/cut-outs', 'button small', icon('download'), h('span', {}, tr`Cut-outs`))), status, list, foot);

  const kept = (e) => !filter.state || (filter.state === FOOTAGE ? e.clipId && e.state !== 'dropped' : e.state === filter.state);

  async function fetchPage(before) {
    const footage = filter.state === FOOTAGE;
    const items = [];
    let next = before;
    for (let i = 0; i < (footage ? MOST.requests : 1); i += 1) {
      const answer = await api.get(`/events${query({ ...filter, ...(footage && { state: '' }), before: next, limit: footage ? MOST.limit : PAGE })}`);
      items.push(...answer.items.filter(kept));
      next = answer.next;
      if (!next || items.length >= PAGE / 2) break;
    }
    return { items, next };
  }

  /** The list of a day, which is made before the section `next`, or at the end. */
  function dayList(t, next) {
    const day = dayKey(t);
    if (!days.has(day)) {
      const events = h('div', { class: 'event-list' });
      const el = h('section', { class: 'day-events' }, h('h2', {}, dayName(t)), events);
      list.insertBefore(el, next);
      days.set(day, events);
    }
    return days.get(day);
  }

  /** Shows an event before `next`, the one that follows it, or at the end. */
  function show(event, next = null) {
    const known = rows.get(event.id);
    if (known) { known.update(event); return; }
    const row = eventRow(event);
    rows.set(event.id, row);
    const follower = (next && rows.get(next.id)?.el) ?? null;
    const events = dayList(event.startedAt, follower?.closest('.day-events') ?? null);
    events.insertBefore(row.el, follower?.parentElement === events ? follower : null);
  }

  /** Shows what is new or changed at its place: events of one moment come in any order. */
  function take(event) {
    const known = seen.items.findIndex((x) => x.id === event.id);
    if (known >= 0) { seen.items[known] = event; show(event); return; }
    const at = seen.items.findIndex((x) => x.startedAt <= event.startedAt);
    if (at < 0 && seen.next) return; // older than what is shown: "Older" will bring it
    const next = at < 0 ? null : seen.items[at];
    seen.items.splice(at < 0 ? seen.items.length : at, 0, event);
    show(event, next);
  }

  function tell() {
    foot.hidden = !seen.next;
    const any = rows.size > 0;
    if (any) { fill(status); return; }
    const filtered = filter.channel || filter.type || filter.state;
    fill(status, filtered
      ? empty({ iconName: 'events', title: tr`Nothing here`, text: tr`No event matches this camera, this kind and this state.`, action: link('#/events', 'button', tr`Show all events`) })
      : empty({ iconName: 'events', title: tr`Events will be here`,
        text: store.channels.size ? tr`When something moves in front of an armed and linked camera, or you press “Record now”, a clip from 5 seconds before appears here, with where it is on its way to the cloud.` : tr`Add a camera first. Then, when something moves in front of it, a clip appears here.`,
        action: store.channels.size ? link('#/cameras', 'button primary', tr`To the cameras`) : link('#/add', 'button primary', tr`Add cameras`) }));
  }

  /** What comes while the list is on its way: the answer may be older than it. */
  let meanwhile = null;

  async function load(before = null) {
    const came = before ? null : [];
    if (came) meanwhile = came;
    older.disabled = true;
    say(older.querySelector('span'), before ? tr`Loading…` : tr`Older`);
    if (!before && !rows.size) fill(status, skeleton('sk-row', 'sk-row', 'sk-row', 'sk-row', 'sk-row'));
    try {
      const answer = await fetchPage(before);
      if (!before) {
        Object.assign(seen, { key, items: answer.items });
        rows.clear();
        days.clear();
        fill(list);
      } else seen.items.push(...answer.items);
      seen.next = answer.next;
      for (const e of answer.items) show(e);
      for (const e of came ?? []) if (!rows.has(e.id)) take(e);
      tell();
      if (came?.length) refreshTop(); // of those that both have it is not known which is newer
    } catch (problem) {
      if (problem.status !== 401) failure(status, problem, () => load(before));
    }
    if (meanwhile === came) meanwhile = null;
    say(older.querySelector('span'), tr`Older`);
    older.disabled = false;
  }

  on('event', (e) => {
    if ((filter.channel && e.channelId !== filter.channel) || (filter.type && e.type !== filter.type)) return;
    if (!kept(e) && !rows.has(e.id)) return;
    meanwhile?.push(e);
    take(e);
    tell();
  });
  on('resync', () => load());

  if (seen.key === key && seen.items.length) {
    for (const e of seen.items) show(e);
    tell();
    refreshTop();
  } else {
    Object.assign(seen, { key, items: [], next: null });
    load();
  }

  /** What changed while one was elsewhere, without losing the place. */
  async function refreshTop() {
    try {
      const { items, next } = await fetchPage(null);
      if (!context.alive) return;
      const overlap = items.some((e) => rows.has(e.id));
      if (!overlap && items.length) { Object.assign(seen, { items, next }); rows.clear(); days.clear(); fill(list); for (const e of items) show(e); return; }
      for (const e of items.reverse()) take(e);
      tell();
    } catch { /* the list as it was stays */ }
  }
}

/** The ids of the clips in the list as last seen, newest first, each once. */
export function clipsSeen() {
  return [...new Set(seen.items.map((e) => e.clipId).filter(Boolean))];
}
