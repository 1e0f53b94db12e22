// The card that says who helps viewers from afar to reach the box.
import { api } from './api.js';
import { toast } from './dialog.js';
import { h } from './dom.js';
import { bind, choice, field } from './form.js';
import { tr } from './language.js';
import { button, card } from './parts.js';

/** The card, and `load`, which gets what it shows. */
export function iceCard() {
  const turn = field({ label: tr`TURN server`, pointer: '/turnUrl', optional: true, maxlength: 300, inputmode: 'url', autocomplete: 'off', testid: 'ice-turn', hint: tr`Such as turn:turn.example.com:3478. It passes pictures on where nothing else gets through.` });
  const kind = choice({ label: tr`Signs in with`, pointer: '/credentialKind', value: 'password', testid: 'ice-kind', options: [{ value: 'password', label: tr`Password` }, { value: 'secret', label: tr`Shared secret` }], onChange: draw });
  const userName = field({ label: tr`User name`, pointer: '/userName', maxlength: 128, autocomplete: 'off', testid: 'ice-user' });
  const credential = field({ label: tr`Password or secret`, pointer: '/credential', type: 'password', maxlength: 256, autocomplete: 'new-password', testid: 'ice-credential' });
  const stun = field({ label: tr`STUN server`, pointer: '/stunUrl', optional: true, maxlength: 300, inputmode: 'url', autocomplete: 'off', testid: 'ice-stun', hint: tr`Such as stun:stun.example.com:3478. It tells the box its address on the internet.` });
  const first = field({ label: tr`First UDP port`, pointer: '/firstPort', optional: true, inputmode: 'numeric', maxlength: 5, autocomplete: 'off', testid: 'ice-first' });
  const last = field({ label: tr`Last UDP port`, pointer: '/lastPort', optional: true, inputmode: 'numeric', maxlength: 5, autocomplete: 'off', testid: 'ice-last', hint: tr`For firewalls that let only some ports through.` });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'ice-save' });
  const fields = [turn, kind, userName, credential, stun, first, last];
  const form = h('form', { class: 'stack', 'data-testid': 'ice-form' }, fields.map((f) => f.el), h('div', { class: 'actions' }, save));
  let before = null;

  function draw() { userName.el.hidden = kind.value === 'secret'; }
  function show(x) {
    before = x;
    turn.value = x.turnUrl;
    stun.value = x.stunUrl;
    kind.value = x.credentialKind;
    userName.value = x.userName;
    credential.value = '';
    credential.hint(x.hasCredential ? tr`The present one stays when this is empty.` : '');
    first.value = x.firstPort === null ? '' : String(x.firstPort);
    last.value = x.lastPort === null ? '' : String(x.lastPort);
    draw();
  }
  const port = (text) => (text === null ? null : /^\d+$/.test(text) ? Number(text) : text);
  bind(form, { fields, button: save, busy: tr`Saving…`, async submit() {
    const body = { turnUrl: turn.given, stunUrl: stun.given, credentialKind: kind.value, userName: userName.given, firstPort: port(first.given), lastPort: port(last.given) };
    if (credential.given !== null) body.credential = credential.given;
    else if (turn.given === null && before?.hasCredential) body.credential = null;
    show(await api.put('/relay/ice', body));
    toast(tr`Saved.`);
  } });
  return {
    el: card(tr`Viewers from afar`, h('p', { class: 'muted small' }, tr`Live pictures go straight from the box to the viewer. Where a router or firewall stops them, these servers help; without them the page takes a way with more delay.`), form),
    async load() { show(await api.get('/relay/ice')); },
  };
}
