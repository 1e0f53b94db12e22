// What lies on the device's own disk: a month with its days, and a day's recordings to download.
import { api, query, seg } from './api.js';
import { fill, h, icon, say } from './dom.js';
import { choice } from './form.js';
import { bytes, clockSeconds, count, DAY_LETTERS, duration, monthName, monthNow, zoned, zoneDiffers, zoneName } from './format.js';
import { tr } from './language.js';
import { button, problemBox, skeleton } from './parts.js';
import { store } from './store.js';

const KINDS = { timed: { word: tr`Continuous`, tone: 'time' }, motion: { word: tr`Motion`, tone: 'event' }, event: { word: tr`Event`, tone: 'event' }, other: { word: tr`Other`, tone: 'time' } };
const PAGE = 100;

/** The day that is `months` away, as 2026-11. */
function shifted(month, months) {
  const [y, m] = month.split('-').map(Number);
  const d = new Date(Date.UTC(y, m - 1 + months, 1));
  return `${d.getUTCFullYear()}-${String(d.getUTCMonth() + 1).padStart(2, '0')}`;
}

export function recordings({ channelId }) {
  const path = `/channels/${seg(channelId)}/recordings`;
  const can = () => store.channels.get(channelId)?.capabilities?.includes('recording-download');
  let month = monthNow();
  let day = null;
  let marked = new Set();
  let type = '';
  let asked = 0;

  const name = h('span', { class: 'strong grow month-name', role: 'status' });
  const earlier = button('', { look: 'quiet icon-only', iconName: 'back', testid: 'month-earlier', 'aria-label': tr`The month before`, onClick: () => turn(-1) });
  const later = button('', { look: 'quiet icon-only', iconName: 'next', testid: 'month-later', 'aria-label': tr`The month after`, onClick: () => turn(1) });
  const grid = h('div', { class: 'calendar', 'data-testid': 'calendar' });
  const kind = choice({ label: h('span', { class: 'spoken' }, tr`Kind of recording`), value: '', testid: 'recording-type', onChange(v) { type = v; loadDay(); }, options: [{ value: '', label: tr`All` }, { value: 'timed', label: tr`Continuous` }, { value: 'motion,event', label: tr`Events` }] });
  const list = h('div', { 'data-testid': 'recordings' });

  function drawMonth() {
    say(name, monthName(month));
    later.disabled = month >= monthNow();
    const [y, m] = month.split('-').map(Number);
    const days = new Date(Date.UTC(y, m, 0)).getUTCDate();
    const first = (new Date(Date.UTC(y, m - 1, 1)).getUTCDay() + 6) % 7;
    const focused = grid.contains(document.activeElement) && document.activeElement.dataset.day;
    fill(grid, DAY_LETTERS.map((d) => h('span', { class: 'calendar-head', 'aria-hidden': 'true' }, d)), Array.from({ length: first }, () => h('span', {})),
      Array.from({ length: days }, (_, i) => {
        const d = i + 1;
        const has = marked.has(d);
        return h('button', { type: 'button', class: `calendar-day ${has ? 'has' : ''}`, disabled: !has, 'aria-pressed': String(d === day), 'data-day': d, 'aria-label': `${d} ${monthName(month)}${has ? tr`, has recordings` : tr`, none`}`, onClick() { day = d; drawMonth(); loadDay(); } }, String(d));
      }), Array.from({ length: 42 - first - days }, () => h('span', { class: 'calendar-rest' })));
    if (focused) grid.querySelector(`[data-day="${focused}"]`)?.focus();
  }

  async function turn(by) {
    month = shifted(month, by);
    day = null;
    marked = new Set();
    fill(list);
    drawMonth();
    await loadMonth();
  }

  async function loadMonth() {
    const mine = asked += 1;
    try {
      const answer = await api.get(`${path}/days${query({ month })}`);
      if (mine !== asked) return;
      marked = new Set(answer.days);
      if (!marked.size) fill(list, h('p', { class: 'muted' }, tr`Nothing is recorded on the device in ${monthName(month)}.`));
      else { day ??= Math.max(...marked); loadDay(); }
      drawMonth();
    } catch (problem) { if (mine === asked) fill(list, problemBox(problem), button(tr`Try again`, { iconName: 'test', onClick: loadMonth })); }
  }

  const row = (r) => {
    const k = KINDS[r.kind] ?? KINDS.other;
    const seconds = (Date.parse(r.to) - Date.parse(r.from)) / 1000;
    return h('li', { class: 'recording', 'data-tone': k.tone, 'data-testid': 'recording' }, h('span', { class: 'recording-mark', 'aria-hidden': 'true' }),
      h('span', { class: 'grow' }, h('span', { class: 'strong' }, tr`${clockSeconds(r.from)} to ${clockSeconds(r.to)}`), h('span', { class: 'muted small block-line' }, [k.word, duration(seconds), r.bytes && bytes(r.bytes)].filter(Boolean).join(' · '))),
      r.downloadUrl && can() && h('a', { class: 'button small', href: r.downloadUrl, download: '', 'data-testid': 'recording-download', 'aria-label': tr`Download ${clockSeconds(r.from)}` }, icon('download'), h('span', {}, tr`Download`)));
  };

  async function loadDay() {
    if (!day) return;
    const mine = asked += 1;
    const from = zoned(month, day, 0);
    const to = zoned(month, day, 24);
    fill(list, skeleton('sk-row', 'sk-row'));
    const items = h('ul', { class: 'recording-list' });
    const note = h('p', { class: 'muted small', role: 'status' });
    const more = button(tr`More`, { testid: 'recordings-more', onClick: () => page() });
    const shown = new Set();
    let next = from;
    async function page() {
      more.disabled = true;
      try {
        const answer = await api.get(`${path}${query({ from: next, to, type, limit: PAGE })}`);
        if (mine !== asked) return;
        const fresh = answer.items.filter((r) => !shown.has(`${r.from} ${r.kind}`));
        for (const r of fresh) { shown.add(`${r.from} ${r.kind}`); items.append(row(r)); }
        next = answer.items.at(-1)?.to ?? to;
        more.hidden = answer.items.length < PAGE || !fresh.length;
        say(note, shown.size ? `${count(shown.size, 'recording')}${more.hidden ? '' : tr` so far`}${zoneDiffers() ? tr`; times are in ${zoneName()}` : ''}.` : tr`Nothing of this kind on this day.`);
        fill(list, note, items, h('div', { class: 'list-foot' }, more));
      } catch (problem) { if (mine === asked) fill(list, problemBox(problem), button(tr`Try again`, { iconName: 'test', onClick: loadDay })); }
      more.disabled = false;
    }
    await page();
  }

  drawMonth();
  loadMonth();
  return [h('div', { class: 'row' }, earlier, name, later), grid, kind.el, list];
}
