// One site: what is known of it, its owner, and what the owner lets the provider do.
import { api, seg } from './api.js';
import { codeButton, siteCodeHolds } from './code-dialog.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, toggle, wrong } from './form.js';
import { count, full } from './format.js';
import { handOverCard } from './hand-over.js';
import { tr } from './language.js';
import { go, title } from './navigate.js';
import { button, card, facts, head, link, problemBox, sentence } from './parts.js';
import { permissionCards } from './permissions.js';
import { channelsByName, may, refreshSites, sortedByName, store } from './store.js';
import { statusChip } from './sites.js';
import { moveCards } from './move-card.js';
import { inviteCard } from './invite-provider.js';
import { leaveCard, shareCard } from './share-card.js';
import { siteStatus } from './words.js';

export async function sitePage(context) {
  const { root, params: [id], on, cleanup } = context;
  const path = `/sites/${seg(id)}`;
  let ending = null;
  let touched = false; // something is typed or opened here
  const sent = {}; // links that are shown once
  root.addEventListener('input', () => { touched = true; });
  root.addEventListener('click', (event) => { touched ||= Boolean(event.target.closest('summary')); });
  // No word that was typed is lost to what others do, nor a link that is shown once.
  const inUse = () => touched || root.querySelector('.made:not(.kept):not(:empty), :is(input, textarea, select):focus');
  async function draw(isNews = false) {
    const site = await api.get(path);
    const can = (what) => site.permissions.includes(what);
    title(site.name);
    // Asked for anew: of a device that went to a site that is not one’s own nothing is told.
    const devices = can('view-site') ? sortedByName((await api.get(`/devices?siteId=${seg(id)}`)).items) : [];
    const state = { site, path, can, sent, redraw: () => draw(), devices, channels: channelsByName().filter((c) => c.siteId === site.id) };
    const [permissions, mine, shares, moves, invitations] = await Promise.all([site.owner && permissionCards(state), can('hand-over') && handOverCard(state), shareCard(state), moveCards(state), inviteCard(state)]);
    if (isNews && inUse()) return; // meanwhile
    const owns = store.user?.isOwner;
    const word = siteStatus(site.status);
    touched = false;
    clearTimeout(ending); // what ends by itself is seen to end
    if (state.nextEnd < Date.now() + 86400e3 && context.alive) ending = setTimeout(news, Math.max(0, state.nextEnd - Date.now()) + 1500);
    const about = h('div', { class: 'stack-cards' }, informationCard(state), devicesCard(state));
    const rest = h('div', { class: 'stack-cards' }, mine, permissions, invitations, moves, shares, site.controlsRemoteUse && can('control-remote-use') && ownerUseCard(state), can('delete-site') && deleteCard(state), can('leave-site') && leaveCard(state));
    fill(root, head([link('#/sites', 'back', icon('back'), tr`Sites`), h('h1', { tabindex: -1 }, site.name), statusChip(site.status)]),
      sentence(word.severity, owns ? word.forOwner : word.sentence),
      h('div', { class: 'columns after-sentence' }, owns ? [rest, about] : [about, rest]));
  }
  // What others do is seen at once.
  async function news() {
    if (inUse()) return;
    try { await draw(true); } catch (problem) { if (problem.status === 404 && context.alive) go('/sites'); }
  }
  cleanup(() => clearTimeout(ending));
  on('resync', news);
  on('notices', () => { if (store.notices[0]?.siteId === id) news(); });
  await draw();
}

