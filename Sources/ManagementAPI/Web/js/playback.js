// Playback: one camera, or up to four in step, by a time bar; what was recorded is played wherever it lies.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { fill, h, icon, say, settle } from './dom.js';
import { bind, field } from './form.js';
import { clockSeconds, dayName, full, zoned } from './format.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { button, empty, head, link, problemBox, sentence } from './parts.js';
import { PlaybackCalendar } from './playback-calendar.js';
import { PlaybackClock } from './playback-clock.js';
import { PlaybackPicture, over } from './playback-picture.js';
import { canPlayBack } from './playback-player.js';
import { channelsByName, put, store } from './store.js';
import { TimeBar } from './time-bar.js';
import { Timelines } from './timeline.js';
import { eventType } from './words.js';

const MOST = 4;
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];
const SOURCES = { cloud: tr`in the cloud`, box: tr`on the box, on its way to the cloud`, device: tr`on the device` };
const codes = { last: null }; // the verification code, in this tab's memory only

/** Which cameras: those of the address, or the first. */
function chosen(params, search) {
  if (params[0]) return [params[0]];
  const asked = (search.get('channels') ?? '').split(',').filter(Boolean);
  return [...new Set(asked)].slice(0, MOST);
}

/** A choice of up to four cameras, for more than one in step. */
function chooser(channels) {
  const box = h('fieldset', { class: 'playback-cameras' }, h('legend', { class: 'spoken' }, tr`Cameras that are played together`));
  const boxes = channelsByName().filter((c) => c.proxied !== false).map((c) => {
    const input = h('input', { type: 'checkbox', value: c.id, checked: channels.includes(c.id), 'data-testid': 'playback-camera', onChange() {
      const now = boxes.filter((b) => b.input.checked).map((b) => b.input.value);
      for (const b of boxes) b.input.disabled = !b.input.checked && now.length >= MOST;
      location.hash = now.length === 1 ? `#/cameras/${seg(now[0])}/playback` : `#/playback?channels=${now.map(seg).join(',')}`;
    } });
    return { input, el: h('label', { class: 'check' }, input, h('span', {}, c.name)) };
  });
  const full = channels.length >= MOST;
  for (const b of boxes) b.input.disabled = full && !b.input.checked;
  box.append(...boxes.map((b) => b.el));
  return boxes.length > 1 ? h('details', { class: 'card playback-choose', open: channels.length === 0 }, h('summary', {}, tr`Cameras (up to ${MOST} in step)`), box) : null;
}

export async function playbackPage({ root, params, query: search, on, cleanup, skeleton }) {
  skeleton();
  const ids = chosen(params, search);
  for (const id of ids) if (!store.channels.has(id)) put('channel', await api.get(`/channels/${seg(id)}`));
  const channels = ids.map((id) => store.channels.get(id));
  const name = channels.length === 1 ? channels[0].name : tr`Playback`;
  title(channels.length === 1 ? tr`${name}, recordings` : tr`Playback`);
  const back = channels.length === 1 ? link(`#/cameras/${seg(ids[0])}`, 'back', icon('back'), name) : link('#/cameras', 'back', icon('back'), tr`Cameras`);
  const heading = head([back, h('h1', { tabindex: -1 }, channels.length === 1 ? tr`Recordings` : tr`Playback`)]);
  if (!canPlayBack) { fill(root, heading, sentence('attention', tr`This browser cannot play recordings here. Open the page in a newer one.`)); return; }
  if (!channels.length) { fill(root, heading, empty({ iconName: 'calendar', title: tr`Recordings will be here`, text: tr`Choose the cameras whose recordings you want to see.` }), chooser(ids)); return; }
  new View({ root, heading, channels, start: Date.parse(search.get('at') ?? '') || null, on, cleanup }).begin();
}

