// The sites: how far each is on its way to its owner, and adding another one.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { fill, h, icon, settle } from './dom.js';
import { bind, field, wrong } from './form.js';
import { count } from './format.js';
import { tr } from './language.js';
import { go, title } from './navigate.js';
import { button, card, empty, head, link } from './parts.js';
import { may, refreshSites, sortedByName, store } from './store.js';
import { siteStatus } from './words.js';
import { present, zoneOptions, zones } from './zones.js';

export const statusChip = (status) => { const s = siteStatus(status); return h('span', { class: `chip ${s.tone}`, 'data-status': status }, icon(s.icon), s.word); };

export async function sitesPage({ root, on }) {
  title(tr`Sites`);
  const owner = store.user?.isOwner;
  const list = h('ul', { class: 'plain-list sites', 'data-testid': 'sites' });
  const none = h('p', { class: 'muted' });
  const search = field({ label: tr`Search`, type: 'search', placeholder: tr`Name, address, owner`, testid: 'site-search', maxlength: 64 });
  const row = (site) => h('li', { 'data-site': site.name }, link(`#/sites/${seg(site.id)}`, 'site-row', h('span', { class: 'strong' }, site.name), statusChip(site.status),
    h('span', { class: 'muted small' }, [[site.address, site.city].filter(Boolean).join(', '), count(site.deviceCount, 'device'), site.owner && !owner && tr`owner ${site.owner}`, owner && site.company].filter(Boolean).join(' · '))));
  async function load() {
    const words = search.given;
    const items = sortedByName((await api.get(`/sites${words ? `?search=${encodeURIComponent(words)}` : ''}`)).items);
    fill(list, items.map(row));
    none.textContent = items.length === 0 && words ? tr`No site has “${words}”.` : '';
    return items;
  }
  search.input.addEventListener('input', settle(load, 250));
  const people = link('#/people', 'button', icon('face'), h('span', {}, tr`People`));
  people.dataset.testid = 'to-people';
  const takeOver = may('apply-for-site') && link('#/take-over', 'button', icon('enter'), h('span', {}, tr`Take over a site…`));
  if (takeOver) takeOver.dataset.testid = 'to-take-over';
  const links = h('div', { class: 'row wrap' }, link('#/notices', 'button', icon('bell'), h('span', {}, tr`Notices`)), ['view-people', 'manage-people', 'manage-company'].some(may) && people, (owner || may('unbind') || may('configure')) && link('#/unbindings', 'button', icon('unplug'), h('span', {}, tr`Requests to unbind`)), takeOver, may('read-log') && link('#/log', 'button', icon('clock'), h('span', {}, tr`What was done`)));
  on('resync', () => load().catch(() => {}));
  const items = await load();
  if (items.length === 0 && !may('add-site')) {
    fill(root, head(tr`Sites`, links), empty({ iconName: 'key', title: tr`No sites for you yet`, text: tr`Sites will be here once one is assigned to you.` }));
    return;
  }
  fill(root, head(tr`Sites`, links), h('div', { class: 'columns' }, card(null, items.length > 5 && search.el, list, none), may('add-site') && card(tr`Add a site`, addForm())));
}

function addForm() {
  const name = field({ label: tr`Name`, pointer: '/name', maxlength: 64, autocomplete: 'off', autocapitalize: 'words', testid: 'site-name', hint: tr`Such as “Bakery, Mill Lane”.` });
  const zone = field({ label: tr`Time zone`, pointer: '/timeZone', type: 'select', options: [], testid: 'site-zone', hint: tr`It cannot be changed later.` });
  const { here, all } = zones();
  zone.input.append(...zoneOptions(all));
  zone.value = present(store.system?.site?.timeZone ?? here);
  const address = field({ label: tr`Address`, pointer: '/address', optional: true, maxlength: 200, autocomplete: 'off', autocapitalize: 'words', testid: 'site-address' });
  const city = field({ label: tr`City`, pointer: '/city', optional: true, maxlength: 100, autocomplete: 'off', autocapitalize: 'words' });
  const save = button(tr`Add site`, { look: 'primary', iconName: 'plus', type: 'submit', testid: 'site-add' });
  const form = h('form', { class: 'stack' }, name.el, zone.el, address.el, city.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [name, zone, address, city], button: save, busy: tr`Adding…`, async submit() {
    if (!name.given) throw wrong(name, tr`Enter a name for the site.`);
    const site = await api.post('/sites', { name: name.given, timeZone: zone.value, ...(address.given && { address: address.given }), ...(city.given && { city: city.given }) });
    await refreshSites();
    toast(tr`${site.name} has been added.`);
    go(`/sites/${site.id}`);
  } });
  return form;
}
