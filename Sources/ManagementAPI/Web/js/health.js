// What is wrong first; then everything that is well.
import { fill, h, icon } from './dom.js';
import { budgetWords, bytes, count, lineRate, when } from './format.js';
import { tr } from './language.js';
import { head, link, sentence } from './parts.js';
import { title } from './navigate.js';
import { channelsByName, devicesByName, refreshHealth, store } from './store.js';
import { modelWords, severity } from './words.js';

const RANK = { trouble: 0, attention: 1 };

function subjectLink({ kind, id }) {
  if (kind === 'channel' && id) return [`#/cameras/${encodeURIComponent(id)}`, store.channels.get(id)?.name ?? tr`The camera`];
  if (kind === 'device' && id) return [`#/device/${encodeURIComponent(id)}`, store.devices.get(id)?.name ?? tr`The device`];
  if (['storage', 'second-storage', 'spool'].includes(kind)) return ['#/cloud', tr`Cloud`];
  return ['#/box', tr`Box`];
}

function problem(p) {
  const [href, name] = subjectLink(p.subject);
  return h('li', { class: `problem ${p.severity}`, 'data-testid': 'health-problem' },
    sentence(p.severity, p.sentence, h('div', { class: 'row between' }, h('span', { class: 'muted small' }, p.since ? tr`Since ${when(p.since)}` : ''), link(href, 'more-link', name, icon('next')))));
}

const well = (href, name, text, code = 'ok') => h('li', {}, h('a', { class: `well ${code}`, href }, icon(severity(code).icon, severity(code).word), h('span', {}, h('span', { class: 'strong' }, name), h('span', { class: 'muted' }, text)), icon('next')));

export function healthPage({ root, on }) {
  title(tr`Health`);
  const state = h('div', { 'aria-live': 'polite', 'data-testid': 'health-state' });
  const problems = h('ul', { class: 'plain-list' });
  const fine = h('ul', { class: 'well-list card' });
  const fineHead = h('h2', {}, tr`What is well`);

  function draw() {
    const health = store.health;
    if (!health) return;
    const list = [...health.problems].sort((a, b) => (RANK[a.severity] ?? 2) - (RANK[b.severity] ?? 2));
    const ill = (kind, id) => list.some((p) => p.subject.kind === kind && (!id || p.subject.id === id));
    fill(state, list.length === 0 ? sentence('ok', tr`Everything is well.`) : h('p', { class: 'muted' }, count(list.length, '{0} thing needs you.', '{0} things need you.')));
    fill(problems, list.map(problem));
    const rows = channelsByName().filter((c) => c.proxied !== false && !ill('channel', c.id) && c.state.severity !== 'trouble' && c.state.severity !== 'attention').map((c) => well(`#/cameras/${encodeURIComponent(c.id)}`, c.name, c.state.sentence, c.state.severity));
    rows.push(...devicesByName().filter((d) => d.driver !== 'rtsp' && d.channelIds.length !== 1 && d.state.severity === 'ok' && !ill('device', d.id)).map((d) => well(`#/device/${encodeURIComponent(d.id)}`, d.name, [modelWords(d.identity), d.state.sentence].filter(Boolean).join(': '))));
    const s = store.storage;
    if (s?.target && !ill('storage')) rows.push(well('#/cloud', tr`Cloud storage`, tr`${s.state.sentence} The line: ${lineRate(s.line.bytesPerSecond)}.`));
    if (s && !ill('spool')) rows.push(well('#/cloud', tr`Space for waiting clips`, tr`${bytes(s.spool.bytes)} of ${bytes(s.spool.limitBytes)} used.`));
    const b = store.system?.budget;
    const proven = store.system?.encoders?.filter((e) => e.proven) ?? [];
    if (proven.length && !ill('worker')) rows.push(well('#/box', tr`Conversion`, `${count(proven.length, 'encoder proven', 'encoders proven')}${b?.linkedChannels ? tr`; linked cameras: ${budgetWords(b)}` : ''}.`));
    fill(fine, rows);
    fine.hidden = fineHead.hidden = rows.length === 0;
  }

  for (const name of ['health', 'system']) on(name, draw);
  on('channel', (c, before) => { if (!before || before.state.sentence !== c.state.sentence || before.name !== c.name) draw(); });
  let wasDevices = '';
  on('device', () => { const key = JSON.stringify(devicesByName().map((d) => [d.name, d.state.sentence])); if (key !== wasDevices) { wasDevices = key; draw(); } });
  let last = '';
  on('storage', (s) => { const key = JSON.stringify([s.state, Math.round(s.spool.bytes / 1e8)]); if (key !== last) { last = key; draw(); } });
  fill(root, head(tr`Health`), h('div', { class: 'narrow' }, state, problems, fineHead, fine));
  draw();
  return refreshHealth();
}
