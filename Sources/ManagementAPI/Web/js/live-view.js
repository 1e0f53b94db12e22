// Live pictures over the latest picture of a camera, with what a person may do about them.
import { fill, h, icon, say } from './dom.js';
import { bitRate, exactly } from './format.js';
import { tr } from './language.js';
import { LivePlayer, WAYS, canPlayLive } from './live-player.js';
import { button, link, problemBox } from './parts.js';
import { store } from './store.js';
import { canTalk, talkButton } from './talk.js';

const small = () => matchMedia('(max-width: 700px)').matches;

function round(name, label, onClick, testid) {
  const el = h('button', { type: 'button', class: 'over-button', 'aria-label': label, title: label, 'data-testid': testid, onClick }, icon(name));
  return { el, set(next, text, pressed) { fill(el, icon(next)); el.setAttribute('aria-label', text); el.title = text; if (pressed !== undefined) el.setAttribute('aria-pressed', String(pressed)); } };
}

/** "4:32" */
export const left = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/** Shows `channel` live in `frame` until the page is left; `begin` opens the view where that is not by a sign-in. */
export function liveView({ channel, frame, cleanup, begin }) {
  if (!canPlayLive) return null;
  const video = h('video', { class: 'live-video', muted: true, playsInline: true, hidden: true, 'data-testid': 'live-video', 'aria-label': tr`${channel.name}, live` });
  const badge = h('span', { class: 'live-badge' }, h('span', { class: 'live-dot' }), h('span', {}, tr`Live`));
  const word = h('span', { class: 'live-word', role: 'status' });
  const readout = h('span', { class: 'live-readout', 'aria-hidden': 'true' });
  const rest = h('span', { class: 'live-left' });
  const more = button(tr`Continue`, { look: 'small', testid: 'live-continue', async onClick() { try { await player.prolong(); } catch (problem) { fill(note, problemBox(problem)); } } });
  const apply = link(`#/sites/${channel.siteId}`, 'button small', tr`Ask the owner`);
  const note = h('div', { class: 'live-note' });
  let session = null;
  let state = 'opening';

  const sound = round('mute', tr`Sound on`, () => {
    video.muted = !video.muted;
    if (!video.muted) player.hear();
    sound.set(video.muted ? 'mute' : 'sound', video.muted ? tr`Sound on` : tr`Sound off`, !video.muted);
  }, 'live-sound');
  const sharp = round('hd', tr`High definition`, () => player.use(player.stream === 'main' ? 'sub' : 'main'), 'live-hd');
  const whole = round('whole', tr`Full screen`, () => (document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen?.()), 'live-full');
  const speaks = canTalk && channel.capabilities?.includes('talk');
  const talking = speaks && talkButton({ channel, cleanup, failed: (problem) => fill(note, problemBox(problem)) });
  const bar = h('div', { class: 'live-bar' }, badge, word, readout, rest, more, apply, h('span', { class: 'live-buttons' }, talking, sharp.el, sound.el, whole.el));
  frame.append(video, note, bar);
  const hasSub = channel.streams.some((s) => s.role === 'sub');
  sharp.el.hidden = !hasSub;
  sound.el.hidden = !channel.streams.some((s) => s.audio);
  if (!frame.requestFullscreen) whole.el.hidden = true;

  const player = new LivePlayer(video, { channel: channel.id, begin, stream: hasSub && small() ? 'sub' : 'main', changed(news) {
    ({ session, state } = news);
    frame.dataset.live = state;
    frame.dataset.way = news.way ?? '';
    frame.classList.toggle('refused', news.refused);
    apply.hidden = !(news.refused && store.sites.find((site) => site.id === channel.siteId)?.permissions.includes('apply'));
    // The picture of before stays until the next is there; not where it may not be seen.
    video.hidden = news.refused || !['playing', 'still', 'waiting'].includes(state) || !(video.currentSrc || video.srcObject);
    badge.hidden = state !== 'playing';
    say(word, { opening: tr`Opening…`, still: tr`The picture stands: nothing new comes from the camera.`, waiting: news.sentence || tr`Trying again…`, over: tr`The time for viewing from afar is over.`, unplayable: news.sentence }[state] ?? '');
    sharp.set('hd', news.stream === 'main' ? tr`Standard definition` : tr`High definition`, news.stream === 'main');
    tick();
  } }).start();

  let seen = 0;
  function tick() {
    const end = session?.endsAt && Date.parse(session.endsAt);
    const seconds = end ? Math.max(0, (end - Date.now()) / 1000) : null;
    say(rest, seconds !== null && state === 'playing' ? left(seconds) : '');
    rest.style.setProperty('--part', seconds === null ? 0 : Math.min(1, seconds / 300));
    more.hidden = !(state === 'over' || (seconds !== null && seconds < 60 && state === 'playing'));
  }
  const clock = setInterval(() => {
    tick();
    const rate = (player.bytes - seen) * 8;
    const told = [player.stream === 'converted' && tr`converted by the box`, WAYS[player.way], player.behind > 0 && `${exactly(player.behind, player.way === 'webrtc' ? 2 : 1)} s`, rate > 0 && bitRate(rate)];
    say(readout, state === 'playing' ? told.filter(Boolean).join(' · ') : '');
    seen = player.bytes;
  }, 1000);
  cleanup(() => { clearInterval(clock); player.close(); });
  return player;
}
