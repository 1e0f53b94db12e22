// What is set and done on the device itself: clock, disks, doors, name, password, firmware, restart.
import { boxWords, translated } from './box-words.js';
import { ask, toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { bytes, clockSeconds, duration, percent, zoneName } from './format.js';
import { tr } from './language.js';
import { bar, button, card, problemBox, sentence } from './parts.js';
import { store } from './store.js';
import { strongPassword } from './strong-password.js';
import { present, zoneOptions, zones } from './zones.js';

/** Runs a task of a button, and says under it what goes wrong. */
function doing(label, options, task) {
  const message = h('div', { class: 'form-message', role: 'alert' });
  const b = button(label, { ...options, async onClick() {
    b.disabled = true;
    fill(message);
    try { await task(); } catch (problem) { fill(message, problemBox(problem)); }
    b.disabled = false;
  } });
  return { button: b, message };
}

function offsetWords(seconds) {
  const s = Math.abs(seconds);
  if (s < 2) return tr`Its clock is right.`;
  return seconds > 0 ? tr`Its clock is ${duration(Math.round(s))} ahead of the box’s.` : tr`Its clock is ${duration(Math.round(s))} behind the box’s.`;
}

/** A zone as devices write it (CST-1:00:00 is an hour ahead of UTC) in words. */
function zoneWords(zone) {
  const posix = /^[A-Za-z<>+-]+?([+-]?)(\d{1,2})(?::(\d\d))?/.exec(zone);
  if (zone.includes('/') || !posix) return zone;
  return `UTC${posix[1] === '-' ? '+' : '−'}${Number(posix[2])}${posix[3] && posix[3] !== '00' ? `:${posix[3]}` : ''}${/[A-Z]{3,}.*[A-Z]{3,}|DST/.test(zone) ? tr` with summer time` : ''}`;
}

export function clockCard({ now, can, act }) {
  const state = h('div', { 'data-testid': 'device-clock' });
  const zone = field({ label: tr`Time zone of the device`, pointer: '/zone', type: 'select', options: [], testid: 'clock-zone' });
  zone.input.append(...zoneOptions([...new Set([present(store.sites.find((x) => x.id === now().siteId)?.timeZone ?? store.system.site.timeZone), ...zones().all])].sort()));
  zone.value = present(store.sites.find((x) => x.id === now().siteId)?.timeZone ?? store.system.site.timeZone);
  const server = field({ label: tr`Time server`, optional: true, pointer: '/networkTimeServer', autocomplete: 'off', inputmode: 'url', testid: 'clock-server', value: now().clock?.networkTimeServer ?? '', hint: tr`Keeps the clock right by itself, such as pool.ntp.org.` });
  const set = button(tr`Set time and zone`, { look: 'primary', iconName: 'clock', type: 'submit', testid: 'clock-set' });
  const look = doing(tr`Read again`, { iconName: 'test', testid: 'clock-look' }, () => act('post', '/look'));
  const form = h('form', { class: 'stack' }, zone.el, server.el, h('div', { class: 'actions' }, look.button, set), look.message);
  bind(form, { fields: [zone, server], button: set, busy: tr`Setting…`, async submit() {
    await act('put', '/time', { zone: zone.value, ...(can('network-time') && server.given && { networkTimeServer: server.given }) });
    await act('post', '/look');
    toast(tr`The clock of the device is set.`);
  } });
  const el = card(tr`Clock`, state, form);
  let drawn = '';
  return { el, draw() {
    el.hidden = !can('time');
    server.el.hidden = !can('network-time');
    const c = now().clock;
    const key = JSON.stringify(c && [Math.round(c.offset), c.zone, c.usesNetworkTime, c.networkTimeServer, c.remark]);
    if (key === drawn) return;
    drawn = key;
    if (!c) { fill(state, h('p', { class: 'muted' }, tr`Its clock has not been read yet.`)); return; }
    fill(state, sentence(Math.abs(c.offset) < 5 ? 'ok' : 'attention', offsetWords(c.offset),
      h('p', { class: 'muted small' }, [tr`It said ${clockSeconds(c.time)} in ${zoneName()}`, c.zone && tr`its zone is ${zoneWords(c.zone)}`, c.usesNetworkTime === null ? '' : c.usesNetworkTime ? tr`set by ${c.networkTimeServer || tr`a time server`}` : tr`set by hand`].filter(Boolean).join('; ') + '.'),
      c.remark && h('p', { class: 'small' }, c.remark)));
  } };
}

const DISKS = {
  ok: ['ok', tr`Well`], full: ['ok', tr`Full: the oldest recordings make way`], error: ['trouble', tr`Fails: recordings are being lost, replace it`], unformatted: ['attention', tr`Not formatted: format it on the device`],
  offline: ['trouble', tr`Does not answer: check its plug`], absent: ['attention', tr`Not there`], formatting: ['off', tr`Being formatted`], unknown: ['off', tr`State not known`],
};

export function disksCard({ now, can, act }) {
  const list = h('ul', { class: 'plain-list', 'data-testid': 'device-disks' });
  const look = doing(tr`Read again`, { look: 'quiet small', iconName: 'test', testid: 'disks-look' }, () => act('post', '/look'));
  const el = card(tr`Disks`, list, h('div', { class: 'row' }, look.button), look.message);
  let drawn = '';
  return { el, draw() {
    const { disks } = now();
    el.hidden = !disks.length && !can('storage-health');
    const key = JSON.stringify(disks);
    if (key === drawn) return;
    drawn = key;
    fill(list, disks.length === 0 && h('li', { class: 'muted' }, tr`It has no disk.`), disks.map((d) => {
      const [severity, words] = DISKS[d.state] ?? DISKS.unknown;
      const known = d.capacityBytes && d.freeBytes !== null;
      return h('li', {}, sentence(severity, `${d.name || d.id} (${d.kind}): ${words}.`,
        known && bar(1 - d.freeBytes / d.capacityBytes, tr`Used`, severity === 'ok' ? '' : severity),
        h('p', { class: 'muted small' }, [d.capacityBytes && `${bytes(d.capacityBytes)}${d.freeBytes === null ? '' : tr`, ${bytes(d.freeBytes)} free`}`, d.health && tr`health: ${d.health}`, d.celsius !== null && `${d.celsius} °C`].filter(Boolean).join('; '))));
    }));
  } };
}

const DOOR = [
  ['open', tr`Open`, 'door', tr`Opens the door once; it locks again by itself.`],
  ['close', tr`Lock`, 'lock', tr`Locks the door now.`],
  ['remain-open', tr`Keep open`, 'door', tr`Leaves the door unlocked for everyone until somebody locks it again.`],
  ['remain-closed', tr`Keep locked`, 'lock', tr`Locks the door for everyone, also for those with a card or code, until somebody opens it here again.`],
];

export function doorsCard({ now, can, act }) {
  const list = h('div', { class: 'stack' });
  const el = card(tr`Doors`, list);
  let drawn = '';
  return { el, draw() {
    const { doors, name } = now();
    el.hidden = !can('doors') || !doors.length;
    const key = JSON.stringify([el.hidden, doors]);
    if (key === drawn) return;
    drawn = key;
    fill(list, doors.map((n) => {
      const which = doors.length > 1 ? tr`door ${n}` : tr`the door`;
      const tasks = DOOR.map(([command, label, iconName, effect]) => doing(label, { iconName, look: command === 'open' ? 'primary' : 'plain', testid: `door-${n}-${command}` }, async () => {
        if (!await ask({ title: tr`${label} ${which} of ${name}?`, text: effect, action: label })) return;
        await act('post', `/doors/${n}`, { command });
        toast(tr`${name}: the device has taken “${label}”.`, { iconName });
      }));
      return h('div', {}, doors.length > 1 && h('h3', {}, tr`Door ${n}`), h('div', { class: 'row wrap' }, tasks.map((t) => t.button)), tasks.map((t) => t.message));
    }));
  } };
}

const STAGES = { sending: tr`Sending the file`, installing: tr`The device installs it`, restarting: tr`The device restarts`, done: tr`Done` };

/** Sends a file with its progress, which fetch cannot tell. */
function send(path, file, told) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `/api/v1${path}`);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.upload.onprogress = (e) => told(e.loaded, e.total || file.size);
    request.onload = () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* the status tells */ }
      if (request.status < 300) resolve(translated(body));
      else reject(Object.assign(new Error(), { detail: boxWords(body.detail) ?? tr`The box did not take the file. Try again.`, status: request.status, details: `POST ${path}\nstatus ${request.status}` }));
    };
    request.onerror = () => reject(Object.assign(new Error(), { detail: tr`The connection to the box broke while the file was sent. Nothing was changed on the device; try again.`, status: 400 }));
    request.send(file);
  });
}

