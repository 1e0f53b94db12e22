// Who watches live now, and how long somebody from afar may.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field } from './form.js';
import { bytes, clock, count } from './format.js';
import { tr } from './language.js';
import { button, card, problemBox } from './parts.js';
import { put, store } from './store.js';

const LIMITS = [['1', count(1, 'minute')], ['5', count(5, 'minute')], ['15', count(15, 'minute')], ['60', count(1, 'hour')], ['', tr`No limit`]];
const WAYS = { mp4: tr`page`, hls: 'HLS', mjpeg: tr`pictures`, rtsp: 'RTSP', webrtc: 'WebRTC' };
const EVERY = 3000;

function row(view, ended) {
  const about = [view.local ? tr`here, ${view.address}` : tr`from afar, ${view.address}`, view.stream === 'main' ? tr`high definition` : tr`standard definition`, WAYS[view.way] ?? tr`not yet fetched`, bytes(view.bytes),
    view.missedPictures > 0 && count(view.missedPictures, 'picture left out', 'pictures left out'), tr`since ${clock(view.startedAt)}|a time of day`, view.endsAt && tr`until ${clock(view.endsAt)}|a time of day`].filter(Boolean);
  return h('li', {}, icon('eye'), h('span', {}, h('span', { class: 'strong' }, `${view.person}: ${view.channelName}`), h('span', { class: 'muted small' }, about.join(' · '))),
    button(tr`End`, { look: 'small', 'aria-label': tr`End ${view.person}’s view of ${view.channelName}`, async onClick() { await api.delete(`/live/${seg(view.id)}`).catch(() => {}); ended(); } }));
}

export function watchingCard({ cleanup }) {
  const list = h('ul', { class: 'plain-list watching', 'data-testid': 'watching', 'aria-live': 'polite' });
  const now = String(store.system.liveLimitMinutes ?? '');
  const options = LIMITS.some(([value]) => value === now) ? LIMITS : [...LIMITS, [now, count(now, 'minute')]];
  const limit = field({ label: tr`Viewers from afar may watch for`, pointer: '/liveLimitMinutes', type: 'select', value: now, options, testid: 'live-limit', hint: tr`Then the page asks whether to go on. In the box’s own network there is no limit.` });
  const save = button(tr`Save`, { type: 'submit', testid: 'live-limit-save' });
  const form = h('form', { class: 'stack' }, limit.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [limit], button: save, busy: tr`Saving…`, async submit() {
    put('system', await api.patch('/system', { liveLimitMinutes: limit.value ? Number(limit.value) : null }));
    toast(tr`Saved.`);
  } });
  let shown = '';
  async function look() {
    if (document.hidden) return;
    try {
      const { items } = await api.get('/live');
      const key = JSON.stringify(items);
      if (key === shown) return;
      shown = key;
      fill(list, items.length === 0 ? h('li', { class: 'muted' }, tr`Nobody watches live just now.`) : items.map((view) => row(view, look)));
    } catch (problem) { if (problem.status !== 401) fill(list, h('li', {}, problemBox(problem))); }
  }
  const timer = setInterval(look, EVERY);
  cleanup(() => clearInterval(timer));
  look();
  return card(tr`Live view`, list, form);
}
