// What there is of some cameras along the time, fetched in pieces that are wider than what is looked at.
import { api, query, seg } from './api.js';

const HOUR = 3600000;
const MOST = 30 * 24 * HOUR;
const FRESH = 60000;
const PAUSE = 5000; // after a failure

export class Timelines {
  #loaded = new Map(); // by channel: {from, to, spans, gaps, sentence, at}
  #asking = new Map();
  #failed = new Map(); // when it failed last

  constructor(channels, changed) {
    Object.assign(this, { channels, changed });
  }

  /** Makes sure that what lies between two times is known. */
  need(from, to) {
    for (const id of this.channels) {
      const have = this.#loaded.get(id);
      const recent = to < Date.now() - HOUR || (have && Date.now() - have.at < FRESH);
      if (have && have.from <= from && have.to >= Math.min(to, Date.now()) && recent) continue;
      const asking = this.#asking.get(id);
      if ((asking && asking.from <= from && asking.to >= to) || Date.now() - (this.#failed.get(id) ?? 0) < PAUSE) continue;
      this.#load(id, from, to);
    }
  }

  /** Everything is asked for again when it is needed next. */
  forget() { for (const have of this.#loaded.values()) have.at = have.to = 0; }

  async #load(id, from, to) {
    const wide = Math.min(MOST, Math.max(6 * HOUR, (to - from) * 3));
    const begin = Math.floor(((from + to) / 2 - wide / 2) / 600000) * 600000;
    const mine = { from: begin, to: begin + wide };
    this.#asking.set(id, mine);
    let problem = null;
    try {
      const answer = await api.get(`/channels/${seg(id)}/timeline${query({ from: new Date(mine.from).toISOString(), to: new Date(mine.to).toISOString() })}`);
      if (this.#asking.get(id) !== mine) return;
      const timed = (list) => list.map((one) => ({ ...one, start: Date.parse(one.from), end: Date.parse(one.to) }));
      this.#loaded.set(id, { ...mine, spans: timed(answer.spans), gaps: timed(answer.gaps), sentence: answer.sentence, at: Date.now() });
    } catch (error) {
      problem = error;
      this.#failed.set(id, Date.now());
    }
    if (this.#asking.get(id) === mine) this.#asking.delete(id);
    this.changed(problem);
  }

  of(id) { return this.#loaded.get(id) ?? { spans: [], gaps: [], sentence: null }; }
  get busy() { return this.#asking.size > 0; }

  /** What is recorded of a camera at a moment, and what is missing. */
  at(id, time) {
    const inside = (one) => one.start <= time && time < one.end;
    const { spans, gaps } = this.of(id);
    return { span: spans.filter(inside).sort((a, b) => (a.source === 'device') - (b.source === 'device'))[0] ?? null, gap: gaps.find(inside) ?? null };
  }

  /** Where the next or the last event before a moment begins, over all cameras. */
  event(time, by) {
    const starts = this.channels.flatMap((id) => this.of(id).spans.filter((s) => s.kind === 'event').map((s) => s.start)).sort((a, b) => a - b);
    return by > 0 ? starts.find((t) => t > time + 500) ?? null : starts.filter((t) => t < time - 2000).at(-1) ?? null;
  }
}
