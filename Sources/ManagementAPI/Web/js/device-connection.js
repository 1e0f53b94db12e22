// How the box reaches a device: address, sign-in, language.
import { toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, choice, field, toggle, wrong } from './form.js';
import { tr } from './language.js';
import { button, sentence } from './parts.js';

export function connection({ id, now, act, on }) {
  const d = now();
  const plain = { autocomplete: 'off' };
  const name = field({ ...plain, label: tr`Name in the box`, pointer: '/name', value: d.name, maxlength: 64, autocapitalize: 'words', testid: 'device-edit-name' });
  const address = field({ ...plain, label: tr`Address`, pointer: '/address', value: d.address, inputmode: 'url', testid: 'device-edit-address' });
  const httpPort = field({ ...plain, label: tr`Port`, pointer: '/httpPort', value: String(d.httpPort), inputmode: 'numeric', testid: 'device-edit-port' });
  const userName = field({ ...plain, label: tr`User name`, pointer: '/userName', value: d.userName ?? '', testid: 'device-edit-user' });
  const keep = () => (now().hasPassword ? tr`Leave empty to keep the one that is set.` : tr`None is set.`);
  const password = field({ label: tr`Password`, pointer: '/password', type: 'password', autocomplete: 'new-password', testid: 'device-edit-password', hint: keep() });
  const driver = choice({ label: tr`Language`, pointer: '/driver', value: d.driverChosen ? d.driver : 'auto', testid: 'device-edit-driver',
    options: [{ value: 'auto', label: tr`Automatic` }, { value: 'isapi', label: 'ISAPI' }, { value: 'onvif', label: 'ONVIF' }, { value: 'rtsp', label: tr`RTSP only` }] });
  const https = toggle({ label: 'HTTPS', on: d.https, testid: 'device-edit-https', act: (next) => act('patch', '', { https: next }) });
  const basic = toggle({ label: tr`Allow Basic`, hint: tr`The password then crosses the network readable for everyone on it.`, on: d.allowBasic, testid: 'device-edit-basic', act: (next) => act('patch', '', { allowBasic: next }) });
  const fields = [name, address, httpPort, userName, password, driver];
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'device-edit-save' });
  const changed = h('div', {});
  const trust = button(tr`Trust the new certificate`, { look: 'primary', iconName: 'shield', testid: 'accept-certificate', async onClick() {
    trust.disabled = true;
    try { await act('patch', '', { acceptCertificate: true }); toast(tr`The box keeps the new certificate.`); } finally { trust.disabled = false; }
  } });
  const form = h('form', { class: 'stack', 'data-testid': 'device-connection' }, changed, name.el, h('div', { class: 'pair wide-first' }, address.el, httpPort.el), h('div', { class: 'pair' }, userName.el, password.el),
    h('details', { class: 'more' }, h('summary', {}, tr`Language, HTTPS and Basic`), driver.el, https.el, basic.el),
    h('div', { class: 'actions' }, save));
  bind(form, { fields, button: save, busy: tr`Saving…`, async submit() {
    const before = now();
    if (!name.given) throw wrong(name, tr`Enter a name.`);
    if (!address.given) throw wrong(address, tr`Enter the address of the device.`);
    const port = Number(httpPort.value);
    if (!(port > 0 && port < 65536)) throw wrong(httpPort, tr`From 1 to 65535.`);
    const changes = {};
    if (name.given !== before.name) changes.name = name.given;
    if (address.given !== before.address) changes.address = address.given;
    if (port !== before.httpPort) changes.httpPort = port;
    if (userName.given !== (before.userName ?? null)) changes.userName = userName.given;
    if (password.value) changes.password = password.value;
    if (driver.value !== (before.driverChosen ? before.driver : 'auto')) changes.driver = driver.value;
    if (Object.keys(changes).length) await act('patch', '', changes);
    password.value = '';
    password.hint(keep());
    toast(tr`Saved. The box uses it at once.`);
  } });

  let code = null;
  function draw() {
    const x = now();
    if (!x) return;
    https.on = x.https;
    basic.on = x.allowBasic;
    if (document.activeElement !== httpPort.input && httpPort.input.defaultValue === httpPort.value) httpPort.value = httpPort.input.defaultValue = String(x.httpPort);
    if (x.state.code === code) return;
    code = x.state.code;
    fill(changed, code === 'certificate-changed' && sentence('attention', tr`The device shows another certificate than before. That is right if it was reset or replaced; if not, look at the device first.`, h('div', { class: 'row' }, trust)));
  }
  on('device', (x) => { if (x.id === id) draw(); });
  draw();
  return form;
}
