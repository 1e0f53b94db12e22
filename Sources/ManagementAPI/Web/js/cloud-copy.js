// The cloud copy of a camera: linked or not, in what definition, kept how long, made which way, and what it costs the box.
import { api, seg } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, choice, field, wrong } from './form.js';
import { bitRate, count, frames, picture, plain } from './format.js';
import { tr } from './language.js';
import { lineAdvice, lineWarning } from './line-warning.js';
import { bar, button, facts, problemBox, sentence } from './parts.js';
import { definitions, put, refreshSystem, store } from './store.js';
import { way } from './words.js';

const TITLES = { high: tr`High definition`, standard: tr`Standard definition`, custom: tr`Custom` };
export const definitionTitle = (d) => TITLES[d.kind] ?? d.title;
export function definitionWords(d) {
  if (!d) return tr`not linked`;
  if (d.kind !== 'custom' && TITLES[d.kind]) return TITLES[d.kind];
  return `${d.resolution}, ${bitRate(d.bitRate)}`;
}

export function megapixels(channel) {
  const main = channel.streams?.find((s) => s.role === 'main') ?? channel.streams?.[0];
  return main?.width ? (main.width * main.height) / 1e6 : null;
}

/** What the box can carry, and what this camera takes of it. */
function budget(channel) {
  const b = store.system?.budget;
  if (!b) return null;
  const mine = megapixels(channel);
  const over = !channel.linked && mine && b.usedMegapixels + mine > b.megapixels;
  return h('div', { class: 'figure' }, h('div', { class: 'figure-head' }, h('span', { class: 'strong' }, tr`What the box can carry`), h('span', { class: 'number' }, tr`${plain(b.usedMegapixels)} of ${plain(b.megapixels)} megapixels taken`)),
    bar(b.usedMegapixels / b.megapixels, tr`Megapixels used`, over ? 'attention' : ''),
    h('p', { class: 'muted small' }, count(b.linkedChannels, '{0} camera linked.', '{0} cameras linked.'), ' ', mine && (channel.linked ? tr`This camera takes ${plain(mine)} megapixels.` : tr`This camera would take ${plain(mine)} megapixels.`)),
    over && sentence('attention', tr`With this camera it would be ${plain(b.usedMegapixels + mine)} of ${plain(b.megapixels)} megapixels. Unlink another camera, or set a smaller main stream in this one.`));
}

function planFacts(channel) {
  const p = channel.plan;
  if (!p) return null;
  return h('div', { class: 'plan' }, h('p', { class: 'strong' }, way(p.way)), h('p', { class: 'muted small' }, p.reason),
    facts([[tr`Picture`, picture(p.width, p.height)], [tr`Frame rate`, frames(p.frameRate)], [tr`Bit rate`, bitRate(p.bitRate)]]));
}

