// A camera by its RTSP URL: a test, then straight on to the cloud.
import { draftFields } from './add-fields.js';
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, choice, place, wrong } from './form.js';
import { tr } from './language.js';
import { button } from './parts.js';
import { go } from './navigate.js';
import { put, refreshSystem } from './store.js';
import { testPanel } from './test-panel.js';

let test = {};

/** Takes a user name and password out of an RTSP address, if there are any. */
function splitUrl(text) {
  const found = /^(rtsps?:\/\/)([^/@]*)@(.*)$/i.exec(text.trim());
  if (!found) return { url: text.trim() };
  const [user, ...rest] = found[2].split(':');
  const plain = (s) => { try { return decodeURIComponent(s); } catch { return s; } };
  return { url: found[1] + found[3], userName: plain(user), password: plain(rest.join(':')) };
}

export function byUrl({ draft, forgetDraft }) {
  if (test.added) test = {};
  const { text, name, user, password, shown } = draftFields(draft);
  const body = () => ({
    url: draft.url.trim(),
    ...(draft.name.trim() && { name: draft.name.trim() }),
    ...(draft.subUrl.trim() && { subUrl: draft.subUrl.trim() }),
    ...(draft.userName.trim() && { userName: draft.userName.trim() }),
    ...(draft.password && { password: draft.password }),
    transport: draft.transport,
  });
  const url = text('url', { label: tr`RTSP URL`, hint: tr`Such as rtsp://192.168.1.64:554/stream1`, inputmode: 'url', testid: 'device-url' });
  const subUrl = text('subUrl', { label: tr`RTSP URL of the second stream`, optional: true, hint: tr`A smaller stream saves work and line. Leave empty to let the box look for it.`, inputmode: 'url', testid: 'device-sub-url' });
  const transport = choice({ label: tr`Transport`, pointer: '/transport', value: draft.transport, options: [{ value: 'tcp', label: 'TCP' }, { value: 'udp', label: 'UDP' }], onChange: (v) => { draft.transport = v; } });
  const takeOut = () => {
    const parts = splitUrl(draft.url);
    if (parts.userName === undefined) return;
    draft.url = url.value = parts.url;
    draft.userName = user.value = parts.userName;
    if (parts.password) draft.password = password.value = parts.password;
    url.hint(tr`The user name and password were moved to their own fields.`);
  };
  url.input.addEventListener('blur', takeOut);

  const fields = [name, url, user, password, subUrl, transport];
  const testButton = button(tr`Test`, { look: 'primary', iconName: 'test', type: 'submit', testid: 'test-camera' });
  const form = h('form', { class: 'card', 'data-testid': 'add-camera-form' }, name.el, url.el, h('div', { class: 'pair' }, user.el, password.el),
    h('details', { class: 'more', open: Boolean(draft.subUrl) || draft.transport === 'udp' }, h('summary', {}, tr`Second stream and transport`), subUrl.el, transport.el),
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
    if (!/^rtsps?:\/\/.+/i.test(draft.url.trim())) throw wrong(url, tr`An RTSP URL begins with rtsp:// and names the camera.`);
    panel.start();
  } });

  const addBox = h('div', {});
  function drawAdd() {
    testButton.disabled = Boolean(test.running);
    const r = test.result;
    if (test.running || !r) { fill(addBox); return; }
    const message = h('div', { class: 'form-message', role: 'alert' });
    const addButton = button(r.ok ? tr`Add camera` : tr`Add without a picture`, { look: r.ok ? 'primary' : 'plain', iconName: r.ok ? 'plus' : null, testid: 'add-camera-confirm', async onClick() {
      fill(message);
      if (!draft.name.trim()) { name.error(tr`Give the camera a name first.`); name.focus(); return; }
      addButton.disabled = true;
      try {
        const wanted = { ...body(), siteId: draft.siteId };
        if (r.ok && r.url) wanted.url = r.url;
        if (r.ok && r.subUrl) wanted.subUrl = r.subUrl;
        await added(await api.post('/devices', wanted));
      } catch (problem) {
        place(problem, fields, message);
        addButton.disabled = false;
      }
    } });
    fill(addBox, message, h('div', { class: 'actions' }, !r.ok && h('span', { class: 'muted small' }, tr`Added like this, the camera shows no picture until this is mended.`), addButton));
  }

  async function added(device) {
    put('device', device);
    const channel = device.channelIds?.[0];
    if (channel) put('channel', await api.get(`/channels/${seg(channel)}`));
    refreshSystem();
    toast(tr`${device.name} has been added.`);
    test.added = true;
    forgetDraft();
    go(channel ? `/cameras/${channel}/link` : '/cameras');
  }

  drawAdd();
  const guide = h('section', { class: 'card guide' }, h('h2', {}, tr`What happens`), h('ol', {},
    h('li', {}, tr`The box reaches the camera, signs in, reads its streams and takes a picture. That takes up to 15 seconds.`),
    h('li', {}, tr`You see the picture and what the streams are, and whether something should be set differently in the camera.`),
    h('li', {}, tr`You add it, and choose how its events are kept in the cloud.`)));
  const side = h('div', {}, panel.el, addBox, guide);
  const guideShown = () => { guide.hidden = !panel.el.hidden; };
  new MutationObserver(guideShown).observe(panel.el, { attributes: true, attributeFilter: ['hidden'] });
  guideShown();
  return { el: h('div', { class: 'columns' }, form, side), shown() { shown(); takeOut(); if (!draft.name) name.focus(); } };
}