class View {
  constructor({ root, heading, channels, start, on, cleanup }) {
    Object.assign(this, { root, channels, start });
    this.note = h('div', { class: 'playback-note', 'aria-live': 'polite' });
    this.device = h('p', { class: 'muted small', role: 'status' });
    this.pictures = channels.map((channel) => new PlaybackPicture({ channel, code: () => codes.last, active: (p) => this.choose(p), changed: (p, news) => this.trouble(p, news) }));
    this.clock = new PlaybackClock(this.pictures.map((p) => p.player), { changed: () => this.draw() });
    this.lines = new Timelines(channels.map((c) => c.id), (problem) => this.loaded(problem));
    this.bar = new TimeBar({ timelines: this.lines, on: (what) => this.barred(what) });
    this.calendar = new PlaybackCalendar({ channels: channels.map((c) => c.id), chosen: (month, day) => this.day(month, day) });
    this.active = this.pictures[0];
    const keys = (e) => this.key(e);
    document.addEventListener('keydown', keys);
    const again = settle(() => { this.lines.forget(); this.bar.draw(); this.calendar.load(); }, 1500);
    on('clip', again);
    on('resync', again);
    cleanup(() => {
      document.removeEventListener('keydown', keys);
      this.bar.close();
      this.clock.close();
      for (const p of this.pictures) p.close();
    });
    this.controls();
    fill(root, heading, h('div', { class: 'columns playback-columns' },
      h('div', { class: 'playback-main' }, this.stage = h('div', { class: 'playback-stage', 'data-count': channels.length }, this.pictures.map((p) => p.el)),
        this.note, h('div', { class: 'playback-time' }, this.when, this.what), this.bar.el, this.panel, this.device),
      h('div', { class: 'playback-side' }, h('section', { class: 'card' }, h('h2', {}, tr`Day`), this.calendar.el), chooser(channels.map((c) => c.id)), legend())));
  }

  controls() {
    this.when = h('time', { class: 'strong', 'data-testid': 'playback-now' });
    this.what = h('span', { class: 'muted', role: 'status', 'data-testid': 'playback-what' });
    this.toggle = over('play', tr`Play`, 'playback-play', () => this.playPause());
    this.toggle.classList.add('primary');
    this.speed = h('select', { 'aria-label': tr`Speed`, 'data-testid': 'playback-speed', onChange: () => this.clock.setSpeed(Number(this.speed.value)) }, SPEEDS.map((s) => h('option', { value: s }, s < 1 ? `1/${1 / s}×` : `${s}×`)));
    this.speed.value = '1';
    this.sound = over('mute', tr`Sound on`, 'playback-sound', () => this.hear(), { 'aria-pressed': 'false' });
    const whole = over('whole', tr`Full screen`, 'playback-full', () => (document.fullscreenElement ? document.exitFullscreen() : this.stage.requestFullscreen?.()));
    this.panel = h('div', { class: 'playback-controls', role: 'toolbar', 'aria-label': tr`Playback` },
      h('span', { class: 'group' }, over('event-back', tr`The event before`, 'playback-event-back', () => this.event(-1)), over('step-back', tr`One picture back`, 'playback-step-back', () => this.step(-1)), this.toggle,
        over('step', tr`One picture on`, 'playback-step', () => this.step(1)), over('event-next', tr`The next event`, 'playback-event-next', () => this.event(1))),
      h('span', { class: 'group' }, this.speed, this.sound, over('camera', tr`Save this picture`, 'playback-capture', () => this.capture()), over('download', tr`Cut out two minutes`, 'playback-cut', () => this.cut())),
      h('span', { class: 'group' }, over('zoom-out', tr`Picture smaller`, 'playback-smaller', () => this.active.zoom(1 / 1.5)), over('zoom-in', tr`Picture larger`, 'playback-larger', () => this.active.zoom(1.5)), whole),
      h('span', { class: 'group' }, over('dash', tr`More time on the bar`, 'bar-wider', () => this.bar.zoom(2)), over('plus', tr`Less time on the bar`, 'bar-closer', () => this.bar.zoom(0.5))));
  }

  /** Two minutes around what is shown, to take away. */
  async cut() {
    this.clock.pause();
    const now = Math.min(this.clock.begun ? this.clock.now : this.bar.time, Date.now() - 60000);
    (await import('./cut-out.js')).cutOut({ channelIds: this.channels.map((c) => c.id), from: now - 60000, to: now + 60000 });
  }

  /** Goes to where one came for, else to the last footage there is. */
  async begin() {
    this.bar.draw();
    const days = this.calendar.load();
    if (this.start) { this.go(this.start); return; }
    const now = Date.now();
    this.bar.show(now);
    this.lines.need(now - 12 * 3600000, now);
    const last = () => Math.max(...this.lines.channels.flatMap((id) => this.lines.of(id).spans.filter((s) => s.playable).map((s) => Math.max(s.start, s.end - 60000))));
    this.landing = () => { if (this.lines.busy) return; this.landing = null; const at = last(); if (Number.isFinite(at)) this.go(at); else days.then((marked) => this.latest(marked)); };
  }

