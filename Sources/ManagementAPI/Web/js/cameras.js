// The wall: every camera with its picture, its name and how it is.
import { fill, h, icon, say } from './dom.js';
import { budgetWords, count, when, zoneDiffers, zoneName } from './format.js';
import { tr } from './language.js';
import { onboardingBanner } from './onboarding-banner.js';
import { empty, head, link } from './parts.js';
import { picture } from './picture.js';
import { title } from './navigate.js';
import { channelsByName, may, mayAt, store } from './store.js';
import { severity } from './words.js';

function tile(channel) {
  const pic = picture(channel, 'tile');
  const rec = h('span', { class: 'rec' }, h('span', { class: 'rec-dot' }), tr`Recording`);
  const old = h('span', { class: 'old' });
  const name = h('span', { class: 'tile-name' });
  const mark = h('span', { class: 'tile-mark' });
  const state = h('span', { class: 'tile-sentence' });
  const last = h('span', { class: 'tile-last' });
  const cloud = h('span', { class: 'tile-cloud' });
  const el = h('a', { class: 'tile', href: `#/cameras/${encodeURIComponent(channel.id)}`, 'data-testid': 'camera-tile', 'data-id': channel.id },
    pic, h('span', { class: 'tile-top' }, old, rec),
    h('span', { class: 'tile-foot' }, h('span', { class: 'tile-line' }, name, cloud), h('span', { class: 'tile-meta' }, h('span', { class: 'tile-state' }, mark, state), last)));
  let shape = '';
  function update(c) {
    pic.show(c);
    say(name, c.name);
    say(state, c.state.sentence);
    rec.hidden = !c.recording;
    const isOld = c.state.severity === 'trouble' && c.snapshotAt;
    old.hidden = !isOld;
    if (isOld) say(old, tr`Picture from ${when(c.snapshotAt)}`);
    say(last, c.lastEventAt ? tr`Last event ${when(c.lastEventAt)}` : tr`No event yet`);
    const next = `${c.state.severity} ${c.linked}`;
    if (next !== shape) {
      shape = next;
      el.dataset.severity = c.state.severity;
      const s = severity(c.state.severity);
      fill(mark, icon(s.icon, s.word));
      fill(cloud, c.linked ? icon('cloud-ok', tr`Linked to the cloud`) : '');
    }
  }
  update(channel);
  return { el, update };
}

/** A channel whose proxy is off is not shown. */
const shown = (channel) => channel.proxied !== false;

export function camerasPage({ root, on }) {
  title(tr`Cameras`);
  const tiles = new Map();
  const wall = h('div', { class: 'wall' });
  const about = h('span', { class: 'muted' });
  const addButton = (label = tr`Add cameras`, iconName = 'plus', place = '#/add/find') => link(place, 'button primary', icon(iconName), h('span', {}, label));
  const top = addButton();
  top.dataset.testid = 'add-camera';
  const live = link('#/live', 'button', icon('wall'), h('span', {}, tr`Watch live`));
  live.dataset.testid = 'watch-live';
  // A site may be assigned while one looks on.
  const teach = h('div', {});
  let taught = null;
  const teaching = (adds) => (!adds ? empty({ iconName: 'camera', title: tr`No cameras for you yet`, text: tr`Cameras will be here once a site is assigned to you.` }) : empty({ iconName: 'camera', title: tr`Your cameras will be here`,
    text: tr`Each camera shows its latest picture, how it is, and its last event. The box finds cameras and recorders on the network by itself; have their user name and password at hand.`, action: addButton(tr`Find cameras`, 'search', '#/add/find?now') }));
  fill(root, head([h('h1', { tabindex: -1 }, tr`Cameras`), about], h('div', { class: 'row wrap' }, live, top)), onboardingBanner({ on }), wall, teach);

  function summary() {
    const list = [...store.channels.values()].filter(shown);
    const ill = list.filter((c) => c.state.severity === 'trouble' || c.state.severity === 'attention').length;
    const b = store.system?.budget;
    say(about, list.length === 0 ? '' : [count(list.length, 'camera'), ill ? count(ill, 'needs attention', 'need attention') : tr`all well`,
      b && (b.linkedChannels ? `${count(b.linkedChannels, 'linked to the cloud', 'linked to the cloud')}: ${budgetWords(b)}` : tr`none linked to the cloud`), zoneDiffers() ? zoneName() : ''].filter(Boolean).join(' · '));
    const adds = may('configure');
    if (taught !== adds) fill(teach, teaching(taught = adds));
    teach.hidden = list.length > 0;
    wall.hidden = list.length === 0;
    top.hidden = list.length === 0 || !adds;
    live.hidden = !list.some((c) => mayAt(c, 'view-live'));
  }

  function layout() {
    const list = channelsByName().filter(shown);
    for (const [id, t] of tiles) if (!list.some((c) => c.id === id)) { t.el.remove(); tiles.delete(id); }
    list.forEach((c, i) => {
      let t = tiles.get(c.id);
      if (!t) tiles.set(c.id, t = tile(c));
      else t.update(c);
      if (wall.children[i] !== t.el) wall.insertBefore(t.el, wall.children[i] ?? null);
    });
    summary();
  }

  on('channel', (c, before) => {
    if (!before || before.name !== c.name || tiles.has(c.id) !== shown(c)) layout();
    else if (!shown(c)) return;
    else { tiles.get(c.id).update(c); summary(); }
  });
  on('removed', layout);
  on('system', summary);
  on('resync', layout);
  layout();
}
