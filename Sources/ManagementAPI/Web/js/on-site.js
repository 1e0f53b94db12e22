// "I am at the site": watching a device without a sign-in, by its own password, in the box's own network.
import { api } from './api.js';
import { fill, h } from './dom.js';
import { bind, field } from './form.js';
import { tr } from './language.js';
import { liveView } from './live-view.js';
import { title } from './navigate.js';
import { button, gateCard } from './parts.js';

/** Shows the form in `gate`; `back` shows what was there before. */
export function onSite(gate, back) {
  const device = field({ label: tr`Camera`, pointer: '/device', maxlength: 255, autocomplete: 'off', testid: 'on-site-device', hint: tr`Its address, such as 192.168.1.64, or its serial number.` });
  const userName = field({ label: tr`User name of the camera`, pointer: '/userName', value: 'admin', maxlength: 64, autocomplete: 'off', testid: 'on-site-user' });
  const password = field({ label: tr`Password of the camera`, pointer: '/password', type: 'password', maxlength: 128, autocomplete: 'off', testid: 'on-site-password' });
  const number = field({ label: tr`Channel`, pointer: '/channel', value: '1', inputmode: 'numeric', maxlength: 3, testid: 'on-site-channel', hint: tr`Recorders have several.` });
  const submit = button(tr`Watch`, { look: 'primary wide', type: 'submit', testid: 'on-site-watch' });
  const stage = h('div', {});
  let leave = () => {};
  const form = h('form', {}, device.el, userName.el, password.el, number.el, h('div', { class: 'actions' }, submit));
  bind(form, { fields: [device, userName, password, number], button: submit, busy: tr`Opening…`, async submit() {
    const begin = (stream) => api.post('/on-site/live', { device: device.value.trim(), userName: userName.value, password: password.value, channel: Number(number.value), stream }, { gate: false });
    let first = await begin('sub');
    const channel = { id: first.channelId, name: first.channelName, streams: first.streams.map((role) => ({ role, audio: true })) };
    const frame = h('div', { class: 'frame video', style: { 'aspect-ratio': '16 / 9' }, 'data-testid': 'on-site-frame' });
    const ends = [];
    leave();
    leave = () => { for (const end of ends.splice(0)) end(); };
    fill(stage, h('h2', {}, first.channelName), frame);
    // What was opened to look whether it may be is watched as well.
    const next = async (stream) => { const one = first; first = null; return one && one.stream === stream ? one : begin(stream); };
    if (!liveView({ channel, frame, begin: next, cleanup: (end) => ends.push(end) })) fill(stage, h('p', {}, tr`This browser does not show live pictures.`));
  } });
  gateCard(gate, tr`I am at the site`, tr`In the network of the box, whoever knows a camera’s own password may watch it. It is noted who did.`, form, stage,
    h('p', { class: 'gate-more' }, button(tr`Back to signing in`, { look: 'quiet', testid: 'on-site-back', onClick() { leave(); back(); } })));
  title(tr`At the site`);
  device.focus();
}
