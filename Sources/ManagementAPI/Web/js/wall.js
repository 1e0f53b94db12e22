// Many cameras at once: 1, 4, 9 or 16 live pictures, over more than one screen where there are more.
import { fill, h, icon, say } from './dom.js';
import { tr } from './language.js';
import { LivePlayer, canPlayLive } from './live-player.js';
import { left } from './live-view.js';
import { button, empty, head, link, sentence } from './parts.js';
import { picture } from './picture.js';
import { title } from './navigate.js';
import { channelsByName } from './store.js';

const SIZES = [1, 4, 9, 16];
const MANY = ['mp4', 'hls', 'webrtc']; // many pictures share one connection
const KEPT = 'gatehouse.wall';
const kept = () => { try { return JSON.parse(localStorage.getItem(KEPT) ?? '{}'); } catch { return {}; } };
const keep = (value) => { try { localStorage.setItem(KEPT, JSON.stringify(value)); } catch { /* then it is asked again */ } };

function tile(channel, single) {
  const video = h('video', { class: 'live-video', muted: true, playsInline: true, hidden: true });
  const word = h('span', { class: 'wall-word' });
  const el = h('a', { class: 'wall-tile', href: `#/cameras/${encodeURIComponent(channel.id)}`, 'data-testid': 'wall-tile', 'data-id': channel.id },
    picture(channel, 'tile'), video, h('span', { class: 'wall-foot' }, h('span', { class: 'tile-name' }, channel.name), word));
  const hasSub = channel.streams.some((s) => s.role === 'sub');
  const player = new LivePlayer(video, { channel: channel.id, stream: hasSub && !single ? 'sub' : 'main', ways: single ? undefined : MANY, changed({ state, sentence: why, refused }) {
    el.dataset.live = state;
    el.classList.toggle('refused', refused);
    video.hidden = refused || !['playing', 'still', 'waiting'].includes(state) || !(video.currentSrc || video.srcObject);
    say(word, { opening: tr`Opening…`, still: tr`The picture stands.`, waiting: why || tr`Trying again…`, over: tr`Over; tap to watch on.`, unplayable: why }[state] ?? '');
  } }).start();
  return { el, player, get state() { return el.dataset.live; } };
}

export function wallPage({ root, on, cleanup }) {
  title(tr`Live`);
  let { size = 4, screen = 0 } = kept();
  if (!SIZES.includes(size)) size = 4;
  let tiles = [];
  let shown = '';
  const grid = h('div', { class: 'wall-grid', 'data-testid': 'wall-grid' });
  const where = h('span', { class: 'muted', role: 'status' });
  const before = h('button', { type: 'button', class: 'button small', 'aria-label': tr`Cameras before these`, onClick: () => turn(-1) }, icon('back'));
  const after = h('button', { type: 'button', class: 'button small', 'aria-label': tr`Further cameras`, onClick: () => turn(1) }, icon('next'));
  const sizes = h('div', { class: 'wall-sizes', role: 'group', 'aria-label': tr`How many cameras at once` }, SIZES.map((n) => h('button', { type: 'button', class: 'button small', 'data-size': n, 'data-testid': `wall-${n}`, onClick: () => choose(n) }, String(n))));
  const whole = h('button', { type: 'button', class: 'button small', 'aria-label': tr`Full screen`, 'data-testid': 'wall-full', onClick: () => (document.fullscreenElement ? document.exitFullscreen() : grid.requestFullscreen?.()) }, icon('whole'));
  const recorded = link('#/playback', 'button small', icon('calendar'), h('span', {}, tr`Recordings`));
  recorded.dataset.testid = 'wall-playback';
  // From afar a view has its time: that of the first that ends is told, and all go on together.
  const rest = h('span', { class: 'live-left wall-left', 'data-testid': 'wall-left' });
  const more = button(tr`Continue`, { look: 'small', testid: 'wall-continue', async onClick() { await Promise.allSettled(tiles.map((t) => t.player.prolong())); tick(); } });
  function tick() {
    const ends = tiles.filter((t) => t.state === 'playing').map((t) => Date.parse(t.player.session?.endsAt ?? '')).filter(Number.isFinite);
    const seconds = ends.length ? Math.max(0, (Math.min(...ends) - Date.now()) / 1000) : null;
    say(rest, seconds === null ? '' : left(seconds));
    rest.style.setProperty('--part', seconds === null ? 0 : Math.min(1, seconds / 300));
    more.hidden = !(tiles.some((t) => t.state === 'over') || (seconds !== null && seconds < 60));
  }
  more.hidden = true;
  const clock = setInterval(tick, 1000);
  cleanup(() => clearInterval(clock));
  const cameras = () => channelsByName().filter((c) => c.proxied !== false);

  function choose(n) {
    screen = Math.floor((screen * size) / n);
    size = n;
    layout();
  }
  function turn(by) { screen += by; layout(); }
  function close() {
    for (const t of tiles) t.player.close();
    tiles = [];
  }
  function layout() {
    const all = cameras();
    const screens = Math.max(1, Math.ceil(all.length / size));
    screen = Math.min(Math.max(0, screen), screens - 1);
    keep({ size, screen });
    const now = all.slice(screen * size, (screen + 1) * size);
    for (const b of sizes.children) b.setAttribute('aria-pressed', String(Number(b.dataset.size) === size));
    before.disabled = screen === 0;
    after.disabled = screen === screens - 1;
    before.hidden = after.hidden = screens === 1;
    say(where, screens > 1 ? tr`${screen * size + 1} to ${screen * size + now.length} of ${all.length}` : '');
    grid.dataset.size = size;
    recorded.href = `#/playback?channels=${now.slice(0, 4).map((c) => encodeURIComponent(c.id)).join(',')}`;
    const key = `${size} ${now.map((c) => c.id)}`;
    if (key === shown) return;
    shown = key;
    close();
    tiles = now.map((c) => tile(c, size === 1));
    fill(grid, tiles.map((t) => t.el));
  }

  fill(root, head([link('#/cameras', 'back', icon('back'), tr`Cameras`), h('h1', { tabindex: -1 }, tr`Live`)], h('div', { class: 'row wrap' }, rest, more, recorded, where, before, after, sizes, whole)));
  if (!canPlayLive) root.append(sentence('attention', tr`This browser cannot show live pictures here. Open the page in a newer one.`));
  else if (cameras().length === 0) root.append(empty({ iconName: 'camera', title: tr`Live pictures will be here`, text: tr`Add cameras first.`, action: link('#/add/find', 'button primary', icon('search'), h('span', {}, tr`Find cameras`)) }));
  else { root.append(grid); layout(); }
  const keys = (e) => {
    if (e.target.closest?.('input, select, textarea')) return;
    if (e.key === 'ArrowRight' && !after.disabled) turn(1);
    else if (e.key === 'ArrowLeft' && !before.disabled) turn(-1);
    else if (e.key === 'f') whole.click();
  };
  document.addEventListener('keydown', keys);
  cleanup(() => { document.removeEventListener('keydown', keys); close(); });
  on('removed', layout);
  on('channel', layout);
  on('resync', layout);
}
