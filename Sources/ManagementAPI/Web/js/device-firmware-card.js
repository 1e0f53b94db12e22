// The card of the devices' firmware: for which the catalogue has newer one, and how far those are that are upgraded, one after the other.
import { api } from './api.js';
import { ask } from './dialog.js';
import { fill, h, settle } from './dom.js';
import { bytes, count, percent, when } from './format.js';
import { tr } from './language.js';
import { bar, button, card, facts, link, problemBox, sentence } from './parts.js';
import { may, on } from './store.js';

const STEPS = { fetching: tr`The box fetches the firmware`, waiting: tr`Waits until another camera is done`, sending: tr`Sent to the camera`, installing: tr`The camera installs it`, restarting: tr`The camera starts again`, done: tr`The camera starts again`, verifying: tr`Looks whether the picture comes back` };

function isDue(item) {
  return Boolean(item.available) && !item.obstacle && !['waiting', 'running'].includes(item.upgrade?.state);
}

function upgrade(item, { sets, cancel }) {
  const u = item.upgrade;
  const fetched = u.hasFile && sets && h('a', { class: 'button quiet', href: `/api/v1/device-firmware/upgrades/${item.deviceId}/file`, download: '', 'data-testid': 'device-firmware-file' }, tr`Save its file`);
  switch (u.state) {
    case 'waiting': return h('div', { class: 'row wrap' }, sentence('working', tr`Waits for its turn: ${u.to}`), sets && button(tr`Leave it out`, { look: 'quiet', testid: 'device-firmware-cancel', onClick: () => cancel(item) }));
    case 'running': return h('div', { class: 'stack' }, sentence('working', u.progress ? STEPS[u.progress.step] : tr`It has begun`), sentence('attention', tr`Do not unplug the device.`), u.progress?.share != null && h('div', {}, h('span', { class: 'number' }, percent(u.progress.share)), bar(u.progress.share, tr`Firmware upgrade`)));
    case 'done': return sentence('ok', tr`It has ${u.to} since ${when(u.endedAt)}.`);
    default: return h('div', { class: 'stack' }, sentence('trouble', tr`It was not upgraded to ${u.to}.`, h('p', { class: 'small' }, u.reason)), fetched);
  }
}

export function deviceFirmwareCard({ cleanup }) {
  const sets = may('configure');
  const place = h('div', { class: 'stack', 'data-testid': 'device-firmware-state' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const left = new Set(); // what is not to be upgraded with the others
  let shown = null;
  const el = card(tr`Firmware of the cameras`, place, message);
  el.dataset.testid = 'device-firmware';

  async function run(begin) {
    fill(message);
    try { show(await begin()); } catch (problem) { fill(message, problemBox(problem)); }
  }

  async function upgradeAll(items) {
    if (!await ask({ title: items.length === 1 ? tr`Upgrade ${items[0].deviceName}?` : tr`Upgrade ${count(items.length, 'camera', 'cameras')}?`, action: tr`Upgrade`, text: tr`One after the other: each restarts, and has no picture and no recording for some minutes. The next one is begun with when the one before has its picture again. Do not unplug them meanwhile.` })) return;
    await run(() => api.post('/device-firmware/upgrades', { deviceIds: items.map((item) => item.deviceId) }));
  }

  const cancel = (item) => run(async () => {
    await api.delete(`/device-firmware/upgrades/${item.deviceId}`);
    return api.get('/device-firmware');
  });

  function row(item) {
    const due = isDue(item);
    const tick = due && sets && h('input', { type: 'checkbox', class: 'tick', checked: !left.has(item.deviceId), 'aria-label': item.deviceName, 'data-testid': 'device-firmware-tick', onChange() { if (tick.checked) left.delete(item.deviceId); else left.add(item.deviceId); show(shown); } });
    const a = item.available;
    return h('li', { 'data-testid': 'device-firmware-item', 'data-state': item.upgrade?.state ?? '' },
      h('div', { class: 'row' }, tick, h('span', {}, link(`#/device/${encodeURIComponent(item.deviceId)}`, 'strong', item.deviceName), ' ', h('span', { class: 'muted small' }, item.model))),
      h('p', { class: 'small' }, a ? tr`${item.installed} → ${a.version} (${bytes(a.bytes)})` : item.installed,
        a?.page && [' · ', h('a', { href: a.page, rel: 'noreferrer noopener', target: '_blank' }, tr`Its maker’s page`)]),
      a && (due || item.obstacle) && a.notes && h('p', { class: 'muted small notes' }, a.notes),
      a && item.obstacle && sentence('attention', item.obstacle), item.upgrade && upgrade(item, { sets, cancel }));
  }

  function show(firmware) {
    shown = firmware;
    const items = firmware.items.filter((item) => item.available || item.upgrade);
    const chosen = items.filter((item) => isDue(item) && !left.has(item.deviceId));
    fill(place, firmware.checkedAt && facts([[tr`Asked for newer ones`, when(firmware.checkedAt)]]),
      !firmware.hasSource && sentence('off', tr`The configuration names no server of versions (firmware.source): of newer firmware the box knows nothing. The firmware of one camera can be sent from its own page.`),
      firmware.trouble && sentence('attention', firmware.trouble), firmware.isChecking && sentence('working', tr`Asking which versions there are…`),
      firmware.hasSource && firmware.checkedAt && !firmware.trouble && items.every((item) => !item.available) && sentence('ok', tr`The catalogue has nothing newer for these cameras.`),
      items.length > 0 && h('ul', { class: 'plain-list device-firmware' }, items.map(row)),
      sets && firmware.hasSource && h('div', { class: 'row wrap' }, chosen.length > 0 && button(tr`Upgrade ${count(chosen.length, 'camera', 'cameras')}`, { look: 'primary', testid: 'device-firmware-upgrade', onClick: () => upgradeAll(chosen) }),
        button(tr`Look for newer ones`, { iconName: 'search', testid: 'device-firmware-check', onClick: () => run(() => api.post('/device-firmware/check')) })));
  }

  async function load() {
    try { show(await api.get('/device-firmware')); } catch (problem) { fill(place, problemBox(problem)); }
  }
  let gone = false;
  cleanup(on('device-firmware', settle(() => { if (!gone) load(); }, 300)));
  cleanup(() => { gone = true; });
  return { el, load };
}
