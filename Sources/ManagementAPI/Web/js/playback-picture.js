// One camera's recorded picture: digital zoom by wheel, pinch and drag, capture, and what there is instead of a picture.
import { h, icon, say } from './dom.js';
import { clockSeconds, dayKey } from './format.js';
import { tr } from './language.js';
import { PlaybackPlayer } from './playback-player.js';

const MOST = 8;

export class PlaybackPicture {
  #scale = 1;
  #x = 0;
  #y = 0;
  #pointers = new Map();

  /** `active` is told when this one is chosen; `changed` as the player's. */
  constructor({ channel, code, active, changed }) {
    this.channel = channel;
    this.video = h('video', { class: 'live-video playback-video', muted: true, playsInline: true, 'data-testid': 'playback-video', 'aria-label': tr`${channel.name}, recorded` });
    this.word = h('p', { class: 'playback-word', role: 'status', hidden: true });
    this.readout = h('span', { class: 'playback-at' });
    this.el = h('div', { class: 'frame playback-frame', tabindex: 0, 'data-id': channel.id, 'data-testid': 'playback-picture', role: 'group', 'aria-label': channel.name, onFocus: () => active(this) },
      this.video, this.word, h('div', { class: 'playback-foot' }, h('span', { class: 'strong' }, channel.name), this.readout));
    this.player = new PlaybackPlayer(this.video, { channel: channel.id, code, changed: (news) => changed(this, news) });
    this.el.addEventListener('pointerdown', (e) => { active(this); this.#down(e); });
    this.el.addEventListener('pointermove', (e) => this.#move(e));
    for (const name of ['pointerup', 'pointercancel']) this.el.addEventListener(name, (e) => this.#pointers.delete(e.pointerId));
    this.el.addEventListener('wheel', (e) => { e.preventDefault(); this.zoom(Math.exp(-e.deltaY * 0.002), e.clientX, e.clientY); }, { passive: false });
    this.el.addEventListener('dblclick', () => this.zoom(1 / this.#scale));
  }

  get scale() { return this.#scale; }

  /** Says what is there instead of a picture; nothing where there is one. */
  show({ state }, now, sentence) {
    this.el.dataset.state = state;
    this.video.style.visibility = state === 'none' ? 'hidden' : '';
    this.word.hidden = !sentence;
    say(this.word, sentence || '');
    const at = state === 'ready' ? this.player.position ?? now : now;
    say(this.readout, clockSeconds(at));
    this.el.dataset.at = Math.round(at);
    this.el.dataset.origin = this.player.origin ?? '';
  }

  /** Enlarges by a factor, keeping what is at a point of the screen, or the middle. */
  zoom(by, clientX = null, clientY = null) {
    const box = this.el.getBoundingClientRect();
    const px = (clientX ?? box.left + box.width / 2) - box.left - box.width / 2;
    const py = (clientY ?? box.top + box.height / 2) - box.top - box.height / 2;
    const scale = Math.max(1, Math.min(MOST, this.#scale * by));
    const factor = scale / this.#scale;
    this.#x = px - (px - this.#x) * factor;
    this.#y = py - (py - this.#y) * factor;
    this.#scale = scale;
    this.#place();
  }

  #place() {
    const [w, t] = [this.el.clientWidth, this.el.clientHeight];
    const within = (v, size) => Math.max(-size * (this.#scale - 1) / 2, Math.min(size * (this.#scale - 1) / 2, v));
    [this.#x, this.#y] = [within(this.#x, w), within(this.#y, t)];
    this.video.style.transform = this.#scale === 1 ? '' : `translate(${this.#x}px, ${this.#y}px) scale(${this.#scale})`;
    this.el.classList.toggle('zoomed', this.#scale > 1);
    this.el.dataset.zoom = this.#scale.toFixed(2);
  }

  #down(e) {
    this.#pointers.set(e.pointerId, [e.clientX, e.clientY]);
    if (this.#scale > 1 || this.#pointers.size > 1) this.el.setPointerCapture(e.pointerId);
  }

  #move(e) {
    const was = this.#pointers.get(e.pointerId);
    if (!was) return;
    const others = [...this.#pointers].filter(([id]) => id !== e.pointerId).map(([, at]) => at);
    this.#pointers.set(e.pointerId, [e.clientX, e.clientY]);
    if (others.length) {
      const far = (a) => Math.max(20, Math.hypot(a[0] - others[0][0], a[1] - others[0][1]));
      this.zoom(far([e.clientX, e.clientY]) / far(was), (e.clientX + others[0][0]) / 2, (e.clientY + others[0][1]) / 2);
    } else if (this.#scale > 1) {
      this.#x += e.clientX - was[0];
      this.#y += e.clientY - was[1];
      this.#place();
    }
  }

  /** The picture that is shown, as a PNG that is downloaded; its name. */
  async capture() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return null;
    const canvas = h('canvas', {});
    Object.assign(canvas, { width, height });
    canvas.getContext('2d').drawImage(this.video, 0, 0);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve, 'image/png'); });
    const at = this.player.position ?? Date.now();
    const name = `${this.channel.name} ${dayKey(at).split('/').reverse().join('-')} ${clockSeconds(at).replaceAll(':', '-')}.png`.replace(/[/\\]/g, '-');
    const url = URL.createObjectURL(blob);
    h('a', { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    return name;
  }

  close() { this.player.close(); }
}

export const over = (name, label, testid, onClick, rest = {}) => h('button', { type: 'button', class: 'button quiet icon-only', 'aria-label': label, title: label, 'data-testid': testid, onClick, ...rest }, icon(name));
