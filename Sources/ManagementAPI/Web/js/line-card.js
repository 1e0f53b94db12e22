// The line: what it carries, what footage may take of it and when, its day as a picture, and its test.
import { api } from './api.js';
import { fill, h, svg } from './dom.js';
import { bind, choice, field, wrong } from './form.js';
import { bitRate, bytes, clock, percent, plain, when } from './format.js';
import { bar, button, facts, problemBox, sentence } from './parts.js';
import { store } from './store.js';
import { toast } from './dialog.js';
import { tr } from './language.js';
import { weekEditor } from './week.js';

const W = 320;
const H = 88;
const CAPS = [
  { value: 'none', label: tr`The whole line` },
  { value: 'bits-per-second', label: tr`At most` },
  { value: 'percent', label: tr`A share` },
  { value: 'paused', label: tr`Paused` },
];

const capWords = (cap) => (!cap ? tr`the whole line` : cap.kind === 'paused' ? tr`nothing but pictures` : cap.kind === 'percent' ? tr`${cap.value} % of the line` : tr`at most ${bitRate(cap.value)}`);

const milliseconds = (n) => (n < 1 ? tr`less than 1 ms` : `${plain(n, 0)} ms`);

const rateWords = (result) => (result.measured === 'disk' ? tr`the folder’s disk took ${bitRate(result.uploadBitsPerSecond)}` : tr`${bitRate(result.uploadBitsPerSecond)} up`);

