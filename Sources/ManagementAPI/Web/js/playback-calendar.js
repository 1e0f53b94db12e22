// A month whose days with footage are marked; choosing one goes there.
import { api, query, seg } from './api.js';
import { fill, h, say } from './dom.js';
import { DAY_LETTERS, dayKey, monthName, monthNow } from './format.js';
import { tr } from './language.js';
import { button } from './parts.js';

/** The month that is `by` away, as 2026-11. */
function shifted(month, by) {
  const [y, m] = month.split('-').map(Number);
  const d = new Date(Date.UTC(y, m - 1 + by, 1));
  return `${d.getUTCFullYear()}-${String(d.getUTCMonth() + 1).padStart(2, '0')}`;
}

/** "2026-11" and 27 of an instant, by the site's clock. */
function placed(time) {
  const [d, m, y] = dayKey(time).split('/');
  return { month: `${y}-${m}`, day: Number(d) };
}

export class PlaybackCalendar {
  #month = monthNow();
  #marked = new Set();
  #time = Date.now();
  #asked = 0;

  /** `chosen` is told month and day. */
  constructor({ channels, chosen }) {
    Object.assign(this, { channels, chosen });
    this.name = h('span', { class: 'strong grow month-name', role: 'status' });
    const turn = (by) => { this.#month = shifted(this.#month, by); this.#marked = new Set(); this.#draw(); this.load(); };
    this.later = button('', { look: 'quiet icon-only', iconName: 'next', testid: 'playback-month-later', 'aria-label': tr`The month after`, onClick: () => turn(1) });
    this.grid = h('div', { class: 'calendar', 'data-testid': 'playback-calendar' });
    this.note = h('p', { class: 'muted small', role: 'status' });
    this.el = h('div', { class: 'playback-calendar' }, h('div', { class: 'row' }, button('', { look: 'quiet icon-only', iconName: 'back', testid: 'playback-month-earlier', 'aria-label': tr`The month before`, onClick: () => turn(-1) }), this.name, this.later), this.grid, this.note);
    this.#draw();
  }

  /** Marks the days of the month; answers them. */
  async load() {
    const mine = this.#asked += 1;
    const month = this.#month;
    const answers = await Promise.allSettled(this.channels.map((id) => api.get(`/channels/${seg(id)}/timeline/days${query({ month })}`)));
    if (mine !== this.#asked) return [];
    const good = answers.filter((a) => a.status === 'fulfilled').map((a) => a.value);
    this.#marked = new Set(good.flatMap((a) => a.days));
    const trouble = good.find((a) => a.sentence)?.sentence ?? answers.find((a) => a.status === 'rejected')?.reason.detail;
    say(this.note, trouble ?? (this.#marked.size ? '' : tr`Nothing is recorded in ${monthName(month)}.`));
    this.#draw();
    return [...this.#marked];
  }

  /** Shows the month and day of a moment. */
  show(time) {
    const [was, is] = [placed(this.#time), placed(time)];
    this.#time = time;
    if (is.month !== this.#month && was.month !== is.month) { this.#month = is.month; this.#marked = new Set(); this.load(); }
    if (was.day !== is.day || was.month !== is.month) this.#draw();
  }

  #draw() {
    const month = this.#month;
    say(this.name, monthName(month));
    this.later.disabled = month >= monthNow();
    const [y, m] = month.split('-').map(Number);
    const days = new Date(Date.UTC(y, m, 0)).getUTCDate();
    const first = (new Date(Date.UTC(y, m - 1, 1)).getUTCDay() + 6) % 7;
    const at = placed(this.#time);
    const focused = this.grid.contains(document.activeElement) && document.activeElement.dataset.day;
    fill(this.grid, DAY_LETTERS.map((d) => h('span', { class: 'calendar-head', 'aria-hidden': 'true' }, d)), Array.from({ length: first }, () => h('span', {})),
      Array.from({ length: days }, (_, i) => {
        const d = i + 1;
        const has = this.#marked.has(d);
        return h('button', { type: 'button', class: `calendar-day ${has ? 'has' : ''}`, disabled: !has, 'aria-pressed': String(at.month === month && at.day === d), 'data-day': d, 'aria-label': `${d} ${monthName(month)}${has ? tr`, has recordings` : tr`, none`}`, onClick: () => this.chosen(month, d) }, String(d));
      }), Array.from({ length: 42 - first - days }, () => h('span', { class: 'calendar-rest' })));
    if (focused) this.grid.querySelector(`[data-day="${focused}"]`)?.focus();
  }
}
