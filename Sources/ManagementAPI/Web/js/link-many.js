// Many cameras linked to the cloud at once: those ticked, one after the other, each with what came out of it.
import { api, seg } from './api.js';
import { definitionTitle, megapixels } from './cloud-copy.js';
import { toast } from './dialog.js';
import { fill, h, icon, say } from './dom.js';
import { bind, choice } from './form.js';
import { bitRate, budgetWords, count, picture } from './format.js';
import { tr } from './language.js';
import { lineAdvice, lineWarning } from './line-warning.js';
import { bar, button, sentence } from './parts.js';
import { definitions, put, refreshSystem, store } from './store.js';

/** Whether a picture comes: what has none cannot be linked sensibly. */
const seen = (c) => Boolean(c.snapshotAt) && c.state.severity !== 'trouble';

/** `channels()` gives those to choose from, linked ones among them. */
export async function linkMany({ channels, on, close }) {
  const [list, advice] = await Promise.all([definitions(), lineAdvice()]);
  const off = new Set(); // those that were unticked
  const refused = new Map(); // channel -> why it was not linked
  let running = false;
  const rows = h('ul', { class: 'found-list linking', 'data-testid': 'link-list' });
  const cost = h('p', { class: 'muted small' });
  const line = h('div', {});
  const progress = h('div', { role: 'status' });
  const kind = choice({ label: tr`Definition`, look: 'cards', value: 'high', testid: 'link-definition',
    options: list.filter((d) => d.kind !== 'custom').map((d) => ({ value: d.kind, label: definitionTitle(d), hint: `${picture(d.width, d.height)}, ${bitRate(d.bitRate)}` })) });
  const keep = choice({ label: tr`Keep footage for`, value: '7', testid: 'link-retention', options: [{ value: '7', label: tr`7 days` }, { value: '30', label: tr`30 days` }] });
  const submit = button(tr`Link`, { look: 'primary', iconName: 'cloud', type: 'submit', testid: 'link-many' });
  const leave = button(tr`Not now`, { onClick: close, testid: 'link-many-close' });
  const form = h('form', { class: 'card stack', 'data-testid': 'link-many-form' }, h('h2', {}, tr`Link to the cloud`),
    h('p', { class: 'muted small' }, tr`When something happens, the box keeps a clip and sends a copy to the cloud. Each camera’s own page has more choices.`),
    store.storage && !store.storage.target && sentence('attention', tr`No cloud storage is set yet. Clips wait on the box until it is.`, h('p', {}, h('a', { href: '#/cloud' }, tr`Set the cloud storage`))),
    rows, kind.el, keep.el, cost, line, progress, h('div', { class: 'actions' }, leave, submit));

  const chosen = () => channels().filter((c) => !c.linked && seen(c) && !off.has(c.id));

  function row(c) {
    const open = !c.linked && seen(c);
    const tick = h('input', { type: 'checkbox', class: 'tick', checked: c.linked || chosen().includes(c), disabled: !open || running, 'data-testid': 'link-tick', onChange() { if (tick.checked) off.delete(c.id); else off.add(c.id); tell(); } });
    const why = refused.get(c.id);
    return h('li', { 'data-id': c.id }, h('label', { class: 'found' }, tick, h('span', { class: 'found-kind' }, icon('camera')),
      h('span', { class: 'found-text' }, h('span', { class: 'strong' }, c.name),
        why ? h('span', { class: 'small problem-text', role: 'alert' }, why) : !open && !c.linked && h('span', { class: 'muted small' }, c.state.severity === 'trouble' ? c.state.sentence : tr`Waits for its first picture.`)),
      h('span', { class: 'found-side' }, c.linked && h('span', { class: 'chip ok' }, icon('cloud-ok'), tr`Linked`))));
  }

  let drawn = '';
  function draw() {
    const all = channels();
    const key = JSON.stringify([running, all.map((c) => [c.id, c.name, c.linked, seen(c), seen(c) || c.state.sentence, refused.get(c.id)])]);
    if (key !== drawn) {
      drawn = key;
      fill(rows, all.map(row));
    }
    tell();
  }

  function tell() {
    const mine = chosen();
    const b = store.system?.budget;
    const sum = mine.reduce((n, c) => n + (megapixels(c) ?? 0), 0);
    say(cost, b && mine.length ? tr`With these, linked cameras take ${budgetWords({ ...b, usedMegapixels: b.usedMegapixels + sum })}.` : '');
    if (!running) fill(line, lineWarning(advice, b?.linkedChannels ?? 0, mine.length));
    say(submit.querySelector('span'), mine.length ? tr`Link ${count(mine.length, 'camera')}` : tr`Link`);
    if (!running) submit.disabled = mine.length === 0;
  }

  bind(form, { fields: [], button: submit, after: draw, async submit() {
    const all = chosen();
    running = true;
    refused.clear();
    draw();
    let good = 0;
    for (const [i, c] of all.entries()) {
      fill(progress, bar(i / all.length, tr`Cameras linked`), h('p', { class: 'muted small' }, tr`Linking ${c.name}: ${i} of ${count(all.length, 'camera')} done.`));
      try {
        put('channel', await api.put(`/channels/${seg(c.id)}/link`, { definition: { kind: kind.value }, retentionDays: Number(keep.value) }));
        good += 1;
      } catch (problem) { refused.set(c.id, problem.detail ?? String(problem)); }
      draw();
    }
    running = false;
    fill(progress, sentence(refused.size ? 'attention' : 'ok', `${tr`${good} of ${count(all.length, 'camera')} linked to the cloud.`}${refused.size ? tr` Why the others are not is said beside them.` : ''}`));
    say(leave.querySelector('span'), tr`Close`);
    refreshSystem();
    if (good) toast(count(good, '{0} camera is linked to the cloud.', '{0} cameras are linked to the cloud.'), { iconName: 'cloud-ok' });
  } });

  for (const name of ['channel', 'system']) on(name, draw);
  draw();
  return form;
}