/** `linked(channel)` is called after the link was made here. */
export async function cloudCopy({ channelId, on, linked, later }) {
  const [list, advice] = await Promise.all([definitions(), lineAdvice()]);
  const custom = list.find((d) => d.kind === 'custom');
  const now = () => store.channels.get(channelId);
  const first = now();
  const start = first.definition ?? { kind: 'high' };
  const hint = (d) => (d.kind === 'custom' ? tr`Choose size and bit rate` : `${picture(d.width, d.height)}, ${bitRate(d.bitRate)}`);
  const kind = choice({ label: tr`Definition`, pointer: '/definition/kind', look: 'cards', value: start.kind, testid: 'definition', onChange: () => { shape(); dirty(); },
    options: list.map((d) => ({ value: d.kind, label: definitionTitle(d), hint: hint(d) })) });
  const sizes = custom?.resolutions ?? [];
  const resolution = field({ label: tr`Size`, pointer: '/definition/resolution', type: 'select', testid: 'resolution', value: start.resolution ?? sizes[0]?.name, options: sizes.map((r) => [r.name, `${r.name}, ${picture(r.width, r.height)}`]) });
  const rate = field({ label: tr`Bit rate`, pointer: '/definition/bitRate', suffix: 'kbit/s', inputmode: 'numeric', testid: 'bit-rate', value: String(Math.round((start.bitRate ?? 0) / 1000) || '') });
  const recommended = () => Math.round((sizes.find((r) => r.name === resolution.value)?.recommendedBitRate ?? 0) / 1000);
  const customPart = h('div', { class: 'pair' }, resolution.el, rate.el);
  const keep = choice({ label: tr`Keep footage for`, pointer: '/retentionDays', testid: 'retention', value: keepValue(first.retentionDays), onChange: () => { shape(); dirty(); },
    options: [{ value: '7', label: tr`7 days` }, { value: '30', label: tr`30 days` }, { value: 'other', label: tr`Other` }] });
  const days = field({ label: tr`Days`, pointer: '/retentionDays', inputmode: 'numeric', suffix: tr`days`, value: String(first.retentionDays ?? 7), hint: tr`From 1 to 365.` });

  const planned = () => store.system?.plansEnforced === true; // the plan says for how long
  const planNote = h('p', { class: 'muted' }, tr`How long footage is kept is part of the camera’s plan, `, h('a', { href: '#/cloud' }, tr`under Cloud`), '.');

  function keepValue(n) { return n === 30 ? '30' : n === 7 || !n ? '7' : 'other'; }
  function shape() {
    customPart.hidden = kind.value !== 'custom';
    planNote.hidden = !planned();
    keep.el.hidden = planned();
    days.el.hidden = planned() || keep.value !== 'other';
    const best = recommended();
    rate.hint(tr`Recommended for ${resolution.value}: ${best} kbit/s.`);
    if (!rate.given) rate.value = String(best);
  }
  resolution.input.addEventListener('change', () => { rate.value = String(recommended()); shape(); dirty(); });
  for (const f of [rate, days]) f.input.addEventListener('input', () => dirty());

  const submitButton = button('', { look: 'primary', type: 'submit', testid: 'link-cloud' });
  const unlink = button(tr`Unlink`, { look: 'plain', testid: 'unlink-cloud', async onClick() {
    const c = now();
    const yes = await ask({ title: tr`Unlink ${c.name}?`, action: tr`Unlink`, text: tr`Events of ${c.name} are no longer copied to the cloud. Footage already there stays until its retention of ${count(c.retentionDays, 'day')} ends.` });
    if (!yes) return;
    unlink.disabled = true;
    try {
      put('channel', await api.delete(`/channels/${seg(channelId)}/link`));
      refreshSystem();
      toast(tr`${c.name} is no longer linked.`);
    } catch (problem) { fill(message, problemBox(problem)); }
    unlink.disabled = false;
  } });
  const numbers = h('div', { class: 'stack' });
  const target = h('div', {});
  const form = h('form', { class: 'stack', 'data-testid': 'cloud-form' }, target, kind.el, customPart, keep.el, days.el, planNote, numbers, h('div', { class: 'actions' }, later, unlink, submitButton));

  function wanted() {
    const definition = { kind: kind.value };
    if (definition.kind === 'custom') {
      const kbit = Number(rate.value);
      if (!(kbit >= 64 && kbit <= 8000)) throw wrong(rate, tr`Enter a bit rate from 64 to 8,000 kbit/s.`);
      Object.assign(definition, { resolution: resolution.value, bitRate: Math.round(kbit * 1000) });
    }
    if (planned()) return { definition };
    const retentionDays = keep.value === 'other' ? Number(days.value) : Number(keep.value);
    if (!(Number.isInteger(retentionDays) && retentionDays >= 1 && retentionDays <= 365)) throw wrong(days, tr`Enter a number of days from 1 to 365.`);
    return { definition, retentionDays };
  }
  const { message } = bind(form, { fields: [kind, resolution, rate, keep, days], button: submitButton, busy: tr`Saving…`, after: () => dirty(), async submit() {
    const c = now();
    const path = `/channels/${seg(channelId)}`;
    const answer = c.linked ? await api.patch(path, wanted()) : await api.put(`${path}/link`, wanted());
    put('channel', answer);
    refreshSystem();
    toast(c.linked ? tr`Saved.` : tr`${answer.name} is linked to the cloud.`, { iconName: c.linked ? 'check' : 'cloud-ok' });
    if (!c.linked) linked?.(answer);
  } });

  function dirty() {
    const c = now();
    if (!c) return;
    let same = false;
    try {
      const w = wanted();
      const d = c.definition ?? {};
      same = c.linked && (planned() || w.retentionDays === c.retentionDays) && w.definition.kind === d.kind && (d.kind !== 'custom' || (w.definition.resolution === d.resolution && w.definition.bitRate === d.bitRate));
    } catch { /* the form will say what is wrong */ }
    submitButton.disabled = same;
  }
  let drawn = '';
  function draw() {
    const c = now();
    if (!c) return;
    const key = JSON.stringify([c.linked, c.plan, c.definition, c.retentionDays, store.system?.budget, store.storage?.target === null]);
    if (key === drawn) return;
    drawn = key;
    fill(submitButton, h('span', {}, c.linked ? tr`Save` : tr`Link to the cloud`));
    unlink.hidden = !c.linked;
    fill(target, store.storage && !store.storage.target && sentence('attention', tr`No cloud storage is set yet. Clips wait on the box until it is.`, h('p', {}, h('a', { href: '#/cloud' }, tr`Set the cloud storage`))));
    fill(numbers, planFacts(c), budget(c), !c.linked && lineWarning(advice, store.system?.budget?.linkedChannels ?? 0, 1));
    dirty();
  }
  shape();
  draw();
  on('channel', (c) => { if (c.id === channelId) draw(); });
  on('system', draw);
  on('storage', draw);
  return form;
}
