// The box itself: what it is, what it can, what it is called, how much it writes to its log.
import { api } from './api.js';
import { backupCard } from './backup-card.js';
import { certificateCard } from './certificate-card.js';
import { toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, wrong } from './form.js';
import { bytes, count, duration, full, plain, zoneName } from './format.js';
import { bar, button, card, facts, head, link } from './parts.js';
import { ddnsCard } from './ddns-card.js';
import { deviceFirmwareCard } from './device-firmware-card.js';
import { factoryResetCard } from './factory-reset-card.js';
import { firmwareCard } from './firmware-card.js';
import { iceCard } from './ice-card.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { reachCard } from './reach-card.js';
import { rtspCard } from './rtsp.js';
import { may, put, refreshSystem, store } from './store.js';
import { supportCard } from './support-card.js';
import { watchingCard } from './watching-card.js';
import { LOG_LEVELS } from './words.js';

export function boxPage({ root, on, cleanup }) {
  title(tr`Box`);
  const about = h('div', { 'data-testid': 'box-facts' });
  const encoders = h('ul', { class: 'plain-list encoders', 'data-testid': 'encoders' });
  const load = h('div', {});
  const uptime = h('span', {});
  const started = () => Date.parse(store.system.startedAt);
  // The box's clock, not this browser's: the difference is taken when the answer comes.
  let ahead = 0;
  const tick = () => { uptime.textContent = duration(Math.max(0, Math.floor((Date.now() + ahead - started()) / 1000))); };

  const s = store.system;
  const name = field({ label: tr`Name of the box`, pointer: '/name', value: s.name, maxlength: 64, autocomplete: 'off', autocapitalize: 'words', testid: 'box-name' });
  const logLevel = field({ label: tr`Log`, pointer: '/logLevel', type: 'select', value: s.logLevel, options: LOG_LEVELS, testid: 'box-log', hint: tr`How much the box writes to its log.` });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'box-save' });
  const fields = [name, logLevel];
  const form = h('form', { class: 'stack', 'data-testid': 'box-form' }, name.el, logLevel.el, h('div', { class: 'actions' }, save));
  bind(form, { fields, button: save, busy: tr`Saving…`, async submit() {
    if (!name.given) throw wrong(name, tr`Enter a name for the box.`);
    put('system', await api.patch('/system', { name: name.given, logLevel: logLevel.value }));
    toast(tr`Saved.`);
  } });

  function draw() {
    const x = store.system;
    if (!x) return;
    ahead = Date.parse(x.now) - Date.now();
    fill(about, facts([[tr`Model`, x.model], [tr`Serial number`, h('code', {}, x.serialNumber)], [tr`Version`, x.version], x.board && [tr`Hardware`, x.board], x.macAddresses.length && [tr`MAC address`, h('code', {}, x.macAddresses.join(', '))], [tr`Running for`, uptime], [tr`Started`, full(x.startedAt)],
      [tr`Clock`, x.timeKnown ? tr`set by the network` : h('span', { 'data-testid': 'clock-unknown' }, tr`set by nobody: times may be wrong until the box reaches a time server`)],
      [tr`Memory in use`, bytes(x.memoryBytes)], x.site && [tr`Time zone of the site`, `${x.site.timeZone} (${zoneName()})`]]));
    tick();
    const b = x.budget;
    fill(load, h('div', { class: 'figure-head' }, h('span', { class: 'number' }, tr`${plain(b.usedMegapixels)} of ${plain(b.megapixels)} megapixels`), h('span', { class: 'muted small' }, count(b.linkedChannels, 'camera linked', 'cameras linked'))), bar(b.usedMegapixels / b.megapixels, tr`Megapixels used`),
      h('p', { class: 'muted small' }, tr`The box can carry so many megapixels of cameras linked to the cloud; each counts with its main stream.`));
    fill(encoders, x.encoders.length === 0 && h('li', { class: 'muted' }, tr`No encoder was found. Streams that fit can still be sent as they come.`),
      x.encoders.map((e) => h('li', { class: e.proven ? 'ok' : 'off' }, icon(e.proven ? 'check' : 'off', e.proven ? tr`Proven` : tr`Not used`),
        h('span', {}, h('span', { class: 'strong' }, h('code', {}, e.name), ` ${e.kind === 'hardware' ? tr`video chip` : tr`processor`}, ${e.proven ? tr`proven` : tr`not proven`}`), e.reason && h('span', { class: 'muted small' }, e.reason)))));
  }
  on('system', draw);
  // Who may not set the box sees how it is.
  const sets = may('configure-box');
  const [rtsp, ice, reach, ddns] = sets ? [rtspCard(), iceCard(), reachCard({ cleanup }), ddnsCard({ cleanup })] : [];
  const certificate = may('view-box') && certificateCard();
  const firmware = may('view-box') ? firmwareCard({ cleanup }) : null;
  const devices = deviceFirmwareCard({ cleanup });
  const support = sets ? supportCard() : null;
  const timer = setInterval(tick, 1000);
  cleanup(() => clearInterval(timer));
  const mine = h('span', { class: 'phone-only' }, link('#/sites', 'button quiet', icon('key'), h('span', {}, tr`Sites`)), link('#/notices', 'button quiet', icon('bell'), h('span', {}, tr`Notices`)), link('#/account', 'button quiet', icon('face'), h('span', {}, tr`Account`)),
    button(tr`Sign out`, { look: 'quiet', iconName: 'out', testid: 'box-sign-out', onClick: () => document.getElementById('app').dispatchEvent(new Event('gh-leave')) }));
  fill(root, head(tr`Box`, mine),
    h('div', { class: 'columns' }, h('div', { class: 'stack-cards' }, card(tr`This box`, about), firmware?.el, devices.el, card(tr`Encoders`, encoders), rtsp?.el, ice?.el),
      h('div', { class: 'stack-cards' }, sets && card(tr`Names and log`, form), sets && watchingCard({ cleanup }), card(tr`What the box carries`, load), reach?.el, ddns?.el, certificate?.el, support?.el, may('back-up') && backupCard(), may('reset-box') && factoryResetCard())));
  draw();
  return Promise.all([refreshSystem(), rtsp?.load(), ice?.load(), reach?.load(), ddns?.load(), certificate?.load(), firmware?.load(), devices.load(), support?.load()]);
}
