// Pieces that many pages use.
import { fill, h, icon } from './dom.js';
import { full, percent, when } from './format.js';
import { language, LANGUAGES, speak, tr } from './language.js';
import { clipState, severity } from './words.js';

export const link = (href, className, ...kids) => h('a', { href, class: className }, ...kids);

export function button(label, { look = 'plain', iconName, testid, onClick, type = 'button', ...rest } = {}) {
  return h('button', { type, class: `button ${look}`, 'data-testid': testid, onClick, ...rest }, iconName && icon(iconName), h('span', {}, label));
}

export const time = (t) => h('time', { datetime: t, title: full(t) }, when(t));

/** A sentence with its severity as shape and colour. */
export function sentence(severityCode, text, ...more) {
  const s = severity(severityCode);
  return h('div', { class: `sentence ${severityCode}` }, icon(s.icon, s.word), h('div', { class: 'sentence-text' }, h('p', {}, text), ...more));
}

export function details(text, label = tr`Details`) {
  const note = h('span', { class: 'small', role: 'status' });
  const copy = button(tr`Copy`, { look: 'quiet small', iconName: 'copy', async onClick() {
    try { await navigator.clipboard.writeText(text); note.textContent = tr`Copied.`; } catch {
      getSelection().selectAllChildren(pre);
      note.textContent = tr`Selected; copy it with your keyboard.`;
    }
  } });
  const pre = h('pre', {}, text);
  return h('details', { class: 'details' }, h('summary', {}, label), pre, h('div', { class: 'row' }, copy, note));
}

/** A button that lets a file be chosen, a JSON file unless something else is named. */
export function fileButton(label, testid, chosen, { accept = '.json,application/json', iconName = 'up', ...more } = {}) {
  const input = h('input', { type: 'file', accept, ...more, 'aria-label': label, 'data-testid': testid, async onChange() {
    const [file] = input.files;
    if (file) await chosen(file);
    input.value = '';
  } });
  return h('label', { class: 'button small file-button' }, icon(iconName), h('span', {}, label), input);
}

/** A problem as a sentence, its further sentences, and its details for support. */
export function problemBox(problem, more = []) {
  const known = typeof problem?.detail === 'string';
  const text = known ? problem.detail : tr`The page came upon something it did not expect. Load it again; if it happens again, copy the details for support.`;
  const retry = problem?.retryAfter ? tr` Try again in ${problem.retryAfter} s.` : '';
  const expected = known && problem.status >= 400 && problem.status < 500;
  return sentence('trouble', text + retry, more.length > 0 && h('ul', {}, more.map((m) => h('li', {}, m))),
    !expected && details(known ? problem.details : String(problem?.stack ?? problem)));
}

export function chip(state, progress) {
  const s = clipState(state);
  const p = progress !== null && progress !== undefined && (state === 'sending' || state === 'transcoding') ? ` ${percent(progress)}` : '';
  return h('span', { class: `chip ${s.tone}`, 'data-state': state }, icon(s.icon), s.word + p);
}

export function bar(fraction, label, tone = '') {
  const f = Math.max(0, Math.min(1, fraction || 0));
  return h('div', { class: `bar ${tone}`, role: 'progressbar', 'aria-label': label, 'aria-valuenow': Math.round(f * 100), 'aria-valuemin': 0, 'aria-valuemax': 100 },
    h('div', { class: 'bar-fill', style: { width: `${f * 100}%` } }));
}

export function facts(pairs) {
  return h('dl', { class: 'facts' }, pairs.filter(Boolean).map(([k, ...v]) => h('div', {}, h('dt', {}, k), h('dd', {}, ...v))));
}

export function card(title, ...kids) {
  return h('section', { class: 'card' }, title && h('h2', {}, title), ...kids);
}

export function skeleton(...classes) {
  return h('div', { class: 'skeletons', 'aria-hidden': 'true' }, classes.map((c) => h('div', { class: `sk ${c}` })));
}

export function empty({ iconName, title, text, action }) {
  return h('div', { class: 'empty' }, h('div', { class: 'empty-icon' }, icon(iconName)), h('h2', {}, title), h('p', {}, text), action);
}

export function head(title, ...right) {
  return h('header', { class: 'page-head' }, h('div', { class: 'page-title' }, ...[title].flat().map((t) => (t instanceof Node ? t : h('h1', { tabindex: -1 }, t)))), h('div', { class: 'row' }, ...right));
}

const STEP_LOOKS = {
  ok: ['ok', 'check', tr`Done`], attention: ['attention', 'warn', tr`Look at this`], failed: ['trouble', 'cross', tr`Failed`],
  skipped: ['off', 'dash', tr`Not needed or not reached`], working: ['working', null, tr`Going on`], waiting: ['waiting', null, ''],
};

/** Steps of a test ({name, ok}) or of an onboarding ({name, state}): where each stands, and what it says. */
export function steps(names, found, waiting = false) {
  return h('ol', { class: 'steps' }, names.map(([code, name]) => {
    const step = found?.find((s) => s.name === code);
    const state = step?.state ?? (waiting ? 'waiting' : step?.ok === true ? 'ok' : step?.ok === false ? 'failed' : 'skipped');
    const [look, iconName, word] = STEP_LOOKS[state] ?? STEP_LOOKS.skipped;
    return h('li', { class: look, 'data-step': code, 'data-state': state }, h('span', { class: 'step-mark' }, iconName ? icon(iconName, word) : h('span', { class: 'spoken' }, word)),
      h('span', {}, h('span', { class: 'strong' }, name), step?.sentence && h('span', { class: 'muted small' }, step.sentence)));
  }));
}

/** How long something has been running, of how long it may take. */
export function elapsed(startedAt, most, words) {
  const label = h('span', { class: 'small muted' });
  const progress = h('div', { class: 'bar-fill' });
  const el = h('div', { class: 'elapsed' }, h('div', { class: 'bar busy' }, progress), label);
  const draw = () => {
    const s = Math.round((Date.now() - startedAt) / 1000);
    label.textContent = tr`${words}: ${s} s of up to ${most} s`;
    progress.style.width = `${Math.min(97, (s / most) * 100 + 3)}%`;
    if (el.isConnected || s < 2) setTimeout(draw, 500);
  };
  draw();
  return el;
}

/** Shows a page's own failure with a way out. */
export function failure(root, problem, again) {
  fill(root, problemBox(problem), h('p', {}, button(tr`Try again`, { onClick: again })));
}

/** Redraws a piece only when what it shows has changed. */
export function piece(el, of, make) {
  let drawn = null;
  return () => {
    const key = JSON.stringify(of() ?? null);
    if (key === drawn) return;
    drawn = key;
    fill(el, make());
  };
}

/** What stands before the pages: a card with a title and a form. */
export function gateCard(gate, title, text, ...kids) {
  const languages = LANGUAGES.map(([code, name]) => h('button', { type: 'button', class: 'button quiet small', lang: code, 'aria-pressed': String(code === language), 'data-testid': `language-${code}`, onClick: () => speak(code) }, name));
  fill(gate, h('main', { class: 'gate' }, h('div', { class: 'gate-brand' }, h('span', { class: 'brand-mark' }, icon('gatehouse')), h('strong', {}, 'Gatehouse'), h('div', { class: 'gate-languages' }, languages)),
    h('div', { class: 'gate-card' }, h('h1', { tabindex: -1 }, title), text && h('p', { class: 'muted' }, text), ...kids)));
}
