// The line: what it carries, what footage may take of it and when, its day as a picture, and its test.
import { api } from './api.js';
import { fill, h, svg } from './dom.js';
import { bind, choice, field, wrong } from './form.js';
import { bitRate, bytes, clock, percent, plain, when } from './format.js';
import { bar, button, facts, problemBox, sentence } from './parts.js';
import { store } from './store.js';
import { toast } from './dialog.js';
import { weekEditor } from './week.js';

const W = 320;
const H = 88;
const CAPS = [
  { value: 'none', label: 'The whole line' },
  { value: 'bits-per-second', label: 'At most' },
  { value: 'percent', label: 'A share' },
  { value: 'paused', label: 'Paused' },
];

const capWords = (cap) => (!cap ? 'the whole line' : cap.kind === 'paused' ? 'nothing but pictures' : cap.kind === 'percent' ? `${cap.value} % of the line` : `at most ${bitRate(cap.value)}`);

const milliseconds = (n) => (n < 1 ? 'less than 1 ms' : `${plain(n, 0)} ms`);

const rateWords = (result) => (result.measured === 'disk' ? `the folder’s disk took ${bitRate(result.uploadBitsPerSecond)}` : `${bitRate(result.uploadBitsPerSecond)} up`);

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
    svg('svg', { class: 'graph', viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': 'The line over the last day' },
      svg('path', { class: 'graph-away', d: away.join(''), 'vector-effect': 'non-scaling-stroke' }),
      svg('path', { class: 'graph-area', d: rates.length > 1 ? `M0 ${H}L${rates.join('L')}L${W} ${H}Z` : '' }),
      svg('path', { class: 'graph-waits', d: waits.length > 1 ? `M${waits.join('L')}` : '', 'vector-effect': 'non-scaling-stroke' })),
    h('p', { class: 'muted small' }, `Last 24 hours. Area: ${points.some((p) => p.rate) ? `sent, up to ${bitRate(most)}` : 'nothing was sent'}. Dashed line: ${points.some((p) => p.waits) ? `waiting, up to ${bytes(mostWaits)}` : 'nothing waited'}.${away.length ? ' Amber: the storage did not answer.' : ''}`),
    h('details', { class: 'details' }, h('summary', {}, 'As a table'), h('div', { class: 'scroll' }, h('table', { class: 'table' },
      h('thead', {}, h('tr', {}, ['Time', 'Sent', 'Waiting', 'Storage'].map((t) => h('th', {}, t)))),
      h('tbody', {}, halfHours(minutes).reverse().map((t) => h('tr', {}, h('td', {}, `from ${clock(t.at)}${t.isWhole ? '' : ', so far'}`), h('td', {}, t.rate ? bitRate(t.rate) : 'nothing'), h('td', {}, t.waits ? bytes(t.waits) : 'nothing'), h('td', {}, t.works ? 'answers' : 'away'))))))));
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
  const value = field({ label: 'How much', type: 'text', inputmode: 'decimal', value: cap?.kind === 'percent' ? cap.value : cap?.kind === 'bits-per-second' ? cap.value / 1e6 : '', testid: `${testid}-value` });
  const kind = choice({ label, value: cap?.kind ?? 'none', options: CAPS, testid, onChange: () => shape() });
  const unit = h('span', { class: 'muted small' });
  function shape() {
    value.el.hidden = kind.value === 'none' || kind.value === 'paused';
    unit.textContent = kind.value === 'percent' ? 'percent of what the line was measured to carry' : kind.value === 'bits-per-second' ? 'Mbit/s' : '';
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
      if (!ok) throw wrong(value, kind.value === 'percent' ? 'Enter a whole number from 1 to 100.' : 'Enter a rate of at least 0.032 Mbit/s.');
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
    fill(state, line.spoolFullAt && sentence('trouble', `What waits grows faster than the line drains it: the space for waiting clips will be full at ${when(line.spoolFullAt)}. Choose a lower definition, unlink a camera, or get a faster line.`),
      line.note && sentence('off', line.note),
      line.returnsAt && sentence('attention', `The storage answers again. What waited goes on at ${clock(line.returnsAt)}, so that not all boxes come back at once; what is new goes at once.`));
    const advice = line.advice;
    fill(figures, facts([
      (line.note === null || line.capacityBitsPerSecond !== null) && ['It carries', line.capacityBitsPerSecond ? bitRate(line.capacityBitsPerSecond) : 'not measured yet'],
      ['Footage may take', line.limitBitsPerSecond === null ? 'the whole line' : line.limitBitsPerSecond === 0 ? 'nothing now' : bitRate(line.limitBitsPerSecond)],
      line.windows.length > 0 && ['By the week', line.windows.map((w) => capWords(w.cap)).join('; ')],
      line.testHour !== null && ['Tested each day', `at ${String(line.testHour).padStart(2, '0')}:00`],
    ]), advice && sentence(advice.channels.some((c) => c.definition === null) ? 'attention' : 'ok', advice.sentence,
      advice.channels.length > 0 && h('ul', {}, advice.channels.map((c) => h('li', {}, `${store.channels.get(c.channelId)?.name ?? 'A camera'}: ${c.definition === 'high' ? 'high definition' : c.definition === 'standard' ? 'standard definition' : 'more than the line carries'}`)))));
  }

  function drawTests() {
    const p = tests.progress;
    const last = tests.results[0];
    if (p) {
      fill(testing, h('p', {}, p.stage === 'latency' ? 'Asking the storage how fast it answers…' : p.stage === 'cleaning' ? 'Removing what the test sent…' : `Sending: ${bytes(p.bytes)} of up to ${bytes(p.mostBytes)}${p.bitsPerSecond ? `, ${bitRate(p.bitsPerSecond)}` : ''}`),
        bar(p.bytes / p.mostBytes, 'Test of the line'), h('div', { class: 'actions' }, button('End the test', { look: 'quiet', testid: 'network-test-cancel', onClick: () => api.delete('/storage/line/test') })));
      return;
    }
    fill(testing, tests.failure && sentence('attention', tests.failure),
      last && h('p', { 'data-testid': 'network-test-result' }, `Measured ${when(last.at)}: ${rateWords(last)}, an answer in ${milliseconds(last.latencyMilliseconds)}${last.loss === null || last.measured === 'disk' ? '' : `, ${last.loss < 0.0005 ? 'no' : percent(last.loss)} loss`}.`),
      tests.results.length > 1 && h('details', { class: 'details' }, h('summary', {}, 'Earlier tests'), h('ul', {}, tests.results.slice(1, 11).map((r) => h('li', { class: 'small' }, `${when(r.at)}: ${rateWords(r)}, ${milliseconds(r.latencyMilliseconds)}`)))),
      h('div', { class: 'actions' }, button(tests.note === null ? 'Test the line' : 'Test the folder', { iconName: 'test', testid: 'network-test-start', async onClick() {
        try { tests = await api.post('/storage/line/test'); drawTests(); } catch (problem) { fill(testing, problemBox(problem)); }
      } }), button('Change what footage may take', { testid: 'line-change', onClick: edit })),
      h('p', { class: 'muted small' }, 'A test sends at most 24 MB to your storage and removes it again.'));
  }

  function edit() {
    if (!line) return;
    const cap = capEditor(line.cap, 'Footage may take', 'line-cap');
    const known = line.windows[0];
    const inWindow = capEditor(known?.cap ?? null, 'In these hours', 'window-cap');
    const week = weekEditor({ label: 'Hours with a bound of their own', testid: 'line-window', emptyDay: 'No hours', onChange() {} });
    week.value = known?.schedule ?? { always: false, periods: [] };
    const hour = field({ label: 'Test each day at', type: 'select', value: line.testHour ?? '', options: [['', 'Never by itself'], ...Array.from({ length: 24 }, (_, n) => [String(n), `${String(n).padStart(2, '0')}:00`])], testid: 'line-hour' });
    const save = button('Save', { look: 'primary', type: 'submit', testid: 'line-save' });
    const form = h('form', { class: 'stack', 'data-testid': 'line-form' }, cap.el, h('details', { class: 'more', open: Boolean(known) }, h('summary', {}, 'Other hours'), ...week.els, inWindow.el), hour.el,
      h('div', { class: 'actions' }, button('Cancel', { look: 'quiet', onClick: () => fill(editing) }), save));
    bind(form, { fields: [...cap.fields, ...inWindow.fields, hour], button: save, busy: 'Saving…', async submit() {
      const hours = week.value;
      const windows = [...(hours.always || hours.periods.length ? [{ schedule: hours, cap: inWindow.read() }] : []), ...line.windows.slice(1)];
      line = await api.put('/storage/line', { cap: cap.read(), windows, testHour: hour.value === '' ? null : Number(hour.value) });
      toast('Saved.');
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
      fill(picture, day.items.length > 2 ? dayGraph(day.items) : h('p', { class: 'muted small' }, 'A picture of the line’s day appears here after a few minutes.'));
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
  return h('section', { class: 'card', 'data-testid': 'line-card' }, h('h2', {}, 'What the line carries'), state, figures, picture, testing, editing);
}
