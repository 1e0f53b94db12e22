// Permissions that are asked for or given: which, of what, for how long.
import { h } from './dom.js';
import { field } from './form.js';
import { count, full } from './format.js';
import { tr } from './language.js';

export const PERMISSIONS = [
  ['live-view', tr`Live view`, tr`See what happens now, move the lens, talk.`],
  ['playback', tr`Playback`, tr`See and take away what was recorded.`],
  ['configuration', tr`Configuration`, tr`Set the devices, link them to the cloud, open doors.`],
  ['site-information', tr`Site information`, tr`Change the site’s name and address.`],
];
export const permissionWord = (code) => PERMISSIONS.find(([c]) => c === code)?.[1] ?? code;
export const validityWords = ({ hours, until }) => (hours ? tr`for ${count(hours, 'hour')}` : until ? tr`until ${full(until)}` : tr`for good`);
/** "Live view of Door, for 8 hours" */
export const wishWords = (wish, devices = [], channels = []) => {
  const of = wish.device ?? wish.channel ?? devices.find((d) => d.id === wish.deviceId)?.name ?? channels.find((c) => c.id === wish.channelId)?.name ?? (wish.deviceId || wish.channelId ? tr`something that is gone` : tr`the whole site`);
  return tr`${permissionWord(wish.permission)} of ${of}, ${validityWords(wish)}`;
};

/** Fields for them; `read()` gives what the API takes. */
export function wishFields({ devices, testid, ticked = [] }) {
  const boxes = PERMISSIONS.map(([code, label, hint]) => {
    const input = h('input', { type: 'checkbox', value: code, checked: ticked.includes(code), 'data-testid': `${testid}-${code}` });
    return { input, el: h('label', { class: 'check' }, input, h('span', {}, h('span', { class: 'strong' }, label), h('span', { class: 'muted small' }, hint))) };
  });
  const of = field({ label: tr`Of`, type: 'select', options: [['', tr`the whole site`], ...devices.map((d) => [d.id, d.name])], testid: `${testid}-device`, hint: tr`Site information is always of the whole site.` });
  const long = field({ label: tr`For how long`, type: 'select', options: [['', tr`for good`], ...[1, 2, 4, 8].map((n) => [String(n), count(n, 'hour')]), ['until', tr`until a moment`]], testid: `${testid}-hours` });
  const until = field({ label: tr`Until`, type: 'datetime-local', pointer: '/permissions', testid: `${testid}-until` });
  until.el.hidden = true;
  long.input.addEventListener('change', () => { until.el.hidden = long.value !== 'until'; });
  const el = h('div', { class: 'stack' }, h('fieldset', { class: 'checks' }, h('legend', {}, tr`Permissions`), boxes.map((b) => b.el)), devices.length > 0 && of.el, h('div', { class: 'pair' }, long.el, until.el));
  return {
    el, fields: [of, long, until],
    read() {
      const chosen = boxes.filter((b) => b.input.checked).map((b) => b.input.value);
      const validity = long.value === 'until' ? (until.value ? { until: new Date(until.value).toISOString() } : {}) : long.value ? { hours: Number(long.value) } : {};
      return chosen.map((permission) => ({ permission, ...(of.value && permission !== 'site-information' && { deviceId: of.value }), ...validity }));
    },
    missing: () => (long.value === 'until' && !until.value ? until : null),
  };
}
