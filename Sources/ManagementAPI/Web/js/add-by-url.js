// Adding a camera: where it is, a test, then straight on to the cloud. What was typed is kept when one leaves and comes back.
import { api } from './api.js';
import { toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, choice, field, place, wrong } from './form.js';
import { button, head, link } from './parts.js';
import { go, title } from './navigate.js';
import { put, refreshSystem, store } from './store.js';
import { testPanel } from './test-panel.js';

const blank = () => ({ by: 'address', name: '', address: '', port: '554', url: '', userName: '', password: '', subUrl: '', transport: 'tcp' });
let draft = blank();
let test = {};

/** Takes a user name and password out of an RTSP address, if there are any. */
function splitUrl(text) {
  const found = /^(rtsps?:\/\/)([^/@]*)@(.*)$/i.exec(text.trim());
  if (!found) return { url: text.trim() };
  const [user, ...rest] = found[2].split(':');
  const plain = (s) => { try { return decodeURIComponent(s); } catch { return s; } };
  return { url: found[1] + found[3], userName: plain(user), password: plain(rest.join(':')) };
}

function body() {
  const where = draft.by === 'url' ? { url: draft.url.trim() } : { address: draft.address.trim(), port: Number(draft.port) || 554 };
  return {
    ...where,
    ...(draft.name.trim() && { name: draft.name.trim() }),
    ...(draft.subUrl.trim() && { subUrl: draft.subUrl.trim() }),
    ...(draft.userName.trim() && { userName: draft.userName.trim() }),
    ...(draft.password && { password: draft.password }),
    transport: draft.transport,
  };
}

