// Permissions that are asked for or given: which, of what, for how long.
import { fill, h, icon } from './dom.js';
import { field, wrong } from './form.js';
import { count, full } from './format.js';
import { tr } from './language.js';
import { button } from './parts.js';

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

const MOST_GROUPS = 20;
/** A moment as a field for date and time has it. */
const local = (t) => new Date(new Date(t) - new Date(t).getTimezoneOffset() * 60000).toISOString().slice(0, 16);

const thingOf = (wish) => wish.channelId ?? wish.deviceId ?? '';

/** What permissions can be of; a device's channels only where it has several. */
function things(devices, channels) {
  const own = (device) => channels.filter((c) => c.deviceId === device.id);
  return [['', tr`the whole site`], ...devices.flatMap((d) => [[d.id, d.name], ...(own(d).length > 1 ? own(d).map((c) => [c.id, `${d.name} – ${c.name}`]) : [])])];
}

/** Some permissions of one thing, for one time. Whatever comes after the first group can be removed. */
function wishGroup({ options, channels, testid, number, ticked = [], remove }) {
  const id = (name) => `${testid}-${name}${number > 1 ? `-${number}` : ''}`;
  const boxes = PERMISSIONS.map(([code, label, hint]) => {
    const input = h('input', { type: 'checkbox', value: code, checked: ticked.includes(code), 'data-testid': id(code) });
    return { input, el: h('label', { class: 'check' }, input, h('span', {}, h('span', { class: 'strong' }, label), h('span', { class: 'muted small' }, hint))) };
  });
  const note = h('p', { class: 'note' });
  const checks = h('fieldset', { class: 'checks' }, h('legend', {}, number > 1 ? tr`More permissions` : tr`Permissions`), boxes.map((b) => b.el), note);
  const of = field({ label: tr`Of`, type: 'select', options, testid: id('device'), hint: tr`Site information is always of the whole site.` });
  const long = field({ label: tr`For how long`, type: 'select', options: [['', tr`for good`], ...[1, 2, 4, 8].map((n) => [String(n), count(n, 'hour')]), ['until', tr`until a moment`]], testid: id('hours') });
  const until = field({ label: tr`Until`, type: 'datetime-local', testid: id('until') });
  const shape = () => { until.el.hidden = long.value !== 'until'; };
  long.input.addEventListener('change', shape);
  shape();
  const chosen = () => boxes.filter((b) => b.input.checked).map((b) => b.input.value);
  function fillIn(wishes) {
    for (const b of boxes) b.input.checked = wishes.some((wish) => wish.permission === b.input.value);
    const [{ hours, until: end }] = wishes;
    of.value = thingOf(wishes[0]);
    long.value = hours ? String(hours) : end ? 'until' : '';
    until.value = end && Date.parse(end) > Date.now() ? local(end) : ''; // a moment that is over is chosen anew
    shape();
  }
  const self = {
    el: h('div', { class: 'stack' }, checks, options.length > 1 && of.el, h('div', { class: 'pair' }, long.el, until.el), remove && button(tr`Remove these permissions`, { look: 'small long', testid: id('remove'), onClick: () => remove(self) })),
    error(text) { checks.classList.toggle('wrong', Boolean(text)); fill(note, text ? [icon('warn'), h('span', {}, text)] : ''); if (!text) until.error(null); },
    fillIn, focus: () => boxes[0].input.focus(),
    read() {
      const validity = long.value === 'until' ? (until.value ? { until: new Date(until.value).toISOString() } : {}) : long.value ? { hours: Number(long.value) } : {};
      const thing = channels.some((c) => c.id === of.value) ? { channelId: of.value } : of.value ? { deviceId: of.value } : {};
      return chosen().map((permission) => ({ permission, ...(permission !== 'site-information' && thing), ...validity }));
    },
    check(some) {
      if (some && chosen().length === 0) throw wrong(self, tr`Choose at least one permission.`);
      if (long.value === 'until' && !until.value) throw wrong(until, tr`Choose a moment.`);
    },
  };
  return self;
}

/** Fields for them, in groups: `read()` gives what the API takes, `check()` throws what is missing. */
export function wishFields({ devices, channels = [], testid, ticked }) {
  const options = things(devices, channels);
  const groups = [];
  let number = 0;
  let failed = null;
  const list = h('div', { class: 'stack wishes' });
  const more = button(options.length > 1 ? tr`Add permissions for something else` : tr`Add permissions for another time`, { look: 'small long', iconName: 'plus', testid: `${testid}-add`, onClick: () => add().focus() });
  function add(given) {
    number += 1;
    const group = wishGroup({ options, channels, testid, number, ticked: given, remove: groups.length > 0 && remove });
    groups.push(group);
    list.append(group.el);
    more.hidden = groups.length >= MOST_GROUPS;
    return group;
  }
  function remove(group) {
    groups.splice(groups.indexOf(group), 1);
    group.el.remove();
    more.hidden = false;
    more.focus();
  }
  add(ticked);
  /** Fills them with permissions that were asked for before; false, and nothing is changed, where they cannot hold all of them. */
  function fillIn(wishes) {
    const wanted = new Map();
    for (const wish of wishes) {
      const key = JSON.stringify([thingOf(wish), wish.hours, wish.until]);
      wanted.set(key, [...wanted.get(key) ?? [], wish]);
    }
    if (wanted.size === 0 || wanted.size > MOST_GROUPS || wishes.some((wish) => !options.some(([value]) => value === thingOf(wish)))) return false;
    for (const group of groups.slice(1)) remove(group);
    number = 1;
    [...wanted.values()].forEach((some, i) => (groups[i] ?? add()).fillIn(some));
    return true;
  }
  // The API names each permission by its place among all of them: what it says of one is said at its group.
  const all = {
    pointer: '/permissions',
    error(text, pointer = '') {
      const places = groups.flatMap((group) => group.read().map(() => group));
      failed = places[Number(/\/permissions\/(\d+)/.exec(pointer)?.[1] ?? 0)] ?? groups[0];
      if (text) failed.error(text); else for (const group of groups) group.error(null);
    },
    focus: () => failed.focus(),
  };
  return {
    el: h('div', { class: 'stack' }, list, more), fields: [all],
    fillIn, read: () => groups.flatMap((group) => group.read()),
    /** None at all will do, unless there have to be `some`; a group that was added is there for something. */
    check({ some = false } = {}) { for (const group of groups) group.check(some || group !== groups[0]); },
  };
}
