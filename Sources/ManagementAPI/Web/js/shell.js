// The frame around the pages: navigation, the site's name, and a quiet word when the connection is lost.
import { fill, h, icon } from './dom.js';
import { clock } from './format.js';
import { tr } from './language.js';
import { on, store, unreadNotices } from './store.js';

const ENTRIES = [['cameras', tr`Cameras`, 'camera'], ['events', tr`Events`, 'events'], ['cloud', tr`Cloud`, 'cloud'], ['sites', tr`Sites`, 'key'], ['health', tr`Health`, 'health'], ['box', tr`Box`, 'box']];
let offs = [];

/** Draws the frame into `app` and returns the element that holds the page. */
export function shell(app, leave) {
  for (const off of offs) off();
  const badge = h('span', { class: 'badge' });
  const [unread, unreadAfar] = [h('span', { class: 'badge' }), h('span', { class: 'badge of-sites' })];
  // The cloud is the provider's to look after.
  const entries = ENTRIES.filter(([section]) => section !== 'cloud' || !store.user?.isOwner);
  const links = entries.map(([section, label, iconName]) => h('a', { href: `#/${section}`, 'data-section': section, 'data-testid': `nav-${section}` },
    h('span', { class: 'nav-icon' }, icon(iconName), section === 'health' && badge, section === 'sites' && unread, section === 'box' && unreadAfar), h('span', { class: 'nav-label' }, label)));
  const site = h('span', { class: 'site-name' });
  const content = h('main', { id: 'content', tabindex: -1 });
  const bar = h('div', { class: 'connection', role: 'status', 'data-testid': 'connection-bar' });
  fill(app,
    h('nav', { class: 'rail', 'aria-label': tr`Main` },
      h('div', { class: 'brand' }, h('span', { class: 'brand-mark' }, icon('gatehouse')), h('span', { class: 'brand-text' }, h('strong', {}, 'Gatehouse'), site)),
      h('div', { class: `rail-links ${entries.length > 5 ? 'many' : ''}` }, links),
      h('div', { class: 'rail-foot' }, h('a', { href: '#/notices', class: 'muted small', 'data-testid': 'to-notices' }, tr`Notices`), h('a', { href: '#/account', class: 'muted small', 'data-testid': 'account' }, tr`Signed in as ${store.user?.name ?? ''}`),
        h('button', { type: 'button', class: 'button quiet small', onClick: leave, 'data-testid': 'sign-out' }, icon('out'), h('span', {}, tr`Sign out`)))),
    bar, content);
  offs = [
    on('route', (section) => {
      for (const a of links) {
        if (a.dataset.section === section) a.setAttribute('aria-current', 'page');
        else a.removeAttribute('aria-current');
        a.classList.toggle('of-sites-current', section === 'sites' && a.dataset.section === 'box');
      }
    }),
    on('system', (system) => { site.textContent = system.site?.name ?? ''; }),
    on('health', (health) => {
      const n = health.problems.length;
      badge.className = `badge ${n ? health.status : ''}`;
      fill(badge, n ? String(n) : '', n ? h('span', { class: 'spoken' }, ` ${n === 1 ? tr`problem` : tr`problems`}`) : '');
    }),
    ...['notices', 'unread'].map((name) => on(name, () => {
      const n = unreadNotices();
      for (const place of [unread, unreadAfar]) {
        place.classList.toggle('attention', n > 0);
        fill(place, n ? String(n) : '', n ? h('span', { class: 'spoken' }, ` ${n === 1 ? tr`notice` : tr`notices`}`) : '');
      }
    })),
    on('connection', (since) => {
      bar.classList.toggle('shown', Boolean(since));
      fill(bar, since ? [icon('unplug'), h('span', {}, tr`Connection to the box lost since ${clock(since)}. Trying again; what you see may be old.`)] : '');
    }),
  ];
  app.addEventListener('gh-leave', leave, { once: true });
  return content;
}