function firmware({ now, path }) {
  const file = h('input', { type: 'file', id: 'firmware-file', 'data-testid': 'firmware-file', accept: '.dav,.pak,.bin,.zip,.img' });
  const progress = h('div', { 'data-testid': 'firmware-progress', role: 'status' });
  const start = doing(tr`Upgrade the firmware`, { iconName: 'up', testid: 'firmware-start' }, async () => {
    const f = file.files[0];
    if (!f) throw { detail: tr`Choose the firmware file of exactly this model first; the maker’s web page has it.`, status: 400 };
    if (!await ask({ title: tr`Upgrade ${now().name}?`, action: tr`Upgrade`, text: tr`Installs ${f.name} (${bytes(f.size)}) and restarts the device. There is no picture and no recording for some minutes. Do not unplug the device meanwhile: it could be lost.` })) return;
    await send(`${path}/firmware`, f, (sent, all) => fill(progress, bar(sent / all, tr`Sent to the box`), h('p', { class: 'muted small' }, tr`To the box: ${bytes(sent)} of ${bytes(all)}.`)));
    fill(progress);
  });
  const el = h('div', {}, h('h3', {}, tr`Firmware`), h('p', { class: 'muted small' }, now().identity.firmware ? tr`It has ${now().identity.firmware}.` : ''), h('div', { class: 'field' }, h('label', { for: 'firmware-file' }, tr`Firmware file`), file), h('div', { class: 'actions' }, start.button), start.message, progress);
  let drawn = '';
  return { el, draw() {
    const { upgrade, upgradeFailure } = now();
    const key = JSON.stringify([upgrade, upgradeFailure]);
    if (key === drawn) return;
    drawn = key;
    const going = upgrade && upgrade.stage !== 'done';
    start.button.disabled = Boolean(going);
    fill(progress, upgradeFailure && sentence('trouble', upgradeFailure), upgrade && (going
      ? [sentence('attention', tr`Do not unplug the device.`), h('div', { class: 'figure-head' }, h('span', {}, `${STAGES[upgrade.stage] ?? upgrade.stage}`), h('span', { class: 'number' }, percent(upgrade.share))), bar(upgrade.share, tr`Firmware upgrade`)]
      : sentence('ok', tr`The firmware is installed.`)));
  } };
}

