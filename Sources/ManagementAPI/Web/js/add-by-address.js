// A device by its address: the box asks it what it is and what it can.
import { draftFields } from './add-fields.js';
import { api } from './api.js';
import { h } from './dom.js';
import { bind, choice, toggle, wrong } from './form.js';
import { tr } from './language.js';
import { go } from './navigate.js';
import { button } from './parts.js';
import { store } from './store.js';

const PORT = (text) => text === '' || (Number(text) > 0 && Number(text) < 65536);

export function byAddress({ draft, forgetDraft, show }) {
  const { text, name, user, password, shown } = draftFields(draft, { nameless: true });
  const address = text('address', { label: tr`Address`, hint: tr`Such as 192.168.1.64`, inputmode: 'url', testid: 'device-address' });
  const httpPort = text('httpPort', { label: tr`Port`, optional: true, inputmode: 'numeric', testid: 'device-http-port', hint: tr`Of its web page; empty for the usual one.` });
  const port = text('port', { label: tr`RTSP port`, optional: true, inputmode: 'numeric', testid: 'device-port', hint: tr`Empty for 554.` });
  const https = toggle({ label: 'HTTPS', hint: tr`The box keeps the certificate it sees first.`, on: draft.https, testid: 'device-https', act: async (next) => { draft.https = next; } });
  const driver = choice({ label: tr`Language`, pointer: '/driver', value: draft.driver, testid: 'device-driver', onChange(v) { draft.driver = v; shape(); },
    options: [{ value: 'auto', label: tr`Automatic` }, { value: 'isapi', label: 'ISAPI' }, { value: 'onvif', label: 'ONVIF' }, { value: 'rtsp', label: tr`RTSP only` }] });
  const clock = toggle({ label: tr`Set its clock to the site’s time`, hint: tr`Events and recordings then carry the right time.`, on: draft.setTime, testid: 'set-time', act: async (next) => { draft.setTime = next; } });
  const shape = () => {
    const streams = draft.driver === 'rtsp';
    httpPort.el.hidden = https.el.hidden = clock.el.hidden = streams;
    port.el.hidden = !streams;
  };
  shape();
  address.input.addEventListener('input', () => { // a URL was pasted here
    if (!/^rtsps?:\/\//i.test(draft.address.trim())) return;
    draft.url = draft.address.trim();
    draft.address = address.value = '';
    show('url');
  });

  const fields = [name, address, httpPort, port, user, password, driver];
  const add = button(tr`Add device`, { look: 'primary', iconName: 'plus', type: 'submit', testid: 'add-by-address' });
  const isUnusual = () => Boolean(draft.httpPort || draft.https || draft.port) || draft.driver !== 'auto';
  const more = h('details', { class: 'more', open: isUnusual() }, h('summary', {}, tr`Port, HTTPS and language`), httpPort.el, port.el, https.el, driver.el);
  const form = h('form', { class: 'card', 'data-testid': 'add-address-form' }, name.el, address.el, h('div', { class: 'pair' }, user.el, password.el),
    more, clock.el, h('div', { class: 'actions' }, add));
  bind(form, { fields, button: add, busy: tr`Starting…`, async submit() {
    if (!draft.address.trim()) throw wrong(address, tr`Enter the address of the device.`);
    for (const f of [httpPort, port]) if (!f.el.hidden && !PORT(f.value.trim())) throw wrong(f, tr`Enter a port from 1 to 65535, or leave it empty.`);
    const streams = draft.driver === 'rtsp';
    const job = await api.post('/onboardings', { siteId: draft.siteId, setTime: draft.setTime && !streams, devices: [{
      address: draft.address.trim(),
      ...(name.given && { name: name.given }),
      ...(user.given && { userName: user.given }),
      ...(draft.password && { password: draft.password }),
      ...(!streams && httpPort.given && { httpPort: Number(httpPort.given) }),
      ...(!streams && draft.https && { https: true }),
      ...(streams && port.given && { port: Number(port.given) }),
      ...(draft.driver !== 'auto' && { driver: draft.driver }),
    }] });
    store.devicePassword = draft.password;
    forgetDraft();
    go(`/onboarding/${job.id}`);
  } });

  const guide = h('section', { class: 'card guide' }, h('h2', {}, tr`What happens`), h('ol', {},
    h('li', {}, tr`The box reaches the device, signs in and asks what it is and what it can.`),
    h('li', {}, tr`It watches the streams for some seconds, listens for events and compares the clock. You see each step as it goes.`),
    h('li', {}, tr`What is not right is said in a sentence, with the place to correct it.`)));
  /** Shows the draft as it is, which another way of adding may have filled. */
  function redraw() {
    shown();
    driver.value = draft.driver;
    https.on = draft.https;
    more.open ||= isUnusual();
    shape();
    if (!draft.name) name.focus();
  }
  return { el: h('div', { class: 'columns' }, form, h('div', {}, guide)), shown: redraw, begin() { user.focus(); } };
}
