// <gh-motion-grid>: fields drawn over the picture by finger, mouse or keyboard, and where something moves just now.
import { announce } from './dialog.js';
import { tr } from './language.js';

const LINGER = 1600;

class MotionGrid extends HTMLElement {
  #columns = 22;
  #rows = 18;
  #cells = new Uint8Array(396);
  #live = new Map(); // field -> when it last moved
  #cursor = 0;
  #focused = false;
  #drag = null; // {value, from, to, before}
  #canvas = document.createElement('canvas');
  #resize = new ResizeObserver(() => this.#draw());
  mode = 'paint'; // or 'box'

  connectedCallback() {
    this.append(this.#canvas);
    this.tabIndex = 0;
    this.setAttribute('role', 'application');
    this.setAttribute('aria-label', tr`Motion area: ${this.#columns} by ${this.#rows} fields. Arrow keys move, space switches a field, shift with an arrow paints, A takes all, delete clears.`);
    this.addEventListener('pointerdown', this.#down);
    this.addEventListener('pointermove', this.#move);
    this.addEventListener('pointerup', this.#up);
    this.addEventListener('pointercancel', this.#up);
    this.addEventListener('keydown', this.#key);
    this.addEventListener('focus', () => { this.#focused = true; this.#draw(); });
    this.addEventListener('blur', () => { this.#focused = false; this.#draw(); });
    this.#resize.observe(this);
    this.#told();
  }

  disconnectedCallback() { this.#resize.disconnect(); }

  /** Another number of fields; none is chosen then. */
  shape(columns, rows) {
    this.#columns = columns;
    this.#rows = rows;
    this.#cells = new Uint8Array(columns * rows);
    this.#cursor = 0;
  }

  get size() { return this.#cells.length; }

  get cells() { return Array.from({ length: this.#rows }, (_, r) => [...this.#cells.subarray(r * this.#columns, (r + 1) * this.#columns)].join('')); }

  set cells(rows) {
    this.#cells.set([...rows.join('')].map(Number).slice(0, this.#columns * this.#rows));
    this.#told();
  }

  get chosen() { return this.#cells.reduce((a, b) => a + b, 0); }

  all(value) { this.#cells.fill(value); this.#changed(); announce(value ? tr`All fields chosen` : tr`No field chosen`); }

  /** Fields where the box sees motion now. */
  moving(rows) {
    const now = performance.now();
    const text = rows.join('');
    for (let i = 0; i < text.length; i += 1) if (text[i] === '1') this.#live.set(i, now);
    this.#draw();
    clearTimeout(this.fading);
    this.fading = setTimeout(() => this.#fade(), 200);
  }

  #fade() {
    this.#draw();
    if (this.#live.size && this.isConnected) this.fading = setTimeout(() => this.#fade(), 200);
  }

  #told() { this.dataset.count = String(this.chosen); this.#draw(); }

  #changed() { this.#told(); this.dispatchEvent(new Event('change')); }

  #at(event) {
    const box = this.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * this.#columns);
    const y = Math.floor(((event.clientY - box.top) / box.height) * this.#rows);
    return [Math.max(0, Math.min(this.#columns - 1, x)), Math.max(0, Math.min(this.#rows - 1, y))];
  }

  #down = (event) => {
    if (event.button) return;
    const [x, y] = this.#at(event);
    try { this.setPointerCapture(event.pointerId); } catch { /* a pointer that is already gone */ }
    this.#cursor = y * this.#columns + x;
    this.#drag = { value: this.#cells[this.#cursor] ? 0 : 1, from: [x, y], last: [x, y], before: this.#cells.slice() };
    this.#stroke([x, y]);
  };

  #move = (event) => { if (this.#drag) this.#stroke(this.#at(event)); };

  #up = () => { if (this.#drag) { this.#drag = null; this.#changed(); } };

  #stroke([x, y]) {
    const { value, from, last, before } = this.#drag;
    if (this.mode === 'box') {
      this.#cells.set(before);
      for (let r = Math.min(from[1], y); r <= Math.max(from[1], y); r += 1) this.#cells.fill(value, r * this.#columns + Math.min(from[0], x), r * this.#columns + Math.max(from[0], x) + 1);
    } else { // every field between the last place and this one, however fast the finger
      const n = Math.max(Math.abs(x - last[0]), Math.abs(y - last[1]), 1);
      for (let i = 0; i <= n; i += 1) this.#cells[Math.round(last[1] + ((y - last[1]) * i) / n) * this.#columns + Math.round(last[0] + ((x - last[0]) * i) / n)] = value;
    }
    this.#drag.last = [x, y];
    this.#cursor = y * this.#columns + x;
    this.#told();
  }

  #key = (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) {
      const x = Math.max(0, Math.min(this.#columns - 1, (this.#cursor % this.#columns) + step[0]));
      const y = Math.max(0, Math.min(this.#rows - 1, Math.floor(this.#cursor / this.#columns) + step[1]));
      const value = this.#cells[this.#cursor];
      this.#cursor = y * this.#columns + x;
      if (event.shiftKey) { this.#cells[this.#cursor] = value; this.#changed(); }
      this.#tell();
    } else if (event.key === ' ' || event.key === 'Enter') {
      this.#cells[this.#cursor] ^= 1;
      this.#changed();
      this.#tell();
    } else if (event.key === 'a' || event.key === 'A') this.all(1);
    else if (event.key === 'Delete' || event.key === 'Backspace') this.all(0);
    else return;
    event.preventDefault();
    this.#draw();
  };

  #tell() { announce(tr`Row ${Math.floor(this.#cursor / this.#columns) + 1}, column ${(this.#cursor % this.#columns) + 1}, ${this.#cells[this.#cursor] ? tr`chosen` : tr`not chosen`}`); }

  #draw() {
    const { clientWidth: w, clientHeight: hgt } = this;
    if (!w || !hgt) return;
    const scale = devicePixelRatio || 1;
    if (this.#canvas.width !== Math.round(w * scale) || this.#canvas.height !== Math.round(hgt * scale)) {
      this.#canvas.width = Math.round(w * scale);
      this.#canvas.height = Math.round(hgt * scale);
    }
    const c = this.#canvas.getContext('2d');
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, w, hgt);
    const cw = w / this.#columns;
    const ch = hgt / this.#rows;
    const at = (i) => [(i % this.#columns) * cw, Math.floor(i / this.#columns) * ch];
    c.fillStyle = 'rgba(64, 214, 190, 0.30)';
    for (let i = 0; i < this.#cells.length; i += 1) if (this.#cells[i]) { const [x, y] = at(i); c.fillRect(x, y, cw, ch); }
    c.strokeStyle = 'rgba(255, 255, 255, 0.20)';
    c.lineWidth = 1;
    c.beginPath();
    for (let x = 1; x < this.#columns; x += 1) { c.moveTo(Math.round(x * cw) + 0.5, 0); c.lineTo(Math.round(x * cw) + 0.5, hgt); }
    for (let y = 1; y < this.#rows; y += 1) { c.moveTo(0, Math.round(y * ch) + 0.5); c.lineTo(w, Math.round(y * ch) + 0.5); }
    c.stroke();
    this.#outline(c, cw, ch);
    const now = performance.now();
    for (const [i, t] of this.#live) {
      const left = 1 - (now - t) / LINGER;
      if (left <= 0) { this.#live.delete(i); continue; }
      const [x, y] = at(i);
      c.fillStyle = `rgba(255, 207, 51, ${0.55 * left})`;
      c.fillRect(x + 1, y + 1, cw - 2, ch - 2);
    }
    if (this.#focused) {
      const [x, y] = at(this.#cursor);
      c.strokeStyle = '#000';
      c.lineWidth = 4;
      c.strokeRect(x, y, cw, ch);
      c.strokeStyle = '#fff';
      c.lineWidth = 2;
      c.strokeRect(x, y, cw, ch);
    }
  }

  /** The edge of what is chosen. */
  #outline(c, cw, ch) {
    const on = (x, y) => x >= 0 && y >= 0 && x < this.#columns && y < this.#rows && this.#cells[y * this.#columns + x] === 1;
    c.strokeStyle = '#40d6be';
    c.lineWidth = 2;
    c.beginPath();
    for (let y = 0; y < this.#rows; y += 1) for (let x = 0; x < this.#columns; x += 1) {
      if (!on(x, y)) continue;
      const [l, t, r, b] = [x * cw, y * ch, (x + 1) * cw, (y + 1) * ch];
      if (!on(x, y - 1)) { c.moveTo(l, t); c.lineTo(r, t); }
      if (!on(x, y + 1)) { c.moveTo(l, b); c.lineTo(r, b); }
      if (!on(x - 1, y)) { c.moveTo(l, t); c.lineTo(l, b); }
      if (!on(x + 1, y)) { c.moveTo(r, t); c.lineTo(r, b); }
    }
    c.stroke();
  }
}
customElements.define('gh-motion-grid', MotionGrid);