export function addCameraPage({ root }) {
  title('Add camera');
  if (test.added) { draft = blank(); test = {}; }
  const text = (key, options) => {
    const f = field({ value: draft[key], pointer: `/${key}`, autocomplete: 'off', ...options });
    f.input.addEventListener('input', () => { draft[key] = f.value; });
    return f;
  };
  const name = text('name', { label: 'Name', hint: 'What the camera sees, such as “Front door”.', autocapitalize: 'words', testid: 'device-name', maxlength: 64 });
  const address = text('address', { label: 'Address', hint: 'Such as 192.168.1.64. The box finds the streams by itself.', inputmode: 'url', testid: 'device-address' });
  const port = text('port', { label: 'Port', inputmode: 'numeric', testid: 'device-port' });
  const url = text('url', { label: 'RTSP URL', hint: 'Such as rtsp://192.168.1.64:554/stream1', inputmode: 'url', testid: 'device-url' });
  const user = text('userName', { label: 'User name', testid: 'device-user' });
  const password = text('password', { label: 'Password', type: 'password', testid: 'device-password' });
  const subUrl = text('subUrl', { label: 'RTSP URL of the second stream', optional: true, hint: 'A smaller stream saves work and line. Leave empty to let the box look for it.', inputmode: 'url', testid: 'device-sub-url' });
  const transport = choice({ label: 'Transport', pointer: '/transport', value: draft.transport, options: [{ value: 'tcp', label: 'TCP' }, { value: 'udp', label: 'UDP' }], onChange: (v) => { draft.transport = v; } });
  const byAddress = h('div', { class: 'pair wide-first' }, address.el, port.el);
  const by = choice({ label: 'The camera is known by', value: draft.by, testid: 'by', options: [{ value: 'address', label: 'Address' }, { value: 'url', label: 'RTSP URL' }], onChange: (v) => { draft.by = v; shape(); } });
  const shape = () => { byAddress.hidden = draft.by !== 'address'; url.el.hidden = draft.by !== 'url'; };
  shape();
  const takeOut = () => {
    const parts = splitUrl(draft.url);
    if (parts.userName === undefined) return;
    draft.url = url.value = parts.url;
    draft.userName = user.value = parts.userName;
    if (parts.password) draft.password = password.value = parts.password;
    url.hint('The user name and password were moved to their own fields.');
  };
  url.input.addEventListener('blur', takeOut);
  address.input.addEventListener('input', () => { // a URL was pasted here
    if (!/^rtsp:\/\//i.test(draft.address.trim())) return;
    draft.url = url.value = draft.address.trim();
    draft.address = address.value = '';
    draft.by = by.value = 'url';
    shape();
    takeOut();
    url.input.focus();
  });

  const fields = [name, address, port, url, user, password, subUrl, transport];
  const testButton = button('Test', { look: 'primary', iconName: 'test', type: 'submit', testid: 'test-camera' });
  const form = h('form', { class: 'card', 'data-testid': 'add-camera-form' }, name.el, by.el, byAddress, url.el, h('div', { class: 'pair' }, user.el, password.el),
    h('details', { class: 'more', open: Boolean(draft.subUrl) || draft.transport === 'udp' }, h('summary', {}, 'Second stream and transport'), subUrl.el, transport.el),
    h('div', { class: 'actions' }, testButton));

  const panel = testPanel({
    state: test,
    run: async () => {
      try { return await api.post('/devices/test', body()); } catch (problem) {
        if (problem.errors?.length) { place(problem, fields, h('div', {})); return null; }
        throw problem;
      }
    },
    userName: () => draft.userName,
    retry: (u, p) => { draft.userName = user.value = u ?? ''; draft.password = password.value = p; },
    onDone: () => drawAdd(),
  });

  bind(form, { fields, button: testButton, submit() {
    takeOut();
    if (draft.by === 'address' && !draft.address.trim()) throw wrong(address, 'Enter the address of the camera.');
    if (draft.by === 'address' && !(Number(draft.port) > 0 && Number(draft.port) < 65536)) throw wrong(port, 'Enter a port from 1 to 65535; most cameras use 554.');
    if (draft.by === 'url' && !/^rtsps?:\/\/.+/i.test(draft.url.trim())) throw wrong(url, 'An RTSP URL begins with rtsp:// and names the camera.');
    panel.start();
  } });

  const addBox = h('div', {});
  function drawAdd() {
    testButton.disabled = Boolean(test.running);
    const r = test.result;
    if (test.running || !r) { fill(addBox); return; }
    const message = h('div', { class: 'form-message', role: 'alert' });
    const addButton = button(r.ok ? 'Add camera' : 'Add without a picture', { look: r.ok ? 'primary' : 'plain', iconName: r.ok ? 'plus' : null, testid: 'add-camera-confirm', async onClick() {
      fill(message);
      if (!draft.name.trim()) { name.error('Give the camera a name first.'); name.focus(); return; }
      addButton.disabled = true;
      try {
        const wanted = body();
        if (r.ok && r.url) { delete wanted.address; delete wanted.port; wanted.url = r.url; }
        if (r.ok && r.subUrl) wanted.subUrl = r.subUrl;
        await added(await api.post('/devices', wanted));
      } catch (problem) {
        place(problem, fields, message);
        addButton.disabled = false;
      }
    } });
    fill(addBox, message, h('div', { class: 'actions' }, !r.ok && h('span', { class: 'muted small' }, 'Added like this, the camera shows no picture until this is mended.'), addButton));
  }

  async function added(device) {
    put('device', device);
    const channel = device.channelIds?.[0];
    if (channel) put('channel', await api.get(`/channels/${encodeURIComponent(channel)}`));
    refreshSystem();
    toast(`${device.name} has been added.`);
    test.added = true;
    draft = blank();
    test = {};
    go(channel ? `/cameras/${channel}/link` : '/cameras');
  }

  drawAdd();
  const guide = h('section', { class: 'card guide' }, h('h2', {}, 'What happens'), h('ol', {},
    h('li', {}, 'The box reaches the camera, signs in, reads its streams and takes a picture. That takes up to 15 seconds.'),
    h('li', {}, 'You see the picture and what the streams are, and whether something should be set differently in the camera.'),
    h('li', {}, 'You add it, and choose how its events are kept in the cloud.')));
  const side = h('div', {}, panel.el, addBox, guide);
  const guideShown = () => { guide.hidden = !panel.el.hidden; };
  new MutationObserver(guideShown).observe(panel.el, { attributes: true, attributeFilter: ['hidden'] });
  guideShown();
  fill(root, head([link('#/cameras', 'back', icon('back'), 'Cameras'), h('h1', { tabindex: -1 }, 'Add camera')]), h('div', { class: 'columns' }, form, side));
  if (store.channels.size === 0 || !draft.name) name.focus();
}
