// A week of periods: always, or from when to when on each day.
import { fill, h, icon } from './dom.js';
import { choice } from './form.js';
import { zoneDiffers, zoneName } from './format.js';
import { tr } from './language.js';
import { button } from './parts.js';
import { DAYS } from './words.js';

export const scheduleWords = (s) => (s.always ? tr`Always` : s.periods.length ? tr`Weekly` : tr`Weekly, no hours yet`);

const minutes = (t) => { const [a, b] = t.split(':').map(Number); return a * 60 + b; };
const text = (m) => `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`;

/** Minutes of what was typed: 18:30, 18.30, 1830, 18; null where it is no time of day. */
function typed(words) {
  const found = /^(\d{1,2})(?:[:.h ]?(\d{2}))?$/.exec(words.trim());
  const m = found ? Number(found[1]) * 60 + Number(found[2] ?? 0) : NaN;
  return m <= 1440 && Number(found[2] ?? 0) < 60 ? m : null;
}

/** Periods of one day in order, those that touch made one. */
function merged(list) {
  const out = [];
  for (const [from, to] of [...list].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}

/** Edits a schedule ({always, periods}); `onChange` hears of every touch. */
export function weekEditor({ label = tr`When`, testid = 'schedule', emptyDay = tr`Not armed`, onChange }) {
  let week = {}; // day -> [[from, to]] in minutes
  const kind = choice({ label, value: 'always', testid, onChange: () => touched(), options: [{ value: 'always', label: tr`Always` }, { value: 'weekly', label: tr`By the week` }] });
  const days = h('div', { class: 'week', 'data-testid': 'week' });

  function touched() { draw(); onChange(); }

  function period(day, index) {
    const [from, to] = week[day][index];
    const label = DAYS.find((d) => d[0] === day)[1];
    const hour = (value, words) => h('input', { class: 'hour', value: text(value), inputmode: 'numeric', autocomplete: 'off', maxlength: 5, 'aria-label': tr`${label}, period ${index + 1}, ${words}`, onChange: () => set() });
    const start = hour(from, tr`from`);
    const end = hour(to, tr`to`);
    const bad = from >= to;
    function set() { // what is no time of day goes back to what it was
      week[day][index] = [typed(start.value) ?? from, typed(end.value) || (typed(end.value) === 0 ? 1440 : to)];
      touched();
    }
    return h('div', { class: `period ${bad ? 'wrong' : ''}` }, start, h('span', {}, tr`to`), end,
      h('button', { type: 'button', class: 'button quiet icon-only', 'aria-label': tr`Take this period off ${label}`, onClick() { week[day].splice(index, 1); touched(); } }, icon('cross')),
      bad && h('p', { class: 'note' }, icon('warn'), h('span', {}, tr`The end must come after the start. For a night, end one day at 24:00 and begin the next at 00:00.`)));
  }

  function drawDay([day, label], i) {
    const list = week[day] ?? [];
    const blocks = list.filter(([a, b]) => a < b).map(([a, b]) => h('span', { class: 'block', style: { left: `${a / 14.4}%`, width: `${(b - a) / 14.4}%` } }));
    return h('div', { class: 'day' }, h('span', { class: 'day-name' }, label), h('div', { class: 'day-bar', 'aria-hidden': 'true' }, blocks),
      h('div', { class: 'periods' }, list.map((_, n) => period(day, n)), list.length === 0 && h('span', { class: 'muted small' }, emptyDay),
        h('div', { class: 'row' }, button(tr`Add`, { look: 'quiet small', iconName: 'plus', 'aria-label': tr`Add a period on ${label}`, onClick() {
          const last = Math.max(0, ...list.map((p) => p[1]));
          week[day] = [...list, last === 0 ? [480, 1080] : last < 1380 ? [last + 60 > 1380 ? last : last + 60, 1440] : [0, 60]];
          touched();
        } }), i === 0 && list.length > 0 && button(tr`Same on every day`, { look: 'quiet small', iconName: 'copy', onClick() {
          for (const [other] of DAYS) week[other] = list.map((p) => [...p]);
          touched();
        } }))));
  }

  function draw() {
    days.hidden = kind.value !== 'weekly';
    const label = document.activeElement?.getAttribute('aria-label');
    fill(days, h('div', { class: 'hours', 'aria-hidden': 'true' }, ['0', '6', '12', '18', '24'].map((x) => h('span', {}, x))), DAYS.map(drawDay),
      zoneDiffers() && h('p', { class: 'muted small' }, tr`Hours are in ${zoneName()}.`));
    if (label) [...days.querySelectorAll('[aria-label]')].find((x) => x.getAttribute('aria-label') === label)?.focus();
  }

  return {
    els: [kind.el, days],
    field: kind,
    /** Whether a period ends before it begins. */
    get bad() { return kind.value === 'weekly' && DAYS.some(([d]) => (week[d] ?? []).some(([a, b]) => a >= b)); },
    get value() { return { always: kind.value === 'always', periods: DAYS.flatMap(([day]) => merged(week[day] ?? []).map(([a, b]) => ({ day, from: text(a), to: text(b) }))) }; },
    set value(s) {
      kind.value = s.always ? 'always' : 'weekly';
      week = Object.fromEntries(DAYS.map(([d]) => [d, s.periods.filter((p) => p.day === d).map((p) => [minutes(p.from), minutes(p.to)]).sort((a, b) => a[0] - b[0])]));
      draw();
    },
  };
}