export function upkeepCard(context) {
  const { now, can, act } = context;
  const d = now();
  const name = field({ label: tr`Name on the device`, pointer: '/name', value: d.identity.name ?? '', maxlength: 32, autocomplete: 'off', testid: 'factory-name', hint: tr`As the device calls itself, for example in its own app.` });
  const rename = button(tr`Set name`, { type: 'submit', testid: 'factory-name-save' });
  const nameForm = h('form', {}, name.el, h('div', { class: 'actions' }, rename));
  bind(nameForm, { fields: [name], button: rename, busy: tr`Setting…`, async submit() {
    if (!name.given) throw wrong(name, tr`Enter a name.`);
    await act('put', '/name', { name: name.given });
    toast(tr`The device has its new name.`);
  } });
  const password = strongPassword({ label: tr`New password on the device`, testid: 'change-password' });
  const change = button(tr`Change password`, { type: 'submit', testid: 'change-password-save' });
  const passwordForm = h('form', {}, password.el, h('div', { class: 'actions' }, change));
  bind(passwordForm, { fields: [password], button: change, busy: tr`Changing…`, async submit() {
    const next = password.checked();
    if (!await ask({ title: tr`Change the password?`, action: tr`Change password`, text: tr`Changes the password of “${now().userName ?? 'admin'}” on the device and in the box. Whoever else uses it, such as an app or a recorder, needs the new one.` })) return;
    await act('put', '/password', { password: next });
    password.clear();
    toast(tr`The password is changed on the device and in the box.`);
  } });
  const restart = doing(tr`Restart the device`, { iconName: 'power', testid: 'device-reboot' }, async () => {
    const n = now().channelIds.length;
    if (!await ask({ title: tr`Restart ${now().name}?`, action: tr`Restart`, text: n > 1 ? tr`The device is away for a minute or two: no picture from its ${n} cameras, no events and no recording in that time. Its settings stay.` : tr`The device is away for a minute or two: no picture, no events and no recording in that time. Its settings stay.` })) return;
    await act('post', '/reboot');
    toast(tr`The device restarts. The box connects again by itself.`);
  });
  const image = firmware(context);
  const restarting = h('div', {}, h('h3', {}, tr`Restart`), h('p', { class: 'muted small' }, tr`Helps when a device behaves oddly.`), h('div', { class: 'actions' }, restart.button), restart.message);
  const el = card(tr`On the device`, h('div', { class: 'parts' }, nameForm, passwordForm, image.el, restarting));
  return { el, draw() {
    const parts = [[nameForm, 'rename'], [passwordForm, 'password-change'], [image.el, 'firmware-upgrade'], [restarting, 'reboot']];
    for (const [part, what] of parts) part.hidden = !can(what);
    el.hidden = parts.every(([part]) => part.hidden);
    image.draw();
  } };
}
