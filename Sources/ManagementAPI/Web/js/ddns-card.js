// The card for the name on the internet that follows the box's address.
import { api } from './api.js';
import { toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, choice, field } from './form.js';
import { tr } from './language.js';
import { button, card, sentence } from './parts.js';

const EVERY = 2000;

/** The card, and `load`, which gets what it shows. */
export function ddnsCard({ cleanup }) {
  const state = h('div', { 'data-testid': 'ddns-state', 'aria-live': 'polite' });
  const enabled = choice({ label: tr`Name`, pointer: '/enabled', value: 'off', testid: 'ddns-enabled', options: [{ value: 'off', label: tr`Off` }, { value: 'on', label: tr`On` }] });
  const name = field({ label: tr`Host name`, pointer: '/hostName', maxlength: 253, autocomplete: 'off', testid: 'ddns-name', hint: tr`Such as box.example.com.` });
  const server = field({ label: tr`Server`, pointer: '/serverUrl', maxlength: 300, inputmode: 'url', autocomplete: 'off', testid: 'ddns-server', hint: tr`Of No-IP, Dyn, or another that speaks dyndns2, such as https://dynupdate.no-ip.com.` });
  const userName = field({ label: tr`User name`, pointer: '/userName', maxlength: 128, autocomplete: 'off', testid: 'ddns-user' });
  const password = field({ label: tr`Password`, pointer: '/password', type: 'password', maxlength: 256, autocomplete: 'new-password', testid: 'ddns-password' });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'ddns-save' });
  const fields = [enabled, name, server, userName, password];
  const form = h('form', { class: 'stack', 'data-testid': 'ddns-form' }, fields.map((f) => f.el), h('div', { class: 'actions' }, save));
  let timer = 0;

  function draw(x) {
    fill(state, x.state.code !== 'off' && sentence(x.state.severity, x.state.sentence));
    clearTimeout(timer);
    if (x.state.code === 'updating') timer = setTimeout(look, EVERY);
  }
  async function look() {
    try { draw(await api.get('/relay/ddns')); } catch { timer = setTimeout(look, EVERY); }
  }
  function show(x) {
    enabled.value = x.enabled ? 'on' : 'off';
    name.value = x.hostName;
    server.value = x.serverUrl;
    userName.value = x.userName;
    password.value = '';
    password.hint(x.hasPassword ? tr`The present one stays when this is empty.` : '');
    draw(x);
  }
  bind(form, { fields, button: save, busy: tr`Saving…`, async submit() {
    const body = { enabled: enabled.value === 'on', hostName: name.given, serverUrl: server.given, userName: userName.given };
    if (password.given !== null) body.password = password.given;
    show(await api.put('/relay/ddns', body));
    toast(tr`Saved.`);
  } });
  cleanup(() => clearTimeout(timer));
  return {
    el: card(tr`Name on the internet`, h('p', { class: 'muted small' }, tr`The address that the provider gives changes; a name that is told of it (dynamic DNS) always leads here. The password goes to that server alone.`), state, form),
    async load() { show(await api.get('/relay/ddns')); },
  };
}