  latest(marked) {
    const day = Math.max(...marked);
    if (Number.isFinite(day)) this.day(this.calendarMonth(), day);
    else fill(this.note, sentence('off', tr`Nothing is recorded yet. What is recorded appears on the bar by itself.`));
  }

  calendarMonth() { return new Date().toISOString().slice(0, 7); }

  day(month, day) {
    const [from, to] = [Date.parse(zoned(month, day, 0)), Date.parse(zoned(month, day, 24))];
    this.lines.need(from, to);
    const first = () => Math.min(...this.lines.channels.flatMap((id) => this.lines.of(id).spans.filter((s) => s.playable && s.end > from && s.start < to).map((s) => Math.max(from, s.start))));
    this.landing = () => { if (this.lines.busy) return; this.landing = null; const at = first(); this.go(Number.isFinite(at) ? at : from); };
    if (!this.lines.busy) this.landing();
  }

  loaded(problem) {
    if (problem) fill(this.note, problemBox(problem));
    say(this.device, [...new Set(this.channels.map((c) => this.lines.of(c.id).sentence).filter(Boolean))].join(' '));
    this.landing?.();
    this.bar.draw();
  }

  go(time) {
    fill(this.note);
    this.bar.show(time);
    this.clock.seek(time);
  }

  // The bar

  barred({ begin, move, end, view }) {
    if (view) { this.lines.need(...view); return; }
    if (begin) { this.resume = this.clock.playing; this.clock.pause(); this.scrubbed = 0; fill(this.note); }
    if (move) this.scrub(move);
    if (end) {
      clearTimeout(this.later);
      fill(this.note);
      this.clock.seek(end);
      if (this.resume) this.clock.play();
      this.resume = false;
    }
  }

  /** The picture follows the finger: as often as pictures come, and once it rests. */
  scrub(time) {
    clearTimeout(this.later);
    const since = performance.now() - this.scrubbed;
    const shown = this.pictures.every((p) => p.player.at(this.clock.now).state !== 'loading');
    if ((shown && since > 120) || since > 700) {
      this.scrubbed = performance.now();
      this.clock.seek(time);
    } else this.later = setTimeout(() => this.scrub(time), 80);
  }

  // Doing

  playPause() {
    if (!this.clock.begun) return;
    if (this.clock.playing) this.clock.pause();
    else { if (this.clock.over) this.clock.seek(this.clock.now); this.clock.play(); }
  }

  async step(by) {
    this.clock.pause();
    if (this.stepping) return;
    this.stepping = true;
    const { player } = this.active;
    const at = player.at(this.clock.now).state === 'ready' && player.position !== null ? player.position : this.clock.now;
    try { this.clock.seek(await player.neighbour(by) ?? at + by * player.interval * 1000); } finally { this.stepping = false; }
  }

  event(by) {
    const at = this.lines.event(this.clock.now, by);
    if (at === null) { toast(by > 0 ? tr`No later event is on the bar. Zoom out to look further.` : tr`No earlier event is on the bar. Zoom out to look further.`); return; }
    this.go(at);
  }

  hear() {
    const on = this.active.video.muted;
    for (const p of this.pictures) p.video.muted = true;
    this.active.video.muted = !on;
    fill(this.sound, icon(on ? 'sound' : 'mute'));
    for (const [key, value] of [['aria-label', on ? tr`Sound off` : tr`Sound on`], ['title', on ? tr`Sound off` : tr`Sound on`], ['aria-pressed', String(on)]]) this.sound.setAttribute(key, value);
  }

  async capture() {
    const saved = await this.active.capture();
    toast(saved ? tr`Saved as ${saved}.` : tr`There is no picture to save at this moment.`, { iconName: 'camera' });
  }

  choose(picture) {
    if (picture === this.active) return;
    if (!this.active.video.muted) { this.active.video.muted = true; picture.video.muted = false; }
    this.active = picture;
    for (const p of this.pictures) p.el.classList.toggle('active', p === picture && this.pictures.length > 1);
  }

  key(e) {
    if (e.target.closest?.('input, select, textarea, dialog') || e.ctrlKey || e.metaKey || e.altKey) return;
    const seconds = (s) => { this.clock.seek(this.clock.now + s * 1000); };
    const does = {
      ArrowRight: () => (e.shiftKey ? seconds(10) : this.step(1)), ArrowLeft: () => (e.shiftKey ? seconds(-10) : this.step(-1)),
      ' ': () => (e.target.closest?.('button') ? false : this.playPause()), '+': () => this.bar.zoom(0.5), '=': () => this.bar.zoom(0.5), '-': () => this.bar.zoom(2),
      PageDown: () => this.event(1), PageUp: () => this.event(-1),
    }[e.key];
    if (does && does() !== false) e.preventDefault();
  }