function informationCard({ site, path, can, redraw }) {
  const shown = [[tr`Service provider`, site.company ?? tr`none`], [tr`Owner`, site.owner ?? tr`not handed over`], site.handedOverAt && [tr`Handed over`, full(site.handedOverAt)],
    [tr`Time zone`, site.timeZone], [tr`Site ID`, h('code', { class: 'wrap', 'data-testid': 'site-id' }, site.id)], site.managers.length > 0 && [tr`Managed by`, site.managers.join(', ')]];
  const reads = can('grant') || can('view-site') && may('read-log');
  const log = reads && link(`#/sites/${seg(site.id)}/log`, 'button small', icon('clock'), h('span', {}, tr`What was done here`));
  if (log) log.dataset.testid = 'site-log';
  const code = can('view-site') && h('div', { class: 'row wrap' }, codeButton({ path: `${path}/code`, name: () => site.name, holds: siteCodeHolds(), testid: 'site-code' }),
    log);
  if (!can('manage-site')) {
    return card(tr`Site`, h('div', { class: 'stack' }, facts([...shown, site.scene && [tr`Scene`, site.scene], site.address && [tr`Address`, site.address], site.city && [tr`City`, site.city], site.state && [tr`State`, site.state], site.position && [tr`Position on the map`, mapLink(site.position)], site.remarks && [tr`Remarks`, site.remarks]]), code));
  }
  const text = (label, name, maxlength, more = {}) => field({ label, pointer: `/${name}`, value: site[name] ?? '', maxlength, optional: true, autocomplete: 'off', autocapitalize: 'sentences', testid: `site-${name}`, ...more });
  const name = text(tr`Name`, 'name', 64, { optional: false });
  const address = text(tr`Address`, 'address', 200);
  const city = text(tr`City`, 'city', 100);
  const state = text(tr`State or province`, 'state', 100);
  const scene = text(tr`Scene`, 'scene', 64, { hint: tr`Such as shop, flat, office.` });
  const position = positionField(site);
  const remarks = text(tr`Remarks`, 'remarks', 1000, { type: 'area', rows: 3, ...(!can('grant') && { hint: tr`The owner sees them.` }) });
  const sync = toggle({ label: tr`Devices get the site’s time`, hint: tr`And its time zone, those that are there already as well.`, on: site.syncTime, testid: 'site-sync', act: (syncTime) => api.patch(path, { syncTime }) });
  const limits = [['', tr`As the box says`], ['0', tr`No limit`], ...[5, 10, 15, 30, 60].map((n) => [String(n), count(n, 'minute')])];
  const own = site.liveLimitMinutes;
  if (own !== null && !limits.some(([value]) => value === String(own))) limits.push([String(own), count(own, 'minute')]);
  const limit = field({ label: tr`Watching from afar`, pointer: '/liveLimitMinutes', type: 'select', options: limits, value: own === null ? '' : String(own), testid: 'site-limit', hint: tr`Without a tap on “continue”.` });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'site-save' });
  const form = h('form', { class: 'stack' }, name.el, scene.el, address.el, h('div', { class: 'pair' }, city.el, state.el), position.el, position.tools, remarks.el, limit.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [name, scene, address, city, state, position, remarks, limit], button: save, busy: tr`Saving…`, async submit() {
    if (!name.given) throw wrong(name, tr`Enter a name for the site.`);
    const now = { name: name.given, scene: scene.given, address: address.given, city: city.given, state: state.given, remarks: remarks.given, position: coordinates(position.given, position), liveLimitMinutes: limit.value === '' ? null : Number(limit.value) };
    // What was not touched here others may have changed meanwhile.
    const changed = Object.entries(now).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(site[key] ?? null));
    if (changed.length > 0) await api.patch(path, Object.fromEntries(changed));
    await refreshSites();
    toast(tr`Saved.`);
    await redraw();
  } });
  return card(tr`Site`, h('div', { class: 'stack' }, facts(shown), code, sync.el), form);
}

/** Only whoever follows it tells the map's server which place they look at, and not from where they come. */
const mapLink = ({ latitude, longitude }) => h('a', { href: `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=17/${latitude}/${longitude}`, target: '_blank', rel: 'noreferrer', 'data-testid': 'site-map' }, tr`Open the map`);

