// The device behind a camera: what its streams are, what it is called, and the way to the device's own page.
// A camera known by its RTSP URL alone is set here whole.
import { api, seg } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, choice, field, wrong } from './form.js';
import { tr } from './language.js';
import { button, link, problemBox } from './parts.js';
import { go } from './navigate.js';
import { put, remove, store } from './store.js';
import { streamsTable, warnings } from './test-panel.js';

export function deviceSection({ channelId, deviceId, on }) {
  const device = store.devices.get(deviceId);
  const now = () => store.channels.get(channelId);
  const path = `/devices/${seg(deviceId)}`;
  const name = field({ label: tr`Name`, pointer: '/name', value: now().name, maxlength: 64, autocomplete: 'off', autocapitalize: 'words', testid: 'edit-name' });
  const plainStream = device.driver === 'rtsp';
  const url = field({ label: tr`RTSP URL`, pointer: '/url', value: device.url ?? '', autocomplete: 'off', inputmode: 'url', testid: 'edit-url' });
  const subUrl = field({ label: tr`RTSP URL of the second stream`, optional: true, pointer: '/subUrl', value: device.subUrl ?? '', autocomplete: 'off', inputmode: 'url' });
  const userName = field({ label: tr`User name`, pointer: '/userName', value: device.userName ?? '', autocomplete: 'off', testid: 'edit-user' });
  const password = field({ label: tr`Password`, pointer: '/password', type: 'password', autocomplete: 'new-password', testid: 'edit-password', hint: device.hasPassword ? tr`Leave empty to keep the one that is set.` : tr`None is set.` });
  const transport = choice({ label: tr`Transport`, pointer: '/transport', value: device.transport, options: [{ value: 'tcp', label: 'TCP' }, { value: 'udp', label: 'UDP' }] });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'device-save' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const gone = button(tr`Delete camera`, { look: 'danger-quiet', iconName: 'trash', testid: 'delete-camera', async onClick() {
    const c = now();
    const yes = await ask({ title: tr`Delete ${c.name}?`, action: tr`Delete camera`,
      text: tr`Deletes the camera and its settings: motion area, schedule and cloud copy. Footage in the cloud stays until its retention ends.` });
    if (!yes) return;
    gone.disabled = true;
    try {
      await api.delete(path);
      remove({ kind: 'device', id: deviceId });
      toast(tr`${c.name} has been deleted.`);
      go('/cameras');
    } catch (problem) { fill(message, problemBox(problem)); gone.disabled = false; }
  } });
  const streams = h('div', {});
  let drawn = '';
  function draw() {
    const c = now();
    const key = JSON.stringify(c?.streams);
    if (!c || key === drawn) return;
    drawn = key;
    fill(streams, c.streams?.length ? [warnings(c.streams), streamsTable(c.streams)] : h('p', { class: 'muted' }, tr`The streams are not known yet; “Test again” reads them.`));
  }
  draw();
  on('channel', (c) => { if (c.id === channelId) draw(); });

  const fields = plainStream ? [name, url, subUrl, userName, password, transport] : [name];
  const form = h('form', { class: 'stack', 'data-testid': 'device-form' }, streams, name.el,
    plainStream && [url.el, h('div', { class: 'pair' }, userName.el, password.el), h('details', { class: 'more' }, h('summary', {}, tr`Second stream and transport`), subUrl.el, transport.el)],
    h('div', { class: 'actions' }, plainStream && gone, link(`#/device/${seg(deviceId)}`, 'button', icon('cog'), h('span', {}, tr`The device`)), h('span', { class: 'grow' }), save), message);
  bind(form, { fields, button: save, busy: tr`Saving…`, async submit() {
    const before = store.devices.get(deviceId);
    if (!name.given) throw wrong(name, tr`Enter a name.`);
    const changes = {};
    if (plainStream) {
      if (name.given !== before.name) changes.name = name.given;
      if (url.given !== before.url) changes.url = url.given;
      if (subUrl.given !== (before.subUrl ?? null)) changes.subUrl = subUrl.given;
      if (userName.given !== (before.userName ?? null)) changes.userName = userName.given;
      if (password.value) changes.password = password.value;
      if (transport.value !== before.transport) changes.transport = transport.value;
    }
    if (Object.keys(changes).length) put('device', await api.patch(path, changes));
    if (name.given !== now().name) put('channel', await api.patch(`/channels/${seg(channelId)}`, { name: name.given }));
    password.value = '';
    password.hint(tr`Leave empty to keep the one that is set.`);
    toast(tr`Saved. The box uses it at once.`);
  } });
  return form;
}
