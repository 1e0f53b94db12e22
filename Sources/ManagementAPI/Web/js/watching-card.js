// Who watches live now, and how long somebody from afar may.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field } from './form.js';
import { bytes, clock } from './format.js';
import { button, card, problemBox } from './parts.js';
import { put, store } from './store.js';

const LIMITS = [['1', '1 minute'], ['5', '5 minutes'], ['15', '15 minutes'], ['60', '1 hour'], ['', 'No limit']];
const WAYS = { mp4: 'page', hls: 'HLS', mjpeg: 'pictures', rtsp: 'RTSP', webrtc: 'WebRTC' };
const EVERY = 3000;

function row(view, ended) {
  const about = [view.local ? `here, ${view.address}` : `from afar, ${view.address}`, view.stream === 'main' ? 'high definition' : 'standard definition', WAYS[view.way] ?? 'not yet fetched', bytes(view.bytes),
    view.missedPictures > 0 && `${view.missedPictures} pictures left out`, `since ${clock(view.startedAt)}`, view.endsAt && `until ${clock(view.endsAt)}`].filter(Boolean);
  return h('li', {}, icon('eye'), h('span', {}, h('span', { class: 'strong' }, `${view.person}: ${view.channelName}`), h('span', { class: 'muted small' }, about.join(' · '))),
    button('End', { look: 'small', 'aria-label': `End ${view.person}’s view of ${view.channelName}`, async onClick() { await api.delete(`/live/${seg(view.id)}`).catch(() => {}); ended(); } }));
}

export function watchingCard({ cleanup }) {
  const list = h('ul', { class: 'plain-list watching', 'data-testid': 'watching', 'aria-live': 'polite' });
  const now = String(store.system.liveLimitMinutes ?? '');
  const options = LIMITS.some(([value]) => value === now) ? LIMITS : [...LIMITS, [now, `${now} minutes`]];
  const limit = field({ label: 'Viewers from afar may watch for', pointer: '/liveLimitMinutes', type: 'select', value: now, options, testid: 'live-limit', hint: 'Then the page asks whether to go on. In the box’s own network there is no limit.' });
  const save = button('Save', { type: 'submit', testid: 'live-limit-save' });
  const form = h('form', { class: 'stack' }, limit.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [limit], button: save, busy: 'Saving…', async submit() {
    put('system', await api.patch('/system', { liveLimitMinutes: limit.value ? Number(limit.value) : null }));
    toast('Saved.');
  } });
  let shown = '';
  async function look() {
    if (document.hidden) return;
    try {
      const { items } = await api.get('/live');
      const key = JSON.stringify(items);
      if (key === shown) return;
      shown = key;
      fill(list, items.length === 0 ? h('li', { class: 'muted' }, 'Nobody watches live just now.') : items.map((view) => row(view, look)));
    } catch (problem) { if (problem.status !== 401) fill(list, h('li', {}, problemBox(problem))); }
  }
  const timer = setInterval(look, EVERY);
  cleanup(() => clearInterval(timer));
  look();
  return card('Live view', list, form);
}