/** A day of the line: what went up as an area, what waited as a line, hatched where the storage did not answer. */
function dayGraph(minutes) {
  const step = Math.max(1, Math.ceil(minutes.length / W));
  const points = [];
  for (let i = 0; i < minutes.length; i += step) {
    const part = minutes.slice(i, i + step);
    points.push({ at: part[0].at, rate: Math.max(...part.map((m) => m.bitsPerSecond)), waits: part.at(-1).backlogBytes, works: part.every((m) => m.works) });
  }
  const most = Math.max(1, ...points.map((p) => p.rate));
  const mostWaits = Math.max(1, ...points.map((p) => p.waits));
  const x = (i) => (points.length > 1 ? (i / (points.length - 1)) * W : 0);
  const y = (v, top) => H - 2 - (v / top) * (H - 10);
  const rates = points.map((p, i) => `${x(i).toFixed(1)} ${y(p.rate, most).toFixed(1)}`);
  const waits = points.map((p, i) => `${x(i).toFixed(1)} ${y(p.waits, mostWaits).toFixed(1)}`);
  const away = points.flatMap((p, i) => (p.works ? [] : [`M${x(i).toFixed(1)} 0V${H}`]));
  return h('div', { class: 'graph-box' },
    svg('svg', { class: 'graph', viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': tr`The line over the last day` },
      svg('path', { class: 'graph-away', d: away.join(''), 'vector-effect': 'non-scaling-stroke' }),
      svg('path', { class: 'graph-area', d: rates.length > 1 ? `M0 ${H}L${rates.join('L')}L${W} ${H}Z` : '' }),
      svg('path', { class: 'graph-waits', d: waits.length > 1 ? `M${waits.join('L')}` : '', 'vector-effect': 'non-scaling-stroke' })),
    h('p', { class: 'muted small' }, tr`Last 24 hours. Area: ${points.some((p) => p.rate) ? tr`sent, up to ${bitRate(most)}` : tr`nothing was sent`}. Dashed line: ${points.some((p) => p.waits) ? tr`waiting, up to ${bytes(mostWaits)}` : tr`nothing waited`}.${away.length ? tr` Amber: the storage did not answer.` : ''}`),
    h('details', { class: 'details' }, h('summary', {}, tr`As a table`), h('div', { class: 'scroll' }, h('table', { class: 'table' },
      h('thead', {}, h('tr', {}, [tr`Time`, tr`Sent`, tr`Waiting`, tr`Storage`].map((t) => h('th', {}, t)))),
      h('tbody', {}, halfHours(minutes).reverse().map((t) => h('tr', {}, h('td', {}, tr`from ${clock(t.at)}${t.isWhole ? '' : tr`, so far`}`), h('td', {}, t.rate ? bitRate(t.rate) : tr`nothing`), h('td', {}, t.waits ? bytes(t.waits) : tr`nothing`), h('td', {}, t.works ? tr`answers` : tr`away`))))))));
}

/** Half hours of minutes: what went up on average, the most that waited; the last one may not be over. */
function halfHours(minutes) {
  const found = [];
  for (let i = 0; i < minutes.length; i += 30) {
    const part = minutes.slice(i, i + 30);
    found.push({ at: part[0].at, isWhole: part.length === 30, rate: part.reduce((sum, m) => sum + m.bitsPerSecond, 0) / part.length, waits: Math.max(...part.map((m) => m.backlogBytes)), works: part.every((m) => m.works) });
  }
  return found;
}

function capEditor(cap, label, testid) {
  const value = field({ label: tr`How much`, type: 'text', inputmode: 'decimal', value: cap?.kind === 'percent' ? cap.value : cap?.kind === 'bits-per-second' ? cap.value / 1e6 : '', testid: `${testid}-value` });
  const kind = choice({ label, value: cap?.kind ?? 'none', options: CAPS, testid, onChange: () => shape() });
  const unit = h('span', { class: 'muted small' });
  function shape() {
    value.el.hidden = kind.value === 'none' || kind.value === 'paused';
    unit.textContent = kind.value === 'percent' ? tr`percent of what the line was measured to carry` : kind.value === 'bits-per-second' ? 'Mbit/s' : '';
  }
  shape();
  return {
    el: h('div', { class: 'stack' }, kind.el, h('div', { class: 'row' }, value.el, unit)),
    fields: [value],
    read() {
      if (kind.value === 'none') return null;
      if (kind.value === 'paused') return { kind: 'paused' };
      const n = Number(String(value.value).replace(',', '.'));
      const ok = kind.value === 'percent' ? Number.isInteger(n) && n >= 1 && n <= 100 : n >= 0.032;
      if (!ok) throw wrong(value, kind.value === 'percent' ? tr`Enter a whole number from 1 to 100.` : tr`Enter a rate of at least 0.032 Mbit/s.`);
      return { kind: kind.value, value: kind.value === 'percent' ? n : Math.round(n * 1e6) };
    },
  };
}

export function lineCard({ on }) {
  const state = h('div', { 'aria-live': 'polite', 'data-testid': 'line-state' });
  const figures = h('div', { 'data-testid': 'line-facts' });
  const picture = h('div', {});
  const testing = h('div', { 'aria-live': 'polite', 'data-testid': 'network-test' });
  const editing = h('div', {});
  let line = null;
  let tests = null;

  function drawLine() {
    fill(state, line.spoolFullAt && sentence('trouble', tr`What waits grows faster than the line drains it: the space for waiting clips will be full at ${when(line.spoolFullAt)}. Choose a lower definition, unlink a camera, or get a faster line.`),
      line.note && sentence('off', line.note),
      line.returnsAt && sentence('attention', tr`The storage answers again. What waited goes on at ${clock(line.returnsAt)}, so that not all boxes come back at once; what is new goes at once.`));
    const advice = line.advice;
    fill(figures, facts([
      (line.note === null || line.capacityBitsPerSecond !== null) && [tr`It carries`, line.capacityBitsPerSecond ? bitRate(line.capacityBitsPerSecond) : tr`not measured yet`],
      [tr`Footage may take`, line.limitBitsPerSecond === null ? tr`the whole line` : line.limitBitsPerSecond === 0 ? tr`nothing now` : bitRate(line.limitBitsPerSecond)],
      line.windows.length > 0 && [tr`By the week`, line.windows.map((w) => capWords(w.cap)).join('; ')],
      line.testHour !== null && [tr`Tested each day`, tr`at ${String(line.testHour).padStart(2, '0')}:00`],
    ]), advice && sentence(advice.channels.some((c) => c.definition === null) ? 'attention' : 'ok', advice.sentence,
      advice.channels.length > 0 && h('ul', {}, advice.channels.map((c) => h('li', {}, `${store.channels.get(c.channelId)?.name ?? tr`A camera`}: ${c.definition === 'high' ? tr`high definition` : c.definition === 'standard' ? tr`standard definition` : tr`more than the line carries`}`)))));
  }

  function drawTests() {
    const p = tests.progress;
    const last = tests.results[0];
    if (p) {
      fill(testing, h('p', {}, p.stage === 'latency' ? tr`Asking the storage how fast it answers…` : p.stage === 'cleaning' ? tr`Removing what the test sent…` : tr`Sending: ${bytes(p.bytes)} of up to ${bytes(p.mostBytes)}${p.bitsPerSecond ? `, ${bitRate(p.bitsPerSecond)}` : ''}`),
        bar(p.bytes / p.mostBytes, tr`Test of the line`), h('div', { class: 'actions' }, button(tr`End the test`, { look: 'quiet', testid: 'network-test-cancel', onClick: () => api.delete('/storage/line/test') })));
      return;
    }
    fill(testing, tests.failure && sentence('attention', tests.failure),
      last && h('p', { 'data-testid': 'network-test-result' }, `${tr`Measured ${when(last.at)}: ${rateWords(last)}, an answer in ${milliseconds(last.latencyMilliseconds)}`}${last.loss === null || last.measured === 'disk' ? '' : last.loss < 0.0005 ? tr`, no loss` : tr`, ${percent(last.loss)} loss`}.`),
      tests.results.length > 1 && h('details', { class: 'details' }, h('summary', {}, tr`Earlier tests`), h('ul', {}, tests.results.slice(1, 11).map((r) => h('li', { class: 'small' }, `${when(r.at)}: ${rateWords(r)}, ${milliseconds(r.latencyMilliseconds)}`)))),
      h('div', { class: 'actions' }, button(tests.note === null ? tr`Test the line` : tr`Test the folder`, { iconName: 'test', testid: 'network-test-start', async onClick() {
        try { tests = await api.post('/storage/line/test'); drawTests(); } catch (problem) { fill(testing, problemBox(problem)); }
      } }), button(tr`Change what footage may take`, { testid: 'line-change', onClick: edit })),
      h('p', { class: 'muted small' }, tr`A test sends at most 24 MB to your storage and removes it again.`));
  }

  function edit() {
    if (!line) return;
    const cap = capEditor(line.cap, tr`Footage may take`, 'line-cap');
    const known = line.windows[0];
    const inWindow = capEditor(known?.cap ?? null, tr`In these hours`, 'window-cap');
    const week = weekEditor({ label: tr`Hours with a bound of their own`, testid: 'line-window', emptyDay: tr`No hours`, onChange() {} });
    week.value = known?.schedule ?? { always: false, periods: [] };
    const hour = field({ label: tr`Test each day at`, type: 'select', value: line.testHour ?? '', options: [['', tr`Never by itself`], ...Array.from({ length: 24 }, (_, n) => [String(n), `${String(n).padStart(2, '0')}:00`])], testid: 'line-hour' });
    const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'line-save' });
    const form = h('form', { class: 'stack', 'data-testid': 'line-form' }, cap.el, h('details', { class: 'more', open: Boolean(known) }, h('summary', {}, tr`Other hours`), ...week.els, inWindow.el), hour.el,
      h('div', { class: 'actions' }, button(tr`Cancel`, { look: 'quiet', onClick: () => fill(editing) }), save));
    bind(form, { fields: [...cap.fields, ...inWindow.fields, hour], button: save, busy: tr`Saving…`, async submit() {
      const hours = week.value;
      const windows = [...(hours.always || hours.periods.length ? [{ schedule: hours, cap: inWindow.read() }] : []), ...line.windows.slice(1)];
      line = await api.put('/storage/line', { cap: cap.read(), windows, testHour: hour.value === '' ? null : Number(hour.value) });
      toast(tr`Saved.`);
      fill(editing);
      drawLine();
    } });
    fill(editing, form);
    form.scrollIntoView({ block: 'nearest' });
  }

  async function load() {
    try {
      const [now, done, day] = await Promise.all([api.get('/storage/line'), api.get('/storage/line/test'), api.get('/storage/line/history?hours=24')]);
      line = now;
      tests = done;
      drawLine();
      drawTests();
      fill(picture, day.items.length > 2 ? dayGraph(day.items) : h('p', { class: 'muted small' }, tr`A picture of the line’s day appears here after a few minutes.`));
    } catch (problem) { if (problem.status !== 401) fill(state, problemBox(problem)); }
  }

  on('network-test', (next) => {
    const ended = tests?.progress && !next.progress;
    tests = next;
    drawTests();
    if (ended) load();
  });
  on('resync', load);
  load();
  return h('section', { class: 'card', 'data-testid': 'line-card' }, h('h2', {}, tr`What the line carries`), state, figures, picture, testing, editing);
}