/** The position, with what helps to find it: where this browser is, and the map as soon as there is a place to be shown. */
function positionField(site) {
  const position = field({ label: tr`Position on the map`, pointer: '/position', optional: true, value: site.position ? `${site.position.latitude}, ${site.position.longitude}` : '', testid: 'site-position', hint: tr`Latitude and longitude, such as 43.88, 11.09.`, autocomplete: 'off' });
  const map = h('span', {});
  const show = () => { const place = coordinates(position.given); fill(map, place && mapLink(place)); };
  const here = button(tr`Where I am`, { look: 'quiet small', iconName: 'zone', onClick() {
    navigator.geolocation?.getCurrentPosition(({ coords }) => { position.value = `${coords.latitude.toFixed(5)}, ${coords.longitude.toFixed(5)}`; position.error(null); show(); },
      () => position.error(tr`This browser does not say where it is.`));
  } });
  position.input.addEventListener('input', show);
  show();
  position.tools = h('div', { class: 'row wrap' }, navigator.geolocation && here, map);
  return position;
}

/** Latitude and longitude as they are typed; null for none. Anything else is wrong, where there is a field to say so. */
function coordinates(text, position) {
  const numbers = text?.split(/[\s,;]+/).filter(Boolean).map(Number) ?? [];
  if (numbers.length === 2 && Math.abs(numbers[0]) <= 90 && Math.abs(numbers[1]) <= 180) return { latitude: numbers[0], longitude: numbers[1] };
  if (text && position) throw wrong(position, tr`Enter latitude and longitude, such as 43.88, 11.09.`);
  return null;
}

function devicesCard({ site, devices, can }) {
  const list = devices.length === 0 ? h('p', { class: 'muted' }, site.deviceCount > 0 ? count(site.deviceCount, '{0} device that you may not see.', '{0} devices that you may not see.') : tr`No devices yet.`)
    : h('ul', { class: 'plain-list' }, devices.map((d) => h('li', {}, link(`#/device/${seg(d.id)}`, '', d.name))));
  return card(tr`Devices`, list, can('configure') && h('div', { class: 'actions' }, link(`#/add/find?site=${seg(site.id)}`, 'button', icon('plus'), h('span', {}, tr`Add devices here`))));
}

function ownerUseCard({ site, path, devices, redraw }) {
  const message = h('div', { class: 'form-message', role: 'alert' });
  const act = async (body) => { fill(message); try { await api.put(`${path}/owner-use`, body); toast(tr`Done.`); await redraw(); } catch (problem) { fill(message, problemBox(problem)); } };
  return card(tr`The owner’s remote use`, h('p', { class: 'muted small' }, tr`${site.owner} has allowed you to switch their use of devices off. Nobody can take the devices off the box meanwhile.`),
    h('ul', { class: 'plain-list' }, devices.map((d) => h('li', { class: 'row between wrap' }, h('span', {}, d.name), h('span', { class: 'row' },
      button(tr`Switch off`, { look: 'small', onClick: () => act({ allowed: false, deviceId: d.id }) }), button(tr`Switch on`, { look: 'small', onClick: () => act({ allowed: true, deviceId: d.id }) }))))),
    h('div', { class: 'row wrap' }, button(tr`All off`, { look: 'small', testid: 'owner-use-off', onClick: () => act({ allowed: false }) }), button(tr`All on`, { look: 'small', testid: 'owner-use-on', onClick: () => act({ allowed: true }) }), button(tr`Give this up`, { look: 'small', testid: 'owner-use-give-up', onClick: () => act({ allowed: true, giveUpControl: true }) })), message);
}

function deleteCard({ site, path }) {
  const message = h('div', { class: 'form-message', role: 'alert' });
  return card(tr`Delete the site`, h('p', { class: 'muted small' }, tr`Only a site without devices can be deleted. Its footage in the cloud stays until its retention ends.`), message,
    h('div', { class: 'actions' }, button(tr`Delete site`, { iconName: 'trash', testid: 'site-delete', async onClick() {
      fill(message);
      if (!await ask({ title: tr`Delete ${site.name}?`, text: tr`The site, its handovers and who manages it are gone at once.`, action: tr`Delete` })) return;
      try { await api.delete(path); await refreshSites(); toast(tr`${site.name} has been deleted.`); go('/sites'); } catch (problem) { fill(message, problemBox(problem)); }
    } })));
}
