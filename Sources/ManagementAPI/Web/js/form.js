// Form fields that say beside themselves what is wrong, and forms that know where a problem belongs.
import { fill, h, icon, say, uid } from './dom.js';
import { tr } from './language.js';
import { problemBox } from './parts.js';

/** One labelled field. `pointer` is the JSON pointer by which the API names it. */
export function field({ label, pointer, type = 'text', value = '', hint, optional, testid, options, rows, suffix, ...attributes }) {
  const id = uid('f');
  const base = { id, 'data-testid': testid, 'aria-describedby': `${id}-n`, name: pointer?.slice(1).replaceAll('/', '-'), ...attributes };
  let input;
  if (type === 'select') input = h('select', { ...base, value }, options.map((o) => h('option', { value: o[0] }, o[1])));
  else if (type === 'area') input = h('textarea', { ...base, rows: rows ?? 4, value, spellcheck: 'false' });
  else input = h('input', { ...base, type, value, spellcheck: 'false', autocapitalize: attributes.autocapitalize ?? 'off' });
  const note = h('p', { class: 'note', id: `${id}-n` });
  const wrap = h('div', { class: 'input' }, input, suffix && h('span', { class: 'suffix' }, suffix), type === 'password' && reveal(input));
  const el = h('div', { class: 'field' }, h('label', { for: id }, label, optional && h('span', { class: 'optional' }, tr` optional`)), wrap, note);
  const self = {
    el, input, pointer,
    get value() { return input.value; },
    set value(v) { input.value = v ?? ''; },
    /** The value, or null when empty. */
    get given() { return input.value.trim() === '' ? null : type === 'password' ? input.value : input.value.trim(); },
    hint(text) { hint = text; if (!el.classList.contains('wrong')) fill(note, text ?? ''); },
    error(text) {
      el.classList.toggle('wrong', Boolean(text));
      input.setAttribute('aria-invalid', text ? 'true' : 'false');
      if (text) fill(note, icon('warn'), h('span', {}, text));
      else fill(note, hint ?? '');
    },
    focus() { input.focus(); },
  };
  self.error(null);
  input.addEventListener('input', () => { if (el.classList.contains('wrong')) self.error(null); });
  return self;
}

function reveal(input) {
  const button = h('button', { type: 'button', class: 'reveal', 'aria-pressed': 'false', 'aria-label': tr`Show what is typed`, onClick() {
    const shown = input.type === 'text';
    input.type = shown ? 'password' : 'text';
    button.setAttribute('aria-pressed', String(!shown));
    fill(button, icon(shown ? 'eye' : 'eye-off'));
  } }, icon('eye'));
  return button;
}

/** One of a few: a row of segments, or cards with a line of explanation. */
export function choice({ label, pointer, options, value, onChange, look = 'segments', testid }) {
  const name = uid('c');
  const note = h('p', { class: 'note' });
  const inputs = options.map((o) => h('input', { type: 'radio', name, value: o.value, checked: o.value === value, 'data-testid': testid && `${testid}-${o.value}`,
    onChange: () => { self.error(null); onChange?.(o.value); } }));
  const el = h('fieldset', { class: `choice ${look}` }, h('legend', {}, label),
    h('div', { class: 'options' }, options.map((o, i) => h('label', {}, inputs[i], h('span', { class: 'option' }, h('span', { class: 'option-name' }, o.label), o.hint && h('span', { class: 'option-hint' }, o.hint))))), note);
  const self = {
    el, pointer,
    get value() { return inputs.find((i) => i.checked)?.value ?? null; },
    set value(v) { for (const i of inputs) i.checked = i.value === v; },
    error(text) { el.classList.toggle('wrong', Boolean(text)); fill(note, text ? [icon('warn'), h('span', {}, text)] : ''); },
    focus() { (inputs.find((i) => i.checked) ?? inputs[0]).focus(); },
  };
  return self;
}

/** A switch that acts at once. `act(next)` returns a promise; the switch goes back if it fails. */
export function toggle({ label, hint, on, act, testid }) {
  const id = uid('s');
  const message = h('div', { class: 'form-message' });
  const button = h('button', { type: 'button', role: 'switch', class: 'switch', 'aria-checked': String(on), 'aria-labelledby': id, 'data-testid': testid, async onClick() {
    const next = button.getAttribute('aria-checked') !== 'true';
    button.setAttribute('aria-checked', String(next));
    button.disabled = true;
    fill(message);
    try { await act(next); } catch (problem) {
      button.setAttribute('aria-checked', String(!next));
      fill(message, problemBox(problem));
    }
    button.disabled = false;
  } });
  const hintEl = h('span', { class: 'muted small' }, hint ?? '');
  const el = h('div', {}, h('div', { class: 'toggle' }, h('span', { id, onClick: () => button.click() }, h('span', { class: 'strong' }, label), hintEl), button), message);
  return { el, set on(v) { if (!button.disabled) button.setAttribute('aria-checked', String(v)); }, hint(text) { hintEl.textContent = text; } };
}

/** A range with its number and what the number means. */
export function slider({ label, value, min = 0, max = 100, step = 5, words, testid, onInput, suffix = '' }) {
  const id = uid('r');
  const number = h('output', { class: 'number', for: id });
  const note = h('p', { class: 'note' });
  const input = h('input', { type: 'range', id, min, max, step, value, 'data-testid': testid, onInput() { tell(); onInput?.(); } });
  const el = h('div', { class: 'field' }, h('div', { class: 'row between' }, h('label', { for: id }, label), number), input, note);
  function tell() {
    number.textContent = input.value + suffix;
    say(note, words?.(Number(input.value)));
  }
  tell();
  return { el, get value() { return Number(input.value); }, set value(v) { input.value = v; tell(); } };
}

const matches = (field, pointer) => field.pointer && (pointer === field.pointer || pointer.endsWith(field.pointer) || pointer.startsWith(`${field.pointer}/`));

/** Puts a problem where it belongs; returns the field it went to. */
export function place(problem, fields, message) {
  const left = [];
  let first = null;
  for (const e of problem.errors ?? []) {
    const f = fields.find((x) => matches(x, e.field ?? ''));
    if (f) { f.error(e.detail, e.field); first ??= f; } else left.push(e.detail);
  }
  if (!first || left.length) fill(message, problemBox(problem, left));
  first?.focus();
  return first;
}

/** Runs `submit` with the button busy, and shows what goes wrong. `submit` may throw {field, sentence} for its own checks. */
export function bind(form, { fields, submit, button, busy, after }) {
  const message = h('div', { class: 'form-message', role: 'alert' });
  (button.closest('.actions') ?? button).before(message);
  form.noValidate = true;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    for (const f of fields) f.error(null);
    fill(message);
    const was = [...button.childNodes];
    button.disabled = true;
    if (busy) fill(button, busy);
    let focus = null;
    try { await submit(); } catch (problem) {
      if (problem?.wrong) { problem.wrong.error(problem.sentence); focus = problem.wrong; } else focus = place(problem, fields, message);
    }
    if (busy && button.textContent === busy) fill(button, ...was);
    button.disabled = false;
    after?.();
    focus?.focus();
  });
  return { message };
}

/** For a form's own checks. */
export function wrong(field, sentence) { return { wrong: field, sentence }; }
