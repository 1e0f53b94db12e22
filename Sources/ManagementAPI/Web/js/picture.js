// <gh-picture>: the latest picture of a camera. The last one stays until the next is ready to be shown.
import { fill, h, icon } from './dom.js';
import { tr } from './language.js';
import { mayAt } from './store.js';

class Picture extends HTMLElement {
  #shown = null;
  #wanted = null;
  #failed = null;
  #loading = false;
  #seen = () => this.#load();

  connectedCallback() { document.addEventListener('visibilitychange', this.#seen); }

  disconnectedCallback() { document.removeEventListener('visibilitychange', this.#seen); }

  /** Shows the picture of `channel` if it is newer than the one shown. */
  show(channel) {
    const main = channel.streams?.find((s) => s.role === 'main') ?? channel.streams?.[0];
    if (main?.width && main?.height && this.dataset.fit !== 'tile') this.style.aspectRatio = `${main.width} / ${main.height}`;
    this.alt = tr`${channel.name}: latest picture`;
    if (!mayAt(channel, 'view-live')) {
      this.#shown = this.#wanted = this.#failed = null;
      fill(this, h('div', { class: 'no-picture' }, icon('lock'), h('span', {}, tr`You may not watch it`)));
      return;
    }
    if (!channel.snapshotAt) {
      if (!this.#shown) fill(this, h('div', { class: 'no-picture' }, icon('camera'), h('span', {}, tr`No picture yet`)));
      return;
    }
    this.#wanted = `${channel.snapshotUrl}?at=${encodeURIComponent(channel.snapshotAt)}`;
    this.#load();
  }

  async #load() {
    if (this.#loading || document.hidden || !this.#wanted || this.#wanted === this.#shown || this.#wanted === this.#failed) return;
    this.#loading = true;
    const url = this.#wanted;
    const next = new Image();
    next.alt = this.alt ?? '';
    next.decoding = 'async';
    next.draggable = false;
    next.src = url;
    try {
      await next.decode();
      if (this.#wanted === null) throw new Error('not to be seen any more');
      fill(this, next);
      this.dispatchEvent(new Event('shown')); // the lens hears it
      this.#shown = url;
    } catch {
      if (!this.#shown && this.#wanted !== null) fill(this, h('div', { class: 'no-picture' }, icon('camera'), h('span', {}, tr`No picture yet`)));
      if (this.#wanted !== null) this.#failed = url; // not asked for again; the next picture has a name of its own
    }
    this.#loading = false;
    if (this.isConnected) this.#load();
  }
}
customElements.define('gh-picture', Picture);

export function picture(channel, fit = 'frame') {
  const el = document.createElement('gh-picture');
  el.dataset.fit = fit;
  el.show(channel);
  return el;
}
