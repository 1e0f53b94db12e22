// The time bar: hours across, blue where the camera recorded all the time, yellow where something happened, hatched where something is missing.
// It is drawn under a needle that stays in the middle: drag it, turn the wheel or pinch to zoom, or use the keyboard.
import { h } from './dom.js';
import { clock, clockSeconds, dayName, zoneOffset } from './format.js';
import { tr } from './language.js';

const SECOND = 1000;
const NARROWEST = 60 * SECOND;
const WIDEST = 7 * 86400 * SECOND;
const STEPS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400].map((s) => s * SECOND);
const LANE = 22;
const LABELS = 20;

export class TimeBar {
  #span = 3600 * SECOND;
  #time = Date.now();
  #pointers = new Map();
  #moved = 0;
  #pinch = null;
  #drawing = false;

  /** `timelines` says what there is; `on` is told {begin}, {move: time}, {end: time}, {key}, {view: [from, to]}. */
  constructor({ timelines, on }) {
    Object.assign(this, { timelines, on });
    this.canvas = h('canvas', { 'aria-hidden': 'true' });
    this.el = h('div', { class: 'time-bar', role: 'slider', tabindex: 0, 'aria-label': tr`Time bar`, 'aria-orientation': 'horizontal', 'data-testid': 'time-bar' }, this.canvas, h('span', { class: 'time-needle', 'aria-hidden': 'true' }));
    this.el.style.height = `${LABELS + Math.max(2, timelines.channels.length) * LANE + 6}px`;
    this.el.addEventListener('pointerdown', (e) => this.#down(e));
    this.el.addEventListener('pointermove', (e) => this.#move(e));
    for (const name of ['pointerup', 'pointercancel']) this.el.addEventListener(name, (e) => this.#up(e));
    this.el.addEventListener('wheel', (e) => { e.preventDefault(); this.zoom(Math.exp((e.deltaY || e.deltaX) * 0.0015)); }, { passive: false });
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.el);
    this.dark = matchMedia('(prefers-color-scheme: dark)');
    this.dark.addEventListener('change', this.#recolour);
  }

  #recolour = () => this.draw();

  close() {
    this.resized.disconnect();
    this.dark.removeEventListener('change', this.#recolour);
  }

  get time() { return this.#time; }
  get dragging() { return this.#pointers.size > 0 && this.#moved > 4; }
  get view() { return [this.#time - this.#span / 2, this.#time + this.#span / 2]; }
  get span() { return this.#span; }
  /** Milliseconds of a pixel. */
  get scale() { return this.#span / Math.max(1, this.el.clientWidth); }

  show(time) {
    if (!this.dragging && time !== this.#time) this.#set(time);
  }

  #set(time) {
    this.#time = Math.min(time, Date.now() + 60 * SECOND);
    this.el.setAttribute('aria-valuenow', Math.round(this.#time / SECOND));
    this.el.setAttribute('aria-valuetext', `${dayName(this.#time)} ${clockSeconds(this.#time)}`);
    this.draw();
  }

  zoom(by) {
    this.#span = Math.min(WIDEST, Math.max(NARROWEST, this.#span * by));
    this.draw();
  }

  // Fingers and mice

  #down(e) {
    if (e.button) return;
    this.el.setPointerCapture(e.pointerId);
    this.#pointers.set(e.pointerId, e.clientX);
    if (this.#pointers.size === 1) { this.#moved = 0; this.#start = { x: e.clientX, time: this.#time }; }
    if (this.#pointers.size === 2) this.#pinch = { apart: this.#apart(), span: this.#span };
  }
  #start = { x: 0, time: 0 };

  #apart() {
    const [a, b] = [...this.#pointers.values()];
    return Math.max(20, Math.abs(a - b));
  }

  #move(e) {
    if (!this.#pointers.has(e.pointerId)) return;
    this.#pointers.set(e.pointerId, e.clientX);
    if (this.#pinch && this.#pointers.size === 2) {
      this.#span = Math.min(WIDEST, Math.max(NARROWEST, this.#pinch.span * (this.#pinch.apart / this.#apart())));
      this.#moved = 10;
      this.draw();
      return;
    }
    if (this.#pinch) return;
    const by = e.clientX - this.#start.x;
    const was = this.#moved;
    this.#moved = Math.max(was, Math.abs(by));
    if (this.#moved <= 4) return;
    if (was <= 4) this.on({ begin: true });
    this.#set(this.#start.time - by * this.scale);
    this.on({ move: this.#time });
  }

  #up(e) {
    if (!this.#pointers.delete(e.pointerId)) return;
    const pinched = this.#pinch;
    if (this.#pointers.size === 0) this.#pinch = null;
    if (pinched || this.#pointers.size) return;
    if (this.#moved > 4) { this.on({ end: this.#time }); return; }
    // A tap goes to what was tapped.
    const box = this.el.getBoundingClientRect();
    this.#set(this.#time + (e.clientX - box.left - box.width / 2) * this.scale);
    this.on({ end: this.#time });
  }

  // Drawing

  draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => { this.#drawing = false; this.#draw(); });
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.el;
    if (!width) return;
    const dense = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * dense) || this.canvas.height !== Math.round(height * dense)) {
      this.canvas.width = Math.round(width * dense);
      this.canvas.height = Math.round(height * dense);
    }
    const g = this.canvas.getContext('2d');
    g.setTransform(dense, 0, 0, dense, 0, 0);
    g.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.el);
    const colour = (name) => style.getPropertyValue(name).trim();
    const [from, to] = this.view;
    this.on({ view: [from, to] });
    const x = (t) => (t - from) / this.scale;
    this.#ticks(g, x, width, height, colour);
    const lane = this.timelines.channels.length === 1 ? 2 * LANE : LANE;
    this.timelines.channels.forEach((id, i) => {
      const top = LABELS + i * lane + 3;
      g.fillStyle = colour('--sunk');
      g.fillRect(0, top, width, lane - 4);
      const { spans, gaps } = this.timelines.of(id);
      const block = (one, fill, inset = 0) => {
        if (one.end < from || one.start > to) return;
        g.fillStyle = fill;
        g.fillRect(x(one.start), top + inset, Math.max(2, x(one.end) - x(one.start)), lane - 4 - inset);
      };
      for (const s of spans) if (s.kind === 'time') block(s, colour('--time'));
      for (const s of gaps) block(s, hatched(g, colour('--line-strong'), colour('--surface')));
      for (const s of spans) if (s.kind === 'event') block(s, colour('--event'), lane / 4);
    });
    const now = x(Date.now());
    if (now < width) {
      g.fillStyle = colour('--ground');
      g.globalAlpha = 0.75;
      g.fillRect(now, LABELS, width - now, height);
      g.globalAlpha = 1;
    }
  }

  #ticks(g, x, width, height, colour) {
    const [from, to] = this.view;
    const step = STEPS.find((s) => s / this.scale >= 64) ?? STEPS.at(-1);
    const offset = zoneOffset((from + to) / 2);
    g.font = `12px ${getComputedStyle(this.el).fontFamily}`;
    g.textAlign = 'center';
    for (let t = Math.ceil((from + offset) / step) * step - offset; t < to; t += step) {
      const midnight = (t + offset) % (86400 * SECOND) === 0;
      g.fillStyle = colour('--line');
      g.fillRect(Math.round(x(t)), LABELS - 4, 1, height);
      g.fillStyle = colour(midnight ? '--text' : '--muted');
      g.fillText(midnight ? dayName(t).slice(0, 12) : step < 60 * SECOND ? clockSeconds(t) : clock(t), x(t), LABELS - 8);
    }
  }
}

const patterns = new Map();
/** Lines aslant, for what is missing: told apart without colour. */
function hatched(g, line, ground) {
  const key = `${line} ${ground}`;
  if (!patterns.has(key)) {
    const tile = document.createElement('canvas');
    tile.width = tile.height = 8;
    const t = tile.getContext('2d');
    t.fillStyle = ground;
    t.fillRect(0, 0, 8, 8);
    t.strokeStyle = line;
    t.lineWidth = 1.5;
    t.beginPath();
    for (const at of [-8, 0, 8]) { t.moveTo(at, 8); t.lineTo(at + 8, 0); }
    t.stroke();
    patterns.set(key, tile);
  }
  return g.createPattern(patterns.get(key), 'repeat');
}
