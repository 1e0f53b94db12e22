// The cloud: how the storage is, what waits, what the line carries, where clips go, and what is missing.
import { api } from './api.js';
import { chainCard } from './chain-card.js';
import { fill, h } from './dom.js';
import { bytes, clock, count, duration, lineRate, plain, roughly, when } from './format.js';
import { encryptionCard } from './encryption-card.js';
import { tr } from './language.js';
import { lineCard } from './line-card.js';
import { lineGraph } from './line-graph.js';
import { bar, button, card, head, problemBox, sentence } from './parts.js';
import { title } from './navigate.js';
import { plansCard } from './plans.js';
import { secondCard } from './second-card.js';
import { may, store } from './store.js';
import { targetFacts, targetForm, testStorage } from './target-form.js';

const figure = (name, testid) => {
  const value = h('span', { class: 'figure-value' });
  const note = h('span', { class: 'muted small' });
  return { el: h('div', { class: 'stat', 'data-testid': testid }, h('span', { class: 'stat-name' }, name), value, note), set(v, n = '') { if (value.textContent !== v) value.textContent = v; if (note.textContent !== n) note.textContent = n; } };
};

export function cloudPage({ root, on }) {
  // Who may not set the box sees how it is.
  const sets = may('configure-box');
  title(tr`Cloud`);
  const state = h('div', { 'aria-live': 'polite', 'data-testid': 'storage-state' });
  const waiting = figure(tr`Waiting`, 'backlog');
  const oldest = figure(tr`Oldest waits for`, 'oldest');
  const left = figure(tr`Done in`, 'eta');
  const stored = figure(tr`In the cloud`, 'stored');
  const rate = h('span', { class: 'figure-value' });
  const graph = lineGraph();
  const spool = h('div', {});
  const targetBox = h('div', {});
  const gaps = h('div', { 'data-testid': 'gaps' });
  const refills = h('div', { 'data-testid': 'refills' });
  let editing = false;
  let drawn = '';
  let targetDrawn = '';
  let gapsKnown = null;

  function drawTarget(force) {
    const t = store.storage.target;
    const key = JSON.stringify(t);
    if (!force && (editing || key === targetDrawn)) return;
    targetDrawn = key;
    if (!sets) {
      fill(targetBox, t ? targetFacts(t) : h('p', { class: 'muted' }, tr`No place is set yet.`));
      return;
    }
    if (!t || editing) {
      fill(targetBox, !t && h('p', { class: 'muted' }, tr`Clips need a place in the cloud: any S3-compatible storage, or a folder. Have its address, bucket and keys at hand.`),
        targetForm({ target: t, done: () => { editing = false; drawTarget(true); }, cancel: t ? () => { editing = false; drawTarget(true); } : null }));
      return;
    }
    const result = h('div', { 'aria-live': 'polite' });
    const test = button(tr`Test`, { iconName: 'test', testid: 'storage-test', async onClick() { test.disabled = true; await testStorage(result, null); test.disabled = false; } });
    fill(targetBox, targetFacts(t), result, h('div', { class: 'actions' }, test, button(tr`Change`, { testid: 'storage-change', onClick() { editing = true; drawTarget(true); } })));
  }

  function draw() {
    const s = store.storage;
    if (!s) return;
    const key = JSON.stringify([s.state, s.spool.paused]);
    if (key !== drawn) {
      drawn = key;
      fill(state, sentence(s.state.severity, s.state.sentence, s.state.since && h('p', { class: 'muted small' }, tr`Since ${when(s.state.since)}.`)),
        s.spool.paused && sentence('attention', tr`The space for waiting clips is full, so no new clips are kept until some have been sent.`));
    }
    const b = s.backlog;
    waiting.set(b.clips ? count(b.clips, 'clip') : tr`Nothing`, b.clips ? bytes(b.bytes) : s.stored.clips ? tr`Everything has been sent.` : '');
    oldest.el.hidden = !b.clips || b.oldestSeconds === null;
    left.el.hidden = !b.clips;
    if (!oldest.el.hidden) oldest.set(duration(b.oldestSeconds), tr`since ${clock(Date.now() - b.oldestSeconds * 1000)}|a time of day`);
    if (b.clips) left.set(b.etaSeconds === null ? tr`not known` : roughly(b.etaSeconds), b.etaSeconds === null ? '' : tr`at ${clock(Date.now() + b.etaSeconds * 1000)}, at the present rate`);
    stored.set(count(s.stored.clips, 'clip'), bytes(s.stored.bytes));
    rate.textContent = lineRate(s.line.bytesPerSecond);
    graph.update();
    const used = s.spool.limitBytes ? s.spool.bytes / s.spool.limitBytes : 0;
    fill(spool, h('div', { class: 'figure-head' }, h('span', { class: 'number' }, tr`${bytes(s.spool.bytes)} of ${bytes(s.spool.limitBytes)}`), h('span', { class: 'muted small' }, tr`${plain(used * 100, used < 0.1 ? 1 : 0)} % full`)),
      bar(used, tr`Space used by waiting clips`, used > 0.95 ? 'trouble' : used > 0.8 ? 'attention' : ''),
      h('p', { class: 'muted small' }, tr`${count(s.spool.clips, 'clip')} on the box; ${bytes(s.spool.freeBytes)} of its disk free.`));
    drawTarget(false);
    const missing = `${s.gaps} ${s.stored.clips} ${b.clips}`;
    if (gapsKnown !== missing) { gapsKnown = missing; loadGaps(); loadRefills(); }
  }

  async function loadGaps() {
    try {
      const { items } = await api.get('/storage/gaps');
      fill(gaps, items.length === 0 ? sentence('ok', tr`No footage is missing.`) : h('ul', { class: 'gaps' }, items.map((g) => h('li', {}, h('span', { class: 'gap-mark', 'aria-hidden': 'true' }),
        h('span', {}, h('span', { class: 'strong' }, store.channels.get(g.channelId)?.name ?? tr`A camera since deleted`), h('span', { class: 'muted' }, tr`${when(g.from)} to ${clock(g.to)}${g.bytes ? `, ${bytes(g.bytes)}` : ''}`), h('span', {}, g.reason), g.refilled && h('span', {}, tr`Refilled from the camera, at least in part.`))))));
    } catch (problem) { if (problem.status !== 401) fill(gaps, problemBox(problem)); }
  }

  async function loadRefills() {
    try {
      const { items } = await api.get('/storage/refills');
      fill(refills, items.length === 0 ? sentence('ok', tr`No camera was away.`) : h('ul', { class: 'gaps' }, items.slice(0, 20).map((r) => h('li', {}, h('span', { class: 'gap-mark', 'aria-hidden': 'true' }),
        h('span', {}, h('span', { class: 'strong' }, r.channelName), h('span', { class: 'muted' }, r.to ? tr`${when(r.from)} to ${clock(r.to)}` : tr`since ${when(r.from)}`), h('span', {}, r.reason), h('span', {}, r.sentence))))));
    } catch (problem) { if (problem.status !== 401) fill(refills, problemBox(problem)); }
  }

  on('storage', draw);
  on('resync', () => { gapsKnown = null; draw(); });
  fill(root, head(tr`Cloud`), state,
    h('section', { class: 'stats', 'aria-label': tr`What waits` }, waiting.el, oldest.el, left.el, stored.el),
    h('div', { class: 'columns' },
      h('div', { class: 'stack-cards' }, card(tr`Where clips go`, targetBox), sets && secondCard({ on }), sets && encryptionCard(), plansCard({ on })),
      h('div', { class: 'stack-cards' },
        h('section', { class: 'card', 'data-testid': 'line' }, h('div', { class: 'figure-head' }, h('h2', {}, tr`The line now`), rate), graph.el),
        h('div', { class: sets ? '' : 'read-only' }, lineCard({ on })),
        h('section', { class: 'card', 'data-testid': 'spool' }, h('h2', {}, tr`Space for waiting clips`), spool),
        card(tr`Missing footage`, gaps), card(tr`Refilled from cameras`, refills),
        chainCard({ on }))));
  draw();
}