  trouble(picture, { problem }) {
    if (!problem) { if (this.troubled === picture) { this.troubled = null; fill(this.note); } return; }
    // Of several pictures the others go on; what is wrong with this one is said in its place.
    if (this.pictures.length > 1 && !['footage-locked', 'wrong-code', 'live-over'].includes(problem.slug)) return;
    this.troubled = picture;
    this.clock.pause();
    if (problem.slug === 'footage-locked' || problem.slug === 'wrong-code') { this.ask(picture, problem); return; }
    const over = problem.slug === 'live-over';
    fill(this.note, over ? sentence('attention', tr`The time for viewing from afar is over.`) : problemBox(problem), button(over ? tr`Continue` : tr`Try again`, { iconName: 'test', testid: 'playback-again', onClick: () => { fill(this.note); this.clock.seek(this.clock.now); } }));
  }

  /** Encrypted footage opens with the code alone. */
  ask(picture, problem) {
    const code = field({ label: tr`Verification code`, type: 'password', pointer: '/code', testid: 'playback-code', autocomplete: 'off', hint: tr`It was shown when encryption was switched on. This tab remembers it until it is closed.` });
    if (problem.slug === 'wrong-code') code.error(problem.detail);
    const open = button(tr`Open`, { look: 'primary', type: 'submit', testid: 'playback-code-submit' });
    const form = h('form', { class: 'card', 'data-testid': 'playback-code-form' }, h('p', {}, icon('lock'), tr` This footage is encrypted.`), code.el, h('div', { class: 'actions' }, open));
    bind(form, { fields: [code], button: open, busy: tr`Opening`, submit: async () => {
      codes.last = code.value;
      fill(this.note);
      for (const p of this.pictures) p.player.forget();
      this.clock.seek(this.clock.now);
    } });
    fill(this.note, form);
  }

  draw() {
    const now = this.clock.begun ? this.clock.now : this.bar.time;
    if (!this.bar.dragging) this.bar.show(now);
    const shown = this.bar.time;
    this.calendar.show(shown);
    say(this.when, `${dayName(shown)}, ${clockSeconds(shown)}`);
    this.when.setAttribute('datetime', new Date(shown).toISOString());
    this.when.title = full(shown);
    say(this.what, this.here(this.active.channel.id, shown));
    const playing = this.clock.playing;
    if (this.toggle.dataset.playing !== String(playing)) {
      this.toggle.dataset.playing = String(playing);
      fill(this.toggle, icon(playing ? 'pause' : 'play'));
      for (const name of ['aria-label', 'title']) this.toggle.setAttribute(name, playing ? tr`Pause` : tr`Play`);
    }
    for (const p of this.pictures) {
      const state = this.clock.begun ? p.player.at(now) : { state: 'loading' };
      const { gap } = this.lines.at(p.channel.id, now);
      p.show(state, now, p.player.problem ? this.pictures.length > 1 && (p.player.problem.detail ?? tr`The picture does not come.`) : state.state === 'none' ? gap?.reason ?? (this.clock.over ? tr`There is no later footage.` : tr`Nothing was recorded at this moment.`) : null);
      p.el.classList.toggle('waits', state.state === 'loading');
    }
  }

  /** What lies under the needle, in words. */
  here(id, time) {
    const { span, gap } = this.lines.at(id, time);
    if (span) return [span.kind === 'event' ? eventType(span.type ?? 'other').word : tr`Continuous`, SOURCES[span.source], span.encrypted && tr`encrypted`, !span.playable && tr`being prepared`].filter(Boolean).join(', ');
    return gap ? [gap.reason, gap.outcome].filter(Boolean).join(' ') : '';
  }
}

const legend = () => h('ul', { class: 'playback-legend muted small' }, [['time', tr`Recorded all the time`], ['event', tr`Something happened`], ['gap', tr`Missing; the reason is beside the time`]].map(([kind, words]) => h('li', {}, h('span', { class: `playback-swatch swatch-${kind}`, 'aria-hidden': 'true' }), words)),
  h('li', {}, tr`Keys: space plays, arrows step, with Shift ten seconds, + and − zoom, Page Up and Down go from event to event.`));
