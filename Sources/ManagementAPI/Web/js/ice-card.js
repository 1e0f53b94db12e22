// The card that says who helps viewers from afar to reach the box.
import { api } from './api.js';
import { toast } from './dialog.js';
import { h } from './dom.js';
import { bind, choice, field } from './form.js';
import { button, card } from './parts.js';

/** The card, and `load`, which gets what it shows. */
export function iceCard() {
  const turn = field({ label: 'TURN server', pointer: '/turnUrl', optional: true, maxlength: 300, inputmode: 'url', autocomplete: 'off', testid: 'ice-turn', hint: 'Such as turn:turn.example.com:3478. It passes pictures on where nothing else gets through.' });
  const kind = choice({ label: 'Signs in with', pointer: '/credentialKind', value: 'password', testid: 'ice-kind', options: [{ value: 'password', label: 'Password' }, { value: 'secret', label: 'Shared secret' }], onChange: draw });
  const userName = field({ label: 'User name', pointer: '/userName', maxlength: 128, autocomplete: 'off', testid: 'ice-user' });
  const credential = field({ label: 'Password or secret', pointer: '/credential', type: 'password', maxlength: 256, autocomplete: 'new-password', testid: 'ice-credential' });
  const stun = field({ label: 'STUN server', pointer: '/stunUrl', optional: true, maxlength: 300, inputmode: 'url', autocomplete: 'off', testid: 'ice-stun', hint: 'Such as stun:stun.example.com:3478. It tells the box its address on the internet.' });
  const first = field({ label: 'First UDP port', pointer: '/firstPort', optional: true, inputmode: 'numeric', maxlength: 5, autocomplete: 'off', testid: 'ice-first' });
  const last = field({ label: 'Last UDP port', pointer: '/lastPort', optional: true, inputmode: 'numeric', maxlength: 5, autocomplete: 'off', testid: 'ice-last', hint: 'For firewalls that let only some ports through.' });
  const save = button('Save', { look: 'primary', type: 'submit', testid: 'ice-save' });
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
    credential.hint(x.hasCredential ? 'The present one stays when this is empty.' : '');
    first.value = x.firstPort === null ? '' : String(x.firstPort);
    last.value = x.lastPort === null ? '' : String(x.lastPort);
    draw();
  }
  const port = (text) => (text === null ? null : /^\d+$/.test(text) ? Number(text) : text);
  bind(form, { fields, button: save, busy: 'Saving…', async submit() {
    const body = { turnUrl: turn.given, stunUrl: stun.given, credentialKind: kind.value, userName: userName.given, firstPort: port(first.given), lastPort: port(last.given) };
    if (credential.given !== null) body.credential = credential.given;
    else if (turn.given === null && before?.hasCredential) body.credential = null;
    show(await api.put('/relay/ice', body));
    toast('Saved.');
  } });
  return {
    el: card('Viewers from afar', h('p', { class: 'muted small' }, 'Live pictures go straight from the box to the viewer. Where a router or firewall stops them, these servers help; without them the page takes a way with more delay.'), form),
    async load() { show(await api.get('/relay/ice')); },
  };
}
