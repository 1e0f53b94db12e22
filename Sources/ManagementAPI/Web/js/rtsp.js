// The card by which other programs may open the cameras.
import { api } from './api.js';
import { toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, choice, field } from './form.js';
import { tr } from './language.js';
import { button, card, sentence } from './parts.js';
import { channelsByName } from './store.js';

/** The card, and `load`, which gets what it shows. */
export function rtspCard() {
  const state = h('div', { 'data-testid': 'rtsp-state' });
  const addresses = h('ul', { class: 'plain-list', 'data-testid': 'rtsp-addresses' });
  const enabled = choice({ label: 'RTSP', pointer: '/enabled', value: 'off', testid: 'rtsp-enabled', options: [{ value: 'off', label: tr`Off` }, { value: 'on', label: tr`On` }] });
  const userName = field({ label: tr`User name`, pointer: '/userName', maxlength: 64, autocomplete: 'off', testid: 'rtsp-user' });
  const password = field({ label: tr`Password`, pointer: '/password', type: 'password', maxlength: 128, autocomplete: 'new-password', testid: 'rtsp-password' });
  const port = field({ label: tr`Port`, pointer: '/port', inputmode: 'numeric', maxlength: 5, autocomplete: 'off', testid: 'rtsp-port' });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'rtsp-save' });
  const fields = [enabled, userName, password, port];
  const form = h('form', { class: 'stack', 'data-testid': 'rtsp-form' }, fields.map((f) => f.el), h('div', { class: 'actions' }, save));

  function show(x) {
    enabled.value = x.enabled ? 'on' : 'off';
    userName.value = x.userName;
    port.value = String(x.port);
    password.value = '';
    password.hint(x.hasPassword ? tr`At least 12 characters; the present one stays when this is empty.` : tr`At least 12 characters.`);
    fill(state, x.enabled && sentence(x.state.severity, x.state.sentence));
    const host = location.hostname.includes(':') && !location.hostname.startsWith('[') ? `[${location.hostname}]` : location.hostname;
    fill(addresses, x.enabled && channelsByName().map((c) => address(c.name, `rtsp://${host}:${x.port}/${c.id}/main`)));
  }
  bind(form, { fields, button: save, busy: tr`Saving…`, async submit() {
    const body = { enabled: enabled.value === 'on', userName: userName.given, port: Number(port.given) };
    if (password.given !== null) body.password = password.given;
    show(await api.put('/relay/rtsp', body));
    toast(tr`Saved.`);
  } });
  return {
    el: card(tr`Other programs`, h('p', { class: 'muted small' }, tr`Recorders, VLC and the like open the cameras of this box by RTSP. Sessions end when this is changed.`), state, form, addresses),
    async load() { show(await api.get('/relay/rtsp')); },
  };
}

function address(name, text) {
  const code = h('code', {}, text);
  const copy = button(tr`Copy`, { look: 'quiet small', iconName: 'copy', 'aria-label': tr`Copy the address of ${name}`, async onClick() {
    try { await navigator.clipboard.writeText(text); toast(tr`Copied.`); } catch { getSelection().selectAllChildren(code); toast(tr`Selected; copy it with your keyboard.`); }
  } });
  return h('li', {}, h('span', {}, h('span', { class: 'strong' }, name), ' ', code), copy);
}
