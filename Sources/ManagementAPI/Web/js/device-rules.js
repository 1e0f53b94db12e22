// Lines and regions that the camera itself watches, drawn over the picture as the camera has them.
import { api, seg } from './api.js';
import { fill, h, icon, svg } from './dom.js';
import { together } from './format.js';
import { tr } from './language.js';
import { tellButton } from './notify.js';
import { button, problemBox, sentence, skeleton } from './parts.js';
import { picture } from './picture.js';
import { store } from './store.js';
import { eventType, TARGETS } from './words.js';

/** Regions that are really drawn: devices list empty ones too. */
const drawn = (rule) => rule.regions.filter((r) => r.points.some((p) => p.x !== r.points[0].x || p.y !== r.points[0].y));

function drawing(rules) {
  // What is off lies under what is on.
  const all = rules.flatMap((rule) => drawn(rule).map((r) => ({ rule, r, on: rule.enabled && r.enabled }))).sort((a, b) => a.on - b.on);
  const shapes = all.map(({ rule, r, on }) => svg('g', { class: `rule ${on ? '' : 'off'}` }, svg('title', {}, on ? tr`${eventType(rule.type).word}, region ${r.id}` : tr`${eventType(rule.type).word}, region ${r.id}, off`),
      svg(r.points.length === 2 ? 'polyline' : 'polygon', { points: r.points.map((p) => `${p.x * 1000},${p.y * 1000}`).join(' ') })));
  return svg('svg', { class: 'rules', viewBox: '0 0 1000 1000', preserveAspectRatio: 'none', role: 'img', 'aria-label': tr`Lines and regions over the picture` }, shapes);
}

/** The number of a region at its first corner; of those at one place the first says it for all. */
function numbers(rules) {
  const places = new Map();
  for (const rule of rules) {
    for (const r of rule.enabled ? drawn(rule).filter((x) => x.enabled) : []) {
      const key = `${r.points[0].x} ${r.points[0].y}`;
      places.set(key, { at: r.points[0], names: [...(places.get(key)?.names ?? []), `${eventType(rule.type).word} ${r.id}`] });
    }
  }
  return [...places.values()].map(({ at, names }) => h('span', { class: 'rule-number', style: { left: `${Math.min(96, Math.max(4, at.x * 100))}%`, top: `${Math.min(94, Math.max(6, at.y * 100))}%` }, title: names.join(', '), 'aria-hidden': 'true' }, names[0].split(' ').pop()));
}

function words(rule, channel) {
  const type = eventType(rule.type);
  const regions = drawn(rule).map((r) => h('li', {}, tr`Region ${r.id}: ${[rule.type === 'line-crossing' ? tr`a line` : tr`${r.points.length} corners`, r.enabled ? tr`on` : tr`off`, r.targets.length && together(r.targets.map((t) => TARGETS[t] ?? t)),
    r.sensitivity !== null && tr`sensitivity ${r.sensitivity}`].filter(Boolean).join(', ')}`));
  return h('li', { 'data-testid': `rule-${rule.type}` }, h('div', { class: 'row' }, icon(type.icon), h('span', { class: 'strong' }, type.word), h('span', { class: 'muted' }, rule.enabled ? tr`on` : tr`off`)),
    regions.length ? h('ul', { class: 'bullets small' }, regions) : h('p', { class: 'muted small' }, tr`Nothing is drawn.`),
    rule.enabled && rule.notifies === false && sentence('attention', tr`The camera sees it and does not tell the box: “notify surveillance center” is off.`, channel.capabilities?.includes('notification-switch') && tellButton(channel, rule.type)));
}

export function deviceRules({ channelId, on }) {
  const channel = () => store.channels.get(channelId);
  const body = h('div', { class: 'stack', 'data-testid': 'device-rules' }, skeleton('sk-block'));
  async function load() {
    try {
      const { items } = await api.get(`/channels/${seg(channelId)}/device-rules`);
      const pic = picture(channel());
      on('channel', (c) => { if (c.id === channelId) pic.show(c); });
      if (!items.length) fill(body, h('p', { class: 'muted' }, tr`The camera has no rules. They are drawn in the camera’s own web page; here they then appear.`));
      else fill(body, h('div', { class: 'frame' }, pic, drawing(items), numbers(items)), h('ul', { class: 'plain-list' }, items.map((r) => words(r, channel()))), h('p', { class: 'muted small' }, tr`Lines and regions are drawn in the camera’s own web page.`));
    } catch (problem) { fill(body, problemBox(problem), button(tr`Try again`, { iconName: 'test', onClick: load })); }
  }
  load();
  return body;
}
