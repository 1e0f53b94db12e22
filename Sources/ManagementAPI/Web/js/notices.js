// What one was told: who accepted, who asks for what, what ends.
import { api, seg } from './api.js';
import { fill, h, icon } from './dom.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { card, empty, head, link, time } from './parts.js';
import { may, readNotices, refreshNotices, store } from './store.js';

const ICONS = { applied: 'bell', approved: 'check', refused: 'cross', 'handover-accepted': 'check', 'handover-refused': 'cross', 'permission-taken': 'lock', 'authorization-discarded': 'lock', 'permission-ends-soon': 'clock', shared: 'check', 'share-accepted': 'check', 'share-refused': 'cross', 'share-changed': 'lock', 'share-ended': 'lock', 'share-over': 'dash', 'partner-left': 'dash', 'move-asked': 'bell', 'devices-moved': 'check', 'move-refused': 'cross', 'unbinding-asked': 'bell', unbound: 'unplug', 'unbinding-done': 'check', 'unbinding-refused': 'cross', 'unbinding-withdrawn': 'dash', 'unbinding-closed': 'check', 'unbinding-gone': 'cross', 'unbinding-given-up': 'clock' };
const isOfUnbinding = (n) => n.kind === 'unbound' || n.kind.startsWith('unbinding-');
/** A site that was asked for and not granted has no page here. */
const isElsewhere = (n) => n.kind === 'refused' && !store.sites.some((site) => site.id === n.siteId);
const placeOf = (n) => (isOfUnbinding(n) ? '#/unbindings' : isElsewhere(n) && may('apply-for-site') ? '#/take-over' : n.siteId ? `#/sites/${seg(n.siteId)}` : null);

export async function noticesPage({ root, on }) {
  title(tr`Notices`);
  const list = h('ul', { class: 'plain-list people', 'data-testid': 'notices' });
  const none = empty({ iconName: 'bell', title: tr`Nothing yet`, text: tr`Who accepts a site, who asks you for something, and what ends will be here.` });
  fill(root, head(tr`Notices`), card(null, list, none));
  const row = (n) => h('li', { 'data-kind': n.kind }, icon(ICONS[n.kind] ?? 'dot'), h('span', {}, placeOf(n) ? link(placeOf(n), n.readAt ? '' : 'strong', n.sentence) : n.sentence, h('span', { class: 'muted small' }, time(n.createdAt))));
  function draw() {
    fill(list, store.notices.map(row));
    none.hidden = store.notices.length > 0;
  }
  on('notices', draw);
  await refreshNotices();
  draw();
  await readNotices();
}
