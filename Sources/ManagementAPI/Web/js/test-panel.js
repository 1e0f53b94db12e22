// The test of a camera: its steps as they stand, what was found, and a wrong password entered again right there.
import { fill, h } from './dom.js';
import { bind, field } from './form.js';
import { bitRate, frames, picture as size, plain } from './format.js';
import { tr } from './language.js';
import { button, details, elapsed, problemBox, sentence, steps } from './parts.js';
import { CAMERA_STEPS, codec } from './words.js';

const MOST = 15;

/** What the streams are, one column each. */
export function streamsTable(streams) {
  const rows = [
    [tr`Picture`, (s) => size(s.width, s.height)],
    [tr`Codec`, (s) => codec(s.codec)],
    [tr`Frame rate`, (s) => frames(s.frameRate)],
    [tr`Bit rate`, (s) => bitRate(s.bitRate)],
    [tr`Key frame every`, (s) => (s.keyFrameSeconds ? `${plain(s.keyFrameSeconds)} s` : tr`not known`)],
    [tr`Sound`, (s) => (s.audio ? codec(s.audio.codec) : tr`none`)],
  ];
  return h('div', {}, h('table', { class: 'table' },
    h('thead', {}, h('tr', {}, h('td', {}), streams.map((s) => h('th', { scope: 'col' }, s.role === 'sub' ? tr`Second stream` : tr`Main stream`)))),
    h('tbody', {}, rows.map(([name, of]) => h('tr', {}, h('th', { scope: 'row' }, name), streams.map((s) => h('td', {}, of(s))))))));
}

/** What should be set differently in the camera. */
export const warnings = (streams) => (streams ?? []).flatMap((s) => (s.warnings ?? []).map((w) => sentence('attention', w)));

/**
 * `state` outlives the panel, so a test can be left and found again: {running, startedAt, result, problem}.
 * `run` does the test; `retry(userName, password)` takes the new words before the test runs again.
 */
export function testPanel({ state, run, retry, userName, onDone }) {
  const el = h('section', { class: 'card test-panel', 'data-testid': 'test-result', 'aria-label': tr`Test of the camera` });

  function again() {
    const user = field({ label: tr`User name`, value: userName() ?? '', autocomplete: 'off', testid: 'retry-user' });
    const password = field({ label: tr`Password`, type: 'password', autocomplete: 'off', testid: 'retry-password' });
    const go = button(tr`Try again`, { look: 'primary', type: 'submit', testid: 'retry-submit' });
    const form = h('form', { class: 'again' }, h('div', { class: 'pair' }, user.el, password.el), h('div', { class: 'actions' }, go));
    bind(form, { fields: [user, password], button: go, busy: tr`Trying…`, async submit() {
      await retry(user.given, password.value);
      start();
    } });
    queueMicrotask(() => password.focus());
    return form;
  }

  function draw() {
    el.hidden = !(state.running || state.result || state.problem);
    if (el.hidden) return;
    const r = state.result;
    if (state.running) {
      fill(el, h('h2', {}, tr`Testing`), elapsed(state.startedAt, MOST, tr`Asking the camera`), steps(CAMERA_STEPS, null, true));
    } else if (state.problem) {
      fill(el, h('h2', {}, tr`Test`), problemBox(state.problem, (state.problem.errors ?? []).map((e) => e.detail)));
    } else {
      fill(el, h('h2', {}, tr`Test`), h('div', { role: 'status' }, sentence(r.ok ? 'ok' : 'trouble', r.sentence), warnings(r.streams)),
        r.code === 'wrong-password' && again(),
        r.picture && h('img', { class: 'test-picture', src: r.picture, alt: tr`Picture from the camera` }),
        steps(CAMERA_STEPS, r.steps),
        r.streams?.length > 0 && streamsTable(r.streams),
        !r.ok && details(`code ${r.code}\n${r.url ?? ''}\n${(r.steps ?? []).map((s) => `${s.name}: ${s.ok}, ${s.sentence}`).join('\n')}`));
    }
  }

  async function start() {
    if (state.running) return;
    Object.assign(state, { running: true, startedAt: Date.now(), result: null, problem: null });
    state.changed?.();
    el.scrollIntoView({ block: 'nearest', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
    try { state.result = await run(); } catch (problem) { state.problem = problem; }
    state.running = false;
    state.changed?.();
  }

  state.changed = () => { draw(); onDone?.(); };
  draw();
  return { el, start };
}

